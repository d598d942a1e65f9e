"""Workflow verbs: what to do, for agents whose client shows no prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .answers_review import PlaybookText
from .arguments import RepoPath
from .errors import Code, Refusal
from .lab import Lab
from .rules.phase import following

Playbook = Callable[[str], str]
"""Renders a prompt for a repository."""


class Workflows:
    """The prompts as a tool."""

    def __init__(self, lab: Lab, playbooks: Mapping[str, Playbook]) -> None:
        self._lab = lab
        self._playbooks = playbooks

    def playbook(self, name: str = "autoresearch", repo: RepoPath = "") -> PlaybookText:
        """Use to learn how to work here, before the first iteration: the text of a prompt with the session's live state in it.

        `name`: `autoresearch` (default), the improvement loop.
        """
        if name not in self._playbooks:
            raise Refusal(
                Code.BAD_ARGUMENT, f"There is no playbook {name!r}. Use one of: {', '.join(self._playbooks)}."
            )
        desk = self._lab.open(repo)
        text = self._playbooks[name](repo)
        return PlaybookText(phase=desk.phase, next=list(following(desk.phase)), name=name, playbook=text)
