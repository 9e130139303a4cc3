"""Suggestions to people and learnt tags in the store."""

from contextlib import closing
from pathlib import Path

from kbgen.model import Ref
from kbgen.store import open_store
from kbgen.store.suggestions import Suggestion, TagRow


def merge(ref: str, other: str, *, why: str = "0.71", score: float = 0.7) -> Suggestion:
    """A probable duplicate."""
    return Suggestion("merge", Ref(ref), other, "similar", score, why)


def test_a_step_replaces_its_own_suggestions_only(tmp_path: Path) -> None:
    """What another step suggested stands."""
    stale = Suggestion("update", Ref("forum:1"), "", "staleness", 0.9, "Somebody says it no longer works.")
    with closing(open_store(tmp_path / "store.sqlite")) as store:
        store.suggestions.replace("similar", [merge("forum:1", "forum:2")])
        store.suggestions.replace("staleness", [stale])
        store.suggestions.replace("similar", [merge("forum:3", "forum:4"), merge("forum:3", "forum:5", score=0.8)])
        assert [merge("forum:3", "forum:5", score=0.8), merge("forum:3", "forum:4"), stale] == list(
            store.suggestions.all()
        )


def test_the_id_of_a_pair_does_not_depend_on_its_order_or_figure() -> None:
    """A decision about two threads holds whichever comes first and however similar they are tomorrow."""
    assert merge("forum:1", "forum:2").id == merge("forum:2", "forum:1", why="0.68").id
    assert merge("forum:1", "forum:2").id != merge("forum:1", "forum:3").id


def test_new_evidence_is_a_new_suggestion() -> None:
    """A page somebody has looked at comes back when there is something new to look at."""
    old = Suggestion("update", Ref("forum:1"), "", "staleness", 0.5, "One reply says it no longer works.")
    assert old.id != old._replace(why="Two replies say it no longer works.").id
    assert old.id == old._replace(score=0.6).id


def test_learnt_tags_are_kept_by_thread(tmp_path: Path) -> None:
    """A thread without any has a row, so that it is not asked about again, and no tags."""
    with closing(open_store(tmp_path / "store.sqlite")) as store:
        store.suggestions.put_tags([TagRow("forum:1", "a", "billing 0.91 applied"), TagRow("forum:2", "b", "")])
        assert {"forum:1": "a", "forum:2": "b"} == store.suggestions.tag_inputs()
        assert {Ref("forum:1"): "billing 0.91 applied"} == store.suggestions.tags()
        store.suggestions.delete_tags(["forum:1"])
        assert {} == store.suggestions.tags()
