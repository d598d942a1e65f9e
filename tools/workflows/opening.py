"""Opening a ledger: its options sealed, the handoff that it takes, what the server finds first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ..errors import Code, Refusal
from ..lab.context import RepoContext
from .answers import WorkflowAnswer
from .ledger.events import Opened
from .ledger.forms import fields_of
from .ledger.items import Workflow
from .ledger.ledger import Ledger, folded
from .ledger.options import Options, steps
from .ledger.registry import read_item, read_options, rules_of
from .running.registry import runner_of
from .running.store import Ledgers
from .standing import drafted, stands

CHAINABLE = ("plan", "autoresearch")
"""Prompts beside the workflows that a chain may name."""


def open_ledger(context: RepoContext, workflow: Workflow, given: Mapping[str, Any]) -> WorkflowAnswer:
    ledgers, rules = Ledgers(context), rules_of(workflow)
    try:
        options = _onward(workflow, rules.options.model_validate(given))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:6])
        raise Refusal(Code.BAD_ARGUMENT, f"{problems}. Options: {', '.join(fields_of(rules.options))}.") from error
    if there := ledgers.open_one(workflow):
        before = ledgers.named(there.incoming) if there.incoming else None
        if given and _inherited(options, before) != there.options:
            sealed = there.options.model_dump(mode="json", exclude_defaults=True)
            message = (
                f"{there.id} is open with other options ({sealed}), which are sealed. Go on with it, or close it first."
            )
            raise Refusal(Code.SEALED, message)
        return stands(context, there)
    if unknown := [name for name in steps(options.chain) if name not in [*Workflow, "plan", "autoresearch"]]:
        raise Refusal(
            Code.BAD_ARGUMENT, f"`chain` names {', '.join(unknown)}. Use: {', '.join(Workflow)}, plan, autoresearch."
        )
    waiting = ledgers.incoming(workflow, options.after)
    if options.after and waiting is None:
        raise Refusal(
            Code.BAD_ARGUMENT,
            f"`after` names {options.after}, which is no closed ledger here. Leave it out, or close it.",
        )
    options = _inherited(options, waiting)
    id = ledgers.new_id(workflow, options.goal)
    opened = Opened(
        workflow=workflow,
        branch=context.branch,
        commit=context.repo.head(),
        options=options.model_dump(mode="json", exclude_defaults=True),
        incoming=waiting.id if waiting else "",
        folder=f"autoresearch/{id}",
    )
    ledger = folded(id, [(context.now(), opened)], read_options, read_item)
    found = runner_of(workflow).opening(context, ledger)
    return drafted(context, ledgers.append(id, opened, *found))


def _onward(workflow: Workflow, options: Options) -> Options:
    """Options whose chain says what follows: whoever names the whole chain names its first step too."""
    first, *rest = steps(options.chain) or ("",)
    return options.model_copy(update={"chain": ", ".join(rest)}) if first == workflow else options


def _inherited(options: Options, before: Ledger | None) -> Options:
    """Options with the rest of the chain of the ledger before, where they name none of their own."""
    if before is None or options.chain:
        return options
    return options.model_copy(update={"chain": ", ".join(steps(before.options.chain)[1:])})
