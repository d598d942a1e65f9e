"""Ready-made plans for the projects of a repository, the ones that the goal asks for first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, Field

from ..plan.scope import Scope
from .folders import CommandKind, Language
from .measures import AIMS, Aim, Edits, Measure
from .projects import Project
from .recipes import inside

MANY_FILES = 50
_EVERY_GROUP = 10
_ONE_GROUP = 2
_NAMES_PROJECT = 5
_NAMES_LANGUAGE = 3
_LANGUAGES = frozenset(Language)


class Candidate(BaseModel):
    """A ready-made plan."""

    title: str
    why: str
    plan: dict[str, str | list[str]] = Field(description="Arguments for check_plan and start_session.")
    file_count: int = Field(description="Files in scope.")
    warnings: list[str] = []


def candidates(projects: Sequence[Project], goal: str, files: Sequence[str], limit: int = 20) -> list[Candidate]:
    """Return the plans that these projects allow, best match with the goal first; equals by usefulness, root and title.

    Args:
        projects: What `recognise` found.
        goal: The human's words.
        files: All tracked files, for the counts and warnings.
        limit: How many plans at most; a monorepo allows thousands.
    """
    words = tuple(re.findall(r"[a-z0-9+#]+", goal.lower()))
    found = []
    for project in projects:
        for aim in AIMS:
            if (measure := aim.measure(project)) is not None:
                met = _met(aim, words)
                rank = (-_score(aim, project, words, met), -aim.useful, project.root, aim.title)
                found.append((rank, (project, aim, measure, met)))
    ranked = [parts for _, parts in sorted(found, key=lambda pair: pair[0])[:limit]]
    titles = Counter((project.root, aim.title) for project, aim, _, _ in ranked)
    return [
        _candidate(project, aim, measure, _Wish(goal, met, titles[project.root, aim.title] > 1), files)
        for project, aim, measure, met in ranked
    ]


@dataclass(frozen=True)
class _Wish:
    """The goal, its word for each group of stems, and whether a second project of the same folder shares the title."""

    goal: str
    met: tuple[str, ...]
    ambiguous: bool


def _met(aim: Aim, words: Sequence[str]) -> tuple[str, ...]:
    """Return for each group of stems the first word of the goal that starts with one of them, or nothing."""
    return tuple(next((word for word in words if _asks(word, stems)), "") for stems in aim.asks)


def _asks(word: str, stems: Sequence[str]) -> bool:
    """Tell whether a word is, or starts with, a stem. Short stems must be the whole word: `js` is not `json`."""
    return word in stems or (word not in _LANGUAGES and any(len(stem) > 3 and word.startswith(stem) for stem in stems))


def _score(aim: Aim, project: Project, words: Sequence[str], met: Sequence[str]) -> int:
    """Ten a group if all groups are met, two a group otherwise; more where the goal names the project or its language."""
    score = len(met) * _EVERY_GROUP if all(met) else sum(_ONE_GROUP for word in met if word)
    named = project.root.rpartition("/")[2].lower()
    if score and named and named in words:
        score += _NAMES_PROJECT
    if score and any(language in words for language in project.languages):
        score += _NAMES_LANGUAGE
    return score


def _candidate(project: Project, aim: Aim, measure: Measure, wish: _Wish, files: Sequence[str]) -> Candidate:
    scope, protected = _areas(project, aim)
    near = [file for file in files if file.startswith(f"{project.root}/")] if project.root else files
    held = in_scope(scope, protected, near)
    language = f" ({project.languages[0]})" if wish.ambiguous else ""
    plan: dict[str, str | list[str]] = {
        "goal": wish.goal or aim.title,
        "scope": list(scope),
        "protected": list(protected),
        "metric": aim.metric,
        "direction": aim.direction,
        "unit": aim.unit,
        "verify": measure.verify,
        "read": "line",
        "guards": list(_guards(project, aim)),
        "guard_metrics": list(measure.guard_metrics),
    }
    return Candidate(
        title=aim.title + (f" in {project.root}" if project.root else "") + language,
        why=_why(aim, wish.met),
        plan={name: value for name, value in plan.items() if value},
        file_count=len(held),
        warnings=[
            *measure.warnings,
            *scope_warnings(held, (project,)),
            *_warnings(project, aim, files),
            *project.warnings,
        ],
    )


def _why(aim: Aim, met: Sequence[str]) -> str:
    asked = ", ".join(f"“{word}”" for word in dict.fromkeys(met) if word)
    reason = f"the goal says {asked}" if asked else "not named in the goal, but possible here"
    return f"Measures {aim.means}; {reason}."


def _areas(project: Project, aim: Aim) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the scope and what is protected: sources or tests may change, never both, and never a manifest."""
    if aim.edits is Edits.TESTS:
        start = f"{project.root}/" if project.root else ""
        return project.tests or (f"{start}tests/**",), (*project.sources, *project.fixed)
    return project.sources, (*project.tests, *project.fixed)


def _guards(project: Project, aim: Aim) -> tuple[str, ...]:
    first = (next(iter(project.of_kind(kind)), None) for kind in aim.guards)
    return tuple(inside(project.root, command.text) for command in first if command is not None)


def in_scope(scope: Sequence[str], protected: Sequence[str], files: Sequence[str]) -> tuple[str, ...]:
    """Return the files that a plan with this scope may change."""
    wanted, kept = Scope(scope), Scope(protected)
    return tuple(file for file in files if wanted.matches(file) and not kept.matches(file))


def scope_warnings(held: Sequence[str], projects: Sequence[Project]) -> tuple[str, ...]:
    """Return what is odd about the files that a plan may change, whoever wrote the plan."""
    if not held:
        return ("No file matches the scope.",)
    found = []
    if len(held) > MANY_FILES:
        found.append(f"{len(held)} files are in the scope; a narrower one gives clearer experiments.")
    tests = Scope([glob for project in projects for glob in project.tests])
    tested = sum(tests.matches(file) for file in held)
    if 0 < tested < len(held):
        found.append(f"Tests and sources are mixed in the scope: {tested} of {len(held)} files are tests.")
    return tuple(found)


def _warnings(project: Project, aim: Aim, files: Sequence[str]) -> tuple[str, ...]:
    found = []
    if CommandKind.TEST in aim.guards and not project.of_kind(CommandKind.TEST):
        found.append("No test runner was found, so nothing guards the behaviour.")
    start = f"{project.root}/" if project.root else ""
    built = Scope([f"{start}{output}" for output in project.outputs])
    if aim.metric == "bundle_bytes" and any(built.matches(file) for file in files):
        what = start + project.outputs[0]
        found.append(f"{what} is tracked: building changes it, and a session needs a clean tree. Untrack it first.")
    return tuple(found)
