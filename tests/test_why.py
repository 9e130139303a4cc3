"""Every decision about one thread or page, asked in every way people ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import FORUM, SITE, Kbgen, SmallForum, build_here, forum_topic

from kbgen.errors import UsageError
from kbgen.model import Ref
from kbgen.pipeline import Options, Run
from kbgen.progress import Silent
from kbgen.project import open_project
from kbgen.report.why import Explanation, explain, find_ref, words


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, frames: Path) -> Path:
    """Published twice: one thread merged into another, one withdrawn, one held back, one retitled by a writer."""
    forum = SmallForum(tmp_path_factory.mktemp("why") / "small", topics=6, frames=frames)
    build_here(forum.folder)
    (forum.recordings / "6.json").unlink()
    forum.write(forum_topic(5, "How do I mute the siren?", accepted=False))
    forum.write(forum_topic(4, "How do I read the log?", tags=["rooms", "odd-tag"]))
    overlays = forum.folder / "content" / "curated"
    overlays.mkdir()
    (overlays / "one.md").write_text("---\nthread: forum:1\nmerge: [forum:2]\ntitle: Rename\n---\n", encoding="utf-8")
    (forum.folder / "site_config" / "redirects.yml").write_text("/old/: /search/\n", encoding="utf-8")
    build_here(forum.folder)
    return forum.folder


@pytest.fixture(scope="module")
def run(built: Path) -> Iterator[Run]:
    """A run that looks."""
    with Run(open_project(built), Options(built / "site", jobs=1), Silent()) as opened:
        yield opened


def why(run: Run, what: str) -> Explanation:
    """As the command does."""
    ref = find_ref(what, run.store, run.library, run.project.config.site.url)
    return explain(ref, run.store, run.library, dict(run.project.overlays))


@pytest.mark.parametrize(
    "what",
    [
        "forum:3",
        "/q/how-do-i-pair-a-sensor-3/",
        "/q/how-do-i-pair-a-sensor-3",
        f"{SITE}q/how-do-i-pair-a-sensor-3/",
        f"{SITE}q/how-do-i-pair-a-sensor-3/?from=mail#answer",
        f"{FORUM}/t/how-do-i-pair-a-sensor/3",
        f"{FORUM}/t/how-do-i-pair-a-sensor/3/",
        f"{FORUM}/t/how-do-i-pair-a-sensor/3?u=me#reply",
    ],
)
def test_a_thread_is_found_by_every_name_it_has(run: Run, what: str) -> None:
    """Its ref, its page's address or path, with or without slash, query and fragment; and the live thread's."""
    assert "forum:3" == find_ref(what, run.store, run.library, SITE)


def test_a_published_thread_tells_verdict_page_and_canonical(run: Run) -> None:
    """All that was decided, each with its reason."""
    found = why(run, "forum:3")
    assert (
        Explanation(
            ref=found.ref,
            record="stored",
            outcome="publish",
            reasons=("accepted",),
            decided_by="rule",
            title="How do I pair a sensor?",
            url=f"{FORUM}/t/how-do-i-pair-a-sensor/3",
            tags=found.tags,
            cluster=((found.ref, "lead"),),
            page="/q/how-do-i-pair-a-sensor-3/",
            permalink="/q/how-do-i-pair-a-sensor-3/",
            canonical=f"{FORUM}/t/how-do-i-pair-a-sensor/3",
            canonical_rule="one-thread",
            in_sitemap=False,
        )
        == found
    )
    assert [("rooms", "source:rooms")] == [tuple(pair) for pair in found.tags]


def test_a_merged_thread_tells_where_it_went_and_why(run: Run) -> None:
    """Both threads with their evidence; the page of the lead; where the old address leads."""
    found = why(run, "forum:2")
    pages = {ref: path for ref, path in run.library.permalinks.items() if ref in {"forum:1", "forum:2"}}
    (page,) = pages.values()
    evidence = dict(found.cluster)
    assert ({"forum:1", "forum:2"}, page, True) == (set(evidence), found.page, found.in_sitemap)
    assert "merged" == found.canonical_rule
    assert [why for why in evidence.values() if "content/curated/one.md" in why]


def test_the_address_of_a_merged_thread_still_finds_it(run: Run) -> None:
    """Every permalink ever given leads to its thread, a page or not."""
    for ref, path in run.store.permalinks.all().items():
        found = find_ref(path, run.store, run.library, SITE)
        assert found == ref or path in run.library.pages


def test_a_withdrawn_thread_says_so(run: Run) -> None:
    """No longer in the forum: no page, and its address is gone."""
    found = why(run, "/q/how-do-i-share-a-home-6")
    assert ("forum:6", "withdrawn", None, None) == (found.ref, found.record, found.page, found.redirect)
    assert "/q/how-do-i-share-a-home-6/ -> gone" in words(found)


def test_a_thread_that_is_not_published_gives_the_reason(run: Run) -> None:
    """The verdict and what decided it; no page."""
    found = why(run, "forum:5")
    assert ("stored", "drop", ("answered",), None) == (found.record, found.outcome, found.reasons, found.page)


def test_a_writers_file_is_named(run: Run) -> None:
    """Who overruled the rules, and in which file."""
    assert "content/curated/one.md" == why(run, "forum:1").overlay


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("forum:999", "forum:999: the store has no such item; `kbgen status`"),
        ("nothing", "'nothing' is not a reference; write SOURCE:ID"),
        ("/q/no-such-page/", "/q/no-such-page/: no page and no stored thread has this address"),
        (f"{SITE}q/no-such-page/", "/q/no-such-page/: no page"),
        ("https://elsewhere.example.com/t/3", "/t/3: no page"),
        ("/questions/", "/questions/: a page made of others (listing); ask about one of the pages it shows"),
        ("/old/", "/old/: no thread's address; it redirects to /search/"),
    ],
)
def test_what_is_no_thread_is_told_as_what_it_is(run: Run, what: str, message: str) -> None:
    """Unknown, misspelt, a list, a redirect: exit 2, and the message says which."""
    with pytest.raises(UsageError) as caught:
        why(run, what)
    assert str(caught.value).startswith(message)


def test_people_read_lines(run: Run) -> None:
    """One fact a line; what is not there is not printed."""
    lines = words(why(run, "forum:3")).splitlines()
    assert [
        "forum:3  How do I pair a sensor?",
        f"  record     stored  {FORUM}/t/how-do-i-pair-a-sensor/3",
        "  verdict    publish: accepted (by rule)",
        "  tag        rooms (source:rooms)",
        "  page       /q/how-do-i-pair-a-sensor-3/",
        f"  canonical  {FORUM}/t/how-do-i-pair-a-sensor/3 (rule: one-thread; not in the sitemap)",
    ] == lines
    merged = words(why(run, "forum:1"))
    assert "  merged     forum:" in merged
    assert "  overlay    content/curated/one.md" in merged
    bare = words(Explanation(why(run, "forum:3").ref, "unknown"))
    assert "forum:3\n  record     unknown" == bare


def test_everything_that_was_noticed_is_printed() -> None:
    """Topics, unmapped tags, what was redacted, warnings."""
    ref = Ref("forum:1")
    found = Explanation(
        ref, "stored", topics=("home",), unmapped=("odd",), redacted=("email",), warnings=("forum:1: an odd date.",)
    )
    text = words(found)
    for line in ("  topics     home", "  unmapped   odd", "  redacted   email", "  warning    forum:1: an odd date."):
        assert line in text.splitlines()


def test_machines_read_json(inside: Kbgen, forum: SmallForum) -> None:
    """The same facts by name."""
    build_here(forum.folder)
    done = inside("-C", forum.folder, "--json", "why", "forum:3")
    assert ("/q/how-do-i-pair-a-sensor-3/", "one-thread", ["accepted"]) == (
        done.data["page"],
        done.data["canonical_rule"],
        done.data["reasons"],
    )
