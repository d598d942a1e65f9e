"""The plan file in a repository: the plan of a call that was given none."""

from __future__ import annotations

from ..errors import Code, Refusal
from ..plan.checks import load_plan
from ..plan.model import PLAN_FILE, Plan
from ..vocabulary import Phase
from .answers import cut
from .consent import read_plan_file
from .context import RepoContext


def chosen_plan(context: RepoContext, plan: Plan) -> Plan:
    """Return the plan that was passed or, where it does not say how to measure, the plan file's with what was passed in it.

    Raises:
        Refusal: if the plan file is missing or has keys that no plan has.
    """
    if plan.verify or (plan.given and not (context.repo.root / PLAN_FILE).exists()):
        return plan
    loaded = load_plan(read_plan_file(context.repo.root))
    if isinstance(loaded, Plan):
        return Plan.model_validate({**loaded.model_dump(), **plan.model_dump(exclude_defaults=True)})
    raise Refusal(Code.BAD_PLAN, f"{PLAN_FILE} is not a plan. " + " ".join(map(str, loaded)))


def plan_at_hand(context: RepoContext) -> str:
    """Say that a plan file is here, what it asks for and how to go on; empty where there is none, or a session is open."""
    if context.phase is not Phase.NO_SESSION or not (context.repo.root / PLAN_FILE).is_file():
        return ""
    try:
        plan = chosen_plan(context, Plan())
    except Refusal as refusal:
        return refusal.message
    committed = context.repo.content("HEAD", PLAN_FILE) == (context.repo.root / PLAN_FILE).read_bytes()
    state = "committed" if committed else "not committed as it stands"
    asks = f"{plan.goal or plan.metric} [{plan.metric}, {plan.direction} is better], scope {', '.join(plan.scope)}"
    return f"A plan is here ({PLAN_FILE}, {state}): {cut(asks, 300)}. Next: check_plan without arguments tries it, then start_session."
