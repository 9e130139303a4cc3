# ruff: noqa: D102 - methods of the broken sources are documented where they are declared
"""Every registered source keeps the rules of the conformance kit, and each rule can be broken."""

import hashlib
import importlib
import itertools
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import sql_builders as boards
from discord_builders import BEN, began, check, discord, exported, wrote
from jsonl_builders import article, entry, jsonl
from mail_builders import letter, mbox, reply, solved
from slack_builders import asked, said, slack, tick
from source_builders import (
    answer,
    articles,
    discourse,
    post,
    question,
    stackexchange,
    topic,
    write_article,
    write_dump,
    write_json,
)

from kbgen.errors import RecordError
from kbgen.model import Article, Person, Post, RawRecord, Solved, Thread
from kbgen.sources import KINDS, source_class, source_kinds
from kbgen.sources.base import Harvested, Signatures, Source, SourceOptions, Unchanged
from kbgen.sources.live import LiveSource
from kbgen.sources.mail import message_hash
from kbgen.testing import CHECKS, check_fingerprint_moves, check_restricted, check_source
from kbgen.testing.conformance import (
    Check,
    check_articles,
    check_changes,
    check_digests,
    check_fingerprint,
    check_nothing_hidden_is_public,
    check_order,
    check_parse_is_pure,
    check_payloads,
    check_refs,
    check_threads,
    check_times,
    check_yields,
)


class Sample(NamedTuple):
    """A source over a small input, a change of that input, and the ids in it that nobody may see."""

    source: Source
    change: Callable[[], object]
    restricted: tuple[str, ...] = ()


def sample_articles(project: Path) -> Sample:
    """A folder of two articles that link to each other, and a broken one."""
    write_article(project / "docs", "a.md", "---\ntitle: A\nid: 1\n---\n[b](b.md)\n\n```python\nx = 1\n```")
    write_article(project / "docs", "b.md", "# B\n\n[a](a.md)")
    write_article(project / "docs", "c.md", "---\ntitle: [\n---\n")
    return Sample(articles(project), lambda: write_article(project / "docs", "a.md", "other words"))


def sample_discourse(project: Path) -> Sample:
    """A solved topic, topics nobody may see, and a recording of a login page."""
    solved = topic([post(1), post(2, accepted_answer=True), post(3, hidden=True)])
    write_json(project / "topics/42.json", solved)
    states: list[dict[str, Any]] = [
        {"visible": False},
        {"archetype": "private_message"},
        {"deleted_at": "2024-03-03"},
    ]
    for number, state in enumerate(states, 50):
        write_json(project / f"topics/{number}.json", topic(id=number, **state))
    write_json(project / "topics/60.json", topic([post(1, hidden=True, accepted_answer=True)], id=60))
    write_article(project / "topics", "70.json", "<html>")
    change = lambda: write_json(project / "topics/42.json", topic(title="Another title"))  # noqa: E731
    return Sample(discourse(project), change, ("50", "51", "52", "60"))


def sample_stackexchange(project: Path) -> Sample:
    """A solved question, a duplicate, and a bad row."""
    votes = [{"Id": "1", "PostId": "2", "VoteTypeId": "1", "CreationDate": "2021-05-04T00:00:00.000"}]
    links = [{"Id": "1", "PostId": "3", "RelatedPostId": "1", "LinkTypeId": "3"}]
    posts = [question(1, AcceptedAnswerId="2"), answer(2, 1), question(3), question(4, Id="x")]
    write_dump(project / "dump", Posts=posts, Votes=votes, PostLinks=links)
    return Sample(stackexchange(project), lambda: write_dump(project / "dump", Posts=[question(1), question(5)]))


def sample_mbox(project: Path) -> Sample:
    """A solved thread, one whose author wants it out of archives, and a message that is too large."""
    text = letter("q1", "It hums.") + reply("a1", "q1", "Turn it.") + solved("s1", "a1")
    hidden = letter("q2", "Secret.", X_No_Archive="yes") + letter("q3", "x" * 2**20)
    source = mbox(project, text + hidden, message_megabytes=1)
    return Sample(source, lambda: mbox(project, text.replace("hums", "rattles")), (message_hash("q2@example.org"),))


def sample_phpbb(project: Path) -> Sample:
    """A solved topic, one of a forum with a password, one that was deleted, and a bad row."""
    dump = project / "dump.sql"
    topics = [
        boards.phpbb_topic(1, topic_solved=11),
        boards.phpbb_topic(2, forum_id=3),
        boards.phpbb_topic(3, topic_visibility=2),
        boards.phpbb_topic(4, topic_id="x"),
    ]
    posts = [boards.phpbb_post(number) for number in (10, 11, 20, 30)]
    boards.write_sql(dump, boards.phpbb(topics, [*posts, boards.phpbb_post(12, post_visibility=0)]))
    changed = boards.phpbb([boards.phpbb_topic(1, topic_title="Another title")], posts)
    return Sample(boards.board(project, "phpbb"), lambda: boards.write_sql(dump, changed), ("2", "3"))


def sample_mybb(project: Path) -> Sample:
    """A thread that is solved by its prefix, and one that was deleted."""
    dump = project / "dump.sql"
    threads = [boards.mybb_thread(1, prefix=3), boards.mybb_thread(2, visible=-1)]
    posts = [boards.mybb_post(10), boards.mybb_post(11, uid=22), boards.mybb_post(20)]
    boards.write_sql(dump, boards.mybb(threads, posts))
    changed = boards.mybb([boards.mybb_thread(1, subject="Another title")], posts)
    return Sample(boards.board(project, "mybb"), lambda: boards.write_sql(dump, changed), ("2",))


def sample_vbulletin(project: Path) -> Sample:
    """A thread that is solved by its prefix, and one that waits for a moderator."""
    dump = project / "dump.sql"
    threads = [boards.vb_thread(1, prefixid="solved"), boards.vb_thread(2, visible=0)]
    posts = [boards.vb_post(10), boards.vb_post(11, userid=42), boards.vb_post(20)]
    boards.write_sql(dump, boards.vbulletin(threads, posts))
    changed = boards.vbulletin([boards.vb_thread(1, title="Another title")], posts)
    return Sample(boards.board(project, "vbulletin"), lambda: boards.write_sql(dump, changed), ("2",))


def sample_slack(project: Path) -> Sample:
    """A thread with a marked reply, and one whose asker does not want to be shown."""
    thread = [asked(), said("2000.0", "Turn it.", **tick("U0001"))]
    hidden = [said("3000.0", "Secret?", "U0003", root="3000.0"), said("3001.0", "Secret.", root="3000.0")]
    source = slack(project, thread + hidden, removed=("U0003",))
    return Sample(source, lambda: slack(project, [asked("It rattles."), *thread[1:]]), ("C0100-3000.0",))


def sample_discord(project: Path) -> Sample:
    """A post with a marked reply, one whose asker does not want to be shown, and a file that is no export."""
    post = exported([began(), wrote(1, "Turn it.", **check("201"))])
    hidden = exported([wrote(2, "Secret?"), wrote(3, "Secret.", "201")], "Secret", id="402")
    write_json(project / "discord/hidden.json", hidden)
    write_json(project / "discord/none.json", {})
    source = discord(project, post, removed=(BEN,))
    return Sample(source, lambda: discord(project, exported([began("It rattles.")])), ("402",))


def sample_jsonl(project: Path) -> Sample:
    """A thread, an article, a thread nobody may see, and a line that is none."""
    source = jsonl(project, entry(), article(ref="2"), entry(ref="3", visibility="private"), "{")
    return Sample(source, lambda: jsonl(project, entry(title="Why does it rattle?")), ("3",))


SAMPLES: dict[str, Callable[[Path], Sample]] = {
    "articles": sample_articles,
    "discord": sample_discord,
    "discourse": sample_discourse,
    "jsonl": sample_jsonl,
    "mbox": sample_mbox,
    "slack": sample_slack,
    "stackexchange": sample_stackexchange,
    "mybb": sample_mybb,
    "phpbb": sample_phpbb,
    "vbulletin": sample_vbulletin,
}


LIVE_ONLY = frozenset(
    "askbot flarum forem github-discussions khoros kitsune nodebb publicinbox salesforce web zendesk".split()  # noqa: SIM905
)
"""Kinds that read no files; their own tests hold them to ``LIVE_CHECKS``."""


def test_every_source_has_a_sample() -> None:
    """A new source is held to the rules from its first day."""
    assert set(SAMPLES) | LIVE_ONLY == set(source_kinds())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", SAMPLES)
def test_the_source_keeps_the_rule(kind: str, check: Check, tmp_path: Path) -> None:
    """Each registered source passes each check."""
    check(SAMPLES[kind](tmp_path).source)


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_fingerprint_follows_the_input(kind: str, tmp_path: Path) -> None:
    """Each registered source notices that its input changed."""
    sample = SAMPLES[kind](tmp_path)
    check_fingerprint_moves(sample.source, sample.change)


@pytest.mark.parametrize("kind", SAMPLES)
def test_what_is_restricted_is_not_public(kind: str, tmp_path: Path) -> None:
    """Each registered source keeps back what an anonymous visitor cannot read."""
    sample = SAMPLES[kind](tmp_path)
    check_restricted(sample.source, sample.restricted)


# --- each rule can be broken ------------------------------------------------------------------------------

AT = datetime(2024, 1, 1, tzinfo=UTC)
ADA = Person("1", "Ada", "https://f.example.com/u/ada")
ASKED = Post("1", "https://f.example.com/t/1/1", "<p>How?</p>", ADA, AT)
TOLD = Post("2", "https://f.example.com/t/1/2", "<p>So.</p>", ADA, AT)


class TinySource(Source):
    """A source of two threads that keeps every rule; the tests break one at a time."""

    kind = "tiny"
    word = "words"

    def __init__(self) -> None:
        super().__init__(SourceOptions(name="tiny", kind="tiny"), Path())

    def fingerprint(self) -> str | None:
        return self.word

    def records(self) -> Iterator[Harvested]:
        yield from self.all_records()

    def all_records(self) -> list[RawRecord]:
        return [self.record(number, "thread", "https://f.example.com/t", {"word": self.word}, "a") for number in (1, 2)]

    def parse(self, record: RawRecord) -> Thread | Article:
        return self.thread(record)

    def thread(self, record: RawRecord) -> Thread:
        url = "https://f.example.com/t/1"
        solved = (Solved("2", "accepted", AT),)
        return Thread(record.ref, url, "How?", ASKED, (TOLD,), solved, created=AT, updated=AT)


class Empty(TinySource):
    """Yields errors only."""

    def records(self) -> Iterator[Harvested]:
        yield RecordError("a:1", "is bad")


class Other(TinySource):
    """Yields something that is neither record nor error."""

    def records(self) -> Iterator[Harvested]:
        yield from [*self.all_records(), {"id": 1}]  # type: ignore[misc]


class Foreign(TinySource):
    """Its refs have another source's name."""

    def records(self) -> Iterator[Harvested]:
        yield from (msgspec.structs.replace(record, ref=f"other:{record.ref}") for record in self.all_records())


class Twice(TinySource):
    """Yields one thread twice."""

    def records(self) -> Iterator[Harvested]:
        yield from self.all_records()
        yield self.all_records()[0]


class Shuffled(TinySource):
    """Yields in another order each time."""

    turn = itertools.count()

    def records(self) -> Iterator[Harvested]:
        yield from self.all_records()[:: 1 if next(self.turn) % 2 else -1]


class NoJson(TinySource):
    """Its payload is not JSON."""

    def records(self) -> Iterator[Harvested]:
        digest = hashlib.blake2b(b"<x>", digest_size=16).hexdigest()
        yield from (msgspec.structs.replace(one, payload=b"<x>", digest=digest) for one in self.all_records())


class Misdigested(TinySource):
    """Its digest is of something else."""

    def records(self) -> Iterator[Harvested]:
        yield from (msgspec.structs.replace(one, digest="0" * 32) for one in self.all_records())


class Hasty(TinySource):
    """Calls the first record unchanged and forgets the others."""

    def changes(self, signatures: Signatures) -> Iterator[Harvested | Unchanged]:
        first, *others = self.records()
        if isinstance(first, RawRecord) and first.ref in signatures:
            yield Unchanged(first.ref)
        else:
            yield first
            yield from others


class Late(TinySource):
    """Gives another record when it has seen it before."""

    def changes(self, signatures: Signatures) -> Iterator[Harvested | Unchanged]:
        for item in self.all_records():
            seen = item.ref in signatures
            yield msgspec.structs.replace(item, url="https://example.com/") if seen else item


class Forgetful(TinySource):
    """Gives nothing when asked for what has changed."""

    def changes(self, signatures: Signatures) -> Iterator[Harvested | Unchanged]:
        del signatures
        return iter(())


class Counting(TinySource):
    """Its parse remembers how often it ran."""

    turn = itertools.count()

    def parse(self, record: RawRecord) -> Thread:
        return msgspec.structs.replace(self.thread(record), views=next(self.turn))


class Reading(TinySource):
    """Its parse opens a file."""

    def parse(self, record: RawRecord) -> Thread:
        Path("/dev/null").read_bytes()
        return self.thread(record)


class Calling(TinySource):
    """Its parse opens a socket."""

    def parse(self, record: RawRecord) -> Thread:
        socket.socket().close()
        return self.thread(record)


class Restless(TinySource):
    """Its fingerprint moves by itself."""

    turn = itertools.count()

    def fingerprint(self) -> str | None:
        return str(next(self.turn))


def breaking(**changes: object) -> TinySource:
    """A source whose threads have something else in some fields."""

    class Changed(TinySource):
        def parse(self, record: RawRecord) -> Thread:
            return msgspec.structs.replace(self.thread(record), **changes)

    return Changed()


def writing(**changes: object) -> TinySource:
    """A source of articles with something else in some fields."""

    class Written(TinySource):
        def parse(self, record: RawRecord) -> Article:
            return msgspec.structs.replace(Article(record.ref, "How", "<p>So.</p>"), **changes)

    return Written()


def changed(item: Post, **changes: object) -> Post:
    """A post with something else in some fields."""
    return msgspec.structs.replace(item, **changes)


NOBODY = Person("1", " ")
HERE = Person("1", "Ada", "/u/ada")
NAIVE = datetime(2024, 1, 1)  # noqa: DTZ001 - the fault to be found


@pytest.mark.parametrize(
    ("check", "source", "sentence"),
    [
        (check_yields, Empty(), "tiny yields no record"),
        (check_yields, Other(), "tiny yields dict; yield RawRecord or RecordError"),
        (check_refs, Foreign(), "other:tiny:1 is not tiny:ID"),
        (check_refs, Twice(), "tiny:1 is yielded twice"),
        (check_order, Shuffled(), "tiny gives another order"),
        (check_payloads, NoJson(), "tiny:1: the payload is not JSON"),
        (check_digests, Misdigested(), "tiny:1: the digest is not that of the payload"),
        (check_changes, Forgetful(), "tiny: `changes` gives other records than `records`"),
        (check_changes, Hasty(), "tiny: `changes` does not give each record once"),
        (check_changes, Late(), "tiny:1: `changes` gives another record than `records`"),
        (check_parse_is_pure, Counting(), "tiny:1: parse gives another result the second time"),
        (check_parse_is_pure, Reading(), "tiny:1: parse must not do I/O, but did: open /dev/null"),
        (check_parse_is_pure, Calling(), "tiny:1: parse must not do I/O, but did: socket"),
        (check_threads, breaking(ref="tiny:9"), "tiny:1: the thread calls itself tiny:9"),
        (check_threads, breaking(title=" "), "tiny:1: the thread has no title"),
        (check_threads, breaking(url="/t/1"), "tiny:1: '/t/1' is not an absolute address"),
        (check_threads, breaking(question=changed(ASKED, url="#1")), "tiny:1: '#1' is not an absolute address"),
        (check_threads, breaking(question=changed(ASKED, author=NOBODY)), "tiny:1: post 1 credits nobody"),
        (check_threads, breaking(answers=(changed(TOLD, author=HERE),)), "tiny:1: '/u/ada' is not an absolute"),
        (check_threads, breaking(answers=(TOLD, TOLD)), "tiny:1: two answers have the same id"),
        (check_threads, breaking(answers=()), "tiny:1: the accepted answer 2 is not among the answers"),
        (check_articles, writing(ref="tiny:9"), "tiny:1: the article calls itself tiny:9"),
        (check_articles, writing(title=""), "tiny:1: the article has no title"),
        (check_articles, writing(url="a.html"), "tiny:1: 'a.html' is not an absolute address"),
        (check_articles, writing(path="articles/a"), "tiny:1: the path articles/a does not start and end with a slash"),
        (check_times, breaking(created=NAIVE), "tiny:1: created of tiny:1 2024-01-01 00:00:00 is not an aware time"),
        (check_times, breaking(answers=(changed(TOLD, edited=NAIVE),)), "tiny:1: edited of post 2"),
        (check_times, breaking(solved=(Solved("2", "accepted", NAIVE),)), "tiny:1: at of solution 2"),
        (check_times, writing(reviewed=NAIVE), "tiny:1: reviewed of tiny:1"),
        (check_nothing_hidden_is_public, breaking(question=changed(ASKED, deleted=True)), "tiny:1: the question is"),
        (check_nothing_hidden_is_public, breaking(question=changed(ASKED, hidden=True)), "tiny:1: the question is"),
        (
            check_nothing_hidden_is_public,
            breaking(answers=(changed(TOLD, hidden=True),)),
            "tiny:1: the hidden or deleted",
        ),
        (check_fingerprint, Restless(), "tiny: the fingerprint moved though nothing changed"),
    ],
)
def test_a_broken_rule_is_named(check: Check, source: Source, sentence: str) -> None:
    """Each check turns red for a source made to break it, with a sentence that says what and where."""
    with pytest.raises(AssertionError) as caught:
        check(source)
    assert str(caught.value).startswith(sentence)


def test_a_source_that_keeps_every_rule_passes() -> None:
    """The source the others are broken from is whole, as threads and as articles."""
    check_source(TinySource())
    check_source(writing())


def test_a_fingerprint_that_stays_is_named() -> None:
    """A source that would not notice a change of its input is found."""

    class Deaf(TinySource):
        def fingerprint(self) -> str | None:
            return "always"

    source = Deaf()
    with pytest.raises(AssertionError, match="tiny: the fingerprint stayed though the input changed"):
        check_fingerprint_moves(source, lambda: setattr(source, "word", "other"))


def test_a_change_that_changes_nothing_is_named() -> None:
    """A test that changes no record proves nothing, and is told so."""
    with pytest.raises(AssertionError, match="the change changed no record"):
        check_fingerprint_moves(TinySource(), lambda: None)


def test_a_source_without_fingerprint_is_always_read() -> None:
    """None means "read it", so there is nothing that could stay behind."""

    class Unsigned(TinySource):
        def fingerprint(self) -> str | None:
            return None

    source = Unsigned()
    check_fingerprint_moves(source, lambda: setattr(source, "word", "other"))


def test_a_restricted_thread_that_is_public_is_named() -> None:
    """Content that nobody may see is found when it would be public."""
    with pytest.raises(AssertionError, match="tiny:2 is restricted, yet public"):
        check_restricted(TinySource(), ("2",))


def live_samples() -> set[type[Source]]:
    """Classes of the samples that some file of tests here lays out and puts every rule of live sources to."""
    found = set()
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        text = file.read_text(encoding="utf-8")
        if "\nSAMPLE = LiveSample(" in text and 'parametrize("check", LIVE_CHECKS' in text:
            found.add(type(importlib.import_module(file.stem).SAMPLE.source("http://127.0.0.1:1")))
    return found


def test_every_live_source_has_a_sample() -> None:
    """A connector that asks over the network lays out a small community, and keeps the rules of live sources in it."""
    live = {kind for kind in KINDS if issubclass(source_class(kind), LiveSource)}
    assert live == {sample.kind for sample in live_samples()}
