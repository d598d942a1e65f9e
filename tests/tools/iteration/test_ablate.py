"""What each keep still earns: the best is raced without it, and nothing is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_taking_back import with_keeps

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.decision.measured import Measurement
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.measurement.meter import Meter
from autoresearch_mcp.tools.measurement.runs import RunSpec
from autoresearch_mcp.tools.verbs.taking import KeepsTested, Taking
from conftest import Project
from crashing import before_record
from drifting import machine, turn

__all__ = ["machine"]


def ablated(project: Project, minutes: float = 0.0) -> KeepsTested:
    return Taking(project.lab).ablate(minutes)


def worths(answer: KeepsTested) -> dict[int, str]:
    return {keep.iteration: keep.worth.name for keep in answer.keeps}


def test_what_earns_nothing_is_named_with_the_line_that_takes_it_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = with_keeps(tmp_path / "repo")
    before = project.picture()

    answer = ablated(project)

    assert worths(answer) == {1: "NEEDED", 2: "UNSHOWN", 3: "EARNS"}
    assert project.picture() == before
    assert main(["--root", str(project.root), "ablate"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "#1 src/a.txt is 9: later keeps changed the same lines and need it: #3 src/a.txt is 4.",
        "#2 src/b.txt is 5: +0.00 % with it, 1 + 1 runs in turn: does not show that it earns its place.",
        "#3 src/a.txt is 4: -20.00 % with it, 1 + 1 runs in turn: earns its place.",
        "To try the best without one, with guards:",
        "autoresearch-mcp undo 2",
    ]
    assert "+0.00 % with it, 1 + 1 runs in turn: does not show" in project.review.report("md").report


def test_of_a_noisy_metric_each_gain_has_its_interval(machine: Project) -> None:
    machine.start()
    turn(machine, "0.8 if app == 'fast' else 1")
    assert machine.try_value(50).status is Status.KEEP
    machine.write("app.txt", "fast\n")
    assert machine.loop.iterate("a fast app").status is Status.KEEP
    turn(machine, 1)

    first, second = ablated(machine).keeps

    assert first.worth.name == "EARNS"
    assert second.worth.name == "UNSHOWN"
    assert " to " in first.words
    assert "6 + 6 runs in turn" in first.words


def test_a_keep_without_which_nothing_runs_is_needed(tmp_path: Path) -> None:
    together = "awk '{s += $1} END {print s}' value.txt app.txt"
    project = Project(tmp_path / "repo", verify=f"{{ test ! -e src/user || test -e src/lib; }} && {together}").start()
    project.write("src/lib", "x\n").write("value.txt", "9\n")
    assert project.loop.iterate("a library").status is Status.KEEP
    project.write("src/user", "x\n").write("app.txt", "-1\n")
    assert project.loop.iterate("what needs it").status is Status.KEEP

    first, second = ablated(project).keeps

    assert (first.worth.name, second.worth.name) == ("NEEDED", "EARNS")
    assert first.words.startswith("a run of the best without it gave no number: ")


def test_what_was_raced_for_this_best_is_not_raced_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = with_keeps(tmp_path / "repo")
    before_record("ablated", lambda: ablated(project))
    project.restart()
    ablated(project)
    verify, raced = Meter.verify, list[object]()

    def counted(meter: Meter, spec: RunSpec, timeout_s: float) -> Measurement:
        raced.append(spec)
        return verify(meter, spec, timeout_s)

    monkeypatch.setattr(Meter, "verify", counted)

    assert worths(ablated(project)) == {1: "NEEDED", 2: "UNSHOWN", 3: "EARNS"}
    assert raced == []

    project.loop.undo(2)
    assert worths(ablated(project)) == {1: "NEEDED", 3: "EARNS"}
    assert raced


def test_where_the_time_is_too_short_it_says_so(tmp_path: Path) -> None:
    project = with_keeps(tmp_path / "repo", minutes=1)
    project.now += 60

    assert set(worths(ablated(project)).values()) == {"NEEDED", "UNTRIED"}
    assert worths(ablated(project, minutes=1))[3] == "EARNS"


def test_it_waits_for_an_open_iteration(tmp_path: Path) -> None:
    project = with_keeps(tmp_path / "repo")
    project.write("value.txt", "1\n")
    project.loop.commit("an idea")

    with pytest.raises(Refusal, match="Call one of: verify"):
        ablated(project)
