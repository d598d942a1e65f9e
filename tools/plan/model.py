"""The plan that a session seals: one flat model for tool arguments and for `autoresearch.toml` alike."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from .resources import resource_of

PLAN_FILE = "autoresearch.toml"
MOST_RUNS = 99
LEAST_RUNS = 4


class Direction(StrEnum):
    """Which way the metric should go; required, never defaulted."""

    LOWER = "lower"
    HIGHER = "higher"


class Ties(StrEnum):
    """What an equal metric earns."""

    DISCARD = "discard"
    SIMPLER = "simpler"


class Effort(StrEnum):
    """How long a decision is looked for before the answer is that nobody can tell."""

    QUICK = "quick"
    NORMAL = "normal"
    THOROUGH = "thorough"


@dataclass(frozen=True)
class EffectSize:
    """A size of change, in the metric's unit or in percent of a reference value."""

    amount: float
    percent: bool = False

    def absolute(self, reference: float) -> float:
        """Return the size in the metric's unit; percent is of the reference's magnitude, so that its sign does not matter."""
        return abs(reference) * self.amount / 100 if self.percent else self.amount


@dataclass(frozen=True)
class GuardMetric:
    """A number that may not get worse than its baseline by more than a tolerance."""

    name: str
    direction: Direction
    tolerance: EffectSize
    command: str

    def limit(self, baseline: float) -> float:
        """Return the worst value that still passes."""
        room = self.tolerance.absolute(baseline)
        return baseline + room if self.direction is Direction.LOWER else baseline - room

    def passes(self, value: float, baseline: float) -> bool:
        """Tell whether `value` stays within the tolerance of `baseline`."""
        limit = self.limit(baseline)
        return value <= limit if self.direction is Direction.LOWER else value >= limit


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Text = Annotated[str, BeforeValidator(_as_text)]


class Plan(BaseModel):
    """What an experiment may change, how it is measured and when the session ends. Sealed at the start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    goal: str = Field("", description="The goal in the human's own words.")
    scope: tuple[str, ...] = Field(
        (),
        description="Globs of the only files an experiment may change, anchored at the repository root: "
        "`src/**/*.py`, `{a,b}.js`, `!src/vendor/**` (the last match wins), `docs/` (its whole subtree).",
    )
    protected: tuple[str, ...] = Field(
        (),
        description="Globs of files that may never change: the evaluator, the tests behind a guard. Wins over scope; "
        "autoresearch.toml is always protected.",
    )
    outputs: tuple[str, ...] = Field(
        (),
        description="Globs of files that git tracks and the commands rewrite in normal work, e.g. `package-lock.json`: put "
        "back after each run, and never a change of the experiment.",
    )
    metric: str = Field("", description="Name of the number, e.g. `val_bpb` or `coverage`.")
    direction: str = Field("", description="`lower` or `higher`: which way is better.")
    unit: str = Field("", description="Unit to strip from the printed number, e.g. `%` or `ms`. Empty: a bare number.")
    verify: str = Field(
        "",
        description="Shell command, run at the repository root, that prints the number, if it is read, and exits 0.",
    )
    read: str = Field(
        "auto",
        description="How to read the number: `auto`, `last` (last number printed), `line` (`METRIC name=value`), "
        "`key` (`name: value`), `regex:PATTERN` (first group), `json:path.to[0].key`, `channel` (what the evaluator "
        "writes to the file named by AUTORESEARCH_CHANNEL; printed numbers do not count). Or what the server measures of "
        "verify and all that it starts, whatever is printed: `cpu` (seconds), `wall` (seconds), `memory` (peak, MiB); "
        "lower is better, and `metric` and `direction` may be left out.",
    )
    guards: tuple[str, ...] = Field((), description="Shell commands that must exit 0 for a change to be kept.")
    guard_metrics: tuple[str, ...] = Field(
        (),
        description="Numbers that may not get worse than at the baseline: `name lower|higher TOLERANCE: command`, "
        "e.g. `bytes lower 5%: wc -c < app.js`.",
    )
    target: Text = Field("", description="Number that ends the session when reached. Empty: none.")
    iterations: int = Field(0, ge=0, description="Budget in iterations; 0 = unbounded.")
    minutes: float = Field(0, ge=0, description="Budget in minutes since the start; 0 = unbounded.")
    device_minutes: float = Field(0, ge=0, description="Budget in minutes spent measuring; 0 = unbounded.")
    noise: Text = Field(
        "auto",
        description="`auto`: the baseline finds out whether the metric repeats or how noisy it is; `none`: one run, no "
        "question asked; a number: every measurement is the median of so many runs.",
    )
    effort: str = Field(
        "normal",
        description="How many runs a noisy metric's decisions may spend: `quick` drops a change soon that does not look "
        "better, `normal`, or `thorough`, which looks longer for small gains.",
    )
    vary: bool = Field(
        False,
        description="Whether each run of the commands gets an environment of another length, the same for the k-th run of "
        "change and incumbent: so no lucky place of the stack in memory passes for a gain.",
    )
    max_runs: int = Field(
        0,
        ge=0,
        description="Most runs of one decision, both arms together, at least 4; 0 = 12, 32 or 60, by `effort`. As many again where the machine moved meanwhile.",
    )
    min_effect: Text = Field(
        "", description="Smallest improvement worth keeping, in the metric's unit (`0.5`) or in percent (`2%`)."
    )
    error_rate: float = Field(
        0.05, gt=0, lt=1, description="Accepted chance that a whole session keeps anything false."
    )
    holdout: str = Field(
        "",
        description="Shell command that prints the same metric on data kept back; asked only when a change would be kept, "
        "for the candidate and the incumbent, and able to veto. Its numbers are never shown.",
    )
    holdout_budget: int = Field(20, ge=1, description="How often the holdout may be asked in a session.")
    sabotage: str = Field(
        "",
        description="Shell command that breaks the code in a copy, to prove in check_plan that the metric moves.",
    )
    on_keep: str = Field(
        "",
        description="Shell command that is told of each keep, as JSON on its standard input; its result decides nothing.",
    )
    on_end: str = Field("", description="The same, told of the session's end.")
    verify_timeout_s: float = Field(
        0, ge=0, description="Seconds before verify is killed; 0 = from the baseline's duration."
    )
    guard_timeout_s: float = Field(
        0, ge=0, description="Seconds before a guard is killed; 0 = from the baseline's duration."
    )
    ties: str = Field(
        "discard", description="What an equal metric earns: `discard`, or `simpler` = keep it if it removes code."
    )
    commit_style: str = Field(
        "experiment",
        description="How commits begin: `experiment` = `experiment(<scope>): ...`; where a hook wants another form its "
        "prefix, e.g. `perf:` or `chore(lab):`.",
    )
    branch: str = Field(
        "", description="Empty = the current branch; a new name = created from HEAD, e.g. `autoresearch/nov23`."
    )

    workers: int = Field(
        0,
        ge=0,
        le=64,
        description="How many candidates of `submit` are measured at once; 0 = one a processor where the metric repeats, else "
        "one; with `gpus`, as many as these allow.",
    )
    gpus: int = Field(
        0,
        ge=0,
        le=64,
        description="How many GPUs each run of a command has for itself, here or among other sessions of yours: it waits until they "
        "are free, and CUDA_VISIBLE_DEVICES names them alone. 0 = it sees all.",
    )

    run_budget: str = Field(
        "",
        description="A variable that says how long a run trains, and its value, e.g. `STEPS=3000`: set for every run, and lower for the "
        "short runs of a `design` that halves. No need in the GPT harness.",
    )

    environment: tuple[str, ...] = Field(
        (),
        description="Names of environment variables to pass on to the commands beside the ordinary ones (PATH, HOME, "
        "locale, compilers, CUDA and the like), e.g. `DATABASE_URL`. A person agrees to them as to the commands.",
    )
    sandbox: str = Field(
        "off",
        description="`off`; `on`: the commands may write only in scope, build folders and a temporary folder, and have no "
        "network, or nothing runs; `auto`: the same where this machine can.",
    )
    network: bool = Field(False, description="Whether commands in the sandbox reach the network.")
    memory_mb: int = Field(0, ge=0, description="In the sandbox: most memory of one process, in MiB; 0 = no limit.")
    processes: int = Field(0, ge=0, description="In the sandbox: most processes of this user at once; 0 = no limit.")

    @model_validator(mode="before")
    @classmethod
    def _measured_by_the_server(cls, fields: Any) -> Any:  # noqa: ANN401 - whatever a caller gives
        """Fill in what a resource says by itself: the name, the direction and the unit of its number."""
        resource = resource_of(str(fields.get("read", ""))) if isinstance(fields, dict) else None
        if resource is None:
            return fields
        known = {"metric": resource.metric, "direction": Direction.LOWER.value, "unit": resource.unit}
        return {**fields, **{name: fields.get(name) or value for name, value in known.items()}}

    @property
    def better(self) -> Direction:
        """The direction of a plan without problems."""
        return Direction(self.direction)

    @property
    def target_value(self) -> float | None:
        """The target as a number; None without one."""
        return float(self.target) if self.target else None

    @property
    def smallest_effect(self) -> EffectSize:
        """`min_effect`, parsed; nothing asked is an effect of 0."""
        return parse_effect(self.min_effect) if self.min_effect else EffectSize(0.0)

    @property
    def budget_variable(self) -> dict[str, str]:
        """`run_budget` as a variable; none without one."""
        name, _, value = self.run_budget.partition("=")
        return {name: value} if name else {}

    @property
    def metric_guards(self) -> tuple[GuardMetric, ...]:
        """`guard_metrics`, parsed."""
        return tuple(parse_guard_metric(text) for text in self.guard_metrics)

    @property
    def has_guards(self) -> bool:
        """Whether anything but the metric has a say."""
        return bool(self.guards or self.guard_metrics)

    @property
    def commands(self) -> tuple[str, ...]:
        """Every command that the plan would run, in the order in which they run."""
        extra = [command for command in (self.holdout, self.sabotage, self.on_keep, self.on_end) if command]
        return (self.verify, *self.guards, *(guard.command for guard in self.metric_guards), *extra)

    @property
    def given(self) -> bool:
        """Whether any field differs from its default: an all-default plan means `use the plan file`."""
        return self.model_dump() != Plan().model_dump()

    def gain(self, value: float, reference: float) -> float:
        """Return how much better `value` is than `reference`; negative when worse."""
        return reference - value if self.better is Direction.LOWER else value - reference

    def signed(self, value: float) -> float:
        """Return the value so that lower is better; applied twice it gives the value back."""
        return value if self.better is Direction.LOWER else -value

    def digest(self) -> str:
        """Return the SHA-256 of the sealed plan."""
        return hashlib.sha256(self.model_dump_json(exclude=self._unused()).encode()).hexdigest()

    def _unused(self) -> set[str]:
        """The fields that came after sessions had been sealed without them, where they say nothing."""
        return {
            name
            for name in (
                "outputs",
                "commit_style",
                "effort",
                "vary",
                "on_keep",
                "on_end",
                "workers",
                "gpus",
                "run_budget",
            )
            if getattr(self, name) == Plan.model_fields[name].default
        }


def in_toml(fields: Mapping[str, object]) -> str:
    """Return fields of a plan as the text of a plan file: TOML writes strings as JSON does, but for one character."""
    lines = (f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items())
    return "".join(f"{line}\n".replace("\x7f", "\\u007f") for line in lines)


def parse_effect(text: str) -> EffectSize:
    """Parse `0.5` or `2%`.

    Raises:
        ValueError: if it is neither, negative or not finite.
    """
    percent = text.strip().endswith("%")
    amount = float(text.strip().removesuffix("%"))
    if not math.isfinite(amount) or amount < 0:
        raise ValueError(f"{text!r} is not a size")
    return EffectSize(amount, percent)


_GUARD_METRIC = re.compile(
    r"\s*(?P<name>[\w.-]+)\s+(?P<direction>lower|higher)\s+(?P<tolerance>[^\s:]+)\s*:\s*(?P<command>.*\S)", re.DOTALL
)


def parse_guard_metric(text: str) -> GuardMetric:
    """Parse `name lower|higher TOLERANCE: command`.

    Raises:
        ValueError: if the text has another form.
    """
    match = _GUARD_METRIC.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not of the form `name lower|higher TOLERANCE: command`")
    return GuardMetric(
        match["name"], Direction(match["direction"]), parse_effect(match["tolerance"]), match["command"].strip()
    )
