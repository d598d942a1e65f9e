"""How a run ended and what it used: as the number, the failure and the words of a measurement."""

from __future__ import annotations

from ..decision.failures import FailureClass, classify
from ..decision.measured import Measurement
from ..plan.resources import Resource
from ..process.bounded_output import HEAD_BYTES
from ..process.runner import CommandRun
from ..text.output_ends import ends, with_headings
from ..text.redaction import WINDOW, redact_tail

TAIL_CHARACTERS = 3000
MOST_UNCOUNTED_S = 0.03
"""Processor time that may be seen beyond the sum of the kernel, in seconds: it is noted in ticks of a hundredth."""


def used(run: CommandRun, resource: Resource) -> Measurement:
    """Return what a run that ended well used of a resource, as the plan's number."""
    if resource is Resource.CPU and run.uncounted_cpu_seconds > MOST_UNCOUNTED_S:
        seen = f"at least {run.uncounted_cpu_seconds:.2f} s of processor time were used by processes that nobody waited for"
        return Measurement(
            problem=f"{seen}, so the sum lacks them. Wait for every process that is started.", exit_code=0
        )
    values = {
        Resource.CPU: run.cpu_seconds,
        Resource.WALL: run.seconds,
        Resource.MEMORY: run.peak_bytes / 2**20,
    }
    return Measurement(value=values[resource], unit="", exit_code=0)


def failure_of(run: CommandRun, log: str = "") -> FailureClass | None:
    if run.cancelled:
        return FailureClass.CANCELLED
    if run.lost:
        return FailureClass.LOST
    if run.problem:
        return classify(1, False, run.problem)
    return classify(None if run.timed_out else run.exit_code, run.timed_out, run.stdout + run.stderr + log)


def succeeded(run: CommandRun) -> bool:
    return run.exit_code == 0 and not (run.timed_out or run.cancelled or run.lost)


def how_it_ended(run: CommandRun) -> str:
    if run.cancelled:
        return f"cancelled after {run.seconds:.0f} s"
    if run.lost:
        return "lost: it was killed from outside, or the process that watched over it was, three times"
    if run.timed_out:
        return f"killed after {run.seconds:.0f} s: time-out"
    if run.problem:
        return run.problem
    if run.exit_code < 0:
        return f"killed by signal {-run.exit_code}"
    said = redact_tail(run.stderr or run.stdout, 2 * TAIL_CHARACTERS)
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")
    return f"exit {run.exit_code}" + (f": {last[:300]}" if last else "")


def tail_of(run: CommandRun, log: str = "") -> str:
    cut = _cut(run)
    parts = (redact_tail(part, WINDOW) if part else "" for part in (run.stdout, run.stderr, log, run.problem))
    return ends(with_headings(*parts), TAIL_CHARACTERS - len(cut)) + cut


def _cut(run: CommandRun) -> str:
    """Say of which streams how much was not kept, and where; empty where all was."""
    names = {"stdout": "standard output", "stderr": "standard error", "channel": "the channel"}
    parts = [f"{size} bytes in the middle of {names[stream]}" for stream, size in run.left_out.items()]
    where = f"after its first {HEAD_BYTES // 1024} KB"
    kept = "lines `METRIC name=value` among them were read"
    return f"\n[{' and '.join(parts)} were left out, {where}; {kept}]" if parts else ""
