"""Asking the person, through the client: which plan, where the agent has none, whether its commands may run, whether a
shipment may go out. A client that cannot ask is not asked, and then all is as if nobody had answered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import anyio.to_thread
from mcp.server.elicitation import AcceptedElicitation
from mcp.server.mcpserver import Context, Elicit
from pydantic import BaseModel, Field, JsonValue, create_model, field_validator

from ..tools.errors import Refusal
from ..tools.lab.access import Lab
from ..tools.plan.checks import statements
from ..tools.plan.model import Plan
from ..tools.project.candidates import Candidate
from ..tools.session.summary import count_of
from ..tools.text.redaction import visible
from ..tools.verbs.planning import agree_to, commands_without_consent, passed_plan, proposals


@dataclass(frozen=True)
class ConsentQuestion:
    """What a tool asks a person before it does its work, or nobody.

    `ask` gets the named arguments of a call. It returns a question for the person, or what to go on with where there is
    none. `remember` notes the answer, and gives the arguments of the call with what the person chose.
    """

    arguments: tuple[str, ...]
    ask: Callable[[Lab, Context[Any, Any], Mapping[str, Any]], Awaitable[BaseModel | Elicit[Any]]]
    remember: Callable[[Lab, object, Mapping[str, Any]], dict[str, Any]]


_AGREE = "Yes: the server may run these commands on this machine, in this repository."


# A question makes a class of its own of these, which holds what was shown, so that a yes is to exactly that.
class Agreement(BaseModel):
    """Whether commands may run."""

    shown: ClassVar[tuple[str, ...]] = ()
    how: ClassVar[str] = ""

    agree: bool = Field(description=_AGREE)


class Wish(BaseModel):
    """All that a plan leaves open: which, how long, how far, and whether it may run."""

    offers: ClassVar[tuple[Candidate, ...]] = ()
    how: ClassVar[str] = ""

    plan: str = Field(description="Which of these.")
    iterations: int = Field(20, ge=0, le=10_000, description="At most so many experiments; 0: no end.")
    target: str = Field("", max_length=40, description="The number that is good enough. Empty: as good as it gets.")
    agree: bool = Field(description=_AGREE)

    @field_validator("iterations", mode="before")
    @classmethod
    def _usual(cls, value: object) -> object:
        """Some clients send an empty text for a number that was left as it stood."""
        return cls.model_fields["iterations"].default if value == "" else value


async def _ask_about_commands(
    lab: Lab, ctx: Context[Any, Any], given: Mapping[str, Any]
) -> BaseModel | Elicit[Agreement]:
    """Ask whether the commands of a plan may run, if the client can ask it and nobody has answered it yet."""
    if not _can_ask(ctx):
        return Agreement(agree=False)
    missing = await anyio.to_thread.run_sync(commands_without_consent, lab, _plan(given), given["repo"])
    if not missing:
        return Agreement(agree=False)
    schema = create_model("Agreement", __base__=Agreement)
    schema.shown, schema.how = missing, _where(ctx)
    return Elicit("May autoresearch run these commands on this machine?\n\n" + "\n".join(map(visible, missing)), schema)


async def _ask_for_a_plan(lab: Lab, ctx: Context[Any, Any], given: Mapping[str, Any]) -> BaseModel | Elicit[Any]:
    """The same for a tool that can do without a plan: where nothing says what to measure, the person chooses in one form."""
    if _can_ask(ctx) and not (given["scope"] or given["metric"] or given["verify"]):
        offers = await anyio.to_thread.run_sync(proposals, lab, given["goal"], given["repo"])
        if offers:
            return Elicit(_offered(offers), _form(offers, _where(ctx)))
    return await _ask_about_commands(lab, ctx, given)


async def _ask_before_start(
    lab: Lab, ctx: Context[Any, Any], given: Mapping[str, Any]
) -> BaseModel | Elicit[Agreement]:
    return await _ask_about_commands(lab, ctx, await anyio.to_thread.run_sync(_with_passed_plan, lab, given))


def _with_passed_plan(lab: Lab, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a start, with the plan that check_plan passed where they have none: so they are noted with the call, and
    whoever goes on with it after this server's end has the same plan.
    """
    named = arguments["preset"] or _plan(arguments).given
    return {**arguments, **({} if named else passed_plan(lab, arguments["repo"]))}


def _can_ask(ctx: Context[Any, Any]) -> bool:
    capabilities = ctx.client_capabilities
    return capabilities is not None and capabilities.elicitation is not None


def _where(ctx: Context[Any, Any]) -> str:
    """Say where the person is asked: the client answers for them, under the name that it gives itself."""
    client = ctx.session.client_params
    return f"in a dialogue of {visible(client.client_info.name)[:60]}" if client else "in a dialogue of the client"


def _remember_plan(lab: Lab, answer: object, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Note a person's yes for exactly the commands that were shown; returns the arguments with what the person chose."""
    match answer:
        case AcceptedElicitation(data=Agreement(agree=True) as said):
            agree_to(lab, said.shown, said.how, arguments["repo"])
        case AcceptedElicitation(data=Wish() as said):
            chosen = next((offer.plan for offer in said.offers if _named(said.offers, offer) == said.plan), {})
            settled = {**arguments, **chosen, "iterations": said.iterations, "target": said.target}
            if chosen and said.agree:
                # not to what the call has beside it, a holdout or a variable: that stood nowhere in the question
                agree_to(lab, statements(Plan.model_validate(chosen)), said.how, settled["repo"])
            return settled if chosen else dict(arguments)
    return dict(arguments)


def _remember_start(lab: Lab, answer: object, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return _remember_plan(lab, answer, _with_passed_plan(lab, arguments))


def _offered(offers: Sequence[Candidate]) -> str:
    """The question which plan it should be, with every command that could run."""
    lines = ["What should get better, and may autoresearch run the commands of your choice on this machine?", ""]
    for offer in offers:
        guards = [*offer.plan.get("guards", []), *offer.plan.get("guard_metrics", [])]
        more = f"; guarded by {', '.join(f'`{guard}`' for guard in guards)}" if guards else "; nothing guards it"
        measured = f"{offer.plan['metric']}, {offer.plan['direction']} is better, measured by `{offer.plan['verify']}`"
        lines.append(
            visible(f"{_named(offers, offer)}: {measured}{more}. It may change {count_of(offer.file_count, 'file')}.")
        )
    return "\n".join(lines)


def _named(offers: Sequence[Candidate], offer: Candidate) -> str:
    return f"{offers.index(offer) + 1}. {offer.title}"


def _form(offers: Sequence[Candidate], how: str) -> type[Wish]:
    names: list[JsonValue] = [_named(offers, offer) for offer in offers]
    choice = Field(description="Which of these.", json_schema_extra={"enum": names})
    schema = create_model("Wish", __base__=Wish, plan=(str, choice))
    schema.offers, schema.how = tuple(offers), how
    return schema


def _plan(arguments: Mapping[str, Any]) -> Plan:
    return Plan.model_validate({name: arguments[name] for name in Plan.model_fields})


class Approval(BaseModel):
    """What the person is asked before something is shipped."""

    ship: bool = Field(description="Yes: ship exactly this commit, with this checklist.")


async def _ask_about_shipment(
    lab: Lab, ctx: Context[Any, Any], given: Mapping[str, Any]
) -> BaseModel | Elicit[Approval]:
    """Ask whether the shipment may go out that a call wants approved, if that is the one that waits."""
    if (given["name"], given["action"]) == ("ship", "run") and "approve" in given["options"] and _can_ask(ctx):
        from ..tools.workflows.ship.approval import (
            is_digest,
            waiting_shipment,
        )  # loaded for whoever ships, not at every start

        with suppress(Refusal):
            waiting = await anyio.to_thread.run_sync(waiting_shipment, lab, given["repo"])
            if waiting is not None and is_digest(given["options"]["approve"], waiting.digest):
                return Elicit(waiting.question, Approval)
    return Approval(ship=False)


def _remember_shipment(lab: Lab, answer: object, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Note a person's yes, if what they were shown is still what stands: the digest is one of the call's arguments."""
    if isinstance(answer, AcceptedElicitation) and isinstance(answer.data, Approval) and answer.data.ship:
        from ..tools.workflows.ship.approval import approve_shipment, is_digest, waiting_shipment

        waiting = waiting_shipment(lab, arguments["repo"])
        if waiting is not None and is_digest(arguments["options"].get("approve"), waiting.digest):
            approve_shipment(lab, waiting.digest, "in the client", arguments["repo"])
    return dict(arguments)


_OF_PLAN = (*Plan.model_fields, "repo")
START = ConsentQuestion((*_OF_PLAN, "preset"), _ask_before_start, _remember_start)
PLANS = ConsentQuestion(_OF_PLAN, _ask_for_a_plan, _remember_plan)
SHIPMENT = ConsentQuestion(("name", "action", "options", "repo"), _ask_about_shipment, _remember_shipment)
