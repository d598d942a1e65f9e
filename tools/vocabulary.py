"""Which phase a session is in and which calls it allows; derived from the session, never stored."""

from __future__ import annotations

from enum import StrEnum


class Tool(StrEnum):
    """Every tool by its public name."""

    INSPECT_PROJECT = "inspect_project"
    CHECK_PLAN = "check_plan"
    START_SESSION = "start_session"
    STATUS = "status"
    COMMIT = "commit"
    VERIFY = "verify"
    GUARD = "guard"
    REVERT = "revert"
    LOG = "log"
    ITERATE = "iterate"
    DETECT_STUCK = "detect_stuck"
    HISTORY = "history"
    REPORT = "report"
    FINISH_SESSION = "finish_session"
    PLAYBOOK = "playbook"
    WAIT = "wait"
    CANCEL = "cancel"
    TRAIN = "train"
    RECORD = "record"
    WORKFLOW = "workflow"
    NOTE = "note"
    WORKSPACE = "workspace"
    SUBMIT = "submit"
    DESIGN = "design"


class Phase(StrEnum):
    """Where an iteration stands. `fix` and `rework` wait for the agent's next edit of the same idea; while a call is at
    work, `running`."""

    NO_SESSION = "no-session"
    READY = "ready"
    COMMITTED = "committed"
    VERIFIED = "verified"
    FIX = "fix"
    REWORK = "rework"
    DISCARDED = "discarded"
    JUDGED = "judged"
    ENDED = "ended"
    RUNNING = "running"


_NEXT: dict[Phase, tuple[Tool, ...]] = {
    Phase.NO_SESSION: (Tool.INSPECT_PROJECT, Tool.CHECK_PLAN, Tool.START_SESSION),
    Phase.READY: (Tool.ITERATE, Tool.COMMIT, Tool.FINISH_SESSION),
    Phase.COMMITTED: (Tool.VERIFY,),
    Phase.VERIFIED: (Tool.GUARD,),
    Phase.FIX: (Tool.ITERATE, Tool.COMMIT, Tool.REVERT),
    Phase.REWORK: (Tool.ITERATE, Tool.COMMIT, Tool.REVERT),
    Phase.DISCARDED: (Tool.REVERT,),
    Phase.JUDGED: (Tool.LOG,),
    Phase.ENDED: (Tool.FINISH_SESSION, Tool.REPORT, Tool.HISTORY),
    Phase.RUNNING: (Tool.WAIT, Tool.CANCEL, Tool.STATUS),
}

GATED = frozenset(tool for tools in _NEXT.values() for tool in tools) - {
    Tool.INSPECT_PROJECT,
    Tool.CHECK_PLAN,
    Tool.REPORT,
    Tool.HISTORY,
    Tool.STATUS,
    Tool.WAIT,
    Tool.CANCEL,
}
"""Tools that are legal in some phases only; the others read, and are always legal."""


def following(phase: Phase) -> tuple[Tool, ...]:
    """The legal next calls, the usual one first."""
    return _NEXT[phase]


TRAINABLE = frozenset({Phase.NO_SESSION, Phase.COMMITTED})
"""Where a run of the GPT harness is a trial or the verify step. Anywhere else its number would be a look aside."""


_BESIDE = frozenset({Tool.WORKSPACE, Tool.SUBMIT, Tool.DESIGN})
"""Tools for work beside the open iteration, whatever that waits for."""


def allows(phase: Phase, tool: Tool) -> bool:
    """Whether `tool` may be called in `phase`."""
    if tool is Tool.TRAIN:
        return phase in TRAINABLE
    if tool in _BESIDE:
        return phase not in {Phase.NO_SESSION, Phase.ENDED}
    return tool not in GATED or tool in _NEXT[phase]
