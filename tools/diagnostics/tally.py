"""What a count of errors says: the number that decides, and behind it every error by its identity, the first of them in full."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

from .diagnostic import Diagnostic, Trouble, points
from .inspection import METRIC

MOST = 5000
"""Errors beyond which nobody works one by one."""
IN_FULL = 200
_MARK = "DIAGNOSTICS "


class Tally(BaseModel):
    """A count. `ids` names every error, the most urgent first, `first` the first of them; `ran` how many tests ran.

    `masked` are commands that could not look, because something that hides what they would see is broken.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int
    points: int
    ids: tuple[str, ...]
    first: tuple[Diagnostic, ...]
    ran: int | None = None
    masked: tuple[str, ...] = ()

    def of(self, trouble: Trouble) -> tuple[Diagnostic, ...]:
        """The errors of one kind, as far as they are told in full."""
        return tuple(one for one in self.first if one.trouble is trouble)

    def told(self, change: Callable[[str], str]) -> Tally:
        """The count with its words changed, for whoever stores or shows them; the identities are of what was said."""
        words = ({"message": change(one.message), "name": change(one.name)} for one in self.first)
        return self.model_copy(
            update={"first": tuple(one.model_copy(update=new) for one, new in zip(self.first, words, strict=True))}
        )


def tallied(found: Sequence[Diagnostic], ran: int | None, masked: Sequence[str]) -> Tally:
    """The count of these errors, which are in order and identified."""
    return Tally(
        count=len(found),
        points=points(found),
        ids=tuple(one.id for one in found[:MOST]),
        first=tuple(found[:IN_FULL]),
        ran=ran,
        masked=tuple(masked),
    )


def metric_line(tally: Tally, name: str = METRIC) -> str:
    """The line that decides."""
    return f"METRIC {name}={tally.points}"


def written(tally: Tally, name: str = METRIC) -> str:
    """The count for the channel: the number, then all the rest on one line."""
    return f"{metric_line(tally, name)}\n{_MARK}{tally.model_dump_json(exclude_defaults=True)}\n"


def read_tally(text: str) -> Tally | None:
    """A count as it was written; None where there is none."""
    before, mark, after = text.partition(f"\n{_MARK}")
    if not mark or not before.startswith("METRIC "):
        return None
    try:
        return Tally.model_validate_json(after.strip())
    except ValidationError:
        return None


_UNABLE = re.compile(r"^could not run #(\d+): (.*)$", re.MULTILINE)


def unable_line(number: int, why: str) -> str:
    """What is said of a command, by its place among those of the inspection, that could not be run."""
    return f"could not run #{number}: {' '.join(why.split())[:400]}"


def read_unable(text: str) -> dict[int, str]:
    """Which commands could not be run, and why."""
    return {int(number): why for number, why in _UNABLE.findall(text)}
