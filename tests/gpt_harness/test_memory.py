"""Text of any size is prepared in a bounded memory. Minutes long: `pytest -m slow -s tests/gpt_harness/test_memory.py`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as arrow
import pytest
from pyarrow import parquet

from autoresearch_mcp.tools.project.harness import HARNESS

GIGABYTES = float(os.environ.get("AUTORESEARCH_TEST_GB", "1"))
MOST_MB = 500
SPEC = 'data = "files:*.parquet"\nvocabulary = 8192\nsequence_length = 512\n'


def write(file: Path, size: float) -> None:
    """Text of that many characters in one row group after the other, each of 128 MB."""
    generator = np.random.default_rng(1)
    letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
    words = np.array(["".join(generator.choice(letters, generator.integers(2, 10))) for _ in range(50_000)])
    schema = arrow.schema([("text", arrow.string())])
    with parquet.ParquetWriter(file, schema, compression="none", use_dictionary=False) as out:
        while size > 0:
            texts: list[str] = []
            while size > 0 and sum(map(len, texts[-1000:])) * max(1, len(texts) // 1000) < 2**27:
                for _ in range(1000):
                    drawn = (generator.zipf(1.2, generator.integers(50, 1500)) - 1) % len(words)
                    texts.append(" ".join(words[drawn]))
                size -= sum(map(len, texts[-1000:]))
            out.write_table(arrow.table({"text": texts}), row_group_size=len(texts))


@pytest.mark.slow
def test_a_gigabyte_of_parquet_is_prepared_in_half_as_much_memory(tmp_path: Path) -> None:
    # In a process of its own: the kernel counts the most that whoever starts a program has held as held by the program.
    subprocess.run([sys.executable, __file__, str(tmp_path / "a.parquet")], check=True)
    size = (tmp_path / "a.parquet").stat().st_size
    (tmp_path / "gpt.toml").write_text(SPEC)
    environment = {**os.environ, "AUTORESEARCH_CACHE": str(tmp_path / "cache")}
    began = time.monotonic()

    started = subprocess.Popen([sys.executable, str(HARNESS / "prepare.py")], cwd=tmp_path, env=environment)
    _, status, used = os.wait4(started.pid, 0)
    started.returncode = os.waitstatus_to_exitcode(status)

    peak_mb = used.ru_maxrss / (1 if sys.platform == "linux" else 1024) / 1024
    sys.stderr.write(
        f"{size / 1e6:.0f} MB of parquet: {peak_mb:.0f} MB of memory at most, {used.ru_utime + used.ru_stime:.0f} CPU s, "
        f"{time.monotonic() - began:.0f} s\n"
    )
    assert started.returncode == 0
    assert peak_mb <= MOST_MB


if __name__ == "__main__":
    write(Path(sys.argv[1]), GIGABYTES * 1e9)
