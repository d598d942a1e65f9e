"""Completion of a prompt's arguments, where it is known what may stand there."""

from __future__ import annotations

from mcp.server import MCPServer
from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from ..tools.verbs.workflows import known_values

MOST = 100
"""Values that one answer may hold, by the protocol."""


def completes(server: MCPServer) -> None:
    """Have a server complete arguments."""

    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        if not isinstance(ref, PromptReference):
            return None
        return Completion(values=list(completed(ref.name, argument.name, argument.value))[:MOST])

    server.completion()(complete)  # type: ignore[no-untyped-call] # the library leaves it untyped


def completed(prompt: str, argument: str, typed: str) -> tuple[str, ...]:
    """What a half-typed value could become. Of a list the last word is completed, and no word is offered twice."""
    before, comma, word = typed.rpartition(",") if argument == "chain" else ("", "", typed)
    taken = {part.strip() for part in before.split(",")}
    start = f"{before}{comma} " if comma else ""
    fitting = (value for value in known_values(prompt, argument) if value.startswith(word.strip()))
    return tuple(start + value for value in fitting if value not in taken)
