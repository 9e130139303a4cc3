"""Rules of ``kbgen.curate.unknown_refs``: refs that lead nowhere are told with the place they stand in."""

from __future__ import annotations

from kbgen.curate.unknown_refs import unknown_refs
from kbgen.model import Overlay, PlainText, Ref, Topic
from kbgen.model.terms import Slug


def overlay(ref: str, file: str = "content/curated/a.md", merge: str = "", split: str = "") -> Overlay:
    """A writer's overlay; refs apart from each other by spaces."""
    return Overlay(ref=Ref(ref), file=file, merge=tuple(map(Ref, merge.split())), split=tuple(map(Ref, split.split())))


def test_misspelt_refs_are_named() -> None:
    """The thread itself, what it is merged with or split from, and what a topic features."""
    one = overlay("forum:1", merge="forum:2", split="forum:3")
    topic = Topic(slug=Slug("set-up"), title=PlainText("Set up"), featured=(Ref("forum:4"),))
    (told,) = unknown_refs([one], [topic], [], set())
    assert told == (
        "refs that no source has (4): content/curated/a.md: forum:1, content/curated/a.md: forum:2, "
        "content/curated/a.md: forum:3, content/topics/set-up.md: forum:4"
    )


def test_known_refs_are_not_mentioned() -> None:
    """Whether they are published or not: who hides a thread names one that is no page."""
    assert [] == unknown_refs([overlay("forum:1", merge="forum:2")], [], [], {"forum:1", "forum:2"})


def test_reviews_of_threads_that_went_are_not_mentioned() -> None:
    """They were right when they were decided, and nobody misspelt them."""
    assert [] == unknown_refs([overlay("forum:1", "site_config/review.yml")], [], [], set())


def test_many_are_counted() -> None:
    """A source that was renamed makes a long list."""
    (told,) = unknown_refs([overlay(f"forum:{n}") for n in range(12)], [], [], set())
    assert told.startswith("refs that no source has (12)")
    assert told.endswith("forum:9 and 2 more")
