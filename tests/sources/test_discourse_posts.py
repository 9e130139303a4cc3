"""Rules of ``kbgen.sources.discourse_posts``: topics out of posts that were recorded one by one, by pages or in lists."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from source_builders import FORUM, discourse, post, put_archive, read, tar_bytes, threads, topic, write_json

from kbgen.errors import RecordError, SourceTruncated
from kbgen.model import RawRecord, Ref, Solved, Thread
from kbgen.sources.base import Unchanged

Members = dict[str, Any]


def single(number: int, *, topic_id: int = 42, **changes: Any) -> dict[str, Any]:
    """A post as ``/posts.json`` lists it; its id tells its topic, too."""
    about = {"topic_id": topic_id, "topic_title": "How do I reset the hub?", "topic_slug": "how-do-i-reset-the-hub"}
    return post(number, id=100 * (topic_id - 41) + number, category_id=5, **about) | changes


def only(project: Path, members: Members, form: str = "folder") -> Thread:
    """The one thread of an archive."""
    put_archive(project, members, form)
    (thread,) = threads(discourse(project))
    return thread


def numbers(thread: Thread) -> list[int]:
    """The posts of a thread, by the number in their addresses."""
    return [int(one.url.rpartition("/")[2]) for one in (thread.question, *thread.answers)]


def words(thread: Thread) -> list[str]:
    """What its answers say."""
    return [answer.html for answer in thread.answers]


@pytest.mark.parametrize("form", ["folder", "tar", "tar.zst"])
def test_single_posts_become_a_topic(form: str, tmp_path: Path) -> None:
    """In whatever order they lie in the archive, with what they say of their topic, accepted answers included."""
    names = {"2024-03/3.json": 3, "2024-03/1.json": 1, "2024-02/2.json": 2}
    thread = only(tmp_path, {name: single(number, accepted_answer=number == 2) for name, number in names.items()}, form)
    assert (thread.ref, thread.title, thread.category) == ("forum:42", "How do I reset the hub?", ("5",))
    assert thread.url == f"{FORUM}/t/how-do-i-reset-the-hub/42"
    assert (numbers(thread), thread.solved) == ([1, 2, 3], (Solved("102", "accepted", by=None),))
    assert (str(thread.created)[:10], str(thread.updated)[:10]) == ("2024-03-01", "2024-03-03")
    assert thread.warnings == ()


def test_lists_of_the_newest_posts_become_topics(tmp_path: Path) -> None:
    """A topic whose first post lies further back than the lists go is none, and no error."""
    later = [single(4), single(9, topic_id=43), single(3)]
    members = {"posts-1.json": {"latest_posts": later}, "posts-2.json": {"latest_posts": [single(2), single(1)]}}
    put_archive(tmp_path, members)
    records, errors = read(discourse(tmp_path))
    assert ([record.ref for record in records], errors) == (["forum:42"], [])
    assert numbers(discourse(tmp_path).parse(records[0])) == [1, 2, 3, 4]


def pages(posts: Iterable[int], stream: Iterable[int], **changes: Any) -> dict[str, Any]:
    """A page of a topic whose posts have the numbers ``stream``."""
    listed = [100 + number for number in stream]
    return topic(**changes) | {"post_stream": {"posts": [post(number) for number in posts], "stream": listed}}


@pytest.mark.parametrize("form", ["folder", "tar", "tar.zst"])
def test_pages_of_a_topic_are_put_together(form: str, tmp_path: Path) -> None:
    """Whether they were asked for by number or by the ids of their posts, when they lie in one folder."""
    members = {
        "42.json": pages([1, 2], range(1, 8)),
        "42-page2.json": pages([3, 4], range(1, 8)),
        "42-posts.json": {"id": 42, "post_stream": {"posts": [post(5), post(6)]}},
        "post-107.json": single(7),
        "43.json": topic(id=43),
    }
    put_archive(tmp_path, members, form)
    found = {thread.ref: thread for thread in threads(discourse(tmp_path))}
    assert numbers(found[Ref("forum:42")]) == [1, 2, 3, 4, 5, 6, 7]
    assert numbers(found[Ref("forum:43")]) == [1, 2]
    assert found[Ref("forum:42")].warnings == ()


def test_an_earlier_recording_completes_nothing(tmp_path: Path) -> None:
    """What only an earlier folder holds may have been hidden since; what the topic no longer lists was taken away."""
    members = {
        "2024-01/42.json": pages([1, 2], range(1, 5)),
        "2024-01/42-page2.json": pages([3, 4], range(1, 5)),
        "2024-01/posts.json": {"latest_posts": [single(3), single(4)]},
        "2024-02/42.json": pages([1, 2], [1, 2, 3]),
        "2024-02/42-posts.json": {"id": 42, "post_stream": {"posts": [post(4)]}},
    }
    members["2024-02/42.json"]["post_stream"]["stream"].append(105)
    thread = only(tmp_path, members)
    assert numbers(thread) == [1, 2]
    assert thread.warnings == ("2 of 4 posts are not in the recording; record the topic with all its pages.",)


def test_posts_written_after_a_topic_was_recorded_join_it(tmp_path: Path) -> None:
    """From any folder, for the topic could not list them, and the thread was active since."""
    thread = only(tmp_path, {"t/42.json": topic(), "posts/103.json": single(3), "posts/104.json": single(4)})
    assert (numbers(thread), str(thread.updated)[:10], thread.views) == ([1, 2, 3, 4], "2024-03-04", 7)


def test_the_newest_recording_of_a_post_counts(tmp_path: Path) -> None:
    """By the forum's own time, and then the last in path order; also beside its topic."""
    edited: Members = {"updated_at": "2024-03-09T10:00:00.000Z"}
    members = {
        "z/1.json": single(1),
        "a/2.json": single(2, cooked="<p>Edited.</p>", **edited),
        "z/2.json": single(2),
        "a/3.json": single(3),
        "z/3.json": single(3, cooked="<p>Recorded again.</p>"),
        "t/43.json": topic([post(1), post(2)], id=43),
        "t/43-post.json": single(2, id=102, topic_id=43, cooked="<p>Edited, too.</p>", **edited),
        "t/43-first.json": single(1, id=101, topic_id=43, cooked="<p>Of the same time.</p>"),
    }
    put_archive(tmp_path, members)
    found = {thread.ref: thread for thread in threads(discourse(tmp_path))}
    assert words(found[Ref("forum:42")]) == ["<p>Edited.</p>", "<p>Recorded again.</p>"]
    assert words(found[Ref("forum:43")]) == ["<p>Edited, too.</p>"]
    assert found[Ref("forum:43")].question.html == "<p>Words of post 1.</p>"


def test_the_title_is_that_of_the_newest_post(tmp_path: Path) -> None:
    """A topic is retitled, and what was recorded before keeps the old title."""
    thread = only(
        tmp_path, {"1.json": single(1, topic_title="Hub?"), "2.json": single(2), "3.json": post(3, topic_id=42)}
    )
    assert (thread.title, numbers(thread)) == ("How do I reset the hub?", [1, 2, 3])


def test_a_topic_without_its_first_post_is_named(tmp_path: Path) -> None:
    """So that somebody records it; the others are read."""
    put_archive(tmp_path, {"2.json": single(2), "3.json": single(3), "43.json": single(1, topic_id=43)})
    records, (error,) = read(discourse(tmp_path))
    assert [record.ref for record in records] == ["forum:43"]
    assert error.place == f"{tmp_path}/topics:2.json"
    assert error.problem == "the first post of topic 42 was not recorded; record /t/42.json?print=true, too"


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        (
            {"p.json": {"latest_posts": [single(1), {"id": "x", "post_number": 2, "topic_id": 42}]}},
            "entry 2 is not a post",
        ),
        ({"1.json": single(1), "2.json": single(2, id=2**64)}, "is not a post as Discourse writes it"),
        ({"1.json": single(1), "2.json": single(2, topic_id=2**70)}, "too large"),
        ({"1.json": single(1), "2.json": {"id": 42, "post_stream": {"posts": 5}}}, "does not hold posts"),
        ({"1.json": single(1), "42.json": {"id": 7, "title": "x", "post_stream": 5}}, "is not a topic as Discourse"),
    ],
)
def test_what_cannot_be_read_is_named(members: Members, problem: str, tmp_path: Path) -> None:
    """One bad post stops no other."""
    put_archive(tmp_path, members)
    records, (error,) = read(discourse(tmp_path))
    assert [record.ref for record in records] == ["forum:42"]
    assert problem in error.problem
    assert f"{tmp_path}/topics:" in error.place


def test_a_faulty_topic_with_further_posts_is_an_error_of_its_own(tmp_path: Path) -> None:
    """What is wrong with a recording is said where it is parsed, not in the middle of the harvest."""
    put_archive(tmp_path, {"42.json": topic([{"id": "x"}]), "103.json": single(3), "43.json": topic(id=43)})
    source = discourse(tmp_path)
    records, errors = read(source)
    assert ({record.ref for record in records}, errors) == ({"forum:42", "forum:43"}, [])
    faulty = next(record for record in records if record.ref == "forum:42")
    with pytest.raises(RecordError, match=r"42\.json: is not a topic as Discourse writes it"):
        source.parse(faulty)


def test_a_topic_without_a_title_anywhere_is_an_error(tmp_path: Path) -> None:
    """Single posts may come without it."""
    put_archive(tmp_path, {"1.json": post(1, topic_id=42)})
    source = discourse(tmp_path)
    ((record,), _) = read(source)
    with pytest.raises(RecordError, match="the topic has no title"):
        source.parse(record)


@pytest.mark.parametrize("form", ["folder", "tar", "tar.zst"])
def test_what_is_the_same_is_unchanged(form: str, tmp_path: Path) -> None:
    """A topic is read again when one of its posts, its own recording or its category is another one."""
    members = {
        "site.json": {"categories": [{"id": 5, "name": "Hubs"}]},
        "posts.json": {"latest_posts": [single(2), single(1)]},
        "43.json": topic(id=43),
        "43-more.json": single(3, topic_id=43),
        "44.json": topic(id=44),
        "45-1.json": single(1, topic_id=45),
    }
    put_archive(tmp_path, members, form)
    records, _ = read(discourse(tmp_path))
    known = {record.ref: record.signature for record in records}
    assert {"forum:42", "forum:43", "forum:44", "forum:45"} == set(known)
    assert {Unchanged(ref) for ref in known} == set(discourse(tmp_path).changes(known))

    def changed(**more: Any) -> set[str]:
        put_archive(tmp_path, members | more, form)
        found = set(discourse(tmp_path).changes(known))
        put_archive(tmp_path, members, form)
        assert len(found) == 4
        return {one.ref for one in found if isinstance(one, RawRecord)}

    assert changed(**{"posts.json": {"latest_posts": [single(3), single(2), single(1)]}}) == {"forum:42"}
    assert changed(**{"43-more.json": single(3, topic_id=43, cooked="<p>Edited.</p>")}) == {"forum:43"}
    assert changed(**{"43.json": topic(id=43, title="Another title")}) == {"forum:43"}
    assert changed(**{"45-1.json": single(1, topic_id=45, hidden=True)}) == {"forum:45"}
    assert changed(**{"site.json": {"categories": [{"id": 5, "name": "Lamps"}]}}) == set(known)


def test_a_topic_that_lacks_nothing_is_the_recording_itself(tmp_path: Path) -> None:
    """Posts that lie about twice change neither payload nor signature."""
    file = write_json(tmp_path / "topics/42.json", topic())
    ((before,), _) = read(discourse(tmp_path))
    write_json(tmp_path / "topics/posts.json", {"latest_posts": [single(2), single(1)]})
    ((after,), _) = read(discourse(tmp_path))
    assert (after.payload, after.signature, after.place) == (file.read_bytes(), before.signature, before.place)


def test_a_cut_archive_puts_nothing_together(tmp_path: Path) -> None:
    """Who knows what it lost: an accepted answer, perhaps. Whole topics are yielded before the error."""
    members = {"43.json": topic(id=43), "1.json": single(1), "2.json": single(2), "pad.json": {"categories": []}}
    data = tar_bytes({name: json.dumps(content).encode() for name, content in members.items()})
    (tmp_path / "topics.tar").write_bytes(data[: data.index(b"pad.json")])
    found: list[Ref] = []
    with pytest.raises(SourceTruncated):
        found.extend(one.ref for one in discourse(tmp_path, "topics.tar").records() if isinstance(one, RawRecord))
    assert found == ["forum:43"]


def test_a_restricted_category_is_private(tmp_path: Path) -> None:
    """Posts say no more of their topic's visibility than its category."""
    members = {"site.json": {"categories": [{"id": 5, "name": "Staff", "read_restricted": True}]}, "1.json": single(1)}
    assert only(tmp_path, members).visibility == "private"
