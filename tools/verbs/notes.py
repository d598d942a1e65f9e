"""The verb for notes that an agent leaves to its next context."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..errors import Code, Refusal
from ..lab.answers import Answer
from ..lab.notes import say
from ..vocabulary import following
from .base import RepoPath, Verbs


class Noted(Answer):
    """How many notes are kept."""

    notes: int = 0

    def lines(self) -> list[str]:
        return [f"Noted: {self.notes} notes are kept for the next context."]


class Notes(Verbs):
    """Free text that no row holds."""

    def note(
        self, text: Annotated[str, Field(description="An idea for later, how the code works.")], repo: RepoPath = ""
    ) -> Noted:
        """Use for what no row says and your next context should know. Moves no number."""
        context = self._lab.for_reading(repo)
        if context.session is None:
            raise Refusal(Code.NO_SESSION, "There is no session to note that for. Call start_session first.")
        if not text.strip():
            raise Refusal(Code.BAD_ARGUMENT, "The note is empty. Write what the next context should know.")
        notes = say(context.repo.own_folder, context.session.id, text)
        return Noted(phase=context.phase, next=list(following(context.phase)), notes=len(notes))
