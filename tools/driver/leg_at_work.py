"""A leg while it is at work: what it would come to if it ended now, noted for the next driver should this one be killed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..lab.legs import Leg, LegEnding, Problem, dollars
from ..report.words import duration
from ..session.events import Row
from ..session.results import metric_of
from ..text.redaction import redactor
from .agents import DrivenAgent
from .reading import LegOutput
from .rules import Look


@dataclass
class LegAtWork:
    """Whose leg it is, when it began and on what; `reading` hears the client, `name` marks its processes."""

    number: int
    agent: DrivenAgent
    began: float
    first: Look
    reading: LegOutput = field(init=False)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.reading = LegOutput(self.agent.client, self.began)
        self.name = f"{self.number}-{secrets.token_hex(4)}"

    def ended(self, seen: Look, now: float, ending: LegEnding, code: int | None = None) -> Leg:
        """Return the leg as it ends."""
        reading, first = self.reading, self.first
        if ending is LegEnding.ITSELF:
            reading.ended(code)
        interrupted = ending is not LegEnding.ITSELF and reading.problem is Problem.OTHER
        return Leg(
            number=self.number,
            agent=self.agent.label,
            began=self.began,
            ended=now,
            iterations=max(0, seen.iterations - (first.iterations if first.session else 0)),
            keeps=max(0, seen.keeps - first.keeps),
            ending=ending,
            code=code,
            tokens=reading.tokens,
            cost=reading.cost,
            at_least=not reading.complete,
            problem=None if interrupted else reading.problem,
            reset=reading.reset,
            words=redactor()("\n".join(reading.tail)),
        )

    def noted(self) -> dict[str, Any]:
        """Return it as a note: how the session stood, and the leg as it is lost if nothing more is heard of it."""
        leg = self.ended(self.first, self.began, LegEnding.LOST)
        first = {"iterations": self.first.iterations, "keeps": self.first.keeps}
        return {"name": self.name, "first": first, "leg": leg.model_dump(mode="json", exclude={"words"})}


def lost_leg(noted: Mapping[str, Any], seen: Look, now: float) -> Leg:
    """Return the leg of a driver that was killed, by its note."""
    brought = {name: max(0, getattr(seen, name) - before) for name, before in noted["first"].items()}
    return Leg.model_validate(noted["leg"]).model_copy(update={"ended": now, "at_least": True, **brought})


def leg_words(leg: Leg) -> str:
    """Tell a leg that is over in one line."""
    kept = f", {leg.keeps} kept," if leg.iterations else ""
    made = f"{leg.iterations} iteration{'s' * (leg.iterations != 1)}{kept} in {duration(leg.ended - leg.began)}, {leg.ending}"
    exits = f" (exit {leg.code})" if leg.ending is LegEnding.ITSELF and leg.code else ""
    said = f", {leg.problem}" if leg.problem else ""
    least = "at least " if leg.at_least and leg.tokens else ""
    tokens = f", {least}{leg.tokens:,} tokens" if leg.tokens else ""
    return f"{made}{exits}{said}{tokens}{f', {dollars(leg.cost)}' if leg.cost else ''}"


def row_words(row: Row) -> str:
    """Tell an iteration in one line."""
    return f"#{row.iteration} {row.status} {metric_of(row)}: {row.description}"
