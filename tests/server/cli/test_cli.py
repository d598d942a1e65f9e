"""The command line, as a person types it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from in_process import ask_here

from autoresearch_mcp.server.cli.demo_script import GPT, QUICK, create_quick
from autoresearch_mcp.server.main import main, root_folder
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.project.harness import HARNESS, HARNESS_FILES, create_harness
from autoresearch_mcp.tools.verbs.planning import Planning
from conftest import Project

COMMAND = [sys.executable, "-m", "autoresearch_mcp.server"]


def test_the_quick_demo_shows_eight_tries_of_every_kind(tmp_path: Path) -> None:
    place = tmp_path / "demo"

    words = [*COMMAND, "demo", "--quick", "--folder", str(place), "--json"]
    shown = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)

    assert shown.returncode == 0, shown.stderr
    assert [one["status"] for one in json.loads(shown.stdout)["tries"]].count("keep") == 3
    statuses = [line.split("│")[2].strip() for line in shown.stderr.splitlines() if line.count("│") == 6]
    assert [status for status in statuses if status] == [
        "keep",
        "discard",
        "crash",
        "refused: outside-scope",
        "no-op",
        "keep",
        "discard",
        "keep",
    ]
    *results, outcome = (place / "autoresearch-results.tsv").read_text().splitlines()
    assert outcome.startswith("# ")
    assert ". Confirmed: " in outcome
    assert [row.split("\t")[5] for row in results[2:]] == [
        "baseline",
        "keep",
        "discard",
        "crash",
        "no-op",
        "keep",
        "discard",
        "keep",
    ]
    assert str(place) in shown.stdout + shown.stderr


def test_the_demo_does_not_write_into_a_folder_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    refused = ask_here("demo", "--quick", "--folder", str(tmp_path))

    assert refused.returncode == 1
    assert "not empty" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("script", [QUICK, GPT], ids=["quick", "gpt"])
def test_every_edit_of_the_demo_finds_its_place(tmp_path: Path, script: tuple[object, ...]) -> None:
    for place, tried in enumerate(QUICK if script is QUICK else GPT):
        folder = tmp_path / str(place)
        create_quick(folder, "python") if script is QUICK else create_harness(folder, "python")
        for edit in tried.edits:
            edit.apply(folder)


KNOWS_NOTHING = """\
import torch
from run import join


def predictor(weights, shape):
    return lambda tokens: weights["nothing"].expand(*tokens.shape, shape.vocabulary)


if __name__ == "__main__":
    run = join()
    for batch in run.batches(8):
        run.tell(7.0)
        break  # what computes nothing uses none of the budget, and would go on until the judge ends it
    run.hand_over({"nothing": torch.zeros(1)}, depth=0)
"""


def test_init_makes_a_repository_of_the_harness(tmp_path: Path) -> None:
    made = ask_here("init", "gpt", str(tmp_path / "a lab"))

    assert made.returncode == 0, made.stderr
    folder = tmp_path / "a lab"
    tracked = subprocess.run(["git", "ls-files"], cwd=folder, capture_output=True, text=True, check=True).stdout.split()
    assert set(tracked) == {*HARNESS_FILES, ".gitignore"}
    for name in set(HARNESS_FILES) - {"autoresearch.toml"}:
        assert (folder / name).read_bytes() == (HARNESS / name).read_bytes()
    broken = subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True, check=True)
    assert broken.stdout == ""


@pytest.mark.slow
def test_the_harness_s_plan_is_ready_whatever_the_training(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed: the extra `gpt`")
    folder = create_harness(tmp_path / "a lab", sys.executable)
    (folder / "train.py").write_text(KNOWS_NOTHING)
    subprocess.run(["git", "commit", "-qam", "no training"], cwd=folder, check=True)
    checked = Planning(Lab(folder)).check_plan(Plan())
    assert checked.ready, checked.gates
    assert len(set(checked.values)) == 1
    assert checked.noise.startswith("none: ")


def test_init_refuses_a_folder_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    assert ask_here("init", "gpt", str(tmp_path)).returncode == 2


def test_the_version_is_printed_without_a_server() -> None:
    assert ask_here("--version").stdout.startswith("autoresearch-mcp 0.")


def test_the_root_is_the_flag_then_the_environment_then_the_repository_around(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project.write("src/deep/file.txt", "x")
    monkeypatch.chdir(project.root / "src" / "deep")

    assert root_folder("", {}) == project.root
    assert root_folder("", {"CLAUDE_PROJECT_DIR": str(tmp_path)}) == tmp_path
    assert root_folder("", {"AUTORESEARCH_ROOT": "/", "CLAUDE_PROJECT_DIR": str(tmp_path)}) == Path("/")
    assert root_folder(str(tmp_path), {"AUTORESEARCH_ROOT": "/"}) == tmp_path


PLAN_TOML = 'goal = "g"\nscope = ["value.txt"]\nmetric = "value"\ndirection = "lower"\nverify = "cat value.txt"\n'


@pytest.mark.parametrize(("answer", "status", "ready"), [("yes", 0, True), ("", 1, False)])
def test_a_person_can_agree_in_a_terminal_to_the_exact_commands(
    project: Project, answer: str, status: int, ready: bool
) -> None:
    project.write("autoresearch.toml", PLAN_TOML)

    shown, code = _in_a_terminal(["--root", str(project.root), "approve"], f"{answer}\n")

    assert "cat value.txt" in shown
    assert code == status
    assert Planning(Lab(project.root)).check_plan(Plan()).ready is ready
    project.write("autoresearch.toml", PLAN_TOML.replace("cat value.txt", "cat  value.txt"))
    assert not Planning(Lab(project.root)).check_plan(Plan()).ready


def test_agreeing_needs_a_terminal(project: Project) -> None:
    project.write("autoresearch.toml", PLAN_TOML)

    piped = subprocess.run(
        [*COMMAND, "--root", str(project.root), "approve"], input="yes\n", capture_output=True, text=True, check=False
    )

    assert piped.returncode == 2
    assert not Planning(Lab(project.root)).check_plan(Plan()).ready


def test_where_nothing_waits_it_is_said_whose_yes_there_is(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", str(project.root), "approve"]) == 0
    assert "no agent asked" in capsys.readouterr().out

    project.write("autoresearch.toml", PLAN_TOML).commit("a plan")
    assert main(["--root", str(project.root), "approve"]) == 0
    assert "by Ada" in capsys.readouterr().out

    project.write("autoresearch.toml", "verify = ")
    assert main(["--root", str(project.root), "approve"]) == 2
    assert "not valid TOML" in capsys.readouterr().err


def test_a_repository_that_is_none_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(tmp_path), "approve"]) == 2
    assert "is not in a git repository" in capsys.readouterr().err
    with pytest.raises(Refusal):
        Lab(tmp_path).for_reading()


def _in_a_terminal(arguments: list[str], typed: str) -> tuple[str, int]:
    """Run a command on a pseudo-terminal, type, and read what it shows."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
    os.close(theirs)
    os.write(ours, typed.encode())
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(ours)
    return shown.decode(), process.wait(timeout=120)


def test_diff_prints_all_that_was_kept_one_try_or_what_lies_between_two(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.start()
    project.try_value(8)
    project.try_value(9)
    project.try_value(7)

    def printed(*numbers: str) -> list[str]:
        assert main(["--root", str(project.root), "diff", *numbers]) == 0
        lines = capsys.readouterr().out.splitlines()
        return [line for line in lines if line[:1] in "+-" and not line.startswith(("+++", "---"))]

    assert printed() == ["-10", "+7"]
    assert printed("2") == ["-8", "+9"]
    assert printed("3", "0") == ["-7", "+10"]
    assert main(["--root", str(project.root), "diff", "9"]) == 2
    assert "There is no iteration 9; the last one is 3." in capsys.readouterr().err


def test_best_and_finish_tell_a_person_what_came_of_it(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.start()
    project.try_value(8, "eight")
    project.try_value(9)

    assert main(["--root", str(project.root), "best"]) == 0
    assert "eight" in capsys.readouterr().out
    assert main(["--root", str(project.root), "--allow-commands", "finish", "--squash", "clean"]) == 0
    assert "One clean commit stands on branch clean." in capsys.readouterr().out
    assert "#1 eight (-20.00 %)" in project.git("log", "-1", "--format=%B", "clean")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("statsu", "statsu is no command. Did you mean status?"),
        ("nothing-like-it", "nothing-like-it is no command. See: autoresearch-mcp help"),
        ("report --formt md", "--formt is no option. Did you mean --format? See: autoresearch-mcp help report"),
        ("report --format mdd", "mdd is nothing that --format takes: text, md, json, csv, png, html. Did you mean md?"),
        ("history one", "iteration: one is not a whole number of 0 or more"),
        ("quick --against", "--against takes a value"),
        ("install", "it needs --client"),
        ("best 3", "3 is one word too many"),
        (
            "export claim FILE",
            "claim is a command of its own: autoresearch-mcp claim. See: autoresearch-mcp help export",
        ),
    ],
)
def test_a_wrong_word_is_named_with_what_was_meant(typed: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(typed.split())

    shown = capsys.readouterr()
    assert (left.value.code, shown.out) == (2, "")
    assert told in shown.err
    assert "usage:" not in shown.err


def test_help_and_version_are_commands_too(capsys: pytest.CaptureFixture[str]) -> None:
    for words, told in (("help", "finish"), ("help finish", "--squash BRANCH"), ("version", "autoresearch-mcp 0.")):
        with pytest.raises(SystemExit) as left:
            main(words.split())
        assert left.value.code == 0
        assert told in capsys.readouterr().out


def test_a_person_who_starts_the_server_by_hand_is_told_what_waits() -> None:
    ours, theirs = pty.openpty()
    server = subprocess.Popen(COMMAND, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None

    assert "For people: autoresearch-mcp help." in server.stderr.readline()

    server.kill()
    server.communicate()
    os.close(ours)
    os.close(theirs)


def test_a_pipe_gets_whole_words_from_the_doctor(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--root", str(project.root), "doctor", "--json"])
    looked = json.loads(capsys.readouterr().out)["looked"]

    main(["--root", str(project.root), "doctor"])

    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()[:-1]]
    assert [row[2] if len(row) > 2 else "" for row in rows] == [" ".join(one["seen"].split()) for one in looked]


def test_github_shows_what_does_not_hold_and_the_session(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.plan = project.plan.model_copy(update={"target": "5"})
    project.start()
    project.try_value(8, "eight, for @somebody")
    summary = tmp_path / "summary.md"
    summary.write_text("# before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    assert main(["--root", str(project.root), "gate", "--target"]) == 1

    annotations = [line for line in capsys.readouterr().out.splitlines() if line.startswith("::")]
    assert len(annotations) == 1
    assert annotations[0].startswith("::error title=autoresearch gate::target: ")
    text = summary.read_text()
    assert text.startswith("# before\n| | barrier | seen |")
    for words in ("| FAIL | target |", "10 -\\> 8, -20.00 %", "eight, for @<!-- -->somebody"):
        assert words in text
