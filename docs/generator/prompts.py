"""The page of the prompts."""

from __future__ import annotations

from autoresearch_mcp.prompts import load_prompts

from .markdown import cell, page, table


def prompts_page() -> str:
    """Every prompt with its arguments."""
    return page(
        "# Prompts",
        "What to say to an agent, one prompt a workflow and one for the loop. Every argument is optional. In Claude Code a "
        "prompt is a command, such as `/mcp__autoresearch__debug`; in a client without prompts say *use the debug playbook*: "
        "the tool [`playbook`](tools.md#playbook) has the same texts.",
        *(
            page(
                f"## {prompt.name}",
                f"{prompt.description}.",
                table(("argument", "meaning"), [(f"`{name}`", cell(text)) for name, text in prompt.arguments.items()]),
            )
            for prompt in load_prompts().values()
        ),
    )
