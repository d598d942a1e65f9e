"""The legs that agents were driven over a session: what each brought, took and ended with, kept beside the journal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ..storage.disk import read_or_empty, synchronise

LEGS_FILE = "legs.jsonl"


class Problem(StrEnum):
    """What a client said stopped it."""

    LIMIT = "usage limit"
    LOGIN = "not logged in"
    BILLING = "billing"
    MODEL = "unknown model"
    OLD = "too old"
    OVERFLOW = "context is full"
    SERVER = "no tools"
    OTHER = "error"


class LegEnding(StrEnum):
    """Why a leg ended."""

    ITSELF = "ended by itself"
    HUNG = "no progress"
    FRESH = "for a new context"
    BUDGET = "a budget is spent"
    OVER = "the session is over"
    STOPPED = "stopped"
    LOST = "the driver was killed"


class Leg(BaseModel):
    """One leg that is over. Times in seconds since 1970, cost in dollars; `at_least` where the client left out the last count."""

    model_config = ConfigDict(frozen=True)

    number: int
    agent: str
    began: float
    ended: float
    iterations: int = 0
    keeps: int = 0
    ending: LegEnding = LegEnding.ITSELF
    code: int | None = None
    tokens: int = 0
    cost: float | None = None
    at_least: bool = False
    problem: Problem | None = None
    reset: float = 0.0
    words: str = ""

    @property
    def fruitless(self) -> bool:
        """Return whether it brought no iteration, for no reason of ours."""
        return not self.iterations and self.ending in {LegEnding.ITSELF, LegEnding.HUNG, LegEnding.LOST}


def add_leg(folder: Path, session: str, leg: Leg) -> None:
    """Note a leg of a session that is over, in our folder of the repository."""
    file = folder / LEGS_FILE
    cut = file.exists() and not file.read_bytes().endswith(b"\n")  # a loss of power may leave half a line
    with file.open("a", encoding="utf-8") as stream:
        stream.write("\n" * cut + json.dumps({"session": session, **leg.model_dump(mode="json")}) + "\n")
    synchronise(file)


def legs_of(folder: Path, session: str) -> list[Leg]:
    """Return the legs of a session, oldest first."""
    found = []
    for line in read_or_empty(folder / LEGS_FILE).splitlines():
        try:
            data = json.loads(line)
            if data.pop("session", None) == session:
                found.append(Leg.model_validate(data))
        except (ValueError, ValidationError, AttributeError):
            continue
    return found


def cost_words(legs: Sequence[Leg]) -> str:
    """Say what agents took over some legs, in hours, tokens and dollars: in all, each of several agents, a leg, and a change that was
    kept; empty without a leg.
    """
    if not legs:
        return ""
    told, keeps = [f"{_count(len(legs), 'leg')} of an agent, {_took(legs)}"], sum(leg.keeps for leg in legs)
    agents = dict.fromkeys(leg.agent for leg in legs)
    for agent in agents if len(agents) > 1 else ():
        own = [leg for leg in legs if leg.agent == agent]
        told.append(f"{agent} {_count(len(own), 'leg')}, {_count(sum(leg.keeps for leg in own), 'keep')}, {_took(own)}")
    told += [f"a leg {_took(legs, len(legs))}"] if len(legs) > 1 else []
    told += [f"a keep {_took(legs, keeps)}"] if keeps else []
    return "; ".join(told)


def _took(legs: Sequence[Leg], parts: int = 1) -> str:
    money, tokens = sum(leg.cost or 0.0 for leg in legs) / parts, sum(leg.tokens for leg in legs) / parts
    least = "at least " if any(leg.at_least for leg in legs) else ""
    minutes = sum(leg.ended - leg.began for leg in legs) / 60 / parts
    short = f"{minutes:.1f} min" if minutes >= 1 else f"{60 * minutes:.1f} s"
    told = [f"{minutes / 60:.1f} h" if minutes >= 90 else short]
    told += [f"{least}{tokens:,.0f} tokens"] if tokens else []
    told += [f"{least}{dollars(money)}"] if money else []
    return ", ".join(told)


def dollars(money: float) -> str:
    """Write an amount in dollars, with what is below a cent where there is little else."""
    return f"${money:.2f}" if money >= 0.1 else f"${money:.4f}"


def pace_words(legs: Sequence[Leg]) -> str:
    """Say how many iterations legs brought an hour; empty before the first."""
    made, hours = sum(leg.iterations for leg in legs), sum(leg.ended - leg.began for leg in legs) / 3600
    return f"{made / hours:.1f} iterations an hour" if made and hours else ""


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"
