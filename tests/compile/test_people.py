"""Contributors: who they are, and which pages are theirs."""

from __future__ import annotations

import msgspec
from compile_samples import ANN, config, inputs, summary

from kbgen.compile.library import compile_library, faults

OTHERS = tuple(
    msgspec.structs.replace(ANN, slug=f"person-{number}", name=f"Person {number}") for number in range(1, 45)
)


def test_one_account_is_one_contributor() -> None:
    """An author who became staff between two answers has one page with both, marked as staff."""
    staff = msgspec.structs.replace(ANN, is_staff=True)
    made = inputs(
        summary("forum:1", people=(ANN,)), summary("forum:2", people=(staff,)), config=config(pages={"people": True})
    )
    library = compile_library(made)
    listing = library.pages["/people/ann-forum-1/"].listing

    assert listing is not None
    assert {"forum:1", "forum:2"} == {card.ref for card in listing.items}
    assert () == faults(library, made)


def test_every_contributor_is_reached_from_the_list() -> None:
    """The list of contributors links to all of them, over as many pages as that takes, most answers first."""
    many = tuple(summary(f"forum:{number}", people=(person,)) for number, person in enumerate(OTHERS, start=1))
    prolific = summary("forum:99", people=(OTHERS[7],))
    made = inputs(*many, prolific, config=config(pages={"people": True, "per_page": 5}))
    library = compile_library(made)
    lists = [page for path, page in library.pages.items() if path == "/people/" or path.startswith("/people/page/")]
    links = [link for page in lists if page.listing for block in page.listing.blocks for link in block.links]

    assert "Person 8" == links[0].title
    assert {f"/people/person-{number}/" for number in range(1, 45)} == {link.path for link in links}
    assert len(links) == len({link.path for link in links})


def test_people_are_off_unless_wanted() -> None:
    """Without ``pages.people`` nobody has a page."""
    library = compile_library(inputs(summary("forum:1", people=(ANN,))))

    assert [] == [path for path in library.pages if path.startswith("/people/")]
