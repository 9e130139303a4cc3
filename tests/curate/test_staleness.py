"""Signs against an answer: what is seen, and what is not."""

import msgspec
import pytest
from curate_samples import LONG, post, thread

from kbgen.config import RulesConfig
from kbgen.curate.answers import rank_answers
from kbgen.curate.staleness import signs, suggestions
from kbgen.curate.text import html_text
from kbgen.model import Cluster, Head, PlainText, Ref, Thread
from kbgen.store.suggestions import Suggestion

RULES = RulesConfig(current_version="4.2")
BEST = post("1", f"<p>{LONG}</p>", created=2, score=3)


def against(given: Thread, rules: RulesConfig = RULES) -> tuple[str, ...]:
    """What speaks against the best answer of a thread."""
    texts = {one.id: html_text(one.html) for one in given.answers}
    return signs(given, rank_answers(given, rules, texts), texts, rules)


@pytest.mark.parametrize(
    "said",
    [
        "Sadly this no longer works.", "It doesn't work anymore since May.", "That menu has been removed, it is deprecated.",
        "Non funziona più da ieri.", "זה כבר לא עובד אצלי.", "这个方法已经过时了。",
        "They are not supported any more.", "It stopped working.", "This is obsolete.", "Your link is outdated.",
        "It is out of date.", "An out-of-date hint.", "To już nie działa.", "Das funktioniert nicht mehr.",
        "Ça ne fonctionne plus.", "Ya no funciona.", "它不再可用。", "链接已失效。",
    ],
)  # fmt: skip
def test_a_later_reply_that_says_so_is_a_sign(said: str) -> None:
    """In several languages, with the day and the sentence."""
    (found,) = against(thread(BEST, post("2", f"<p>Hello all. {said}</p>", created=5), accepted=("1",)))
    assert f"update:a later reply of 2026-01-05 says: {said}" == found


@pytest.mark.parametrize(
    ("said", "created"),
    [("It works, thanks!", 5), ("I no longer worry about it.", 5), ("My old one no longer works.", 1)],
)
def test_other_replies_are_none(said: str, created: int) -> None:
    """Neither thanks, nor other words with "no longer", nor what was said before the answer was written."""
    assert () == against(thread(BEST, post("2", f"<p>{said}</p>", created=created), accepted=("1",)))


@pytest.mark.parametrize(("score", "created", "seen"), [(9, 5, True), (5, 5, False), (9, 1, False)])
def test_a_newer_answer_far_ahead_contradicts(score: int, created: int, seen: bool) -> None:  # noqa: FBT001
    """At least twice the votes of the accepted one, three more, and newer."""
    found = against(
        thread(BEST, post("2", f"<p>{LONG} Or rather not.</p>", score=score, created=created), accepted=("1",))
    )
    assert (("contradict:a newer answer has 9 votes, the accepted one 3",) if seen else ()) == found


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("In version 2.7 the menu is on the left.", "2.7"),
        ("Since v4.2 it is on the left, in version 2 on the right.", None),
        ("Take 2.5 mm cable.", None),
    ],
)
def test_an_older_version_is_a_sign(text: str, sign: str | None) -> None:
    """Only where every version that is spoken of is older than the product's, and only where that is known."""
    given = thread(post("1", f"<p>{LONG} {text}</p>"), accepted=("1",))
    expected = (f"update:it speaks of version {sign}; the current one is 4.2",) if sign else ()
    assert (expected, ()) == (against(given), against(given, RulesConfig()))


def test_signs_and_repeated_questions_become_suggestions() -> None:
    """One of a kind for each thread; a page of three threads asks for an article."""
    one = Head(Ref("forum:1"), PlainText("t"), "en", "", (), 0.0, signs=("update:a", "update:b", "contradict:c"))
    three = Cluster(one.ref, (one.ref, Ref("forum:2"), Ref("forum:3")))
    assert [
        Suggestion("update", one.ref, "", "signs", 0.8, "a; b"),
        Suggestion("contradict", one.ref, "", "signs", 0.6000000000000001, "c"),
        Suggestion("create", one.ref, "", "signs", 0.3, "asked 3 times; no article answers it"),
    ] == suggestions([one], [three, msgspec.structs.replace(three, members=(Ref("forum:4"),))])
