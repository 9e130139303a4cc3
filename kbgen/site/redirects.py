"""Addresses that moved or are gone: one mapping, and what each kind of host needs to honour it.

A redirect's key is a decoded site path; its value is the new path, a URL elsewhere, or None for gone (410).
Not here: which redirects there are (compile), and the pages that answer at their own address.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from kbgen.addresses import absolute, encode
from kbgen.config import Config, Position, load_yaml, read_written
from kbgen.errors import ConfigError
from kbgen.site.manifest import target_url
from kbgen.site.words import direction, words_for

REDIRECTS_FILE = "site_config/redirects.yml"
# Cloudflare Pages reads this many static rules, and no line longer than 1,000 characters.
_MOST_RULES = 2_000
Redirects = dict[str, str | None]


def load_redirects(project: Path) -> Redirects:
    """The redirects an operator wrote; none when there is no file.

    Raises:
        ConfigError: with every fault, each naming file and line.
    """
    if not (project / REDIRECTS_FILE).exists():
        return {}
    return parse_redirects(read_written(project, REDIRECTS_FILE))


def parse_redirects(text: str) -> Redirects:
    """Validate the text of ``redirects.yml``.

    Raises:
        ConfigError: with every fault, each naming file and line.
    """
    data, lines = load_yaml(text, REDIRECTS_FILE)
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{REDIRECTS_FILE}:1: must be a mapping of /old/: /new/ (or null, when it is gone)")
    faults = [fault for item in data.items() if (fault := _fault(*item, lines))]
    if faults:
        raise ConfigError(faults)
    return {str(old): new for old, new in data.items()}


def _fault(old: object, new: object, lines: Mapping[Position, int]) -> str | None:
    place = f"{REDIRECTS_FILE}:{lines.get((str(old),), 1)}: {old}"
    if not (isinstance(old, str) and _is_path(old)):
        return f"{place} is not a path of this site; write it decoded and from the site's root, such as /old/page/"
    if new is None or (isinstance(new, str) and (_is_path(new) or _is_web(new))):
        return None
    return f"{place}: the target {new!r} must be a path such as /new/page/, an http(s) address, or null for gone"


def _is_path(text: str) -> bool:
    clean = text.isprintable() and not set(text) & set("\\?#")
    return clean and text.startswith("/") and not {"", ".", ".."} & set(text[1:].removesuffix("/").split("/"))


def _is_web(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    clean = text.isprintable() and text.isascii() and not set(text) & set(" \"'<>")
    return clean and parts.scheme in {"http", "https"} and bool(parts.hostname)


def flatten(redirects: Mapping[str, str | None]) -> Redirects:
    """Send every old path straight to where its chain ends.

    Raises:
        ConfigError: a chain runs in a circle; every circle is named once.
    """
    ends: Redirects = {}
    faults: list[str] = []
    for start in redirects:
        trail: list[str] = []
        seen: set[str] = set()
        here: str | None = start
        while here is not None and here in redirects and here not in ends and here not in seen:
            trail.append(here)
            seen.add(here)
            here = redirects[here]
        if here in seen:
            circle = trail[trail.index(here or "") :]
            faults.append(f"redirects run in a circle: {' -> '.join([*circle, circle[0]])}; remove one of them")
            here = None
        end = ends[here] if here is not None and here in ends else here
        ends.update(dict.fromkeys(trail, end))
    if faults:
        raise ConfigError(faults)
    return {old: ends[old] for old in redirects}


def stub_path(path: str) -> str:
    """Where a redirect's page lies: an old path without slash or extension becomes a folder."""
    return path if path.endswith("/") or "." in path.rsplit("/", 1)[1] else f"{path}/"


def redirect_files(redirects: Mapping[str, str | None], config: Config) -> dict[str, bytes]:
    """The maps for hosts and tools.

    Args:
        redirects: flattened.
        config: for ``site.url``.

    Returns:
        ``_redirects`` (Netlify, Cloudflare Pages), ``redirects.nginx.map`` and ``redirects.csv``, sorted by
        old path, by name; they are there without redirects too, so that a host's include never dangles.
    """
    moved = [(old, target_url(config.site.url, to)) for old, to in sorted(redirects.items()) if to is not None]
    gone = [old for old, to in sorted(redirects.items()) if to is None]
    base = urlsplit(config.site.url).path or "/"
    return {
        "_redirects": _host_rules(moved, gone, base).encode(),
        "redirects.nginx.map": _nginx_map(moved, gone, base).encode(),
        "redirects.csv": _csv(moved, gone, config.site.url).encode(),
    }


def _host_rules(moved: list[tuple[str, str]], gone: list[str], base: str) -> str:
    lines = ["# Redirects for Netlify and Cloudflare Pages. Netlify prefers the stub page at an old address."]
    if len(moved) + len(gone) > _MOST_RULES:
        lines.append(f"# {len(moved) + len(gone)} rules: Cloudflare Pages reads {_MOST_RULES}; stub pages do the rest.")
    lines += [f"{base}{encode(old[1:])} {to} 301" for old, to in moved]
    # Last, because a host that does not know 410 skips these lines and serves the page that says so.
    lines += [f"{base}{encode(old[1:])} {base}404.html 410" for old in gone]
    return "\n".join(lines) + "\n"


_NGINX_HEAD = """\
# http {
#     map_hash_max_size 262144;
#     map_hash_bucket_size 1024;
#     map $uri $kbgen_redirect { include /path/to/redirects.nginx.map; }
#     server {
#         if ($kbgen_redirect = gone) { return 410; }
#         if ($kbgen_redirect) { return 301 $kbgen_redirect; }
#     }
# }
"""


def _nginx_map(moved: list[tuple[str, str]], gone: list[str], base: str) -> str:
    # In a map's value a dollar sign would start a variable.
    lines = [f"{_nginx_key(base + old[1:])} {to.replace('$', '%24').replace(';', '%3B')};" for old, to in moved]
    lines += [f"{_nginx_key(base + old[1:])} gone;" for old in gone]
    return _NGINX_HEAD + "".join(f"{line}\n" for line in lines)


def _nginx_key(path: str) -> str:
    quoted = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'


def _csv(moved: list[tuple[str, str]], gone: list[str], site_url: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("from", "to", "status"))
    writer.writerows((absolute(site_url, old), to, 301) for old, to in moved)
    writer.writerows((absolute(site_url, old), "", 410) for old in gone)
    return out.getvalue()


def stub_html(target_url: str, title: str, lang: str) -> bytes:
    """The page at an old address on a host that cannot redirect.

    No ``noindex``: it would fight the redirect. Zero seconds, which search engines read as permanent. No
    words but the title's, so it is right in every language.

    Args:
        target_url: absolute.
        title: of the page it leads to.
        lang: of that page.
    """
    url = escape(target_url)
    name = escape(" ".join(title.split()) or target_url)
    return (
        f"{_html_head(lang, name)}"
        f'<meta http-equiv="refresh" content="0; url={url}">\n'
        f'<link rel="canonical" href="{url}">\n'
        f'</head>\n<body>\n<main>\n<h1><a href="{url}">{name}</a></h1>\n</main>\n</body>\n</html>\n'
    ).encode()


def gone_html(config: Config, lang: str, search_path: str = "/search/") -> bytes:
    """The page at the address of a withdrawn page: noindex, and no trace of what stood there.

    Args:
        config: for the site's name and URL.
        lang: the language to say it in; English when there are no words for it.
        search_path: where the site's search is.
    """
    words = words_for(lang)
    # Words nobody translated are English, and the page says so.
    shown = lang if words["gone_title"] != words_for("en")["gone_title"] else "en"
    title, text = escape(words["gone_title"]), escape(words["gone_text"])
    links = "".join(
        f'<li><a href="{escape(absolute(config.site.url, path))}">{escape(words[word])}</a></li>\n'
        for path, word in (("/", "home"), (search_path, "search"))
    )
    return (
        f"{_html_head(shown, f'{title} - {escape(config.site.name)}')}"
        '<meta name="robots" content="noindex, follow">\n'
        f"</head>\n<body>\n<main>\n<h1>{title}</h1>\n<p>{text}</p>\n<ul>\n{links}</ul>\n</main>\n</body>\n</html>\n"
    ).encode()


def _html_head(lang: str, title: str) -> str:
    return (
        f'<!doctype html>\n<html lang="{escape(lang)}" dir="{direction(lang)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
    )
