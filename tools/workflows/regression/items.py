"""What a comparison of two commits is asked for, and the causes that an agent records: options and items."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator

from ...session.events import Record
from ..ledger.items import Cited, Options, Text, Words
from ..ledger.state import LedgerFacts
from .affected import is_test
from .readings import ComparisonJob
from .verdict import ComparedDimension, ComparedRow, ComparisonSide


def _one(value: object) -> object:
    return (value,) if isinstance(value, str) and value.strip() else () if value == "" else value


Commands = Annotated[tuple[str, ...], BeforeValidator(_one)]
"""Commands, or a single one as text: a command may hold commas."""
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%?")


class Select(StrEnum):
    """Which tests run."""

    AUTO = "auto"
    FULL = "full"
    AFFECTED = "affected"


class RegressionOptions(Options):
    """What is compared, with what, and how often it is run."""

    base: str = Field(
        "",
        max_length=200,
        description="What to compare HEAD with, a commit, tag or branch: the baseline is where HEAD forked from it. Empty: main.",
    )
    select: Select = Field(Select.AUTO, description="All tests, or those that import what changed (Python).")
    samples: int = Field(7, ge=3, le=30, description="Runs of each performance command on each side, by turns.")
    reruns: int = Field(
        5, ge=1, le=30, description="Runs of each test command on each side where something is red or differs."
    )
    noise_band: str = Field("5%", description="By how much a time or metric may grow in any case.")
    resource_budget: str = Field("10%", description="By how much peak memory and CPU time may grow in any case.")
    matrix: Words = Field(
        (), description="Variables to run everything under, each a cell, as `TZ=UTC, TZ=Asia/Tokyo`. Empty: none."
    )
    max_runs: int = Field(200, ge=1, le=5000, description="The most runs that the comparison may take.")
    timeout_s: float = Field(900, gt=0, le=7200, description="Seconds after which one run is ended and counts as red.")
    dimensions: Words = Field((), description="Only these. Empty: all for which there is something to run or read.")
    setup: str = Field(
        "",
        description="A command that prepares each side once, such as `npm ci`; what it makes has to be ignored by git. Empty: what git lacks is brought along.",
    )
    tests: Commands = Field((), description="Test commands. Empty: those that the project offers.")
    performance: Commands = Field(
        (),
        description="Commands whose time, or whose one line `METRIC name=value`, may not grow. Empty: the project's benchmarks.",
    )
    migrations: Commands = Field((), description="Commands that migrate a throwaway database up, twice, and boot.")
    e2e: Commands = Field((), description="End-to-end commands.")
    visual: Commands = Field(
        (), description="Commands that print `METRIC name=share` of the pixels that differ from reference pictures."
    )
    api: Words = Field(
        (),
        description="Globs of Python files all of whose public names are a contract. Empty: what `__all__` and packages' `__init__.py` declare.",
    )

    @field_validator("noise_band", "resource_budget")
    @classmethod
    def _percent(cls, text: str) -> str:
        if not _PERCENT.fullmatch(text.strip()):
            raise ValueError("has to be a percentage, such as `5%`")
        return text.strip()

    @field_validator("dimensions")
    @classmethod
    def _known(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in named if name not in [*ComparedDimension]]:
            raise ValueError(f"{', '.join(unknown)}: use {', '.join(ComparedDimension)}")
        return named

    @field_validator("matrix")
    @classmethod
    def _cells(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [cell for cell in named if not re.fullmatch(r"(?!AUTORESEARCH_|GIT_)[A-Za-z_]\w*=.*", cell)]:
            raise ValueError(f"{wrong[0]}: a cell is `NAME=value`")
        return tuple(cell for cell in named)


class Cause(Cited):
    """What made a row regress: the line of the candidate that did it, and why."""

    prefix: ClassVar[str] = "C"
    place_format: ClassVar[str] = ""  # one line may break several things
    subject_format: ClassVar[str] = "{row} {explanation}"

    kind: Literal["cause"] = "cause"
    row: str = Field(pattern=r"^R\d+$", description="The regressed row, e.g. R1, as `status` shows it.")
    explanation: Text = Field(description="How this line makes that row worse.")
    suggestion: Text = Field(description="How it could be mended without undoing what the change is for.")


class EarlierRow(Record):
    """A row that regressed in an earlier comparison of this branch, or in the `same` code; `why` says so."""

    unit: str
    dimension: ComparedDimension
    why: str
    same: bool


class ComparisonPlan(LedgerFacts):
    """What is compared with what by which commands, as it was sealed when the ledger was opened; without `base`, `why` not. `carried` is
    what earlier comparisons found that regressed; `given` are test commands that ran in place of the project's own, `left_out`;
    `old_tests` is the candidate's code with the tests of the base, `old_files` which of these are not as they were.
    """

    what: ClassVar[str] = "plan"

    base: str = ""
    candidate: str = ""
    told: str = ""
    jobs: tuple[ComparisonJob, ...] = ()
    chosen: dict[ComparisonSide, tuple[str, ...]] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    verdict_before: str = ""
    carried: tuple[EarlierRow, ...] = ()
    old_tests: str = ""
    old_files: tuple[str, ...] = ()
    changed_tests: tuple[str, ...] = ()
    removed_tests: tuple[str, ...] = ()
    knows_runner: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    why: str = ""

    @property
    def chosen_old(self) -> tuple[str, ...]:
        """The tests of the base that run on the candidate where a command takes files; none for all."""
        return self.old_files if all(map(is_test, self.old_files)) else ()


class ContractRows(LedgerFacts):
    """What the files alone tell of the interface for callers; `why` it was not looked at."""

    what: ClassVar[str] = "files"

    rows: tuple[ComparedRow, ...] = ()
    why: str = ""


class ControlRun(LedgerFacts):
    """The tests of a command that passed on the candidate although they raised."""

    what: ClassVar[str] = "control"

    job: str
    passed: tuple[str, ...] = ()


class SideSetup(LedgerFacts):
    """How the command ended that prepares a side."""

    what: ClassVar[str] = "setup"

    side: ComparisonSide
    command: str
    exit_code: int
    tail: str
    at: str


class UnagreedCommands(LedgerFacts):
    """The commands that nobody agreed to so far."""

    what: ClassVar[str] = "not-agreed"

    commands: tuple[str, ...] = ()
