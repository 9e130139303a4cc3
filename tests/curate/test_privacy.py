"""What is private is taken out of text, and what only looks private stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbgen.config import PrivacyConfig
from kbgen.curate.privacy import holds_private, redact_html, redact_text
from kbgen.curate.sanitise import safe_html
from kbgen.curate.text import Words, html_text

CONFIG = PrivacyConfig()
# Put together at run time, so that no scanner takes a test for a leak.
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".c2lnbmF0dXJl"
FAKE = {
    "aws": "AKIA" + "Q7" * 8,
    "google": "AIza" + "b3_" * 11 + "cd",
    "github": "ghp_" + "a1B2" * 9,
    "fine-grained": "github_pat_" + "11AB" * 8,
    "gitlab": "glpat-" + "x9Yz" * 5,
    "slack": "xoxb-" + "123456-abcdef",
    "app": "xapp-" + "1-A012-345-abcdef",
    "bot": "123456789:AA" + "Hq1_x" * 6 + "abc",
    "discord": "https://discord.com/" + "api/webhooks/123/" + "aB3_" * 10,
    "hook": "https://hooks.slack.com/" + "services/T000/B000/" + "q" * 12,
    "stripe": "sk_" + "live_" + "4eC39H" * 4,
    "openai": "sk-" + "proj-" + "Ab3" * 10,
    "jwt": JWT,
    "pem": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIB\n-----END RSA " + "PRIVATE KEY-----",
    "cut pem": "-----BEGIN " + "PRIVATE KEY-----\nMIIB",
}


@pytest.mark.parametrize(
    "text",
    [
        "write to jo.bloggs@hubworks.io please",
        "(jo+help@mail.hubworks.co.uk)",
        "mailto:jo@hubworks.io",
        "jo at hubworks: jo [at] hubworks [dot] io",
        "JO@HUBWORKS.IO.",
        "jo@hubworks.io: please answer",
        "Email:jo@hubworks.io",
        "jo@hubworks.io-thanks",
        "jo@hubworks.io_",
        "jo@hubworks.io@bastion",
        "jo@hub\u00adworks.io",
        "jo@hubworks\u200c.io",
        "jo\uff20hubworks\uff0eio",
        "jo at hubworks dot io",
    ],
)
def test_addresses_go(text: str) -> None:
    """An e-mail address is taken out, however it is written."""
    cleaned, kinds = redact_text(text, CONFIG)
    assert (kinds, cleaned.count("[e-mail removed]"), "hubworks" in cleaned.lower().rpartition("[")[2]) == (
        ("email",),
        1,
        False,
    )


def test_addresses_side_by_side_both_go() -> None:
    """What ends one address may begin the next; one of a domain in another script is an address as well."""
    assert redact_text("jo@hubworks.io/al@hubworks.io, jo@hub.xn--p1ai", CONFIG)[0] == (
        "[e-mail removed]/[e-mail removed], [e-mail removed]"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("curl -u jo@hubworks.io:pw99 x", "curl -u [e-mail removed]:[secret removed] x"),
        ("mail=jo@hubworks.io:backup", "mail=[e-mail removed]:backup"),
        ("login jo@gmail.com:backup", "login [e-mail removed]:backup"),
    ],
)
def test_addresses_in_code_that_are_no_remotes_go(text: str, expected: str) -> None:
    """A value, a user of a service and a mailbox nobody has a shell at are no remotes."""
    assert redact_text(text, CONFIG, code=True)[0] == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mail you@example.com", False),
        ("mail you@sub.example.org", False),
        ("noreply@hubworks.io sends them", False),
        ("git clone git@github.com:hub/works.git", False),
        ("jo@web01.hubworks.io:~$ ls", False),
        ("jo@web01.hubworks.io:/srv# ls", True),
        ("scp a jo@web01.hubworks.io:backup", True),
        ("npm install @hub/works@1.2.3", False),
        ("import x from '@hub/works.js'", True),
        ("@pytest.mark.slow", True),
        ("@property\ndef x(self): ...", True),
        ("systemctl start getty@tty1.service", False),
        ("logo@2x.png", False),
        ("admin@localhost", False),
        ("root@router.lan", False),
        ("ask @maria.lopez about it", False),
        ("https://mastodon.social/@maria", False),
        ("https://lists.hubworks.io/m/83272afb@gmail.com/", False),
        ("look at the dot com boom", False),
    ],
)
def test_what_only_looks_like_an_address_stays(text: str, code: bool) -> None:  # noqa: FBT001
    """Prompts, remotes, package names, decorators, mentions and reserved domains are no addresses."""
    assert redact_text(text, CONFIG, code=code) == (text, ())


@pytest.mark.parametrize(
    "text",
    [
        "call +44 20 7946 0958 today",
        "+1 (555) 010-0199",
        "(555) 010-0199",
        "555-010-0199",
        "020 7946 0958",
        "+972-50-555-0199",
        "tel: 5550101999",
        "Tel.: 030/901820",
        "Phone no.: 5550100199",
        "Mobile nr 5550100199",
        "My number is +49 30 12345678.",
        "+33.1.99.00.12.34",
        "Fax:+1 415 555 2671",
        "Number:+1 415 555 2671",
        "ph: 4155552671",
        "415 555 2693",
        "0151/23456787",
        "06.12.34.56.99",
        "+49\u201130\u201112345678",
        "555\u2013210\u20130199",
        "https://wa.me/14155552671",
        "Tel: 5550101999.",
    ],
)
def test_phone_numbers_go(text: str) -> None:
    """International, North American and national numbers are taken out."""
    cleaned, kinds = redact_text(text, CONFIG)
    assert (kinds, sum(char.isdigit() for char in cleaned)) == (("phone",), 0)


@pytest.mark.parametrize(
    "text",
    [
        "version 10.15.7.2041",
        "at 192.168.100.254 and 10.0.0.1",
        "2024-05-17 10:22:31",
        "17.05.2024",
        "05/17/2024",
        "block 840000, height 123456789",
        "timestamp 1715941351000",
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "costs $1,299.00 or 12 345 678 EUR",
        "ISBN 978-3-16-148410-0",
        "error 0x80070057 and id 1234-5678-9012",
        "123e4567-e89b-12d3-a456-426614174000",
        "0.000123456789",
        "from 1000-2000-3000 to 4000",
        "SN 4417-1234-5678-9113",
        "1 000 000 000 sats",
        "coordinates 48.858844, 2.294351",
        "00 00 00 00 00 00",
        "https://forum.example.net/t/how-to/123-456-7890",
        "range +1 to +100",
        "rows of 300 200 4000 900",
        "order number: 41555526",
    ],
)
def test_numbers_that_are_no_phones_stay(text: str) -> None:
    """Versions, addresses, dates, ids, prices and heights stay as they are."""
    assert redact_text(text, CONFIG) == (text, ())


@pytest.mark.parametrize("name", FAKE)
def test_keys_go(name: str) -> None:
    """Keys of known make are taken out, in code as well."""
    for code in (False, True):
        cleaned, kinds = redact_text(f"use {FAKE[name]} here" if name != "cut pem" else FAKE[name], CONFIG, code=code)
        assert (kinds, FAKE[name] in cleaned, "[secret removed]" in cleaned) == (("token",), False, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc123def456ghi789", "Authorization: Bearer [secret removed]"),
        ("postgres://app:hunter22@db.hubworks.io/x", "postgres://app:[secret removed]@db.hubworks.io/x"),
        ("https://hub.works/a?x=1&token=abcdef123", "https://hub.works/a?x=1&token=[secret removed]"),
        ("https://hub.works/a?X-Amz-Signature=abcdef12", "https://hub.works/a?X-Amz-Signature=[secret removed]"),
        ("https://hub.works/a?SessionId=abcdef12", "https://hub.works/a?SessionId=[secret removed]"),
        ("SecretAccessKey: " + "Ab12" * 10, "SecretAccessKey: [secret removed]"),
        ("Proxy: Basic\nabc123def456ghi789", "Proxy: Basic\n[secret removed]"),
        ("https://hub.works/a?password=hunter22#top", "https://hub.works/a?password=[secret removed]#top"),
        ("https://hub.works/#access_token=abcdefgh", "https://hub.works/#access_token=[secret removed]"),
        ("https://hub.works/?access-token=abcdefgh", "https://hub.works/?access-token=[secret removed]"),
        ("authorization: bearer abc123def456ghi789", "authorization: bearer [secret removed]"),
        ("Authorization: abc123def456ghi789", "Authorization: [secret removed]"),
        ('"SecretAccessKey": "' + "Ab12" * 10 + '"', '"SecretAccessKey": "[secret removed]"'),
        ("password: hunter22", "password: [secret removed]"),
        ("DB_PASSWORD='hunter22!'", "DB_PASSWORD='[secret removed]'"),
        ("mysql --password hunter22 hub", "mysql --password [secret removed] hub"),
        ("api_key=k3QzP0aB7vT5wX9e", "api_key=[secret removed]"),
        ("apiKey := k3QzP0aB7vT5wX9e", "apiKey := [secret removed]"),
        ("token = 'k3QzP0aB7vT5wX9e'", "token = '[secret removed]'"),
    ],
)
def test_named_secrets_keep_their_names(text: str, expected: str) -> None:
    """A secret with a name loses its value alone."""
    assert redact_text(text, CONFIG, code=True) == (expected, ("token",))


@pytest.mark.parametrize(
    "text",
    [
        "Bearer tokens are described below",
        "https://hub.works/?page=2&q=token",
        "sk-learn and xoxo",
        "ask_live_chat",
        "secret: ask",
        "password: changeme1",
        "password: ${DB_PASSWORD1}",
        "password = os.environ['PW1']",
        "password: process.env.PW1",
        "password = get_password1()",
        "the password: it has 8 characters",
        "token: sha256",
        "token = identifier_2_of_many_more",
        "api_key=your-api-key-goes-here-1",
        "partition key: customer-number-2024",
    ],
)
def test_words_about_secrets_stay(text: str) -> None:
    """Talking about tokens is not leaking one."""
    assert redact_text(text, CONFIG) == (text, ())


def test_redacting_twice_changes_nothing() -> None:
    """What stands in for a secret is not taken for another."""
    once, _ = redact_text("jo@hubworks.io +44 20 7946 0958 ?token=abcdef123 x://a:hunter22@h", CONFIG)
    assert redact_text(once, CONFIG) == (once, ())


def test_html_without_findings_is_the_same_string() -> None:
    """Nothing found, nothing rewritten: not a byte of the HTML moves."""
    html = "<p>Mail <A HREF='https://hub.works/?page=2'>us</A> at you@example.com &amp; co"
    assert redact_html(html, CONFIG) == (html, ())


def test_text_and_addresses_of_html_are_cleaned() -> None:
    """Text nodes, tails, entities, link addresses and alt texts are all looked at."""
    html = (
        '<p>jo&#64;hubworks.io<b>x</b> jo@hubworks.io <a href="mailto:jo@hubworks.io">me</a>'
        '<a href="https://hub.works/?token=abcdef123">t</a><img alt="jo@hubworks.io" src="a.png"></p>'
    )
    cleaned, kinds = redact_html(html, CONFIG)
    assert (kinds, "jo@" in cleaned, "abcdef123" in cleaned, cleaned.count("[e-mail removed]")) == (
        ("email", "token"),
        False,
        False,
        3,
    )


def test_a_coloured_code_block_is_read_as_one_text() -> None:
    """An address that colouring cut into spans is still found."""
    html = '<pre><code class="language-python"><span>jo</span><span>@hubworks</span><span>.io</span></code></pre>'
    assert redact_html(html, CONFIG) == (
        '<pre><code class="language-python"><span>[e-mail removed]</span></code></pre>',
        ("email",),
    )


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>ask <b>jo</b>@hubworks.io now</p>", "<p>ask <b>[e-mail removed]</b> now</p>"),
        ("<p>ask jo@<i>hubworks</i>.io</p>", "<p>ask [e-mail removed]</p>"),
        (f"<p><b>ghp_</b>{FAKE['github'][4:]}!</p>", "<p><b>[secret removed]</b>!</p>"),
        ("<p><b>+1 415</b> 555 2681 yes</p>", "<p><b>[phone number removed]</b> yes</p>"),
        ("<p>jo@hub&shy;works.io</p>", "<p>[e-mail removed]</p>"),
    ],
)
def test_markup_inside_a_word_hides_nothing(html: str, expected: str) -> None:
    """People read a paragraph as one text, and so is what is private in it."""
    assert redact_html(html, CONFIG)[0] == expected


@pytest.mark.parametrize("gap", ["<br>", "</p><p>", "\n", "</li><li>"])
@pytest.mark.parametrize("ending", ["-----END RSA " + "PRIVATE KEY-----", ""])
def test_a_private_key_in_several_lines_goes_whole(gap: str, ending: str) -> None:
    """No line of a key stays, however a forum wrote its ends of lines; what is said after it stays."""
    lines = ["-----BEGIN RSA " + "PRIVATE KEY-----", *["MIIB" + "q7Zx" * 15] * 3, ending, "That is all."]
    cleaned, kinds = redact_html(f"<p>{gap.join(filter(None, lines))}</p>", CONFIG)
    assert (
        kinds,
        "q7Zx" in cleaned,
        "KEY" in cleaned,
        cleaned.count("[secret removed]"),
        "That is all." in cleaned,
    ) == (
        ("token",),
        False,
        False,
        1,
        True,
    )


def test_a_key_that_is_only_spoken_of_takes_nothing_with_it() -> None:
    """A beginning without a key after it is all that goes."""
    begin = "-----BEGIN " + "PRIVATE KEY-----"
    assert redact_text(f"It starts with {begin} and goes on for a while.", CONFIG)[0] == (
        "It starts with [secret removed] and goes on for a while."
    )


@pytest.mark.parametrize(
    "href", ["https://hub.works/?m=jo%40hubworks.io", "https://wa.me/14155552671", "https://hub.works/?token=abcdef123"]
)
def test_links_that_name_somebody_lose_their_address(href: str) -> None:
    """What a link leads to is text, too; its words stay."""
    html = f'<p><a href="{href}">here</a></p>'
    assert redact_html(html, CONFIG)[0] == "<p><a>here</a></p>"
    assert holds_private(Words(html), CONFIG)


@pytest.mark.parametrize(
    "html", ["<p>a<b>jo</b>@hubworks.io</p>", '<p><img src="https://a.b/c.png" alt="jo@hubworks.io"></p>']
)
def test_what_is_found_was_foreseen(html: str) -> None:
    """The quick look, which saves the parser the work, sees all that the thorough one sees."""
    assert redact_html(html, CONFIG)[1]
    assert holds_private(Words(html), CONFIG)


PRIVATE = ("jo@hubworks.io", "+44 20 7946 0958", FAKE["github"], "password: hunter22", "020 7946 0958", FAKE["stripe"])
CUTS = ("", "", "", "<b>", "</b>", "<i>", "</i>", "<wbr>", "&shy;", "\u200c")


@given(st.data(), st.sampled_from(PRIVATE), st.sampled_from(("p", "li", "td", "h3", "blockquote")))
@settings(max_examples=200, deadline=None)
def test_no_cut_hides_what_is_private(data: st.DataObject, private: str, block: str) -> None:
    """Wherever tags and signs nobody sees stand in it, it is found, foreseen, and nothing around it is lost."""
    cut = "".join(char + data.draw(st.sampled_from(CUTS)) for char in private)
    html = str(safe_html(f"<{block}>Before it {cut} after it.</{block}><p>Next.</p>"))
    cleaned, kinds = redact_html(html, CONFIG)
    assert kinds, html
    assert holds_private(Words(html), CONFIG)
    text = html_text(cleaned).replace("\u200c", "").replace("\u00ad", "")
    assert private.rpartition(" ")[2] not in text
    assert (text.startswith("Before it "), text.endswith(" after it. Next.")) == (True, True), cleaned
    assert not redact_html(cleaned, CONFIG)[1]


def test_prompts_in_code_stay_and_addresses_in_it_go() -> None:
    """Code is read with care, not left out."""
    html = "<pre>jo@web01.hubworks.io:~$ git config user.email jo@hubworks.io</pre>"
    assert redact_html(html, CONFIG)[0] == "<pre>jo@web01.hubworks.io:~$ git config user.email [e-mail removed]</pre>"


MORE = (
    FAKE["cut pem"] * 20_000,
    "password=" * 50_000,
    "token: aaaaaa" * 50_000,
    "curl -u " * 50_000,
    "a at b dot " * 30_000,
    "\u00ad" * 500_000,
    "a@b.\u00ad" * 100_000,
)


def test_hostile_repetition_is_read_once() -> None:
    """Beginnings of secrets without an end do not make the search start over at each of them."""
    for text in ("eyJ-" * 200_000, "Bearer " * 100_000, "a@" * 200_000, "1 (" * 200_000, "+1 " * 100_000, *MORE):
        assert redact_text(text, CONFIG)[0]


def test_kinds_can_be_turned_off() -> None:
    """A kind that is not in privacy.redact stays; an allowed domain stays."""
    config = PrivacyConfig(redact=("phone",))
    assert redact_html("<p>jo@hubworks.io</p>", config) == ("<p>jo@hubworks.io</p>", ())
    allowing = PrivacyConfig(allow_domains=("hubworks.io",))
    assert redact_text("jo@mail.hubworks.io", allowing) == ("jo@mail.hubworks.io", ())


def test_markup_cannot_be_smuggled_in_by_text() -> None:
    """Escaped text stays escaped when the tree is written again."""
    cleaned, _ = redact_html("&lt;script&gt; jo@hubworks.io <p>&lt;img src=x&gt; jo@hubworks.io</p>", CONFIG)
    assert ("<script" in cleaned, "<img" in cleaned) == (False, False)
