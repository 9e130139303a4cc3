"""YAML that people write: whatever is wrong with it has a line and a reason.

PyYAML's own errors come in several classes, some without a place, and values that are no date or number of their kind
come as whatever ``datetime`` and ``int`` raise. What is NOT here: what keys mean.
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.reader import ReaderError

_TAG = "tag:yaml.org,2002:"
_MOST = 100_000  # values after aliases are written out; nobody writes a tenth of it
_KINDS = {"timestamp": "date", "int": "number", "float": "number", "bool": "yes or no"}


class YamlFault(ValueError):
    """A text is no YAML.

    Args:
        line: from 1.
        reason: what is wrong there.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line, self.reason = line, reason


# Not libyaml's: it overruns the C stack on deeply nested input instead of raising.
class _Loader(yaml.SafeLoader):
    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Make the value of a node."""
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise ConstructorError(None, None, _misfit(node, error), node.start_mark) from error


def _misfit(node: yaml.Node, error: Exception) -> str:
    kind = node.tag.removeprefix(_TAG)
    shown = repr(str(node.value)) if isinstance(node, yaml.ScalarNode) else "this"
    why = f" ({error})" if isinstance(error, ValueError) else ""
    return f"{shown} is no {_KINDS.get(kind, kind)}{why}"


def compose(text: str) -> yaml.Node | None:
    """Read a text as nodes, which know their places; None for an empty one.

    Args:
        text: one document.

    Raises:
        YamlFault: it is none, or its aliases lead to themselves or stand for more than any person means.
    """
    try:
        node = _Loader(text).get_single_node()
        if "*" in text and node is not None:
            _expanded(node, {})
    except (yaml.YAMLError, RecursionError) as error:
        raise _fault(error, text) from error
    return node


def _expanded(node: yaml.Node, sizes: dict[yaml.Node, int]) -> int:
    """How many values a node stands for; ``sizes`` has those looked at, 0 while they are."""
    known = sizes.get(node)
    if known == 0:
        raise YamlFault(node.start_mark.line + 1, "an alias leads to what it stands in")
    if known is not None:
        return known
    sizes[node] = 0
    if isinstance(node, yaml.MappingNode):
        total = 1 + sum(_expanded(part, sizes) for pair in node.value for part in pair)
    elif isinstance(node, yaml.SequenceNode):
        total = 1 + sum(_expanded(part, sizes) for part in node.value)
    else:
        total = 1
    if total > _MOST:
        raise YamlFault(node.start_mark.line + 1, "aliases stand for too many values")
    sizes[node] = total
    return total


def construct(node: yaml.Node) -> Any:
    """Make the values of nodes, as ``compose`` gives them.

    Raises:
        YamlFault: one of them is not what it looks like, such as the date 2026-13-45.
    """
    try:
        return _Loader("").construct_document(node)
    except (yaml.YAMLError, RecursionError) as error:
        raise _fault(error, "") from error


def load(text: str) -> Any:
    """Read a text as values; None for an empty one.

    Raises:
        YamlFault: as ``compose`` and ``construct``.
    """
    node = compose(text)
    return None if node is None else construct(node)


def _fault(error: yaml.YAMLError | RecursionError, text: str) -> YamlFault:
    if isinstance(error, RecursionError):
        return YamlFault(1, "it is nested too deeply")
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return YamlFault(line, f"the character U+{ord(text[error.position]):04X} is not allowed")
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return YamlFault(mark.line + 1 if mark else 1, " ".join((error.problem or str(error)).split()))
    return YamlFault(1, " ".join(str(error).split()))


def switch(value: object) -> object:
    """A switch of more than two settings as it was written: of ``on`` and ``off`` YAML 1.1 makes true and false."""
    return ("off", "on")[value] if isinstance(value, bool) else value
