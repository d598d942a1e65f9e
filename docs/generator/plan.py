"""The page of the plan."""

from __future__ import annotations

from autoresearch_mcp.tools.plan.model import PLAN_FILE, Plan

from .markdown import cell, page, shown, table


def plan_page() -> str:
    """Every field of a plan."""
    return page(
        "# Plan",
        f"The keys of `{PLAN_FILE}`, which are also the arguments of `check_plan` and `start_session`. The plan is sealed at "
        "the start of a session. `goal`, `scope`, `metric`, `direction` and `verify` are required.",
        table(
            ("key", "default", "meaning"),
            [
                (f"`{name}`", f"`{shown(field.default)}`", cell(field.description or ""))
                for name, field in Plan.model_fields.items()
            ],
        ),
    )
