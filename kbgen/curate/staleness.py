"""Signs that an answer may be out of date or disputed: for people to look at, never a reason to hide anything.

Four signs: a later reply says that it no longer works; a newer answer has far more votes than the accepted one; the
answer speaks of a version older than the product's; it links to what is not there any more. Where they are shown is
decided elsewhere; links are asked by ``site.external``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import unescape

from kbgen.config import RulesConfig
from kbgen.curate.answers import Ranked, is_live
from kbgen.model import ArticleEntry, Cluster, Curated, Entry, Head, Overlay, Post, Ref, Thread
from kbgen.store import Store
from kbgen.store.links import LinkingRow, link_key
from kbgen.store.suggestions import Suggestion, SuggestionKind

_GONE = re.compile(
    r"\bno longer (?:work|exist|support|available|valid|possible|true|the case)\w*"
    r"|\b(?:does|do|did|is|are)(?:n['’]t| not) (?:work|working|available|supported|valid)(?: for \w+)? any ?more"  # noqa: RUF001
    r"|\b(?:stopped|stops) working\b|\b(?:is|are|was|were|been|now) (?:deprecated|outdated|obsolete|removed)\b"
    r"|\bout[- ]of[- ]date\b|\bnon funziona più\b|\bjuż nie działa\b|\bfunktioniert nicht mehr\b|\bne fonctionne plus\b"
    r"|\bya no funciona\b|כבר לא עובד|不再(?:有效|可用|支持)|已经?(?:失效|过时)",
    re.IGNORECASE,
)
# One of these stands in all that is said above: to look for them spares most posts the reading.
_TELLING = (
    *("longer", "working", "deprecated", "outdated", "obsolete", "removed", "funziona", "działa", "mehr", "fonctionne"),
    *("funciona", "עובד", "不再", "失效", "过时"),
)
_TELLING_PAIR = re.compile(r"any.{0,6}more|of.{1,6}date", re.DOTALL)
_VERSION = re.compile(r"\b(?:v|version |release |firmware )(\d{1,4})(?:\.(\d{1,4}))?(?:\.\d+)*\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?\n。！？]*[.!?。！？]?")  # noqa: RUF001
ORIGIN = "signs"
LINKS = "links"
DRIFT = "overlays"
_HREF = re.compile(r'href="(https?://[^"]+)"')  # as sanitise writes it
_NAMED = 3
_QUOTED = 140
_ENDS = tuple(".!?\n。！？")  # noqa: RUF001
_MORE_VOTES, _TIMES = 3, 2  # how far a newer answer is ahead before it is worth a look


def signs(thread: Thread, ranked: tuple[Ranked, ...], texts: Mapping[str, str], rules: RulesConfig) -> tuple[str, ...]:
    """Find what speaks against the best answer.

    Args:
        thread: as parsed.
        ranked: its answers as they are shown, the best first.
        texts: visible text by post id.
        rules: the product's current version.

    Returns:
        Sentences, each after ``update:`` or ``contradict:``; unredacted.
    """
    if not ranked:
        return ()
    best = ranked[0].post
    later = (post for post in _after(best, thread) if _may_say_gone(post.html.lower()))
    found = [_says_gone(post, texts.get(post.id, "")) for post in later]
    found += [_outvoted(best, thread, ranked[0].why or ""), _old_version(texts.get(best.id, ""), rules)]
    return tuple(sign for sign in found if sign)


def _after(best: Post, thread: Thread) -> list[Post]:
    places = [place for place, post in enumerate(thread.answers) if post.id == best.id]
    later = thread.answers[places[0] + 1 :] if places else ()
    moment = best.edited or best.created
    return [
        post for post in later if is_live(post) and (moment is None or post.created is None or post.created > moment)
    ]


def _may_say_gone(html: str) -> bool:
    return any(word in html for word in _TELLING) or _TELLING_PAIR.search(html) is not None


def _says_gone(post: Post, text: str) -> str:
    found = _GONE.search(text)
    if found is None:
        return ""
    # The sentence it stands in; where that is long, from the words themselves.
    before = [match.end() for match in _SENTENCE.finditer(text, 0, found.start()) if match[0].strip()[-1:] in _ENDS]
    start = before[-1] if before and found.start() - before[-1] < _QUOTED else found.start()
    start = 0 if not before and found.start() < _QUOTED else start
    match = _SENTENCE.match(text, start)
    said = " ".join((match[0] if match and match.end() >= found.end() else found[0]).split())[:_QUOTED]
    when = f" of {post.created.date().isoformat()}" if post.created else ""
    return f"update:a later reply{when} says: {said}"


def _outvoted(best: Post, thread: Thread, why: str) -> str:
    score = best.score or 0
    newer = [
        post
        for post in thread.answers
        if is_live(post)
        and post.id != best.id
        and (post.score or 0) >= max(score + _MORE_VOTES, _TIMES * score)
        and best.created is not None
        and post.created is not None
        and post.created > best.created
    ]
    if why not in ("accepted", "schema") or not newer:
        return ""
    most = max(newer, key=lambda post: (post.score or 0, post.id))
    return f"contradict:a newer answer has {most.score} votes, the accepted one {score}"


def _old_version(text: str, rules: RulesConfig) -> str:
    if not rules.current_version:
        return ""
    current = _numbers(rules.current_version)
    spoken = [(int(found[1]), int(found[2] or 0)) for found in _VERSION.finditer(text)]
    if not spoken or max(spoken) >= current:
        return ""
    newest = ".".join(map(str, max(spoken)))
    return f"update:it speaks of version {newest}; the current one is {rules.current_version}"


def _numbers(version: str) -> tuple[int, int]:
    numbers = [int(part) for part in re.findall(r"\d+", version)[:2]]
    return (numbers[0], numbers[1] if len(numbers) > 1 else 0) if numbers else (0, 0)


def suggestions(heads: Iterable[Head], clusters: Iterable[Cluster], asked_often: int = 3) -> list[Suggestion]:
    """Suggest to look at what there are signs against, and to write about what is asked again and again.

    Args:
        heads: of every published thread that no article settles.
        clusters: the threads that share a page.
        asked_often: how many threads on one page ask for an article.
    """
    found = []
    kinds: tuple[SuggestionKind, ...] = ("update", "contradict")
    for head in heads:
        for kind in kinds:
            said = [sign.partition(":")[2] for sign in head.signs if sign.startswith(f"{kind}:")]
            if said:
                found.append(
                    Suggestion(kind, Ref(head.ref), "", ORIGIN, min(0.4 + 0.2 * len(said), 1.0), "; ".join(said))
                )
    for cluster in clusters:
        times = len(cluster.members)
        if times >= asked_often:
            why = f"asked {times} times; no article answers it"
            found.append(Suggestion("create", cluster.lead, "", ORIGIN, min(times / 10, 1.0), why))
    return found


def drifted(items: Iterable[Curated], overlays: Mapping[Ref, Overlay]) -> list[Suggestion]:
    """Suggest to read an overlay again when its thread's question or best answer is newer than the writer's look at it.

    Args:
        items: the threads that have overlays.
        overlays: by thread; those without ``reviewed`` say nothing.
    """
    found = []
    for item in items:
        overlay = overlays[item.ref]
        posts = (item.question, *item.answers[:1])
        changed = max((post.updated or post.created for post in posts if post and post.created), default=None)
        if overlay.reviewed and changed and changed.date() > overlay.reviewed:
            day = changed.date().isoformat()
            why = f"the thread changed on {day}, after {overlay.file} was reviewed ({overlay.reviewed.isoformat()})"
            found.append(Suggestion("update", item.ref, "", DRIFT, 0.7, why))
    return found


def dead_links(store: Store) -> list[Suggestion]:
    """Suggest to look at answers and articles whose links lead nowhere, as ``kbgen check --external`` found them.

    An answer counts by the words it has now, an article the site engine renders while it is the one that was looked at.

    Args:
        store: the open store, its entries made.
    """
    linking = store.links.linking()
    if not linking:
        return []
    bodies = {body.ref: body for body in store.entries.bodies([row.ref for row in linking])}
    found = []
    for row in linking:
        body = bodies.get(row.ref)
        dead = _dead(row, body, store) if body is not None else []
        if dead:
            what = "a link in it leads" if len(dead) == 1 else f"{len(dead)} links in it lead"
            more = f" and {len(dead) - _NAMED} more" if len(dead) > _NAMED else ""
            why = f"{what} nowhere: {', '.join(dead[:_NAMED])}{more}"
            found.append(Suggestion("update", row.ref, "", LINKS, min(0.4 + 0.1 * len(dead), 0.9), why))
    return found


def _dead(row: LinkingRow, body: Entry | ArticleEntry, store: Store) -> list[str]:
    if row.digest:
        record = store.records.state(row.ref)
        return row.addresses.split("\n") if record is not None and row.digest == record.digest else []
    html = body.best.html if isinstance(body, Entry) else body.html
    links = {link_key(link): link for link in (unescape(found).partition("#")[0] for found in _HREF.findall(html))}
    known = store.links.get(list(links))
    return [link for key, link in links.items() if key in known and known[key].is_dead]
