"""A small community's pages in four languages, for every test of the search."""

from __future__ import annotations

import pytest

from kbgen.search.documents import SearchDoc

HOSTILE = '<img src=x onerror="window.hacked=1"> router <script>window.hacked=1</script>'


@pytest.fixture
def pages() -> list[SearchDoc]:
    """Twelve pages: English in two topics, a hostile title, Hebrew, Chinese and Italian."""
    return [
        SearchDoc(
            "/q/reset-the-hub-1/",
            "How do I reset the hub to factory settings?",
            also=("My lamp base station must be wiped",),
            text="Hold the button for ten seconds until the light blinks. All scenes and rooms are deleted.",
            summary="Hold the button for ten seconds until the light blinks.",
            topic="hub",
            topic_title="The hub",
            tags=("Factory reset",),
            score=9.0,
            updated="2026-03-02",
            badge="accepted",
        ),
        SearchDoc(
            "/q/hub-offline-2/",
            "Hub offline after a power cut",
            text="Unplug the router first, wait a minute, then start the hub again. The hub needs port 8883.",
            topic="hub",
            topic_title="The hub",
            score=5.0,
            badge="staff",
        ),
        SearchDoc(
            "/q/refund-3/",
            "Where is my refund?",
            text="A refund takes five working days. Ask your bank about the payment after a week.",
            topic="billing",
            topic_title="Billing",
            score=7.0,
        ),
        SearchDoc(
            "/articles/invoices/",
            "Download your invoices",
            text="Invoices are in the account settings under payment history.",
            kind="article",
            topic="billing",
            topic_title="Billing",
            badge="written",
        ),
        SearchDoc("/q/hostile-4/", HOSTILE, text="Tests of hostile titles.", summary=HOSTILE, topic="hub"),
        SearchDoc("/q/api-5/", "call getDeviceList v2.1.0 from node.js", text="use device_list or c++ bindings"),
        SearchDoc("/q/to-be-6/", "What is it?", text="A question of common words."),
        SearchDoc("/q/חיבור-7/", "איך מחברים את הרכזת לרשת הבית?", text="מחברים את הכבל לנתב ומחכים דקה.", lang="he"),
        SearchDoc("/q/סיסמה-8/", "שכחתי את הסיסמה", text="לוחצים על הקישור בדף הכניסה.", lang="he"),
        SearchDoc("/q/重置-9/", "如何重置智能网关", text="长按按钮十秒钟直到指示灯闪烁。", lang="zh"),
        SearchDoc(
            "/q/fattura-10/", "Dove trovo la fattura?", text="Le fatture sono nelle impostazioni. Città.", lang="it"
        ),
        SearchDoc(
            "/q/rimborso-11/", "Quanto dura un rimborso?", text="Il rimborso arriva in cinque giorni.", lang="it"
        ),
    ]
