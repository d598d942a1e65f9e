"""Long sessions in no time: iterations written through the real journal, without commits or runs behind them."""

from __future__ import annotations

from collections.abc import Iterable

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.decision.failures import FailureClass
from autoresearch_mcp.tools.decision.measured import GuardResult, Measurement
from autoresearch_mcp.tools.session.events import Event, GuardsRan, Logged, Reverted, Row, Unchanged, Verified
from conftest import Project

HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(2)> & "quoted" {{ 7*7 }} </title></pre>'


def row(number: int, status: Status = Status.DISCARD, metric: float | None = 11.0, **more: object) -> Row:
    """A row of a session whose baseline is 10."""
    usual = {"description": f"try {number}", "files": ("value.txt",), "seconds": 1.5, "runs": 1, "why": "so it was"}
    delta = None if metric is None else metric - 10
    gain = {} if metric is None else {"gain": -(metric - 10), "samples": (metric,)}
    return Row.model_validate(
        {"iteration": number, "status": status, "metric": metric, "delta": delta, **gain, **usual, **more}
    )


def in_order(rows: Iterable[Row], level: float = 10.0, *, lower: bool = True) -> list[Row]:
    """Rows whose deltas and gains are against what was kept before each of them, from a baseline on."""
    made = []
    for one in rows:
        if one.metric is None:
            made.append(one)
            continue
        delta = one.metric - level
        made.append(one.model_copy(update={"delta": delta, "gain": -delta if lower else delta}))
        level = one.metric if one.status.kept else level
    return made


def events(row: Row, output: str = "", guards: tuple[GuardResult, ...] = ()) -> list[Event]:
    """What a session writes down for a row."""
    number = row.iteration
    if row.status is Status.NO_OP:
        return [Unchanged(iteration=number, description=row.description), Logged(iteration=number, row=row)]
    failure = FailureClass.RUNTIME if row.metric is None else None
    run = Measurement(value=row.metric, failure=failure, seconds=row.seconds, tail=output)
    ran = [GuardsRan(iteration=number, results=guards)] if guards else []
    undone = [] if row.status.kept else [Reverted(iteration=number, commit="")]
    return [Verified(iteration=number, measurement=run), *ran, *undone, Logged(iteration=number, row=row)]


def fill(project: Project, *rows: Row) -> Project:
    """Write rows into the session of a project, 64 in one transaction. A few are sooner written than copied."""
    if len(rows) < 10:
        _write(project, rows)
        return project
    return project.once("".join(one.model_dump_json() for one in rows), lambda: _write(project, rows))


def _write(project: Project, rows: tuple[Row, ...]) -> None:
    context = project.lab.for_reading()
    rows = tuple(in_order(rows, context.active.reference))
    for first in range(0, len(rows), 64):
        context.record(*(event for one in rows[first : first + 64] for event in events(one)))
        context.save_snapshot()
    context.write_results()


def long(count: int) -> list[Row]:
    """So many rows of every kind; every tenth is kept, a hair better than the one before."""
    made = []
    for number in range(1, count + 1):
        if number % 10 == 0:
            made.append(row(number, Status.KEEP, 10 - 5 * number / count, guard="pass"))
        elif number % 10 == 7:
            made.append(row(number, Status.CRASH, None))
        elif number % 10 == 3:
            made.append(row(number, Status.NO_OP, None))
        else:
            made.append(row(number, metric=10 + number % 4))
    return made
