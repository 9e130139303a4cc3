"""Pages on paper, in headless Chromium."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api")

STYLE = Path(__file__).parents[2] / "kbgen" / "theme" / "assets" / "kb.css"
CHROMIUM = os.environ.get("CHROME_PATH") or shutil.which("chromium") or shutil.which("google-chrome") or ""
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="no Chromium; set CHROME_PATH")]

BRAND = '[data-md-color-scheme="slate"] { --kb-bg: #13121b; --kb-text: #eeeef5; --kb-soft: #aab; }'
COLOURS = "['--kb-bg', '--kb-text', '--kb-soft'].map(n => getComputedStyle(document.body).getPropertyValue(n).trim())"


def test_paper_is_light_whatever_the_scheme() -> None:
    """Who reads in the dark prints black on white, also with a brand of dark colours."""
    html = (
        f'<style>{STYLE.read_text("utf-8")}</style><style>{BRAND}</style><body data-md-color-scheme="slate"><h1>A</h1>'
    )
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = browser.new_page()
        page.set_content(html)
        assert page.evaluate(COLOURS) == ["#13121b", "#eeeef5", "#aab"]
        page.emulate_media(media="print", color_scheme="dark")
        assert page.evaluate(COLOURS) == ["#fff", "#000", "#444"]
        browser.close()
