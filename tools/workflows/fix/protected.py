"""Tests and what steers the tools: which of it is not as it was when the ledger was opened, and the tree in which it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from ...diagnostics.tracebacks import TEST_FILE
from ...git.trees import TreeChange, planted
from ...lab.context import RepoContext
from ...measurement.ruler import SCRIPTS
from ...measurement.shadow import shadowed
from ...plan.model import Plan
from ...plan.scope import Scope, literal_glob
from ...project.measurement_inputs import protected_globs
from ..ledger.state import Ledger
from ..running.signs import CONFIGURED
from .queue import ErrorsDetected, iterations, origin

MOST_READ = 200
"""Protected scripts that are read to learn what they import."""


@dataclass(frozen=True)
class ProtectedChanges:
    """What differs from the opening. `named` is what a person has to judge: a test or a setting that changed outside of the
    loop, or although no plan opened it; or a new file that steers a tool. `entries` is all of it, new tests too.
    """

    named: tuple[str, ...]
    entries: tuple[TreeChange, ...]


def protected_changes(context: RepoContext, ledger: Ledger, head: str) -> ProtectedChanges:
    """Compare the tests and settings of a commit with those of the opening."""
    plans = [Plan.model_validate(seen.plan) for seen in ledger.every(ErrorsDetected)]
    outside = _changed_outside(context, ledger, head)
    opened = {glob for plan in plans for glob in plan.protected if glob.startswith("!")}
    closed = Scope([glob for plan in plans for glob in protected_globs(plan) if not glob.startswith("!")])
    differing = context.repo.entries(origin(ledger), head)
    before = frozenset(context.repo.tracked()) - {entry.path for entry in differing if entry.added}
    rulers = _scripts(context, ledger, [path for path in before if path.endswith(SCRIPTS[0]) and closed.matches(path)])
    commands = [command for plan in plans for command in plan.commands]
    entries, named = [], []
    for entry in differing:
        why = _steers(entry.path, rulers, commands, sorted(before)) if entry.added else ""
        if not (why or closed.matches(entry.path) or TEST_FILE.search(entry.path) or CONFIGURED.search(entry.path)):
            continue
        entries.append(entry)
        deleted = entry.new_mode == "000000"
        inside = f"!{literal_glob(entry.path)}" in opened and entry.path not in outside
        if why or not (entry.added or inside):
            named.append(why or f"{entry.path} {'deleted' if deleted else 'changed'}")
    return ProtectedChanges(tuple(named), tuple(entries))


def with_opening_tests(context: RepoContext, head: str, entries: Sequence[TreeChange]) -> str:
    """Return a commit of this one's code with the tests and settings as they were at the opening, new ones left out."""
    files = {one.path: None if one.added else (one.old_mode.encode(), one.old_id.encode()) for one in entries}
    tree = planted(context.repo.git, head, files)
    return context.repo.commit_tree(tree, head, "autoresearch: this code, the tests of the opening")


def _changed_outside(context: RepoContext, ledger: Ledger, head: str) -> set[str]:
    """Return the paths that changed while no session counted: before, between and after those of the ledger."""
    at, found = origin(ledger), set[str]()
    for _, rows in groupby(iterations(ledger, baselines=True), key=lambda one: one.session):
        stands = [one.commit for one in rows if one.kept]
        found |= {entry.path for entry in context.repo.entries(at, stands[0])}
        at = stands[-1]
    return found | {entry.path for entry in context.repo.entries(at, head)}


def _steers(added: str, rulers: Mapping[str, str], commands: Sequence[str], before: Sequence[str]) -> str:
    """Return why a new file steers a tool; empty where it does not."""
    if CONFIGURED.search(added):
        return f"{added} added: tools take their settings from it"
    return shadowed(added, rulers, commands, before)


def _scripts(context: RepoContext, ledger: Ledger, paths: Sequence[str]) -> Mapping[str, str]:
    """Return protected Python files as they were at the opening, by their text."""
    held = context.repo.contents(origin(ledger), sorted(paths)[:MOST_READ])
    return {path: data.decode(errors="replace") for path, data in held.items()}
