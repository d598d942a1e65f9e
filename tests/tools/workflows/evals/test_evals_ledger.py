"""Evaluating results files, through the verbs and the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from in_process import ask_here

from autoresearch_mcp.tools.errors import Code, Refusal
from conftest import Project
from ledgers import WorkflowAgent

KARPATHY = "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n"
INSIGHT = {
    "kind": "insight",
    "claim": "Wider layers run out of memory",
    "rows": [3],
    "proposal": "Halve the batch first",
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A repository whose two kept commits stand in a results file of Karpathy's shape, beside one that git does not have."""
    made = Project(tmp_path / "repo")
    kept = []
    for value in (9, 8):
        made.write("value.txt", f"{value}\n").write("app.txt", f"{value}\n").commit(f"value {value}")
        kept.append(made.git("rev-parse", "--short", "HEAD"))
    rows = [
        f"{kept[0]}\t0.99\t44.0\tkeep\tbaseline",
        f"{kept[1]}\t0.97\t44.0\tkeep\tlower",
        "0123abc\t0.96\t44.0\tkeep\tof another clone",
        "-\t0.000000\t0.0\tcrash\ttoo wide (OOM)",
    ]
    made.write("results.tsv", KARPATHY + "\n".join(rows) + "\n")
    return made


def test_a_foreign_file_is_analysed_to_the_end(project: Project) -> None:
    agent = WorkflowAgent(project, "evals")
    agent.open(file="results.tsv")

    state = "\n".join(agent.run().state)
    with pytest.raises(Refusal) as twice:
        agent.record(INSIGHT, rows=[3, 99])
    agent.record(INSIGHT, rows="4, #5")
    closed = agent.close()

    assert "CONTINUE" in state
    assert twice.value.code is Code.EVIDENCE
    assert "has no row 99" in twice.value.message
    assert closed.status == "complete"
    page = agent.file(closed, "evals.md")
    assert "# Evaluation of results.tsv" in page
    assert "Wider layers run out of memory (#4, #5)" in page
    figures = json.loads(agent.file(closed, "evals.json"))
    assert (figures["format"], figures["best"], figures["crashes"], figures["best_iteration"]) == (
        "karpathy",
        0.97,
        1,
        None,
    )
    assert page.index("nothing of it was measured here") < page.index("CONTINUE")
    assert "line 4: git has no such commit" in page
    assert "Opinions on these rows" in page
    handoff = agent.handoff(closed)
    assert handoff["config"]["recommendation"] == "continue"
    assert [finding["kind"] for finding in handoff["findings"]] == ["insight", "anomaly", "anomaly"]
    assert project.git("status", "--porcelain") == "?? results.tsv"


def test_the_sessions_own_rows_come_from_the_journal_and_not_from_a_file_that_somebody_edited(project: Project) -> None:
    project.start()
    project.try_value(7)
    project.write("autoresearch-results.tsv", "# metric_direction: higher_is_better\nfalse\n")
    agent = WorkflowAgent(project, "evals")
    agent.open()

    told = agent.run().state
    figures = json.loads(agent.file(agent.close(), "evals.json"))

    assert told[0].startswith("autoresearch-results.tsv: CONTINUE: ")
    assert not any("Read from a file" in line for line in told)
    assert (figures["format"], figures["baseline"], figures["best"], figures["direction"]) == ("journal", 8, 7, "lower")


@pytest.mark.parametrize(
    ("file", "told"),
    [("nothing.tsv", "There is no file nothing.tsv. There are: results.tsv."), ("../x.tsv", "lies outside"), (".", "There is no file")],
)  # fmt: skip
def test_a_file_that_is_not_there_is_refused_before_anything_is_opened(project: Project, file: str, told: str) -> None:
    agent = WorkflowAgent(project, "evals")
    with pytest.raises(Refusal) as refused:
        agent.open(file=file)

    assert refused.value.code is Code.BAD_ARGUMENT
    assert told in refused.value.message
    with pytest.raises(Refusal) as nothing:
        agent.status()
    assert nothing.value.code is Code.NOT_OPEN


def test_an_insight_needs_an_analysis_and_the_end_needs_one_too(project: Project) -> None:
    agent = WorkflowAgent(project, "evals")
    agent.open()

    assert "Call workflow with `run` first" in agent.refused(Code.OUT_OF_ORDER, INSIGHT)
    with pytest.raises(Refusal, match="the analysis") as refused:
        agent.close()
    assert refused.value.code is Code.INCOMPLETE


def test_a_new_server_goes_on_and_a_second_run_sees_the_file_as_it_is_now(project: Project) -> None:
    agent = WorkflowAgent(project, "evals")
    agent.open(file="results.tsv")
    agent.run()
    agent.record(INSIGHT)
    project.write("results.tsv", project.read("results.tsv") + "-\t0.98\t44.0\tdiscard\tnarrower\n")

    agent.restart()
    agent.run()

    assert agent.status().items == 1
    assert json.loads(agent.file(agent.close(), "evals.json"))["discards"] == 1


def test_the_command_line_prints_the_same_analysis_in_two_forms(project: Project) -> None:
    text = ask_here("evals", "results.tsv", folder=project.root)
    figures = ask_here("evals", "--json", folder=project.root)

    assert (text.returncode, figures.returncode) == (0, 0)
    assert text.stdout.startswith("results.tsv:\nRead from a file")
    assert json.loads(figures.stdout)["best"] == 0.97


def test_the_command_line_reads_a_file_where_there_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text(KARPATHY + "-\t0.9\t1.0\tkeep\tbaseline\n")
    (tmp_path / "b.tsv").write_text("nothing of the kind\n")

    assert "0.9" in ask_here("evals", "a.tsv", folder=tmp_path).stdout
    assert ask_here("evals", "b.tsv", folder=tmp_path).returncode == 2
    missing = ask_here("evals", "c.tsv", folder=tmp_path)
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "There is no file" in missing.stderr
