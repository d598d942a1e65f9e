"""What a security ledger takes: what is protected, where trust ends, what was tested, found, and mended."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from ..ledger.items import Cited, Confidence, ItemOutcome, Note, Options, Severity, Text, Words, listed
from .threats import Asset, Attacker, Boundary, Owasp, Stride

_FOCUS = (*Owasp, *Stride)


def _focused(words: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := [word for word in words if word not in _FOCUS]:
        raise ValueError(f"{', '.join(unknown)} is neither an OWASP id nor a STRIDE word: {', '.join(_FOCUS)}")
    return words


class SecurityOptions(Options):
    """What to audit, and what to insist on."""

    focus: Annotated[Words, AfterValidator(_focused)] = Field(
        (), description="Only these OWASP ids (A01 to A10) and STRIDE words need to be covered. Empty: all."
    )
    diff: bool = Field(False, description="Look only at files that changed since the last audit on this branch.")
    fix: bool = Field(
        False, description="Mend confirmed critical and high findings too; otherwise files are only read."
    )
    fail_on: Severity | None = Field(
        None, description="critical|high|medium|low|info: the audit ends as failed with a finding this bad or worse."
    )


AssetId = Annotated[str, Field(pattern=r"^A\d+$")]
BoundaryId = Annotated[str, Field(pattern=r"^B\d+$")]


class AssetItem(Cited):
    """Something worth protecting, cited where the code keeps, makes or uses it."""

    prefix: ClassVar[str] = "A"

    kind: Literal["asset"] = "asset"
    name: Text = Field(description="What it is, in a few words.")
    asset: Asset
    loss: Text = Field(description="What an attacker gains, or its owner loses.")

    @property
    def place(self) -> str:
        return f"{self.location} as {self.asset}"

    @property
    def subject(self) -> str:
        return self.name


class BoundaryItem(Cited):
    """A place where data or control enters from less trust, cited where it does, and what can be reached from there."""

    prefix: ClassVar[str] = "B"

    kind: Literal["boundary"] = "boundary"
    name: Text = Field(description="The entry point, in a few words.")
    boundary: Boundary
    crosses: Text = Field(description="What crosses it, from whom to whom.")
    reaches: Annotated[tuple[AssetId, ...], BeforeValidator(listed)] = Field(
        min_length=1, description="The assets behind it, e.g. A1, A3."
    )

    @property
    def place(self) -> str:
        return f"{self.location} to {', '.join(self.reaches)}"

    @property
    def subject(self) -> str:
        return f"{self.name} {self.crosses}"

    @property
    def title(self) -> str:
        return self.name


class ThreatTest(Cited):
    """A test of one cell: one threat to one asset across one boundary, by one persona."""

    asset: AssetId = Field(description="e.g. A1")
    boundary: BoundaryId = Field(description="e.g. B1; it has to reach the asset.")
    stride: Stride
    owasp: Owasp = Field(description="A01 to A10, edition of 2021.")
    persona: Attacker

    @property
    def cell(self) -> tuple[str, str, Stride]:
        """The cell of the matrix that it tests."""
        return self.asset, self.boundary, self.stride


class Cleared(ThreatTest):
    """A cell that was tested and held: what was tried, and the code that withstands it."""

    prefix: ClassVar[str] = "C"

    kind: Literal["cleared"] = "cleared"
    tried: Text = Field(description="The attack that you tried or followed through the code.")
    holds: Text = Field(description="Why it fails: the quote is the line that stops it.")

    @property
    def place(self) -> str:
        return f"{self.location} for {self.stride} of {self.asset} across {self.boundary}"

    @property
    def subject(self) -> str:
        return self.tried

    @property
    def settles(self) -> ItemOutcome:
        return ItemOutcome.DISPROVEN


class SecurityFinding(ThreatTest):
    """A weakness that can be attacked, cited where it is."""

    prefix: ClassVar[str] = "V"

    kind: Literal["finding"] = "finding"
    summary: Text = Field(description="The weakness in one sentence.")
    severity: Severity
    confidence: Confidence = Field(description="confirmed needs a reproduction, and stands once the server saw it.")
    scenario: Text = Field(description="The attack, step by step: who sends what, and what happens.")
    impact: Text = Field(description="What the attacker has then.")
    mitigation: Text = Field(description="What to change.")
    reproduction: Note = Field(
        "", description="A command that exits non-zero while the weakness is there. It talks to no other machine."
    )
    cwe: str = Field("", pattern=r"^(CWE-\d{1,5})?$", description="e.g. CWE-89")

    @property
    def subject(self) -> str:
        return self.summary

    @property
    def command(self) -> str:
        return self.reproduction


class Health(StrEnum):
    """How a dependency stands."""

    FINE = "fine"
    UNPINNED = "unpinned"
    OUTDATED = "outdated"
    UNMAINTAINED = "unmaintained"
    VULNERABLE = "vulnerable"
    UNKNOWN = "unknown"


class Dependency(Cited):
    """One dependency, cited where it is declared."""

    prefix: ClassVar[str] = "D"

    kind: Literal["dependency"] = "dependency"
    name: Text
    health: Health
    why: Text = Field(description="What you base that on.")
    version: Note = ""
    advisory: Note = Field("", description="The id of a published advisory.")

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}".strip() + f": {self.health}"


class Remedy(Cited):
    """An attempt to mend a confirmed critical or high finding, committed, and cited as it now stands."""

    prefix: ClassVar[str] = "R"

    kind: Literal["remedy"] = "remedy"
    finding: str = Field(pattern=r"^V\d+$", description="e.g. V1")
    change: Text = Field(description="What you changed, and why that ends the attack.")

    @property
    def place(self) -> str:
        return ""  # a second attempt may stand at the same place

    @property
    def title(self) -> str:
        return f"{self.finding}: {self.change}"
