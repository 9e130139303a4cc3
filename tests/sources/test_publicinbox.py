"""public-inbox: lists of messages by search, threads as mboxes."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mail_builders import letter, reply, solved
from passes import paths, shelf_for

from kbgen.errors import RecordError, SourceError
from kbgen.sources.mail import message_hash, read_mail
from kbgen.sources.publicinbox import PublicInboxOptions, PublicInboxSource, split_mboxrd
from kbgen.testing import LIVE_CHECKS, Canned, FakeServer, LiveChange, LiveSample, Request
from kbgen.testing.live_checks import LiveCheck

SIZE = 4
ATOM = {"Content-Type": "application/atom+xml"}


def native(name: str) -> str:
    """The id of the thread a message begins."""
    return message_hash(f"{name}@example.org")


def threads() -> dict[str, list[str]]:
    """Two solved threads and one without an answer, the replies before what they answer."""
    mails = {"one": ["a1", "q1", "s1"], "two": ["a2", "q2", "s2"], "three": ["q3"]}
    made: dict[str, list[str]] = {}
    for number, (name, _) in enumerate(mails.items(), 1):
        question = letter(f"q{number}", f"It hums, {name}.\n\n>From here on always.")
        answers = [reply(f"a{number}", f"q{number}", "Bleed the pump."), solved(f"s{number}", f"a{number}")]
        made[f"q{number}"] = [question] if name == "three" else [answers[0], question, answers[1]]
    return made


def serve(server: FakeServer, lists: dict[str, list[str]] | None = None) -> None:
    """Serve some threads."""
    lists = threads() if lists is None else lists
    for name in ("q1", "q2", "q3", "q4"):
        server.drop(f"/help/{name}@example.org/t.mbox.gz")
    messages = [(text, mails) for mails in lists.values() for text in mails]
    for text, mails in messages:
        number = read_mail(text.encode()).message_id
        packed = gzip.compress("".join(mails).encode(), mtime=0)
        server.route(f"/help/{number}/t.mbox.gz", Canned(200, {"Content-Type": "application/gzip"}, packed))
    entries = [entry(text) for text, _ in reversed(messages)]

    def listed(request: Request) -> Canned:
        start = int(request.query["o"])
        return atom(*entries[start : start + SIZE]) if start < len(entries) else Canned(200, ATOM, b"</feed>")

    server.route("/help/", listed)
    server.route("/help/new.atom", atom(*entries[:SIZE]))


def entry(text: str) -> str:
    """A message in a feed."""
    mail = read_mail(text.encode())
    above = f'<thr:in-reply-to href="../help/{mail.references[-1]}/"/>' if mail.references else ""
    sent = mail.sent.isoformat() if mail.sent else ""
    return f'<entry><id>{mail.message_id}</id><updated>{sent}</updated><link href="/help/{mail.message_id}/"/>{above}</entry>'


def atom(*entries: str) -> Canned:
    """A feed."""
    names = 'xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0"'
    return Canned(200, ATOM, f"<feed {names}>{''.join(entries)}</feed>".encode())


def source(url: str, **more: Any) -> PublicInboxSource:
    """A source of a list."""
    return PublicInboxSource(PublicInboxOptions(name="list", kind="publicinbox", url=f"{url}/help", **more), Path())


def changed(**lists: list[str]) -> Callable[[FakeServer], None]:
    """A list in which some threads are otherwise, or, of no messages, gone."""
    return lambda server: serve(server, {name: mails for name, mails in {**threads(), **lists}.items() if mails})


UNSOLVED = threads()["q1"][:2]
SAMPLE = LiveSample(
    source,
    serve,
    ids=(native("q1"), native("q2"), native("q3")),
    changes={
        "an answer": LiveChange(
            changed(q3=[letter("q3", "It hums."), reply("a3", "q3", "Oil it.")]), native("q3"), "changed", "changes"
        ),
        "the mark is purged": LiveChange(changed(q1=UNSOLVED), native("q1"), "changed"),
        "purged": LiveChange(changed(q1=[]), native("q1"), "gone"),
    },
    second=1,
)


@pytest.mark.parametrize("check", LIVE_CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_rules_of_live_sources(check: LiveCheck) -> None:
    """The whole conformance kit."""
    check(SAMPLE)


def test_a_thread_is_read() -> None:
    """Replies may stand before the message they answer; addresses lead to the server; stuffed lines are whole."""
    with FakeServer() as server:
        serve(server)
        held = shelf_for(source(server.url), server).run()
        thread = held.threads()[native("q1")]
        assert (thread.title, thread.url) == ("The pump hums", f"{server.url}/help/q1@example.org/")
        assert "From here on always." in thread.question.html
        assert "&gt;From" not in thread.question.html
        (mark,) = thread.solved
        assert (mark.post_id, mark.confidence < 1) == (message_hash("a1@example.org"), True)
        assert thread.question.author.name == "Member 1"
        assert paths(held).count("/help/q1@example.org/t.mbox.gz") == 1


def test_a_gap_in_the_feed_means_the_list() -> None:
    """When more arrived than the feed holds, all messages are listed, and threads that did not change are left alone."""
    with FakeServer() as server:
        serve(server)
        held = shelf_for(source(server.url), server).run()
        more = [letter("q4", "Drips.", Subject="Drips", Date="Wed, 08 Jan 2025 12:00:00 +0000")]
        more += [reply(f"r{n}", "q4", f"Seal it {n}.", Date=f"Wed, 08 Jan 2025 13:0{n}:00 +0000") for n in range(5)]
        serve(server, {**threads(), "q4": more})
        held.run()
        assert held.fetched == [native("q4")]
        assert "/help/" in paths(held)


def test_a_server_without_search_is_told_what_to_do() -> None:
    """An export of the list can be read instead."""
    with FakeServer() as server:
        serve(server)
        server.route("/help/", Canned(200, {"Content-Type": "text/html"}, b"<html>no</html>"))
        with pytest.raises(SourceError, match="does not search; export its mail and read that with `kind: mbox`"):
            shelf_for(source(server.url), server).run()
        server.drop("/help/")
        with pytest.raises(SourceError, match="lists no messages"):
            shelf_for(source(server.url), server).run()


@pytest.mark.parametrize("body", [b"\x1f\x8bnothing", b"", gzip.compress(b"x" * 70 * 2**20)])
def test_a_thread_that_cannot_be_read_is_named(body: bytes) -> None:
    """The others are stored; nothing is unpacked without a limit."""
    with FakeServer() as server:
        serve(server)
        server.route("/help/q1@example.org/t.mbox.gz", Canned(200, {}, body))
        held = shelf_for(source(server.url), server).run()
    assert (len(held.records), len(held.errors)) == (2, 1)
    assert re.search(r"q1@example\.org/t\.mbox\.gz: is not a thread", held.errors[0])


def test_a_record_that_cannot_be_understood_is_named() -> None:
    """With what to do."""
    made = source("https://lists.example.org")
    with pytest.raises(RecordError, match="harvest the thread again"):
        made.parse(made.record("x", "thread", "https://x", {"messages": []}, "x"))


def test_messages_are_split_where_the_server_puts_them_together() -> None:
    """Only its own beginning of a message is one; one ``>`` is taken off stuffed lines, of any depth."""
    data = b"From mboxrd@z Thu Jan  1 00:00:00 1970\nA: 1\n\n>From x\n>>From y\nFrom z\n\nFrom mboxrd@z Thu Jan  1 00:00:00 1970\nB: 2\n"
    assert split_mboxrd(data) == [b"A: 1\n\nFrom x\n>From y\nFrom z\n", b"B: 2\n"]
