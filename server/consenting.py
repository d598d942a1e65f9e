"""Asking the person, through the client: which plan, where the agent has none, whether its commands may run, whether a
shipment may go out. A client that cannot ask is not asked, and then all is as if nobody had answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import anyio.to_thread
from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context, Elicit, Resolve
from pydantic import BaseModel, Field, JsonValue, create_model

from ..tools.errors import Refusal
from ..tools.lab.access import Lab
from ..tools.plan.agreement import statements
from ..tools.plan.model import Plan
from ..tools.project.candidates import Candidate
from ..tools.text.cleaning import visible
from ..tools.verbs.planning import agree_to, commands_without_consent, proposals
from ..tools.workflows.ship.approval import approve_shipment, is_digest, waiting_shipment


@dataclass(frozen=True)
class ConsentQuestion:
    """What a tool asks a person before it does its work.

    `asked` makes the annotation of a parameter that holds the person's answer, which no agent can fill; `remember`
    notes the answer to a call, and gives its arguments with what the person chose.
    """

    asked: Callable[[Lab], object]
    remember: Callable[[Lab, object, Mapping[str, Any]], dict[str, Any]]


_AGREE = "Yes: the server may run these commands on this machine, in this repository."


class Reply(BaseModel):
    """What a person said. A question makes a class of its own, which holds what was shown, so that a yes is to exactly that."""


class Agreement(Reply):
    """Whether commands may run."""

    shown: ClassVar[tuple[str, ...]] = ()

    agree: bool = Field(description=_AGREE)


class Wish(Reply):
    """All that a plan leaves open: which, how long, how far, and whether it may run."""

    offers: ClassVar[tuple[Candidate, ...]] = ()

    plan: str = Field(description="Which of these.")
    iterations: int = Field(20, ge=0, le=10_000, description="At most so many experiments; 0: no end.")
    target: str = Field("", max_length=40, description="The number that is good enough. Empty: as good as it gets.")
    agree: bool = Field(description=_AGREE)


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
    ) -> Reply | Elicit[Reply]:
        given = (verify, guards, guard_metrics, holdout, sabotage, environment, sandbox, network)
        return await _about_commands(lab, ctx, dict(zip(_ASKED, given, strict=True)), repo)

    return Annotated[ElicitationResult[Reply], Resolve(ask)]


def asked_for_a_plan(lab: Lab) -> object:
    """The same for a tool that can do without a plan: where nothing says what to measure, the person chooses in one form."""

    async def ask(
        ctx: Context[Any, Any],
        goal: str,
        scope: tuple[str, ...],
        metric: str,
        verify: str,
        guards: tuple[str, ...],
        guard_metrics: tuple[str, ...],
        holdout: str,
        sabotage: str,
        environment: tuple[str, ...],
        sandbox: str,
        network: bool,
        repo: str,
    ) -> Reply | Elicit[Reply]:
        if _can_ask(ctx) and not (scope or metric or verify):
            offers = await anyio.to_thread.run_sync(proposals, lab, goal, repo)
            if offers:
                return Elicit(_offered(offers), _form(offers))
        given = (verify, guards, guard_metrics, holdout, sabotage, environment, sandbox, network)
        return await _about_commands(lab, ctx, dict(zip(_ASKED, given, strict=True)), repo)

    return Annotated[ElicitationResult[Reply], Resolve(ask)]


async def _about_commands(
    lab: Lab, ctx: Context[Any, Any], given: Mapping[str, Any], repo: str
) -> Reply | Elicit[Reply]:
    """The question whether commands may run, if the client can ask it and nobody has answered it yet."""
    if not _can_ask(ctx):
        return Agreement(agree=False)
    missing = await anyio.to_thread.run_sync(commands_without_consent, lab, _agreeable(given), repo)
    if not missing:
        return Agreement(agree=False)
    schema = create_model("Agreement", __base__=Agreement)
    schema.shown = missing
    return Elicit("May autoresearch run these commands on this machine?\n\n" + "\n".join(map(visible, missing)), schema)


def _can_ask(ctx: Context[Any, Any]) -> bool:
    capabilities = ctx.client_capabilities
    return capabilities is not None and capabilities.elicitation is not None


def remember(lab: Lab, answer: object, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Note a person's yes for exactly the commands that were shown; returns the arguments with what the person chose."""
    match answer:
        case AcceptedElicitation(data=Agreement(agree=True) as said):
            agree_to(lab, said.shown, arguments["repo"])
        case AcceptedElicitation(data=Wish() as said):
            chosen = next((offer.plan for offer in said.offers if _named(said.offers, offer) == said.plan), {})
            settled = {**arguments, **chosen, "iterations": said.iterations, "target": said.target}
            if chosen and said.agree:
                agree_to(lab, statements(_agreeable(settled)), settled["repo"])
            return settled if chosen else dict(arguments)
    return dict(arguments)


def _offered(offers: Sequence[Candidate]) -> str:
    """The question which plan it should be, with every command that could run."""
    lines = ["What should get better, and may autoresearch run the commands of your choice on this machine?", ""]
    for offer in offers:
        guards = [*offer.plan.get("guards", []), *offer.plan.get("guard_metrics", [])]
        more = f"; guarded by {', '.join(f'`{guard}`' for guard in guards)}" if guards else "; nothing guards it"
        measured = f"{offer.plan['metric']}, {offer.plan['direction']} is better, measured by `{offer.plan['verify']}`"
        lines.append(visible(f"{_named(offers, offer)}: {measured}{more}. It may change {offer.file_count} files."))
    return "\n".join(lines)


def _named(offers: Sequence[Candidate], offer: Candidate) -> str:
    return f"{offers.index(offer) + 1}. {offer.title}"


def _form(offers: Sequence[Candidate]) -> type[Wish]:
    names: list[JsonValue] = [_named(offers, offer) for offer in offers]
    choice = Field(description="Which of these.", json_schema_extra={"enum": names})
    schema = create_model("Wish", __base__=Wish, plan=(str, choice))
    schema.offers = tuple(offers)
    return schema


_ASKED = ("verify", "guards", "guard_metrics", "holdout", "sabotage", "environment", "sandbox", "network")


def _agreeable(arguments: Mapping[str, Any]) -> Plan:
    """A plan with nothing but what a person has to agree to."""
    return Plan.model_validate({name: arguments[name] for name in _ASKED})


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


def _remember_shipment(lab: Lab, answer: object, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Note a person's yes, if what they were shown is still what stands: the digest is one of the call's arguments."""
    if isinstance(answer, AcceptedElicitation) and isinstance(answer.data, Approval) and answer.data.ship:
        waiting = waiting_shipment(lab, arguments["repo"])
        if waiting is not None and is_digest(arguments["options"].get("approve"), waiting.digest):
            approve_shipment(lab, waiting.digest, "in the client", arguments["repo"])
    return dict(arguments)


COMMANDS = ConsentQuestion(asked, remember)
PLANS = ConsentQuestion(asked_for_a_plan, remember)
SHIPMENT = ConsentQuestion(_asked_shipment, _remember_shipment)
