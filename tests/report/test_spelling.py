"""What a tag names is called as people write it."""

from __future__ import annotations

import pytest

from kbgen.curate.taxonomy import parse_taxonomy
from kbgen.report.spelling import spellings
from kbgen.report.taxonomy import propose
from kbgen.report.taxonomy_file import yaml_of


@pytest.mark.parametrize(
    ("tag", "text", "written"),
    [
        ("nft", "An NFT. The NFT is my nft.", "NFT"),
        ("macos", "Is macOS a MacOS? macOS is.", "macOS"),
        ("wallet", "Wallet? A wallet, my wallet.", "wallet"),
        ("grovers-algorithm", "Grover's algorithm, Grover’s algorithm and Grover's algorithm.", "Grover's algorithm"),
        ("smart_contract", "smart contract smart-contract, smart contract", "smart contract"),
        ("node.js", "Node.js is node js. Node.js!", "Node.js"),
        ("c++", "C++ and c++ and C++.", "C++"),
        ("q#", "Q# Q# Q#", "Q#"),
        ("a-lamp-post", "A lamp post. A Lamp Post! A lamp post", "A lamp post"),
    ],
)
def test_the_commonest_way_to_write_it_counts(tag: str, text: str, written: str) -> None:
    """In one word or several, with whatever joins them."""
    assert spellings([text], [tag, "other"]) == {tag: written}


@pytest.mark.parametrize("text", ["NFT NFT", "nfts NFTS NFTs", "smart. contract smart\n\ncontract smart, contract"])
def test_what_is_hardly_written_says_nothing(text: str) -> None:
    """Two times are chance; other words, and words of two sentences, are not the tag."""
    assert spellings([text], ["nft", "smart-contract"]) == {}


def test_topics_and_tags_have_the_names_people_use() -> None:
    """Capitals of their own stay, others begin like any title; addresses stay those of the tags."""
    threads = [frozenset({"nft", "wallet"})] * 6 + [frozenset({"macos"})] * 9
    text = yaml_of(propose(threads), spelled={"nft": "NFT", "wallet": "wallet", "macos": "macOS"})
    taxonomy = parse_taxonomy(text)
    assert {(tag.slug, tag.title) for tag in taxonomy.tags} == {
        ("nft", "NFT"),
        ("wallet", "Wallet"),
        ("macos", "macOS"),
    }
    (about,) = [topic.description for topic in taxonomy.topics if topic.slug != "macos"]
    assert about == "Questions about NFT and wallet."
