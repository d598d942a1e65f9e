"""What is compiled: it reaches the next run only from code that is trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: the extra `gpt`")

import compiled
from devices import CPU, Device, Kind
from harness import TRAIN
from players import JobFolders

GPU = Device(Kind.CUDA, "GPU-a", "NVIDIA H100 80GB HBM3")


def a_run(folder: Path, code: str) -> JobFolders:
    place = JobFolders(folder / "code" / "train.py", folder / "out", folder / "tmp")
    for made in (place.code.parent, place.out, place.tmp):
        made.mkdir(parents=True)
    place.code.write_text(code, encoding="utf-8")
    return place


def compiles(place: JobFolders, name: str) -> None:
    for folder in place.caches().values():
        (folder / "ab").mkdir(parents=True, exist_ok=True)
        (folder / "ab" / name).write_text(name)


def had(place: JobFolders) -> set[str]:
    return {file.name for folder in place.caches().values() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize(
    ("old", "new", "trusted"),
    [
        ("DEPTH = 2 ", "DEPTH = 8 ", True),
        ("DEPTH = 2 ", "DEPTH = int(open('x').read()) ", False),
        ('"""A small GPT', '"""Another GPT', False),
        ("import torch\n", "import os\nimport torch\n", False),
        ("def main() -> None:\n", "def main() -> None:\n    print()\n", False),
    ],
)
def test_the_package_s_own_code_with_any_constants_is_trusted(old: str, new: str, trusted: bool) -> None:
    assert TRAIN.count(old) == 1
    assert compiled.trusted(TRAIN.replace(old, new)) is trusted
    assert not compiled.trusted("def")


def test_what_trusted_code_compiled_is_lent_to_every_run_on_such_a_device(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first, candidate, last = (a_run(tmp_path / name, code) for name, code in (("1", TRAIN), ("2", "1"), ("3", "2")))
    compiles(first, "of-the-first")
    assert compiled.keep(first, GPU, home)

    compiled.lend(candidate, GPU, home)
    assert had(candidate) == {"of-the-first"}
    compiles(candidate, "of-the-candidate")
    (candidate.caches()["TRITON_CACHE_DIR"] / "ab" / "of-the-first").write_text("changed")
    assert not compiled.keep(candidate, GPU, home)

    compiled.lend(last, GPU, home)
    assert had(last) == {"of-the-first"}
    assert (last.caches()["TRITON_CACHE_DIR"] / "ab" / "of-the-first").read_text() == "of-the-first"
    other = a_run(tmp_path / "4", "3")
    compiled.lend(other, CPU, home)
    assert had(other) == set()


def test_a_second_trusted_run_adds_to_what_is_kept(tmp_path: Path) -> None:
    first, second, third = (a_run(tmp_path / name, TRAIN) for name in "123")
    compiles(first, "one")
    compiles(second, "two")
    for run in (first, second):
        assert compiled.keep(run, GPU, tmp_path)

    compiled.lend(third, GPU, tmp_path)

    assert had(third) == {"one", "two"}
