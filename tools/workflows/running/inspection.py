"""Look into a project: run its checks, read its texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...diagnostics.counting import ABSENT
from ...iteration.gates import listed
from ...iteration.preflight import put_back
from ...lab.context import RepoContext
from ...plan.model import Plan
from ...project.folders import CommandKind
from ...project.projects import Project
from ...project.scan import recognised
from .proofs import reproduce

CHECKS = (CommandKind.TEST, CommandKind.TYPES, CommandKind.LINT, CommandKind.BUILD)
CHECK_TIMEOUT_S = 600.0
MOST_CHECKS = 8
LARGEST_FILE = 256 * 1024
MOST_READ = 2000
"""Files that one look at a repository reads at most."""


def projects_of(context: RepoContext) -> tuple[Project, ...]:
    """Return the projects of the checkout."""
    files = context.repo.tracked()
    return recognised(context.repo.root, files)


def checks_of(projects: Iterable[Project], kinds: Sequence[CommandKind] = CHECKS) -> list[dict[str, str]]:
    """Return the first command of each kind that each project has, as typed at the repository's root."""
    found = [
        {"kind": str(kind), "command": f"cd {project.root} && {command.text}" if project.root else command.text}
        for project in projects
        for kind in kinds
        for command in project.of_kind(kind)[:1]
    ]
    return found[:MOST_CHECKS]


def run_checks(context: RepoContext, checks: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Run commands where a person agreed to them, and tell what each did."""
    results = []
    for check in checks:
        before = {change.path for change in context.repo.changes() if change.tracked}
        ran = reproduce(context, check["command"], CHECK_TIMEOUT_S)
        wrote, kept = put_back(context, Plan(), before)
        absent = ABSENT.search(ran.tail) if ran.exit_code else None
        said = ran.why or (
            f"not installed ({absent[0].strip()})" if absent
            else "timed out" if ran.timed_out
            else "passes" if ran.exit_code == 0
            else f"exit {ran.exit_code}"
        )  # fmt: skip
        if wrote:
            said += f"; it changed {listed(wrote)}: put back, and what it wrote is kept in {kept}"
        results.append({**check, "exit_code": None if absent else ran.exit_code, "said": said, "tail": ran.tail})
    return results


def texts_of(context: RepoContext, files: Sequence[str]) -> dict[str, str]:
    """Return the text of files at HEAD, as many as one look may read; large ones and those that are no text are left out. Their
    size in the checkout counts, unread.
    """
    there = [context.repo.root / path for path in files]
    sizes = [file.lstat().st_size if file.is_file() and not file.is_symlink() else LARGEST_FILE + 1 for file in there]
    small = [path for path, size in zip(files, sizes, strict=True) if size <= LARGEST_FILE][:MOST_READ]
    texts = context.repo.contents(context.repo.head(), small).items()
    return {path: data.decode("utf-8", errors="replace") for path, data in texts if b"\0" not in data[:1024]}
