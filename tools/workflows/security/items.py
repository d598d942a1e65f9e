"""What a security ledger takes: where trust ends, and what was tested there, with what came of it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..ledger.items import Cited, ItemOutcome, Options, Provable, Severity, Text, Words


class SecurityOptions(Options):
    """What to audit, and what to insist on."""

    diff: bool = Field(False, description="Look only at files that changed since the last audit on this branch.")
    fail_on: Severity | None = Field(
        None, description="critical|high|medium|low|info: the audit ends as failed with a finding this bad or worse."
    )


class BoundaryItem(Cited):
    """A place where data or control enters from less trust, cited where it does."""

    prefix: ClassVar[str] = "B"
    title_format: ClassVar[str] = "{name}"

    kind: Literal["boundary"] = "boundary"
    name: Text = Field(description="What enters there, and from whom, in a few words.")
    reaches: Text = Field(description="What is worth protecting behind it.")


class ThreatTest(Provable):
    """A test of one boundary."""

    boundary: Annotated[str, Field(pattern=r"^B\d+$", description="Where the attack enters, e.g. B1.")]
    tags: Words = Field(
        (), max_length=8, description="What it is called elsewhere, e.g. CWE-89, OWASP A03:2021, STRIDE tampering."
    )


class Cleared(ThreatTest):
    """An attack that fails. Its experiment passes, and its control fails in the words; without one, its quote is the line that
    stops it, which is an opinion.
    """

    prefix: ClassVar[str] = "C"
    place_format: ClassVar[str] = "{location} for {boundary}: {tried}"

    kind: Literal["cleared"] = "cleared"
    tried: Text = Field(description="The attack, and why it fails.")

    @property
    def title(self) -> str:
        return self.tried

    @property
    def settles(self) -> ItemOutcome:
        return ItemOutcome.DISPROVEN


class SecurityFinding(ThreatTest):
    """A weakness that can be attacked, cited where it is."""

    prefix: ClassVar[str] = "V"
    subject_format: ClassVar[str] = "{summary}"

    kind: Literal["finding"] = "finding"
    summary: Text = Field(description="The weakness in one sentence.")
    severity: Severity
    scenario: Text = Field(description="The attack, step by step: who sends what, and what they have then.")
    mitigation: Text = Field(description="What to change.")
