"""A small GPT repository for tests, trained and scored by the harness as a user would start it."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache as once
from pathlib import Path

import forked_judges
import pytest

import players
from autoresearch_mcp.tools.project.harness import HARNESS

SPEC = """\
data = "stdlib"
vocabulary = 512
sequence_length = 64
budget = "{budget}"
most_seconds = {most_seconds}
start_seconds = {start_seconds}
evaluation_tokens = 8192
device = "cpu"
"""
TRAIN = (HARNESS / "train.py").read_text(encoding="utf-8")
Edit = tuple[str, str]


@dataclass(frozen=True)
class Judged:
    """What a run of the evaluation printed."""

    status: int
    out: str
    err: str

    @property
    def score(self) -> float:
        """Its val_bpb, of which there has to be exactly one."""
        assert self.status == 0, self.err
        found = re.findall(r"^val_bpb: +(\d\.\d{6})$", self.out, re.MULTILINE)
        assert len(found) == 1, self.out
        return float(found[0])

    def outcome(self, check: str) -> str:
        """What a check found."""
        found = re.findall(rf"^check {check}: (\w+) \(", self.out + self.err, re.MULTILINE)
        return found[-1] if found else "not told"


def edited(*edits: Edit, text: str = TRAIN) -> str:
    """train.py with replacements, each of which has to be possible exactly once."""
    for old, new in edits:
        assert text.count(old) == 1, (old, text.count(old))
        text = text.replace(old, new)
    return text


def prepared_cache(factory: pytest.TempPathFactory) -> Path:
    """A cache of one's own with the text that `judge` trains on; prepared once, also for tests in other processes."""
    base = factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "prepared"
    folder = factory.mktemp("spec")
    (folder / "gpt.toml").write_text(
        SPEC.format(budget="1 tokens", most_seconds=60, start_seconds=60), encoding="utf-8"
    )
    environment = {**os.environ, "AUTORESEARCH_CACHE": str(shared)}
    command = [sys.executable, str(HARNESS / "prepare.py")]  # of several at once, one does it
    subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    return Path(shutil.copytree(shared, factory.mktemp("cache") / "own"))


@once
def template() -> str:
    """The socket of a process that makes runs of the evaluation, started once for all tests of this process."""
    folder = tempfile.mkdtemp(prefix="judges-")  # a socket's path has to be short
    command = [sys.executable, "-I", forked_judges.__file__, f"{folder}/socket", str(HARNESS)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **players._ALLOCATOR}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    def end() -> None:
        process.communicate()
        shutil.rmtree(folder)

    atexit.register(end)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return f"{folder}/socket"


def asking() -> str:
    """What stands between the interpreter and the evaluation's file in a command that has it made in the template."""
    return f"-I -S {forked_judges.__file__} {template()} " if sys.platform == "linux" else ""


def judge(
    folder: Path,
    cache: Path,
    train: str = TRAIN,
    *,
    budget: str = "6000 tokens",
    most_seconds: float = 60,
    start_seconds: float = 60,
    seed: int = 1,
    walls: bool = True,
    harness: Path = HARNESS,
    anew: bool = False,
) -> Judged:
    """Train and score in a folder of its own, by the harness or a copy. Without walls as on a system that has none; `anew` in
    interpreters of its own, as a user does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.py").write_text(train, encoding="utf-8")
    spec = SPEC.format(budget=budget, most_seconds=most_seconds, start_seconds=start_seconds)
    (folder / "gpt.toml").write_text(spec, encoding="utf-8")
    return evaluated(folder, cache, "--seed", str(seed), walls=walls, harness=harness, anew=anew)


def evaluated(
    folder: Path,
    cache: Path,
    *options: str,
    walls: bool = True,
    harness: Path = HARNESS,
    anew: bool = False,
    **more: str,
) -> Judged:
    """Evaluate what stands in a folder, with more variables in the environment."""
    environment = {**os.environ, "AUTORESEARCH_CACHE": str(cache), **more}
    words = [str(harness / "evaluate.py"), str(folder), *options]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        if anew or harness != HARNESS or sys.platform != "linux":
            assert walls
            command = [sys.executable, "-W", "error", *words]
            status = subprocess.run(command, env=environment, stdout=out, stderr=err, check=False).returncode
        else:
            files = (out.fileno(), err.fileno())
            status = forked_judges.ask(template(), words, files, environment, strict=True, walls=walls)
        out.seek(0)
        err.seek(0)
        return Judged(status, out.read(), err.read())
