"""Measuring: run verify and the guards of a plan, and say what was seen. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping

from .edges.disk import changed, digest
from .edges.repo import Repo, shown
from .edges.runner import Run
from .lab import Desk
from .rules.events import GuardResult, Measurement
from .rules.failures import classify
from .rules.metrics import read_metric
from .rules.plan import PLAN_FILE, GuardMetric, Plan
from .rules.scope import Scope

TAIL_CHARACTERS = 3000


def protected_now(repo: Repo, plan: Plan, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Digest of every protected file that exists, and of every one that is known to have existed."""
    scope = Scope((PLAN_FILE, *plan.protected))
    found = {path for path in repo.present() if scope.matches(path)} | _named_on_disk(repo, plan)
    held = {shown(path): digest(repo.root / path) for path in found}
    return {**{path: digest(repo.root / path) for path in known or () if path not in held}, **held}


def _named_on_disk(repo: Repo, plan: Plan) -> set[str]:
    """Protected paths written out in full, which count even where git ignores them."""
    found: set[str] = set()
    for name in plan.protected:
        place = repo.root / name.strip("/")
        if place.is_dir():
            found |= {str(file.relative_to(repo.root)) for file in place.rglob("*") if file.is_file()}
        elif place.is_file():
            found.add(str(place.relative_to(repo.root)))
    return found


def verify_once(desk: Desk, plan: Plan, timeout_s: float, iteration: int) -> Measurement:
    """One run of the verify command, read as the plan says."""
    run = desk.run(plan.verify, timeout_s, iteration)
    tail = _tail(run)
    if run.exit_code != 0 or run.timed_out:
        failure = classify(None if run.timed_out else run.exit_code, run.timed_out, run.stdout + run.stderr)
        return Measurement(
            failure=failure, problem=_ended(run), exit_code=run.exit_code, seconds=run.seconds, tail=tail
        )
    reading = read_metric(run.stdout, plan.read, plan.metric, plan.unit)
    problem = reading.problem
    if problem and not run.stdout.strip() and run.stderr.strip():
        problem += " Nothing came on standard output, but standard error has text: append `2>&1` to the command."
    return Measurement(value=reading.value, problem=problem, exit_code=0, seconds=run.seconds, tail=tail)


def run_guards(
    desk: Desk, plan: Plan, timeout_s: float, iteration: int, baselines: Mapping[str, float]
) -> tuple[GuardResult, ...]:
    """Every guard of the plan, commands first. Without a baseline a metric-valued guard passes if it gives a number."""
    commands = tuple(_command_guard(desk, guard, timeout_s, iteration) for guard in plan.guards)
    numbers = tuple(
        _metric_guard(desk, guard, timeout_s, iteration, baselines.get(guard.name)) for guard in plan.metric_guards
    )
    return commands + numbers


def guard_baselines(results: tuple[GuardResult, ...]) -> dict[str, float]:
    """The numbers of the metric-valued guards, by name."""
    return {result.guard: result.value for result in results if result.value is not None}


def tampered(desk: Desk, plan: Plan, sealed: Mapping[str, str]) -> tuple[str, ...]:
    """Protected files that are not what they were when the session started."""
    return changed(sealed, protected_now(desk.repo, plan, sealed))


def _command_guard(desk: Desk, command: str, timeout_s: float, iteration: int) -> GuardResult:
    run = desk.run(command, timeout_s, iteration)
    passed = run.exit_code == 0 and not run.timed_out
    seen = "exit 0" if passed else _ended(run)
    return GuardResult(guard=command, passed=passed, seen=seen, seconds=run.seconds, tail=_tail(run))


def _metric_guard(
    desk: Desk, guard: GuardMetric, timeout_s: float, iteration: int, baseline: float | None
) -> GuardResult:
    run = desk.run(guard.command, timeout_s, iteration)
    common = {"guard": guard.name, "seconds": run.seconds, "tail": _tail(run)}
    if run.exit_code != 0 or run.timed_out:
        return GuardResult(passed=False, seen=_ended(run), **common)
    reading = read_metric(run.stdout, "auto", guard.name)
    if reading.value is None:
        return GuardResult(passed=False, seen=reading.problem, **common)
    if baseline is None:
        return GuardResult(passed=True, seen=f"baseline {reading.value:g}", value=reading.value, **common)
    passed = guard.passes(reading.value, baseline)
    seen = f"{reading.value:g}, limit {guard.limit(baseline):g} (baseline {baseline:g})"
    return GuardResult(passed=passed, seen=seen, value=reading.value, **common)


def _ended(run: Run) -> str:
    if run.timed_out:
        return f"killed after {run.seconds:.0f} s: time-out"
    if run.exit_code < 0:
        return f"killed by signal {-run.exit_code}"
    last = next((line.strip() for line in reversed((run.stderr or run.stdout).splitlines()) if line.strip()), "")
    return f"exit {run.exit_code}" + (f": {last[:300]}" if last else "")


def _tail(run: Run) -> str:
    text = run.stdout.rstrip()
    if run.stderr.strip():
        text += ("\n--- standard error ---\n" if text else "") + run.stderr.rstrip()
    return text[-TAIL_CHARACTERS:]
