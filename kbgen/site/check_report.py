"""What a check of the site can say: its rules by id, findings, and the report. The checks themselves are elsewhere."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

CHECKS: dict[str, str] = {
    "file": "Every page of the library is a file on the site.",
    "html": "Every page is HTML that can be read.",
    "link": "Every link and every asset inside the site leads to a file.",
    "fragment": "Every link to a place on a page finds the place.",
    "user-link": "A link in a harvested text, an article's included, leads to a page or place this site does not have.",
    "link-scheme": "No link runs a script or hides its target (javascript:, data:, vbscript:, file:, blob:, kb:).",
    "foreign-request": "No page makes the browser ask another host for a script, style, frame or font.",
    "foreign-image": "No page makes the browser ask another host for an image, a sound or a film.",
    "canonical": "Every page has exactly one canonical link, absolute, and the one the policy chose.",
    "noindex-canonical": "No page is noindex and hands its rank to another address at once.",
    "robots-meta": "A page says noindex when, and only when, it should.",
    "title": "Every page has one title.",
    "title-shared": "No two indexable pages have the same title.",
    "description": "Every page has one description.",
    "description-shared": "No two indexable pages have the same description.",
    "h1": "Every page has exactly one first-level heading.",
    "lang": "Every page states its language.",
    "json-ld": "Indexable pages have structured data: JSON with a @context and a @graph that cannot end its script.",
    "breadcrumbs": "Every indexable page but the home page has a BreadcrumbList of two steps or more.",
    "attribution": "Every harvested page links to each of its threads and to the licence, and names its authors.",
    "attribution-rel": "The links back to the threads are followed (no nofollow, no ugc).",
    "script": "No poured page runs a script that is written into it, but those of the frame itself.",
    "body": "Every harvested text on a page is plain markup: elements and attributes the sanitiser writes, no others.",
    "handler": "No poured page has an event handler attribute.",
    "written-script": "A page of a writer runs a script written into it.",
    "size": "A page is at most 60 KiB of HTML.",
    "sitemap": "The sitemap lists the indexable pages, all of them and no other.",
    "feed": "Every feed a page names is there, is well-formed, and leads to pages of the site.",
    "robots": "robots.txt is there and names the sitemap.",
    "redirect": "Every old address has a page that leads on or says that it is gone.",
    "altered": "Every file of the live site is as it was published (only `kbgen check` looks).",
    "manifest": "The manifest lists the pages of the site, all of them and no other.",
}
"""Check id to the rule it proves."""

WARNINGS = frozenset({"title-shared", "description-shared", "written-script", "size", "user-link", "foreign-image"})
"""Checks whose findings are worth a look and do not keep a site from being published: nobody who writes in a forum,
or in a folder kept elsewhere, may stop the site with a broken link or an image."""


class Finding(Struct, frozen=True):
    """One breach of a rule.

    Attributes:
        check: key of ``CHECKS``.
        page: site path of the page, or the file's name.
        target: the address it is about, as it stands in the page; "" when it is about none.
    """

    check: str
    page: str
    message: str
    target: str = ""


class CheckReport(Struct, frozen=True):
    """What a check of the site found.

    Attributes:
        errors: findings that keep the site from being published, by page.
        warnings: the others, by page.
        counts: pages checked, and findings by check id.
    """

    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    counts: dict[str, int] = {}

    def with_more(self, findings: Iterable[Finding]) -> CheckReport:
        """The report with further findings."""
        return make_report([*self.errors, *self.warnings, *findings], self.counts.get("pages", 0))


def make_report(findings: list[Finding], pages: int) -> CheckReport:
    """Sort findings into a report.

    Args:
        findings: in any order.
        pages: how many pages' HTML was read.
    """
    ordered = sorted(findings, key=lambda finding: (finding.page, finding.check, finding.message))
    counts = {"pages": pages}
    for finding in ordered:
        counts[finding.check] = counts.get(finding.check, 0) + 1
    return CheckReport(
        errors=tuple(finding for finding in ordered if finding.check not in WARNINGS),
        warnings=tuple(finding for finding in ordered if finding.check in WARNINGS),
        counts=counts,
    )
