"""Judge pages as they are poured, from memory: their own parts one by one, the shell around them once.

Harvested texts were parsed when they were curated and are not parsed again (``check_bodies``).

A shell is the same bytes on thousands of pages, so what it leads to, loads and runs is judged with the first page of
each folder. Links to other pages are questions until all pages are poured: ``answer`` takes them then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from kbgen.config import Config
from kbgen.model import Page
from kbgen.site.check_bodies import check_bodies, places_of
from kbgen.site.check_report import Finding
from kbgen.site.check_rules import judge, judge_frame
from kbgen.site.check_view import Limits, PageFacts, Resolver, Target, View, inline_scripts
from kbgen.site.engine import Frames
from kbgen.site.shells import HOLE, Poured, Shell


class Question(Struct, frozen=True):
    """Is there such a page (or such a place on it)? If not, ``finding`` holds."""

    path: str
    fragment: str
    finding: Finding


class _Asking(Resolver):
    """A resolver before the site is there: it keeps the questions."""

    def __init__(self, site_url: str) -> None:
        super().__init__(Path(), site_url)
        self.questions: list[Question] = []
        self._put: set[Target] = set()

    def asked(self, target: Target, *, by_user: bool = False) -> bool:
        # What stands in harvested texts is named page by page; a link of our own that breaks, breaks everywhere.
        return not by_user and target in self._put

    def lacks(self, target: Target, finding: Finding) -> bool:
        self._put.add(target)
        self.questions.append(Question(target.path, target.fragment, finding))
        return False


class PouredChecks:
    """The checks of one worker; what it learnt of a shell serves all its pages.

    Args:
        config: for ``site.url`` and ``site.noindex``.
        frames: what the engine built.
    """

    def __init__(self, config: Config, frames: Frames) -> None:
        self._limits = Limits(config.site.url, frozenset(_frame_scripts(frames)), config.site.noindex)
        self._views: dict[int, View] = {}
        self._judged: set[tuple[int, str]] = set()
        self._resolver = _Asking(config.site.url)

    def check(self, page: Page, poured: Poured, data: bytes) -> list[Finding]:
        """What is wrong with a page, as far as it can be told from itself.

        Args:
            page: what it should be.
            poured: its shell and its own parts.
            data: its bytes.
        """
        facts = PageFacts.of(page)
        if facts.written:
            return list(judge(View(data), facts, self._resolver, self._limits))
        frame = self._frame(poured.shell)
        found = list(self._around(frame, poured.shell, facts))
        view = View(_own_part(poured), frame, len(data), places_of(poured.bodies))
        found += judge(view, facts, self._resolver, self._limits)
        found += check_bodies(poured.bodies, view, facts, self._resolver, self._limits.site_url)
        return found

    def questions(self) -> tuple[Question, ...]:
        """What has to be asked of the whole site; each question is given once."""
        found = tuple(self._resolver.questions)
        self._resolver.questions.clear()
        return found

    def _frame(self, shell: Shell) -> View:
        view = self._views.get(id(shell))
        if view is None:
            view = self._views[id(shell)] = View(shell.pour(dict.fromkeys(shell.slots, "")))
        return view

    def _around(self, frame: View, shell: Shell, facts: PageFacts) -> Iterator[Finding]:
        # A shell's links are relative: they lead to the same pages from all pages of one folder.
        place = (id(shell), facts.path.rstrip("/").rpartition("/")[0])
        if place not in self._judged:
            self._judged.add(place)
            yield from judge_frame(frame, facts, self._resolver, self._limits)


def _own_part(poured: Poured) -> bytes:
    values = poured.values
    # A hole is no character of HTML; the bodies are judged as they are.
    parts = (values["kb_lang"], values["kb_head"], values["content"].replace(HOLE, ""))
    return '<!doctype html><html lang="{}"><head>{}</head><body>{}</body></html>'.format(*parts).encode()


def _frame_scripts(frames: Frames) -> Iterator[str]:
    for shell in frames.shells():
        yield from inline_scripts(View(shell.pour(dict.fromkeys(shell.slots, ""))))


def answer(questions: Iterable[Question], pages: Iterable[str], folder: Path, config: Config) -> list[Finding]:
    """Answer what was asked while pages were poured.

    Args:
        questions: of all workers.
        pages: paths of the pages of the site; that their files are there is another check's business.
        folder: the site's files.
        config: for ``site.url``.
    """
    known = frozenset(pages)
    resolver = Resolver(folder, config.site.url)
    found: list[Finding] = []
    for question in questions:
        if question.fragment or question.path not in known:
            target = Target(path=question.path, fragment=question.fragment)
            if resolver.lacks(target, question.finding):
                found.append(question.finding)
    return found
