"""The precision/recall curve as an SVG that reads in light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_SIZE, _EDGE, _STEPS = 360, 46, 60
_COLOURS = ("#8a8f98", "#b07aa1", "#59a14f", "#f28e2b", "#4e79a7", "#e15759")


def draw(curves: Mapping[str, tuple[Any, Any]], target: Path) -> None:
    """Write the picture.

    Args:
        curves: precision and recall of each method as its threshold falls.
        target: the file.
    """
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE + 190} {_SIZE + 2 * _EDGE}" role="img"',
        'font-family="sans-serif" font-size="12" fill="#808080">',
        "<title>Precision and recall on labelled Ask Ubuntu pairs</title>",
        f'<rect x="{_EDGE}" y="{_EDGE}" width="{_SIZE}" height="{_SIZE}" fill="none" stroke="#808080"/>',
        f'<text x="{_EDGE + _SIZE / 2}" y="{_SIZE + _EDGE + 34}" text-anchor="middle">recall</text>',
        f'<text x="{_EDGE}" y="{_EDGE - 12}">precision (from 50 %)</text>',
    ]
    for number, (label, (precision, recall)) in enumerate(curves.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(_point(share, precision, recall) for share in np.linspace(0.02, 1, _STEPS))
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines.append(f'<text x="{_EDGE + _SIZE + 12}" y="{_EDGE + 18 + 20 * number}" fill="{colour}">{label}</text>')
    lines += [
        f'<text x="{_EDGE + _SIZE * at / 100}" y="{_SIZE + _EDGE + 16}" text-anchor="middle">{at} %</text>'
        for at in (0, 25, 50, 75, 100)
    ]
    lines += [
        f'<text x="{_EDGE - 6}" y="{_EDGE + _SIZE * (100 - at) / 50 + 4}" text-anchor="end">{at} %</text>'
        for at in (50, 75, 100)
    ]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("\n".join([*lines, "</svg>", ""]), encoding="utf-8")


def _point(share: float, precision: Any, recall: Any) -> str:
    """The best precision at a recall or beyond it."""
    reached = precision[recall >= share]
    best = float(reached.max()) if len(reached) else 0.5
    return f"{_EDGE + share * _SIZE:.1f},{_EDGE + (1 - max(best, 0.5)) * 2 * _SIZE:.1f}"
