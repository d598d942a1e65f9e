"""Cheats with files: what an agent may not touch, hidden in every way that git and the file system offer."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cheats import BENCH, REFUSED_FILES, SMALL, WORK, earns_no_keep, golf, listed, refused

from autoresearch_mcp.tools.errors import Code
from conftest import Project

Agent = Callable[[Project], object]

FREE = 'echo "METRIC bytes=1"\n'
"""A ruler that gives everybody the same good mark."""


def _moves_code_out(project: Project) -> None:
    project.write("helper.sh", WORK).write("src/work.sh", ". ./helper.sh\n")


def _renames_the_program_out(project: Project) -> None:
    project.git("mv", "src/work.sh", "work.sh")
    project.write("src/work.sh", ". ./work.sh\n")


def _renames_the_answer_in(project: Project) -> None:
    project.git("mv", "expected.txt", "src/expected.txt")
    project.write("src/work.sh", SMALL)


def _empties_the_answer(project: Project) -> None:
    project.write("expected.txt", "\n").write("src/work.sh", SMALL)


def _deletes_the_answer(project: Project) -> None:
    (project.root / "expected.txt").unlink()
    project.write("src/work.sh", SMALL)


def _edits_the_ruler(project: Project) -> None:
    project.write("bench.sh", FREE)


def _links_a_folder_out(project: Project) -> None:
    elsewhere = project.root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "work.sh").write_text(WORK)
    os.symlink(elsewhere, project.root / "src" / "lib")
    project.write("src/work.sh", ". src/lib/work.sh\n")


def _turns_the_scope_into_a_link(project: Project) -> None:
    (project.root / "src").rename(project.root.parent / "elsewhere")
    os.symlink("../elsewhere", project.root / "src")


def _links_to_the_answer(project: Project) -> None:
    os.symlink("../expected.txt", project.root / "src" / "answer")
    project.write("src/work.sh", "cat src/answer\n")


def _links_into_git(project: Project) -> None:
    project.write(".git/helper.sh", WORK).write("src/work.sh", ". src/lib\n")
    os.symlink("../.git/helper.sh", project.root / "src" / "lib")


def _edits_the_ruler_through_a_hard_link(project: Project) -> None:
    mine = project.root / "src" / "mine.sh"
    os.link(project.root / "bench.sh", mine)
    mine.write_text(FREE)


def _replaces_the_ruler_by_a_link(project: Project) -> None:
    (project.root / "bench.sh").unlink()
    project.write("src/bench.sh", FREE)
    os.symlink("src/bench.sh", project.root / "bench.sh")


def _nests_a_repository(project: Project) -> None:
    inner = project.root / "src" / "inner"
    inner.mkdir()
    (inner / "work.sh").write_text(WORK)
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "hidden"]):
        subprocess.run(["git", *command], cwd=inner, check=True)
    project.write("src/work.sh", ". src/inner/work.sh\n")


def _stages_a_submodule(project: Project) -> None:
    head = project.git("rev-parse", "HEAD")
    project.git("update-index", "--add", "--cacheinfo", f"160000,{head},src/sub")
    project.write("src/work.sh", SMALL)


def _names_a_submodule(project: Project) -> None:
    project.write(".gitmodules", '[submodule "x"]\n path = src/x\n url = ../elsewhere\n').write("src/work.sh", SMALL)


def _makes_the_ruler_executable(project: Project) -> None:
    (project.root / "bench.sh").chmod(0o755)


def _filters_what_git_stores(project: Project) -> None:
    project.write("src/.gitattributes", "*.sh filter=golf\n").write("src/work.sh", SMALL)


def _hides_the_difference(project: Project) -> None:
    project.write("src/.gitattributes", "*.sh -diff\n").write("src/work.sh", SMALL)


def _hides_a_file_from_git(project: Project) -> None:
    project.write("src/.gitignore", "lib\n").write("src/lib", WORK).write("src/work.sh", ". src/lib\n")


def _spells_gitattributes_differently(project: Project) -> None:
    project.write("src/.GitAttributes", "*.sh filter=golf\n").write("src/work.sh", SMALL)


def _writes_an_environment(project: Project) -> None:
    project.write("src/.env", "PATH=/tmp\n").write(".env", "PATH=/tmp\n").write("src/work.sh", SMALL)


def _edits_the_plan_file(project: Project) -> None:
    project.write("autoresearch.toml", 'verify = "echo METRIC bytes=1"\n').write("src/work.sh", SMALL)


def _deletes_the_tests(project: Project) -> None:
    (project.root / "check.sh").unlink()
    project.write("app.txt", "bad\n").write("src/work.sh", SMALL)


def _stages_the_ruler_and_puts_the_file_back(project: Project) -> None:
    project.write("bench.sh", FREE)
    project.git("add", "bench.sh")
    project.write("bench.sh", BENCH).write("src/work.sh", SMALL)


IN_THE_TREE: dict[str, Agent] = {
    "code moved to a new file outside the scope": _moves_code_out,
    "the program renamed out of the scope": _renames_the_program_out,
    "the answer renamed into the scope": _renames_the_answer_in,
    "the answer emptied": _empties_the_answer,
    "the answer deleted": _deletes_the_answer,
    "the ruler edited": _edits_the_ruler,
    "a link to a folder outside the repository": _links_a_folder_out,
    "the scope turned into a link": _turns_the_scope_into_a_link,
    "a link to the protected answer": _links_to_the_answer,
    "a link into git's own folder": _links_into_git,
    "the ruler edited through a hard link": _edits_the_ruler_through_a_hard_link,
    "the ruler replaced by a link": _replaces_the_ruler_by_a_link,
    "a repository inside the scope": _nests_a_repository,
    "a submodule in the index": _stages_a_submodule,
    "a submodule by .gitmodules": _names_a_submodule,
    "the mode of the ruler changed": _makes_the_ruler_executable,
    "a filter by .gitattributes": _filters_what_git_stores,
    "the difference hidden by .gitattributes": _hides_the_difference,
    "a file hidden by .gitignore": _hides_a_file_from_git,
    ".gitattributes in other letters": _spells_gitattributes_differently,
    "an environment by .env": _writes_an_environment,
    "the plan file edited": _edits_the_plan_file,
    "the tests behind a guard deleted": _deletes_the_tests,
    "the ruler changed in the index only": _stages_the_ruler_and_puts_the_file_back,
}


OTHERWISE = {
    "a submodule in the index": (Code.OUT_OF_ORDER,),
    "the scope turned into a link": (Code.GIT,),
}
"""Refused for another reason than the path: what is staged is not what stands there; git follows no link."""


@pytest.mark.parametrize("cheat", IN_THE_TREE)
def test_a_change_of_what_is_not_the_agents_to_change_is_refused(tmp_path: Path, cheat: str) -> None:
    project = golf(tmp_path, guards=("sh check.sh",)).start()
    IN_THE_TREE[cheat](project)

    refused(project, *REFUSED_FILES, *OTHERWISE.get(cheat, ()))


@pytest.mark.parametrize("cheat", IN_THE_TREE)
def test_a_scope_of_everything_does_not_open_the_ruler(tmp_path: Path, cheat: str) -> None:
    mine = {
        "code moved to a new file outside the scope",
        "the program renamed out of the scope",
    }
    if cheat in mine:
        pytest.skip("with a scope of everything these files are the agent's")
    project = golf(tmp_path, guards=("sh check.sh",), scope=("**",)).start()
    IN_THE_TREE[cheat](project)

    refused(project, *REFUSED_FILES, *OTHERWISE.get(cheat, ()))


# --- Settings and books of git -----------------------------------------------------------------------------------------


def _excludes_a_file(project: Project) -> None:
    with (project.root / ".git/info/exclude").open("a") as file:
        file.write("helper.sh\n")
    _moves_code_out(project)


def _attributes_of_its_own(project: Project) -> None:
    project.write(".git/info/attributes", "*.sh -diff\n").write("src/work.sh", SMALL)


def _cleans_on_the_way_in(project: Project) -> None:
    project.git("config", "filter.golf.clean", "printf :")
    project.write("src/work.sh", WORK + "#\n")


def _moves_the_hooks(project: Project) -> None:
    project.git("config", "core.hooksPath", "src/hooks")
    project.write("src/hooks/pre-commit", "git add -f bench.sh\n").write("src/work.sh", SMALL)


def _excludes_for_the_machine(project: Project) -> None:
    project.git("config", "core.excludesFile", str(project.root.parent / "ignore"))
    (project.root.parent / "ignore").write_text("helper.sh\n")
    _moves_code_out(project)


def _excludes_for_the_user(project: Project) -> None:
    project.git("config", "--global", "core.excludesFile", str(project.root.parent / "ignore"))
    (project.root.parent / "ignore").write_text("helper.sh\n")
    _moves_code_out(project)


def _adds_a_hook(project: Project) -> None:
    project.hook("pre-commit", f"printf '{SMALL}' > src/work.sh && git add src/work.sh")
    project.write("src/work.sh", WORK + "#\n")


def _flagged(flag: str) -> Agent:
    def agent(project: Project) -> None:
        project.git("update-index", flag, "bench.sh", "notes.txt")
        project.write("notes.txt", WORK).write("bench.sh", FREE).write("src/work.sh", ". ./notes.txt\n")

    return agent


def _flags_what_is_not_protected(project: Project) -> None:
    project.git("update-index", "--assume-unchanged", "notes.txt")
    project.write("notes.txt", WORK).write("src/work.sh", ". ./notes.txt\n")


def _replaces_an_object(project: Project) -> None:
    file = project.root.parent / "free.sh"
    file.write_text(FREE)
    mine = project.git("hash-object", "-w", str(file))
    project.git("replace", project.git("rev-parse", "HEAD:bench.sh"), mine)
    project.write("src/work.sh", SMALL)


def _grafts_history(project: Project) -> None:
    project.write(".git/info/grafts", project.git("rev-parse", "HEAD") + "\n").write("src/work.sh", SMALL)


IN_GIT: dict[str, Agent] = {
    "a file hidden by .git/info/exclude": _excludes_a_file,
    "attributes by .git/info/attributes": _attributes_of_its_own,
    "a clean filter in git's configuration": _cleans_on_the_way_in,
    "hooks moved by core.hooksPath": _moves_the_hooks,
    "a file hidden by core.excludesFile": _excludes_for_the_machine,
    "a file hidden by the user's core.excludesFile": _excludes_for_the_user,
    "a new hook": _adds_a_hook,
    "an edited ruler marked assume-unchanged": _flagged("--assume-unchanged"),
    "an edited ruler marked skip-worktree": _flagged("--skip-worktree"),
    "an edited file outside marked assume-unchanged": _flags_what_is_not_protected,
    "an object replaced by git replace": _replaces_an_object,
    "history grafted": _grafts_history,
}


@pytest.mark.parametrize("cheat", IN_GIT)
def test_settings_of_git_that_would_hide_a_change_are_refused(tmp_path: Path, cheat: str) -> None:
    project = golf(tmp_path).start()
    IN_GIT[cheat](project)

    refused(project)


# --- Code where git does not look --------------------------------------------------------------------------------------

HELPED = ". ./helper.sh\n"


def _in_an_ignored_file(project: Project) -> None:
    project.write(".gitignore", "helper.sh\n").commit("helpers are ignored").start()
    project.write("helper.sh", WORK).write("src/work.sh", HELPED)


def _in_the_users_untracked_file(project: Project) -> None:
    project.write("helper.sh", "# the user's own\n").start()
    project.write("helper.sh", WORK).write("src/work.sh", HELPED)


def _in_a_file_that_a_run_left(project: Project) -> None:
    project.start()
    project.write("src/work.sh", WORK + "test -e helper.sh || cp src/work.sh helper.sh\n")
    project.loop.iterate("longer, and leaves a copy of itself")
    project.write("src/work.sh", HELPED)


def _out_of_the_repository(project: Project) -> None:
    project.start()
    helper = project.root.parent / "h"
    helper.write_text(WORK)
    project.write("src/work.sh", f". {helper}\n")


OUT_OF_SIGHT: dict[str, Agent] = {
    "code moved to a file that git ignores": _in_an_ignored_file,
    "code moved to the user's untracked file": _in_the_users_untracked_file,
    "code moved to a file that a run left": _in_a_file_that_a_run_left,
    "code moved out of the repository": _out_of_the_repository,
}
HOLES = {
    "code moved out of the repository": "nothing outside the repository is looked at",
}


@pytest.mark.parametrize("cheat", listed(OUT_OF_SIGHT, HOLES))
def test_a_keep_stands_on_what_was_committed(tmp_path: Path, cheat: str) -> None:
    project = golf(tmp_path)
    OUT_OF_SIGHT[cheat](project)

    earns_no_keep(project)
