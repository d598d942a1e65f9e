"""A pristine checkout: made once, and put back before each run to what stood there before the first one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch_mcp.tools.git.paired_checkout import PairedCheckout
from autoresearch_mcp.tools.git.repo import Repo
from conftest import Project


@pytest.fixture
def project(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project.write(".gitignore", "build/\n*.bin\nnode_modules/\n").commit("ignore")
    project.write("build/deep/app.o", "object\n").write("build/other.o", "other\n").write("data/1.bin", "one\n")
    project.write("node_modules/pad.js", "pad\n")
    (project.root / "build/latest").symlink_to("other.o")
    return project


@pytest.fixture
def pristine(project: Project) -> PairedCheckout:
    checkout = PairedCheckout(Repo(project.root), "clean", time.time(), pristine=True)
    checkout.check_out("HEAD")
    return checkout


def picture(folder: Path) -> dict[str, str]:
    """Everything that stands there: modes, contents, and where links lead."""
    found: dict[str, str] = {}
    for place, folders, names in os.walk(folder):
        for path in (Path(place, name) for name in (*folders, *names)):
            held = os.readlink(path) if path.is_symlink() else "" if path.is_dir() else path.read_text()
            found[str(path.relative_to(folder))] = f"{path.lstat().st_mode:o} {held}"
    return found


def rewritten_unseen(file: Path) -> None:
    """Other content of the same size, with the times that the file had."""
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    file.write_text(file.read_text()[::-1])
    os.utime(file, ns=times)


def replaced_by_folder(file: Path) -> None:
    file.unlink()
    (file / "inside").mkdir(parents=True)


def swapped_for_link(folder: Path) -> None:
    folder.unlink()
    folder.symlink_to("build")


RUNS: dict[str, Callable[[Path], object]] = {
    "a result": lambda folder: (folder / "result.json").write_text("1\n"),
    "a result that git ignores": lambda folder: (folder / "data/2.bin").write_text("1\n"),
    "a result in a folder of copies": lambda folder: (folder / "build/deep/result.json").write_text("1\n"),
    "an empty folder": lambda folder: (folder / "build/seen").mkdir(),
    "bytecode": lambda folder: (folder / "src/__pycache__").mkdir(parents=True),
    "a copy rewritten": lambda folder: rewritten_unseen(folder / "build/deep/app.o"),
    "a copy with another mode": lambda folder: (folder / "data/1.bin").chmod(0o755),
    "a copy gone": lambda folder: (folder / "build/other.o").unlink(),
    "a copy that is a folder now": lambda folder: replaced_by_folder(folder / "build/other.o"),
    "a link that leads elsewhere": lambda folder: swapped_for_link(folder / "build/latest"),
    "dependencies that lead elsewhere": lambda folder: swapped_for_link(folder / "node_modules"),
    "a tracked file rewritten": lambda folder: rewritten_unseen(folder / "value.txt"),
    "a repository within": lambda folder: (folder / "build/.git").mkdir(),
    "a folder that nobody may read": lambda folder: (folder / "build/deep").chmod(0),
}


@pytest.mark.parametrize("what", RUNS)
def test_nothing_of_a_run_is_there_for_the_next(pristine: PairedCheckout, what: str) -> None:
    before = picture(pristine.folder)
    RUNS[what](pristine.folder)
    assert picture(pristine.folder) != before

    pristine.check_out("HEAD")

    assert picture(pristine.folder) == before


def test_nothing_is_left_in_gits_own_folder_of_the_checkout(project: Project, pristine: PairedCheckout) -> None:
    place = next((project.root / ".git/worktrees").iterdir())
    (place / "answers").mkdir()
    (place / "answers/1").write_text("1\n")
    (place / "ORIG_HEAD").write_text("1\n")
    (place / "logs/HEAD").write_text("1\n")
    with (place / "commondir").open("a") as file:
        file.write("answers\n")

    pristine.check_out("HEAD")

    place = next((project.root / ".git/worktrees").iterdir())
    assert {path.name for path in place.iterdir()} >= {"HEAD", "commondir", "gitdir", "index"}
    assert not (place / "answers").exists()
    assert not any(path.read_text() == "1\n" for path in (place / "ORIG_HEAD", place / "logs/HEAD") if path.exists())
    assert "answers" not in (place / "commondir").read_text()


def test_only_what_a_run_touched_is_copied_again(pristine: PairedCheckout) -> None:
    untouched = [pristine.folder / name for name in ("build/deep/app.o", "build/other.o", "value.txt")]
    before = [file.stat().st_ino for file in untouched]
    (pristine.folder / "data/1.bin").unlink()

    pristine.check_out("HEAD")

    assert [file.stat().st_ino for file in untouched] == before
    assert (pristine.folder / "data/1.bin").read_text() == "one\n"


def test_what_the_user_changed_meanwhile_comes_in_no_more(project: Project, pristine: PairedCheckout) -> None:
    project.write("build/other.o", "of another session\n")
    (pristine.folder / "build/other.o").unlink()

    pristine.check_out("HEAD")

    assert not (pristine.folder / "build/other.o").exists()
    assert (pristine.folder / "build/deep/app.o").read_text() == "object\n"
