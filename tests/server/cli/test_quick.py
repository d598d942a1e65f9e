"""A command measured without a repository, and two of them compared."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from autoresearch_mcp.server.cli.quick import Reader, _better, _noise, _number, quieter_time
from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.plan.checks import load_plan
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.process.runner import CommandRun


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_number_that_repeats_is_called_exact_with_a_plan_that_can_be_loaded(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["quick", "--seconds", "1", "--", "echo METRIC size=12"]) == 0

    out = capsys.readouterr().out
    assert "size: 12, median of 5 runs" in out
    assert "Noise: none" in out
    plan = load_plan(tomllib.loads(out.partition("are yours to fill in:")[2]))
    assert isinstance(plan, Plan)
    assert (plan.metric, plan.verify, plan.read, plan.direction) == ("size", "echo METRIC size=12", "line", "lower")


def took(wall: Sequence[float], processor: Sequence[float]) -> list[CommandRun]:
    return [
        CommandRun(0, False, seconds, "", "", cpu_seconds=cpu_s) for seconds, cpu_s in zip(wall, processor, strict=True)
    ]


def test_a_slow_first_run_is_not_taken_for_the_usual_one() -> None:
    wall = [4.0, 0.2, 0.21, 0.2, 0.22]

    told = _number(Reader("wall", "wall_seconds", "s"), wall, took(wall, [0.1] * 5))[0]

    assert "0.21 s, median of 5 runs of 0.21 s (the first took 4 s)" in told
    assert "scatters by 118 %" in _noise([1, 1, 6, 1, 6, 1])[0]


@pytest.mark.parametrize(
    ("wall", "busy", "read"),
    [
        ([1.0, 1.0, 1.3, 0.9, 1.2], False, "cpu"),
        ([1.0, 0.8, 0.812, 0.8, 0.812], False, "wall"),  # no clear difference
        ([1.0, 0.8, 0.812, 0.8, 0.812], True, "cpu"),
        ([1.0, 0.8, 0.8001, 0.8, 0.8001], True, "wall"),  # it waits: wall time is the quieter one all the same
        ([1.0, 1.3], True, "wall"),  # too few to tell
    ],
)
def test_the_plan_reads_the_time_that_scatters_less(wall: list[float], busy: bool, read: str) -> None:
    processor = [0.5, 0.4, 0.405, 0.4, 0.405]

    reader, why = quieter_time(took(wall, processor[: len(wall)]), busy=busy)

    assert reader.read == read
    assert bool(why) == (len(wall) >= 5)


def test_the_scope_of_the_plan_is_the_project_s_own_or_says_that_it_is_none_and_what_prints_the_number_is_protected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quick", "--seconds", "0", "--", "true"]) == 0
    assert 'scope = ["the files that may change, such as src/**"]' in capsys.readouterr().out
    for name in ("lib/__init__.py", "lib/a.py", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    for words in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *words], check=True)

    assert main(["quick", "--seconds", "0", "--", "true"]) == 0

    assert 'scope = ["lib/**/*.py"]' in capsys.readouterr().out

    (tmp_path / "measure.sh").write_text("echo METRIC size=12\n")
    assert main(["quick", "--seconds", "0", "--", "sh", "./measure.sh"]) == 0
    assert 'protected = ["measure.sh"]' in capsys.readouterr().out
    assert main(["quick", "--seconds", "0", "--", "wc -c measure.sh"]) == 0
    assert "protected" not in capsys.readouterr().out


def test_where_nothing_is_printed_the_time_is_measured_and_its_noise_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quick", "--seconds", "0", "--json", "--", "sh", "-c", "exit 0"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["read"], told["unit"]) == ("wall", "s")
    assert all(value > 0 for value in told["values"])


@pytest.mark.parametrize(
    ("direction", "better"),
    [((), "A is better: `echo METRIC size=12`"), (("--direction", "higher"), "B is better: `echo METRIC size=13`")],
)
def test_of_two_commands_the_better_one_is_named(
    direction: tuple[str, ...], better: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "quick",
        "--seconds",
        "30",
        *direction,
        "--against",
        "echo METRIC size=13",
        "--",
        "echo METRIC size=12",
    ]

    assert main(arguments) == 0
    assert better in capsys.readouterr().out


def test_two_equal_commands_are_told_apart_by_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quick", "--seconds", "0", "--json", "--against", "echo METRIC a=1", "--", "echo METRIC a=1"]) == 0

    assert json.loads(capsys.readouterr().out)["better"] == ""


def test_too_few_runs_are_no_word_on_noise_or_on_which_is_better(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quick", "--seconds", "0", "--", "echo METRIC a=1"]) == 0
    assert "Noise: unknown, there was time for 2 runs" in capsys.readouterr().out
    assert main(["quick", "--seconds", "0", "--against", "echo METRIC a=2", "--", "echo METRIC a=1"]) == 0
    assert "Which is better is unknown" in capsys.readouterr().out


def test_a_coin_that_falls_alike_twice_is_no_difference() -> None:
    assert _better([1.0, 1.0], [0.0, 0.0], 1.0) == ("", 0.0)


def test_clear_differences_are_shown_in_either_direction_and_noise_is_not() -> None:
    low, high, near = [10.0, 10.2, 9.9, 10.1], [14.0, 14.3, 13.8, 14.1], [10.1, 9.8, 10.2, 10.0]

    assert _better(low, high, 1.0)[0] == "A"
    assert _better(low, high, -1.0)[0] == "B"
    assert _better(low, near, 1.0)[0] == ""


def test_who_interrupts_it_leaves_no_command_running(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "held")
    words = [sys.executable, "-m", "autoresearch_mcp.server", "quick", "--", "exec 3> held; exec sleep 60"]

    with subprocess.Popen(words, stderr=subprocess.PIPE) as process, (tmp_path / "held").open("rb") as held:
        process.send_signal(signal.SIGINT)  # the command runs: it has opened its end

        assert process.wait(60) == 130
        assert process.stderr is not None
        assert process.stderr.read() == b""
        os.set_blocking(held.fileno(), False)
        assert held.read() == b""  # and nobody holds that end any more


def test_a_command_that_fails_or_gives_no_number_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quick", "--", "echo broken >&2; exit 3"]) == 1
    assert "ended with exit 3. Its output ends:\nbroken" in capsys.readouterr().err
    assert main(["quick", "--read", "last", "--", "echo none"]) == 1
    assert "No number" in capsys.readouterr().err
    assert main(["quick"]) == 2
