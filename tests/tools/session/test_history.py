"""What history, status, doctor and report say when somebody looks closely."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.doctor.checks import examine
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.session.results import number
from autoresearch_mcp.tools.vocabulary import Tool
from conftest import Project
from drifting import machine

__all__ = ["machine"]


def test_one_iteration_shows_the_number_of_every_run_and_the_output_of_each_arms_first(machine: Project) -> None:
    machine.start()
    assert machine.try_value(90).status is Status.KEEP

    page = machine.review.history(iteration=1)

    for arm, samples in (("candidate", page.rows[0].samples), ("incumbent", page.rows[0].incumbent)):
        assert f"--- {arm}, run 1: {number(samples[0])} ---\n{samples[0]}" in page.output
        for place, sample in enumerate(samples, 1):
            assert f"--- {arm}, run {place}: {number(sample)} ---\n" in f"{page.output}\n"
    row = page.rows[0]
    checks = row.runs - len(row.samples) - len(row.incumbent)
    each = checks // 2
    assert checks
    assert page.more == f"Of the runs {each} of the change and {each} of the incumbent checked it in clean checkouts."
    baseline = machine.review.history(iteration=0)
    assert not baseline.more
    assert baseline.output.count("--- incumbent, run") == 6


def test_runs_of_an_earlier_attempt_are_not_told_as_those_of_the_version_that_was_kept(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo").start()
    project.write("app.txt", "bad\n").try_value(5)
    assert project.write("app.txt", "good\n").try_value(6).status is Status.KEEP_REWORKED

    told = project.review.history(iteration=1).output

    assert "--- candidate of an earlier attempt, run 1: 5 ---" in told
    assert "--- candidate, run 1: 6 ---" in told


def test_no_rows_are_given_where_none_are_asked_for(project: Project) -> None:
    project.start().try_value(8)

    page = project.review.history(limit=0)

    assert (page.rows, page.total, page.more) == ([], 2, "2 rows.")
    with pytest.raises(Refusal, match=r"`limit` is -1\. Use 1 to 50, or 0"):
        project.review.history(limit=-1)


def test_a_commit_of_somebody_elses_is_told_before_the_next_try_is_refused(project: Project) -> None:
    project.start().try_value(8)
    assert not project.sessions.status().note
    project.write("notes.txt", "somebody's\n").commit("somebody's")

    status = project.sessions.status()
    doctor = [check for check in examine(project.root) if check.name == "session"]
    project.review.report("html")
    with pytest.raises(Refusal) as refused:
        project.try_value(7)

    assert "somebody committed or reset" in status.note
    assert "git branch kept-" in status.note
    assert Tool.ITERATE not in status.next
    assert refused.value.code is Code.HEAD_MOVED
    assert refused.value.following is not None
    assert Tool.ITERATE not in refused.value.following
    assert [check.passed for check in doctor] == [False]
    assert "git branch kept-" in doctor[0].cure
    assert "somebody committed or reset" in project.review.report().report
    assert "somebody committed or reset" in project.read("autoresearch-report.html")


def test_summaries_call_an_outcome_by_the_word_of_its_row(project: Project) -> None:
    project.start()
    project.try_value("no number")
    project.write("value.txt", "10\n")
    project.loop.iterate("nothing")

    summary = project.sessions.finish_session().summary

    assert summary is not None
    assert project.statuses() == ["baseline", "metric-error", "no-op"]
    assert summary.counts == {"no-op": 1, "metric-error": 1}
    assert "1 no-op, 1 metric-error" in summary.lines()[1]


def test_history_shows_an_iteration_that_waits_for_the_agent(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", verify="cat value.txt; grep -q . value.txt || exit 3", guards=()).start()
    project.write("value.txt", "\n")
    project.loop.iterate("nothing in it.")

    listed, page = project.review.history(), project.review.history(iteration=1)

    assert listed.open_iteration == page.open_iteration
    assert listed.open_iteration.startswith("Iteration 1 is open (fix): nothing in it. ")
    assert listed.open_iteration in listed.text()
    assert (page.rows, page.iteration) == ([], 1)
    assert "-10" in page.diff
    with pytest.raises(Refusal, match="There is no iteration 2"):
        project.review.history(iteration=2)
