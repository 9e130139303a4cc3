"""The queue of what waits for a person, decided from the command line and never undone by a later run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from projects import Kbgen, SmallForum, build_here, forum_topic

from kbgen.model import Ref
from kbgen.report import review
from kbgen.store import Store, open_store
from kbgen.store.suggestions import Suggestion


@pytest.fixture
def small(tmp_path: Path) -> SmallForum:
    """Four solved topics, and one that waits because a rule holds it."""
    forum = SmallForum(tmp_path / "small")
    forum.configure(rules={"answered": "hold"}, duplicates={"enabled": False})
    forum.write(forum_topic(9, "How do I feed the cat?", accepted=False))
    build_here(forum.folder, ["harvest", "curate"])
    return forum


def stored(forum: SmallForum) -> Store:
    """The store of a project."""
    return open_store(forum.folder / ".kbgen" / "store.sqlite")


def leads(forum: SmallForum) -> dict[str, str]:
    """Every published thread to its page's."""
    build_here(forum.folder, ["harvest", "curate"])
    store = stored(forum)
    try:
        return {str(ref): str(lead) for ref, lead in store.entries.leads().items()}
    finally:
        store.close()


def suggest(forum: SmallForum, *suggestions: Suggestion) -> None:
    """Leave suggestions in the store, as a step does."""
    store = stored(forum)
    with store.transaction():
        store.suggestions.replace("test", suggestions)
    store.close()


PAIR = Suggestion("merge", Ref("forum:1"), "forum:2", "test", 0.7, "similarity 0.70")
STALE = Suggestion("update", Ref("forum:3"), "", "test", 0.5, "a later reply says it no longer works")


def test_what_waits_is_listed(small: SmallForum, inside: Kbgen) -> None:
    """Held threads by ref with the reason, suggestions by id with the evidence."""
    suggest(small, PAIR, STALE)
    listed = inside("-C", small.folder, "review", "list")
    assert "held: 1 (publish it?)\n  forum:9  How do I feed the cat?" in listed.out
    assert f"  {PAIR.id}  How do I rename a room?\n" in listed.out
    assert "no longer works" in listed.out
    only = inside("-C", small.folder, "--json", "review", "list", "--kind", "update")
    assert [STALE.id] == [one["id"] for one in only.data["waiting"]]


def test_an_approved_thread_is_published(small: SmallForum, inside: Kbgen) -> None:
    """And a rejected one is not even held; the last word counts."""
    assert "forum:9" not in leads(small)
    assert inside("-C", small.folder, "review", "approve", "forum:9", "--by", "Dana").code == 0
    assert "forum:9" in leads(small)
    assert "approved (by site_config/review.yml)" in inside("-C", small.folder, "why", "forum:9").out
    inside("-C", small.folder, "review", "reject", "forum:9")
    assert "forum:9" not in leads(small)
    assert "Nothing waits" in inside("-C", small.folder, "review", "list").out


def test_an_approved_pair_becomes_one_page(small: SmallForum, inside: Kbgen) -> None:
    """The suggestion is answered at once, and the first thread leads."""
    suggest(small, PAIR)
    inside("-C", small.folder, "review", "approve", PAIR.id)
    assert PAIR.id not in inside("-C", small.folder, "review", "list").out
    assert "forum:1" == leads(small)["forum:2"]


def test_an_answered_suggestion_comes_back_with_new_evidence(small: SmallForum, inside: Kbgen) -> None:
    """Done is done, until there is something else to look at."""
    suggest(small, STALE)
    inside("-C", small.folder, "review", "approve", STALE.id)
    suggest(small, STALE)
    assert STALE.id not in inside("-C", small.folder, "review", "list").out
    suggest(small, STALE._replace(why="two later replies say it no longer works"))
    assert "two later replies" in inside("-C", small.folder, "review", "list").out


@pytest.mark.parametrize(
    "command",
    [
        ("approve", "abcdef12"), ("approve", "forum:77"), ("merge", "forum:1"), ("split", "forum:1", "nothing"),
        ("list", "--kind", "hold"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(small: SmallForum, inside: Kbgen, command: tuple[str, ...]) -> None:
    """Nothing is written, and the message says what can be done."""
    done = inside("-C", small.folder, "review", *command)
    assert (2, False) == (done.code, (small.folder / "site_config" / "review.yml").exists())


def test_pairs_kept_apart_by_a_writer_do_not_wait(small: SmallForum) -> None:
    """An overlay's ``split`` is an answer."""
    suggest(small, PAIR)
    store = stored(small)
    try:
        assert [] == [one for one in review.queue(store, frozenset(), [("forum:2", "forum:1")]) if one.kind == "merge"]
    finally:
        store.close()


@pytest.fixture(scope="module")
def shared_forum(tmp_path_factory: pytest.TempPathFactory) -> SmallForum:
    """One project for many examples; each begins without decisions."""
    forum = SmallForum(tmp_path_factory.mktemp("decisions") / "small", topics=4)
    build_here(forum.folder, ["harvest", "curate"])
    return forum


REFS = st.permutations([f"forum:{number}" for number in range(1, 5)])


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(decisions=st.lists(st.tuples(st.sampled_from(["merge", "split"]), REFS), min_size=1, max_size=4))
def test_no_later_run_undoes_a_decision(
    shared_forum: SmallForum, inside: Kbgen, decisions: list[tuple[str, list[str]]]
) -> None:
    """Whatever was merged and split, the last word about two threads holds after changes and clean runs alike."""
    file = shared_forum.folder / "site_config" / "review.yml"
    file.unlink(missing_ok=True)
    last: dict[frozenset[str], str] = {}
    for verb, refs in decisions:
        assert inside("-C", shared_forum.folder, "review", verb, *refs[:2]).code == 0
        last[frozenset(refs[:2])] = verb
    found = leads(shared_forum)
    apart = [pair for pair, verb in last.items() if verb == "split"]
    assert [] == [pair for pair in apart if len({found[ref] for ref in pair}) < 2]
    if not apart:
        assert [] == [pair for pair in last if len({found[ref] for ref in pair}) > 1]
    build_here(shared_forum.folder, ["curate"], clean=True)
    assert found == leads(shared_forum)
