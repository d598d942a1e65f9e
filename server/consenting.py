"""Asking the person, through the client, whether a plan's commands may run. A client that cannot ask is not asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import anyio.to_thread
from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context, Elicit, Resolve
from pydantic import BaseModel, Field

from ..tools.lab import Lab
from ..tools.planning import agree_to, commands_without_consent
from ..tools.rules.plan import Plan


class Agreement(BaseModel):
    """What the person is asked."""

    agree: bool = Field(description="Yes: the server may run these commands on this machine, in this repository.")


def asked(lab: Lab) -> object:
    """The annotation of a parameter that holds the person's answer; no agent can fill it."""

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
        capabilities = ctx.client_capabilities
        if capabilities is None or capabilities.elicitation is None:
            return Agreement(agree=False)
        given = (verify, guards, guard_metrics, holdout, sabotage, environment, sandbox, network)
        plan = _agreeable(dict(zip(_ASKED, given, strict=True)))
        missing = await anyio.to_thread.run_sync(commands_without_consent, lab, plan, repo)
        if not missing:
            return Agreement(agree=False)
        return Elicit("May autoresearch run these commands on this machine?\n\n" + "\n".join(missing), Agreement)

    return Annotated[ElicitationResult[Agreement], Resolve(ask)]


def remember(lab: Lab, answer: object, arguments: dict[str, Any]) -> None:
    """Note a person's yes for exactly the commands that were shown."""
    if isinstance(answer, AcceptedElicitation) and answer.data.agree:
        agree_to(lab, _agreeable(arguments), arguments["repo"])


_ASKED = ("verify", "guards", "guard_metrics", "holdout", "sabotage", "environment", "sandbox", "network")


def _agreeable(arguments: Mapping[str, Any]) -> Plan:
    """A plan with nothing but what a person has to agree to."""
    return Plan.model_validate({name: arguments[name] for name in _ASKED})
