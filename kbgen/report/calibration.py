"""A measurement of the bands of duplicate detection: in words, and kept for the next report.

Measuring is ``curate.calibrate``'s business.
"""

from __future__ import annotations

import msgspec

from kbgen.model.measured import Calibration, Precision
from kbgen.store import Store

_KEY = "calibration"
_SHOWN_DOUBTS = 5


def keep(store: Store, made: Calibration) -> None:
    """Keep a measurement, without the threads' words: those may be withdrawn; call inside a transaction."""
    store.put(_KEY, msgspec.json.encode(msgspec.structs.replace(made, doubts=())).decode())


def kept(store: Store) -> Calibration | None:
    """The last measurement, None when there is none that this version can read."""
    text = store.get(_KEY)
    try:
        return msgspec.json.decode(text, type=Calibration) if text else None
    except msgspec.ValidationError:
        return None


def words(found: Calibration, *, merge: float, suggest: float) -> str:
    """The measurement as a person reads it.

    Args:
        found: what was measured.
        merge: where that band begins now.
        suggest: likewise.
    """
    lines = _evidence(found)
    if found.steps:
        lines += ["", "merge from   right  wrong   precision (95 % interval)   of the known found"]
        lines += [
            f"{step.threshold:10.2f} {step.precision.right:7,} {step.precision.wrong:6,}   "
            f"{_share(step.precision):<27} {step.recall:.0%}"
            for step in reversed(found.steps)
        ]
    lines += ["", "The bands as they are set"]
    lines += [f"  {line}" for line in bands(found)]
    lines += ["", *_proposal(found, merge, suggest)]
    if found.doubts:
        lines += ["", "Presumed different, and most alike; tell what they are with `kbgen review merge` or `split`:"]
        for doubt in found.doubts[:_SHOWN_DOUBTS]:
            lines += [f"  {doubt.score:.2f}  {doubt.left} {doubt.right}"]
            lines += [f"        {doubt.left_title}", f"        {doubt.right_title}"]
    return "\n".join(lines)


def _evidence(found: Calibration) -> list[str]:
    lines = [
        f"{found.declared:,} pairs are known to ask the same, {found.found:,} of them near in words or meaning.",
        f"{found.refused:,} were kept apart by people, {found.presumed:,} near ones were solved by different answers.",
    ]
    if found.unseen:
        lines.append(
            f"{found.unseen:,} more declared pairs have a thread that is not published, and were not measured."
        )
    return lines


def bands(found: Calibration) -> list[str]:
    """A line for each band: where it begins, how much of it is right, how much of what is known lies in it."""
    return [
        f"{band.name:<8} from {band.start:.2f}: {_counted(band.precision)}; {band.share:.0%} of the known duplicates"
        for band in found.bands
    ]


def _counted(precision: Precision) -> str:
    count = precision.right + precision.wrong
    return f"{precision.right:,} of {count:,} pairs right, {_share(precision)}" if count else "no pair is known"


def _share(precision: Precision) -> str:
    return f"{precision.share:.1%} ({precision.low:.1%} to {precision.high:.1%})"


def _proposal(found: Calibration, merge: float, suggest: float) -> list[str]:
    lines = []
    if found.merge is not None:
        lines.append(
            f"Proposed: duplicates.merge: {found.merge:g} (now {merge:g}), the lowest that is surely right in "
        )
        lines[-1] += f"{found.target:.0%} of the cases."
    else:
        lines.append(f"No threshold for duplicates.merge is proposed: {found.why}.")
    if found.suggest is not None:
        lines.append(
            f"Proposed: duplicates.suggest: {found.suggest:g} (now {suggest:g}): one in three or more is right."
        )
    else:
        lines.append(
            "No threshold for duplicates.suggest is proposed: fewer than 30 pairs are known, or too few right."
        )
    return lines
