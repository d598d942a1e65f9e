"""The one family of errors that an agent or a person can cure: what is wrong, then the next step."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from .vocabulary import Phase, Tool


class Code(StrEnum):
    """Why a call was refused; the word a client can branch on."""

    OUT_OF_ORDER = "out-of-order"
    NO_SESSION = "no-session"
    SESSION_ACTIVE = "session-active"
    SESSION_ENDED = "session-ended"
    BUSY = "busy"
    NOT_A_REPOSITORY = "not-a-repository"
    OUTSIDE_ROOT = "outside-root"
    GIT = "git"
    DISK = "disk"
    BAD_NAME = "bad-name"
    BAD_PLAN = "bad-plan"
    GATE_FAILED = "gate-failed"
    CONSENT_NEEDED = "consent-needed"
    OUTSIDE_SCOPE = "outside-scope"
    PROTECTED = "protected"
    MACHINE_CHANGED = "machine-changed"
    JOURNAL_BROKEN = "journal-broken"
    REPEAT = "repeat"
    PAUSED = "paused"
    HEAD_MOVED = "head-moved"
    BAD_ARGUMENT = "bad-argument"
    MISSING_FIELD = "missing-field"
    EVIDENCE = "evidence"
    DUPLICATE = "duplicate"
    SECRET = "secret"
    SEALED = "sealed"
    NOT_OPEN = "not-open"
    INCOMPLETE = "incomplete"
    APPROVAL_NEEDED = "approval-needed"
    SUPPRESSED = "suppressed"
    INTERNAL = "internal"


class Refusal(Exception):
    """A call that changed nothing, with the sentence that cures it.

    `phase` and `following` may be left out where the raiser does not know them; the server fills them in.
    """

    def __init__(
        self, code: Code, message: str, *, phase: Phase | None = None, following: Sequence[Tool] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.phase = phase
        self.following = following
