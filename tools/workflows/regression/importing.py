"""Which Python test files a change can reach, by what imports what. Where that cannot be told, the answer is: all."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping

from .interfaces import Sources, absolute

_TEST = re.compile(r"(^|/)(test_[^/]+|[^/]+_test)\.py$")
_DYNAMIC = re.compile(r"import_module|__import__|runpy|subprocess|exec\(|os\.system")


def is_test(path: str) -> bool:
    """Whether a file holds tests, by its name."""
    return _TEST.search(path) is not None


def affected(texts: Mapping[str, str], changed: Collection[str]) -> tuple[tuple[str, ...], str]:
    """The test files that a change reaches and why not fewer; no files where all have to run, with the reason.

    Args:
        texts: every Python file of the candidate by its path.
        changed: the paths in which the two commits differ.
    """
    if other := sorted(path for path in changed if not path.endswith(".py")):
        return (), f"{other[0]} is no Python file, and nothing tells who reads it"
    if steering := sorted(path for path in changed if path.rpartition("/")[2] in {"conftest.py", "setup.py"}):
        return (), f"{steering[0]} steers every test"
    if gone := sorted(path for path in changed if path not in texts):
        return (), f"{gone[0]} is gone, so nothing tells who imported it"
    users = _users(texts)
    loaders = [path for path, text in texts.items() if _DYNAMIC.search(text)]  # these may load or run whatever changed
    reached, waiting = {*changed, *loaders}, [*changed, *loaders]
    while waiting:
        for path in users.get(waiting.pop(), ()):
            if path not in reached:
                reached.add(path)
                waiting.append(path)
    if any(path.rpartition("/")[2] == "conftest.py" for path in reached):
        return (), "a conftest.py imports what changed"
    tests = {path for path in texts if is_test(path)}
    chosen = tests & reached
    if not chosen:
        return (), "no test imports what changed"
    if chosen == tests:
        return (), "every test file is reached"
    return tuple(
        sorted(chosen)
    ), f"{len(chosen)} of {len(tests)} test files import what changed, or load or run what nobody can tell"


def _users(texts: Mapping[str, str]) -> dict[str, set[str]]:
    """For each file, the files that import it; whoever imports a module imports the packages above it too."""
    sources = Sources(texts)
    found: dict[str, set[str]] = {}
    for path in texts:
        for module in _imports(sources, path):
            parts = module.split(".")
            for size in range(1, len(parts) + 1):
                for name in {".".join(parts[:size]), ".".join([*_folder(path), *parts[:size]])}:
                    if (file := sources.path_of(name)) and file != path:
                        found.setdefault(file, set()).add(path)
    return found


def _folder(path: str) -> list[str]:
    """The folder of a file as names: a script beside another imports it without a package."""
    return path.split("/")[:-1]


def _imports(sources: Sources, path: str) -> set[str]:
    tree = sources.tree(path)
    found: set[str] = set()
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = absolute(path, node)
            found |= {module, *(f"{module}.{alias.name}".lstrip(".") for alias in node.names)}
    return found
