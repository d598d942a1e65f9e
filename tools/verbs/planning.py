"""Planning verbs: what is here, would this plan work."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from ..diagnostics.inspection import names_inspection
from ..errors import Refusal
from ..iteration.baseline import noise_words
from ..iteration.early_end import early_end
from ..iteration.gates import WARNED, GateRow
from ..iteration.preflight import preflight
from ..iteration.recent import RecentCheck, recent_check
from ..lab.access import Lab
from ..lab.answers import Answer, cut, page_of
from ..lab.context import RepoContext
from ..lab.plan_file import chosen_plan, plan_at_hand
from ..plan.model import PLAN_FILE, Plan
from ..project.candidates import Candidate, propose
from ..project.chains import told_way
from ..project.folders import CommandKind
from ..project.lacking import Lacking
from ..project.measures import needed
from ..project.projects import Project
from ..project.scan import ComputeDevice, devices, missing_tools, recognised
from ..vocabulary import Phase, Tool, following
from .base import Goal, RepoPath, Verbs

MOST_CANDIDATES = 6
MOST_PROJECTS = 8


MOST_OF_PLAN = 2000
"""Characters of the plan in an answer's text."""


class ProjectFacts(BaseModel):
    """One project found in the repository, with the commands that can run here; all where none can."""

    root: str
    languages: list[str]
    package_managers: list[str]
    commands: dict[str, str]
    warnings: list[str] = []


class Inspected(Answer):
    """What the repository holds and which plans would fit it."""

    projects: list[ProjectFacts] = []
    way: list[str] = Field([], description="Which prompts lead to the goal, in order; a person may change it.")
    devices: list[str] = []
    plan_file: str = Field("", description="What the plan file that is here already asks for; empty: there is none.")
    candidates: list[Candidate] = Field([], description="Ready-made plans for the goal, the best fit first.")
    lacking: list[Lacking] = Field([], description="What the goal asks for and nothing here measures, and what to add.")
    also: list[str] = Field([], description="What else could be measured here, by title: ask with these words.")
    missing_tools: list[str] = []

    def lines(self) -> list[str]:
        found = [
            f"{p.root or '.'}: {', '.join(p.languages)} ({', '.join(p.commands) or 'no commands'})"
            for p in self.projects
        ]
        plans = [line for place, one in enumerate(self.candidates, 1) for line in _numbered(place, one)]
        return [
            *([self.plan_file] if self.plan_file else []),
            "Projects:" if found else "Projects: none that is known here.",
            *found,
            *(["The way to the goal: " + self.way[0], *self.way[1:]] if self.way else []),
            f"Devices: {'; '.join(self.devices)}",
            *(["Candidate plans, best fit first; pass one to check_plan:", *plans] if plans else []),
            *(line for one in self.lacking for line in one.lines()),
            *([f"Also measurable here: {', '.join(self.also)}."] if self.also else []),
            *([f"Not installed: {', '.join(self.missing_tools)}."] if self.missing_tools else []),
        ]


def _numbered(place: int, one: Candidate) -> list[str]:
    first, *rest = one.lines()
    return [f"{place}. {first}", *rest]


class Checked(Answer):
    """One row a gate; whether a session could start."""

    ready: bool = False
    gates: list[GateRow] = []
    values: list[float] = Field([], description="The number(s) that verify gave.")
    noise: str = ""
    commands: list[str] = Field([], description="Commands that still need a person's consent.")
    plan: dict[str, Any] = Field({}, description="The plan that was tried.")

    def lines(self) -> list[str]:
        rows = [
            f"[{g.verdict}] {g.gate}: {g.seen.removeprefix(WARNED)}"
            + (f" -> {g.cure}" if g.cure else "")
            + (f"\n    output ends: {g.output!r}" if g.output else "")
            for g in self.gates
        ]
        end = (
            "Every gate passed: start_session, which takes this plan."
            if self.ready
            else "Cure the failed gates and check again."
        )
        tried = [f"The plan: {cut(json.dumps(self.plan, ensure_ascii=False), MOST_OF_PLAN)}"] if self.plan else []
        return [*rows, *tried, end]


class Planning(Verbs):
    """Look at a project and try out a plan; nothing is changed."""

    def inspect_project(self, goal: Goal = "", repo: RepoPath = "") -> Inspected:
        """Use first in a repository without a plan: finds out what it holds and proposes ready-made plans, ranked by the goal.

        Each plan has the command that measures, how its number is read, what it may not pay with, and a scope with its file
        count. Pass one of them, changed as you like, to check_plan. Where nothing measures what the goal asks for, it says
        what to add, with the exact line. A plan file that is here already comes first. Runs no command of the project.
        """
        context = self._lab.for_reading(repo)
        files, projects = _recognised(context)
        offered = propose(projects, goal, files, MOST_CANDIDATES)
        commands = [command.text for project in projects for command in project.commands]
        first = [line for project in projects for line in needed(project, project.commands)]
        return Inspected(
            phase=context.phase,
            next=[
                Tool.CHECK_PLAN,
                *(t for t in following(context.phase) if t not in {Tool.INSPECT_PROJECT, Tool.CHECK_PLAN}),
            ],
            projects=[_facts(project) for project in projects[:MOST_PROJECTS]],
            way=told_way(goal, has_tests=_tested(projects)) if goal else [],
            devices=[_device(device) for device in devices()],
            plan_file=plan_at_hand(context),
            candidates=page_of(list(offered.candidates)),
            lacking=list(offered.lacking),
            also=list(offered.also[:MOST_CANDIDATES]),
            missing_tools=[*missing_tools(commands), *(f"what `{line}` brings" for line in dict.fromkeys(first))],
        )

    def check_plan(self, plan: Plan, repo: RepoPath = "") -> Checked:
        """Use before start_session: tries every gate of a plan and says how to cure each that fails.

        Give the plan's fields, or none of them to check the plan file `autoresearch.toml`; without `verify` among them they stand
        in place of the file's. If a person agreed to the commands it runs the guards, and verify until it is known whether the
        number repeats: two to six times; once more to see whether code under experiment could end them by itself. Where nothing
        says what to measure, a client that can ask lets the person choose among the plans that fit the goal.
        Changes nothing in the repository and opens no session; start_session takes the plan that passed, and within an hour
        these runs as its baseline, if nothing changed.
        """
        with self._lab.for_writing(repo, Tool.CHECK_PLAN) as context:
            given, plan = plan.given, chosen_plan(context, plan)
            recent = self._lab.checked.get(context.repo.own_folder)
            found = preflight(context, plan, recent if isinstance(recent, RecentCheck) else None, anew=True)
            tried = early_end(context, plan, found.baseline) if found.passed and found.baseline else ()
            gates = [*found.gates, *tried]
            context.paired_checkout.remove()
            fields = plan.model_dump(mode="json", exclude_defaults=True)
            # The plan of a fix ledger is the server's own, told in full by that and given back as it was.
            told = not (given and names_inspection(plan.verify))
            self._lab.passed.pop(context.repo.root, None)
            if found.passed and given:
                self._lab.passed[context.repo.root] = fields
            if found.passed and found.baseline:
                self._lab.checked[context.repo.own_folder] = recent_check(context, found.baseline)
            ready = (Tool.START_SESSION,) if found.passed else (Tool.CHECK_PLAN, Tool.INSPECT_PROJECT)
            return Checked(
                phase=context.phase,
                next=list(ready if context.phase is Phase.NO_SESSION else following(context.phase)),
                ready=found.passed,
                gates=gates,
                values=found.baseline.values if found.baseline else [],
                noise=noise_words(plan, found.baseline) if found.baseline and found.passed else "",
                commands=list(found.consent_missing),
                plan=fields if told else {},
            )


def passed_plan(lab: Lab, repo: str) -> dict[str, Any]:
    """Return the fields that the last check_plan was given, if every gate passed; none where it was given none."""
    try:
        return lab.passed.get(lab.for_reading(repo).repo.root, {})
    except Refusal:
        return {}


def proposals(lab: Lab, goal: str, repo: str) -> list[Candidate]:
    """Return the plans that a person could choose from where nothing says what to measure: with a goal those that fit it best;
    without one none if there is a plan file, which then is what is meant.
    """
    try:
        context = lab.for_reading(repo)
    except Refusal:
        return []
    if context.phase is not Phase.NO_SESSION or (not goal and (context.repo.root / PLAN_FILE).exists()):
        return []
    files, projects = _recognised(context)
    return list(propose(projects, goal, files, MOST_CANDIDATES).candidates)


def wanted_commands(lab: Lab) -> tuple[str, ...]:
    """Return the commands that ledgers would run and nobody agreed to."""
    return lab.for_reading().consent.wanted()


def commands_without_consent(lab: Lab, plan: Plan, repo: str) -> tuple[str, ...]:
    """Return what a plan, or the plan file if it has none, asks for and nobody agreed to; empty if the plan is unusable."""
    try:
        context = lab.for_reading(repo)
        chosen = chosen_plan(context, plan)
        return context.consent.missing(chosen) if chosen.verify else ()
    except (Refusal, ValueError):
        return ()


def whose_yes(lab: Lab) -> str:
    """Say who agreed to what the plan file asks for; empty where there is none.

    Raises:
        Refusal: if the file is no plan.
    """
    context = lab.for_reading()
    return context.consent.told(chosen_plan(context, Plan())) if (context.repo.root / PLAN_FILE).exists() else ""


def agree_to(lab: Lab, said: Sequence[str], how: str, repo: str = "") -> None:
    """Remember that a person agreed to exactly these statements, the ones that they were shown, and `how` they said so."""
    lab.for_reading(repo).consent.approve(tuple(said), how)


def way_to(context: RepoContext, goal: str) -> list[str]:
    """Say which prompts lead to a goal here, in which order."""
    return told_way(goal, has_tests=_tested(_recognised(context)[1]))


def _tested(projects: Sequence[Project]) -> bool:
    return any(project.of_kind(CommandKind.TEST) for project in projects)


def project_facts(context: RepoContext) -> list[str]:
    """Say what lives in the repository, a line each: languages, and the commands by what they are for."""
    lines = []
    for one in map(_facts, _recognised(context)[1][:MOST_PROJECTS]):
        commands = "; ".join(f"{kind}: `{text}`" for kind, text in one.commands.items())
        lines.append(f"{one.root or '.'} ({', '.join(one.languages)}): {commands or 'no commands found'}")
    return lines or ["no project that is known here"]


def _recognised(context: RepoContext) -> tuple[tuple[str, ...], tuple[Project, ...]]:
    """The tracked files, and the projects among them."""
    files = context.repo.tracked()
    return files, recognised(context.repo.root, files)


def _facts(project: Project) -> ProjectFacts:
    able = [one for one in project.commands if not one.needs and not missing_tools((one.text,))] or project.commands
    return ProjectFacts(
        root=project.root,
        languages=[str(language) for language in project.languages],
        package_managers=list(project.package_managers),
        commands={
            str(kind): next(one.text for one in able if one.kind is kind)
            for kind in dict.fromkeys(one.kind for one in able)
        },
        warnings=list(project.warnings),
    )


def _device(device: ComputeDevice) -> str:
    memory = f", {device.memory_bytes / 2**30:.0f} GiB" if device.memory_bytes else ""
    cores = f", {device.cores} cores" if device.cores else ""
    return f"{device.kind}: {device.name}{cores}{memory}"
