"""A Markdown converter that gives up on what takes more work than any person's text does.

The library's time is quadratic in many a repeated sign: each ``[`` is followed to the end of its paragraph, each line
that may be a rule has the rest of its block looked through again. So the characters its parts are given are counted,
and the text is given back when there are too many of them, or when it is nested too deeply. Counted, not timed: the
same text has the same outcome everywhere. What is NOT here: which extensions there are, and what a text becomes that
is given back (``markdown``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.extensions.md_in_html import HTMLExtractorExtra
from markdown.preprocessors import Preprocessor
from pygments.lexer import Lexer
from pygments.lexers.special import TextLexer
from pymdownx.highlight import Highlight, HighlightExtension

# In tenths of a microsecond, about: what a short text may take, and each character of a longer one.
_LEAST = 4_000_000
_A_CHARACTER = 40
# What one of these costs beside the characters it is given.
_BLOCK, _CELL, _CODE, _FOOTNOTE, _MATCH = 300, 100, 3000, 20, 50
# Characters that take one step where they are only copied, or a regular expression runs over them.
_COPIED, _LOOKED_THROUGH = 1000, 50
# Nobody nests a tenth as deep; the library ends at some hundreds, with an error that depends on who called it.
_DEEPEST = 60
_LINKS = ("reference", "link", "image_link", "image_reference", "short_reference", "short_image_ref")
_GAP = re.compile(r"[^\S\n]{1000,}")
_TICKS = re.compile("`*")

Cost = Callable[..., int]
"""What a call took: of its result and its arguments."""


class TooMuch(Exception):
    """The text takes more work than any person's; a signal that never leaves ``markdown``."""


class Meter:
    """Counts what one text takes.

    Attributes:
        steps: the characters that were looked at, weighed by what looking at them costs.
    """

    def __init__(self) -> None:
        self.begin("")

    def begin(self, text: str) -> None:
        """Begin with a text."""
        self.steps = 0
        self._most = max(_LEAST, _A_CHARACTER * len(text))
        self._depth = 0
        self._marks: Counter[str] = Counter()

    def again(self, mark: str) -> int:
        """How many times a footnote was named: the library counts them one by one, each time."""
        self._marks[mark] += 1
        return self._marks[mark]

    def add(self, steps: int) -> None:
        """Count.

        Raises:
            TooMuch: it is more than the text may take.
        """
        self.steps += steps
        if self.steps > self._most:
            raise TooMuch

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Note that what follows lies one level deeper.

        Raises:
            TooMuch: that is too deep.
        """
        self._depth += 1
        if self._depth > _DEEPEST:
            raise TooMuch
        yield
        self._depth -= 1


class BoundedMarkdown(Markdown):
    """The library's converter, with what may take long counted.

    Args:
        extensions: their names.
        configs: their settings.

    Attributes:
        meter: of the text that is converted.
    """

    def __init__(self, extensions: Sequence[str], configs: Mapping[str, dict[str, Any]]) -> None:
        super().__init__(extensions=extensions, extension_configs=configs)
        self.meter = Meter()
        self._bound()

    def _bound(self) -> None:
        self.preprocessors.register(_HtmlBlocks(self, self.meter), "html_block", 20)
        self.parser.blockprocessors.register(_Blocks(self), "meter", 1000)
        self._count_nesting()
        for extension in self.registeredExtensions:
            if isinstance(extension, HighlightExtension):
                extension.get_pymdownx_highlighter = lambda: _Code
        patterns, blocks = self.inlinePatterns, self.parser.blockprocessors
        for pattern in patterns:
            self._count(pattern, "handleMatch", _match_cost)
        for name in _LINKS:
            self._count(patterns[name], "getText", lambda found, _data, start: found[1] - start)
            self._count(patterns[name], "getLink", _link_cost)
        self._count(patterns["backtick"], "find_code_spans", _span_cost)
        self._count(blocks["table"], "_build_row", lambda _row, _text, _parent, align: _CELL * len(align))
        self._count(
            patterns["footnote"], "handleMatch", lambda _found, mark, _data: self.meter.again(mark[1]) * _FOOTNOTE
        )

    def convert(self, source: str) -> str:
        """Convert a text.

        Raises:
            TooMuch: it would take too long, or is nested too deeply.
        """
        self.meter.begin(source)
        for gap in _GAP.finditer(source):
            # Extensions look for what follows spaces, after each of them.
            self.meter.add(len(gap[0]) ** 2 // _LOOKED_THROUGH)
        self.reset()
        return super().convert(source)

    def _count_nesting(self) -> None:
        plain = self.parser.parseBlocks

        def counted(parent: Element, blocks: list[str]) -> None:
            with self.meter.nested():
                plain(parent, blocks)

        self.parser.parseBlocks = counted  # type: ignore[method-assign]

    def _count(self, owner: object, name: str, cost: Cost) -> None:
        """Have a part's method counted."""
        plain = getattr(owner, name)

        def counted(*arguments: Any) -> Any:
            result = plain(*arguments)
            self.meter.add(cost(result, *arguments))
            return result

        setattr(owner, name, counted)


class _Blocks(BlockProcessor):
    """Is shown each block, and what is left of it each time a part of it was understood; takes none."""

    def __init__(self, md: BoundedMarkdown) -> None:
        super().__init__(md.parser)
        self._meter = md.meter

    def test(self, _parent: Element, block: str) -> bool:
        # A footnote's mark may end anywhere.
        self._meter.add(_BLOCK + len(block) // 2 + block.count("[^") * len(block) // _LOOKED_THROUGH)
        return False


class _Code(Highlight):  # type: ignore[misc]
    """Code as it is: what is shown is coloured where it is curated, within other bounds.

    Args:
        meter: of the text.
        settings: the library's.
    """

    def __init__(self, md: BoundedMarkdown, **settings: Any) -> None:
        self._meter = md.meter
        super().__init__(md, **settings)

    def get_lexer(self, src: str, language: str, inline: bool, stripnl: bool) -> tuple[Lexer, str]:  # noqa: FBT001
        """Find the language's name."""
        self._meter.add(_CODE)
        name = super().get_lexer(src, language, inline, stripnl)[1]
        return TextLexer(stripnl=stripnl), name


class _HtmlBlocks(Preprocessor):
    """``md_in_html``'s, with an extractor that counts."""

    def __init__(self, md: Markdown, meter: Meter) -> None:
        super().__init__(md)
        self._meter = meter

    def run(self, lines: list[str]) -> list[str]:
        parser = _Extractor(self.md, self._meter)
        parser.feed("\n".join(lines))
        parser.close()
        return "".join(parser.cleandoc).split("\n")


class _Extractor(HTMLExtractorExtra):
    def __init__(self, md: Markdown, meter: Meter) -> None:
        self._meter = meter
        super().__init__(md)

    def check_for_whole_start_tag(self, i: int) -> int:
        """Find the end of a tag; one that has none is looked for in all that follows."""
        end: int = super().check_for_whole_start_tag(i)
        self._meter.add((end if end > 0 else len(self.rawdata)) - i)
        return end


def _match_cost(found: tuple[object, int | None, int | None], _match: re.Match[str], data: str) -> int:
    """Putting a thing into the text that it was found in, and finding it again among all that are inside of it."""
    inside = sum(len(element) ** 2 for element in found[0].iter()) if isinstance(found[0], Element) else 0
    return _MATCH + len(data) // _COPIED + inside // 10


def _link_cost(found: tuple[str, str | None, int, bool], data: str, start: int) -> int:
    """What follows ``](``: up to its parenthesis, or to the end, where a title may be closed."""
    end = found[2]
    quoted = '"' in data[start:end] or "'" in data[start:end]
    return 2 * ((len(data) if quoted else end) - start)


def _span_cost(found: tuple[int, int] | None, start: int, data: str) -> int:
    """Code up to as many backticks as it began with, or to the end when there are none."""
    ticks = _TICKS.match(data, start)
    exact = found is not None and ticks is not None and found[0] == ticks.end()
    return (found[1] if found is not None and exact else len(data)) - start
