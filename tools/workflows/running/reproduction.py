"""Running what an item cites as its reproduction: the server's own look, recorded in place of the agent's claim."""

from __future__ import annotations

from ...errors import Code, Refusal
from ...lab.context import RepoContext
from ...process.screen import cure, screen
from ...text.hygiene import clean_end
from ..ledger.events import Ran

TIMEOUT_S = 120.0
TAIL_CHARACTERS = 1500


def reproduce(context: RepoContext, command: str, timeout_s: float = TIMEOUT_S) -> Ran:
    """Run a command at the top of the checkout if a person agreed to it; say that nobody did otherwise.

    Raises:
        Refusal: if the command is one that is never run.
    """
    if told := screen(command).refused:
        raise Refusal(Code.BAD_ARGUMENT, f"`{command}` is not run here: {told}. {cure(told)}")
    if not context.consent.agreed_to(command):
        context.consent.want(command)
        why = "not run: nobody agreed to it. A person can, with `autoresearch-mcp approve` in a terminal."
        return Ran(command=command, why=why)
    run = context.run(context.key(f"reproduce {command}"), command, timeout_s, context.repo.root, {})
    return Ran(
        command=command,
        exit_code=None if run.lost or run.cancelled else run.exit_code,
        timed_out=run.timed_out,
        seconds=round(run.seconds, 3),
        tail=clean_end(run.stdout + run.stderr, TAIL_CHARACTERS),
        output=run.digest,
        why="cancelled" if run.cancelled else run.problem,
    )
