"""Ready-made plans for what a goal asks for in the projects of a repository, and what to add where nothing measures it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel, Field

from ..plan.model import Plan
from ..plan.scope import Scope
from .aims import AIMS, Aim, Edits
from .folders import CommandKind, Language, ProjectCommand
from .goals import Quality, conditions_of, wished, words_of
from .lacking import Lacking, lacking, unknown
from .measurement_inputs import protected_globs
from .measures import Measure, needed
from .projects import Project
from .recipes import inside

MANY_FILES = 50


class Candidate(BaseModel):
    """A ready-made plan."""

    title: str
    why: str
    plan: dict[str, str | list[str]] = Field(description="Arguments for check_plan and start_session.")
    file_count: int = Field(description="Files in scope.")
    needs: list[str] = Field([], description="What to type first, because a tool is not installed.")
    warnings: list[str] = []

    def lines(self) -> list[str]:
        """Return all that is needed to pass the plan on, in words."""
        parts = [
            f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in self.plan.items() if name != "goal"
        ]
        first = [f"   first: `{line}`" for line in self.needs]
        return [f"{self.title}: {self.why} {self.file_count} {'file' if self.file_count == 1 else 'files'} in scope.", *(f"   {part}" for part in parts), *first,
                *(f"   warning: {warning}" for warning in self.warnings)]  # fmt: skip


@dataclass(frozen=True)
class Proposals:
    """The plans that fit a goal, the best first; what to add for what nothing measures; what else could be measured here."""

    candidates: tuple[Candidate, ...] = ()
    lacking: tuple[Lacking, ...] = ()
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Offer:
    project: Project
    aim: Aim
    measure: Measure
    scope: tuple[str, ...]
    protected: tuple[str, ...]
    held: tuple[str, ...]


def propose(projects: Sequence[Project], goal: str, files: Sequence[str], limit: int = 20) -> Proposals:
    """Return what these projects offer for a goal; without a goal all that they offer, the most useful first.

    Args:
        projects: What `recognise` found.
        goal: The human's words.
        files: All tracked files, for the counts and warnings.
        limit: How many plans at most; a monorepo allows thousands.
    """
    words, asked = words_of(goal), wished(goal)
    ranked = sorted((_named_first(one, words) for one in projects), key=lambda project: _rank(project, words, files))
    offers = [offer for project in ranked for aim in AIMS if (offer := _offer(project, aim, files)) is not None]
    if not goal.strip():
        wanted = sorted(
            (one for one in offers if one.aim.quality is not Quality.CODE_QUALITY), key=lambda one: AIMS.index(one.aim)
        )
        return Proposals(_candidates(wanted[:limit], goal, files))
    fitting = [one for quality in asked for one in _best_first(offers, quality, ranked)]
    there = {one.aim.quality for one in fitting}
    lacks = {quality: _missing(quality, ranked, goal, files) for quality in asked}
    written = [_written(one, files) for one in lacks.values() if one.file in files]
    missing = [one for quality, one in lacks.items() if quality not in there and one.file not in files]
    titles = dict.fromkeys(one.aim.title for one in offers if one.aim.metric not in {fit.aim.metric for fit in fitting})
    nothing = (unknown(goal),) if not asked else ()
    return Proposals((*written, *_candidates(fitting, goal, files))[:limit], (*missing, *nothing), tuple(titles))


def _best_first(offers: Iterable[_Offer], quality: Quality, ranked: Sequence[Project]) -> list[_Offer]:
    """Return the offers for a quality: by project, and in each as the table has them."""
    fitting = [one for one in offers if one.aim.quality is quality]
    return sorted(fitting, key=lambda one: (ranked.index(one.project), AIMS.index(one.aim)))


_WORDS_OF = {
    r"bundles?|js|javascript|typescript|node|css|web|frontend|npm|assets?": (Language.JAVASCRIPT, Language.TYPESCRIPT),
    r"binar\w+|programs?|executables?": (Language.C, Language.CPP, Language.RUST, Language.GO),
    r"wheels?|python": (Language.PYTHON,),
    r"crates?|cargo": (Language.RUST,),
    r"jars?|maven|gradle": (Language.JAVA, Language.KOTLIN),
    r"gems?": (Language.RUBY,),
    r"golang": (Language.GO,),
    r"notebooks?": (Language.NOTEBOOK,),
}


def _named_first(project: Project, words: Sequence[str]) -> Project:
    """Put the benchmarks that the goal's words name before the others."""
    stems = [word[:4] for word in words if len(word) > 4]

    def other(command: ProjectCommand) -> bool:
        return command.kind is not CommandKind.BENCHMARK or not any(stem in command.text for stem in stems)

    return replace(project, commands=tuple(sorted(project.commands, key=other)))


def _rank(project: Project, words: Sequence[str], files: Sequence[str]) -> tuple[bool, bool, bool, int, int, str]:
    """Order projects: those that the goal names, then those of a language that it names, then the nearest and the largest."""
    named = bool(project.root) and project.root.rpartition("/")[2].lower() in words
    languages = [
        language
        for pattern, spoken in _WORDS_OF.items()
        if any(re.fullmatch(pattern, w) for w in words)
        for language in spoken
    ]
    spoken = project.speaks(*languages) or any(language in words for language in project.languages)
    text = project.speaks(Language.MARKDOWN, Language.NOTEBOOK)
    held = len(in_scope(project.sources, (), files))
    return not named, not spoken, text, project.root.count("/") + bool(project.root), -held, project.root


def _offer(project: Project, aim: Aim, files: Sequence[str]) -> _Offer | None:
    """Return a plan's parts where this project can be measured so and has files that it may change."""
    measure = aim.measure(project)
    if measure is None:
        return None
    scope, protected = _areas(project, aim.edits)
    near = [file for file in files if file.startswith(f"{project.root}/")] if project.root else files
    held = in_scope(scope, protected, near)
    return _Offer(project, aim, measure, scope, protected, held) if held else None


def _areas(project: Project, edits: Edits = Edits.SOURCES) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the scope and what is protected: sources or tests may change, never both, and never a manifest or a benchmark."""
    if edits is Edits.TESTS and project.tests:
        return project.tests, (*project.sources, *project.benchmarks, *project.fixed)
    return project.sources, (*project.tests, *project.benchmarks, *project.fixed)


def _candidates(offers: Sequence[_Offer], goal: str, files: Sequence[str]) -> tuple[Candidate, ...]:
    titles = Counter((one.project.root, one.aim.title) for one in offers)
    return tuple(_candidate(one, goal, files, ambiguous=titles[one.project.root, one.aim.title] > 1) for one in offers)


def _candidate(offer: _Offer, goal: str, files: Sequence[str], *, ambiguous: bool) -> Candidate:
    project, aim, measure = offer.project, offer.aim, offer.measure
    language = f" ({project.languages[0]})" if ambiguous else ""
    kinds = dict.fromkeys((*aim.guards, *_kept_green(goal)))
    guards = [next(iter(project.of_kind(kind)), None) for kind in kinds]
    told = [command for command in guards if command is not None and command.text not in measure.verify]
    keeps = [text for keep in aim.keeps if (text := keep(project))]
    plan: dict[str, str | list[str]] = {
        "goal": goal or aim.title,
        "scope": list(offer.scope),
        "protected": list(offer.protected),
        "metric": measure.metric or aim.metric,
        "direction": aim.direction,
        "unit": aim.unit,
        "verify": measure.verify,
        "read": "line",
        "guards": [inside(project.root, command.text) for command in told],
        "guard_metrics": [*measure.guard_metrics, *keeps],
    }
    warned = [
        *measure.warnings,
        *scope_warnings(offer.held, (project,)),
        *_warnings(project, aim, files),
        *project.warnings,
    ]
    return Candidate(
        title=aim.title + (f" in {project.root}" if project.root else "") + language,
        why=f"Measures {aim.means}.",
        plan={name: value for name, value in plan.items() if value},
        file_count=len(in_scope(offer.scope, protected_globs(Plan.model_validate(plan)), offer.held)),
        needs=list(dict.fromkeys([*measure.needs, *needed(project, told)])),
        warnings=list(dict.fromkeys(warned)),
    )


def _written(lack: Lacking, files: Sequence[str]) -> Candidate:
    """Return the plan for the script that was to be added, now that it is there."""
    held = in_scope(lack.plan.get("scope", ()), lack.plan["protected"], files)
    return Candidate(
        title=f"By {lack.file}",
        why=f"Measures {lack.asked} by a script written for this goal.",
        plan=lack.plan,
        file_count=len(held),
        warnings=list(scope_warnings(held, ())),
    )


_GREEN = {
    r"tests?|suites?|specs?|pytest|ci": CommandKind.TEST,
    r"types?|typing|mypy|pyright|tsc": CommandKind.TYPES,
    r"lint\w*|ruff|eslint|flake8|clippy": CommandKind.LINT,
    r"builds?|compil\w+": CommandKind.BUILD,
}


def _kept_green(goal: str) -> list[CommandKind]:
    """Return the kinds of command that a person wants to stay green, in their own words."""
    stays = conditions_of(goal)
    return [kind for words, kind in _GREEN.items() if any(re.fullmatch(words, word) for word in stays)]


def _missing(quality: Quality, ranked: Sequence[Project], goal: str, files: Sequence[str]) -> Lacking:
    """Return what to add for a quality, in the first project that has code, with the fields of a plan there."""
    project = next((one for one in ranked if not one.speaks(Language.MARKDOWN, Language.NOTEBOOK)), None)
    if project is None:
        return lacking(quality, next(iter(ranked), None), {"goal": goal})
    scope, protected = _areas(project)
    kinds = dict.fromkeys((CommandKind.TEST, *_kept_green(goal)))
    guards = [inside(project.root, command.text) for kind in kinds for command in project.of_kind(kind)[:1]]
    fields: dict[str, str | list[str]] = {
        "goal": goal,
        "scope": list(scope),
        "protected": list(protected),
        "guards": guards,
    }
    return lacking(quality, project, {name: value for name, value in fields.items() if value})


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
    if aim.quality is Quality.SIZE and any(built.matches(file) for file in files):
        what = start + project.outputs[0]
        found.append(f"{what} is tracked: building changes it, and a session needs a clean tree. Untrack it first.")
    return tuple(found)
