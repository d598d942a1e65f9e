"""The first look at a GPU, tried on a processor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: the extra `gpt`")

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu_first.sh"


@pytest.mark.slow
def test_one_command_starts_tries_the_walls_and_prints_the_table() -> None:
    environment = {**os.environ, "PYTHON": sys.executable}

    done = subprocess.run(["sh", str(SCRIPT), "--cpu"], env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("Nothing was wrong.\n")
    for row in ("start from nothing, with the cache (s)", "tokens a second", "evaluation, share of training"):
        assert f"| {row} |" in done.stdout
    walls = next(line for line in done.stdout.splitlines() if line.startswith("| walls |"))
    assert walls.count(": closed (") == 4
