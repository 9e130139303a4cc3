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


def yaml_of(proposal: Proposal, grown: Grown | None = None, spelled: Mapping[str, str] | None = None) -> str:
    """The proposal as a file.

    Args:
        proposal: from tags.
        grown: from words.
        spelled: tags as people write them, as ``spelling.written_as`` gives them.
    """
    spoken = _Spoken(spelled or {})
    parts = [_head(proposal, grown)]
    themes, phrases = (grown.topics, grown.tags) if grown else ((), ())
    known_by = {one.text: one for one in phrases}
    taken = {_slug(heart) for heart in proposal.topics}
    topics: list[_Commented] = [(_topic(heart, tags, spoken), ()) for heart, tags in proposal.topics.items()]
    new: list[_Commented] = [
        (_theme(one, known_by, spoken), _about(one)) for one in themes if _slug(one.phrases[0]) not in taken
    ]
    said = {_slug(one.text): one for one in reversed(phrases)}
    tags: list[_Commented] = [(_tag(tag, proposal, said.pop(_slug(tag), None), spoken), ()) for tag in proposal.counts]
    tags += [(_phrase(said[slug], spoken), _of_phrase(said[slug])) for slug in reversed(said)]
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


class _Spoken:
    """Tags in words.

    Args:
        spelled: as people write them, where that is known.
    """

    def __init__(self, spelled: Mapping[str, str]) -> None:
        self._spelled = spelled

    def name(self, tag: str) -> str:
        """As in the middle of a sentence."""
        return self._spelled.get(tag) or tag.replace("-", " ").replace("_", " ")

    def title(self, tag: str) -> str:
        """As the name of a page; what has capitals of its own ("macOS") keeps them."""
        name = self.name(tag)
        return name if name != name.lower() else name[:1].upper() + name[1:]


def _topic(heart: str, tags: Sequence[str], spoken: _Spoken) -> Block:
    return {
        "slug": _slug(heart),
        "title": spoken.title(heart),
        "description": f"Questions about {_listed([spoken.name(tag) for tag in tags[:4]])}.",
        "tags": [_slug(tag) for tag in tags],
    }


def _theme(theme: Theme, phrases: Mapping[str, Phrase], spoken: _Spoken) -> Block:
    first = theme.phrases[0]
    block = _topic(first, theme.phrases, spoken)
    named = [phrases[one].shown for one in theme.phrases]
    title = spoken.title(named[0])
    # A title's words should differ: "Wallet and address", not "Wallet and hardware wallet".
    others = [one for one in named[1:4] if not set(one.lower().split()) & set(first.split())]
    if others and phrases[first].threads < _SHARE_OF_FIRST * theme.threads:
        title = f"{title} and {spoken.name(others[0])}"
    described = f"Questions about {_listed([spoken.name(one) for one in named[:4]])}."
    return {**block, "title": title, "description": described, "tags": sorted({_slug(one) for one in theme.phrases})}


def _about(theme: Theme) -> list[str]:
    return [f"{theme.threads:,} threads say so in their titles, such as:", *(f"  {one}" for one in theme.examples)]


def _tag(tag: str, proposal: Proposal, phrase: Phrase | None, spoken: _Spoken) -> Block:
    block: Block = {"slug": _slug(tag), "title": spoken.title(tag)}
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


def _phrase(phrase: Phrase, spoken: _Spoken) -> Block:
    return {"slug": _slug(phrase.text), "title": spoken.title(phrase.shown), "words": [phrase.text, *phrase.variants]}


def _of_phrase(phrase: Phrase) -> list[str]:
    return [f"{phrase.threads:,} titles, such as: {one}" for one in phrase.examples[:_EXAMPLES_OF_A_TAG]]


def _slug(tag: str) -> str:
    return "-".join("".join(char if char.isalnum() else " " for char in tag.lower()).split()) or "tag"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
