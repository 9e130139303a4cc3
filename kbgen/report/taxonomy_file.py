"""A proposed taxonomy as ``site_config/taxonomy.yml``: for a person to rename, move and cut.

Each topic and tag that was found in words stands below what it was found in, as a comment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import yaml

from kbgen.report.keyphrases import Phrase, Theme
from kbgen.report.taxonomy import Proposal
from kbgen.report.untagged import Grown

Block = dict[str, object]
_Commented = tuple[Block, Sequence[str]]
_LONGEST = 100
_EXAMPLES_OF_A_TAG = 1
# A second word in a topic's title helps where the first is not most of it.
_SHARE_OF_FIRST = 0.7


def yaml_of(proposal: Proposal, grown: Grown | None = None) -> str:
    """The proposal as a file.

    Args:
        proposal: from tags.
        grown: from words.
    """
    parts = [_head(proposal, grown)]
    themes, phrases = (grown.topics, grown.tags) if grown else ((), ())
    known_by = {one.text: one for one in phrases}
    taken = {_slug(heart) for heart in proposal.topics}
    topics: list[_Commented] = [(_topic(heart, tags), ()) for heart, tags in proposal.topics.items()]
    new: list[_Commented] = [
        (_theme(one, known_by), _about(one)) for one in themes if _slug(one.phrases[0]) not in taken
    ]
    said = {_slug(one.text): one for one in reversed(phrases)}
    tags: list[_Commented] = [(_tag(tag, proposal, said.pop(_slug(tag), None)), ()) for tag in proposal.counts]
    tags += [(_phrase(said[slug]), _of_phrase(said[slug])) for slug in reversed(said)]
    for key, blocks in (("topics", [*topics, *new]), ("tags", tags)):
        if blocks:
            parts.append(f"{key}:\n" + "".join(_written(block, comments) for block, comments in blocks))
    return "".join(parts)


def _head(proposal: Proposal, grown: Grown | None) -> str:
    lines = [
        f"A proposal of `kbgen taxonomy suggest`, from {proposal.tagged:,} tagged threads of {proposal.threads:,}."
    ]
    if grown is not None and grown.tags:
        lines.append(f"Tags with `words` are what {grown.threads:,} threads without a topic speak of.")
    lines.append(
        "Rename, move and cut as you like; a topic's old slug goes into its `was`, and its address goes on working."
    )
    return "".join(f"# {line}\n" for line in lines)


def _written(block: Block, comments: Iterable[str]) -> str:
    said = "".join(f"# {_one_line(line)}\n" for line in comments)
    text: str = yaml.safe_dump([block], allow_unicode=True, sort_keys=False, default_flow_style=None, width=110)
    return said + text


def _one_line(text: str) -> str:
    """What a stranger wrote, as a comment that ends where it should."""
    clean = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return clean if len(clean) <= _LONGEST else f"{clean[:_LONGEST]}..."


def _topic(heart: str, tags: Sequence[str]) -> Block:
    return {
        "slug": _slug(heart),
        "title": _title(heart),
        "description": f"Questions about {_listed([_spoken(tag) for tag in tags[:4]])}.",
        "tags": [_slug(tag) for tag in tags],
    }


def _theme(theme: Theme, phrases: Mapping[str, Phrase]) -> Block:
    first = theme.phrases[0]
    block = _topic(first, theme.phrases)
    named = [phrases[one].shown for one in theme.phrases]
    title = _title(named[0])
    # A title's words should differ: "Wallet and address", not "Wallet and hardware wallet".
    others = [one for one in named[1:4] if not set(one.lower().split()) & set(first.split())]
    if others and phrases[first].threads < _SHARE_OF_FIRST * theme.threads:
        title = f"{title} and {_spoken(others[0])}"
    described = f"Questions about {_listed([_spoken(one) for one in named[:4]])}."
    return {**block, "title": title, "description": described, "tags": sorted({_slug(one) for one in theme.phrases})}


def _about(theme: Theme) -> list[str]:
    return [f"{theme.threads:,} threads say so in their titles, such as:", *(f"  {one}" for one in theme.examples)]


def _tag(tag: str, proposal: Proposal, phrase: Phrase | None) -> Block:
    block: Block = {"slug": _slug(tag), "title": _title(tag)}
    words = list(proposal.synonyms.get(tag, ()))
    if _slug(tag) != tag:
        words.insert(0, tag)
    if words:
        block["synonyms"] = words
    if phrase is not None:
        block["words"] = [phrase.text, *phrase.variants]
    if tag in proposal.parents:
        block["parent"] = _slug(proposal.parents[tag])
    return block


def _phrase(phrase: Phrase) -> Block:
    return {"slug": _slug(phrase.text), "title": _title(phrase.shown), "words": [phrase.text, *phrase.variants]}


def _of_phrase(phrase: Phrase) -> list[str]:
    return [f"{phrase.threads:,} titles, such as: {one}" for one in phrase.examples[:_EXAMPLES_OF_A_TAG]]


def _slug(tag: str) -> str:
    return "-".join("".join(char if char.isalnum() else " " for char in tag.lower()).split()) or "tag"


def _spoken(tag: str) -> str:
    return tag.replace("-", " ").replace("_", " ")


def _title(tag: str) -> str:
    spoken = _spoken(tag)
    return spoken[:1].upper() + spoken[1:]


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
