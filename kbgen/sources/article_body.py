"""The body of an article: rendered, without its repeated title, and with links that hold on this site. Pure.

What is NOT here: sanitising, and the front matter (``article_fields``).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urljoin

from bs4 import BeautifulSoup, Tag
from msgspec import Struct

from kbgen.sources.markdown import render

_LINKED = re.compile(r"""(?:\]\(\s*|\]:\s*|href=["'])(?:<([^<>\n#?]+\.md)|([^\s<>"')#?]+\.md))""", re.IGNORECASE)
_SCHEME = re.compile(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:|//)")
# Icons of Material's emoji extension, which are pictures only where that extension runs.
_ICON = re.compile(r":(?:material|fontawesome|octicons|simple)-[\w-]+:(?:\{[^{}\n]*\})?")


# GitHub's alert blocks, and the admonitions they are here.
_ALERT = re.compile(r"\s*\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]\s*", re.IGNORECASE)
_ALERTS = {"note": "note", "tip": "tip", "important": "info", "warning": "warning", "caution": "danger"}


class Body(Struct, frozen=True):
    """A rendered body.

    Attributes:
        html: without the heading that repeats the title; hostile.
        text: its visible words.
        heading: the first heading of level 1, "" when there is none.
        warnings: what could not be kept, each a complete sentence.
    """

    html: str
    text: str
    heading: str
    warnings: tuple[str, ...] = ()


def linked_files(text: str, name: str) -> Iterator[tuple[str, str]]:
    """Find relative links to Markdown files.

    Args:
        text: Markdown.
        name: path of the file it stands in, relative to the folder.

    Yields:
        The link as written, percent-decoded, and the path it leads to, relative to the folder.
    """
    for found in _LINKED.finditer(text):
        link = unquote(found[1] or found[2])
        if not _SCHEME.match(link) and not link.startswith("/"):
            yield link, posixpath.normpath(posixpath.join(posixpath.dirname(name), link))


def read_body(text: str, title: str, links: Mapping[str, str], url: str | None) -> Body:
    """Render an article's Markdown.

    Args:
        text: Markdown without front matter.
        title: from the front matter, "" when there is none.
        links: relative links to other articles, as ``linked_files`` gives them, to their refs.
        url: where the article lives, for its other relative links; None when nowhere else.
    """
    soup = BeautifulSoup(render(text), "lxml")
    heading = _take_heading(soup, title)
    for node in soup.find_all(string=_ICON):
        if not node.find_parent(["pre", "code"]):
            node.replace_with(_ICON.sub("", str(node)))
    for quote in soup.find_all("blockquote"):
        _mend_alert(quote)
    unreachable = sum(not _mend_link(link, links, url) for link in soup.find_all("a", href=True))
    pictures = sum(not _keep_image(image) for image in soup.find_all("img"))
    html = soup.body.decode_contents().strip() if soup.body else ""
    warnings = []
    if unreachable:
        warnings.append(f"{_count(unreachable, 'link')} to files that are not articles here became plain text.")
    if pictures:
        warnings.append(f"{_count(pictures, 'picture')} of the folder became the description, as no files are copied.")
    return Body(html, " ".join(soup.get_text().split()), heading, tuple(warnings))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _take_heading(soup: BeautifulSoup, title: str) -> str:
    """Remove the first heading when it is the title and nothing stands before it."""
    first = soup.select_one("h1")
    if first is None:
        return ""
    heading = " ".join(_ICON.sub("", first.get_text()).split())
    leading = first.parent is soup.body and first.find_previous_sibling() is None
    if leading and (not title or heading.casefold() == " ".join(title.split()).casefold()):
        first.decompose()
    return heading


def _mend_alert(quote: Tag) -> None:
    first = quote.find(string=re.compile(r"\S"))
    found = _ALERT.match(str(first)) if first is not None else None
    if first is None or found is None:
        return
    first.replace_with(str(first)[found.end() :])
    kind = found[1].lower()
    quote.name, quote.attrs = "div", {"class": f"admonition {_ALERTS[kind]}"}
    title = Tag(name="p", attrs={"class": "admonition-title"})
    title.string = kind.capitalize()
    quote.insert(0, title)


def _mend_link(link: Tag, links: Mapping[str, str], url: str | None) -> bool:
    href = str(link["href"]).strip()
    if _SCHEME.match(href) or href.startswith("#"):
        return True
    path, mark, fragment = href.partition("#")
    ref = links.get(unquote(path.partition("?")[0]))
    if ref is not None:
        link["href"] = f"kb:{ref}{mark}{fragment}"
    elif url is not None and not path.lower().endswith(".md"):
        link["href"] = urljoin(url, href)
    else:
        link.unwrap()
        return False
    return True


def _keep_image(image: Tag) -> bool:
    if _SCHEME.match(str(image.get("src") or "").strip()):
        return True
    image.replace_with(str(image.get("alt") or ""))
    return False
