"""Telling whether two audits found the same, and what became of what the earlier one found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ...session.events import Record
from ..ledger.items import Severity
from ..ledger.similarity import SAME, likeness


class Known(Record):
    """A finding as an earlier audit left it. `ledger` and `id` name it; `stands` is where its quote stands now, if it does."""

    ledger: str
    id: str
    path: str
    kind: str
    quote: str
    summary: str
    severity: Severity
    fingerprint: str
    stands: str = ""

    @property
    def name(self) -> str:
        """What an item names as `upstream`."""
        return f"{self.ledger}#{self.id}"


class FindingFate(StrEnum):
    """What became of an earlier finding."""

    RECURRING = "recurring"
    FIXED = "fixed"
    GONE = "gone from the code"
    """What was quoted stands nowhere any more. That is no proof that the weakness went with it."""
    CARRIED = "carried over"
    """Not looked at, because nothing there changed."""
    UNSETTLED = "unsettled"
    """It still stands in the code, and nobody has said whether it is still a weakness."""


@dataclass(frozen=True)
class Matching:
    """What became of one earlier finding, and the item that says so."""

    known: Known
    fate: FindingFate
    by: str = ""


def matching(found: Known, earlier: Iterable[Known]) -> Known | None:
    """The earlier finding that this one is: by fingerprint, else in the same file with a quote that holds the other's, or of
    the same kind and in nearly the same words.
    """
    here = [one for one in earlier if one.path == found.path]
    exact = next((one for one in here if one.fingerprint == found.fingerprint), None)
    return exact or next((one for one in here if _overlaps(found, one) or _says_the_same(found, one)), None)


def fates(
    earlier: Collection[Known], again: Mapping[str, str], settled: Collection[str], unchanged: Collection[str]
) -> tuple[Matching, ...]:
    """What became of each earlier finding. `again` has the names of those that were found once more, with the item that says
    so; `settled` the names of those that were shown to be none any more; `unchanged` the files that were not looked at,
    because nothing in them changed.
    """
    return tuple(_fate(one, again, settled, unchanged) for one in earlier)


def _fate(known: Known, again: Mapping[str, str], settled: Collection[str], unchanged: Collection[str]) -> Matching:
    if known.name in again:
        return Matching(known, FindingFate.RECURRING, again[known.name])
    if known.name in settled:
        return Matching(known, FindingFate.FIXED)
    if not known.stands:
        return Matching(known, FindingFate.GONE)
    return Matching(known, FindingFate.CARRIED if known.path in unchanged else FindingFate.UNSETTLED)


def _overlaps(one: Known, other: Known) -> bool:
    here, there = " ".join(one.quote.split()), " ".join(other.quote.split())
    return one.kind == other.kind and (here in there or there in here)


def _says_the_same(one: Known, other: Known) -> bool:
    return one.kind == other.kind and likeness(one.summary, other.summary) >= SAME
