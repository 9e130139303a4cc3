"""Which articles are one text in several languages: data for ``hreflang`` and for the links to and between them.

Only what is certain counts: a source's own id, a front matter's word, the same file under another language's name
(``Article.family``). They are never one page. Not here: texts that merely say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kbgen.compile.inputs import Inputs
from kbgen.compile.seo import canonical
from kbgen.model import Ref, Summary


def language_versions(inputs: Inputs, paths: Mapping[Ref, str]) -> dict[str, tuple[tuple[str, str], ...]]:
    """Language and absolute address of each version, by family.

    A page that names another address as the one to index is left out, as search engines ask
    (https://developers.google.com/search/docs/specialty/international/localized-versions). Of two in one language, such
    as files nobody has translated yet, the one with the smaller ref stands for it.
    """
    families: dict[str, dict[str, str]] = {}
    for summary in sorted((one for one in inputs.summaries if one.family), key=lambda one: one.ref):
        own = inputs.url(paths[summary.ref])
        if canonical(summary, own, inputs).url == own:
            families.setdefault(summary.family, {}).setdefault(summary.lang, own)
    return {family: tuple(sorted(known.items())) for family, known in families.items() if len(known) > 1}


def sections_of(summaries: Iterable[Summary]) -> dict[Ref, dict[str, str]]:
    """What a link may call the sections of each article, to what they are called there.

    A translated heading has a translated name, and links in translations often keep that of the original. As long as a
    version has as many sections, the one at the same place is meant.
    """
    articles = sorted((one for one in summaries if one.kind == "article"), key=lambda one: one.ref)
    families: dict[str, list[Summary]] = {}
    for article in articles:
        families.setdefault(article.family, []).append(article)
    found: dict[Ref, dict[str, str]] = {}
    for article in articles:
        own = article.sections
        names = found[article.ref] = {name: name for name in own}
        for version in families[article.family] if article.family else ():
            if len(version.sections) == len(own):
                names |= {there: here for there, here in zip(version.sections, own, strict=True) if there not in names}
    return found
