"""Whether green tests say anything: the same tests once more, each of which says itself how it ended. What passes that did not end
well is no test.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

from ...diagnostics.tracebacks import TEST_FILE
from ...git.paired_checkout import PairedCheckout
from ...lab.context import RepoContext
from ...measurement.meter import import_paths
from ...process.runner import CommandSpec
from .stand_ins import Function, parsed
from .testruns import REPORT, CaseOutcome, ReportForm, Test, read_tests
from .trials import Contents, write_contents

MOST_FILES = 5000
_OTHERWISE = re.compile(r"raises|fail", re.IGNORECASE)
"""In the name of a decorator: a test that is meant to raise."""
# Bound when the file is loaded: a test may put something else in the place of `os`, and of all that it has.
_SAYS = (
    "autoresearch_says = (lambda write, file: lambda it: write(file, it.encode()))"
    f"(__import__('os').write, __import__('os').open({{0!r}}, {os.O_APPEND | os.O_CREAT | os.O_WRONLY}, 0o600))"
)
_TRY = """\
try:
    pass
except BaseException as autoresearch_raised:
    if "Skip" not in type(autoresearch_raised).__name__:
        autoresearch_says({0!r})
    raise
finally:
    autoresearch_says({1!r})
"""


@dataclass(frozen=True)
class Control:
    """Where the tests of a commit are tried: in a checkout of ours, with these variables and contents of some files, for at most
    so many seconds.
    """

    context: RepoContext
    checkout: PairedCheckout
    timeout_s: float = 3600.0
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Contents = field(default_factory=dict)

    def passing_anyway(self, commands: Iterable[str], commit: str) -> tuple[str, ...]:
        """Return the tests that commands count as passed at a commit although they raise, or never run to their end; a command
        itself where it tells of no test and ends well. Only Python's tests are tried: in one process the code under test can
        change how they are judged, but not what they have said by then.
        """
        return tuple(dict.fromkeys(one for command in commands for one in self._tried(command, commit)))

    def _tried(self, command: str, commit: str) -> list[str]:
        context, repo = self.context, self.context.repo
        folder = self.checkout.check_out(commit, context.untracked)
        key = context.runs.key(f"control {commit} {command}")
        report = repo.own_folder / "reports" / f"control-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        marker = report.with_suffix(".said")
        report.parent.mkdir(parents=True, exist_ok=True)
        write_contents(folder, self.files)
        names = self._made_to_say(folder, commit, marker)
        if not names or context.runs.cancelled:
            return []
        options = f"--tb=no -o junit_family=xunit1 --junitxml={shlex.quote(str(report))}"
        told = {"PYTEST_ADDOPTS": options, REPORT: str(report)}
        variables = {**self.variables, **told, **import_paths(repo.root, folder)}
        spec = CommandSpec(command.replace(str(repo.root), str(folder)), folder, self.timeout_s, variables)
        run = context.runs.run(key, spec)
        tests = read_tests(ReportForm.JUNIT, report.read_text("utf-8", "replace")) if report.is_file() else None
        said = Counter(marker.read_text("utf-8").splitlines() if marker.is_file() else ())
        for file in (report, marker):
            file.unlink(missing_ok=True)
        if tests is not None:
            return _passing_without_ending(tests.values(), names, said)
        each = [(path, name) for path, found in names.items() for name in found]
        raised = any(said[f"{path}::{name} raised"] and not _ended_well(path, name, said) for path, name in each)
        return [f"`{command}`"] if raised and run.exit_code == 0 else []

    def _made_to_say(self, folder: Path, commit: str, marker: Path) -> Mapping[str, Collection[str]]:
        """Let each Python test of a checkout say how it ends; returns their names by file."""
        paths = [path for path in paths_at(self.context, commit) if path.endswith(".py") and TEST_FILE.search(path)]
        texts = {**self.context.repo.contents(commit, paths[:MOST_FILES]), **self.files}
        names: dict[str, Collection[str]] = {}
        for path, data in texts.items():
            file = folder / path
            text, found = _saying(path, (data or b"").decode("utf-8", "replace"), str(marker))
            if found and file.is_file() and not file.is_symlink():
                file.write_bytes(text)
                names[path] = found
        return names


def _saying(path: str, text: str, marker: str) -> tuple[bytes, frozenset[str]]:
    """Return a Python file of tests in which each writes to the file `marker` that it raised, and that it ended; and their names."""
    tree = parsed(text) if path.endswith(".py") else None
    if tree is None:
        return text.encode(), frozenset()
    holders: list[ast.Module | ast.ClassDef] = [tree, *(one for one in ast.walk(tree) if isinstance(one, ast.ClassDef))]
    tests = [one for holder in holders for one in holder.body if _is_test(one)]
    for one in tests:
        name = f"{path}::{one.name}"
        [tried] = ast.parse(_TRY.format(f"{name} raised\n", f"{name} ended\n")).body
        assert isinstance(tried, ast.Try)
        tried.body, one.body = one.body, [tried]
    first = (
        isinstance(one, ast.Expr) or (isinstance(one, ast.ImportFrom) and one.module == "__future__")
        for one in tree.body
    )
    place = next((place for place, held in enumerate(first) if not held), len(tree.body))
    tree.body[place:place] = ast.parse(_SAYS.format(marker)).body
    return ast.unparse(ast.fix_missing_locations(tree)).encode(), frozenset(one.name for one in tests)


def _is_test(node: ast.stmt) -> TypeGuard[Function]:
    if not (isinstance(node, Function) and node.name.startswith("test")):
        return False
    return not any(_OTHERWISE.search(ast.unparse(one).partition("(")[0]) for one in node.decorator_list)


def _passing_without_ending(
    tests: Iterable[Test], names: Mapping[str, Collection[str]], said: Mapping[str, int]
) -> list[str]:
    """Return the functions of which more tests passed than said that they ended well."""
    passed = defaultdict[tuple[str, tuple[str, ...]], list[str]](list)
    for test in (one for one in tests if one.outcome is CaseOutcome.PASSED):
        function = test.id.partition("[")[0].partition(" ")[0]
        name = function.rpartition("::")[2]
        paths = (path for path, found in names.items() if name in found and f"/{path}".endswith(f"/{test.path}"))
        passed[name, tuple(paths)].append(function)
    return [
        function
        for (name, paths), functions in passed.items()
        if paths and len(functions) > sum(_ended_well(path, name, said) for path in paths)
        for function in sorted(set(functions))
    ]


def _ended_well(path: str, name: str, said: Mapping[str, int]) -> int:
    return said.get(f"{path}::{name} ended", 0) - said.get(f"{path}::{name} raised", 0)


def paths_at(context: RepoContext, commit: str) -> tuple[str, ...]:
    """Return every path of a commit."""
    out = context.repo.git.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
    return tuple(path for path in os.fsdecode(out).split("\0") if path)
