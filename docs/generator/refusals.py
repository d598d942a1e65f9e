"""The page of the refusals."""

from __future__ import annotations

from collections.abc import Mapping

from autoresearch_mcp.tools.errors import Code

from .markdown import page, table

REFUSALS: Mapping[Code, str] = {
    Code.OUT_OF_ORDER: "The call is not legal in this phase. `next` names those that are.",
    Code.NO_SESSION: "There is no open session on this branch: another branch, or none was started.",
    Code.SESSION_ACTIVE: "A session is open already. Its plan is sealed; finish it first.",
    Code.SESSION_ENDED: "A budget is used up, the target reached or the ruler broken. Call `finish_session`.",
    Code.BUSY: "Another call or server is at work here. `wait`, or make the same call again.",
    Code.NOT_A_REPOSITORY: "No git repository there, or one that cannot be worked in, such as a bare one.",
    Code.OUTSIDE_ROOT: "The path lies outside the folder that the server was started for.",
    Code.GIT: "git refused a step; its words are in the message.",
    Code.DISK: "The disk is full or may not be written. Make space; the same call goes on.",
    Code.BAD_NAME: "A branch of that name exists, or git allows no such name.",
    Code.BAD_PLAN: "A field of the plan is missing or wrong. The message has one line a problem, with its cure.",
    Code.GATE_FAILED: "Something stands in the way of a start: uncommitted changes, a red guard, a number that cannot be read.",
    Code.CONSENT_NEEDED: "Nobody agreed to a command or a variable. The message lists the ways to agree; an agent has none.",
    Code.OUTSIDE_SCOPE: "A file outside the scope was changed. Nothing was committed; the message says how to put it back.",
    Code.PROTECTED: "A file that the number rests on was changed, or one that would be read in its place.",
    Code.MACHINE_CHANGED: "Another machine, Python or tool than at the start: numbers cannot be compared.",
    Code.JOURNAL_BROKEN: "The journal cannot be read, or is not what was written. The message names the file.",
    Code.PAUSED: "A person paused the session; `autoresearch-mcp resume` lets it go on.",
    Code.REPEAT: "This change was tried before in the session.",
    Code.HEAD_MOVED: "Somebody else moved the branch. Nothing is undone or built on it.",
    Code.BAD_ARGUMENT: "An argument is unknown or has no legal value.",
    Code.MISSING_FIELD: "An item lacks a field that its kind takes.",
    Code.EVIDENCE: "The quote does not stand at that place in git, or a cited command did not show what was claimed.",
    Code.DUPLICATE: "The ledger holds this item already; the message names it.",
    Code.SECRET: "The item holds what looks like a key, token or password. Describe it, do not quote it.",
    Code.SEALED: "It may not be seen or changed yet: findings before all are in, options of an open ledger.",
    Code.NOT_OPEN: "No ledger of this workflow is open on this branch. Call `workflow` with `open`.",
    Code.INCOMPLETE: "The workflow may not end yet; the message lists what is missing.",
    Code.APPROVAL_NEEDED: "A step that cannot be undone waits for a person's yes.",
    Code.SUPPRESSED: "The change hides an error instead of mending it.",
    Code.INTERNAL: "Something failed that nobody foresaw; the server's log says what.",
}


def refusals_page() -> str:
    """Every code of a refusal."""
    return page(
        "# Refusals",
        "A refusal changed nothing. It is a tool error whose structured content has `code`, `message` (what is wrong, then the "
        "next step), `phase` and `next`. On the command line it goes to standard error, with status 2.",
        table(("code", "what it means"), [(f"`{code}`", REFUSALS[code]) for code in Code]),
    )
