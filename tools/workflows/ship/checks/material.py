"""What is looked at before something is shipped, gathered once, and what a look can come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from ...ledger.handoff import HandoffFinding
from .lists import Weight
from .places import FileLine, FoundPlace, Texts


class CheckResult(StrEnum):
    """What came of a check. `open`: nobody looked yet, or the command was not run."""

    PASSED = "passed"
    FAILED = "failed"
    OPEN = "open"
    NOT_HERE = "does not apply"

    @property
    def of_several(self) -> str:
        """The word after a number."""
        return "not applicable" if self is CheckResult.NOT_HERE else self.value


@dataclass(frozen=True)
class CheckLook:
    """What a check saw. `weight` where it weighs more or less than its list says."""

    result: CheckResult
    seen: str
    places: tuple[FoundPlace, ...] = ()
    weight: Weight | None = None


@dataclass(frozen=True)
class Before:
    """What an earlier ledger says: the workflow, its findings that nobody settled, its scores, the verdict of a regression."""

    workflow: str = ""
    findings: tuple[HandoffFinding, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    verdict: str = ""


@dataclass(frozen=True)
class ShipmentMaterial:
    """All that is looked at, gathered once. `texts` are the files that are shipped, `whole` everything that could hold a
    secret, `manifests` what says a version, `sizes` bytes of pictures, `moved` lines added and removed since the base.
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
    dirty: tuple[str, ...] = ()
    moved: int = 0
    merges: bool | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    skipped: int = 0
    before: Before = Before()
    regression: Before = Before()

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return path in {".", ""} or path in self.paths or path.rstrip("/") in self._folders

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(path[:place] for path in self.paths for place, sign in enumerate(path) if sign == "/")


def of(places: Sequence[FoundPlace], well: str, ill: str) -> CheckLook:
    """Passed without places, failed with some. `ill` says what they are, in words that fit any number."""
    if not places:
        return CheckLook(CheckResult.PASSED, well)
    return CheckLook(CheckResult.FAILED, f"{ill}: {len(places)}", tuple(places))
