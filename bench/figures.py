"""Figures as people read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import median
from typing import TypeVar

Item = TypeVar("Item")


def middle(items: Iterable[Item], value: Callable[[Item], float]) -> float:
    """Median of a figure over the rounds."""
    return float(median(value(item) for item in items))


def rate(pages: float, seconds: float) -> float:
    """Pages a second; 0 when there is nothing to divide."""
    return pages / seconds if seconds > 0 else 0.0


def ratio(ours: float, theirs: float) -> str:
    """How many times as much: ``23.4 x``, ``0.85 x``; a dash when there is nothing to compare with."""
    if ours <= 0 or theirs <= 0:
        return "-"
    times = ours / theirs
    return f"{times:.0f} x" if times >= 100 else f"{times:.1f} x" if times >= 1 else f"{times:.2f} x"


def met(answer: bool | None) -> str:  # noqa: FBT001 - a word for it
    """Whether a goal is met; a dash when nothing was measured."""
    return "-" if answer is None else "yes" if answer else "**no**"
