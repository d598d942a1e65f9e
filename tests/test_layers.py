"""The house: each foreign library has one home, what is written is what is shipped. The arrows are `lint-imports`' part."""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOMES = {
    "git": {"tools/git/cli.py"},
    "subprocess": {
        *("tools/process/runner.py", "tools/process/isolation.py"),
        *("tools/project/scan.py", "tools/diagnostics/counting.py"),
        *("tools/driver/keeper.py", "tools/driver/leg.py"),  # a client, driven
        "tools/process/gpus.py",  # the driver of NVIDIA, which lists
        "tools/storage/signing.py",  # OpenSSH, which signs
        "tools/parallel/executor.py",  # the process that speaks to Ray or Slurm
        *("server/cli/install.py", "server/cli/run.py"),  # a client's own command; a run without its terminal
    },
    "sqlite3": {"tools/storage/database.py"},
    "fcntl": {"tools/storage/disk.py", "tools/process/supervisor.py", "tools/process/landlock.py"},
    "ctypes": {"tools/process/landlock.py", "tools/process/processes.py"},
    "mcp": {
        *(f"server/{name}.py" for name in ("app", "offered", "prompting", "tool", "consenting", "failures")),
        *("server/cli/demo.py", "server/web/over_http.py", "server/stdio/readable.py"),
    },
    "uvicorn": {"server/web/over_http.py"},
    "starlette": {"server/web/over_http.py"},
    "rich": {f"server/cli/{name}.py" for name in ("demo", "run", "setup_commands", "watch")},
    "shtab": {"server/cli/setup_commands.py"},
    "tomlkit": {"tools/doctor/configuration.py"},
    "markdown_it": {"tools/text/markdown.py"},
    "resvg_py": {"tools/report/plot.py"},
    "jinja2": {"tools/report/rendering.py", "tools/text/templates.py"},
    "http": {"server/web/live.py"},
    "ray": {"tools/parallel/engines.py"},
    "submitit": {"tools/parallel/engines.py"},
}
# A person's globs have one dialect, `Scope`. These two match names of our own and what package managers write.
OTHER_MATCHERS = {"tools/project/projects.py"}


@cache
def foreign() -> dict[str, set[str]]:
    """The libraries that each file imports."""
    return {
        str(file.relative_to(ROOT)): _imported(ast.parse(file.read_text(encoding="utf-8")))
        for top in ("server", "tools", "prompts")
        for file in sorted((ROOT / top).rglob("*.py"))
    }


def _imported(tree: ast.Module) -> set[str]:
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    froms = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module and n.level == 0}
    return {name.split(".")[0] for name in names | froms}


@pytest.mark.parametrize("library", HOMES)
def test_each_foreign_library_has_its_home(library: str) -> None:
    assert {name for name, libraries in foreign().items() if library in libraries} == HOMES[library]


def test_globs_of_a_plan_have_one_dialect() -> None:
    assert {
        name for name, libraries in foreign().items() if libraries & {"fnmatch", "glob", "pathspec"}
    } == OTHER_MATCHERS


def test_every_package_on_disk_is_listed_and_typed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(project["tool"]["setuptools"]["packages"])
    folders = {file.parent for top in ("server", "tools", "prompts") for file in (ROOT / top).rglob("__init__.py")}
    templates = {*(ROOT / "tools").rglob("templates"), *(ROOT / "examples" / "shapes").iterdir()}
    templates.add(ROOT / "examples" / "catalog")
    on_disk = {f"autoresearch_mcp.{'.'.join(folder.relative_to(ROOT).parts)}" for folder in folders | templates}
    without_init = {file.parent for top in ("server", "tools", "prompts") for file in (ROOT / top).rglob("*.py")}

    assert listed == on_disk | {"autoresearch_mcp.gpt_harness"}
    assert without_init == folders
    assert all((ROOT / top / "py.typed").exists() for top in ("server", "tools", "prompts"))


def test_no_class_name_means_two_things() -> None:
    found = Counter(
        node.name
        for top in ("server", "tools", "prompts", "gpt_harness")
        for file in (ROOT / top).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    )

    assert [name for name, times in found.items() if times > 1] == []


def test_only_one_file_pins_torch() -> None:
    pinned = [
        file.name
        for file in (*ROOT.glob("*"), *(ROOT / ".ci").glob("*"))
        if file.is_file() and "torch==" in file.read_text(encoding="utf-8", errors="ignore") and file.suffix != ".md"
    ]

    assert pinned == ["constraints.txt"]


def test_the_changelog_knows_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert f"## {project['project']['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_files_of_the_harness_import_one_another_one_way() -> None:
    """They are scripts without a package, so `lint-imports` does not see them."""
    files = {file.stem: ast.parse(file.read_text(encoding="utf-8")) for file in (ROOT / "gpt_harness").glob("*.py")}

    TopologicalSorter({name: _imported(tree) & files.keys() for name, tree in files.items()}).prepare()


def test_no_file_is_longer_than_a_reader_keeps_in_mind() -> None:
    """But for the one file that an experiment edits, which holds a whole model on purpose."""
    files = [file for top in ("server", "tools", "prompts", "gpt_harness") for file in (ROOT / top).rglob("*.py")]
    lengths = {file: file.read_text(encoding="utf-8").count("\n") for file in files if file.name != "train.py"}

    assert [file for file, length in lengths.items() if length > 350] == []
