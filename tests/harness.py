"""A small GPT repository for tests, trained and scored by the harness as a user would start it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

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


def judge(
    folder: Path,
    cache: Path,
    train: str = TRAIN,
    *,
    budget: str = "20000 tokens",
    most_seconds: float = 60,
    start_seconds: float = 60,
    seed: int = 1,
    walls: bool = True,
    harness: Path = HARNESS,
) -> Judged:
    """Train and score in a folder of its own, by the harness or a copy. Without walls as on a system that has none."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.py").write_text(train, encoding="utf-8")
    spec = SPEC.format(budget=budget, most_seconds=most_seconds, start_seconds=start_seconds)
    (folder / "gpt.toml").write_text(spec, encoding="utf-8")
    environment = {**os.environ, "AUTORESEARCH_CACHE": str(cache)}
    command = [sys.executable, "-W", "error", str(harness / "evaluate.py"), str(folder), "--seed", str(seed)]
    if not walls:
        code = (
            f"import sys; sys.path.insert(0, {str(HARNESS)!r}); import evaluate; "
            "evaluate._landlock_version = lambda: (0, ''); sys.exit(evaluate.main())"
        )
        command = [sys.executable, "-W", "error", "-c", code, str(folder), "--seed", str(seed)]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return Judged(run.returncode, run.stdout, run.stderr)
