"""The end of a session: baseline and best are run in turn on fresh runs, and both numbers are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.decision.gain import Gain, fresh_gain
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.iteration import confirm
from autoresearch_mcp.tools.process.run_notes import RunNotes
from autoresearch_mcp.tools.session.events import Confirmed
from autoresearch_mcp.tools.session.journal import Journal
from autoresearch_mcp.tools.verbs.session_answers import SessionFinished
from conftest import Project
from crashing import killed_before
from drifting import machine, percents, turn

__all__ = ["machine"]


def runs(project: Project) -> int:
    return int((project.root.parent / "runs").read_text())


def finished(project: Project, branch: str = "", *, confirm: bool = True) -> str:
    answer = project.sessions.finish_session(branch, confirm)
    assert answer.summary is not None
    return answer.summary.confirmation


def kept(project: Project, value: int = 90) -> Project:
    """A session with one keep of a tenth."""
    project.start()
    assert project.try_value(value, "a tenth less").status is Status.KEEP
    return project


def test_fresh_runs_in_turn_stand_beside_the_claim_everywhere(machine: Project) -> None:
    before = runs(kept(machine))

    told = finished(machine, "clean")

    assert runs(machine) == before + 12
    assert re.match(
        r"Confirmed: the keeps together claim -.* %.*; baseline against best in turn, 6 \+ 6 fresh runs: -", told
    )
    assert percents(told)[3] == pytest.approx(-10, abs=2)
    report = machine.review.report().report
    assert told in report
    claim, fresh = re.findall(r"-\d[^;]*?\)", told)
    assert f"{claim} claimed, {fresh} on fresh runs" in report
    assert f", {runs(machine)} runs of verify, " in report
    assert told in machine.git("log", "-1", "--format=%B", "clean")
    assert told in machine.read("autoresearch-results.tsv").splitlines()[-1]
    machine.review.report("html")
    assert "Fresh runs" in machine.read("autoresearch-report.html")


def test_a_gain_that_fresh_runs_do_not_show_is_not_confirmed_and_its_keep_named(machine: Project) -> None:
    kept(machine)
    turn(machine, "1 if value == 100 else 100 / value")

    told = finished(machine)

    assert told.startswith("NOT CONFIRMED: the keeps together claim -")
    assert re.search(r"In doubt, weakest evidence first: #1 a tenth less \(\d+\.\d standard errors\)", told)
    assert "NOT CONFIRMED" in machine.review.report("png").report


def test_a_drift_between_the_keeps_and_the_end_is_no_reason_for_doubt(machine: Project) -> None:
    kept(machine)
    turn(machine, 3)

    assert finished(machine).startswith("Confirmed: ")


def test_one_run_of_each_confirms_a_metric_that_repeats(machine: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOISE", "0")
    before = runs(kept(machine))

    assert finished(machine) == (
        "Confirmed: the keeps together claim -10.00 %; baseline against best in turn, 1 + 1 fresh runs: -10.00 %."
    )
    assert runs(machine) == before + 2


def test_nothing_is_run_where_nothing_was_kept_or_nobody_wants_it(machine: Project, tmp_path: Path) -> None:
    machine.start()
    before = runs(machine)
    assert finished(machine) == ""
    assert runs(machine) == before
    kept(machine)
    before = runs(machine)

    assert finished(machine, confirm=False) == "Not confirmed on fresh runs: it was not asked for."
    assert runs(machine) == before


def test_fresh_runs_may_take_a_tenth_of_a_budget_of_time_that_is_used_up(
    machine: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.plan = machine.plan.model_copy(update={"minutes": 5, "iterations": 1})
    kept(machine)
    machine.now += 3600
    assert finished(machine).startswith("Confirmed: ")

    monkeypatch.setattr(confirm, "BEYOND", 0.0)
    before = runs(kept(machine, 81))
    machine.now += 3600
    told = finished(machine)
    assert re.match(r"Not confirmed on fresh runs: one run of each takes about .* s, and the budget leaves 0 s", told)
    assert "verify-claim FILE --replay N" in told
    assert runs(machine) == before


def test_runs_that_take_longer_than_the_baseline_s_are_fewer(machine: Project) -> None:
    machine.plan = machine.plan.model_copy(update={"minutes": 0.2, "iterations": 1})
    before = runs(kept(machine))
    turn(machine, "__import__('time').sleep(0.3) or 1")
    machine.now += 3600

    assert finished(machine).startswith(("Confirmed: ", "Not confirmed"))
    assert runs(machine) - before <= 4, "a tenth of 12 s is time for two pairs of 0.6 s"


def test_a_run_that_gives_no_number_is_told(machine: Project) -> None:
    kept(machine)
    turn(machine, "1 if value == 100 else nobody")

    assert "a run of the best gave no number: exit 1: NameError" in finished(machine)


def test_a_branch_that_cannot_be_made_is_refused_before_any_run(machine: Project) -> None:
    before = runs(kept(machine))

    with pytest.raises(Refusal) as refused:
        machine.sessions.finish_session("main")

    assert refused.value.code is Code.BAD_NAME
    assert runs(machine) == before


def confirmations(project: Project) -> int:
    context = project.lab.for_reading()
    return sum(isinstance(event, Confirmed) for _, event in context.journal.events(context.active.id))


@pytest.mark.parametrize("place", ["a run", "the record", "the end"])
def test_killed_while_it_finishes_it_goes_on_and_runs_nothing_twice(machine: Project, place: str) -> None:
    before = runs(kept(machine))
    left = [5]

    def at_a_run(notes: RunNotes, *rest: object) -> bool:
        left[0] -= 1
        return left[0] == 0

    def finish() -> SessionFinished:
        return machine.sessions.finish_session("clean")

    def writes(kind: str) -> object:
        return lambda journal, name, at, events: kind in {one.kind for one in events}

    if place == "a run":
        killed_before(RunNotes, "note", at_a_run, finish)
    else:
        killed_before(Journal, "append", writes("confirmed" if place == "the record" else "finished"), finish)  # type: ignore[arg-type]
    machine.restart()

    told = finished(machine, "clean")

    assert told.startswith("Confirmed: ")
    assert runs(machine) == before + 12
    assert confirmations(machine) == 1
    assert machine.sessions.status().phase == "no-session"


def test_the_error_of_fresh_runs_is_that_of_their_pairs() -> None:
    exact = fresh_gain([10.0], [8.0], relative=False, spread=0.0, exact=True)
    unknown = fresh_gain([10.0, 11.0], [8.0, 9.5], relative=False, spread=0.0)
    known = fresh_gain([10.0], [8.0], relative=False, spread=1.0)

    assert (exact.gain, exact.variance) == (2.0, 0.0)
    assert (unknown.gain, unknown.variance) == (1.75, None)
    assert known.variance == pytest.approx(2.0 * 6 / 4), "two runs, by Student's t with six degrees"
    assert fresh_gain([-10.0], [-12.0], relative=True, spread=0.1).gain == pytest.approx(0.1823, abs=1e-4)


@pytest.mark.parametrize(
    ("fresh", "claimed", "fails"),
    [
        (Gain(True, 0.10, 0.0004), Gain(True, 0.12, 0.0004), False),
        (Gain(True, 0.05, 0.0001), Gain(True, 0.20, 0.0004), True),
        (Gain(True, 0.30, 0.0001), Gain(True, 0.20, 0.0004), False),
        (Gain(True, 0.03, 0.0004), Gain(True, 0.06, 0.0004), True),
        (Gain(True, 0.03, 0.0004), Gain(True, 0.03, 0.0004), False),
        (Gain(False, 2.0, 0.0), Gain(False, 2.0, 0.0), False),
        (Gain(False, 1.9, 0.0), Gain(False, 2.0, 0.0), True),
        (Gain(True, 0.01, None), Gain(True, 0.2, None), False),
        (Gain(True, -0.01, None), Gain(True, 0.2, None), True),
    ],
    ids=[
        "agree",
        "less",
        "more",
        "claim shows one, runs do not",
        "neither shows",
        "repeats",
        "does not",
        "unknown",
        "worse",
    ],
)
def test_a_claim_fails_where_fresh_runs_gain_less_or_nothing(fresh: Gain, claimed: Gain, fails: bool) -> None:
    assert fresh.falls_short_of(claimed) is fails
