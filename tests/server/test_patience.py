"""How long `wait` may wait, by the client that asks."""

from __future__ import annotations

import pytest

from autoresearch_mcp.server.patience import caller_of


@pytest.mark.parametrize(
    ("client", "usual_s", "most_s"),
    [
        ("claude-code", 110, 3600),
        ("codex-mcp-client", 280, 280),
        ("gemini-cli-mcp-client", 280, 590),
        ("opencode", 280, 3600),
        ("inspector-cli", 50, 50),
        ("mcp", 50, 3600),
        ("", 50, 3600),
    ],
)
def test_a_call_may_take_what_its_client_is_known_to_wait(client: str, usual_s: float, most_s: float) -> None:
    assert (caller_of(client).usual_s, caller_of(client).most_s) == (usual_s, most_s)
