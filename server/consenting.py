"""Asking the person, through the client: whether a plan's commands may run, whether a shipment may go out. A client that
cannot ask is not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import anyio.to_thread
from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context, Elicit, Resolve
from pydantic import BaseModel, Field

from ..tools.errors import Refusal
from ..tools.lab import Lab
from ..tools.planning import agree_to, commands_without_consent
from ..tools.rules.plan import Plan
from ..tools.shipping import approve_shipment, is_digest, waiting_shipment


@dataclass(frozen=True)
class Question:
    """What a tool asks a person before it does its work.

    `asked` makes the annotation of a parameter that holds the person's answer, which no agent can fill; `remember`
    notes the answer to a call with these arguments.
    """

    asked: Callable[[Lab], object]
    remember: Callable[[Lab, object, dict[str, Any]], None]


class Agreement(BaseModel):
    """What the person is asked."""

    agree: bool = Field(description="Yes: the server may run these commands on this machine, in this repository.")


def _asked_commands(lab: Lab) -> object:
    async def ask(
        ctx: Context[Any, Any],
        verify: str,
        guards: tuple[str, ...],
        guard_metrics: tuple[str, ...],
        holdout: str,
        sabotage: str,
        environment: tuple[str, ...],
        sandbox: str,
        network: bool,
        repo: str,
    ) -> Agreement | Elicit[Agreement]:
        if not _can_ask(ctx):
            return Agreement(agree=False)
        given = (verify, guards, guard_metrics, holdout, sabotage, environment, sandbox, network)
        plan = _agreeable(dict(zip(_ASKED, given, strict=True)))
        missing = await anyio.to_thread.run_sync(commands_without_consent, lab, plan, repo)
        if not missing:
            return Agreement(agree=False)
        return Elicit("May autoresearch run these commands on this machine?\n\n" + "\n".join(missing), Agreement)

    return Annotated[ElicitationResult[Agreement], Resolve(ask)]


def _remember_commands(lab: Lab, answer: object, arguments: dict[str, Any]) -> None:
    """Note a person's yes for exactly the commands that were shown."""
    if isinstance(answer, AcceptedElicitation) and answer.data.agree:
        agree_to(lab, _agreeable(arguments), arguments["repo"])


_ASKED = ("verify", "guards", "guard_metrics", "holdout", "sabotage", "environment", "sandbox", "network")


def _agreeable(arguments: Mapping[str, Any]) -> Plan:
    """A plan with nothing but what a person has to agree to."""
    return Plan.model_validate({name: arguments[name] for name in _ASKED})


def _can_ask(ctx: Context[Any, Any]) -> bool:
    capabilities = ctx.client_capabilities
    return capabilities is not None and capabilities.elicitation is not None


class Approval(BaseModel):
    """What the person is asked before something is shipped."""

    ship: bool = Field(description="Yes: ship exactly this commit, with this checklist.")


def _asked_shipment(lab: Lab) -> object:
    async def ask(
        ctx: Context[Any, Any], name: str, action: str, options: dict[str, Any], repo: str
    ) -> Approval | Elicit[Approval]:
        if (name, action) != ("ship", "run") or "approve" not in options or not _can_ask(ctx):
            return Approval(ship=False)
        try:
            waiting = await anyio.to_thread.run_sync(waiting_shipment, lab, repo)
        except Refusal:
            return Approval(ship=False)
        if waiting is None or not is_digest(options["approve"], waiting.digest):
            return Approval(ship=False)
        return Elicit(waiting.question, Approval)

    return Annotated[ElicitationResult[Approval], Resolve(ask)]


def _remember_shipment(lab: Lab, answer: object, arguments: dict[str, Any]) -> None:
    """Note a person's yes, if what they were shown is still what stands: the digest is one of the call's arguments."""
    if isinstance(answer, AcceptedElicitation) and isinstance(answer.data, Approval) and answer.data.ship:
        waiting = waiting_shipment(lab, arguments["repo"])
        if waiting is not None and is_digest(arguments["options"].get("approve"), waiting.digest):
            approve_shipment(lab, waiting.digest, "in the client", arguments["repo"])


COMMANDS = Question(_asked_commands, _remember_commands)
SHIPMENT = Question(_asked_shipment, _remember_shipment)
