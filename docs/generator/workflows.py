"""The page of the workflows."""

from __future__ import annotations

from inspect import cleandoc, getdoc

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from autoresearch_mcp.prompts import load_prompts
from autoresearch_mcp.tools.workflows.ledger.items import Item, Options, Workflow, choices
from autoresearch_mcp.tools.workflows.ledger.rules import WorkflowRules, rules_of

from .markdown import cell, codes, page, plain, shown, table

WORKFLOWS = tuple(workflow for workflow in Workflow if workflow in load_prompts())
"""Those that an agent can be asked for."""


def workflows_page() -> str:
    """Every workflow: options, items, rounds and scores."""
    return page(
        "# Workflows",
        "A workflow keeps a ledger: the agent reports items with `record`, the server checks each at the door, computes "
        "coverage and scores, and says what is missing. [How to take one from start to end](../how-to/workflows.md).",
        "Options that all of them take:",
        _model_table(Options, "option"),
        "Fields that every item may have: `kind`, which is required, and `upstream`, "
        f"{cell(Item.model_fields['upstream'].description or '')[0].lower()}{cell(Item.model_fields['upstream'].description or '')[1:]}",
        *(_workflow(workflow, rules_of(workflow)) for workflow in WORKFLOWS),
    )


def _workflow(name: Workflow, rules: WorkflowRules) -> str:
    own = {key: field for key, field in rules.options.model_fields.items() if key not in Options.model_fields}
    most = ", ".join(f"{depth} {most or 'unbounded'}" for depth, most in rules.rounds.items())
    rounds = f"Rounds by depth: {most}." if any(rules.rounds.values()) else "As many rounds as it takes."
    return page(
        f"## {name}",
        cleandoc(rules.__doc__ or ""),
        rounds + (f" Usually followed by {codes(rules.onwards)}." if rules.onwards else ""),
        "**Options**" if own else "",
        table(("option", "default", "meaning"), [_option(rules.options, key, field) for key, field in own.items()])
        if own
        else "",
        *(_item(kind) for kind in rules.items.values()),
        f"**Score.** {plain(getdoc(type(rules).scores) or '')}" if "scores" in vars(type(rules)) else "",
    )


def _item(kind: type[Item]) -> str:
    hidden = {"kind", "upstream", *kind.filled}
    word = kind.model_fields["kind"].default
    rows = [
        (f"`{name}`", "required" if field.is_required() else "optional", _with_words(kind, name, field))
        for name, field in kind.model_fields.items()
        if name not in hidden
    ]
    return page(f"**Item `{word}`.** {plain(getdoc(kind) or '')}", table(("field", "", "meaning"), rows))


def _option(model: type[BaseModel], name: str, field: FieldInfo) -> tuple[str, str, str]:
    return f"`{name}`", f"`{shown(field.get_default(call_default_factory=True))}`", _with_words(model, name, field)


def _model_table(model: type[BaseModel], first: str) -> str:
    rows = [_option(model, name, field) for name, field in model.model_fields.items()]
    return table((first, "default", "meaning"), rows)


def _with_words(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    """What a field is, with the words that it may hold unless they stand there already."""
    told, words = cell(field.description or ""), choices(model, name)
    listed = f"One of {', '.join(words)}." if words and not all(word in told for word in words) else ""
    return " ".join(part for part in (told, listed) if part)
