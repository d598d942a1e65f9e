"""What is written down about the machine, and what is sealed beside the tree: each notices its change and nothing else."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from autoresearch_mcp.tools.git.cli import GitOutput
from autoresearch_mcp.tools.git.repo import Repo
from autoresearch_mcp.tools.git.stamps import stamps_of
from autoresearch_mcp.tools.measurement import machine
from autoresearch_mcp.tools.measurement.machine import differences, fingerprint
from autoresearch_mcp.tools.measurement.ruler import differing, git_seals
from conftest import Project


def program(file: Path, text: str = "#!/bin/sh\n", mode: int = 0o755) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)
    return file


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A root, and a folder of programs that is all there is on PATH."""
    root, programs = tmp_path / "root", tmp_path / "programs"
    root.mkdir()
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    return root, programs


def test_a_machine_is_the_same_when_looked_at_again(places: tuple[Path, Path]) -> None:
    root, programs = places
    program(programs / "bench")
    first = fingerprint(["bench | missing"], root)
    sum(number * number for number in range(200_000))

    assert fingerprint(["bench | missing"], root) == first
    assert {"system", "machine", "cpu", "usable cpus", "memory", "gpus", "gpu driver"} <= set(first)
    assert all(first.values())
    assert first["program:missing"] == "missing"


def test_of_a_script_outside_what_it_uses_counts_and_is_named_and_nothing_else_beside_it(
    places: tuple[Path, Path], tmp_path: Path
) -> None:
    script, helper = (
        program(tmp_path / "x" / "bench.py", "import helper\n"),
        program(tmp_path / "x" / "helper.py", "A = 1\n"),
    )
    before = fingerprint([f"python3 {script}"], places[0])

    program(tmp_path / "x" / "other.py", "print()\n")
    assert fingerprint([f"python3 {script}"], places[0]) == before
    helper.write_text("A = 2\n")
    (told,) = differences(before, fingerprint([f"python3 {script}"], places[0]))

    assert told.startswith(f"script {helper} was ")


def test_looking_at_the_machine_starts_no_process_and_takes_no_time(
    places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
    monkeypatch.setattr(os, "posix_spawn", refuse)
    times = []
    for _ in range(10):
        began = time.thread_time()
        fingerprint(["python a | node b | make"], places[0])
        times.append(time.thread_time() - began)

    assert min(times) < 0.005


def test_a_program_is_told_by_its_file(places: tuple[Path, Path]) -> None:
    root, programs = places
    file = program(programs / "bench")
    os.utime(file, (1_700_000_000, 1_700_000_000))

    told = fingerprint(["time bench"], root)["program:bench"]

    assert told == f"{file}, 10 bytes, changed 2023-11-14T22:13:20+00:00"


def test_a_changed_program_is_a_difference(places: tuple[Path, Path]) -> None:
    root, programs = places
    file = program(programs / "bench")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    before = fingerprint(["bench"], root)
    program(file, "#!/bin/bash\n")
    os.utime(file, (1_700_000_001, 1_700_000_001))

    said = differences(before, fingerprint(["bench"], root))

    assert len(said) == 1
    assert said[0].startswith(f"program bench was {file}, 10 bytes")
    assert f", is {file}, 12 bytes" in said[0]


def test_a_link_is_followed_and_named(places: tuple[Path, Path], tmp_path: Path) -> None:
    root, programs = places
    real = program(tmp_path / "versions" / "bench-2")
    (programs / "bench").symlink_to(real)

    assert fingerprint(["bench"], root)["program:bench"].startswith(f"{programs / 'bench'} -> {real}, 10 bytes")


@pytest.mark.parametrize(
    ("written", "where", "asked"),
    [
        ("3.11.9\n", "root/.python-version", ""),
        ("# ours\n\npython-3.11\n", ".python-version", ""),
        ("3.10.2:3.11.9", "pyenv/version", ""),
        ("3.10.2", "root/.python-version", "3.11.9"),
    ],
)
def test_a_shim_of_pyenv_is_the_program_that_it_starts(
    written: str, where: str, asked: str, places: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, home = places[0], tmp_path / "pyenv"
    for version in ("3.10.2", "3.11.9", "3.11.10rc1", "3.11.4"):
        (home / "versions" / version / "bin").mkdir(parents=True)
    there = program(home / "versions/3.11.9/bin/python3")
    program(
        home / "shims/python3",
        f'#!/usr/bin/env bash\nexport PYENV_ROOT="{home}"\nexec "pyenv" exec "${{0##*/}}" "$@"\n',
    )
    (tmp_path / where).write_text(written)
    monkeypatch.setenv("PYENV_VERSION", asked)
    monkeypatch.setenv("PATH", f"{home}/shims")

    by_shim = fingerprint(["python3 a.py"], root)
    monkeypatch.setenv("PATH", f"{there.parent}:{home}/shims")
    within_pyenv = fingerprint(["python3 a.py"], root)

    assert by_shim["program:python3"].startswith(f"{there}, ")
    assert differences(by_shim, within_pyenv) == ()


@pytest.mark.parametrize("written", ["system", "3.9.1"])
def test_a_shim_of_pyenv_stays_what_it_is_where_no_version_has_the_program(
    written: str, places: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = program(tmp_path / "pyenv/shims/python3", f'#!/bin/sh\nexport PYENV_ROOT="{tmp_path}/pyenv"\n')
    monkeypatch.setenv("PYENV_VERSION", written)
    monkeypatch.setenv("PATH", str(shim.parent))

    assert fingerprint(["python3 a.py"], places[0])["program:python3"].startswith(f"{shim}, ")


def test_only_a_file_that_can_run_is_a_program(places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    root, programs = places
    second = programs.parent / "second"
    program(programs / "text", mode=0o644)
    (programs / "folder").mkdir()
    found = program(second / "folder")
    monkeypatch.setenv("PATH", f"{programs}:{second}")

    told = fingerprint(["text; folder"], root)

    assert told["program:text"] == "missing"
    assert told["program:folder"].startswith(str(found))


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("bin:{programs}", "bench"),
        ("{programs}", "PATH=bin:$PATH bench"),
        ("{programs}", 'export PATH="$PWD/bin:$PATH"; bench'),
        ("{programs}", "./bin/bench"),
    ],
)
def test_what_is_relative_counts_from_the_root(
    path: str, command: str, places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, programs = places
    program(programs / "bench")
    own = program(root / "bin" / "bench")
    monkeypatch.setenv("PATH", path.format(programs=programs))
    monkeypatch.chdir(programs)

    assert list(fingerprint([command], root).values())[-1] == str(own.relative_to(root))


def test_a_program_of_the_repository_is_told_by_its_place_alone(places: tuple[Path, Path]) -> None:
    root, _ = places
    file = program(root / "run")
    before = fingerprint(["./run"], root)
    program(file, "#!/bin/sh\necho 1\n")
    os.utime(file, (1_700_000_000, 1_700_000_000))

    assert fingerprint(["./run"], root) == before
    file.unlink()
    assert differences(before, fingerprint(["./run"], root)) == ("program ./run was run, is missing",)


def test_what_a_program_may_see_is_told(places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    before = fingerprint([], places[0])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")

    assert differences(before, fingerprint([], places[0])) == ("CUDA_VISIBLE_DEVICES was not set, is 1",)


def test_hardware_is_read_from_files(
    places: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc, system = tmp_path / "proc", tmp_path / "sys"
    for name in ("0000:41:00.0", "0000:01:00.0"):
        card = proc / "driver/nvidia/gpus" / name
        card.mkdir(parents=True)
        (card / "information").write_text("Model: \t\t NVIDIA H200\nIRQ:   \t\t 113\nGPU UUID: \t GPU-????\n")
    (proc / "cpuinfo").write_text("processor\t: 0\nmodel name\t: A CPU @ 2.00GHz\ncpu MHz\t\t: 1999.123\n")
    kernel = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build  (dvs)  Wed Feb 26\nGCC 12\n"
    (proc / "driver/nvidia/version").write_text(kernel)
    for number in os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else (0,):
        folder = system / f"devices/system/cpu/cpu{number}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text("performance\n")
    monkeypatch.setattr(machine, "_PROC", proc)
    monkeypatch.setattr(machine, "_SYS", system)

    told = fingerprint([], places[0])

    assert told["cpu"] == "A CPU @ 2.00GHz"
    assert told["gpus"] == "NVIDIA H200, NVIDIA H200"
    assert told["gpu driver"] == "570.124.06"
    assert told["cpu governor"] == "performance"


def test_an_arm_core_is_told_by_its_numbers(
    places: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_PROC", tmp_path)
    (tmp_path / "cpuinfo").write_text(
        "BogoMIPS\t: 50.00\nCPU implementer\t: 0x41\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\n"
    )

    assert fingerprint([], places[0])["cpu"] == "implementer 0x41 variant 0x3 part 0xd0c"


def test_a_machine_that_tells_nothing_has_a_fingerprint_nevertheless(
    places: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_PROC", tmp_path / "nowhere")
    monkeypatch.setattr(machine, "_SYS", tmp_path / "nowhere")
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)

    told = fingerprint([], places[0])

    assert told["cpu"] == told["machine"] == os.uname().machine
    assert told["usable cpus"] == str(os.cpu_count())
    assert {told["gpus"], told["gpu driver"], told["cpu governor"]} == {"none"}


def test_differences_are_sentences() -> None:
    assert differences({"cpu": "A", "memory": "8 GiB"}, {"cpu": "B", "memory": "8 GiB"}) == ("cpu was A, is B",)
    assert differences({"program:x": "X"}, {"gpus": "G"}) == ("program x was X, is unknown", "gpus was unknown, is G")
    assert differences({}, {}) == ()


Act = Callable[[Project], object]


def seals(project: Project) -> dict[str, str]:
    return git_seals(Repo(project.root))


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The seals that differ, those of single keys and hooks by their kind."""
    names = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return {name.partition(": ")[0] for name in names}


def home(name: str) -> Path:
    return Path(os.environ["HOME"]) / name


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def replace(project: Project) -> None:
    other = project.git("hash-object", "-w", "check.sh")
    project.git("replace", project.git("hash-object", "-w", ".git/description"), other)


GLOBAL = ("config", "--global")
BENDING: dict[str, tuple[str, Act]] = {
    "a setting": ("git configuration", lambda p: p.git("config", "core.autocrlf", "input")),
    "a setting without a value": ("git configuration", lambda p: write_config(p, "[core]\n\tsymlinks\n")),
    "a setting that is emptied": ("git configuration", lambda p: edit_config(p, "\tbare\n", "\tbare =\n")),
    "another order of one setting's values": (
        "git configuration",
        lambda p: edit_config(p, "\tx = 1\n\tx = 2\n", "\tx = 2\n\tx = 1\n"),
    ),
    "a filter": ("git configuration", lambda p: p.git("config", "filter.x.clean", "sed s/9/1/")),
    "a diff driver": ("git configuration", lambda p: p.git("config", "diff.external", "true")),
    "another work tree": ("git configuration", lambda p: p.git("config", "core.worktree", str(p.root))),
    "what an included file says": (
        "git configuration",
        lambda p: write(p.root / ".git/more", "[core]\n\teol = crlf\n"),
    ),
    "a setting of this worktree": ("git configuration", lambda p: own_setting(p)),
    "a filter of the user": ("git configuration of the machine", lambda p: p.git(*GLOBAL, "filter.x.clean", "cat")),
    "a hook": ("git hooks", lambda p: p.hook("post-index-change", "true")),
    "another text of a hook": ("git hooks", lambda p: p.hook("pre-commit", "false")),
    "a hook that is switched off": ("git hooks", lambda p: (p.root / ".git/hooks/pre-commit").chmod(0o644)),
    "attributes": ("git attributes", lambda p: write(p.root / ".git/info/attributes", "*.txt eol=crlf\n")),
    "an exclude": ("git exclude", lambda p: Repo(p.root).exclude("*.log")),
    "a graft": ("git replace and grafts", lambda p: write(p.root / ".git/info/grafts", p.git("rev-parse", "HEAD"))),
    "a replacement": ("git replace and grafts", replace),
    "an unwatched file": ("index flags", lambda p: p.git("update-index", "--assume-unchanged", "app.txt")),
    "a skipped file": ("index flags", lambda p: p.git("update-index", "--skip-worktree", "app.txt")),
    "a global exclude": ("global excludes", lambda p: write(home(".config/git/ignore"), "*.dat\n")),
    "a global attribute": ("global attributes", lambda p: write(home(".config/git/attributes"), "* -text\n")),
}


def write_config(project: Project, text: str) -> None:
    with (project.root / ".git/config").open("a") as file:
        file.write(text)


def edit_config(project: Project, old: str, new: str) -> None:
    file = project.root / ".git/config"
    file.write_text(file.read_text().replace(old, new))


def own_setting(project: Project) -> None:
    project.git("config", "extensions.worktreeConfig", "true")
    project.git("config", "--worktree", "core.eol", "crlf")


@pytest.fixture
def settled(project: Project) -> Project:
    """A repository with something of everything."""
    project.hook("pre-commit", "true")
    write_config(project, "[many]\n\tbare\n\tx = 1\n\tx = 2\n[include]\n\tpath = more\n")
    write(project.root / ".git/more", "[core]\n\teol = lf\n")
    write(project.root / ".git/info/attributes", "*.none filter=x\n")
    return project


@pytest.mark.parametrize("case", BENDING)
def test_what_bends_git_breaks_its_seal_and_no_other(case: str, settled: Project) -> None:
    seal, act = BENDING[case]
    before = seals(settled)

    act(settled)

    assert changed(before, seals(settled)) == {seal}


def test_the_files_that_settings_name_are_sealed_with_what_is_in_them(settled: Project) -> None:
    settled.git("config", "--global", "core.excludesFile", "~/ignored")
    settled.git("config", "core.attributesFile", str(home("attributes")))
    settled.git("config", "core.hooksPath", ".husky")
    before = seals(settled)

    write(home("ignored"), "*.dat\n")
    write(home("attributes"), "* -text\n")
    program(settled.root / ".husky/pre-commit")

    assert changed(before, seals(settled)) == {"global excludes", "global attributes", "git hooks"}


def test_flags_of_the_index_are_counted(settled: Project) -> None:
    settled.git("update-index", "--assume-unchanged", "app.txt", "check.sh")
    settled.git("update-index", "--skip-worktree", "value.txt")

    assert seals(settled)["index flags"].startswith("3 files, ")


def clone(project: Project) -> None:
    """Fetch from a repository that has a branch of its own, and track it."""
    other = project.root.parent / "other"
    project.git("clone", "--quiet", str(project.root), str(other))
    subprocess.run(["git", "commit", "--quiet", "--allow-empty", "-m", "x"], cwd=other, check=True)
    project.git("fetch", "--quiet", str(other), "main:refs/remotes/other/main")


def track(project: Project) -> None:
    project.git("switch", "--quiet", "-c", "topic", "--track", "main")
    project.git("switch", "--quiet", "main")
    project.git("branch", "--quiet", "-D", "topic")


def add_worktree(project: Project) -> None:
    project.git("worktree", "add", "--quiet", "-b", "aside", str(project.root.parent / "aside"))


def configured_worktree(project: Project) -> None:
    project.git("config", "extensions.worktreeConfig", "true")
    add_worktree(project)
    aside = project.root.parent / "aside"
    subprocess.run(["git", "config", "--worktree", "core.eol", "crlf"], cwd=aside, check=True)


def merge(project: Project) -> None:
    clone(project)
    project.git("merge", "--quiet", "other/main")


def new_index(project: Project) -> None:
    (project.root / ".git/index").unlink()
    project.git("reset", "--quiet")


def refresh(project: Project) -> None:
    os.utime(project.root / "app.txt", (1, 1))
    project.git("status")
    project.git("update-index", "--refresh")


def commit_all(project: Project) -> None:
    project.write("app.txt", "another\n").write("new.txt", "new\n").commit("by the user")


def tidy(project: Project) -> None:
    project.git("pack-refs", "--all")
    project.git("gc", "--quiet", "--prune=now")


USUAL: dict[str, Act] = {
    "nothing": lambda p: None,
    "a commit": commit_all,
    "a branch": lambda p: p.git("switch", "--quiet", "-c", "topic"),
    "a tag": lambda p: p.git("tag", "v1"),
    "a tracking branch that comes and goes": track,
    "a tracking branch that stays": lambda p: p.git("switch", "--quiet", "-c", "topic", "--track", "main"),
    "a fetch": clone,
    "a merge": merge,
    "a stash": lambda p: (p.write("app.txt", "x\n"), p.git("stash", "--quiet"), p.git("stash", "pop", "--quiet")),
    "a worktree": add_worktree,
    "settings for single worktrees": lambda p: p.git("config", "extensions.worktreeConfig", "true"),
    "a worktree with settings of its own": configured_worktree,
    "a refreshed index": refresh,
    "an index made anew": new_index,
    "upkeep": tidy,
    "a sample of a hook": lambda p: write(p.root / ".git/hooks/x.sample", "true"),
    "a comment among the excludes": lambda p: Repo(p.root).exclude("# mine"),
    "our own exclude": lambda p: Repo(p.root).exclude("/autoresearch-results.tsv"),
    "an edit": lambda p: p.write("app.txt", "another\n"),
    "a name of the user": lambda p: p.git(*GLOBAL, "user.name", "Eve"),
}


@pytest.mark.parametrize("case", USUAL)
def test_normal_work_breaks_no_seal(case: str, settled: Project) -> None:
    replace(settled)
    before = seals(settled)

    USUAL[case](settled)

    assert changed(before, seals(settled)) == set()


def test_a_commit_leaves_the_flags_of_the_index_alone(settled: Project) -> None:
    settled.git("update-index", "--assume-unchanged", "notes.txt")
    before = seals(settled)

    commit_all(settled)

    assert before["index flags"].startswith("1 files, ")
    assert changed(before, seals(settled)) == set()


def test_a_whole_session_breaks_no_seal(settled: Project) -> None:
    before = seals(settled)

    settled.start()
    settled.try_value(9)
    settled.try_value(11)

    assert changed(before, seals(settled)) == set()


def test_a_worktree_has_the_seals_of_the_repository_and_those_of_its_own(settled: Project) -> None:
    settled.git("config", "extensions.worktreeConfig", "true")
    add_worktree(settled)
    aside = settled.root.parent / "aside"
    before, main = git_seals(Repo(aside)), seals(settled)

    subprocess.run(["git", "config", "--worktree", "core.eol", "crlf"], cwd=aside, check=True)
    subprocess.run(["git", "update-index", "--assume-unchanged", "app.txt"], cwd=aside, check=True)
    settled.hook("commit-msg", "true")

    assert changed(before, git_seals(Repo(aside))) == {"git configuration", "index flags", "git hooks"}
    assert changed(main, seals(settled)) == {"git hooks"}


def test_a_fetch_into_a_shallow_clone_breaks_no_seal(settled: Project, tmp_path: Path) -> None:
    settled.write("app.txt", "more\n").commit("second")
    shallow = tmp_path / "shallow"
    settled.git("clone", "--quiet", "--depth=1", settled.root.as_uri(), str(shallow))
    before = git_seals(Repo(shallow))
    settled.write("app.txt", "still more\n").commit("third")

    subprocess.run(["git", "pull", "--quiet"], cwd=shallow, check=True)

    assert changed(before, git_seals(Repo(shallow))) == set()
    assert before["git replace and grafts"] != "none"


def test_seals_take_two_processes(settled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = Repo(settled.root)
    asked: list[str] = []
    ask = repo.git.ask

    def counting(*words: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> GitOutput:
        asked.append(words[0])
        return ask(*words, stdin=stdin, environment=environment)

    monkeypatch.setattr(repo.git, "ask", counting)

    git_seals(repo)

    assert sorted(asked) == ["config", "ls-files"]


def test_a_file_that_was_swapped_and_put_back_is_noticed(project: Project) -> None:
    file = project.root / "check.sh"
    status, text = file.stat(), file.read_bytes()
    before = stamps_of(project.root, ["check.sh", "app.txt"])
    file.write_text("true\n")
    file.write_bytes(text)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert differing(before, stamps_of(project.root, ["check.sh", "app.txt"])) == ("check.sh",)


def test_another_file_of_the_same_name_is_noticed(project: Project) -> None:
    before = stamps_of(project.root, ["check.sh"])
    kept = project.root / "kept"
    (project.root / "check.sh").rename(kept)
    project.write("check.sh", kept.read_text())

    assert differing(before, stamps_of(project.root, ["check.sh"])) == ("check.sh",)


def test_a_file_that_is_read_is_the_same(project: Project) -> None:
    before = stamps_of(project.root, ["check.sh", "not there"])
    project.read("check.sh")

    assert differing(before, stamps_of(project.root, ["check.sh", "not there"])) == ()
    assert before["not there"] == (0, 0, 0, 0)


def test_a_file_that_comes_or_goes_is_noticed(project: Project) -> None:
    before = stamps_of(project.root, ["check.sh", "new.txt"])
    (project.root / "check.sh").unlink()
    project.write("new.txt", "")

    assert differing(before, stamps_of(project.root, ["check.sh", "new.txt"])) == ("check.sh", "new.txt")
    assert differing(before, {}) == ("check.sh", "new.txt")
