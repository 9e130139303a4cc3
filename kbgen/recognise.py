"""``kbgen init DIR --from URL``: which platform a community runs on, and the source block that reads it.

A platform is recognised by what its API answers, in the order the first page suggests; what has no API that could be
asked is recognised by its page alone. Nothing is harvested here. What could not be found out is said, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from kbgen import __version__
from kbgen.config import CONFIG_FILE
from kbgen.errors import SourceError, UsageError
from kbgen.sources.http import Client, Disallowed, Manners, Moved, Params, Reply, host_of
from kbgen.sources.http_client import HttpClient, Network
from kbgen.sources.web_body import parse_page
from kbgen.sources.web_items import read_jsonld, read_microdata
from kbgen.sources.web_sitemap import list_pages

_ANY = range(400, 600)
_NO_SOURCES = "sources: []\n"  # as the skeleton has it
_STACK_EXCHANGE = re.compile(
    r"(?:[\w.-]+\.)?(?:stackexchange|stackoverflow|serverfault|superuser|askubuntu|stackapps)\.com|mathoverflow\.net"
)
# How many pages of a sitemap are looked at for structured data, one of each part of the site first.
_SAMPLES, _LISTED = 12, 2000
_LICENCE = ("Licence of its texts: set `licence` and `licence_url`; they are shown on every page.",)
_STAFF = ("Who is staff: list user names in `staff`, and their answers count as staff answers.",)
_DUMPS = {"phpbb": "phpBB", "mybb": "MyBB", "vbulletin": "vBulletin"}


@dataclass(frozen=True)
class Recognised:
    """A community, as far as it can be told from outside.

    Attributes:
        kind: of the source.
        platform: its name, for people.
        options: keys of the block besides ``name`` and ``kind``.
        unknown: what a person has to find out, a sentence each.
        ready: whether the block works as it is; one that needs a file or an id is written behind ``#``.
    """

    kind: str
    platform: str
    options: Mapping[str, Any]
    unknown: tuple[str, ...] = ()
    ready: bool = True

    def block(self) -> str:
        """The block as it stands below ``sources:``."""
        name = "help" if self.kind == "zendesk" else "community"
        lines = yaml.safe_dump(
            [{"name": name, "kind": self.kind, **self.options}], sort_keys=False, allow_unicode=True, width=200
        ).splitlines()
        notes = [f"    # {note}" for note in self.unknown]
        mark = "" if self.ready else "# "
        return "\n".join([*(f"  {mark}{line}" for line in lines), *notes])

    def write(self, folder: Path) -> None:
        """Put the block into the project that was just made in a folder."""
        file = folder / CONFIG_FILE
        text = file.read_text(encoding="utf-8")
        head = "sources:\n" if self.ready else _NO_SOURCES
        file.write_text(text.replace(_NO_SOURCES, f"{head}{self.block()}\n", 1), encoding="utf-8")


@dataclass
class _Site:
    """What is known of an address while its platform is looked for.

    Attributes:
        bases: where the community may begin, likeliest first.
        page: HTML of the address; "" when it could not be read.
        notes: what went wrong on the way, for the message when nothing is found.
    """

    client: Client
    url: str
    bases: tuple[str, ...]
    page: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def get(self, url: str, params: Params | None = None, accept: str = "application/json") -> Reply | None:
        """An answer of whatever status; None when there is none."""
        try:
            return self.client.get(url, params=params, accept=accept, handled=_ANY)
        except SourceError:
            return None

    def json(self, url: str, params: Params | None = None) -> Any:
        """The JSON at an address; None when there is none."""
        reply = self.get(url, params)
        if reply is None or reply.status != 200 or reply.is_page:
            return None
        try:
            return reply.json()
        except SourceError:
            return None


def recognise_at(url: str) -> Recognised:
    """Recognise the community at an address, over the network.

    Raises:
        UsageError: the address is none, cannot be reached, or shows no community kbgen can read.
    """
    host = host_of(url)
    name = (urlsplit(url).hostname or "") if host else ""
    # Somebody typed this address: it may lead into their own network.
    manners = Manners(user_agent=f"kbgen/{__version__}", timeout=15.0, patience=30.0, private_hosts=frozenset({name}))
    with HttpClient((host,), Network(manners)) as client:
        return recognise(url, client)


def recognise(url: str, client: Client) -> Recognised:
    """Recognise the community at an address.

    Args:
        url: of its home page, or of any page of it.
        client: may ask its host.

    Raises:
        UsageError: the address is none, cannot be reached, or shows no community kbgen can read.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"--from {url}: must be a web address, such as https://community.example.com")
    found = _by_host(url)
    if found is not None:
        return found
    site = _look(url, client)
    for probe in _in_order(site):
        for base in site.bases:
            found = probe(site, base)
            if found is not None:
                return found
    found = _by_page(site) or _as_web(site)
    if found is None:
        said = "".join(f" {note}." for note in site.notes)
        msg = (
            f"--from {url}: no platform kbgen knows answers there, and no sitemap of the host leads to pages that say "
            f"which answer is accepted.{said} `kbgen init DIR` without --from writes a project; "
            "docs/sources.md lists what can be read, exports and dumps among it"
        )
        raise UsageError(msg)
    return found


# --- looking ---------------------------------------------------------------------------------------------


def _by_host(url: str) -> Recognised | None:
    """Platforms with one home each: the address says it all."""
    parts = urlsplit(url)
    host, path = (parts.hostname or "").lower(), [part for part in parts.path.split("/") if part]
    if host == "github.com" and len(path) >= 2:
        options = {"url": f"https://github.com/{path[0]}/{path[1]}", "token": "${GITHUB_TOKEN}"}
        note = "GitHub wants a token for public data, too: set the environment variable GITHUB_TOKEN."
        return Recognised("github-discussions", "GitHub Discussions", options, (note, *_LICENCE, *_STAFF))
    if _STACK_EXCHANGE.fullmatch(host):
        options = {
            "url": f"https://{host}",
            "licence": "CC BY-SA 4.0",
            "licence_url": "https://creativecommons.org/licenses/by-sa/4.0/",
        }
        key = "A `key` of an application gives 10,000 requests a day instead of 300; or name a `dump`."
        return Recognised("stackexchange", "Stack Exchange", options, (key, *_STAFF))
    if host.endswith((".slack.com", "discord.com", "discord.gg")):
        slack = host.endswith(".slack.com")
        kind, platform = ("slack", "Slack") if slack else ("discord", "Discord")
        own: dict[str, Any] = {"workspace": host.partition(".")[0]} if slack else {"forums": ["help"]}
        exported = {"archive": f"data/{kind}", **own}
        note = f"{platform} is read from an export: see docs/sources.md, put it at `archive`, and take the # away."
        return Recognised(kind, platform, exported, (note,), ready=False)
    return None


def _look(url: str, client: Client) -> _Site:
    """Ask for the address itself."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    first = parts.path.strip("/").partition("/")[0]
    given = url.partition("?")[0].partition("#")[0].rstrip("/")
    likely = [given if given.count("/") == 3 else "", f"{origin}/{first}" if first else "", origin]
    site = _Site(client, given, tuple(dict.fromkeys(base for base in likely if base)))
    try:
        reply = client.get(given if parts.path.strip("/") else f"{origin}/", accept="text/html", handled=_ANY)
    except Disallowed:
        site.notes.append("robots.txt asks programs not to read that page")
        return site
    except Moved as moved:
        raise UsageError(f"--from {url}: redirects to {host_of(moved.target)}; give that address") from moved
    except SourceError as error:
        raise UsageError(f"--from {url}: {error}") from error
    if reply.status in {401, 403}:
        site.notes.append(f"The page answers {reply.status}: visitors cannot read it, or programs are kept out")
    elif reply.status != 200:
        site.notes.append(f"The page answers {reply.status}")
    site.page, site.headers = reply.text(), reply.headers
    return site


def _about(site: _Site, base: str) -> dict[str, Any]:
    """Address, language and licence, as far as the page tells."""
    options: dict[str, Any] = {"url": base}
    root = parse_page(site.page) if site.page else None
    if root is not None:
        lang = str(root.get("lang") or "").partition("-")[0].lower()
        if re.fullmatch(r"[a-z]{2,3}", lang):
            options["lang"] = lang
        for link in root.iter("a", "link"):
            href = str(link.get("href") or "")
            if "license" in str(link.get("rel") or "").split() and href.startswith("https://"):
                options |= {"licence": " ".join(link.text_content().split()) or href, "licence_url": href}
                break
    return options


def _found(site: _Site, base: str, kind: str, platform: str, unknown: tuple[str, ...] = (), **more: Any) -> Recognised:
    options = {**_about(site, base), **more}
    licence = () if "licence" in options else _LICENCE
    return Recognised(kind, platform, options, (*unknown, *licence, *_STAFF))


# --- platforms that can be asked -------------------------------------------------------------------------

Probe = Callable[[_Site, str], Recognised | None]


def _discourse(site: _Site, base: str) -> Recognised | None:
    listed = site.json(f"{base}/latest.json")
    if not isinstance(listed, dict) or not isinstance(listed.get("topic_list"), dict):
        about = site.get(f"{base}/latest.json")
        if about is None or about.status != 403 or "x-discourse-route" not in about.headers:
            return None
        closed = (
            "Only members can read it: set `api_key` and `api_username`, and `members_only: true` if that is meant."
        )
        return _found(site, base, "discourse", "Discourse", (closed,))
    topics = listed["topic_list"].get("topics") or []
    marks = any("has_accepted_answer" in topic for topic in topics if isinstance(topic, dict))
    unmarked = "Whether topics can be solved: the newest carry no mark of the solved plugin."
    return _found(site, base, "discourse", "Discourse", () if marks else (unmarked,))


def _askbot(site: _Site, base: str) -> Recognised | None:
    info = site.json(f"{base}/api/v1/info/")
    known = isinstance(info, dict) and {"questions", "answers", "users"} <= info.keys()
    return _found(site, base, "askbot", "Askbot") if known else None


def _nodebb(site: _Site, base: str) -> Recognised | None:
    listed = site.json(f"{base}/api/recent")
    if not isinstance(listed, dict) or not isinstance(listed.get("topics"), list) or "topicCount" not in listed:
        return None
    marks = any("isQuestion" in topic or "isSolved" in topic for topic in listed["topics"] if isinstance(topic, dict))
    plugin = "Whether topics can be solved: recent ones carry no mark of the question-and-answer plugin."
    return _found(site, base, "nodebb", "NodeBB", () if marks else (plugin,))


def _flarum(site: _Site, base: str) -> Recognised | None:
    about = site.json(f"{base}/api")
    data = about.get("data") if isinstance(about, dict) else None
    if not isinstance(data, dict) or data.get("type") != "forums":
        return None
    says = data.get("attributes") or {}
    if says.get("canViewForum", says.get("canViewDiscussions")) is False:
        closed = "Only members can read it: set `token`, and `members_only: true`, if that is meant."
        return _found(site, base, "flarum", "Flarum", (closed,))
    marks = any("bestanswer" in re.sub(r"[^a-z]", "", str(key).lower()) for key in says)
    plugin = "Whether discussions can be solved: the forum does not say that it has the best-answer extension."
    return _found(site, base, "flarum", "Flarum", () if marks else (plugin,))


def _zendesk(site: _Site, base: str) -> Recognised | None:
    listed = site.json(f"{base}/api/v2/help_center/locales.json")
    locales = listed.get("locales") if isinstance(listed, dict) else None
    if not isinstance(locales, list) or not locales:
        return None
    posts = site.get(f"{base}/api/v2/community/posts.json", {"per_page": 1})
    community = posts is not None and posts.status == 200 and not posts.is_page
    note = "It shows visitors no community: only articles are read."
    more: dict[str, Any] = {"locales": [str(one).lower() for one in locales], "community": community}
    return _found(site, base, "zendesk", "Zendesk", () if community else (note,), **more)


def _forem(site: _Site, base: str) -> Recognised | None:
    listed = site.json(f"{base}/api/articles", {"per_page": 1})
    first = listed[0] if isinstance(listed, list) and listed else None
    if not isinstance(first, dict) or first.get("type_of") != "article":
        return None
    note = "What to read: `tags` of questions is a guess; `organization` and `authors` give staff articles."
    return _found(site, base, "forem", "Forem", (note,), tags=["help"])


def _khoros(site: _Site, base: str) -> Recognised | None:
    found = site.json(f"{base}/api/2.0/search", {"q": "SELECT id FROM messages LIMIT 1"})
    if not isinstance(found, dict) or found.get("status") not in {"success", "error"} or "data" not in found:
        return None
    note = "Its API is closed to visitors: set `session_key`, or read its pages with `kind: web`."
    return _found(site, base, "khoros", "Khoros", () if found["status"] == "success" else (note,))


def _kitsune(site: _Site, base: str) -> Recognised | None:
    listed = site.json(f"{base}/api/2/question/")
    results = listed.get("results") if isinstance(listed, dict) else None
    if not isinstance(results, list) or not any(isinstance(one, dict) and "solution" in one for one in results):
        return None
    note = "Which questions: set `locale` and `product`, or all are read."
    return _found(site, base, "kitsune", "Kitsune", (note,))


def _public_inbox(site: _Site, base: str) -> Recognised | None:
    feed = site.get(f"{base}/new.atom", accept="application/atom+xml")
    if feed is None or feed.status != 200 or b"<feed" not in feed.body[:2000]:
        return None
    if "public-inbox" not in site.page and b"public-inbox" not in feed.body:
        return None
    note = "What the list puts before its subjects: set `prefix`; its own name in brackets is known."
    return _found(site, base, "publicinbox", "public-inbox", (note,))


_PROBES: Mapping[str, tuple[Probe, re.Pattern[str]]] = {
    "discourse": (_discourse, re.compile(r"discourse", re.IGNORECASE)),
    "nodebb": (_nodebb, re.compile(r"nodebb", re.IGNORECASE)),
    "flarum": (_flarum, re.compile(r"flarum", re.IGNORECASE)),
    "askbot": (_askbot, re.compile(r"askbot", re.IGNORECASE)),
    "zendesk": (_zendesk, re.compile(r"zendesk|zdassets|/hc/", re.IGNORECASE)),
    "forem": (_forem, re.compile(r"forem", re.IGNORECASE)),
    "khoros": (_khoros, re.compile(r"lithium|khoros|/t5/|\blia-", re.IGNORECASE)),
    "kitsune": (_kitsune, re.compile(r"kitsune|/questions/(?:new|solved)", re.IGNORECASE)),
    "publicinbox": (_public_inbox, re.compile(r"public-inbox", re.IGNORECASE)),
}


def _in_order(site: _Site) -> list[Probe]:
    """The platforms the page hints at first; the rest after them, for a page may hide what it is made with."""
    text = f"{site.page}\n{site.url}\n{' '.join(f'{name}: {value}' for name, value in site.headers.items())}"
    hinted = [name for name, (_, hint) in _PROBES.items() if hint.search(text)]
    return [_PROBES[name][0] for name in [*hinted, *(name for name in _PROBES if name not in hinted)]]


# --- platforms that are read from elsewhere --------------------------------------------------------------


def _by_page(site: _Site) -> Recognised | None:
    """Platforms without an API for visitors, by what their pages say of themselves."""
    root = parse_page(site.page) if site.page else None
    if root is None:
        return None
    named = {str(meta.get("name") or "").lower(): str(meta.get("content") or "") for meta in root.iter("meta")}
    generator = named.get("generator", "").lower()
    words = " ".join(root.text_content().split()).lower()
    signs = {
        "phpbb": "phpbb" in generator or root.find(".//body[@id='phpbb']") is not None or "powered by phpbb" in words,
        "mybb": "mybb" in generator or "powered by mybb" in words,
        "vbulletin": "vbulletin" in generator or "powered by vbulletin" in words,
    }
    kind = next((kind for kind, shown in signs.items() if shown), None)
    if kind is not None:
        note = (
            f"{_DUMPS[kind]} has no API: put a dump of its database at `dump`, name the forums anybody may read, and "
            "take the # away."
        )
        options = {**_about(site, site.bases[-1]), "dump": "data/forum.sql.gz", "forums": ["Support"]}
        return Recognised(kind, _DUMPS[kind], options, (note, *_LICENCE, *_STAFF), ready=False)
    if "siteforce" in site.page or "/s/sfsites/" in site.page:
        options = {**_about(site, site.bases[-1]), "network": "0DB000000000000", "access_token": "${SALESFORCE_TOKEN}"}
        note = "Its API wants the site's id (`network`) and the token of a session: set both, and take the # away."
        return Recognised("salesforce", "Salesforce", options, (note, *_LICENCE, *_STAFF), ready=False)
    return None


def _as_web(site: _Site) -> Recognised | None:
    """Any site whose sitemap leads to pages that say which answer is accepted."""
    base = site.bases[-1]
    for address in _samples(site, base):
        try:
            reply = site.client.get(address, accept="text/html", handled=_ANY)
        except SourceError:
            continue
        if reply.status == 200 and _asks(reply.text()):
            part = urlsplit(address).path.strip("/").partition("/")[0]
            note = f"Whether all threads lie below /{part}/: of the sitemap a dozen pages were looked at."
            return _found(site, base, "web", "pages with structured data", (note,), include=[f"/{part}/*"])
    return None


def _samples(site: _Site, base: str) -> Iterator[str]:
    """Some pages of the sitemap, one of each part of the site, then a second one of each."""
    by_part: dict[str, list[str]] = {}
    try:
        for listed in islice(list_pages(site.client, base, (), None), _LISTED):
            path = urlsplit(listed.url).path.strip("/")
            # A thread is below something; a part's own page is a list.
            if "/" in path:
                by_part.setdefault(path.partition("/")[0], []).append(listed.url)
    except SourceError as error:
        site.notes.append(f"Sitemap: {error}")
    turns = (pages[turn] for turn in range(3) for pages in by_part.values() if len(pages) > turn)
    yield from islice(turns, _SAMPLES)


def _asks(page: str) -> bool:
    root = parse_page(page)
    if root is None:
        return False
    return any("QAPage" in item.types for item in (*read_jsonld(root)[0], *read_microdata(root)))
