"""Whether a new file bends the ruler without touching it: by its name it would be used in place of something else."""

from __future__ import annotations

import ast
import posixpath
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from ..project.measurement_inputs import executables, search_folders, tools, working_folders

_STEERS = {
    "conftest.py": "pytest runs it before the tests",
    "pytest.ini": "pytest takes its settings from it",
    ".pytest.ini": "pytest takes its settings from it",
    "pytest.toml": "pytest takes its settings from it",
    ".pytest.toml": "pytest takes its settings from it",
    "pyvenv.cfg": "Python takes its place on the machine from it",
    ".env": "programs take their environment from it",
    ".envrc": "shells take their environment from it",
    ".gitattributes": "it changes how git reads and writes files",
    ".gitignore": "it hides files from git",
    ".gitmodules": "it tells git about other repositories",
}
_STEERS_PYTEST = dict.fromkeys(("tox.ini", "setup.cfg", "pyproject.toml"), "pytest may take its settings from it")
_CUSTOM = ("sitecustomize", "usercustomize")
_MODULE = re.compile(r"(\w+)(?:\.py|\.pyc|(?:\.[\w-]+)*\.(?:so|pyd))")
_PYTHON = re.compile(r"(?:pythonw?|pypy)[\d.]*|pytest|py\.test|tox|uvx?|poetry|pdm|hatch|pipenv|coverage|ipython")


def shadowed(added: str, rulers: Mapping[str, str], commands: Sequence[str], before: Sequence[str] = ()) -> str:
    """Return why adding a file would bend the ruler without touching it; empty when it would not.

    `rulers` maps the protected Python files to their text. A module that `before`, the files that were there already,
    provides under the same name is the repository's own, so that a module may become a package.
    """
    return _steering(added, commands) or _imported(added, rulers, commands, before) or _started(added, commands)


def _steering(added: str, commands: Sequence[str]) -> str:
    # Some file systems ignore case, and git and pytest open these by name.
    name = posixpath.basename(added).casefold()
    steers = _STEERS | (_STEERS_PYTEST if {"pytest", "py.test", "tox"} & _tools(commands) else {})
    if why := steers.get(name):
        return f"{added} would bend the measurement: {why}"
    if name == "entry_points.txt" and posixpath.dirname(added).endswith((".dist-info", ".egg-info")):
        return f"{added} would bend the measurement: Python programs take their plug-ins from it"
    if name.endswith(".pth") or _is_custom(added):
        return f"{added} would bend the measurement: Python runs it at every start"
    return ""


def _is_custom(added: str) -> bool:
    folder, name = posixpath.split(added)
    match = _MODULE.fullmatch(name)
    module = match[1] if match else ""
    return (posixpath.basename(folder) if module == "__init__" else module) in _CUSTOM


def _tools(commands: Sequence[str]) -> frozenset[str]:
    return frozenset(tool for command in commands for tool in tools(command))


def _imported(added: str, rulers: Mapping[str, str], commands: Sequence[str], before: Sequence[str]) -> str:
    if not rulers and not any(map(_PYTHON.fullmatch, _tools(commands))):
        return ""
    for folder in _import_folders(rulers, commands):
        module = _dotted(_below(folder, added))
        if module in sys.stdlib_module_names:
            return f"{added} would be imported by {_importer(module, folder, rulers)} instead of the standard library's {module}"
        importer = next((path for path, text in rulers.items() if module and module in _imports(text)), "")
        if importer and not _provided(module, folder, before):
            return f"{added} would be imported by {importer} as {module}, which did not come from the repository before"
    return ""


def _import_folders(rulers: Mapping[str, str], commands: Sequence[str]) -> Iterable[str]:
    beside = (posixpath.dirname(path) for path in rulers)
    entered = (folder for command in commands for folder in working_folders(command))
    return dict.fromkeys((*beside, "", *entered, *search_folders(commands, "PYTHONPATH")))


def _below(folder: str, path: str) -> str:
    """Return the path relative to a folder; empty outside of it."""
    if not folder:
        return path
    return path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else ""


def _dotted(path: str) -> str:
    """Return the name under which Python would import a file; empty for what it would not."""
    folder, _, name = path.rpartition("/")
    match = _MODULE.fullmatch(name)
    if match is None or not re.fullmatch(r"[\w/]*", folder):
        return ""
    names = [*folder.split("/"), match[1]] if folder else [match[1]]
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


def _importer(module: str, folder: str, rulers: Mapping[str, str]) -> str:
    """Return the protected file to name: one that says so itself, else a neighbour."""
    beside = [path for path in rulers if posixpath.dirname(path) == folder]
    importing = (path for path in (*beside, *rulers) if module in _imports(rulers[path]))
    return next(importing, beside[0] if beside else "the measurement")


def _provided(module: str, folder: str, before: Sequence[str]) -> bool:
    return any(_dotted(_below(folder, path)) == module for path in before)


@lru_cache(maxsize=1024)
def _imports(text: str) -> frozenset[str]:
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(part for node in nodes for name in _names(node) for part in _prefixes(name))


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        # `from a import b` may mean the module a.b.
        yield from (f"{node.module}.{alias.name}" if node.module else alias.name for alias in node.names)
    elif isinstance(node, ast.Call) and _is_import(node.func):
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


def _is_import(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in {"__import__", "import_module", "find_spec", "importorskip"}


def _prefixes(name: str) -> Iterator[str]:
    parts = name.split(".")
    return (".".join(parts[:size]) for size in range(1, len(parts) + 1))


def _started(added: str, commands: Sequence[str]) -> str:
    programs = {program for command in commands for program in executables(command)}
    if added in {posixpath.normpath(program) for program in programs if "/" in program}:
        return f"{added} would be started by the commands, which name it"
    folder, name = posixpath.split(added)
    if name in programs and folder in search_folders(commands, "PATH"):
        return f"{added} would be started by the commands instead of the machine's {name}"
    return ""
