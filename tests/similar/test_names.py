"""Which text is which from run to run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kbgen.model import Ref
from kbgen.similar.names import Names
from kbgen.similar.texts import Text, make_text

SAID = st.sampled_from(("oven", "kettle", "lamp"))
THREADS = st.dictionaries(st.integers(0, 12), SAID)


def text(number: int, said: str) -> Text:
    """A thread."""
    return make_text(Ref(f"forum:{number}"), ("en", said, ""))


def names(threads: dict[int, str]) -> Names:
    """Of threads in the order in which they are given."""
    return Names.of([text(*one) for one in threads.items()])


@given(old=THREADS, new=THREADS, more=st.booleans())
def test_a_text_is_known_again_by_ref_and_key(*, old: dict[int, str], new: dict[int, str], more: bool) -> None:
    """It stood where the same ref and words stood, if those it stood behind are still before it."""
    now = {**old, **{number + 20: said for number, said in new.items()}} if more else new
    stood = {one: place for place, one in enumerate(old.items())}
    wanted: list[int] = []
    furthest = -1
    for one in now.items():
        place = stood.get(one, -1)
        wanted.append(place if place >= furthest else -1)
        furthest = max(furthest, place)

    assert names(now).before(names(old)).tolist() == wanted


def test_an_edited_text_is_new_where_it_stands() -> None:
    """All others are known again, without a look at each."""
    old, now = names({1: "oven", 2: "lamp", 3: "kettle"}), names({1: "oven", 2: "oven", 3: "kettle", 4: "lamp"})

    assert now.before(old).tolist() == [0, -1, 2, -1]


def test_a_ref_that_begins_like_another_is_another() -> None:
    """``forum:10`` is not ``forum:1`` with more after it."""
    assert names({10: "oven"}).before(names({1: "oven"})).tolist() == [-1]


def test_names_read_like_lines() -> None:
    """Ref and key, parted by a space; some of them are as they were among all."""
    every = names({1: "oven", 2: "lamp", 3: "kettle"})
    lines = [f"{one.ref} {one.key}" for one in (text(1, "oven"), text(2, "lamp"), text(3, "kettle"))]

    assert list(every) == lines
    assert every[1:] == lines[1:]
    assert every.pick([0, 2]) == names({1: "oven", 3: "kettle"})
    assert every != names({1: "oven", 2: "lamp"})
