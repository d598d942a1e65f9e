"""What a repository's commands are known to hold as secrets, masked in all that is shown of its sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..plan.model import Plan
from ..session.state import Session
from ..storage.masked_lines import with_masked
from ..text.redaction import redactor
from .context import RepoContext


def as_shown(context: RepoContext, session: Session) -> Session:
    """Return a session with its plan as a page may show it: secrets masked, as in all that commands and agents say."""
    return replace(session, start=session.start.model_copy(update={"plan": shown_plan(context, session.plan)}))


def masker(context: RepoContext) -> Callable[[str], str]:
    """Return what masks a text, also of a command that another shell's server knew to hold a secret."""
    folder, redact = context.repo.own_folder, redactor()
    return lambda text: redact(with_masked(folder, text))


def shown_plan(context: RepoContext, plan: Plan) -> Plan:
    """Return a plan with its secrets masked."""
    mask = masker(context)

    def shown(value: object) -> object:
        if isinstance(value, tuple):
            return tuple(map(shown, value))
        if not isinstance(value, str):
            return value
        masked = mask(value)
        return value if masked == value else masked  # a closed list of words stays one

    return plan.model_copy(update={name: shown(value) for name, value in plan})
