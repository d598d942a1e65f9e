"""Running a command of a plan with what the plan asks for around it: variables passed on, and walls."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..plan.model import Plan
from ..process.isolation import available, passed_on, policy_for, wrap
from ..process.runner import CommandRun
from .context import RepoContext

CHANNEL_NAME = "AUTORESEARCH_CHANNEL"


def run_sandboxed(
    context: RepoContext,
    plan: Plan,
    key: str,
    command: str,
    timeout_s: float,
    folder: Path,
    names: Mapping[str, str],
    temporary: str,
) -> CommandRun:
    """Run a command of a plan in a checkout, behind walls if the plan wants them and this machine has them.

    `temporary` is a folder that the command may write behind walls.
    """
    channel = names.get(CHANNEL_NAME, "")
    given = {**passed_on(plan.environment, os.environ), **names}
    if not temporary:
        return context.run(key, command, timeout_s, folder, given, channel=channel)
    writable = (temporary, *([str(Path(channel).parent)] if channel else []))
    limits = (plan.network, plan.memory_mb, plan.processes)
    policy = policy_for(context.repo, folder, plan.scope, limits, writable)
    given["TMPDIR"] = temporary
    return context.run(key, command, timeout_s, folder, given, lambda argv: wrap(argv, policy), channel)


def walled(plan: Plan) -> bool:
    """Whether this plan's commands run in a sandbox here."""
    return plan.sandbox != "off" and bool(available().mechanism)


def sandbox_words(plan: Plan) -> str:
    """What stands between the commands and the machine, as it is and not as it was wished."""
    if plan.sandbox == "off":
        return "off: commands may do on this machine what you may"
    offer = available()
    if not offer.mechanism:
        return f"off: {offer.why_not}"
    network = "with network" if plan.network else "no network"
    where = "scope, ignored build folders, caches and a temporary folder"
    return f"on ({offer.mechanism}): commands write only in {where}; {network}; they can read everything that you can"
