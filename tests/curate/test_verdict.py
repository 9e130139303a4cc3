"""Which threads are published, and which answer leads."""

import itertools

import pytest
from curate_samples import ASKER, HELPER, LONG, STAFF, day, post, thread
from msgspec.structs import replace

from kbgen.config import RulesConfig
from kbgen.curate.answers import helpfulness, rank_answers
from kbgen.curate.verdict import judge, judge_article
from kbgen.model import Article, Person, Post, Ref, Solved, Thread, Verdict

RULES = RulesConfig()
DOUBTED = Solved("1", "reaction", confidence=0.5)
EVERYTHING = RulesConfig(
    accepted="publish",
    staff_answered="publish",
    by_reaction="publish",
    answered="publish",
    unanswered="publish",
    thin="publish",
    off_topic="publish",
    unlisted="publish",
)
GOOD = post("1", LONG)


def texts(one: Thread) -> dict[str, str]:
    """The texts of a thread whose posts have no markup."""
    return {answer.id: answer.html for answer in one.answers}


def decide(one: Thread, rules: RulesConfig = RULES) -> tuple[str, tuple[str, ...]]:
    """Outcome and reasons."""
    verdict = judge(one, rules, texts(one))
    return verdict.outcome, verdict.reasons


@pytest.mark.parametrize(
    ("one", "outcome", "reasons"),
    [
        (thread(GOOD, accepted=("1",)), "publish", ("accepted",)),
        (thread(post("1", LONG, STAFF)), "publish", ("staff",)),
        (thread(GOOD), "drop", ("answered",)),
        (thread(), "drop", ("unanswered",)),
        (thread(post("1", "works now", ASKER)), "drop", ("unanswered",)),
        (thread(post("1", "thanks!"), accepted=("1",)), "drop", ("thin", "accepted")),
        (thread(GOOD, solved=(Solved("1", "reaction"),)), "hold", ("reaction",)),
        (thread(GOOD, solved=(Solved("1", "tag"),)), "hold", ("reaction",)),
        (thread(GOOD, solved=(Solved("1", "schema"),)), "publish", ("accepted",)),
        (thread(GOOD, solved=(Solved("1", "accepted", confidence=0.79),)), "hold", ("unsure",)),
        (thread(GOOD, solved=(Solved("1", "accepted", confidence=0.8),)), "publish", ("accepted",)),
        (thread(GOOD, solved=(Solved("1", "tag", confidence=0.5),)), "hold", ("unsure",)),
        (thread(post("1", LONG, ASKER), solved=(Solved("1", "tag", confidence=0.5),)), "hold", ("unsure",)),
        (thread(replace(GOOD, hidden=True), solved=(Solved("1", "tag", confidence=0.5),)), "drop", ("unanswered",)),
        (thread(GOOD, post("2", LONG, STAFF), solved=(Solved("1", "tag", confidence=0.5),)), "publish", ("staff",)),
        (thread(GOOD, accepted=("1",), closed="closed"), "publish", ("accepted", "closed")),
        (thread(GOOD, accepted=("1",), closed="duplicate"), "publish", ("accepted", "duplicate")),
        (thread(GOOD, accepted=("1",), duplicate_of=(Ref("community:1"),)), "publish", ("accepted", "duplicate")),
        (thread(GOOD, accepted=("1",), closed="off-topic"), "drop", ("off-topic",)),
        (thread(replace(GOOD, hidden=True), accepted=("1",)), "drop", ("unanswered",)),
        (thread(replace(GOOD, deleted=True), post("2", LONG + " x"), accepted=("1",)), "drop", ("answered",)),
        (thread(GOOD, accepted=("9",)), "drop", ("answered",)),
        (thread(replace(GOOD, author=Person("", " ")), accepted=("1",)), "hold", ("no-author", "accepted")),
        (thread(GOOD, accepted=("1",), visibility="private"), "drop", ("private",)),
        (thread(GOOD, accepted=("1",), visibility="unlisted"), "drop", ("unlisted",)),
        (thread(GOOD, accepted=("1",), visibility="spam"), "drop", ("spam",)),
        (thread(GOOD, accepted=("1",), question=replace(post("q", "?", ASKER), deleted=True)), "drop", ("deleted",)),
        (thread(GOOD, accepted=("1",), question=replace(post("q", "?", ASKER), hidden=True)), "drop", ("hidden",)),
    ],
)
def test_the_rules_decide(one: Thread, outcome: str, reasons: tuple[str, ...]) -> None:
    """Each kind of thread gets the verdict the defaults promise, the deciding reason first."""
    assert decide(one) == (outcome, reasons)


@pytest.mark.parametrize("visibility", ["private", "hidden", "deleted", "spam", "unlisted"])
def test_nothing_private_is_published_by_any_rule(visibility: str) -> None:
    """No rule and no reviewer can publish what an anonymous visitor cannot read."""
    one = thread(GOOD, accepted=("1",), visibility=visibility)
    approved = Verdict("publish", ("approved",), "site_config/review.yml")
    outcomes = {judge(one, rules, texts(one), review=review).outcome for rules, review in itertools.product((RULES, EVERYTHING), (None, approved))}  # fmt: skip
    assert "publish" not in outcomes


def test_rules_are_the_operators() -> None:
    """What the configuration asks for happens: publish, hold or drop."""
    assert decide(thread(GOOD), EVERYTHING) == ("publish", ("answered",))
    assert decide(thread(GOOD), RulesConfig(answered="hold")) == ("hold", ("answered",))
    assert decide(thread(), EVERYTHING) == ("drop", ("unanswered",))
    assert decide(thread(), RulesConfig(unanswered="hold")) == ("hold", ("unanswered",))
    assert decide(thread(GOOD, accepted=("1",), visibility="unlisted"), RulesConfig(unlisted="hold")) == (
        "hold",
        ("unlisted",),
    )


def test_a_person_overrides_the_rules() -> None:
    """An approval publishes what a rule held, a rejection drops what it published; an author stays needed."""
    approved = Verdict("publish", ("approved",), "site_config/review.yml")
    rejected = Verdict("drop", ("rejected",), "site_config/review.yml")
    held, good = thread(GOOD, solved=(Solved("1", "reaction"),)), thread(GOOD, accepted=("1",))
    nameless = thread(replace(GOOD, author=Person("", "")), accepted=("1",))
    assert judge(held, RULES, texts(held), review=approved) == approved
    assert judge(good, RULES, texts(good), review=rejected) == rejected
    assert judge(nameless, RULES, texts(nameless), review=approved).outcome == "hold"


def test_a_draft_is_no_article() -> None:
    """An article is published, a draft is not."""
    article = Article(Ref("articles:a"), "A", "")
    assert judge_article(article) == Verdict("publish", ("written",))
    assert judge_article(replace(article, draft=True)) == Verdict("drop", ("draft",))


def shown(*answers: Post, accepted: tuple[str, ...] = (), rules: RulesConfig = RULES) -> list[tuple[str, str | None]]:
    """Ids and whys of the answers shown."""
    one = thread(*answers, accepted=accepted)
    return [(ranked.post.id, ranked.why) for ranked in rank_answers(one, rules, texts(one))]


def test_accepted_answers_lead_staff_first_then_score_then_age() -> None:
    """Of several accepted answers the staff's leads, then the highest score, then the earliest."""
    answers = (
        post("1", LONG + "1", score=5, created=4),
        post("2", LONG + "2", score=5, created=3),
        post("3", LONG + "3", score=9),
        post("4", LONG + "4", STAFF),
        post("5", LONG + "5", score=99),
    )
    assert shown(*answers, accepted=("1", "2", "3", "4")) == [
        ("4", "accepted"),
        ("3", "accepted"),
        ("2", "accepted"),
        ("1", "accepted"),
        ("5", None),
    ]


def test_others_need_a_score_and_something_to_say() -> None:
    """Beside the best, only liked and substantial answers of others are shown, as many as the rules allow."""
    answers = (
        post("1", LONG),
        post("2", LONG + " again", score=0),
        post("3", LONG + " too", score=3),
        post("4", "me too", score=8),
        post("5", LONG + " thanks", ASKER, score=9),
        post("6", LONG + " also", score=7),
    )
    assert shown(*answers, accepted=("1",)) == [("1", "accepted"), ("6", None), ("3", None)]
    assert shown(*answers, accepted=("1",), rules=RulesConfig(other_answers=1)) == [("1", "accepted"), ("6", None)]


def test_the_asker_may_accept_their_own_answer() -> None:
    """The asker's posts are no answers, unless one is marked as the solution."""
    assert shown(post("1", LONG, ASKER), accepted=("1",)) == [("1", "accepted")]
    assert shown(post("1", LONG, ASKER)) == []


def test_without_acceptance_staff_leads_and_then_the_most_helpful() -> None:
    """A staff answer beats votes; among others thanks, votes, earliness and code count."""
    liked = post("1", LONG, score=4)
    assert shown(liked, post("2", LONG + " x", STAFF))[0] == ("2", "staff")
    assert shown(liked, post("2", LONG + " x", HELPER), post("3", "thank you, that worked", ASKER))[0] == (
        "1",
        "helpful",
    )
    assert shown(post("1", LONG), post("2", LONG + " x"), post("3", "thanks!", ASKER))[0] == ("2", "helpful")
    assert shown(post("0", "it is a hub", ASKER), post("1", LONG + "?"), post("2", LONG))[0] == ("2", "helpful")


def test_a_chinese_answer_is_not_thin() -> None:
    """A character of Chinese says as much as several letters."""
    one = thread(post("1", "按住背面的按钮十秒钟直到指示灯变绿"), accepted=("1",))
    assert decide(one) == ("publish", ("accepted",))


def test_order_does_not_depend_on_unknown_dates() -> None:
    """An unknown date is later than any known one, and no fault."""
    unknown = replace(post("1", LONG), created=None)
    assert shown(unknown, replace(post("2", LONG + "x"), created=day(9)), accepted=("1", "2"))[0] == ("2", "accepted")


def test_a_doubtful_mark_shows_nothing_as_accepted() -> None:
    """It leads as the most helpful answer would, and gives way to a mark that is sure."""
    other = post("2", LONG + " Twice.", score=9)
    alone = rank_answers(thread(GOOD, other, solved=(DOUBTED,)), RULES, {"1": LONG, "2": LONG})
    beside = rank_answers(thread(GOOD, other, solved=(DOUBTED, Solved("2", "accepted"))), RULES, {"1": LONG, "2": LONG})

    assert [("1", "helpful"), ("2", None)] == [(ranked.post.id, ranked.why) for ranked in alone]
    assert [("2", "accepted")] == [(ranked.post.id, ranked.why) for ranked in beside]


def test_how_sure_a_mark_has_to_be_is_configured() -> None:
    """With a lower minimum the same thread is judged by its mark."""
    one = thread(GOOD, solved=(DOUBTED,))
    assert ("hold", ("unsure",)) == decide(one)
    assert ("hold", ("reaction",)) == decide(one, replace_rules(minimum_confidence=0.5))
    assert ("publish", ("reaction",)) == decide(one, replace_rules(minimum_confidence=0.5, by_reaction="publish"))
    assert ("hold", ("unsure",)) == decide(one, EVERYTHING)


def replace_rules(**changes: object) -> RulesConfig:
    """The default rules with changes."""
    return RULES.model_copy(update=changes)


def test_removed_accounts_are_not_one_person() -> None:
    """What another removed account says after an answer is no thanks of the asker's."""
    answers = (post("1", LONG, HELPER), post("2", "Thanks, I would rather read the manual", Person("", "")))
    known, removed = (
        replace(one, question=replace(one.question, author=author))
        for one, author in ((thread(*answers), ASKER), (thread(*answers), Person("", "")))
    )
    assert helpfulness(removed, 0, texts(removed)) == helpfulness(known, 0, texts(known))
