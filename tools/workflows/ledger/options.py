"""What a workflow can be opened with, and the words that all of them share."""

from __future__ import annotations

import re
from enum import StrEnum

from pydantic import Field, field_validator

from ...session.events import Record
from .items import Words


class Depth(StrEnum):
    """How far to go: each workflow says what that means in numbers."""

    SHALLOW = "shallow"
    STANDARD = "standard"
    DEEP = "deep"


class Options(Record):
    """The options of every workflow; each adds its own. All are sealed when the ledger is opened."""

    goal: str = Field("", max_length=500, description="What it is about, in words.")
    scope: Words = Field((), description="Globs of the files that it looks at. Empty: all that git tracks.")
    depth: Depth = Field(Depth.STANDARD, description="shallow, standard or deep.")
    iterations: int = Field(0, ge=0, le=10_000, description="At most so many rounds. 0: what the depth says.")
    chain: str = Field("", max_length=200, description="What follows, as `debug, fix, ship`.")
    after: str = Field(
        "", max_length=80, description="The ledger whose handoff to take. Empty: the one that names this."
    )

    @field_validator("chain")
    @classmethod
    def _plain(cls, chain: str) -> str:
        return ", ".join(steps(chain))


def steps(chain: str) -> tuple[str, ...]:
    """The workflows of a chain in order; arrows, commas and spaces between them."""
    return tuple(re.findall(r"[a-z]+", chain.lower()))


def slug(text: str, otherwise: str) -> str:
    """A few words of a text as a part of a file name."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return "-".join(words[:5])[:40].strip("-") or otherwise
