"""The house: arrows run one way, each foreign library has one home, what is written is what is shipped."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = (
    *("server", "tools", "tools/rules", "tools/rules/checks", "tools/rules/diagnostics", "tools/rules/ledgers"),
    *("tools/edges", "tools/mechanics", "prompts"),
)
RULES = {"tools/rules", "tools/rules/checks", "tools/rules/diagnostics", "tools/rules/ledgers"}
MAY_IMPORT = {
    "tools/rules": {"tools/rules", "tools/rules/checks", "tools/rules/diagnostics"},
    "tools/rules/checks": RULES,
    "tools/rules/diagnostics": {"tools/rules", "tools/rules/diagnostics"},
    "tools/rules/ledgers": RULES,
    "tools/edges": {"tools/edges", "tools", *RULES},
    "tools/mechanics": {"tools/mechanics", "tools", "tools/edges", *RULES},
    "tools": {"tools", "tools/mechanics", "tools/edges", *RULES},
    "prompts": {"prompts"},
    "server": {"server", "prompts", "tools", "tools/edges", *RULES},
}
HOMES = {
    "git": {"tools/edges/gitcli.py"},
    "subprocess": {f"tools/edges/{name}.py" for name in ("nursery", "scan", "sandbox", "counting")},
    "sqlite3": {"tools/edges/database.py"},
    "fcntl": {"tools/edges/disk.py", "tools/edges/supervisor.py", "tools/edges/landlock.py"},
    "ctypes": {"tools/edges/landlock.py", "tools/edges/supervisor.py"},
    "mcp": {f"server/{name}.py" for name in ("app", "tool", "completing", "consenting", "demo", "over_http")},
    "uvicorn": {"server/over_http.py"},
    "starlette": {"server/over_http.py"},
    "rich": {"server/demo.py", "server/doctor.py", "server/terminal.py"},
    "shtab": {"server/completion.py"},
    "markdown_it": {"tools/rules/markdown.py"},
    "matplotlib": {"tools/edges/plot.py"},
    "PIL": {"tools/edges/plot.py"},
    "jinja2": {"tools/edges/pages.py"},
    "http": {"server/live.py"},
}
# A person's globs have one dialect, `Scope`. These two match names of our own and what package managers write.
OTHER_MATCHERS = {"tools/edges/unseen.py", "tools/rules/projects.py"}
NEVER = {"torch", "numpy", "tiktoken", "tokenizers"}
IMPURE = {"os", "pathlib", "time", "datetime", "subprocess", "random", "shutil", "tempfile", "socket", "sqlite3", "io"}


def modules() -> Iterator[tuple[str, str, ast.Module]]:
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).glob("*.py")):
            yield folder, f"{folder}/{file.name}", ast.parse(file.read_text(encoding="utf-8"))


def foreign(tree: ast.Module) -> set[str]:
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    froms = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module and n.level == 0}
    return {name.split(".")[0] for name in names | froms}


def own(folder: str, tree: ast.Module) -> set[str]:
    """Folders that a module imports from, by its relative imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = Path(folder, *[".."] * (node.level - 1))
            parts = [*(ROOT / base).resolve().relative_to(ROOT).parts, *(node.module or "").split(".")]
            names = [part for part in parts if part]
            found.add(next("/".join(names[:size]) for size in (3, 2, 1) if "/".join(names[:size]) in FOLDERS))
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_arrows_run_one_way(folder: str) -> None:
    for place, name, tree in modules():
        if place == folder:
            assert own(folder, tree) <= MAY_IMPORT[folder], name


@pytest.mark.parametrize("library", HOMES)
def test_each_foreign_library_has_its_home(library: str) -> None:
    assert {name for _, name, tree in modules() if library in foreign(tree)} == HOMES[library]


def test_globs_of_a_plan_have_one_dialect() -> None:
    assert {name for _, name, tree in modules() if foreign(tree) & {"fnmatch", "glob", "pathspec"}} == OTHER_MATCHERS


def test_nothing_of_ours_imports_what_the_harness_needs() -> None:
    assert not [name for _, name, tree in modules() if foreign(tree) & NEVER]


def test_rules_know_no_clock_no_disk_and_no_processes() -> None:
    assert not [name for folder, name, tree in modules() if folder in RULES and foreign(tree) & IMPURE]


def test_of_the_tools_folder_the_edges_need_only_the_errors() -> None:
    for folder, name, tree in modules():
        if folder == "tools/edges":
            up = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level == 2 and n.module}
            assert {module for module in up if not module.startswith("rules")} <= {"errors"}, name


def test_every_package_on_disk_is_listed_and_typed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    listed = set(project["tool"]["setuptools"]["packages"])
    on_disk = {f"autoresearch_mcp.{folder.replace('/', '.')}" for folder in FOLDERS}
    found = {str(file.parent.relative_to(ROOT)) for top in FOLDERS for file in (ROOT / top).rglob("__init__.py")}

    assert listed == on_disk | {"autoresearch_mcp.gpt_harness", "autoresearch_mcp.tools.templates"}
    assert found == set(FOLDERS)
    assert all((ROOT / folder / "py.typed").exists() for folder in FOLDERS)


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
