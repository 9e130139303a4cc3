"""Which texts are merged, suggested and kept apart: a small set of our own, with floors for precision and recall."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence

import msgspec
import pytest

from kbgen.config import DuplicatesConfig
from kbgen.model import Curated, CuratedPost, Person, PlainText, Ref, SafeHtml, Slug, TagMark, Verdict
from kbgen.similar.compare import Comparison, Found
from kbgen.similar.kept import Parts
from kbgen.similar.texts import (
    Text,
    apart,
    borrowed,
    doubtful,
    given_tags,
    make_text,
    same_title,
    shared_words,
    text_of,
)
from kbgen.similar.vectors import Embedder

# Asked twice, in other words; and what was only asked near them.
TWICE = (
    (
        "How do I reset my kettle's filter light?",
        "The filter light of my kettle stays on after a new filter, how do I reset it?",
    ),
    ("Dishwasher leaves white film on glasses", "White film on my glasses after the dishwasher ran"),
    ("How can I export my recipes to a spreadsheet?", "Exporting all recipes as a spreadsheet file"),
    ("App cannot find the oven on my network", "The oven is not found on the network by the app"),
    ("Toaster smells of burnt plastic at first use", "Burnt plastic smell when using a new toaster the first time"),
    ("Which descaler is safe for the coffee machine?", "Is there a descaler that is safe to use in my coffee machine?"),
    ("Can I cancel an order before it ships?", "How to cancel my order before it is shipped"),
    ("Vacuum loses suction after ten minutes", "My vacuum's suction is lost ten minutes after I start it"),
)
ONCE = (
    "How do I change the kettle's language?",
    "Dishwasher does not drain",
    "How can I import recipes from a website?",
    "Oven clock is wrong after a power cut",
    "Toaster lever does not stay down",
    "Coffee machine grinds but no water comes",
    "Where is my order?",
    "Vacuum brush does not turn",
    "Freezer builds up ice on the door",
    "How long is the guarantee of refurbished mixers?",
    "Blender jar is cracked, where do I get a spare?",
    "The lamp in the hood flickers",
)


def plain(markup: str) -> str:
    """The words of a piece of HTML."""
    return " ".join(re.sub("<[^>]*>", " ", markup).split())


class Cache(dict[tuple[str, str], bytes]):
    """Vectors in memory."""

    def put(self, model: str, rows: Iterable[tuple[str, bytes]]) -> None:
        """Keep some."""
        self.update(((model, key), data) for key, data in rows)

    def get(self, model: str, keys: Sequence[str]) -> dict[str, bytes]:  # type: ignore[override]
        """Those that are there."""
        return {key: self[model, key] for key in keys if (model, key) in self}


def text(number: int, title: str, body: str = "", **more: object) -> Text:
    """A thread in English."""
    return make_text(Ref(f"forum:{number}"), ("en", title, body), created=f"{number:04}", **more)  # type: ignore[arg-type]


def compare(texts: Sequence[Text], cache: Cache | None = None, old: Parts = (), **settings: object) -> Found:
    """What is found without the sentence models, which may or may not be installed."""
    config = DuplicatesConfig.model_validate({"semantic": "off", **settings})
    return Comparison(config, lambda _: []).run(texts, old, Cache() if cache is None else cache)


def labelled() -> list[Text]:
    """Pairs stand at 0 and 1, 2 and 3, ...; then what was asked once."""
    titles = [title for pair in TWICE for title in pair]
    return [text(number, title) for number, title in enumerate((*titles, *ONCE))]


def is_pair(left: str, right: str) -> bool:
    """Whether two refs are of one of the pairs."""
    one, other = sorted(int(ref.partition(":")[2]) for ref in (left, right))
    return one % 2 == 0 and other == one + 1 and other < 2 * len(TWICE)


def test_suggestions_find_what_was_asked_twice() -> None:
    """Of the pairs named, at least five in six are right; at least three in four of the right ones are named."""
    named = [(pair.left, pair.right) for pair in compare(labelled()).pairs]
    right = sum(is_pair(*pair) for pair in named)

    assert right / len(named) >= 5 / 6
    assert right / len(TWICE) >= 0.75


def test_a_merge_is_never_wrong() -> None:
    """No automatic merge joins two questions."""
    merged = [pair for pair in compare(labelled()).pairs if pair.band == "merge"]

    assert [pair for pair in merged if not is_pair(pair.left, pair.right)] == []


def test_a_repost_is_merged() -> None:
    """The same author asking again in nearly the same words gets one page."""
    body = "Since the last update the timer of my oven beeps every minute although no programme runs. I unplugged it twice."
    posted = [
        *labelled(),
        text(90, "Oven timer beeps every minute", body),
        text(91, "Oven timer is beeping every minute", body),
    ]
    (pair,) = (pair for pair in compare(posted).pairs if pair.left == "forum:90")

    assert (pair.right, pair.band, pair.rule) == ("forum:91", "merge", "alike")
    assert pair.similarity > 0.9


def test_templates_are_not_duplicates() -> None:
    """Forty notices that are alike to the word but for the date are forty events: their place is crowded."""
    body = (
        "We meet on Thursday at six in the library. Bring your mixer and a recipe. Everybody is welcome, tea is free."
    )
    months = ("January", "March", "April", "June", "July")
    notices = [text(n, f"Mixer evening in {months[n % 5]}", f"{body} Guest number {n} speaks.") for n in range(40)]

    assert [pair for pair in compare(notices).pairs if pair.band == "merge"] == []


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        ("How do I enable the child lock?", "How do I disable the child lock?", "enable/disable"),
        ("Error 403 in the app", "Error 404 in the app", "figures"),
        ("Is there a minimum order?", "Is there a maximum order?", "maximum/minimum"),
        ("How do I descale it?", "How to descale it", ""),
    ],
)
def test_contraries_and_figures_wait_for_a_person(left: str, right: str, reason: str) -> None:
    """Titles that differ in a number or in a word's contrary are suggested at most."""
    body = "It is the model of last year and I have read the manual."

    assert doubtful(text(1, left, body), text(2, right, body)) == reason


def test_a_word_or_two_are_not_enough() -> None:
    """Two bare titles that agree are suggested; there is too little in them to merge threads by."""
    bare = [*labelled(), text(60, "Timer broken"), text(61, "Timer broken")]
    (pair,) = (pair for pair in compare(bare).pairs if pair.left == "forum:60")

    assert (pair.band, pair.rule) == ("suggest", "same-title, but few words")


def test_a_question_of_links_and_quotes_waits_for_a_person() -> None:
    """Two threads that lead to a third one are alike by its title: most of their words are not theirs."""
    third = '<a href="https://forum.example/t/3">Kettle firmware: the new plan for timers</a>'
    lead, follow = f"Replaced by {third}", f"Continued in {third}, see there"
    asked = f"I read {third}, and still do not see how I turn the timer of my kettle off at night."
    quoted = "<blockquote><p>The timer of my kettle beeps every minute at night.</p></blockquote> Mine too."

    chinese = f"{third}\u6211\u7684\u6c34\u58f6\u6bcf\u5206\u949f\u90fd\u54cd"

    assert [borrowed(said, plain(said)) for said in (lead, follow, quoted)] == [True, True, True]
    assert [borrowed(said, plain(said)) for said in (asked, chinese)] == [False, False]
    assert doubtful(text(1, "Kettle firmware plan", "Please write what you think."), pointer(2)) == "borrowed words"


def pointer(number: int) -> Text:
    """A thread that only says where another one is."""
    said = '<p>Moved to <a href="https://forum.example/t/3">Kettle firmware: the new plan for timers</a></p>'
    post = CuratedPost("1", "https://forum.example/t/2", SafeHtml(said), PlainText(plain(said)), Person("a", "Ann"))
    item = Curated(
        Ref(f"forum:{number}"), "thread", Verdict("publish", ()), PlainText("Kettle plan"), None, question=post
    )
    return text_of(item)


def test_a_title_that_says_little_merges_nothing() -> None:
    """Two threads called alike that go on with other words are a suggestion; a repost is merged."""
    other = "After the update the search finds nothing that was written before this year."
    asked = [
        *labelled(),
        text(90, "Problem since the latest update", "The lid of the kettle does not close and water spills out."),
        text(91, "Problem since the latest update", other),
        text(92, "Nothing is found since the latest update", other),
        text(93, "Nothing is found since the latest update!", f"{other} Asked in the chat, too."),
    ]
    found = {(pair.left, pair.right): (pair.band, pair.rule) for pair in compare(asked, merge=0.5, suggest=0.4).pairs}

    assert found[Ref("forum:90"), Ref("forum:91")] == ("suggest", "same-title, but other bodies")
    assert found[Ref("forum:92"), Ref("forum:93")] == ("merge", "same-title")


def test_versions_and_languages_stay_apart() -> None:
    """Threads tagged with different versions, and texts in two languages, are never one page."""
    one = text(60, "Timer beeps", tags=("v2.1",))
    other = text(61, "Timer beeps", tags=("3.0",))
    hebrew = make_text(Ref("forum:62"), ("he", "Timer beeps", ""))

    assert [apart(one, other), apart(one, text(63, "Timer beeps")), apart(one, hebrew)] == ["version", "", "language"]
    assert [pair for pair in compare([*labelled(), one, other]).pairs if pair.left == "forum:60"] == []


def test_tags_people_gave_are_read_with_the_title() -> None:
    """The first five, as words; a thread's text is another one when its tags are."""
    plain = text(1, "Timer beeps", "At night.")
    tagged = text(1, "Timer beeps", "At night.", tags=("oven-timer", "b", "c", "d", "e", "f"))

    assert (plain.heading, tagged.heading) == ("Timer beeps", "Timer beeps oven timer b c d e")
    assert (tagged.key != plain.key, tagged.words) == (True, plain.words)
    assert len(Embedder().vectors([tagged])[0].terms) > len(Embedder().vectors([plain])[0].terms)


def test_tags_are_those_a_person_gave() -> None:
    """Known to the taxonomy or not; the parents of tags, and topics, are not what the thread was tagged with."""
    marks = (TagMark(Slug("nft"), "source:nft"), TagMark(Slug("tokens"), "parent:nft"))
    item = Curated(Ref("forum:1"), "thread", Verdict("publish", ()), PlainText("Timer"), None, tags=marks)

    assert given_tags(msgspec.structs.replace(item, unmapped=("beep", "topic:ovens"))) == ("nft", "beep")


def test_a_translation_is_no_duplicate() -> None:
    """Two versions of an article, one of them not translated yet, are neither merged nor suggested."""
    one, other = (text(number, "Timer beeps", "It beeps.", family="docs:timer") for number in (60, 61))

    assert apart(one, other) == "translation"
    assert [pair for pair in compare([*labelled(), one, other]).pairs if pair.left == "forum:60"] == []


def test_an_article_is_suggested_never_merged() -> None:
    """A staff article that says the same is a person's decision."""
    body = "Hold the filter button for three seconds until the light goes out, after every change of the filter."
    texts = [
        *labelled(),
        text(80, "Resetting the filter light", body),
        text(81, "Resetting the filter light", body, article=True),
    ]
    (pair,) = (pair for pair in compare(texts).pairs if pair.left == "forum:80")

    assert (pair.right, pair.band, pair.rule) == ("forum:81", "suggest", "same-title, but article")


def test_the_words_that_match_are_told() -> None:
    """Evidence a person can check: words of the titles first, short ones left out."""
    left = text(1, "Oven timer beeps", "It beeps at night, in the kitchen.")
    right = text(2, "Timer beeps in the kitchen")

    assert shared_words(left, right) == ("beeps", "timer", "kitchen", "the")
    assert same_title(left, text(3, "oven timer, beeps!"))


def test_order_does_not_matter() -> None:
    """The same texts in any order of their arrival give the same pairs."""
    expected = compare(labelled()).pairs
    shuffled = labelled()
    random.Random(3).shuffle(shuffled)  # noqa: S311

    assert compare(shuffled).pairs == expected


def test_one_text_alone_has_no_pair() -> None:
    """A corpus of one, and texts of nothing, are no fault."""
    assert compare([text(1, "Why?")]).pairs == []
    assert compare([text(1, ""), text(2, "the")]).pairs == []


def test_what_is_known_is_not_made_again() -> None:
    """Vectors come from the cache; a text that did not move is not among the moved."""
    cache = Cache()
    first = compare(labelled(), cache)
    kept = dict(cache)
    again = compare([*labelled(), text(70, "Waffle iron sticks")], cache, first.neighbours)

    assert again.moved == {"forum:70"}
    assert {key: cache[key] for key in kept} == kept
    assert len(cache) == len(kept) + 1
