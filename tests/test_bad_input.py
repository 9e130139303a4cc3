"""Bad input: each a message that names file and place, the rest goes on, the last good site stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from projects import Kbgen, SmallForum, forum_post, forum_topic

from kbgen.commands import reading


def test_unknown_keys_are_named_with_the_nearest(forum: SmallForum, kbgen: Kbgen) -> None:
    """Every unknown key is reported at once, with file, line and the key that was meant; nothing runs."""
    forum.configure(soe={"canonical": "auto"}, rules={"acepted": "publish"})
    done = kbgen("-C", forum.folder, "build")

    assert done.code == 2
    assert "site_config/kbgen.yml:1: soe is not a known key; did you mean seo?" in done.err
    assert "site_config/kbgen.yml:1: rules.acepted is not a known key; did you mean accepted?" in done.err
    assert not forum.site.exists()


def test_broken_front_matter_names_file_and_line(forum: SmallForum, kbgen: Kbgen) -> None:
    """An article with broken YAML is named with its line; the rest is published, exit 1."""
    article = forum.folder / "content" / "articles" / "broken.md"
    article.write_text("---\ntitle: [never closed\n---\n# Words\n", encoding="utf-8")
    done = kbgen("-C", forum.folder, "--json", "build")

    assert (1, True) == (done.code, done.data["published"]), done.err
    assert [message for message in done.data["failed"] if "broken.md:" in message]
    assert len(forum.paths()) == 4
    assert not (forum.site / "articles" / "broken").exists()


def test_a_date_that_is_none_is_named_and_the_rest_is_published(forum: SmallForum, kbgen: Kbgen) -> None:
    """An article with the 13th month is named with its line, also where the engine reads the same file; exit 1."""
    article = forum.folder / "content" / "articles" / "late.md"
    article.write_text("---\ntitle: Late\nupdated: 2026-13-45\n---\nWords\n", encoding="utf-8")
    done = kbgen("-C", forum.folder, "--json", "build")

    assert (1, True) == (done.code, done.data["published"]), done.err
    assert [
        message for message in done.data["failed"] if "late.md:3: " in message and "'2026-13-45' is no d" in message
    ]
    assert not (forum.site / "articles" / "late").exists()


def test_an_article_in_another_encoding_is_named_and_the_rest_is_published(forum: SmallForum, kbgen: Kbgen) -> None:
    """What an editor saved as UTF-16 is left out; the engine, which would stop at it, is not given it."""
    (forum.folder / "content" / "articles" / "wide.md").write_bytes("# Wide\n\nWords\n".encode("utf-16"))
    done = kbgen("-C", forum.folder, "--json", "build")

    assert (1, True) == (done.code, done.data["published"]), done.err
    assert [message for message in done.data["failed"] if "wide.md: is not UTF-8" in message]


@pytest.mark.parametrize(
    "broken", [b"---\ntitle: [open\n---\nBroken\n", b"\xff\xfe", b"---\nanswers: {a: b}\n---\nBroken\n"]
)
def test_a_published_article_that_breaks_stays_as_it_was(forum: SmallForum, kbgen: Kbgen, broken: bytes) -> None:
    """No address goes for a slip in a file: the page is as it was last read until that is mended or deleted."""
    article = forum.folder / "content" / "articles" / "stable.md"
    article.write_text("# It is stable\n\nWords that stay.\n", encoding="utf-8")
    assert 0 == kbgen("-C", forum.folder, "build").code
    page = (forum.site / "articles" / "stable" / "index.html").read_bytes()
    article.write_bytes(broken)
    done = kbgen("-C", forum.folder, "--json", "build")
    clean = kbgen("-C", forum.folder, "--json", "build", "--clean")

    assert [1, 1] == [done.code, clean.code], done.err
    assert [message for message in done.data["failed"] if "stable.md" in message]
    assert page == (forum.site / "articles" / "stable" / "index.html").read_bytes()
    article.unlink()
    assert 0 == kbgen("-C", forum.folder, "build").code
    assert b"Words that stay" not in (forum.site / "articles" / "stable" / "index.html").read_bytes()


def test_a_page_in_another_encoding_stops_the_run_and_is_named(forum: SmallForum, kbgen: Kbgen) -> None:
    """A page beside articles is part of the frame: nothing is published without it."""
    (forum.folder / "content" / "about.md").write_bytes("# About\n".encode("utf-16"))
    done = kbgen("-C", forum.folder, "build")

    assert (3, False) == (done.code, forum.site.exists())
    assert "content/about.md: is not UTF-8 (invalid start byte at byte 0); save it as UTF-8" in done.err


def test_what_failed_before_a_run_stopped_is_told(forum: SmallForum, kbgen: Kbgen) -> None:
    """A link to an article that could not be read stops the site; both are named, the link with file and line."""
    articles = forum.folder / "content" / "articles"
    (articles / "broken.md").write_text("---\ntitle: [never closed\n---\n# Words\n", encoding="utf-8")
    (articles / "whole.md").write_text("# Whole\n\nSee [there](/articles/broken/).\n", encoding="utf-8")
    summary = forum.folder / "summary.md"
    done = kbgen("-C", forum.folder, "--json", "build", "--summary", summary)

    assert (3, 3) == (done.code, done.data["exit_code"])
    assert "(content/articles/whole.md:3): the link '/articles/broken/' leads" in done.data["error"]
    (failed,) = done.data["failed"]
    assert "broken.md:2: the front matter is not valid YAML" in failed
    assert f"! {failed}" in done.err
    assert "## Failed: 1" in summary.read_text(encoding="utf-8")


def test_a_misspelt_ref_is_told(forum: SmallForum, kbgen: Kbgen) -> None:
    """An overlay about a thread, and an article that settles one, which no source has: both say nothing to anybody."""
    overlays = forum.folder / "content" / "curated"
    overlays.mkdir()
    (overlays / "a.md").write_text("---\nthread: forum:99\ntitle: Better\n---\n", encoding="utf-8")
    article = forum.folder / "content" / "articles" / "settles.md"
    article.write_text("---\nanswers: [froum:1, forum:1]\n---\n# It is settled\n\nWords\n", encoding="utf-8")
    done = kbgen("-C", forum.folder, "--json", "build")

    notes = [note for stage in done.data["stages"] for note in stage["notes"]]
    told = "refs that no source has (2): content/curated/a.md: forum:99, article content:settles: froum:1"
    assert (0, 1) == (done.code, notes.count(told)), notes


def test_a_folder_without_recordings_keeps_what_there_was(forum: SmallForum, kbgen: Kbgen) -> None:
    """The source is named and its pages stay; the run goes on."""
    assert 0 == kbgen("-C", forum.folder, "build").code
    for recording in forum.recordings.glob("*.json"):
        recording.unlink()
    done = kbgen("-C", forum.folder, "--json", "build")

    assert (1, 4) == (done.code, len(forum.paths())), done.err
    assert [message for message in done.data["failed"] if "has no .json file" in message]


@pytest.mark.parametrize("name", ["kbgen", "taxonomy", "redirects", "review", "erasure"])
def test_a_configuration_in_another_encoding_is_named(name: str, forum: SmallForum, inside: Kbgen) -> None:
    """Exit 2, as for every fault of it."""
    (forum.folder / "site_config" / f"{name}.yml").write_bytes(b"site: {name: Caf\xe9}\n")
    for command in (["build"], ["config", "check"]):
        done = inside("-C", forum.folder, "--json", *command)
        assert (2, 2) == (done.code, done.data["exit_code"])
        assert f"site_config/{name}.yml: is not UTF-8 (invalid continuation byte at byte 16); save it" in done.err


def test_no_fault_has_the_exit_code_that_says_published(
    forum: SmallForum, inside: Kbgen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python ends with 1 by itself, which tells CI to deploy."""

    def status(*_: object) -> int:
        raise RuntimeError("nobody foresaw it")

    monkeypatch.setattr(reading, "status", status)
    done = inside("-C", forum.folder, "--json", "status")
    assert (3, 3) == (done.code, done.data["exit_code"])
    assert "an internal fault (RuntimeError: nobody foresaw it)" in done.data["error"]


def test_a_login_page_is_no_topic(forum: SmallForum, kbgen: Kbgen) -> None:
    """A recording that is an HTML page is named; the other topics are harvested."""
    (forum.recordings / "9.json").write_text("<!DOCTYPE html><title>Log in</title>", encoding="utf-8")
    done = kbgen("-C", forum.folder, "--json", "build")

    assert (1, True) == (done.code, done.data["published"]), done.err
    assert [message for message in done.data["failed"] if "9.json" in message and "HTML page" in message]
    assert len(forum.paths()) == 4


def test_a_topic_without_title_is_kept_for_a_retry(forum: SmallForum, kbgen: Kbgen) -> None:
    """A topic that cannot be understood is named, held and tried again when it is mended."""
    forum.write(forum_topic(7, "How do I find a title?", title=None))
    first = kbgen("-C", forum.folder, "--json", "build")
    forum.write(forum_topic(7, "How do I find a title?"))
    second = kbgen("-C", forum.folder, "--json", "build")

    assert (1, True) == (first.code, first.data["published"]), first.err
    assert [message for message in first.data["failed"] if "title" in message and "7" in message]
    assert (0, []) == (second.code, second.data["failed"])
    assert "forum:7" in forum.paths()


def test_an_accepted_answer_without_author_is_not_published(forum: SmallForum, kbgen: Kbgen) -> None:
    """Nobody goes uncredited: without an author there is no page, and the run says so."""
    posts = [
        forum_post(8, 1, "Whose words are these, I wonder, and who is to be thanked for them?"),
        forum_post(
            8, 2, "Nobody's words at all, but an answer all the same.", username=None, name=None, accepted_answer=True
        ),
    ]
    forum.write(forum_topic(8, "Who wrote this?", post_stream={"posts": posts, "stream": [801, 802]}))
    done = kbgen("-C", forum.folder, "--json", "build")

    assert done.data["published"], done.err
    assert "forum:8" not in forum.paths()
    assert [message for message in done.data["failed"] if "author" in message]


def test_a_huge_post_is_published_or_named(forum: SmallForum, kbgen: Kbgen) -> None:
    """A post of five megabytes neither stops the run nor vanishes without a word."""
    huge = "a long story without an end " * 190_000
    posts = [forum_post(8, 1, "How long may a post be?"), forum_post(8, 2, huge, accepted_answer=True)]
    forum.write(forum_topic(8, "How long may a post be?", post_stream={"posts": posts, "stream": [801, 802]}))
    done = kbgen("-C", forum.folder, "--json", "build")

    assert done.data["published"], done.err
    assert "forum:8" in forum.paths() or [message for message in done.data["failed"] if "forum:8" in message]
    assert len(forum.paths()) >= 4


def dump(folder: Path, posts: str) -> Path:
    """A dump of one file."""
    folder.mkdir()
    (folder / "Posts.xml").write_text(posts, encoding="utf-8")
    return folder


def with_dump(forum: SmallForum, path: str) -> None:
    """Give the project a second source."""
    source = {"name": "stack", "kind": "stackexchange", "url": "https://stack.example.com", "dump": path}
    forum.configure(sources=[forum.settings["sources"][0], source])


def test_a_truncated_dump_keeps_what_was_read(forum: SmallForum, kbgen: Kbgen) -> None:
    """A dump that breaks off is named with its line; nothing of it is withdrawn; the forum is published."""
    rows = (
        '<row Id="1" PostTypeId="1" AcceptedAnswerId="2" CreationDate="2024-01-01T00:00:00.000" Score="1" '
        'Title="Why is the sky of my lamp blue?" Body="&lt;p&gt;It is blue in every room since I set it up '
        'that way.&lt;/p&gt;" OwnerDisplayName="Ann" Tags="|lamp|" />\n'
        '<row Id="2" PostTypeId="2" ParentId="1" CreationDate="2024-01-02T00:00:00.000" Score="3" '
        'Body="&lt;p&gt;Because its colour is set to blue in the panel of the app; choose another.&lt;/p&gt;" '
        'OwnerDisplayName="Bob" />\n'
    )
    whole = f'<?xml version="1.0" encoding="utf-8"?>\n<posts>\n{rows}</posts>\n'
    dump(forum.folder / "dump", whole)
    with_dump(forum, "dump")
    first = kbgen("-C", forum.folder, "--json", "build")
    (forum.folder / "dump" / "Posts.xml").write_text(whole[: whole.index('<row Id="2"') + 90], encoding="utf-8")
    second = kbgen("-C", forum.folder, "--json", "build")

    assert first.code == 0, first.out
    assert second.code == 1
    assert [message for message in second.data["failed"] if "Posts.xml" in message]
    assert {"stack:1", "forum:1"} <= set(forum.paths())


def test_a_file_that_is_no_archive_is_named(forum: SmallForum, kbgen: Kbgen) -> None:
    """A ``.7z`` that is none is named; the other source is published, exit 1."""
    (forum.folder / "stack.7z").write_bytes(b"PK\x03\x04 this is something else")
    with_dump(forum, "stack.7z")
    done = kbgen("-C", forum.folder, "--json", "build")

    assert (1, True) == (done.code, done.data["published"])
    assert [message for message in done.data["failed"] if "stack.7z" in message]
    assert len(forum.paths()) == 4


def test_a_source_that_is_gone_keeps_its_pages(forum: SmallForum, kbgen: Kbgen) -> None:
    """A forum that cannot be read stays published as it was last seen."""
    kbgen("-C", forum.folder, "build")
    before = forum.tree()
    forum.recordings.rename(forum.folder / "elsewhere")
    done = kbgen("-C", forum.folder, "--json", "build")

    assert done.code == 1
    assert before == forum.tree()


def test_a_broken_engine_leaves_the_site(forum: SmallForum, kbgen: Kbgen) -> None:
    """When the site engine fails, exit 3 and the last good site stands."""
    kbgen("-C", forum.folder, "build")
    before = forum.tree()
    (forum.folder / "mkdocs.yml").write_text("theme: {name: no-such-theme}\n", encoding="utf-8")
    done = kbgen("-C", forum.folder, "--json", "build")

    assert done.code == 3
    assert "no-such-theme" in done.data["error"]
    assert before == forum.tree()
