"""Whether green tests say anything: the same tests once more, each of which raises at its end. What passes all the same is no test."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...diagnostics.tracebacks import TEST_FILE
from ...git.paired_checkout import PairedCheckout
from ...lab.context import RepoContext
from ...measurement.meter import import_paths
from ...process.runner import CommandSpec
from .stand_ins import raising
from .testruns import REPORT, CaseOutcome, ReportForm, Test, read_tests

MOST_FILES = 5000


@dataclass(frozen=True)
class Control:
    """Where the tests of a commit are tried: in a checkout of ours, with these variables, for at most so many seconds."""

    context: RepoContext
    checkout: PairedCheckout
    timeout_s: float = 3600.0
    variables: Mapping[str, str] = field(default_factory=dict)

    def passing_anyway(self, commands: Iterable[str], commit: str, before: str) -> tuple[str, ...]:
        """Return the tests that commands count as passed at a commit although each raises; a command itself where it tells of no
        test and ends well. Left out is what does so at the commit `before` too, where others fail. Only Python's tests are
        tried: in one process the code under test can change how they are judged.
        """
        found: list[str] = []
        for command in commands:
            passed, _ = self._tried(command, commit)
            known, others = self._tried(command, before) if passed and before else (frozenset(), False)
            found += sorted(passed - known if others else passed)
        return tuple(dict.fromkeys(found))

    def _tried(self, command: str, commit: str) -> tuple[frozenset[str], bool]:
        """Return what passes although it raises, and whether anything fails."""
        context, repo = self.context, self.context.repo
        folder = self.checkout.check_out(commit, context.untracked)
        key = context.runs.key(f"control {commit} {command}")
        report = repo.own_folder / "reports" / f"control-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        marker = report.with_suffix(".ran")
        names = self._made_to_fail(folder, commit, marker)
        if not names or context.runs.cancelled:
            return frozenset(), False
        report.parent.mkdir(parents=True, exist_ok=True)
        options = f"--tb=no -o junit_family=xunit1 --junitxml={shlex.quote(str(report))}"
        told = {"PYTEST_ADDOPTS": options, REPORT: str(report)}
        variables = {**self.variables, **told, **import_paths(repo.root, folder)}
        run = context.runs.run(key, CommandSpec(command, folder, self.timeout_s, variables))
        tests = read_tests(ReportForm.JUNIT, report.read_text("utf-8", "replace")) if report.is_file() else None
        ran = marker.is_file()
        for file in (report, marker):
            file.unlink(missing_ok=True)
        if tests is None:
            return frozenset({f"`{command}`"} if ran and run.exit_code == 0 else ()), run.exit_code != 0
        passed = (one.id for one in tests.values() if one.outcome is CaseOutcome.PASSED and _among(one, names))
        return frozenset(passed), any(one.outcome is CaseOutcome.FAILED for one in tests.values())

    def _made_to_fail(self, folder: Path, commit: str, marker: Path) -> Mapping[str, Collection[str]]:
        """Let each Python test of a checkout raise; returns their names by file."""
        paths = [path for path in paths_at(self.context, commit) if path.endswith(".py") and TEST_FILE.search(path)]
        names: dict[str, Collection[str]] = {}
        for path, data in self.context.repo.contents(commit, paths[:MOST_FILES]).items():
            text, names[path] = raising(path, data.decode("utf-8", "replace"), str(marker))
            file = folder / path
            if names[path] and file.is_file() and not file.is_symlink():
                file.write_bytes(text)
        return {path: found for path, found in names.items() if found}


def _among(test: Test, names: Mapping[str, Collection[str]]) -> bool:
    name = re.split(r"::", test.id)[-1].partition("[")[0]
    return any(name in found and f"/{path}".endswith(f"/{test.path}") for path, found in names.items())


def paths_at(context: RepoContext, commit: str) -> tuple[str, ...]:
    """Return every path of a commit."""
    out = context.repo.git.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit)
    return tuple(path for path in os.fsdecode(out).split("\0") if path)
