"""`run` at the command line: what it asks for before it leaves, and how a person ends it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.driver.records import DriverPlace
from conftest import Project

RUN = [sys.executable, "-m", "autoresearch_mcp.server"]


def run(project: Project, *words: str) -> int:
    return main(["--root", str(project.root), "run", *words])


def test_a_client_that_is_not_here_is_named_with_the_line_that_installs_it(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    assert run(project, "--agent", "codex") == 2
    assert "npm install -g @openai/codex@latest. Run `codex login` once." in capsys.readouterr().err


def put_program(project: Project, monkeypatch: pytest.MonkeyPatch, name: str, script: str) -> None:
    """Put a program before all others, in a home of its own."""
    programs = project.root.parent / "bin"
    programs.mkdir()
    (programs / name).write_text(f"#!/bin/sh\n{script}\n")
    (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(programs))


def test_a_client_that_would_wait_for_ever_without_a_login_is_asked_first(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_program(project, monkeypatch, "codex", "echo Not logged in >&2; exit 1")

    assert run(project, "--agent", "codex") == 2
    assert "nobody is logged in. Run `codex login` once." in capsys.readouterr().err
    monkeypatch.setenv("CODEX_API_KEY", "k")
    assert run(project, "--agent", "codex") == 2
    assert "autoresearch-mcp init" in capsys.readouterr().err


def test_a_client_that_is_too_old_for_an_option_ends_the_run_with_the_cure(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.start()
    put_program(project, monkeypatch, "claude", "echo \"error: unknown option '--restricted'\" >&2; exit 1")

    assert run(project, "--agent", "claude") == 1
    assert "too old.\nInstall the newest: npm install -g @anthropic-ai/claude-code@latest." in capsys.readouterr().out


def test_a_client_that_would_send_a_repository_to_a_model_of_its_own_choice_is_asked_first(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_program(project, monkeypatch, "opencode", "echo opencode/big-pickle; [ -z $MINE ] || echo mine/model")

    assert run(project, "--agent", "opencode") == 2
    assert "Run `opencode auth login` once, or name a model with --model." in capsys.readouterr().err
    assert run(project, "--agent", "opencode", "--model", "opencode/big-pickle") == 2
    assert "autoresearch-mcp init" in capsys.readouterr().err
    monkeypatch.setenv("MINE", "1")
    assert run(project, "--agent", "opencode") == 2
    assert "autoresearch-mcp init" in capsys.readouterr().err


def test_without_a_plan_that_a_person_agreed_to_it_does_not_leave(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(project, "--agent-command", "true") == 2
    assert "autoresearch-mcp init" in capsys.readouterr().err

    project.write(
        "autoresearch.toml", 'scope = ["value.txt"]\nmetric = "v"\ndirection = "lower"\nverify = "cat value.txt"\n'
    )

    assert run(project, "--agent-command", "true") == 2
    assert "  cat value.txt\nAgree with `autoresearch-mcp approve`" in capsys.readouterr().err
    assert run(project) == 2
    assert "--agent-command COMMAND" in capsys.readouterr().err


@pytest.fixture
def waiting(tmp_path: Path) -> tuple[Project, str, Path]:
    """A session, an agent that waits for ever, and a pipe that is open as long as the agent lives."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    agent = tmp_path / "agent.sh"
    agent.write_text(f"exec >{pipe}\necho here\nsleep 1000\n")
    return Project(tmp_path / "repo").start(), f"sh {agent}", pipe


def test_ctrl_c_ends_the_leg_and_then_the_run(waiting: tuple[Project, str, Path]) -> None:
    project, agent, pipe = waiting
    words = [*RUN, "--root", str(project.root), "run", "--agent-command", agent]
    driver = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)

    with pipe.open() as alive:
        assert alive.readline() == "here\n"
        driver.send_signal(signal.SIGINT)
        assert alive.read() == ""  # the agent and all that it started have ended
    told, _ = driver.communicate()

    assert driver.returncode == 0
    assert "The run was stopped." in told
    assert "leg 1 (command): 0 iterations in" in told


def test_a_detached_run_is_looked_at_and_stopped_from_elsewhere(
    waiting: tuple[Project, str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    project, agent, pipe = waiting
    words = [*RUN, "--root", str(project.root), "run", "--detach", "--agent-command", agent]

    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as started, pipe.open() as alive:
        assert alive.readline() == "here\n"
        assert "The run goes on as process" in started.communicate()[0]
        assert run(project, "--status") == 0
        assert "A run is at work" in capsys.readouterr().out
        assert run(project, "--agent-command", agent) == 2
        assert run(project, "--stop") == 0
        assert alive.read() == ""
    place = DriverPlace.of(project.lab.for_reading().repo.git_dir)
    with (place.folder / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the driver has ended
    assert "Leg 1 is over: 0 iterations in" in (place.folder / "log").read_text()
