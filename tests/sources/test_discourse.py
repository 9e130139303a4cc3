"""Rules of ``kbgen.sources.discourse``."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from source_builders import FORUM, discourse, post, put_archive, read, tar_bytes, threads, topic, write_json

from kbgen.errors import RecordError, SourceTruncated
from kbgen.model import Person, Post, RawRecord, Ref, Solved, Thread
from kbgen.sources.base import Unchanged


def only(project: Path, data: dict[str, Any], **options: Any) -> Thread:
    """The one thread of a forum whose only recording is ``data``."""
    write_json(project / "topics/42.json", data)
    (thread,) = threads(discourse(project, **options))
    return thread


def test_a_topic_becomes_a_thread(tmp_path: Path) -> None:
    """Every field of a topic arrives in its place."""
    thread = only(tmp_path, topic())
    url = f"{FORUM}/t/how-do-i-reset-the-hub/42"
    author = Person("1", "user1", f"{FORUM}/u/user1")
    asked = Post("101", f"{url}/1", "<p>Words of post 1.</p>", author, datetime(2024, 3, 1, 10, tzinfo=UTC), score=1)
    assert asked == thread.question
    assert [answer.id for answer in thread.answers] == ["102"]
    shown = (thread.ref, thread.url, thread.title, thread.tags, thread.category, thread.views, thread.visibility)
    assert shown == ("forum:42", url, "How do I reset the hub?", ("hub",), ("5",), 7, "public")
    assert (datetime(2024, 3, 1, 10, tzinfo=UTC), datetime(2024, 3, 2, 10, tzinfo=UTC)) == (
        thread.created,
        thread.updated,
    )
    assert (thread.solved, thread.closed, thread.warnings) == ((), None, ())


@pytest.mark.parametrize(
    ("marked", "changes", "by"),
    [
        (True, {}, None),
        (False, {"accepted_answer": {"post_number": 2, "username": "user2", "accepter_username": "ada"}}, "ada"),
        (False, {"accepted_answers": [{"id": 102, "post_number": 2, "accepter_username": "ada"}]}, "ada"),
        (True, {"accepted_answers": [{"id": 102, "post_number": 2}], "accepted_answer": {"post_number": 2}}, None),
    ],
)
def test_every_shape_of_an_accepted_answer_is_read(
    changes: dict[str, Any], by: str | None, tmp_path: Path, *, marked: bool
) -> None:
    """The accepted answer is the union of the post's flag, the list of ids and the post number."""
    thread = only(tmp_path, topic([post(1), post(2, accepted_answer=marked), post(3)], **changes))
    assert thread.solved == (Solved("102", "accepted", by=by),)


def test_several_answers_may_be_accepted(tmp_path: Path) -> None:
    """Two solutions, each known another way, are both kept in post order."""
    posts = [post(1), post(2), post(3, accepted_answer=True), post(4)]
    thread = only(tmp_path, topic(posts, accepted_answers=[{"id": 104}, {"id": 102}]))
    assert [mark.post_id for mark in thread.solved] == ["102", "103", "104"]


@pytest.mark.parametrize(
    ("posts", "mark", "problem"),
    [
        ([post(1), post(2)], {"post_number": 9}, "post number 9, is not in the recording"),
        ([post(1), post(2, user_deleted=True)], {"post_number": 2}, "post 102, is deleted"),
        ([post(1), post(2, hidden=True)], {"post_number": 2}, "post 102, is hidden"),
        ([post(1), post(2, post_type=3)], {"post_number": 2}, "post number 2, is not in the recording"),
        ([post(1), post(2)], {"post_number": 1}, "post 101, is the question itself"),
    ],
)
def test_a_solution_nobody_can_read_is_none(
    posts: list[dict[str, Any]], mark: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    """An accepted answer that is missing, deleted or hidden leaves a warning and the topic unsolved."""
    thread = only(tmp_path, topic(posts, accepted_answer=mark))
    assert thread.solved == ()
    assert [f"The accepted answer, {problem}; it counts as not accepted."] == list(thread.warnings)


@pytest.mark.parametrize(
    ("changes", "visibility"),
    [
        ({"visible": False}, "unlisted"),
        ({"archetype": "private_message"}, "private"),
        ({"deleted_at": "2024-03-05T10:00:00.000Z"}, "deleted"),
        ({"deleted_at": "2024-03-05T10:00:00.000Z", "archetype": "private_message"}, "deleted"),
        ({"post_stream": {"posts": [post(1, hidden=True)]}}, "hidden"),
        ({"post_stream": {"posts": [post(1, user_deleted=True)]}}, "deleted"),
        ({"archetype": "banner"}, "public"),
    ],
)
def test_visibility_is_decided_once(changes: dict[str, Any], visibility: str, tmp_path: Path) -> None:
    """A topic is public only when nothing about it or its question says otherwise."""
    assert visibility == only(tmp_path, topic(**changes)).visibility


def test_small_actions_and_whispers_are_left_out(tmp_path: Path) -> None:
    """Only regular posts are answers; hidden and deleted ones are marked."""
    posts = [
        post(1),
        post(2, post_type=3),
        post(3, post_type=4),
        post(4, hidden=True),
        post(5, deleted_at="2024-03-09"),
    ]
    thread = only(tmp_path, topic(posts))
    assert [(item.id, item.hidden, item.deleted) for item in thread.answers] == [
        ("104", True, False),
        ("105", False, True),
    ]


@pytest.mark.parametrize(
    ("changes", "options", "staff"),
    [
        ({}, {}, False),
        ({"moderator": True}, {}, True),
        ({"admin": True}, {}, True),
        ({"staff": True}, {}, True),
        ({}, {"staff": ["USER2"]}, True),
        ({}, {"staff": ["2"]}, True),
        ({}, {"staff": ["22"]}, False),
    ],
)
def test_staff_is_what_the_platform_or_the_configuration_says(
    changes: dict[str, Any], options: dict[str, Any], tmp_path: Path, *, staff: bool
) -> None:
    """A post's own flags, and names or ids of the configuration, make its author staff."""
    thread = only(tmp_path, topic([post(1), post(2, **changes)]), **options)
    assert staff is thread.answers[0].author.is_staff


def test_a_gone_account_is_credited_without_a_profile(tmp_path: Path) -> None:
    """An author without a user id keeps the name and has no profile page."""
    thread = only(tmp_path, topic([post(1), post(2, user_id=None)]))
    assert Person("", "user2", None, deleted=True) == thread.answers[0].author


def test_an_edit_is_a_second_version(tmp_path: Path) -> None:
    """The time of an edit counts when there is a second version: rebuilding a post moves it too."""
    thread = only(tmp_path, topic([post(1), post(2, version=2)]))
    assert (None, datetime(2024, 3, 2, 12, tzinfo=UTC)) == (thread.question.edited, thread.answers[0].edited)


def test_an_answer_without_author_is_left_out(tmp_path: Path) -> None:
    """Nobody goes uncredited: such an answer is left out with a warning."""
    thread = only(tmp_path, topic([post(1), post(2, username=None, name=None), post(3)]))
    assert [answer.id for answer in thread.answers] == ["103"]
    assert thread.warnings == ("Post 102 has no author to credit and was left out.",)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (topic(title=""), "the topic has no title; record it again"),
        (topic(title=None), "the topic has no title"),
        (topic([post(2)]), "the topic has no first post"),
        (topic([]), "the topic has no first post"),
        (topic([post(1, username=None, name=None)]), "post 101, the question, has no author to credit"),
        (
            topic([post(1), post(2, username=None, name=None, accepted_answer=True)]),
            "post 102, the accepted answer, has",
        ),
        (topic(created_at="soon"), "Invalid isoformat string: 'soon'"),
        (topic([post(1, id="x")]), r"Expected `int`, got `str`"),
    ],
)
def test_a_topic_that_cannot_be_published_is_a_record_error(data: dict[str, Any], problem: str, tmp_path: Path) -> None:
    """A topic without title, question or credit raises an error that names its file."""
    file = write_json(tmp_path / "topics/42.json", data)
    source = discourse(tmp_path)
    (record,), _ = read(source)
    with pytest.raises(RecordError) as caught:
        source.parse(record)
    assert f"{file.parent}:42.json" == caught.value.place
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("<!DOCTYPE html><html>Log in</html>", "is an HTML page, not JSON (a login or challenge page was recorded?)"),
        ("\ufeff  <html>", "is an HTML page, not JSON"),
        ('{"errors":["Not allowed."],"error_type":"invalid_access"}', "is not a topic (the forum said: Not allowed.)"),
        ('{"id": 42, "title": "x"', "is not a topic as Discourse writes it"),
        ("[]", "is not a topic as Discourse writes it"),
        ("", "is not a topic as Discourse writes it"),
    ],
)
def test_a_recording_of_something_else_is_an_error(content: str, problem: str, tmp_path: Path) -> None:
    """What is not a topic is named, and the others are read."""
    write_json(tmp_path / "topics/42.json", topic())
    (tmp_path / "topics/7.json").write_text(content, encoding="utf-8")
    records, (error,) = read(discourse(tmp_path))
    assert [record.ref for record in records] == ["forum:42"]
    assert f"{tmp_path}/topics:7.json" == error.place
    assert problem in error.problem


def test_lists_beside_the_topics_are_passed_over(tmp_path: Path) -> None:
    """Recorded lists are neither topics nor errors, also where they name the middle of a topic."""
    write_json(tmp_path / "topics/latest.json", {"topic_list": {"topics": []}})
    write_json(tmp_path / "topics/posts.json", {"latest_posts": [{"id": 1, "topic_id": 9, "post_number": 3}]})
    assert read(discourse(tmp_path)) == ([], [])


@pytest.mark.parametrize("form", ["folder", "tar.zst"])
def test_the_last_recording_of_a_topic_counts(form: str, tmp_path: Path) -> None:
    """Of several recordings of a topic, in a folder or a tar file in any order, the last in path order counts."""
    recordings = {"2024-02/t/42.json": topic(title="New"), "2024-01/42.json": topic(title="Old")}
    if form == "folder":
        for name, data in recordings.items():
            write_json(tmp_path / "topics" / name, data)
    else:
        tar = tar_bytes({name: json.dumps(data).encode() for name, data in recordings.items()})
        (tmp_path / "topics").write_bytes(zstandard.ZstdCompressor().compress(tar))
    assert [thread.title for thread in threads(discourse(tmp_path))] == ["New"]


@pytest.mark.parametrize("form", ["folder", "tar", "tar.zst"])
def test_a_recording_that_is_the_same_is_unchanged(form: str, tmp_path: Path) -> None:
    """As long as its bytes are, it is the last of its topic, and its category has the same name."""
    members = {"site.json": {"categories": [{"id": 5, "name": "Hubs"}, {"id": 6, "name": "Lamps"}]}}
    members |= {f"t/{number}.json": topic(id=number, category_id=5 + number % 2) for number in range(1, 6)}
    put_archive(tmp_path, members, form)
    records, _ = read(discourse(tmp_path))
    known = {record.ref: record.signature for record in records}
    assert [Unchanged(ref) for ref in known] == list(discourse(tmp_path).changes(known))
    members["site.json"]["categories"][1]["name"] = "Lights"
    members["t/2.json"] = topic(id=2, category_id=5, title="Another title")
    members["u/4.json"] = topic(id=4, category_id=5, title="Recorded again")
    members["t/6.json"] = topic(id=6, category_id=5)
    put_archive(tmp_path, members, form)
    found = list(discourse(tmp_path).changes(known))
    # The even ones are hubs: three of them are other than before, all lamps have another category.
    assert {f"forum:{number}" for number in (1, 2, 3, 4, 5, 6)} == {one.ref for one in found}  # type: ignore[union-attr]
    assert [] == [one for one in found if isinstance(one, Unchanged)]
    assert {f"{FORUM}/t/how-do-i-reset-the-hub/{number}" for number in range(1, 7)} == {one.url for one in found}  # type: ignore[union-attr]
    members["site.json"]["categories"][1]["name"] = "Lamps"
    put_archive(tmp_path, members, form)
    found = list(discourse(tmp_path).changes(known))
    assert {Unchanged(Ref(f"forum:{number}")) for number in (1, 3, 5)} == {
        one for one in found if isinstance(one, Unchanged)
    }
    fresh = {one.ref: json.loads(one.payload)["kbgen_topic"]["title"] for one in found if isinstance(one, RawRecord)}
    assert {"forum:2": "Another title", "forum:4": "Recorded again", "forum:6": topic()["title"]} == fresh


def test_a_signature_holds_no_name(tmp_path: Path) -> None:
    """Names of categories may be those of people, and whoever is forgotten is forgotten in payloads only."""
    put_archive(
        tmp_path,
        {"site.json": {"categories": [{"id": 5, "name": "Dana's hubs"}]}, "42.json": topic(category_id=5)},
        "tar",
    )
    ((record,), _) = read(discourse(tmp_path))
    assert b"Dana" in record.payload
    assert record.signature
    assert "Dana" not in record.signature


def test_a_recording_that_names_categories_is_read_every_time(tmp_path: Path) -> None:
    """It says something about other topics, so that it may not be passed over."""
    put_archive(tmp_path, {"42.json": topic(categories=[{"id": 5, "name": "Hubs"}]), "43.json": topic(id=43)}, "tar")
    records, _ = read(discourse(tmp_path))
    found = list(discourse(tmp_path).changes({record.ref: record.signature for record in records}))
    assert [Unchanged(Ref("forum:43")), records[0]] == found


def test_what_has_changed_is_found_behind_what_has_not(tmp_path: Path) -> None:
    """In a tar file members that are passed over move nothing, and what cannot be read is named every time."""
    members = {f"t/{number}.json": json.dumps(topic(id=number)).encode() for number in range(1, 4)}
    (tmp_path / "topics").write_bytes(tar_bytes(members | {"t/9.json": b"<html>"}))
    known = {record.ref: record.signature for record in read(discourse(tmp_path))[0]}
    members["t/3.json"] = json.dumps(topic(id=3, title="Another title")).encode()
    (tmp_path / "topics").write_bytes(tar_bytes(members | {"t/9.json": b"<html>"}))
    first, second, third, fault = discourse(tmp_path).changes(known)
    assert (Unchanged(Ref("forum:1")), Unchanged(Ref("forum:2"))) == (first, second)
    assert isinstance(third, RawRecord)
    assert members["t/3.json"] == third.payload
    assert isinstance(fault, RecordError)


def test_a_cut_archive_keeps_what_was_read(tmp_path: Path) -> None:
    """The topics before the break are yielded before the error."""
    members = {f"{number}.json": json.dumps(topic(id=number)).encode() for number in range(1, 9)}
    data = tar_bytes(members)
    (tmp_path / "topics.tar").write_bytes(data[: len(data) // 2])
    harvest = discourse(tmp_path, "topics.tar").records()
    assert next(harvest).ref == "forum:1"  # type: ignore[union-attr]
    with pytest.raises(SourceTruncated):
        list(harvest)


def test_the_payload_is_the_recording_itself(tmp_path: Path) -> None:
    """What is stored is what the forum sent, byte for byte."""
    file = write_json(tmp_path / "topics/42.json", topic())
    (record,), _ = read(discourse(tmp_path))
    assert file.read_bytes() == record.payload


def test_recorded_categories_give_their_names(tmp_path: Path) -> None:
    """With ``site.json`` beside the topics a category has its ancestors' names, then its own name, slug and id."""
    categories = [
        {"id": 4, "name": "Products", "slug": "products"},
        {"id": 5, "name": "Hubs", "slug": "hubs-and-more", "parent_category_id": 4},
    ]
    write_json(tmp_path / "topics/site.json", {"categories": categories})
    assert only(tmp_path, topic()).category == ("Products", "Hubs", "hubs-and-more", "5")


@pytest.mark.parametrize("restricted", [4, 5])
def test_a_restricted_category_is_private(restricted: int, tmp_path: Path) -> None:
    """A topic of a category that only some may read, or below one, is private."""
    categories = [{"id": 4, "name": "Staff"}, {"id": 5, "name": "Hubs", "parent_category_id": 4}]
    for category in categories:
        category["read_restricted"] = category["id"] == restricted
    write_json(tmp_path / "topics/categories.json", {"category_list": {"categories": categories}})
    assert only(tmp_path, topic()).visibility == "private"


def test_the_description_of_a_category_has_no_answers(tmp_path: Path) -> None:
    """Replies to "About the X category" answer no question, so they are left out with a warning."""
    thread = only(tmp_path, topic(title="About the Hubs category"))
    assert (thread.answers, thread.solved) == ((), ())
    assert "describes a category" in thread.warnings[0]


def test_missing_posts_are_told(tmp_path: Path) -> None:
    """Posts that the topic names and the recording lacks leave a warning, and the topic is kept."""
    thread = only(tmp_path, topic(post_stream={"posts": [post(1), post(2)], "stream": [101, 102, 103, 104]}))
    assert thread.warnings == ("2 of 4 posts are not in the recording; record the topic with all its pages.",)


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"tags": [{"id": 1, "name": "hub", "slug": "hub"}, "led"]}, "tags", ("hub", "led")),
        ({"tags": None}, "tags", ()),
        ({"title": "Hi :wave:", "unicode_title": "Hi \N{WAVING HAND SIGN}"}, "title", "Hi \N{WAVING HAND SIGN}"),
        ({"slug": None}, "url", f"{FORUM}/t/-/42"),
        ({"slug": 'a"b/c'}, "url", f"{FORUM}/t/a%22b%2Fc/42"),
        ({"closed": True}, "closed", "closed"),
        ({"archived": True}, "closed", "closed"),
        ({"last_posted_at": None}, "updated", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ({"category_id": None}, "category", ()),
        ({"views": None}, "views", None),
    ],
)
def test_fields_have_had_several_shapes(changes: dict[str, Any], field: str, value: object, tmp_path: Path) -> None:
    """Every shape a field has had, and its absence, is read."""
    assert value == getattr(only(tmp_path, topic(**changes)), field)


def test_a_forum_under_a_path(tmp_path: Path) -> None:
    """A forum in a folder of its site keeps that folder in every address."""
    thread = only(tmp_path, topic([post(1, cooked='<p><a href="/u/x">x</a></p>')]), url="https://example.com/talk/")
    base = "https://example.com/talk"
    found = (thread.url, thread.question.author.url, thread.question.html)
    wanted = (f"{base}/t/how-do-i-reset-the-hub/42", f"{base}/u/user1", f'<p><a href="{base}/u/x">x</a></p>')
    assert wanted == found


def test_without_an_archive_the_forum_is_asked(tmp_path: Path) -> None:
    """A block that names no files is live, and has none to read; one that does is not."""
    source = discourse(tmp_path, None)
    assert (source.live, source.fingerprint(), list(source.records())) == (True, None, [])
    assert not discourse(tmp_path, "topics").live


def test_a_key_is_never_shown(tmp_path: Path) -> None:
    """The API key does not appear where options are printed."""
    assert "k-very-secret" not in repr(discourse(tmp_path, None, api_key="k-very-secret").options)
