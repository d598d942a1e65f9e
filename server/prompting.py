"""Prompts as they are asked for: with what stands in the repository at that moment, and what their arguments may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS

from ..prompts import Prompt
from ..tools.errors import Refusal
from ..tools.lab.access import Lab
from ..tools.text.arguments import unusable
from ..tools.verbs.overview import prompt_state
from ..tools.verbs.planning import project_facts, way_to
from ..tools.verbs.workflows import Playbook, known_values
from ..tools.vocabulary import Phase
from ..tools.workflows.ledger.items import Workflow
from ..tools.workflows.status import prompt_status
from .failures import as_refusal
from .sentences import told, whole


def rendered(lab: Lab, prompt: Prompt, given: Mapping[str, str]) -> str:
    """Return the text of a prompt with the arguments that were given.

    Raises:
        MCPError: if it has no such argument, or a value is no text.
    """
    if problem := unusable(given):
        raise MCPError(INVALID_PARAMS, problem)
    if unknown := sorted(given.keys() - prompt.arguments.keys()):
        known = ", ".join(prompt.arguments)
        raise MCPError(INVALID_PARAMS, f"Unknown argument {', '.join(unknown)}. {prompt.name} takes: {known}.")
    said = whole(prompt, given, lab.root)
    return prompt.render({**told(prompt, given, said), **_live(lab, prompt, goal=said.get("goal", ""))})


def _live(lab: Lab, prompt: Prompt, repo: str = "", goal: str = "") -> dict[str, str]:
    """What a prompt shows of this moment: the session, the project, the way to a goal, and its own ledger or the handoff that
    waits for it.
    """
    try:
        context = lab.for_reading(repo)
        looks: dict[str, Callable[[], str]] = {
            "state": lambda: prompt_state(context),
            "ledger": lambda: prompt_status(context, Workflow(prompt.name)),
            "facts": lambda: "\n".join(project_facts(context)),
            # Where a session has a goal already, the prompt tells that one.
            "way": lambda: "\n".join(
                way_to(context, goal) if goal.strip() and context.phase is Phase.NO_SESSION else []
            ),
        }
        return {name: look() for name, look in looks.items() if name in prompt.shows}
    except (Refusal, OSError) as error:  # how to work is worth reading all the same
        return {"state": as_refusal(error).message, "ledger": "", "facts": "", "way": ""}


def live_playbook(lab: Lab, prompt: Prompt, **given: str) -> Playbook:
    """Return what renders a prompt with the live state of a repository, and the arguments that were given."""
    return lambda repo: prompt.render({**given, **_live(lab, prompt, repo)})


def completed(prompt: str, argument: str, typed: str) -> tuple[str, ...]:
    """What a half-typed value could become. Of a list the last word is completed, and no word is offered twice."""
    before, comma, word = typed.rpartition(",") if argument == "chain" else ("", "", typed)
    taken = {part.strip() for part in before.split(",")}
    start = f"{before}{comma} " if comma else ""
    fitting = (value for value in known_values(prompt, argument) if value.startswith(word.strip()))
    return tuple(start + value for value in fitting if value not in taken)
