"""Which tests a change can reach, by who imports whom. Nothing is imported or run."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from ...project.python_api import PythonApi

_TEST = re.compile(r"(^|/)(test_[^/]+|[^/]+_test)\.py$")
_PLAIN = re.compile(r"\w[\w./-]*")
_DYNAMIC = re.compile(r"import_module|__import__|runpy|subprocess|exec\(|os\.system")


def is_test(path: str) -> bool:
    """Whether a file holds tests of Python, by a name that a command line can take."""
    return _TEST.search(path) is not None and _PLAIN.fullmatch(path) is not None


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
        more = users.get(waiting.pop(), set()) - reached
        reached |= more
        waiting += more
    if any(path.rpartition("/")[2] == "conftest.py" for path in reached):
        return (), "a conftest.py imports what changed"
    tests = {path for path in texts if _TEST.search(path)}
    chosen = tests & reached
    if not chosen:
        return (), "no test imports what changed"
    if chosen == tests:
        return (), "every test file is reached"
    why = f"{len(chosen)} of {len(tests)} test files import what changed, or load or run what nobody can tell"
    return tuple(sorted(chosen)), why


def _users(texts: Mapping[str, str]) -> dict[str, set[str]]:
    """For each file, the files that import it; whoever imports a module imports the packages above it too."""
    api = PythonApi(texts)
    found: dict[str, set[str]] = {}
    for path in texts:
        for target in api.imports(path):
            parts = api.module_of(target).split(".")
            for size in range(1, len(parts) + 1):
                found.setdefault(api.file_of(".".join(parts[:size])), set()).add(path)
    return found
