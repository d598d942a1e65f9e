"""Whether a client can be driven here, and what a person can do where it cannot."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from ..errors import Code, Refusal
from ..lab.legs import Leg, Problem
from .agents import AGENTS, DrivenAgent, DrivenClient
from .leg import not_logged_in
from .records import open_to_others


def refuse_unready(agent: DrivenAgent, command: str, folder: Path) -> None:
    """Refuse a client, or a command of one's own, that could not be driven. `folder` is where our files for it stand.

    Raises:
        Refusal: with the cure.
    """
    client = AGENTS.get(agent.client)
    program = client.program if client else next(iter(shlex.split(command)), "")
    if shutil.which(program) is None:
        cure = f"{_install(client)} {client.login}" if client else "Name a program that is there."
        raise Refusal(Code.BAD_ARGUMENT, f"`{program}` is not on the PATH. {cure}")
    if client and not_logged_in(client, agent.model):
        raise Refusal(Code.BAD_ARGUMENT, f"`{program}` says that nobody is logged in. {client.login}")
    if client and client.private and (place := open_to_others(folder)):
        cure = "move the repository, or `chmod go-w` that folder"
        raise Refusal(
            Code.BAD_ARGUMENT, f"{program} reads no settings below {place}, which others may write to: {cure}."
        )


def cure(leg: Leg) -> str:
    """Say what a person can do about what a leg stopped at; empty where nobody knows."""
    client = AGENTS.get(leg.agent.partition(" ")[0])
    if client is None or leg.problem is None:
        return ""
    cures = {
        Problem.LOGIN: client.login,
        Problem.BILLING: "Look at the account's balance or plan, then run again.",
        Problem.MODEL: "Name a model that the client knows with --model.",
        Problem.OLD: _install(client),
        Problem.SERVER: "Run `autoresearch-mcp doctor`.",
    }
    return cures.get(leg.problem, "")


def _install(client: DrivenClient) -> str:
    return f"Install the newest: npm install -g {client.package}@latest."
