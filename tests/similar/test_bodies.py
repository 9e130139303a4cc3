"""What texts have in common below their titles."""

from __future__ import annotations

import pytest

from kbgen.model import Ref
from kbgen.similar.bodies import in_common
from kbgen.similar.frame import make_frame
from kbgen.similar.texts import make_text
from kbgen.similar.vectors import Embedder, stack

LID = "The lid of my kettle does not close after cleaning."


def share(one: tuple[str, str], other: tuple[str, str], lang: str = "en") -> float:
    """What two texts, each a title and a body, have in common."""
    texts = [make_text(Ref(f"forum:{n}"), (lang, *words)) for n, words in enumerate((one, other))]
    whole = stack(Embedder().vectors(texts))
    titles = Embedder().titles(texts)
    (found,) = in_common([(0, 1)], whole, titles, make_frame(whole, lang))
    return found


def test_titles_do_not_count() -> None:
    """Threads of one title are as far apart as what follows it."""
    assert share(("Kettle problem", LID), ("Kettle problem", "Smells of burnt plastic since yesterday.")) == 0


def test_a_word_of_the_title_counts_where_the_body_has_it() -> None:
    """What the title says is no less the body's when it says so, too."""
    assert share(("Kettle lid", LID), ("My problem", LID)) == pytest.approx(1)


def test_a_longer_body_may_say_more() -> None:
    """Of two bodies the one with fewer words is the measure."""
    assert share(("Lid", LID), ("Kettle", f"{LID} I ordered a spare part, which took ages to arrive.")) == 1
    assert 0 < share(("Lid", f"{LID} Spare parts?"), ("Kettle", f"{LID} I ordered, which took ages.")) < 1


def test_nothing_speaks_against_a_body_of_few_words() -> None:
    """Where one thread has a title only, or next to nothing besides, there is nothing to compare."""
    assert [share(("Lid", LID), ("Kettle", body)) for body in ("", "See title.", "Any ideas?")] == [1, 1, 1]


def test_other_languages_by_parts_of_words() -> None:
    """In Polish, too, bodies that say the same are told from those that do not."""
    said = "Pokrywka czajnika nie domyka si\u0119 po czyszczeniu."
    same = share(("Czajnik", said), ("Problem", "Po czyszczeniu nie domyka si\u0119 pokrywka."), "pl")
    other = share(("Czajnik", said), ("Problem", "Zapach spalonego plastiku od wczoraj."), "pl")

    assert same > 0.9
    assert other < 0.3
