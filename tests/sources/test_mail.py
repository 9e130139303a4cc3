"""E-mail messages: headers as they were meant, words as their authors wrote them, and no address anywhere."""

import base64
from datetime import UTC, datetime

import pytest

from kbgen.sources.mail import decode_bytes, decoded, message_hash, read_head, read_mail
from kbgen.sources.mail_html import own_html
from kbgen.sources.mail_text import own_words, text_html, unflowed

PLAIN = 'Content-Type: text/plain; charset="utf-8"\n'


def raw(body: str = "Words.\n", *, headers: str = "", sender: str = "Ada Amp <ada@example.org>") -> bytes:
    """A message with a few headers."""
    return f"From: {sender}\nSubject: The pump hums\nMessage-ID: <q1@example.org>\n{headers}\n{body}".encode()


def test_a_message_is_read() -> None:
    """Who, when, about what, in answer to what, and the words."""
    mail = read_mail(
        raw(
            "Turn the valve.\n",
            headers=PLAIN
            + "Date: Tue, 07 Jan 2025 14:00:00 +0200\nReferences: <a@x> <b@x>\n\t<c@x>\nIn-Reply-To: <c@x>\n"
            "List-Id: Help <help.lists.example.org>\nArchived-At: <https://lists.example.org/m/1>\n",
        )
    )
    assert ("q1@example.org", "The pump hums", "Ada Amp", "ada@example.org") == (
        mail.message_id,
        mail.subject,
        mail.name,
        mail.address,
    )
    assert datetime(2025, 1, 7, 12, tzinfo=UTC) == mail.sent
    assert ("a@x", "b@x", "c@x") == mail.references
    assert ("<p>Turn the valve.</p>", "Turn the valve.") == (mail.html, mail.text)
    assert ("help", "https://lists.example.org/m/1", False) == (mail.list_name, mail.permalink, mail.private)


@pytest.mark.parametrize(
    ("sender", "name", "address"),
    [
        ("Ada Amp <ada@example.org>", "Ada Amp", "ada@example.org"),
        ('"Amp, Ada" <ada@example.org>', "Amp, Ada", "ada@example.org"),
        ("=?utf-8?q?J=C3=BCrgen?= Rohr <j@example.org>", "Jürgen Rohr", "j@example.org"),
        ("ada at example.org (Ada Amp)", "Ada Amp", "ada@example.org"),
        ("ada at example.org (=?ISO-8859-1?Q?Ad=E9?=)", "Adé", "ada@example.org"),
        ("ada@example.org", "", "ada@example.org"),
        ("ada at example.org", "", "ada@example.org"),
        ('"ada@example.org" <ada@example.org>', "", "ada@example.org"),
        ("Ada (ada@example.org) <ada@example.org>", "Ada", "ada@example.org"),
        ("'Ada Amp' via Help <help@lists.example.org>", "Ada Amp", "help@lists.example.org"),
        ("Ada \u202eAmp\x07 <ADA@Example.org>", "Ada Amp", "ada@example.org"),
        ("=?UTF-8?Q?ada=40example=2Eorg?= <ada@example.org>", "", "ada@example.org"),
    ],
)
def test_a_name_is_shown_without_its_address(sender: str, name: str, address: str) -> None:
    """However mail programs, archives and lists write it; somebody called by an address has no name."""
    mail = read_mail(raw(sender=sender))
    assert (name, address) == (mail.name, mail.address)
    assert "@" not in mail.name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?b?4oCT?= gr=?utf-8?q?=C3=B6=C3=9Fer?=", "– größer"),
        ("=?utf-8?b?4oCT?=\n =?utf-8?b?IGdy?=", "– gr"),
        ("=?UTF-8?Q?Luc=eda?=", "Lucía"),
        ("=?utf-8?b?Z3LDtsOfZXI?=", "größer"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=B6?=", "ö"),
        ("=?x-nonsense?q?a=E9?=", "aé"),
        ("=?utf-8*de?q?gut?=", "gut"),
        ("=?gb2312?b?t73O3g==?=", "方无"),
        ("plain =? text", "plain =? text"),
    ],
)
def test_encoded_words_are_decoded(value: str, text: str) -> None:
    """RFC 2047, and what breaks it: words that split a character, wrong labels, and a language after the charset."""
    assert text == decoded(value)


@pytest.mark.parametrize(
    ("data", "label", "text"),
    [
        ("größer".encode(), "utf-8", "größer"),
        ("größer".encode("latin-1"), "utf-8", "größer"),
        ("größer".encode(), "us-ascii", "größer"),
        ("it\u2019s".encode("cp1252"), "iso-8859-1", "it\u2019s"),
        ("größer".encode("cp1252"), "unknown-8bit", "größer"),
        ("größer".encode(), "rot13", "größer"),
        ("größer".encode(), "hex", "größer"),
        (b"+AGE-", "utf-7", "+AGE-"),
        ("\u9f98".encode("gb18030"), "gb2312", "\u9f98"),
        (b"\xff\x81", "", "ÿ\ufffd"),
    ],
)
def test_a_lying_charset_loses_nothing(data: bytes, label: str, text: str) -> None:
    """The label is believed while it fits; codecs that are no charsets are not used."""
    assert text == decode_bytes(data, label)


def test_eight_bit_headers_are_text() -> None:
    """Headers in plain UTF-8 or Latin-1 are read although they should have been encoded."""
    for charset in ("utf-8", "latin-1"):
        message = "From: Jürgen <j@example.org>\nSubject: Größer\n\nx".encode(charset)
        mail = read_mail(message)
        assert ("Jürgen", "Größer") == (mail.name, mail.subject)


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ("Date: Tue, 7 Jan 2025 14:00:00 -0000\n", datetime(2025, 1, 7, 14, tzinfo=UTC)),
        ("Date: 7 Jan 25 14:00 EST\n", datetime(2025, 1, 7, 19, tzinfo=UTC)),
        ("Date: yesterday\nReceived: from a; Tue, 7 Jan 2025 14:00:00 +0000\n", datetime(2025, 1, 7, 14, tzinfo=UTC)),
        (
            "Date: Tue, 7 Jan 2031 14:00:00 +0000\nReceived: from a; Tue, 7 Jan 2025 15:00:00 +0000\n",
            datetime(2025, 1, 7, 15, tzinfo=UTC),
        ),
        ("Date: Thu, 1 Jan 1970 00:00:00 +0000\n", None),
        ("Date: \n", None),
        ("", None),
    ],
)
def test_the_date_is_the_authors_unless_it_cannot_be(headers: str, sent: datetime | None) -> None:
    """Bad dates and clocks that run ahead give way to the receiving server's; unknown stays unknown."""
    assert sent == read_mail(raw(headers=headers)).sent


def test_an_envelope_dates_a_message_without_date() -> None:
    """The separating line of an archive is skipped, and its time is the last resort."""
    data = b"From ada@example.org Tue Jan  7 14:00:00 2025\n" + raw()
    assert datetime(2025, 1, 7, 14, tzinfo=UTC) == read_mail(data).sent == read_head(data).sent
    assert read_mail(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + raw()).sent is None


def test_a_message_without_id_has_one() -> None:
    """Made of who wrote it when, so that a copy of it is the same message."""
    one, other = b"From: Ada <a@x.org>\nSubject: A\n\nx", b"From: Ada <a@x.org>\nSubject: B\n\nx"
    assert read_mail(one).message_id == read_head(one).message_id
    assert read_mail(one).message_id != read_mail(other).message_id
    assert "b@x" == read_mail(b"Message-Id: b@x\n\n").message_id


def test_the_hash_is_mailmans() -> None:
    """Base32 of the SHA-1 of the Message-ID without its brackets, as ``sha1sum`` and ``base32`` make it."""
    assert "N5UK4GVBSELN6UXDC45OD7FEXTBEWLMW" == message_hash("alpha@example.org")


# --- parts ---------------------------------------------------------------------------------------------------


def multipart(kind: str, *parts: str) -> bytes:
    """A message of several parts."""
    inner = "".join(f"--b\n{part}\n" for part in parts)
    return raw(f"{inner}--b--\n", headers=f'MIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary="b"\n')


def test_plain_text_is_preferred() -> None:
    """Of two alternatives the plain one; attachments are nobody's words."""
    attached = 'Content-Type: text/plain; name="log.txt"\nContent-Disposition: attachment; filename="log.txt"\n\nLOG\n'
    mail = read_mail(
        multipart("mixed", f"{PLAIN}\nPlain words.\n", "Content-Type: text/html\n\n<p>Rich</p>\n", attached)
    )
    assert "<p>Plain words.</p>" == mail.html


def test_html_stands_in_for_a_useless_plain_part() -> None:
    """An empty plain part, or one that says to use another program, is not what the author wrote."""
    rich = "Content-Type: text/html\n\n<p>Rich <b>words</b></p>\n"
    for useless in ("", "Your program does not support HTML messages."):
        assert "<p>Rich <b>words</b></p>" == read_mail(multipart("alternative", f"{PLAIN}\n{useless}\n", rich)).html


def test_transfer_encodings_are_undone() -> None:
    """Quoted-printable and base64, with a charset that is wrong."""
    quoted = raw("gr=F6=DFer =\nals\n", headers=PLAIN + "Content-Transfer-Encoding: quoted-printable\n")
    assert "größer als" == read_mail(quoted).text
    packed = base64.b64encode("größer".encode()).decode()
    assert "größer" == read_mail(raw(packed, headers=PLAIN + "Content-Transfer-Encoding: base64\n")).text


def test_a_forwarded_message_is_not_the_authors() -> None:
    """What is attached as a message stays out."""
    inner = "Content-Type: message/rfc822\n\nFrom: Eve <e@x.org>\nSubject: s\n\nForwarded words.\n"
    assert "Mine." == read_mail(multipart("mixed", f"{PLAIN}\nMine.\n", inner)).text


def test_what_must_not_be_archived_is_private() -> None:
    """The author's wish, and encrypted mail."""
    assert read_mail(raw(headers="X-No-Archive: Yes\n")).private
    sealed = read_mail(multipart("encrypted", f"{PLAIN}\nVersion: 1\n"))
    assert (True, "") == (sealed.private, sealed.html)


def test_parts_nested_without_end_are_refused() -> None:
    """A message made to exhaust the parser is an error that names it, not a crash."""
    data = "".join(f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(3000))
    with pytest.raises(ValueError, match="nested too deeply"):
        read_mail(data.encode())


# --- words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It works.\n\n-- \nAda\n+49 30 123456\n", "It works."),
        ("It works.\n--\nAda\n", "It works."),
        ("Use\n--\nto end options.\n" + "More.\n" * 12, "Use\n--\nto end options.\n" + "More.\n" * 11 + "More."),
        ("It works.\n" + "_" * 47 + "\nHelp mailing list\nhelp@x.org\nhttps://x.org/listinfo/help\n", "It works."),
        ("It works.\n" + "-" * 60 + "\nTo unsubscribe, e-mail: off@x.org\n", "It works."),
        ("A table\n" + "-" * 40 + "\na  b\n", "A table\n" + "-" * 40 + "\na  b"),
        ("Yes.\n\nOn Monday, Ada <a@x.org> wrote:\n> Does it?\n> Really?\n", "Yes."),
        ("Yes.\n\nOn Mon, 6 Jan 2025 at 12:00,\nAda Amp <a@x.org>\nwrote:\n\n> Does it?\n", "Yes."),
        ("Yes.\n\n2025-01-06 12:00 GMT+01:00 Ada <a@x.org>:\n\n> Does it?\n", "Yes."),
        ("Am Montag schrieb Ada:\n> Geht es?\n\nJa.\n", "> Geht es?\n\nJa."),
        ("> Does it?\n>> old\n\nYes.\n> And that?\nNo.\n", "> Does it?\n\nYes.\n> And that?\nNo."),
        ("Yes.\n\n-----Original Message-----\nFrom: Ada\nSent: Monday\nTo: Help\n\nDoes it?\n", "Yes."),
        ("Yes.\n\nFrom: Ada <a@x.org>\nSent: Monday\nTo: Help\nSubject: s\n\nDoes it?\n", "Yes."),
        ("Von: Ada\nGesendet: Montag\n\nSeht her.\n", "Von: Ada\nGesendet: Montag\n\nSeht her."),
        ("He wrote:\nno quote here\n", "He wrote:\nno quote here"),
        (
            (
                "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nSigned.\n- -- \nAda\n-----BEGIN PGP SIGNATURE-----\n\nabc\n"
                "-----END PGP SIGNATURE-----\n"
            ),
            "Signed.",
        ),
        ("Key:\n-----BEGIN PGP PUBLIC KEY BLOCK-----\nabc\n-----END PGP PUBLIC KEY BLOCK-----\nDone.\n", "Key:\nDone."),
        (
            "Seen.\n-------------- next part --------------\nAn HTML attachment was scrubbed...\nURL: <http://x.org/a.htm>\n",
            "Seen.",
        ),
    ],
)
def test_only_the_authors_words_are_kept(text: str, words: str) -> None:
    """Signatures, footers, armour, attributions and history go; what is answered line by line stays."""
    assert words == own_words(text)


def test_a_long_quotation_is_cut_to_its_end() -> None:
    """What stands directly above the answer is what it answers."""
    text = "".join(f"> line {number}\n" for number in range(40)) + "Yes.\n"
    assert ["> …", "> line 32"] == own_words(text).split("\n")[:2]


def test_spelled_addresses_are_found_as_addresses() -> None:
    """An archive that writes "ada at example.org" hides an address from what removes addresses."""
    text = "Write to ada.amp at mail.example.org or look at docs.example.org"
    assert "Write to ada.amp@mail.example.org or look at docs.example.org" == own_words(text, spelled=True)
    assert text == own_words(text)


def test_flowed_lines_are_joined() -> None:
    """RFC 3676: a line that ends in a space goes on, at its own depth; signatures and stuffed lines are known."""
    text = "One two \nthree\n> quoted \n> on\n> > deep\n From here\n-- \nAda"
    assert "One two three\n> quoted on\n> > deep\nFrom here\n-- \nAda" == unflowed(text).replace(">> ", "> > ")
    assert "wordword" == unflowed("word \nword", delete_space=True)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("One line that is long enough to have been broken by its program\nhere.", "<p>One line that is long enough to have been broken by its program\nhere.</p>"),
        ("Short.\nAlso short.", "<p>Short.<br>\nAlso short.</p>"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
        ("- one\n- two\n  more", "<ul><li>one</li><li>two<br>\nmore</li></ul>"),
        ("1. one\n2. two", "<ol><li>one</li><li>two</li></ol>"),
        ("    pump --start\n    pump --stop", "<pre><code>    pump --start\n    pump --stop</code></pre>"),
        ("  a = 1\n\n  b = 2", "<pre><code>  a = 1\n\n  b = 2</code></pre>"),
        ("```py\nx < 1\n```", '<pre><code class="language-py">x &lt; 1</code></pre>'),
        ("```\nopen", "<pre><code>open</code></pre>"),
        ("\tAda", "<p>Ada</p>"),
        ("> asked\n\ntold", "<blockquote><p>asked</p></blockquote>\n<p>told</p>"),
        ("See <https://x.org/a?b=1&c=2>.", '<p>See <a href="https://x.org/a?b=1&amp;c=2">https://x.org/a?b=1&amp;c=2</a>.</p>'),
        ('https://x.org/"onclick=', '<p><a href="https://x.org/">https://x.org/</a>"onclick=</p>'),
    ],
)  # fmt: skip
def test_words_become_html(text: str, html: str) -> None:
    """Paragraphs, meant line breaks, lists, code and links; nothing of the text is markup."""
    assert html == text_html(text)


@pytest.mark.parametrize(
    ("html", "own"),
    [
        ("<p>Yes.</p><div class='gmail_quote'><div class='gmail_attr'>Ada wrote:</div><blockquote>Old</blockquote></div>", "<p>Yes.</p>"),
        ("<div class='moz-cite-prefix'>Ada wrote:</div><blockquote type='cite'>Asked</blockquote><p>Told</p>", '<blockquote type="cite">Asked</blockquote><p>Told</p>'),
        ("<p>Yes.</p><blockquote type='cite'>Old</blockquote>", "<p>Yes.</p>"),
        ("<p>Yes.</p><div><div id='divRplyFwdMsg'>From: Ada</div><p>Old</p></div><p>Older</p>", "<p>Yes.</p><div></div>"),
        ("<p>Yes.</p><img src='https://t.x.org/p.gif' width='1' height='1'><style>p{}</style>", "<p>Yes.</p>"),
        ("<p>Yes.</p><div class='gmail_signature'>Ada</div>", "<p>Yes.</p>"),
        ("<div class='gmail_quote'>Asked</div><div class='gmail_quote'>Asked</div><p>Told</p>", '<div class="gmail_quote">Asked</div><div class="gmail_quote">Asked</div><p>Told</p>'),
        ("<div class='gmail_quote'>Asked</div><div class='gmail_signature'>Ada</div>", ""),
        ("<blockquote type='cite'>Old</blockquote>", '<blockquote type="cite">Old</blockquote>'),
        ("<blockquote type='cite'>Old<blockquote type='cite'>Older</blockquote></blockquote>", '<blockquote type="cite">Old</blockquote>'),
        ("<div><blockquote type='cite'>Asked</blockquote></div><p>Told</p><blockquote type='cite'>Old</blockquote>", '<div><blockquote type="cite">Asked</blockquote></div><p>Told</p>'),
        ("", ""),
    ],
)  # fmt: skip
def test_html_bodies_lose_what_programs_add(html: str, own: str) -> None:
    """History, signatures and tracking images of the usual programs; a quotation that is answered stays."""
    assert own == own_html(html)[0]


def test_html_bodies_have_text() -> None:
    """Words of blocks on lines of their own."""
    assert "One\ntwo three" == own_html("<p>One</p><p>two  <b>three</b></p>")[1]


@pytest.mark.parametrize("seed", [b"=?", b"(", b"<a ", b"> ", b"From: x\n", b"--\n", b"_" * 30 + b"\n", b"a.b at "])
def test_hostile_repetition_is_read_in_time(seed: bytes) -> None:
    """Whatever is repeated a hundred thousand times is read, not searched for ever."""
    flood = seed * (100_000 // len(seed))
    mail = read_mail(b"From: " + flood.replace(b"\n", b" ") + b"\nSubject: x\n\n" + flood)
    assert "x" == mail.subject
    assert own_words(flood.decode(), spelled=True) is not None


@pytest.mark.parametrize("quote", ["<blockquote type='cite'>a</blockquote>", "<div class='gmail_quote'>a</div>"])
def test_each_of_many_quotations_is_looked_at_once(quote: str) -> None:
    """A message of tens of thousands of quotations is read as fast as one of as many paragraphs."""
    assert own_html("<p>Yes.</p>" + quote * 40_000)[0] == "<p>Yes.</p>"
