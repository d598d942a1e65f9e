"""Digests of large sets of files are remembered, and a swap is seen all the same."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from autoresearch_mcp.tools.git import memory
from autoresearch_mcp.tools.git.memory import Digests


def swapped(file: Path) -> None:
    """Another content of the same size, with the times of before."""
    before = file.stat()
    file.write_text("b")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(file: Path) -> None:
    before = file.stat()
    draft = file.with_name("draft")
    draft.write_text("b")
    os.utime(draft, ns=(before.st_atime_ns, before.st_mtime_ns))
    draft.replace(file)


def linked(file: Path) -> None:
    file.unlink()
    file.symlink_to("other")


@pytest.mark.parametrize("most_read", [0, 10], ids=["remembered", "read each time"])
@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize("change", [swapped, replaced, linked, Path.unlink, lambda file: file.chmod(0o755)])
def test_a_change_is_seen_whatever_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_read: int, settled: bool, change: Callable[[Path], None]
) -> None:
    monkeypatch.setattr(memory, "_MOST_READ", most_read)
    monkeypatch.setattr(memory, "SETTLED_S", 0.01 if settled else 1000.0)
    file, digests = tmp_path / "a.txt", Digests()
    file.write_text("a")
    time.sleep(0.05)
    first = digests.of(tmp_path, ["a.txt", "gone"])
    assert digests.of(tmp_path, ["a.txt", "gone"]) == first

    change(file)

    assert first["gone"] == "absent"
    assert digests.of(tmp_path, ["a.txt"])["a.txt"] != first["a.txt"]


def test_only_large_sets_and_files_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SETTLED_S", 0.01)
    (tmp_path / "a.txt").write_text("a")
    names = ["a.txt", *map(str, range(memory._MOST_READ))]
    time.sleep(0.05)
    digests, read = Digests(), list[int]()

    def counted(stream: BinaryIO, kind: str) -> object:
        read.append(1)
        return hashlib.new(kind)

    monkeypatch.setattr(hashlib, "file_digest", counted)

    for paths in (names[:1], names[:1], names, names):
        digests.of(tmp_path, paths)

    assert len(read) == 3
