"""What the verbs share: the lab that they work in, and the arguments that several tools take, each described once."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..lab.access import Lab

RepoPath = Annotated[str, Field(description="The repository, inside the server's root. Empty: the root itself.")]
Description = Annotated[str, Field(description="One sentence on what you changed and why, at most 500 characters.")]
Hypothesis = Annotated[str, Field(description="Why it should help. Empty: none.")]
Learned = Annotated[str, Field(description="What this try, or the one before it, taught you. Empty: nothing.")]
Goal = Annotated[
    str, Field(description="What should get better, in words, e.g. `faster tests`. Empty: everything possible.")
]


class Verbs:
    """Tools of one kind: each public method is one, with its docstring as the description that an agent reads."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
