"""What one run of a command showed: its number, its receipt, and what a training run printed beside its number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from ..diagnostics.inspection import Tally
from .failures import FailureClass

_FROZEN = ConfigDict(frozen=True, extra="forbid", defer_build=True)
_FACT = re.compile(r"^([a-z][\w]{1,40}):[ \t]+(\S.{0,200})$", re.MULTILINE)
_CHECK = re.compile(r"^check ([a-z][a-z-]{1,40}): (passed|failed|skipped) \((.{0,400})\)$", re.MULTILINE)
_HELD = re.compile(r"^device (\S{1,80}): held for (\d{1,7}\.\d) s$", re.MULTILINE)
_CURVE = re.compile(r"^curve: ([\d.: e+-]{3,6000})$", re.MULTILINE)
_START = "---"
COLUMNS = 10
_TOLD_AT = (3, 6, 10)
"""Tenths of the budget whose loss is said in words."""
_BARS = "▁▂▃▄▅▆▇█"
_WORDS = {
    "training_seconds": "{:.1f} s",
    "tokens_per_second": "{:,.0f} tokens/s",
    "mfu_percent": "MFU {:.1f} %",
    "peak_vram_mb": "{:,.0f} MB",
    "num_params_M": "{:.4g} M parameters",
    "num_steps": "{:,.0f} steps",
    "energy_joules": "{:,.0f} J",
    "detectable_gain": "a gain above {:.3f} by knowing scored rows would show",
}
"""What is told of a training run, by the name that the harness prints it under."""

Curve = tuple[tuple[float, float], ...]
"""Share of the budget and loss in nats a token."""


class CheckSeen(BaseModel):
    """One check of an evaluation: its name, passed, failed or skipped, and what was seen."""

    model_config = ConfigDict(frozen=True)

    name: str
    outcome: str
    seen: str


class Trained(BaseModel):
    """What a training run told of itself, as the evaluation printed it, and its learning curve."""

    model_config = ConfigDict(frozen=True)

    facts: Mapping[str, str]
    curve: Curve = ()

    def number(self, name: str) -> float | None:
        """Return a fact as a number; None if it is none."""
        try:
            return float(self.facts.get(name, ""))
        except ValueError:
            return None


class TrainingTold(BaseModel):
    """What the harness reported of a training run. The decision reads none of it.

    facts: seconds, speed, memory and size, by the harness's own names. curve, incumbent: mean loss of each tenth of the
    budget, in nats a token.
    """

    facts: dict[str, float]
    curve: Sequence[float | None] = ()
    incumbent: Sequence[float | None] = ()

    @classmethod
    def of(cls, trained: Trained | None, incumbent: Curve = ()) -> TrainingTold | None:
        """Return what is told of a run, beside the incumbent's curve; None where nothing was trained."""
        if trained is None:
            return None
        curves = [tenths(curve) if curve else () for curve in (trained.curve, incumbent)]
        facts = {name: number for name in _WORDS if (number := trained.number(name))}
        return cls(facts=facts, curve=curves[0], incumbent=curves[1])

    def words(self) -> str:
        """Say the facts in one line."""
        return ", ".join(form.format(self.facts[name]) for name, form in _WORDS.items() if name in self.facts)

    def lines(self) -> list[str]:
        """Say facts and curves, a line each."""
        drawn = [curve for curve in (self.curve, self.incumbent) if curve]
        losses = [loss for curve in drawn for loss in curve if loss is not None]
        rows = [f"{_bars(curve, min(losses), max(losses))} {_losses_told(curve)}" for curve in drawn] if losses else []
        at = ", ".join(f"{100 * place // COLUMNS}" for place in _TOLD_AT)
        told = [f"Loss, nats a token at {at} % of the budget: {'; incumbent '.join(rows)}."] if rows else []
        return [f"Reported by the harness: {self.words()}.", *told] if self.facts else told


def _bars(curve: Sequence[float | None], low: float, high: float) -> str:
    """Draw a curve in one line of letters, between two losses."""
    top = len(_BARS) - 1
    return "".join(" " if y is None else _BARS[round(top * (y - low) / max(high - low, 1e-9))] for y in curve)


def _losses_told(curve: Sequence[float | None]) -> str:
    told = [curve[place - 1] for place in _TOLD_AT]
    return " ".join("-" if loss is None else f"{loss:.3f}" for loss in told)


class DeviceHeld(BaseModel):
    """The device that a training run had, a GPU by its UUID, and for how many seconds; empty where none was named."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    seconds: float = 0.0


class Place(StrEnum):
    """Where a command ran: the user's own checkout, a second one of ours where both arms take turns, or one made for a
    single run out of the commit and what git did not have at the start.
    """

    CHECKOUT = "checkout"
    ARENA = "arena"
    CLEAN = "clean"


class Receipt(BaseModel):
    """What a measurement was made of. `at` is in seconds since the epoch; every digest is SHA-256 in hexadecimal.

    `seed` went to the command as `AUTORESEARCH_SEED`; `output` is the digest of everything that it printed. CPU time and
    peak memory are those of the command and all that it started. `device` is what the evaluation of a training run held,
    also of one that failed, and `checks` are those that it named. `reference_seconds` is what a piece of the server's own
    workload took just before and just after the run; None where it was not timed. `gpus` are those that the
    run had for itself, by UUID. Where one run is several executions of the command, `executions` has the number of each, in order.
    """

    model_config = _FROZEN

    id: str
    tree: str
    plan: str
    protected: str
    machine: str
    command: str
    place: Place
    seed: int
    at: float
    output: str
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    device: DeviceHeld = DeviceHeld()
    checks: tuple[CheckSeen, ...] = ()
    reference_seconds: tuple[float, float] | None = None
    gpus: tuple[str, ...] = ()
    executions: tuple[float, ...] = ()


class Measurement(BaseModel):
    """One verify run: the number, or why there is none. `seconds` is wall-clock time; `tail` the end of the output.

    `unit` stood behind the number, where the plan's own pattern reads it; None where that was not looked at.
    `trained` is there when verify was the evaluation of a training run, `tally` when it counted errors.
    """

    model_config = _FROZEN

    value: float | None = None
    problem: str = ""
    failure: FailureClass | None = None
    exit_code: int | None = None
    seconds: float = 0.0
    tail: str = ""
    tampered: tuple[str, ...] = ()
    receipt: Receipt | None = None
    trained: Trained | None = None
    tally: Tally | None = None
    unit: str | None = None

    @property
    def seed(self) -> int:
        """The seed that the command was given; 0 where nobody wrote it down."""
        return self.receipt.seed if self.receipt else 0

    @property
    def reference(self) -> float:
        """Mean seconds of a reference piece beside the run; 0 where none was timed."""
        seconds = self.receipt.reference_seconds if self.receipt else None
        return sum(seconds) / len(seconds) if seconds else 0.0


class GuardResult(BaseModel):
    """What one guard showed. `samples` are the numbers of a metric-valued guard and `value` their mean.

    `runs` counts how often it ran: a guard that fails is run again before it may cost a good change. `broken` says that
    it is red for the incumbent as well.
    """

    model_config = _FROZEN

    guard: str
    passed: bool
    seen: str
    value: float | None = None
    samples: tuple[float, ...] = ()
    runs: int = 1
    flaky: bool = False
    broken: bool = False
    seconds: float = 0.0
    tail: str = ""
    receipts: tuple[Receipt, ...] = ()


def read_trained(text: str) -> Trained | None:
    """Read the last summary block of an output; None where there is none, or one without a check."""
    _, found, block = text.rpartition(f"{_START}\n")
    if not found or not _CHECK.search(block):
        return None
    curve = _CURVE.search(block)
    facts = {name: value.strip() for name, value in _FACT.findall(block) if name != "curve"}
    return Trained(facts=facts, curve=read_curve(curve[1]) if curve else ())


def read_checks(text: str) -> tuple[CheckSeen, ...]:
    """Read the checks that an output names, each once, as last printed."""
    found = {name: CheckSeen(name=name, outcome=how, seen=seen) for name, how, seen in _CHECK.findall(text)}
    return tuple(found.values())


def read_device(text: str) -> DeviceHeld:
    """Read which device an output says was held, and for how long."""
    held = _HELD.search(text)
    return DeviceHeld(name=held[1], seconds=float(held[2])) if held else DeviceHeld()


def bent(baseline: Trained | None, now: Trained | None) -> tuple[str, ...]:
    """Return what judged another way than at the baseline: the text, or the harness itself."""
    if baseline is None or now is None:
        return ()
    changed = [name for name in ("harness", "data") if baseline.facts.get(name) != now.facts.get(name)]
    return tuple(f"the {name} of the evaluation ({now.facts.get(name)})" for name in changed)


def read_curve(text: str) -> Curve:
    """Read a curve from `share:loss` pairs; empty if it is none."""
    try:
        pairs = [pair.split(":") for pair in text.split()]
        return tuple((float(share), float(loss)) for share, loss in pairs)
    except ValueError:
        return ()


def written(curve: Curve) -> str:
    """Write a curve as the evaluation takes it."""
    return " ".join(f"{share:.4g}:{loss:.5g}" for share, loss in curve)


def overlaid(curves: Iterable[tuple[str, Curve]]) -> list[str]:
    """Write curves side by side, one a line, at even shares of the budget; the loss is the mean over the tenth before."""
    named = [(name, tenths(curve)) for name, curve in curves if curve]
    if not named:
        return []
    width = max(len(name) for name, _ in named)
    head = " ".join(f"{100 * (place + 1) // COLUMNS:>5} %" for place in range(COLUMNS))
    lines = [
        f"{name:<{width}}  {' '.join(f'{loss:7.3f}' if loss else '      -' for loss in row)}" for name, row in named
    ]
    return [f"{'':<{width}}  {head}", *lines]


def tenths(curve: Curve) -> Sequence[float | None]:
    """Return the mean loss in each tenth of the budget; None where there is no point."""
    parts: list[list[float]] = [[] for _ in range(COLUMNS)]
    for share, loss in curve:
        parts[min(COLUMNS - 1, max(0, int(share * COLUMNS - 1e-9)))].append(loss)
    return [sum(part) / len(part) if part else None for part in parts]
