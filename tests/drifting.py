"""A machine whose speed a test can turn, and what a headline says of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conftest import PYTHON, Project

SCRIPT = """\
import os, pathlib, random
place = pathlib.Path(os.environ["RUNS"])
runs = int(place.read_text() or 0) if place.exists() else 0
place.write_text(str(runs + 1))
value = float(pathlib.Path("value.txt").read_text())
speed = eval(pathlib.Path(os.environ["SPEED"]).read_text(), {"value": value, "runs": runs, "app": pathlib.Path("app.txt").read_text().strip()})
print(value * speed * (1 + float(os.environ["NOISE"]) * random.Random(runs).gauss(0, 1)))
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A repository whose metric is `value.txt` times the speed of the machine, and scatters by one percent."""
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SPEED", str(tmp_path / "speed"))
    monkeypatch.setenv("NOISE", "0.01")
    plan = {"guards": (), "protected": ("ruler.py",), "environment": ("RUNS", "SPEED", "NOISE")}
    project = Project(tmp_path / "repo", verify=f"{PYTHON} ruler.py", **plan)
    turn(project, 1)
    return project.write("ruler.py", SCRIPT).write("value.txt", "100\n").commit("a machine that drifts")


def turn(project: Project, speed: object) -> None:
    """Let every run take so many times as long from now on; an expression may look at `value`, `app` and `runs`, of before."""
    (project.root.parent / "speed").write_text(str(speed))


def percents(words: str) -> list[float]:
    return [float(found) for found in re.findall(r"[+-]\d+(?:\.\d+)?(?= %|\)| to)", words)]
