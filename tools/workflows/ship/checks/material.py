"""What checks look at and what they find: texts, lines and places, and the results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from ...ledger.handoff import HandoffFinding
from ...running.suppressions import runs_of
from .checklists import Weight

Texts = Mapping[str, str]
"""Files by their path from the repository's root."""


@dataclass(frozen=True)
class FileLine:
    """One line of a file, counted from 1."""

    path: str
    number: int
    text: str


@dataclass(frozen=True)
class FoundPlace:
    """Where something was found, and what."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.what}" if self.line else f"{self.path} {self.what}"


def lines_of(texts: Texts) -> Iterator[FileLine]:
    """Yield every line of every file."""
    for path, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            yield FileLine(path, number, line)


def added_lines(patch: str) -> Iterator[FileLine]:
    """Yield the lines that a patch, as git writes it, adds."""
    return (FileLine(run.path, number, text) for run in runs_of(patch) for number, text in run.added)


def found(lines: Iterable[FileLine], pattern: re.Pattern[str]) -> tuple[FoundPlace, ...]:
    """Return the first match in each line that has one."""
    pairs = ((line, pattern.search(line.text)) for line in lines)
    return tuple(FoundPlace(line.path, line.number, match[0].strip()[:80]) for line, match in pairs if match)


class CheckResult(StrEnum):
    """What came of a check. `open`: nobody looked yet, or the command was not run."""

    PASSED = "passed"
    FAILED = "failed"
    OPEN = "open"
    NOT_HERE = "does not apply"


@dataclass(frozen=True)
class CheckOutcome:
    """What a check saw. `weight` where it weighs more or less than its list says."""

    result: CheckResult
    seen: str
    places: tuple[FoundPlace, ...] = ()
    weight: Weight | None = None


@dataclass(frozen=True)
class EarlierLedger:
    """What an earlier ledger says: the workflow, its findings that nobody settled; of a regression its verdict, of which commit
    with how many of its dimensions, and the paths that changed since, those that hold no code apart.
    """

    workflow: str = ""
    findings: tuple[HandoffFinding, ...] = ()
    verdict: str = ""
    commit: str = ""
    measured: str = ""
    code: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShipmentMaterial:
    """All that is looked at, gathered once. `texts` are the files that are shipped, `whole` everything that could hold a
    secret, `manifests` what says a version, `moved` lines added and removed since the base.
    """

    head: str
    base: str
    paths: frozenset[str]
    texts: Texts
    whole: Texts
    added: Sequence[FileLine]
    manifests: Texts
    changelog: tuple[str, str]
    tags: Mapping[str, str]
    target: str = ""
    patch: str = ""
    dirty: tuple[str, ...] = ()
    moved: int = 0
    merges: bool | None = None
    skipped: int = 0
    before: EarlierLedger = EarlierLedger()
    regression: EarlierLedger = EarlierLedger()

    def exists(self, path: str) -> bool:
        """Return whether a file or folder is there."""
        return path in {".", ""} or path in self.paths or path.rstrip("/") in self._folders

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(path[:place] for path in self.paths for place, sign in enumerate(path) if sign == "/")


def outcome(places: Sequence[FoundPlace], well: str, ill: str) -> CheckOutcome:
    """Passed without places, failed with some. `ill` says what they are, in words that fit any number."""
    if not places:
        return CheckOutcome(CheckResult.PASSED, well)
    return CheckOutcome(CheckResult.FAILED, f"{ill}: {len(places)}", tuple(places))
