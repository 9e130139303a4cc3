"""Files of kbgen's own that were cut, overwritten or lost: caches are made again, a store says what to do."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from projects import Kbgen, SmallForum, build_here, forum_topic

from kbgen.errors import NotPublished, StoreError
from kbgen.sources.http_cache import AnswerCache, Kept
from kbgen.store import SCHEMA_VERSION

STORE = ".kbgen/store.sqlite"


@contextmanager
def as_if_nothing_had_happened(forum: SmallForum) -> Iterator[None]:
    """After the block, a build after an edit gives exactly the site a clean build gives."""
    build_here(forum.folder)
    yield
    forum.write(forum_topic(2, "How do I dim a lamp, say?"))
    assert 0 == build_here(forum.folder).exit_code
    tree = forum.tree()
    build_here(forum.folder, clean=True)
    assert tree == forum.tree()


def cut(file: Path) -> None:
    """Leave the first half of a file."""
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])


def shell(forum: SmallForum) -> Path:
    """One of the pages the site engine built."""
    return next((forum.folder / ".kbgen/engine/built").rglob("d1-entry/index.html"))


ENGINE: dict[str, Callable[[SmallForum], object]] = {
    "a shell is cut": lambda forum: cut(shell(forum)),
    "a shell is lost": lambda forum: shell(forum).unlink(),
    "a style sheet is empty": lambda forum: next((forum.folder / ".kbgen/engine/built").rglob("*.css")).write_text(""),
    "the digest is garbage": lambda forum: (forum.folder / ".kbgen/engine/digest").write_bytes(b"\xff\0"),
    "all is lost": lambda forum: shutil.rmtree(forum.folder / ".kbgen/engine"),
}


@pytest.mark.parametrize("what", sorted(ENGINE))
def test_a_damaged_engine_cache_is_built_again(what: str, forum: SmallForum) -> None:
    """Nothing of it reaches a page."""
    with as_if_nothing_had_happened(forum):
        ENGINE[what](forum)


def test_a_damaged_record_of_the_staging_site(forum: SmallForum) -> None:
    """Publishing alone says to render first; a build makes it again."""
    with as_if_nothing_had_happened(forum):
        (forum.folder / ".kbgen/staged.msgpack").write_bytes(b"\x93no such thing")
        with pytest.raises(NotPublished, match=r"staged\.msgpack: damaged .*run `kbgen render` first"):
            build_here(forum.folder, ["publish"])


def test_a_damaged_staging_folder(forum: SmallForum) -> None:
    """What a killed run or a person left there is not published."""
    with as_if_nothing_had_happened(forum):
        staging = forum.folder / ".site.staging"
        (staging / "q").mkdir(parents=True)
        (staging / "q" / "index.html").write_text("half a")
        (staging / "robots.txt").write_text("Disallow: /")


def test_a_lost_folder_of_caches(forum: SmallForum) -> None:
    """All but the site is gone: the next build makes the same, at the same addresses."""
    build_here(forum.folder)
    (forum.recordings / "4.json").unlink()
    forum.write(forum_topic(1, "Where can I give a room another name?"))
    build_here(forum.folder)
    before = forum.tree()
    shutil.rmtree(forum.folder / ".kbgen")
    build_here(forum.folder)
    assert before == forum.tree()


def write_over(file: Path, start: float) -> None:
    """Overwrite a file from somewhere to its end."""
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = file.stat().st_size
    with file.open("r+b") as store:
        store.seek(int(size * start))
        store.write(b"\xa5" * (size - int(size * start)))


@pytest.mark.parametrize("start", [0, 0.1, 0.5], ids=["all", "most", "half"])
def test_a_damaged_store_says_what_to_do(start: float, forum: SmallForum) -> None:
    """The site stands; who does as told, and moves the store away, has every address back."""
    build_here(forum.folder)
    (forum.recordings / "4.json").unlink()
    build_here(forum.folder)
    before, store = forum.tree(), forum.folder / STORE
    write_over(store, start)
    forum.write(forum_topic(1, "Where can I give a room another name?"))
    with pytest.raises(StoreError, match=r"store\.sqlite: .*move it away and run again.*kb-manifest\.jsonl"):
        build_here(forum.folder, clean=True)
    assert before == forum.tree()
    for file in store.parent.glob("store.sqlite*"):
        file.rename(forum.folder / file.name)
    build_here(forum.folder)
    assert "/q/how-do-i-rename-a-room-1/" == forum.paths()["forum:1"]
    assert [None] == list(forum.redirects().values())


def edited(forum: SmallForum) -> None:
    """A night with an edit."""
    forum.write(forum_topic(2, "How do I dim a lamp, say?"))


def of_another_version(forum: SmallForum) -> None:
    """All is to be curated anew: it was made by another version's code."""
    edited(forum)
    with closing(sqlite3.connect(forum.folder / STORE)) as database, database:
        database.execute("UPDATE curated SET input = ''")


ROWS: dict[str, tuple[str, list[str], Callable[[SmallForum], None]]] = {
    "records": ("payload", ["build", "--jobs", "1"], of_another_version),
    "heads": ("head", ["build", "--jobs", "1"], edited),
    "curated": ("payload", ["why", "forum:1"], edited),
    "summaries": ("summary", ["check", "--jobs", "1"], edited),
    "entries": ("payload", ["export", "-"], edited),
}


@pytest.mark.parametrize("table", ROWS)
def test_a_damaged_row_says_what_to_do(table: str, forum: SmallForum, inside: Kbgen) -> None:
    """Every command that reads it names table and store; the file is as SQLite likes it, and only its content is not."""
    build_here(forum.folder)
    column, command, prepare = ROWS[table]
    prepare(forum)
    with closing(sqlite3.connect(forum.folder / STORE)) as database, database:
        database.execute(f"UPDATE {table} SET {column} = substr({column}, 1, 9)")  # noqa: S608
    done = inside("-C", forum.folder, "--json", *command)
    assert 3 == done.code
    assert f"a row of {table} is damaged" in done.data["error"]
    assert "move it away and run again" in done.data["error"]


def test_a_store_without_its_tables_says_what_to_do(forum: SmallForum, inside: Kbgen) -> None:
    """The file of another program that counts its versions in the same way."""
    build_here(forum.folder)
    with closing(sqlite3.connect(forum.folder / STORE)) as database, database:
        database.execute("DROP TABLE records")
    edited(forum)
    done = inside("-C", forum.folder, "--json", "build", "--jobs", "1")
    assert (3, True) == (done.code, "no such table: records); move it away and run again" in done.data["error"])


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_damaged_log_beside_the_store(suffix: str, forum: SmallForum, kbgen: Kbgen) -> None:
    """SQLite sees by its checksums that nothing in it was committed; everything goes on."""
    assert 0 == kbgen("-C", forum.folder, "build", "--jobs", "1").code
    (forum.folder / f"{STORE}{suffix}").write_bytes(b"\xa5" * 40_000)
    forum.write(forum_topic(2, "How do I dim a lamp, say?"))
    assert 0 == kbgen("-C", forum.folder, "build", "--jobs", "1").code
    tree = forum.tree()
    assert 0 == kbgen("-C", forum.folder, "build", "--jobs", "1", "--clean").code
    assert tree == forum.tree()


def test_an_empty_store_is_a_new_one(forum: SmallForum) -> None:
    """A file of no bytes, as a full disk leaves it."""
    with as_if_nothing_had_happened(forum):
        for file in (forum.folder / ".kbgen").glob("store.sqlite*"):
            file.unlink()
        (forum.folder / STORE).touch()


def test_a_newer_store_is_left_alone(forum: SmallForum, inside: Kbgen) -> None:
    """Exit 3 and "update kbgen"; the site stands."""
    build_here(forum.folder)
    before = forum.tree()
    with closing(sqlite3.connect(forum.folder / STORE)) as database:
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    done = inside("-C", forum.folder, "--json", "build")
    assert (3, True) == (done.code, "update kbgen" in done.data["error"])
    assert before == forum.tree()


def test_a_damaged_manifest_stops_the_run(forum: SmallForum) -> None:
    """A site whose addresses cannot be read is not replaced; put back, everything goes on."""
    with as_if_nothing_had_happened(forum):
        manifest = forum.site / "kb-manifest.jsonl"
        text = manifest.read_bytes()
        cut(manifest)
        with pytest.raises(NotPublished, match=r"kb-manifest\.jsonl:\d+: not a page and not a redirect"):
            build_here(forum.folder)
        manifest.write_bytes(text)


ANSWER = Kept("https://forum.example.com/t/1", {"etag": '"1"', "content-type": "text/html"}, b"words " * 2000)


@pytest.mark.parametrize("start", [0, 0.2, 0.6])
def test_a_damaged_cache_of_answers_is_begun_anew(start: float, tmp_path: Path) -> None:
    """Whether it shows at once or when an answer is looked for: what was kept is asked again."""
    cache = AnswerCache(tmp_path, today=20_000)
    keys = [cache.key("GET", f"https://forum.example.com/t/{number}", {}) for number in range(400)]
    for key in keys:
        cache.put(key, ANSWER)
    cache.close()
    write_over(tmp_path / "answers.sqlite", start)
    cache = AnswerCache(tmp_path, today=20_000)
    assert {None} >= {kept for kept in map(cache.get, keys) if kept != ANSWER}
    cache.put(keys[0], ANSWER)
    cache.used(keys[0])
    assert ANSWER == cache.get(keys[0])
    cache.close()


def test_a_source_that_returns_a_tenth(large_forum: SmallForum, inside: Kbgen) -> None:
    """The guard stops the night and counts; the site stands; when all is back, so is every page."""
    forum = large_forum
    forum.configure(guard={"max_vanish": 0.2, "min_pages": 5})
    build_here(forum.folder)
    before = forum.tree()
    kept = {file: file.read_text(encoding="utf-8") for file in sorted(forum.recordings.iterdir())[1:]}
    for file in kept:
        file.unlink()
    done = inside("-C", forum.folder, "--json", "build", "--summary", forum.folder / "digest.md")
    assert (3, True) == (done.code, "forum: 11 of 12" in done.data["error"])
    assert "11 of 12" in (forum.folder / "digest.md").read_text(encoding="utf-8")
    assert before == forum.tree()
    for file, text in kept.items():
        file.write_text(text, encoding="utf-8")
    assert 0 == build_here(forum.folder).exit_code
    assert before == forum.tree()


def test_a_source_that_fails_half_way(large_forum: SmallForum) -> None:
    """What was read before counts, nothing is withdrawn, and the source is named."""
    forum = large_forum
    build_here(forum.folder)
    (forum.recordings / "2.json").write_text('{"id": 2, "title": "How do', encoding="utf-8")
    forum.write(forum_topic(1, "Where can I give a room another name?"))
    report = build_here(forum.folder)
    assert (1, True) == (report.exit_code, report.published)
    assert [message for message in report.failed if "2.json" in message]
    assert 12 == len(forum.paths())
