"""What the server finds out about a project by itself: its own checks, what changed lately, lines worth a look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ...lab.context import RepoContext
from ...project.projects import CommandKind, Project, recognise
from ...project.scan import scan
from ..ledger.events import Observed
from ..ledger.ledger import Ledger
from ..ledger.proof import REPRODUCED, pending
from .hints import Hint, Pattern, hints
from .reproduction import reproduce
from .runner import observed

CHECKS = (CommandKind.TEST, CommandKind.TYPES, CommandKind.LINT, CommandKind.BUILD)
CHECK_TIMEOUT_S = 600.0
MOST_CHECKS = 8
LARGEST_FILE = 256 * 1024
LARGEST_LOOK = 8 * 1024 * 1024
"""Bytes that one look at a repository reads at most."""
MOST_HINTS = 60
COMMITS_LOOKED_AT = 30
MOST_RECENT = 20


def projects_of(context: RepoContext) -> tuple[Project, ...]:
    """The projects of the checkout."""
    files = context.repo.tracked()
    return recognise(files, scan(context.repo.root, files))


def checks_of(projects: Iterable[Project], kinds: Sequence[CommandKind] = CHECKS) -> list[dict[str, str]]:
    """The first command of each kind that each project has, as typed at the repository's root."""
    found = [
        {"kind": str(kind), "command": f"cd {project.root} && {command.text}" if project.root else command.text}
        for project in projects
        for kind in kinds
        for command in project.of_kind(kind)[:1]
    ]
    return found[:MOST_CHECKS]


def run_checks(context: RepoContext, checks: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Run commands where a person agreed to them, and tell what each did."""
    told = []
    for check in checks:
        ran = reproduce(context, check["command"], CHECK_TIMEOUT_S)
        said = ran.why or (
            "timed out" if ran.timed_out else "passes" if ran.exit_code == 0 else f"exit {ran.exit_code}"
        )
        told.append({**check, "exit_code": ran.exit_code, "said": said, "tail": ran.tail})
    return told


def run_pending(context: RepoContext, ledger: Ledger) -> list[Observed]:
    """Run the commands of items that nobody had agreed to when these were recorded."""
    seen = {id: reproduce(context, command) for id, command in pending(ledger) if context.consent.agreed_to(command)}
    facts = {id: ran.model_dump(mode="json", exclude_defaults=True) for id, ran in seen.items()}
    return [observed(context, REPRODUCED, **facts)] if facts else []


def recent(context: RepoContext, files: Iterable[str]) -> list[tuple[str, int]]:
    """The files among these that the last commits changed, with how many did, the newest change first."""
    there = set(files)
    changed = context.repo.recently_changed(COMMITS_LOOKED_AT)
    return [(path, times) for path, times in changed.items() if path in there][:MOST_RECENT]


def texts_of(context: RepoContext, files: Sequence[str]) -> dict[str, str]:
    """The text of files at HEAD, as many as one look may read; large ones and those that are no text are left out."""
    return {
        path: data.decode("utf-8", errors="replace")
        for path, data in context.repo.contents(context.repo.head(), _readable(context, files)).items()
        if len(data) <= LARGEST_FILE and b"\0" not in data[:1024]
    }


def _readable(context: RepoContext, files: Sequence[str]) -> list[str]:
    """The files that are small enough, up to what one look reads; told from the checkout, so that no large one is read."""
    found: list[str] = []
    room = LARGEST_LOOK
    for path in files:
        file = context.repo.root / path
        size = file.lstat().st_size if file.is_file() and not file.is_symlink() else LARGEST_FILE + 1
        if size <= LARGEST_FILE:
            room -= size
            found.append(path)
        if room < 0:
            break
    return found


def looked_through(texts: Mapping[str, str], patterns: Sequence[Pattern]) -> list[dict[str, str]]:
    """The lines that match a pattern, in the order of the files."""
    found: list[Hint] = []
    for path, text in texts.items():
        found += hints(path, text, patterns)
        if len(found) >= MOST_HINTS:
            break
    return [asdict(hint) for hint in found[:MOST_HINTS]]
