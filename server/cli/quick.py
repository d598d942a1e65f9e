"""How well a command can be measured, in a minute: without a repository, a plan or a client. With two, which is better."""

from __future__ import annotations

import json
import math
import posixpath
import re
import shlex
import statistics
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...tools.decision.judging import percent
from ...tools.decision.scale import scale_for
from ...tools.decision.scatter import UNLEARNT, middle
from ...tools.errors import Refusal
from ...tools.lab.access import Lab
from ...tools.measurement.load import busy_words, load_now
from ...tools.measurement.quiet import CLEARLY, Sensitivity, quietest, runs_to_see, scatter
from ...tools.plan.metrics import check_read, read_metric
from ...tools.plan.model import PLAN_FILE, in_toml
from ...tools.plan.resources import Resource, resource_of
from ...tools.plan.scope import Scope
from ...tools.process.runner import CommandRun, CommandSpec, Runner
from ...tools.project.measurement_inputs import measured_in_scope, steps
from ...tools.project.scan import recognised
from ...tools.text.redaction import redact_tail

FEWEST, LEAST, MOST = 5, 4, 40
"""Runs of one command at least, runs of either of two before one can be called better, and runs at most."""
BAR = 3.6
"""Standard errors by which one of two commands has to be better: the bar of a session's decisions."""
MOVED = 3.0
"""Standard errors by which the second half of the runs has to differ from the first to be called drift."""
SLOW = 2.0
"""Times the median run that a first run has to take to be told of."""
INTERRUPTED = 130
"""The exit status of what Ctrl-C ended, as shells have it."""
_METRIC = re.compile(r"^METRIC[ \t]+([\w.-]+)[ \t]*=", re.MULTILINE)


class Unmeasured(Exception):
    """The command failed, or gave no number; says which, and what it printed last."""


@dataclass(frozen=True)
class Reader:
    """How the number of a run is read: what the server measures of it, or what the command prints."""

    read: str
    metric: str
    unit: str = ""

    def value(self, run: CommandRun) -> float:
        """Return a run's number.

        Raises:
            Unmeasured: if there is none.
        """
        match resource_of(self.read):
            case Resource.WALL:
                return run.seconds
            case Resource.CPU:
                return run.cpu_seconds
            case Resource.MEMORY:
                return run.peak_bytes / 2**20
        found = read_metric(run.stdout, self.read, self.metric)
        if found.value is None:
            raise Unmeasured(f"No number: {found.problem}")
        return found.value


def run(root: Path, options: Namespace) -> int:
    """Measure and print; returns the exit status: 1 if a command failed or gave no number."""
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    command = words[0] if len(words) == 1 else shlex.join(words)
    if not command.strip():
        return _refused("Name the command behind two dashes: autoresearch-mcp quick -- COMMAND")
    if options.read and (problem := check_read(options.read)):
        return _refused(f"--read: {problem}.")
    try:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(Runner(Path(folder)), command, options.against, options.seconds)
            try:
                told = bench.compared(options) if options.against else bench.alone(options)
            finally:
                bench.runner.cancel_all()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Unmeasured as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    sys.stdout.write(json.dumps(told.data) + "\n" if options.json else "\n".join(told.lines) + "\n")
    return 0


@dataclass(frozen=True)
class Told:
    """What was found, in words and as data."""

    lines: Sequence[str]
    data: Mapping[str, object]


@dataclass(frozen=True)
class Bench:
    """One command, or two, and the time that there is, in seconds."""

    runner: Runner
    command: str
    against: str
    seconds: float

    def alone(self, options: Namespace) -> Told:
        """Run one command again and again, and say what its number is good for."""
        before, reader, first = load_now(), *self._first(options)
        runs, begun = [first], time.monotonic()
        while len(runs) < FEWEST or (len(runs) < MOST and time.monotonic() - begun + first.seconds < self.seconds):
            if len(runs) >= 2 and time.monotonic() - begun > 2 * self.seconds:
                break
            runs.append(self._run(self.command))
            if len(runs) == FEWEST and len({reader.value(one) for one in runs}) == 1:
                break  # it repeats
        values = [reader.value(one) for one in runs]
        busy = busy_words(before, load_now(), sum(one.cpu_seconds for one in runs), sum(one.seconds for one in runs))
        lower = (options.direction or "lower") == "lower"
        data = {"metric": reader.metric, "unit": reader.unit, "read": reader.read, "values": values}
        lines = [*_number(reader, values, runs), *_noise(values), *([f"The machine is busy: {busy}."] if busy else [])]
        if reader.read == "wall" and not options.read:
            reader, why = quieter_time(runs, busy=bool(busy))
            lines += [f"Measures of the same runs: {why}."] if why else []
        return Told(
            [*lines, "", *_plan(self.command, reader, lower)],
            {**data, "seconds": [one.seconds for one in runs], "scatter": _finite(scatter(values[1:]))},
        )

    def compared(self, options: Namespace) -> Told:
        """Run two commands in turn (A B B A), until one is better by the evidence or the time is over."""
        reader, first = self._first(options)
        sign = 1.0 if (options.direction or "lower") == "lower" else -1.0
        values: dict[str, list[float]] = {"A": [], "B": [reader.value(self._run(self.against))]}
        begun, verdict, evidence = time.monotonic(), "", 0.0
        for arm in _abba():
            values[arm].append(reader.value(self._run(self.command if arm == "A" else self.against)))
            if arm == "B" or len(values["A"]) != len(values["B"]) - 1:
                continue  # as many of each, without the first of B
            verdict, evidence = _better(values["A"], values["B"][1:], sign)
            over = time.monotonic() - begun + 4 * first.seconds > self.seconds or len(values["A"]) >= MOST
            if verdict or over:
                break
        a, b = values["A"], values["B"][1:]
        share = (
            (statistics.median(b) - statistics.median(a)) / abs(statistics.median(a))
            if statistics.median(a)
            else math.nan
        )
        said = {
            "A": f"A is better: `{self.command}`.",
            "B": f"B is better: `{self.against}`.",
            "": "Neither is shown to be better: if there is a difference, it is smaller than these runs can tell.",
        }[verdict]
        said += f" The evidence is {evidence:.1f} standard errors, {BAR} are needed; {'more' if sign < 0 else 'less'} is better."
        if len(a) < LEAST:
            said = f"Which is better is unknown: there was no time for {LEAST} runs of each. Give more `--seconds`."
        moved = (
            f", {100 * abs(share):.3g} % {'more' if share > 0 else 'less'} than A"
            if math.isfinite(share) and share
            else ""
        )
        lines = [
            f"A: `{self.command}`: {_middle(a)}{reader.unit and f' {reader.unit}'} ({reader.metric}), median of {len(a)} runs.",
            f"B: `{self.against}`: {_middle(b)}{reader.unit and f' {reader.unit}'}, median of {len(b)}, run in turn{moved}.",
            said,
        ]
        return Told(lines, {"metric": reader.metric, "a": a, "b": b, "better": verdict, "evidence": _finite(evidence)})

    def _first(self, options: Namespace) -> tuple[Reader, CommandRun]:
        """Run the first command once: that says how its number is read, and warms up."""
        run = self._run(self.command)
        reader = _reader(run, options.read, options.metric)
        reader.value(run)
        return reader, run

    def _run(self, command: str) -> CommandRun:
        run = self.runner.run(CommandSpec(command, Path.cwd(), max(600.0, 10 * self.seconds)))
        if run.exit_code:
            ends = redact_tail((run.stderr or run.stdout).rstrip(), 300)
            said = f"Its output ends:\n{ends}" if ends else "It printed nothing."
            raise Unmeasured(f"`{command}` ended with exit {run.exit_code}. {said}")
        return run


def _abba() -> Iterator[str]:
    while True:
        yield from "ABBA"


def _better(a: Sequence[float], b: Sequence[float], sign: float) -> tuple[str, float]:
    """Return which is better, or nothing, and the evidence for the side that is ahead, in standard errors."""
    if len({*a, *b}) == 1 or len(a) < LEAST:
        return "", 0.0
    scale = scale_for([*a, *b])
    ours, theirs = ([sign * scale.inner(value) for value in values] for values in (a, b))
    if len(set(a)) == len(set(b)) == 1:
        return ("A" if ours < theirs else "B"), math.inf
    spread = math.sqrt((statistics.variance(ours) + statistics.variance(theirs)) / 2)
    ahead = "A" if middle(ours, spread) < middle(theirs, spread) else "B"
    evidence = UNLEARNT.in_turn(ours, theirs, spread) if ahead == "A" else UNLEARNT.in_turn(theirs, ours, spread)
    return (ahead if evidence >= BAR else ""), evidence


def _reader(run: CommandRun, read: str, metric: str) -> Reader:
    if resource := resource_of(read):
        return Reader(read, resource.metric, resource.unit)
    named = _METRIC.search(run.stdout)
    if read:
        return Reader(read, metric or (named[1] if named else "value"))
    if named or metric:
        return Reader("line", metric or (named[1] if named else ""))
    return Reader("wall", Resource.WALL.metric, Resource.WALL.unit)


def quieter_time(runs: Sequence[CommandRun], *, busy: bool) -> tuple[Reader, str]:
    """Return how a command's time is best read, wall or processor, as `check_plan` recommends it, and why.

    On a busy machine any quieter measure is clearly quieter: what others do there is in the wall time alone.
    """
    measured: dict[str, list[float]] = {
        Resource.CPU: [one.cpu_seconds for one in runs],
        Resource.WALL: [one.seconds for one in runs],
    }
    enough = measured if len(runs) >= FEWEST else {}
    read, why = quietest(enough, Resource.WALL, 1.0 if busy else CLEARLY)
    resource = Resource(read)
    return Reader(read, resource.metric, resource.unit), why


def _number(reader: Reader, values: Sequence[float], runs: Sequence[CommandRun]) -> list[str]:
    unit = f" {reader.unit}" if reader.unit else ""
    what = "measured from outside" if resource_of(reader.read) else "as the command prints it"
    first, usual = runs[0], statistics.median(one.seconds for one in runs)
    slow = f" (the first took {first.seconds:.2g} s)" if first.seconds > SLOW * usual else ""
    lines = [f"{reader.metric}: {_middle(values)}{unit}, median of {len(values)} runs of {usual:.2g} s{slow}, {what}."]
    if reader.read == "wall":
        printed = read_metric(first.stdout, "last", "value").value
        also = f" It also prints a number ({printed:.6g}): `--read last` measures that." if printed is not None else ""
        lines.append(
            f"It printed no `METRIC name=value`, so its wall-clock time was taken (or `--read cpu`, `memory`).{also}"
        )
    return lines


def _noise(values: Sequence[float]) -> list[str]:
    later = values[1:]
    if len(values) < FEWEST:
        return [f"Noise: unknown, there was time for {len(values)} runs and {FEWEST} tell it: give more `--seconds`."]
    if len(set(values)) == 1:
        return [f"Noise: none; {len(values)} runs gave the same number. Any difference is real, and one run shows it."]
    if len(set(later)) == 1:
        return [f"Noise: it repeats but for the first run, which gave {values[0]:.6g}; only a warm run counts."]
    share = scatter(later)
    if not math.isfinite(share):
        return [
            f"Noise: one run scatters by {statistics.stdev(later):.2g} (standard deviation) around zero: no share says it."
        ]
    needed = ", ".join(f"{100 * gain:g} % in {runs_to_see(gain, share)}" for gain in (0.2, 0.1, 0.05, 0.02, 0.01))
    half = len(later) // 2
    early, late = statistics.fmean(later[:half]), statistics.fmean(later[-half:])
    error = share * abs(statistics.fmean(later)) * math.sqrt(2 / half)
    beyond = abs(late - early) > MOVED * error
    drift = (
        f"{percent(abs(late - early) / abs(early))} {'above' if late > early else 'below'} the first"
        if early
        else "apart"
    )
    chance = (
        "more than such noise does by chance: the machine drifts"
        if beyond
        else "no more than such noise does by chance"
    )
    return [
        f"Noise: one run scatters by {percent(share)} (standard deviation), the first run left out.",
        f"Drift: the second half of the runs lies {drift}; {chance}.",
        f"Sensitivity: {Sensitivity(share)}.",
        f"Runs of either side that a gain takes to be noticed 8 times in 10: {needed}.",
        "How to read it: two numbers that differ by less say nothing yet. Compare by runs in turn, never by two single runs.",
    ]


def _plan(command: str, reader: Reader, lower: bool) -> list[str]:
    scope = _sources() or ["the files that may change, such as src/**"]
    fields = {"goal": "say what should get better", "scope": scope, **_ruler(command, reader), "metric": reader.metric}
    printed = {"direction": "lower" if lower else "higher", "read": reader.read}
    own = {"read": reader.read} if resource_of(reader.read) else printed
    text = in_toml({**fields, "verify": command, **own, "guards": ["a command that must exit 0, such as the tests"]})
    return [f"A plan to paste into {PLAN_FILE}; goal, scope and guards are yours to fill in:", "", *text.splitlines()]


def _ruler(command: str, reader: Reader) -> dict[str, list[str]]:
    """Return what to protect where a file here prints the number: in the scope it would be the experiment's own word."""
    words = () if resource_of(reader.read) else (word for step in steps(command) for word in step.words)
    files = [posixpath.normpath(word) for word in words if not word.startswith("/") and Path(word).is_file()]
    ruler = measured_in_scope(command, files, Scope(("**",)), Scope(()))
    return {"protected": list(ruler)} if ruler else {}


def _sources() -> list[str]:
    """The source files of the project in this folder, as globs; none where there is no repository or nothing known in it."""
    with suppress(Refusal):
        repo = Lab(Path.cwd()).for_reading().repo
        files = repo.tracked()
        return list(next((one.sources for one in recognised(repo.root, files) if one.sources), ()))
    return []


def _middle(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.6g}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _refused(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 2
