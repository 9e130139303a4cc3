"""Measured: how right duplicate detection is by what a community itself says of its threads."""

from __future__ import annotations

from msgspec import Struct

from kbgen.model.terms import Ref


class Precision(Struct, frozen=True):
    """A share of pairs that ask the same, with how sure it is.

    Attributes:
        right: pairs known to ask the same.
        wrong: pairs people kept apart, and pairs presumed to be different.
        share: ``right`` of both, 0 to 1; 0 where there is no pair.
        low: lower end of its 95 % interval, ``high`` the upper one.
    """

    right: int
    wrong: int
    share: float
    low: float
    high: float


class Step(Struct, frozen=True):
    """What would be merged from a threshold on.

    Attributes:
        recall: share of the declared pairs that would be found.
    """

    threshold: float
    precision: Precision
    recall: float


class Band(Struct, frozen=True):
    """One band as it is set: ``merge``, ``suggest`` or ``related``.

    Attributes:
        start: where it begins.
        share: of the declared pairs, those in it.
    """

    name: str
    start: float
    precision: Precision
    share: float


class Doubt(Struct, frozen=True):
    """A pair presumed to be different though its texts are alike: for a person to judge."""

    left: Ref
    right: Ref
    left_title: str
    right_title: str
    score: float


class Calibration(Struct, frozen=True):
    """The bands of duplicate detection, measured on the evidence of people.

    Attributes:
        day: it was measured, 2026-11-22.
        target: the precision asked for.
        declared: pairs known to ask the same: declared by a community or merged by a person.
        found: of these, those whose texts are near enough to be in the lowest band.
        refused: pairs people kept apart.
        presumed: near pairs whose questions were each solved by another answer.
        unseen: declared pairs of which one thread is not published; nothing is known of its words.
        needed: pairs above a threshold that are enough if all of them are right.
        merge: the threshold proposed, None where there is none; ``suggest`` likewise.
        why: in words, what hinders a proposal; "" where nothing does.
        doubts: presumed different, the most alike first.
    """

    day: str
    target: float
    declared: int
    found: int
    refused: int
    presumed: int
    unseen: int
    needed: int
    steps: tuple[Step, ...]
    bands: tuple[Band, ...]
    merge: float | None = None
    suggest: float | None = None
    why: str = ""
    doubts: tuple[Doubt, ...] = ()
