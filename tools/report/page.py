"""A report as data: a page of sections, each kind of section a class here and a template."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from ..decision.measured import GuardResult, Receipt
from ..session.events import Row
from ..session.results import metric_of, number
from ..session.telling import effect_of_gain
from .drawing import as_svg, icon, name_of
from .morning import Morning
from .picture import CAPTION, Mark, Picture, mark_of
from .rest import Rest
from .words import delta_words, duration

MOST_PATCH = 30_000
"""Characters of the combined change that a page shows."""


class Tone(StrEnum):
    """How a fact wants to be seen."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"


class PatchLine(StrEnum):
    """What a line of a patch is."""

    FILE = "file"
    HUNK = "hunk"
    ADDED = "added"
    REMOVED = "removed"
    SAME = "same"


@dataclass(frozen=True)
class Fact:
    """One thing to know, with a note in smaller print."""

    name: str
    value: str
    note: str = ""
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class PageSection:
    """A part of the page. `id` names it in links; `kind` is the template that sets it."""

    kind: ClassVar[str]
    id: str
    title: str


@dataclass(frozen=True)
class Facts(PageSection):
    """A list of facts, two columns."""

    kind = "facts"
    facts: Sequence[Fact]


@dataclass(frozen=True)
class Drawing(PageSection):
    """The progress picture with a legend that filters."""

    kind = "picture"
    picture: Picture
    caption: str = CAPTION

    @property
    def svg(self) -> str:
        """The picture as markup."""
        return as_svg(self.picture)

    @property
    def legend(self) -> list[tuple[str, str, int, str]]:
        """Class, words, count and icon of each kind of try that there is."""
        return [(name_of(mark), str(mark), count, icon(mark)) for mark, count in self.picture.marks]


@dataclass(frozen=True)
class Now(PageSection):
    """What is at work, and the end of what it has printed; without a title nothing is."""

    kind = "now"
    words: str = ""
    tail: str = ""


@dataclass(frozen=True)
class Steering(PageSection):
    """What a person says to the agent at work, and where to say it; `pause` says why nothing begins. Closed, nothing can be said."""

    kind = "steer"
    closed: bool = False
    pause: Sequence[str] = ()
    hints: Sequence[str] = ()
    ideas: Sequence[str] = ()


@dataclass(frozen=True)
class Curves(PageSection):
    """Learning curves as markup."""

    kind = "curves"
    svg: str


@dataclass(frozen=True)
class MorningView(PageSection):
    """What a person wants to know first."""

    kind = "morning"
    morning: Morning

    @property
    def whole(self) -> list[tuple[PatchLine, str]]:
        """The combined change in runs of equal lines."""
        return patch_lines(self.morning.whole.patch, MOST_PATCH)


@dataclass(frozen=True)
class Tries(PageSection):
    """The table: newest first, with every kind of try that there is, to filter by; the `rest` is unpacked on demand."""

    kind = "tries"
    tries: Sequence[ReportedTry]
    marks: Sequence[Mark]
    rest: Rest

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """Class and words of each kind of try."""
        return [(name_of(mark), str(mark)) for mark in self.marks]


@dataclass(frozen=True)
class Last(PageSection):
    """The newest tries by themselves, newest first."""

    kind = "last"
    tries: Sequence[ReportedTry]


@dataclass(frozen=True)
class Details:
    """What is behind a row. `diff` is the patch in runs of equal lines."""

    diff: Sequence[tuple[PatchLine, str]] = ()
    guards: Sequence[GuardResult] = ()
    receipts: Sequence[Receipt] = ()
    output: str = ""
    training: str = ""
    note: str = ""


@dataclass(frozen=True)
class ReportedTry:
    """One row, in words; `standing` are the keeps of its session that stand."""

    row: Row
    standing: Collection[int]
    lower: bool = True
    details: Details | None = None

    @property
    def mark(self) -> Mark:
        """What became of it."""
        return mark_of(self.row, self.standing)

    @property
    def look(self) -> str:
        """The class that it is coloured by."""
        return name_of(self.mark)

    @property
    def icon(self) -> str:
        """Its mark as markup."""
        return icon(self.mark)

    @property
    def metric(self) -> str:
        """The number, or a dash."""
        return metric_of(self.row)

    @property
    def delta(self) -> str:
        """The distance from what was kept before."""
        return delta_words(self.row)

    @property
    def tone(self) -> Tone:
        """Whether the distance is a gain: what is not kept is none, whatever its number."""
        delta = self.row.delta or 0.0
        return Tone.GOOD if self.mark is Mark.KEEP and delta and (delta < 0) == self.lower else Tone.PLAIN

    @property
    def seconds(self) -> str:
        """How long it took to measure."""
        return duration(self.row.seconds)

    @property
    def effect(self) -> str:
        """The estimate of what the change is worth, where there is one."""
        row = self.row
        if row.gain is None or row.low is None or row.high is None:
            return ""
        evidence = f"; {row.evidence:.1f} standard errors of evidence" if row.evidence is not None else ""
        return f"{effect_of_gain(self.lower, row.gain, row.low, row.high).words}{evidence}"

    @property
    def samples(self) -> list[tuple[str, str]]:
        """The runs of the change and of the incumbent."""
        arms = (("change", self.row.samples), ("incumbent", self.row.incumbent))
        return [(name, ", ".join(map(number, values))) for name, values in arms if values]

    @property
    def searched(self) -> str:
        """What a search looks through."""
        words = (
            f"#{self.row.iteration}",
            self.row.description,
            self.row.learned,
            str(self.row.status),
            *self.row.files,
        )
        return " ".join(words).lower()[:600]


@dataclass(frozen=True)
class ReportPage:
    """The whole report."""

    title: str
    subtitle: str
    state: str
    facts: Sequence[Fact]
    sections: Sequence[PageSection]
    footer: str = ""
    tone: Tone = Tone.PLAIN


def patch_lines(patch: str, most: int) -> list[tuple[PatchLine, str]]:
    """Split a patch into runs of lines of the same kind, at most so many characters of it."""
    text = patch if len(patch) <= most else patch[:most].rpartition("\n")[0]
    runs: list[tuple[PatchLine, str]] = []
    inside = False
    for line in text.splitlines():
        inside = line.startswith("@@") or (inside and not line.startswith(_FILE))
        kind = _line_kind(line, inside)
        if kind is None:
            continue
        words = line.rpartition(" b/")[2] if kind is PatchLine.FILE else line
        if runs and runs[-1][0] is kind and kind is not PatchLine.FILE:
            runs[-1] = (kind, f"{runs[-1][1]}\n{words}")
        else:
            runs.append((kind, words))
    if len(patch) > most:
        runs.append((PatchLine.HUNK, f"… {patch.count(chr(10), len(text)):,} more lines"))
    return runs


_FILE = "diff --git "
_NOISE = ("index ", "--- ", "+++ ")


def _line_kind(line: str, inside: bool) -> PatchLine | None:
    if not inside:
        return PatchLine.FILE if line.startswith(_FILE) else None if line.startswith(_NOISE) else PatchLine.HUNK
    return {"+": PatchLine.ADDED, "-": PatchLine.REMOVED, "@": PatchLine.HUNK}.get(line[:1], PatchLine.SAME)
