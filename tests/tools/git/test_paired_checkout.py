"""The second checkout: exact trees, warm caches, and not a trace in the user's checkout."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.git import linked_checkout, untracked, untracked_copies
from autoresearch_mcp.tools.git.paired_checkout import PairedCheckout
from autoresearch_mcp.tools.git.python_environments import editable_roots
from autoresearch_mcp.tools.git.repo import Repo
from autoresearch_mcp.tools.git.untracked_copies import UntrackedPaths
from autoresearch_mcp.tools.git.worktree_notes import WorktreeNotes
from autoresearch_mcp.tools.storage import disk
from conftest import Project


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Second checkouts of a test lie in its own folder, and no environment of this machine is looked at."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def commits(project: Project) -> tuple[str, str]:
    """Two arms: the second changes a value, adds a file and takes one away."""
    old = project.git("rev-parse", "HEAD")
    project.write("value.txt", "7\n").write("src/new.txt", "new\n")
    (project.root / "notes.txt").unlink()
    project.commit("candidate")
    return old, project.git("rev-parse", "HEAD")


def checkout_of(project: Project, name: str = "s1") -> PairedCheckout:
    return PairedCheckout(Repo(project.root), name)


def tree_in(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".git")
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def tree_of(project: Project, commit: str) -> dict[str, str]:
    names = project.git("ls-tree", "-r", "--name-only", commit).splitlines()
    return {name: project.git("show", f"{commit}:{name}") + "\n" for name in names}


def ignore(project: Project, *patterns: str) -> str:
    project.write(".gitignore", "".join(f"{pattern}\n" for pattern in patterns)).commit("ignore")
    return project.git("rev-parse", "HEAD")


def test_both_arms_stand_exactly_in_turn(project: Project, commits: tuple[str, str]) -> None:
    checkout = checkout_of(project)

    for commit in (*commits, *commits):
        assert tree_in(checkout.check_out(commit)) == tree_of(project, commit)


def test_a_tracked_file_that_a_run_changed_is_put_back(project: Project, commits: tuple[str, str]) -> None:
    folder = checkout_of(project).check_out(commits[0])
    (folder / "app.txt").write_text("changed by a run\n")

    checkout_of(project).check_out(commits[1])

    assert tree_in(folder) == tree_of(project, commits[1])


def test_the_place_is_the_same_and_outside_the_checkout(
    project: Project, commits: tuple[str, str], cache: Path
) -> None:
    places = {checkout_of(project).check_out(commit) for commit in commits}

    assert places == {checkout_of(project).folder}
    assert checkout_of(project).folder.parent.parent == cache / "autoresearch" / "arenas"
    assert checkout_of(project).folder.name == project.root.name
    assert checkout_of(project).folder.parent.name.endswith("-s1")


def test_naming_a_second_checkout_touches_nothing(project: Project, cache: Path) -> None:
    checkout = checkout_of(project)

    assert not cache.exists()
    assert checkout.untracked_paths() == UntrackedPaths((), ())


def test_a_file_that_both_arms_share_keeps_its_time_stamp(project: Project, commits: tuple[str, str]) -> None:
    folder = checkout_of(project).check_out(commits[0])
    before = {name: (folder / name).stat().st_mtime_ns for name in ("app.txt", "check.sh", "value.txt")}

    checkout_of(project).check_out(commits[1])

    after = {name: (folder / name).stat().st_mtime_ns for name in before}
    assert {name for name in before if before[name] != after[name]} == {"value.txt"}


def test_the_users_checkout_is_left_alone(project: Project, commits: tuple[str, str]) -> None:
    project.write("app.txt", "edited\n").git("stash")
    project.write("app.txt", "staged\n").git("add", "app.txt")
    project.write("app.txt", "edited again\n").write("untracked.txt", "mine\n")
    kept = (".git/config", ".git/index", ".git/HEAD", ".git/info/exclude", ".git/logs/HEAD")
    before = project.picture(), project.git("status", "--porcelain"), project.git("stash", "list")
    bytes_before = [(project.root / name).read_bytes() for name in kept]
    checkout = checkout_of(project)

    for commit in commits:
        checkout.check_out(commit, ["untracked.txt"], (commits[0], ["check.sh"]))
    bytes_after = [(project.root / name).read_bytes() for name in kept]

    assert (project.picture(), project.git("status", "--porcelain"), project.git("stash", "list")) == before
    assert bytes_after == bytes_before


def test_a_clean_checkout_stays_clean(project: Project, commits: tuple[str, str]) -> None:
    checkout_of(project).check_out(commits[0])

    assert project.git("status", "--porcelain", "--ignored") == ""


def test_no_hook_runs(project: Project, commits: tuple[str, str], tmp_path: Path) -> None:
    project.hook("post-checkout", f"touch {tmp_path}/hook-ran")

    checkout_of(project).check_out(commits[0])

    assert not (tmp_path / "hook-ran").exists()


def test_sparse_checkout_holds_in_the_second_checkout_too(project: Project) -> None:
    project.write("big/data.txt", "much\n").write("small/data.txt", "little\n").commit("folders")
    project.git("sparse-checkout", "set", "small")

    folder = checkout_of(project).check_out("HEAD")

    assert (folder / "small/data.txt").exists()
    assert not (folder / "big").exists()


def test_builds_are_copied_and_dependencies_linked(project: Project) -> None:
    commit = ignore(project, "build/", "node_modules/", ".env")
    project.write("build/out/app.o", "object\n").write("node_modules/left/pad.js", "pad\n").write(".env", "KEY=1\n")

    folder = checkout_of(project).check_out(commit)

    assert (folder / "build/out/app.o").read_text() == "object\n"
    assert not (folder / "build").is_symlink()
    assert (folder / "node_modules").readlink() == project.root / "node_modules"
    assert checkout_of(project).untracked_paths() == UntrackedPaths((".env", "build"), ("node_modules",))


def test_what_is_too_big_is_linked_and_the_smallest_are_copied_first(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(untracked_copies, "ROOM", 100)
    commit = ignore(project, "*.bin")
    project.write("a.bin", "x" * 90).write("b.bin", "x" * 50).write("c.bin", "x" * 40)

    checkout = checkout_of(project)
    checkout.check_out(commit)

    assert checkout.untracked_paths() == UntrackedPaths(("c.bin", "b.bin"), ("a.bin",))


def test_writing_in_the_second_checkout_does_not_reach_the_users_copies(project: Project) -> None:
    commit = ignore(project, "build/")
    project.write("build/out.txt", "the user's\n").write("data.txt", "the user's\n")
    before = project.picture()
    (project.root / "build/latest").symlink_to(project.root / "build/out.txt")

    folder = checkout_of(project).check_out(commit, ["data.txt"])
    for name in ("build/out.txt", "build/latest", "data.txt"):
        (folder / name).write_text("a run's\n")
    (project.root / "build/latest").unlink()

    assert project.picture() == before
    assert (folder / "build/latest").readlink() == folder / "build/out.txt"


def test_a_link_out_of_the_checkout_leads_to_the_same_place(project: Project, tmp_path: Path) -> None:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets/train.txt").write_text("numbers\n")
    commit = ignore(project, "data")
    (project.root / "data").symlink_to("../datasets")

    folder = checkout_of(project).check_out(commit)

    assert (folder / "data/train.txt").read_text() == "numbers\n"


def test_results_caches_pipes_and_what_is_missing_are_not_brought(project: Project) -> None:
    commit = ignore(project, "__pycache__/", "build/", "pipe", "autoresearch-results*")
    project.write("src/__pycache__/a.pyc", "code\n").write("build/__pycache__/b.pyc", "code\n").write("build/b", "b\n")
    project.write("autoresearch-results.tsv", "rows\n").write("build/nested/.git", "gitdir: elsewhere\n")
    os.mkfifo(project.root / "pipe")
    os.mkfifo(project.root / "build/pipe")

    folder = checkout_of(project).check_out(commit, ["gone.txt", "autoresearch-results.edited-1.tsv"])

    assert checkout_of(project).untracked_paths() == UntrackedPaths(("build",), ())
    assert tree_in(folder / "build") == {"b": "b\n"}
    assert not (folder / "build/pipe").exists()
    assert not (folder / "build/nested/.git").exists()


def test_a_stale_result_is_gone_the_next_time(project: Project, commits: tuple[str, str]) -> None:
    project.write("data/train.txt", "untracked\n")
    checkout = checkout_of(project)
    folder = checkout.check_out(commits[0], ["data/train.txt"])
    for name in ("result.json", "data/result.json", "out/deep/result.json", "nested/.git/HEAD"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("ref: refs/heads/main\n")
    project.git("init", "--quiet", str(folder / "nested"))

    checkout.check_out(commits[0])

    assert tree_in(folder) == {**tree_of(project, commits[0]), "data/train.txt": "untracked\n"}
    assert not (folder / "nested").exists()
    assert not (folder / "out").exists()


def test_a_folder_of_ignored_files_is_not_spared_as_a_whole(project: Project) -> None:
    commit = ignore(project, "*.o", "node_modules/")
    project.write("out/app.o", "object\n").write("web/node_modules/pad.js", "pad\n")
    folder = checkout_of(project).check_out(commit)
    (folder / "out/result.json").write_text("stale\n")

    checkout_of(project).check_out(commit)

    assert checkout_of(project).untracked_paths() == UntrackedPaths(("out/app.o",), ("web/node_modules",))
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["app.o"]


def test_ignored_output_of_a_run_stays_warm(project: Project) -> None:
    commit = ignore(project, "build/")
    folder = checkout_of(project).check_out(commit)
    (folder / "build").mkdir()
    (folder / "build/app.o").write_text("object\n")

    checkout_of(project).check_out(commit)

    assert (folder / "build/app.o").exists()


NAMES = ("a*b", "#hash", "!bang", "sp ace ", "q?[x]", "back\\slash", "tab\tnew\nline", "-e", "ünï")


@pytest.mark.parametrize("name", NAMES)
def test_what_was_brought_stays_whatever_it_is_called(project: Project, name: str) -> None:
    project.write(name, "mine\n")
    checkout = checkout_of(project)

    checkout.check_out("HEAD", [name])
    folder = checkout.check_out("HEAD")

    assert (folder / name).read_text() == "mine\n"
    assert checkout.untracked_paths() == UntrackedPaths((name,), ())


def test_a_brought_name_spares_no_other(project: Project) -> None:
    project.write("a*b", "mine\n").write("q[x]", "mine\n")
    folder = checkout_of(project).check_out("HEAD", ["a*b", "q[x]"])
    for name in ("aXb", "qx", "src/a*b"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("stale\n")

    checkout_of(project).check_out("HEAD")

    assert sorted(tree_in(folder)) == sorted([*tree_of(project, "HEAD"), "a*b", "q[x]"])


def test_a_linked_folder_is_not_taken_for_a_leftover(project: Project) -> None:
    commit = ignore(project, "node_modules/")  # a pattern for folders, which a link is not
    project.write("node_modules/pad.js", "pad\n")
    checkout = checkout_of(project)

    for _ in range(2):
        folder = checkout.check_out(commit)

    assert (folder / "node_modules/pad.js").read_text() == "pad\n"


def test_a_commit_is_never_written_through_a_link(project: Project) -> None:
    old = ignore(project, "vendor/")
    project.write("vendor/lib.txt", "lib\n").write("vendor/new.txt", "candidate\n")
    project.git("add", "--force", "vendor/new.txt")
    project.git("commit", "--quiet", "-m", "candidate")
    new = project.git("rev-parse", "HEAD")
    project.git("rm", "--quiet", "--cached", "vendor/new.txt")
    project.git("commit", "--quiet", "-m", "back")
    project.write("vendor/new.txt", "the user's\n")
    checkout = checkout_of(project)

    linked = (checkout.check_out(old) / "vendor").is_symlink()
    folder = checkout.check_out(new)

    assert linked
    assert (folder / "vendor/new.txt").read_text() == "candidate\n"
    assert project.read("vendor/new.txt") == "the user's\n"


def test_nothing_is_brought_through_a_link_of_the_commit(project: Project, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (project.root / "data").symlink_to(tmp_path / "outside")
    project.commit("link")
    linked = project.git("rev-parse", "HEAD")
    (project.root / "data").unlink()
    project.write("data/train.txt", "numbers\n")

    checkout_of(project).check_out(linked, ["data/train.txt"])

    assert not list((tmp_path / "outside").iterdir())


def test_protected_files_come_from_the_baseline(project: Project) -> None:
    project.write("tests/gone.txt", "kept\n").commit("baseline")
    baseline = project.git("rev-parse", "HEAD")
    project.write("check.sh", "true\n").write("tests/added.txt", "added\n").write("app.txt", "candidate\n")
    (project.root / "tests/gone.txt").unlink()
    project.commit("cheat")
    cheat = project.git("rev-parse", "HEAD")
    checkout = checkout_of(project)

    folder = checkout.check_out(cheat, (), (baseline, ["check.sh", "tests"]))

    assert tree_in(folder) == {**tree_of(project, baseline), "app.txt": "candidate\n"}
    assert tree_in(checkout.check_out(cheat)) == tree_of(project, cheat)
    assert tree_in(checkout.check_out(baseline, (), (baseline, ["check.sh"]))) == tree_of(project, baseline)


def test_content_that_git_was_told_to_hold_for_committed_does_not_stay(
    project: Project, commits: tuple[str, str], tmp_path: Path
) -> None:
    project.write("lib.txt", "lib\n").write("other.txt", "other\n").commit("files in which no commits differ")
    commit = project.git("rev-parse", "HEAD")
    folder = checkout_of(project).check_out(commit)
    (tmp_path / "attributes").write_text("lib.txt filter=other\n")
    (folder / "lib.txt").write_text("something else\n")
    for name in ("lib.txt", "other.txt"):  # a file that is younger than the index is read again
        os.utime(folder / name, (1, 1))
    settings = (f"core.attributesFile={tmp_path / 'attributes'}", "filter.other.clean=echo lib")
    project.git("-C", str(folder), *(part for value in settings for part in ("-c", value)), "add", "lib.txt")
    assert project.git("-C", str(folder), "status", "--short") == ""

    checkout_of(project).check_out(commit)

    assert tree_in(folder) == tree_of(project, commit)
    assert (folder / "other.txt").stat().st_mtime == 1, "a build sees no change"


def test_a_deleted_checkout_is_made_again(project: Project, commits: tuple[str, str]) -> None:
    shutil.rmtree(checkout_of(project).check_out(commits[0]))

    folder = checkout_of(project).check_out(commits[1])

    assert tree_in(folder) == tree_of(project, commits[1])
    assert project.git("worktree", "list", "--porcelain").count("worktree ") == 2


@pytest.mark.parametrize("name", [".git", "../brought.json"])
def test_a_second_checkout_that_somebody_broke_is_made_again(
    project: Project, commits: tuple[str, str], name: str
) -> None:
    project.write("data.txt", "mine\n")
    (checkout_of(project).check_out(commits[0], ["data.txt"]) / name).write_text("broken")

    folder = checkout_of(project).check_out(commits[1], ["data.txt"])

    assert tree_in(folder) == {**tree_of(project, commits[1]), "data.txt": "mine\n"}
    assert checkout_of(project).untracked_paths() == UntrackedPaths(("data.txt",), ())
    assert project.git("worktree", "list", "--porcelain").count("worktree ") == 2


@pytest.mark.parametrize("place", [".git", ".git/worktrees/other"])
def test_a_second_checkout_that_points_at_a_place_of_the_users_moves_nothing_there(
    project: Project, commits: tuple[str, str], tmp_path: Path, place: str
) -> None:
    project.git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "other"))
    before, other = project.picture(), project.git("-C", str(tmp_path / "other"), "symbolic-ref", "HEAD")
    (checkout_of(project).check_out(commits[0]) / ".git").write_text(f"gitdir: {project.root}/{place}\n")

    folder = checkout_of(project).check_out(commits[0])

    assert project.picture() == before
    assert project.git("-C", str(tmp_path / "other"), "symbolic-ref", "HEAD") == other
    assert tree_in(folder) == tree_of(project, commits[0])


def test_a_broken_checkout_is_removed_without_a_trace(project: Project) -> None:
    (checkout_of(project).check_out("HEAD") / ".git").write_text("broken")

    checkout_of(project).remove()

    assert project.git("worktree", "list", "--porcelain").count("worktree ") == 1


def test_a_lock_that_a_killed_process_left_is_no_obstacle(project: Project, commits: tuple[str, str]) -> None:
    folder = checkout_of(project).check_out(commits[0])
    place = Path((folder / ".git").read_text().removeprefix("gitdir: ").strip())
    (place / "index.lock").touch()

    assert tree_in(checkout_of(project).check_out(commits[1])) == tree_of(project, commits[1])


def test_a_foreign_repository_in_its_place_is_not_cleaned(
    project: Project, commits: tuple[str, str], cache: Path
) -> None:
    project.git("init", "--quiet", str(cache))
    (cache / "theirs.txt").write_text("untracked\n")
    (checkout_of(project).check_out(commits[0]) / ".git").unlink()

    checkout_of(project).check_out(commits[1])

    assert (cache / "theirs.txt").exists()


def test_removal_leaves_no_trace_and_follows_no_link(project: Project) -> None:
    commit = ignore(project, "node_modules/", "build/")
    project.write("node_modules/pad.js", "pad\n").write("build/out.txt", "out\n")
    before, checkout = project.picture(), checkout_of(project)
    checkout.check_out(commit)

    checkout.remove()
    checkout.remove()

    assert project.git("worktree", "list", "--porcelain").count("worktree ") == 1
    assert not (project.root / ".git/worktrees").exists()
    assert not checkout.folder.parent.exists()
    assert project.picture() == before


def test_removal_after_somebody_deleted_everything_leaves_no_trace(project: Project, cache: Path) -> None:
    checkout = checkout_of(project)
    checkout.check_out("HEAD")
    shutil.rmtree(cache)

    checkout.remove()

    assert project.git("worktree", "list", "--porcelain").count("worktree ") == 1


def test_a_worktree_of_the_users_that_is_not_mounted_now_is_not_forgotten(project: Project, tmp_path: Path) -> None:
    project.git("worktree", "add", "--quiet", str(tmp_path / "usb"))
    (tmp_path / "usb").rename(tmp_path / "unplugged")
    checkout = checkout_of(project)

    checkout.check_out("HEAD")
    checkout.remove()

    assert "usb" in project.git("worktree", "list", "--porcelain")


def test_two_checkouts_of_a_repository_stand_apart(project: Project, commits: tuple[str, str]) -> None:
    first, second = checkout_of(project).check_out(commits[0]), checkout_of(project, "check").check_out(commits[1])

    checkout_of(project, "check").remove()

    assert first != second
    assert tree_in(checkout_of(project).check_out(commits[0])) == tree_of(project, commits[0])


def test_an_unknown_commit_is_refused_and_the_second_checkout_stays(project: Project, commits: tuple[str, str]) -> None:
    folder = checkout_of(project).check_out(commits[0])
    (folder / "result.json").touch()

    with pytest.raises(Refusal, match="is not a commit"):
        checkout_of(project).check_out("0" * 40)

    assert (folder / "result.json").exists()


def test_a_place_that_cannot_be_made_is_refused_with_a_cure(
    project: Project, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linked_checkout, "cache_folder", lambda root: Path("/dev/null"))

    with pytest.raises(Refusal, match="set XDG_CACHE_HOME"):
        checkout_of(project).check_out("HEAD")

    assert project.git("worktree", "list", "--porcelain").count("worktree ") == 1


@pytest.mark.parametrize("where", ["a file", "in the checkout"])
def test_an_unfit_cache_gives_way_to_the_temporary_folder(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    (tmp_path / "file").touch()
    unfit = {"a file": tmp_path / "file/cache", "in the checkout": project.root / ".cache"}[where]
    monkeypatch.setenv("XDG_CACHE_HOME", str(unfit))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))

    folder = checkout_of(project).check_out("HEAD")

    assert folder.is_relative_to(tmp_path / "tmp" / f"autoresearch-{os.getuid()}")


def test_a_relative_cache_home_is_passed_over(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")

    assert checkout_of(project).folder.is_relative_to(Path.home() / ".cache")


def test_thousands_of_untracked_files_are_brought_by_folder(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untracked, "MOST_PATHS", 2)
    names = ["set/a/1.txt", "set/a/2.txt", "src/x/3.txt", "4.txt"]
    project.write("src/code.txt", "code\n").commit("source")
    for name in names:
        project.write(name, "mine\n")

    folder = checkout_of(project).check_out("HEAD", names)

    assert set(checkout_of(project).untracked_paths().copied) == {"set", "src/x", "4.txt"}
    assert set(names) <= set(tree_in(folder))


def test_a_folder_of_thousands_comes_whole_though_a_rule_hides_part_of_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(untracked, "MOST_PATHS", 2)
    project.write(".gitignore", "build/\n").commit("rules")
    names = [".venv/bin/python", ".venv/pyvenv.cfg", ".venv/lib/pip/code.py"]
    for name in (*names, ".venv/lib/pip/build/made.py", "build/made.o"):
        project.write(name, "mine\n")

    folder = checkout_of(project).check_out("HEAD", names)

    assert checkout_of(project).untracked_paths() == UntrackedPaths(("build",), (".venv",))
    assert (folder / ".venv/bin/python").is_file()


def test_what_was_brought_is_remembered_by_the_next_process(project: Project, commits: tuple[str, str]) -> None:
    project.write("data.txt", "mine\n")
    checkout_of(project).check_out(commits[0], ["data.txt"])

    assert checkout_of(project).untracked_paths() == UntrackedPaths(("data.txt",), ())
    assert json.loads((checkout_of(project).folder.parent / "brought.json").read_text())["copied"] == ["data.txt"]


def environment(prefix: Path, **files: str) -> Path:
    packages = prefix / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (packages / name.replace("_pth", ".pth").replace("_py", ".py")).write_text(text)
    return prefix


def test_editable_roots_are_read_from_path_files(project: Project, tmp_path: Path) -> None:
    root = project.root
    project.write("src/pkg/__init__.py", "")
    inside = root / ".venv/lib/python3.11/site-packages"
    lines = (f"{root}/src", "import sys; sys.path", str(tmp_path), "src", f"{root}/missing", str(inside), f"{root}/src")
    environment(root / ".venv", project_pth="\n".join(lines))

    assert editable_roots(root) == (root / "src",)


@pytest.mark.parametrize("annotation", ["", ": dict[str, str]"])
def test_editable_roots_are_read_from_finders(project: Project, annotation: str) -> None:
    root = project.root
    project.write("lib/pkg/__init__.py", "").write("space/ns/part/__init__.py", "").write("one/single.py", "")
    mapping = {"pkg": "lib/pkg", "ns.part": "space/ns/part", "single": "one/single.py", "odd.name": "other/place"}
    project.write("other/place/x.py", "")
    text = f"import sys\nMAPPING{annotation} = { ({name: str(root / place) for name, place in mapping.items()})!r}\n"
    environment(root / "venv", __editable___pkg_finder_py=text)

    assert editable_roots(root) == (root / "lib", root / "one", root / "other", root / "space")


@pytest.mark.parametrize("text", ["MAPPING = ", "MAPPING = f()\n", "MAPPING = 3\n", "MAPPING: dict\n", "x = 1\n"])
def test_a_finder_that_cannot_be_read_names_nothing(project: Project, text: str) -> None:
    environment(project.root / "venv", __editable___pkg_finder_py=text)

    assert editable_roots(project.root) == ()


@pytest.mark.parametrize("how", ["VIRTUAL_ENV", "PATH"])
def test_editable_roots_are_read_from_the_environment_in_use(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    prefix = environment(tmp_path / "env", project_pth=f"{project.root}\n")
    (prefix / "bin").mkdir()
    (prefix / "bin/python").symlink_to(sys.executable)
    before = editable_roots(project.root)
    monkeypatch.setenv(how, str(prefix if how == "VIRTUAL_ENV" else prefix / "bin"))

    assert before == ()
    assert editable_roots(project.root) == (project.root,)


def test_a_note_of_gits_that_a_loss_of_power_left_blank_is_in_nobodys_way(
    project: Project, commits: tuple[str, str]
) -> None:
    users = project.root.parent / "users"
    project.git("worktree", "add", "--quiet", "--detach", str(users))
    notes = WorktreeNotes(project.root / ".git", Repo(project.root).own_folder)
    notes.begin()
    cut_off = project.root / ".git/worktrees/repo"
    shutil.copytree(project.root / ".git/worktrees/users", cut_off)
    (cut_off / "commondir").write_bytes(b"")

    folder = checkout_of(project).check_out(commits[0])

    assert tree_in(folder) == tree_of(project, commits[0])
    assert str(users) in project.git("worktree", "list")


def test_a_second_checkout_from_before_the_machine_started_anew_is_not_believed(
    project: Project, commits: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = checkout_of(project).check_out(commits[0])
    before = folder.stat().st_ino
    (tmp_path / "boot").write_text("another start\n")
    monkeypatch.setattr(disk, "BOOT", tmp_path / "boot")
    kept = os.open(folder, os.O_RDONLY)  # so that no other gets its inode

    again = checkout_of(project).check_out(commits[0])

    assert again.stat().st_ino != before
    assert tree_in(again) == tree_of(project, commits[0])
    os.close(kept)
