"""A fault from its cause to its shipping, as a client drives it: each workflow takes what the one before hands over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.workflows.ci_gate import GateDemands, gate_checks
from ledgers import FINDING, HYPOTHESIS, SHOP, shop


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_a_fault_goes_from_its_cause_to_a_pull_request_and_through_the_gate(tmp_path: Path) -> None:
    project = shop(tmp_path / "repo")
    project.git("checkout", "-q", "-b", "topic")
    project.write("Makefile", "test:\n\tpython3 test_cart.py\n").commit("tests")
    lab = Lab(project.root, allow_commands=True)

    async with Client(build_server(lab)) as client:
        answers: list[str] = []

        async def call(tool: str, **arguments: object) -> dict[str, Any]:
            answer = await client.call_tool(tool, arguments)
            answers.append("".join(getattr(part, "text", "") for part in answer.content))
            assert not answer.is_error, answers[-1]
            return answer.structured_content or {}

        await call("workflow", name="debug", action="open", options={"chain": "fix, ship"})
        await call("record", workflow="debug", item=[HYPOTHESIS, FINDING])
        found = await call("workflow", name="debug", action="close")
        opened = await call("workflow", name="fix", action="open", options={"category": "bug"})
        project.write("shop/cart.py", SHOP["shop/cart.py"].replace("len(items) - 1", "len(items)")).commit("Count all")
        await call("workflow", name="fix", action="run")
        mended = await call("workflow", name="fix", action="close")
        await call("workflow", name="ship", action="open", options={"checklist_only": True, "base": "main"})
        listed = await call("workflow", name="ship", action="run")
        await call("workflow", name="ship", action="close")

    assert [found["next_prompts"][0]["prompt"], mended["next_prompts"][0]["prompt"]] == ["fix", "ship"]
    assert opened["state"][0].startswith("1 errors are left")
    assert mended["status"] == "complete"
    assert listed["coverage"][1] == "passed 9/9"
    told = project.read(f"{listed['folder']}/pull-request.md")
    assert "The cart shows one item too few" in told
    assert f"which failed with `{HYPOTHESIS['fails_with']}`" in told
    gate = gate_checks(Lab(project.root, allow_commands=True).for_reading(), GateDemands())
    assert not [one.seen for one in gate if one.passed is False]
    assert sum(map(len, answers)) < 12_000
