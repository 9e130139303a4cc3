"""Publish, hold or drop: the rules in their order, each a function that may have an opinion.

The first rule that does not say "publish" decides. Non-public threads are dropped before any rule of
``site_config/kbgen.yml`` is looked at. Which answer leads is decided in ``answers``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from kbgen.config import Action, RulesConfig
from kbgen.curate.answers import Ranked, is_live, is_sure, is_thin, rank_answers
from kbgen.model import Article, Thread, Verdict

Opinion = tuple[str, Action] | None
"""A reason's slug and what it asks for; None for no opinion."""

_CLOSINGS = (
    "off-topic offtopic not-constructive opinion-based primarily-opinion-based too-broad needs-more-focus "
    "too-localized not-a-real-question noise spam blatantly-offensive rude moved migrated"
)
_OFF_TOPIC = frozenset(_CLOSINGS.split())


class Case(Struct, frozen=True):
    """What the rules look at.

    Attributes:
        ranked: the answers that would be shown, the best first.
        texts: visible text by post id.
    """

    thread: Thread
    ranked: tuple[Ranked, ...]
    rules: RulesConfig
    texts: Mapping[str, str]


def _off_topic(case: Case) -> Opinion:
    return ("off-topic", case.rules.off_topic) if case.thread.closed in _OFF_TOPIC else None


def _unanswered(case: Case) -> Opinion:
    if case.ranked:
        return None
    # Without an answer there is no page to publish, whatever the rule says.
    return "unanswered", "hold" if case.rules.unanswered == "hold" else "drop"


def _unsure(case: Case) -> Opinion:
    marked = {mark.post_id for mark in case.thread.solved if not is_sure(mark, case.rules)}
    held = case.ranked[0].why == "helpful" and case.ranked[0].post.id in marked
    # Neither published nor dropped by any rule: whether it is solved is what a person is asked.
    return ("unsure", "hold") if held else None


def _settled(case: Case) -> Opinion:
    rules = case.rules
    actions: dict[str, tuple[str, Action]] = {
        "accepted": ("accepted", rules.accepted),
        "schema": ("accepted", rules.accepted),
        "staff": ("staff", rules.staff_answered),
        "reaction": ("reaction", rules.by_reaction),
        "tag": ("reaction", rules.by_reaction),
        "helpful": ("answered", rules.answered),
    }
    return actions[case.ranked[0].why or "helpful"]


def _thin(case: Case) -> Opinion:
    text = case.texts.get(case.ranked[0].post.id, "")
    return ("thin", case.rules.thin) if is_thin(text, case.rules) else None


def _no_author(case: Case) -> Opinion:
    shown = [case.thread.question, *(ranked.post for ranked in case.ranked[:1])]
    # Nobody goes uncredited: no rule can publish this.
    return None if all(post.author.name.strip() for post in shown) else ("no-author", "hold")


def _duplicate(case: Case) -> Opinion:
    declared = case.thread.closed == "duplicate" or case.thread.duplicate_of
    return ("duplicate", case.rules.duplicate) if declared else None


def _closed(case: Case) -> Opinion:
    closed = case.thread.closed
    return ("closed", case.rules.closed) if closed and closed != "duplicate" and closed not in _OFF_TOPIC else None


RULES: tuple[Callable[[Case], Opinion], ...] = (
    _off_topic,
    _unanswered,
    _unsure,
    _settled,
    _thin,
    _no_author,
    _duplicate,
    _closed,
)


def judge(
    thread: Thread,
    rules: RulesConfig,
    texts: Mapping[str, str],
    *,
    ranked: tuple[Ranked, ...] | None = None,
    review: Verdict | None = None,
) -> Verdict:
    """Decide about a thread.

    Args:
        thread: as parsed.
        rules: the site's rules.
        texts: visible text by post id.
        ranked: the answers that would be shown, when they are known already.
        review: a person's decision. It overrides the rules, but not who may read the thread, nor that an answer
            and its author are needed.

    Returns:
        The verdict, its deciding reason first; a published thread also names the rules it passed.
    """
    closed_door = _not_public(thread, rules)
    if closed_door is not None:
        return closed_door
    case = Case(thread, rank_answers(thread, rules, texts) if ranked is None else ranked, rules, texts)
    if review is not None:
        return _reviewed(case, review)
    passed: list[str] = []
    for rule in RULES:
        opinion = rule(case)
        if opinion is None:
            continue
        reason, action = opinion
        if action != "publish":
            return Verdict(action, (reason, *passed))
        passed.append(reason)
    return Verdict("publish", tuple(passed))


def judge_article(article: Article) -> Verdict:
    """Decide about a staff article: it is published unless it is a draft."""
    return Verdict("drop", ("draft",)) if article.draft else Verdict("publish", ("written",))


def _not_public(thread: Thread, rules: RulesConfig) -> Verdict | None:
    state = thread.visibility
    if state == "public" and not is_live(thread.question):
        state = "deleted" if thread.question.deleted else "hidden"
    if state == "public":
        return None
    held = state == "unlisted" and rules.unlisted == "hold"
    return Verdict("hold" if held else "drop", (state,))


def _reviewed(case: Case, review: Verdict) -> Verdict:
    if review.outcome == "publish":
        for rule in (_unanswered, _no_author):
            opinion = rule(case)
            if opinion is not None:
                return Verdict("hold", (opinion[0], *review.reasons), review.by)
    return review
