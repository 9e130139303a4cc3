"""Day two and after: what happens to pages and addresses when threads change."""

from __future__ import annotations

import shutil
from pathlib import Path

from projects import SITE, Kbgen, SmallForum, forum_post, forum_topic


def build(forum: SmallForum, kbgen: Kbgen, *arguments: str, code: int = 0) -> None:
    """Build and expect an exit code."""
    done = kbgen("-C", forum.folder, "--json", "build", *arguments)
    assert code == done.code, done.out + done.err


def test_nothing_changed_writes_nothing(forum: SmallForum, kbgen: Kbgen) -> None:
    """A second build touches no file, not even to write the same bytes."""
    build(forum, kbgen)
    before = {file: file.stat().st_mtime_ns for file in forum.site.rglob("*")}
    build(forum, kbgen)

    assert before == {file: file.stat().st_mtime_ns for file in forum.site.rglob("*")}


def test_incremental_and_clean_builds_agree(forum: SmallForum, kbgen: Kbgen) -> None:
    """After edits, a new topic and a withdrawal, an incremental build has the bytes of a clean one."""
    build(forum, kbgen)
    forum.write(forum_topic(2, "How do I dim a lamp?", views=900, tags=["rooms", "lamps"]))
    forum.write(forum_topic(9, "How do I find the manual?"))
    (forum.recordings / "3.json").unlink()
    build(forum, kbgen)
    incremental = forum.tree()
    build(forum, kbgen, "--clean")

    assert incremental == forum.tree()


def test_one_edit_pours_few_pages(large_forum: SmallForum, kbgen: Kbgen) -> None:
    """An edited answer changes its page and the lists that show it, not its neighbours."""
    forum = large_forum
    build(forum, kbgen)
    before = forum.tree()
    topic = forum_topic(5, "How do I mute the siren?")
    topic["post_stream"]["posts"][1]["cooked"] += "<p>And then hold the key for a second, says the edit.</p>"
    forum.write(topic)
    build(forum, kbgen)
    after = forum.tree()
    changed = {name for name in after if name.endswith(".html") and after[name] != before.get(name)}

    assert {"q/how-do-i-mute-the-siren-5/index.html"} == {name for name in changed if name.startswith("q/")}


def test_an_unaccepted_answer_withdraws_the_page(forum: SmallForum, kbgen: Kbgen) -> None:
    """The page becomes a "gone" page, and its text is nowhere on the site: not in lists, feeds or search."""
    build(forum, kbgen)
    path = forum.paths()["forum:2"]
    forum.write(forum_topic(2, "How do I dim a lamp?", accepted=False))
    build(forum, kbgen)
    texts = b"".join(data for name, data in forum.tree().items() if not name.startswith("assets/"))

    assert {SITE + path[1:]: None} == forum.redirects()
    assert b"dim a lamp" not in texts
    assert b"noindex" in forum.tree()[path[1:] + "index.html"]


def test_nothing_is_kept_of_a_deleted_thread(forum: SmallForum, kbgen: Kbgen) -> None:
    """Deleted upstream: after the next run its words are in no file kbgen has, not even in the store's free pages."""
    build(forum, kbgen)
    assert b"number 3 for good" in forum.everything()
    (forum.recordings / "3.json").unlink()
    build(forum, kbgen)
    left = forum.everything()
    assert (b"number 3 for good" in left, b"number 2 for good" in left) == (False, True)


def test_a_restored_thread_gets_its_address_back(forum: SmallForum, kbgen: Kbgen) -> None:
    """Deleted and restored: the same permalink, and no redirect is left on it."""
    build(forum, kbgen)
    path = forum.paths()["forum:3"]
    (forum.recordings / "3.json").rename(forum.folder / "kept.json")
    build(forum, kbgen)
    gone = forum.redirects()
    (forum.folder / "kept.json").rename(forum.recordings / "3.json")
    build(forum, kbgen)

    assert {SITE + path[1:]: None} == gone
    assert path == forum.paths()["forum:3"]
    assert {} == forum.redirects()


def test_a_private_thread_is_withdrawn(forum: SmallForum, kbgen: Kbgen) -> None:
    """Made private upstream: gone at the next run."""
    build(forum, kbgen)
    forum.write(forum_topic(1, "How do I rename a room?", archetype="private_message"))
    build(forum, kbgen)

    assert "forum:1" not in forum.paths()


def test_a_retitled_thread_keeps_its_address(forum: SmallForum, kbgen: Kbgen) -> None:
    """The id is the identity: a new title changes the page, not its permalink."""
    build(forum, kbgen)
    path = forum.paths()["forum:1"]
    forum.write(forum_topic(1, "Where can I give a room another name?"))
    build(forum, kbgen)

    assert path == forum.paths()["forum:1"]
    assert b"another name" in forum.tree()[path[1:] + "index.html"]


def test_merged_threads_share_a_page_and_redirect(forum: SmallForum, kbgen: Kbgen) -> None:
    """A writer merges two threads: one page credits both, the other address leads there."""
    build(forum, kbgen)
    other = forum.paths()["forum:2"]
    overlay = forum.folder / "content" / "curated" / "one.md"
    overlay.parent.mkdir(exist_ok=True)
    overlay.write_text("---\nthread: forum:1\nmerge: [forum:2]\n---\n", encoding="utf-8")
    build(forum, kbgen)
    merged = next(line for line in forum.manifest() if "forum:1" in line.get("refs", []))

    assert {"forum:1", "forum:2"} == set(merged["refs"])
    assert merged["url"] == merged["canonical"]
    assert {SITE + path[1:] for path in (other,)} <= set(forum.redirects()) or merged["path"] == other


def test_equal_questions_become_one_page(forum: SmallForum, kbgen: Kbgen) -> None:
    """The same question asked twice in the same words is one page with two threads."""
    topic = forum_topic(1, "How do I rename a room?")
    posts = [
        forum_post(20, 1, "x") | {"cooked": topic["post_stream"]["posts"][0]["cooked"]},
        forum_post(20, 2, "Hold the name for two seconds and type another one.", accepted_answer=True),
    ]
    forum.write(forum_topic(20, "How do I rename a room?", post_stream={"posts": posts, "stream": [2001, 2002]}))
    build(forum, kbgen)

    assert [{"forum:1", "forum:20"}] == [
        set(line["refs"]) for line in forum.manifest() if "forum:20" in line.get("refs", [])
    ]


def test_permalinks_survive_a_lost_store(forum: SmallForum, kbgen: Kbgen) -> None:
    """A fresh machine reads addresses and redirects from the published manifest before it assigns any."""
    build(forum, kbgen)
    (forum.recordings / "4.json").unlink()
    forum.write(forum_topic(1, "Where can I give a room another name?"))
    build(forum, kbgen)
    before = forum.paths(), forum.redirects()
    shutil.rmtree(forum.folder / ".kbgen")
    build(forum, kbgen)

    assert before == (forum.paths(), forum.redirects())


def test_the_guard_stops_an_empty_night(large_forum: SmallForum, kbgen: Kbgen) -> None:
    """A source that suddenly returns almost nothing does not empty the site; a person may insist."""
    forum = large_forum
    forum.configure(guard={"max_vanish": 0.2, "min_pages": 5})
    build(forum, kbgen)
    before = forum.tree()
    for number in range(2, 13):
        (forum.recordings / f"{number}.json").unlink()
    build(forum, kbgen, code=3)

    assert before == forum.tree()
    build(forum, kbgen, "--allow-vanish")
    assert ["forum:1"] == list(forum.paths())


def test_jobs_do_not_change_bytes(forum: SmallForum, kbgen: Kbgen, tmp_path: Path) -> None:
    """One process or two, this folder or another: the same site."""
    build(forum, kbgen, "--jobs", "1")
    first = forum.tree()
    copy = SmallForum(tmp_path / "another" / "place")
    build(copy, kbgen, "--jobs", "2")

    assert first == copy.tree()
