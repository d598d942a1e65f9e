"""What the planning tools answer."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, Field

from ..iteration.safety import GateRow
from ..lab.answers import Answer, cut

MOST_OF_PLAN = 2000
"""Characters of the plan in an answer's text."""


class Candidate(BaseModel):
    """A ready-made plan."""

    title: str
    why: str
    plan: dict[str, str | list[str]] = Field(description="Arguments for check_plan and start_session.")
    file_count: int = Field(description="Files in scope.")
    warnings: list[str] = []


class ProjectFacts(BaseModel):
    """One project found in the repository."""

    root: str
    languages: list[str]
    package_managers: list[str]
    commands: dict[str, str]
    warnings: list[str] = []


class Inspected(Answer):
    """What the repository holds and which plans would fit it."""

    projects: list[ProjectFacts] = []
    devices: list[str] = []
    candidates: list[Candidate] = []
    missing_tools: list[str] = []

    def lines(self) -> list[str]:
        found = [
            f"{p.root or '.'}: {', '.join(p.languages)} ({', '.join(p.commands) or 'no commands'})"
            for p in self.projects
        ]
        plans = [
            f"{place}. {c.title} — {c.why} verify: `{c.plan['verify']}`; {c.file_count} files in scope"
            + "".join(f"; warning: {warning}" for warning in c.warnings)
            for place, c in enumerate(self.candidates, 1)
        ]
        return ["Projects:", *found, f"Devices: {'; '.join(self.devices)}", "Candidate plans, best fit first:", *plans]


class Checked(Answer):
    """One row a gate; whether a session could start."""

    ready: bool = False
    gates: list[GateRow] = []
    values: list[float] = Field([], description="The number(s) that verify gave.")
    noise: str = ""
    commands: list[str] = Field([], description="Commands that still need a person's consent.")
    plan: dict[str, Any] = Field({}, description="The plan that was tried: arguments for start_session.")

    def lines(self) -> list[str]:
        rows = [
            f"[{'ok' if g.passed else 'FAILED'}] {g.gate}: {g.seen}"
            + (f" -> {g.cure}" if g.cure else "")
            + (f"\n    output ends: {g.output!r}" if g.output else "")
            for g in self.gates
        ]
        end = (
            "Every gate passed: start_session with the same fields."
            if self.ready
            else "Cure the failed gates and check again."
        )
        tried = f"The plan: {cut(json.dumps(self.plan, ensure_ascii=False), MOST_OF_PLAN)}"
        return [*rows, *([f"Noise: {self.noise}"] if self.noise else []), tried, end]
