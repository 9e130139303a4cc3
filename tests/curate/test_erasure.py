"""People and threads that are not to be kept."""

from pathlib import Path

import msgspec
import pytest
from curate_samples import ASKER, HELPER, post, thread

from kbgen.curate.erasure import (
    FILE,
    NOBODY,
    Erasure,
    add_erasure,
    aliases,
    erase,
    is_forgotten,
    key_of,
    keys_of,
    load_erasure,
    scrub,
)
from kbgen.errors import ConfigError
from kbgen.model import Person, RawRecord, Ref

FORGOTTEN = Erasure(people={"community": frozenset(keys_of("community", HELPER))})


def raw(data: object, ref: str = "community:42") -> RawRecord:
    """A stored record."""
    return RawRecord(Ref(ref), "thread", "https://forum.example.net/t/42", msgspec.json.encode(data), "digest")


def test_a_person_is_known_by_id_name_and_profile() -> None:
    """Whatever the case; of another source, it is another person."""
    dana = Person("17", "Dana Rossi", "https://forum.example.net/u/dana_r/")
    assert {key_of("forum", name) for name in ("17", "dana rossi", "DANA_R", "dana-rossi", "dana-r")} == set(
        keys_of("forum", dana)
    )
    assert set(keys_of("forum", dana)).isdisjoint(keys_of("stack", dana))


def test_posts_stay_without_the_person() -> None:
    """Name, profile and mentions are gone; the words and everybody else stand."""
    answer = post("1", "<p>Hold the button.</p>")
    reply = post("2", '<p>Thanks <a href="https://forum.example.net/u/tomas">@tomas</a>, not @tomasina!</p>', ASKER)
    found = erase(thread(answer, reply), "community", FORGOTTEN)
    assert (NOBODY, None, "<p>Hold the button.</p>") == (
        found.answers[0].author.name, found.answers[0].author.url, found.answers[0].html,
    )  # fmt: skip
    assert (
        '<p>Thanks <a href="https://forum.example.net/u/former-member">@former-member</a>, not @tomasina!</p>'
        == found.answers[1].html
    )
    assert ASKER == found.question.author


def test_full_names_in_a_text_are_taken_out() -> None:
    """A name of two words stands for one person; its parts alone may be anybody's."""
    keys = frozenset([key_of("community", "Dana Rossi")])
    asked = post("q", "<p>As Dana Rossi said, and Dana too.</p>", ASKER)
    found = erase(thread(question=asked), "community", Erasure(people={"community": keys}))
    assert f"<p>As {NOBODY} said, and Dana too.</p>" == found.question.html


def test_other_sources_are_left_alone() -> None:
    """The same name on another platform may be another person."""
    given = thread(post("1", "<p>Hold the button.</p>"), ref="stack:42")
    assert given == erase(given, "stack", FORGOTTEN)


def test_a_record_is_scrubbed_as_it_is_stored() -> None:
    """Fields that hold a name, and mentions inside of longer ones; ids stay, to know the posts by."""
    data = {"posts": [{"user_id": 8, "username": "tomas", "cooked": "<p>ask @tomas</p>"}, {"username": "mira"}]}
    clean = msgspec.json.decode(scrub(raw(data), FORGOTTEN))
    assert {
        "posts": [
            {"user_id": 8, "username": NOBODY, "cooked": "<p>ask @former-member</p>"},
            {"username": "mira"},
        ]
    } == clean


def test_a_record_without_the_person_stays_the_same_bytes() -> None:
    """Nothing is written anew that holds nothing to forget; what is no JSON is left alone."""
    record = raw({"username": "mira"})
    assert record.payload is scrub(record, FORGOTTEN)
    broken = msgspec.structs.replace(record, payload=b"tomas {")
    assert broken.payload is scrub(broken, FORGOTTEN)


def test_of_a_forgotten_thread_nothing_is_kept() -> None:
    """Its record is empty, whoever wrote in it."""
    assert b"{}" == scrub(raw({"title": "How?"}), Erasure(threads=frozenset([Ref("community:42")])))


def test_a_name_leads_to_the_other_names_beside_it() -> None:
    """Handle and full name stand in one object of the platform's JSON."""
    payload = raw({"a": [{"name": "Tomas Novak", "username": "tomas", "id": 8}, {"name": "Mira"}]}).payload
    found = aliases(payload, "community", frozenset([key_of("community", "tomas")]))
    assert {key_of("community", name) for name in ("tomas", "Tomas Novak", "tomas-novak")} == found


def test_the_address_of_a_persons_page_is_known() -> None:
    """It is made of the name, the source and the id; other pages and other people are not touched."""
    assert is_forgotten("/people/tomas-community-8/", FORGOTTEN)
    assert not is_forgotten("/people/mira-community-7/", FORGOTTEN)
    assert not is_forgotten("/q/tomas-community-8/", FORGOTTEN)


def test_an_address_made_of_a_name_is_known() -> None:
    """A title that held the full name left it in its page's address; a name of one word may be a word."""
    forgotten = Erasure(people={"community": frozenset(keys_of("community", Person("8", "Tomas Novak", None)))})
    paths = ("/q/where-is-tomas-novaks-hub-12/", "/q/tomas-novak-12/", "/q/tomas-and-novak-12/", "/q/tomas-12/")
    assert [True, True, False, False] == [is_forgotten(path, forgotten) for path in paths]
    assert not is_forgotten(paths[0], Erasure())


def test_the_file_names_nobody(tmp_path: Path) -> None:
    """The list of the forgotten holds digests; what is written is read again."""
    add_erasure(tmp_path, {"source": "community", "person": list(keys_of("community", HELPER)), "by": "root"})
    add_erasure(tmp_path, {"thread": "community:42"})
    assert "tomas" not in (tmp_path / FILE).read_text(encoding="utf-8")
    assert msgspec.structs.replace(FORGOTTEN, threads=frozenset([Ref("community:42")])) == load_erasure(tmp_path)


def test_faults_of_the_file_name_their_line(tmp_path: Path) -> None:
    """A block that forgets nothing is a mistake, not a wish."""
    (tmp_path / "site_config").mkdir()
    (tmp_path / FILE).write_text("- {persn: dana}\n- {thread: 12}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load_erasure(tmp_path)
    assert [1, 1, 2] == [int(fault.split(":")[1]) for fault in raised.value.faults]
