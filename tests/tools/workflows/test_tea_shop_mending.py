"""The tea shop of the examples, mended over the protocol by an agent whose every move is written here.

A panel predicts, debug measures, fix mends, ship sends it out; then regression and evals look back on it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult, TextContent

from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.tools.lab.access import Lab

pytestmark = pytest.mark.anyio

EXAMPLE = Path(__file__).parents[3] / "examples" / "tea-shop"
ARCHITECT, SECURITY, DEVIL = TRIO = ("architect", "security-analyst", "devils-advocate")


def cited(location: str, quote: str) -> dict[str, str]:
    return {"location": location, "quote": quote}


COUNT = cited("shop/cart.py:16", "return sum(number for _, _, number in self.lines[1:])")
AVERAGE = cited("shop/cart.py:23", "return self.total() / self.count()")
SQL = cited("shop/store.py:20", "SELECT * FROM item WHERE name = '{name}'")
TIES = cited("shop/report.py:21", "key=lambda pair: (-pair[1], pair[0])")


def predicted(persona: str, cited: Mapping[str, str], summary: str, reasoning: str, severity: str) -> dict[str, Any]:
    said = {"summary": summary, "reasoning": reasoning, "severity": severity}
    return {"kind": "finding", "persona": persona, **cited, **said}


PREDICTIONS = [
    predicted(ARCHITECT, COUNT, "The first line of a cart is not counted", "the slice begins at 1", "high"),
    predicted(ARCHITECT, AVERAGE, "An empty cart has no average", "its count is 0, and 0 divides nothing", "medium"),
    predicted(SECURITY, SQL, "The name of a tea can carry SQL of its own", "it is pasted into the query", "critical"),
    predicted(DEVIL, TIES, "Teas that sold equally come in a new order each time", "nothing sorts equals", "medium"),
]
CHALLENGES = {
    (SECURITY, "P1"): "the tests would have told",
    (DEVIL, "P2"): "nobody asks for the average of nothing",
    (DEVIL, "P3"): "names come from the shop itself",
    (SECURITY, "P4"): "the second part of the key is the name",
}

RED_TEST = {
    "reproduction": "python -m unittest tests.test_cart",
    "fails_with": "AssertionError: ",
    "control": "python -c 'import shop.cart'",
}
EMPTY_CART = {
    "reproduction": "python -c 'from shop.cart import Cart; Cart().average()'",
    "fails_with": "ZeroDivisionError",
    "control": "python -c 'from shop.cart import Cart; Cart()'",
}
FILLED = """from shop.store import *; link = connect(":memory:"); save_item(link, "assam", 500, 2); """
INJECTED = {
    "reproduction": f"""python -c '{FILLED}assert find_item(link, "x\\x27 OR 1=1 --") is None, "a row came back"'""",
    "fails_with": "a row came back",
    "control": f"""python -c '{FILLED}assert find_item(link, "x") is None, "a row came back"'""",
}
SORTED = {
    "reproduction": """python -c 'from shop.report import best_sellers as s; assert s([("b", 1), ("a", 1)]) == s([("a", 1), ("b", 1)])'""",
    "fails_with": "AssertionError",
    "control": """python -c 'import shop; s = list; assert s([("b", 1), ("a", 1)]) == s([("a", 1), ("b", 1)])'""",
}


def hypothesis(
    cited: Mapping[str, str], claim: str, outcome: str, proof: Mapping[str, str], upstream: str
) -> dict[str, Any]:
    seen = {"experiment": "called it", "seen": "it failed" if outcome == "confirmed" else "it passed"}
    return {"kind": "hypothesis", "claim": claim, "outcome": outcome, "upstream": upstream, **cited, **seen, **proof}  # fmt: skip


def cause(cited: Mapping[str, str], on: str, summary: str, severity: str, why: str) -> dict[str, Any]:
    told = {"summary": summary, "severity": severity, "root_cause": why, "impact": "every customer who meets it"}
    return {"kind": "finding", "hypothesis": on, **cited, **told}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tea shop, copied as the examples' page says, on a branch of its own; its tools are those beside this Python."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    monkeypatch.setenv("MYPY_CACHE_DIR", str(tmp_path / "mypy"))
    root = tmp_path / "tea-shop"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("__pycache__"))
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "A tea shop")
    git(root, "checkout", "--quiet", "-b", "mended")
    return root


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.rstrip("\n")


@dataclass
class Agent:
    """A client that calls tools, waits for what takes long, and edits files; `asked` is what its person was shown."""

    client: Client
    root: Path
    asked: list[str] = field(default_factory=list)

    async def try_call(self, tool: str, **arguments: object) -> tuple[bool, dict[str, Any]]:
        """Whether a call was refused, and its answer."""
        result = await self.client.call_tool(tool, arguments)
        while result.structured_content and result.structured_content["phase"] == "running":
            result = await self.client.call_tool("wait", {"run": result.structured_content["run"]})
        assert result.structured_content is not None
        return bool(result.is_error), result.structured_content

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        refused, answer = await self.try_call(tool, **arguments)
        assert not refused, answer
        return answer

    async def work(self, name: str, action: str, **options: object) -> dict[str, Any]:
        return await self.call("workflow", name=name, action=action, options=options)

    async def record(self, workflow: str, item: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self.call("record", workflow=workflow, item=dict(item))
        return {**answer, **answer["recorded"][0]}

    async def prompt(self, name: str) -> str:
        content = (await self.client.get_prompt(name, {})).messages[0].content
        assert isinstance(content, TextContent)
        return content.text

    async def mend(self, words: str, description: str, *edits: tuple[str, str, str]) -> dict[str, Any]:
        """One iteration on the error of the queue whose line holds these words."""
        queue = (await self.work("fix", "status"))["state"]
        id = next(line.removeprefix("Next: ").split()[0] for line in queue if words in line)
        for edit in edits:
            self.edit(*edit)
        return await self.call("iterate", description=f"{id}: {description}")

    def edit(self, file: str, old: str, new: str) -> None:
        text = (self.root / file).read_text()
        assert old in text
        (self.root / file).write_text(text.replace(old, new, 1))

    def read(self, answer: Mapping[str, Any], name: str) -> str:
        return (self.root / str(answer["folder"]) / name).read_text()


@asynccontextmanager
async def new_server(root: Path) -> AsyncIterator[Agent]:
    """An agent at a server that was just started, with a person behind its client who says yes."""
    asked: list[str] = []

    async def person(context: object, question: ElicitRequestParams) -> ElicitResult:
        asked.append(question.message)
        return ElicitResult(action="accept", content={"ship": True})

    server = build_server(Lab(root, allow_commands=True))
    async with Client(server, elicitation_callback=person) as client:  # type: ignore[arg-type]
        yield Agent(client, root, asked)


def closed(agent: Agent, answer: Mapping[str, Any], *, status: str, onward: str) -> dict[str, Any]:
    """The handoff of a workflow that ended so, after a look that all files that it names are there and none else."""
    assert answer["status"] == status
    assert [step["prompt"] for step in answer.get("next_prompts", [])] == ([onward] if onward else [])
    there = {str(path.relative_to(agent.root)) for path in (agent.root / answer["folder"]).rglob("*") if path.is_file()}
    assert set(answer["files"]) == there
    for name in there:
        text = (agent.root / name).read_text()
        assert text.strip(), name
        assert "green-tea-4711" not in text, name
    handoff: dict[str, Any] = json.loads(agent.read(answer, "handoff.json"))
    assert (handoff["status"], handoff["commit"]) == (status, git(agent.root, "rev-parse", "HEAD"))
    assert [step["prompt"] for step in handoff["next"]] == ([onward] if onward else [])
    return handoff


async def predict(agent: Agent) -> dict[str, Any]:
    """Three personas speak and doubt one another."""
    await agent.work(
        "predict", "open", goal="What will customers trip over?", depth="shallow", chain="debug, fix, ship"
    )
    for item in PREDICTIONS:
        answer = await agent.record("predict", item)
        assert "cart.py" not in answer["step"], "sealed"
    for name in TRIO:
        await agent.record("predict", {"kind": "done", "persona": name, "looked_at": "cart, store and report"})
    for (name, of), argument in CHALLENGES.items():
        await agent.record("predict", {"kind": "challenge", "persona": name, "of": of, "argument": argument})
    return await agent.work("predict", "close")


async def debug(agent: Agent, panel: str) -> dict[str, Any]:
    """The predictions are put to the test, the last ones by another server."""
    opened = await agent.work("debug", "open")
    assert [line.split()[0] for line in opened["state"] if line.startswith(f"{panel}#")] == [
        f"{panel}#{id}" for id in ("P3", "P1", "P2", "P4")
    ]
    looked = await agent.work("debug", "run")
    assert any("test_count" in line for line in looked["state"])
    tested = await agent.record(
        "debug", hypothesis(COUNT, "the slice leaves out a line", "confirmed", RED_TEST, f"{panel}#P1")
    )
    assert (tested["ran"]["exit_code"], tested["settled"]) == (1, f"{panel}#P1 as confirmed")
    await agent.record("debug", cause(COUNT, "H1", "A cart shows too few items", "high", "it counts from 1"))
    async with new_server(agent.root) as other:
        before = await agent.work("debug", "status")
        assert await other.work("debug", "open") == before
        refused, told = await other.try_call(
            "record", workflow="debug", item=hypothesis(COUNT, "the slice leaves out a line", "confirmed", RED_TEST, f"{panel}#P1")
        )  # fmt: skip
        assert (refused, told["code"]) == (True, "duplicate")
        tested = await other.record(
            "debug", hypothesis(TIES, "equals keep no order", "disproven", SORTED, f"{panel}#P4")
        )
        assert (tested["id"], tested["settled"]) == ("H2", f"{panel}#P4 as disproven")
        await other.record("debug", hypothesis(SQL, "a quote ends the name", "confirmed", INJECTED, f"{panel}#P3"))
        await other.record("debug", cause(SQL, "H3", "A name runs as SQL", "critical", "it is pasted in"))
        await other.record("debug", hypothesis(AVERAGE, "it divides by zero", "confirmed", EMPTY_CART, f"{panel}#P2"))
        await other.record("debug", cause(AVERAGE, "H4", "An empty cart has no average", "medium", "0 / 0"))
        return await other.work("debug", "close")


async def fix(agent: Agent) -> dict[str, Any]:
    """What the project's commands and the findings of debug say is broken, mended one by one, half of it by another server."""
    opened = await agent.work("fix", "open")
    assert opened["state"][0] == "6 errors are left, 6 at the start: 3 bug, 1 lint, 1 test, 1 type."
    plan = opened["plan"]
    assert (plan["metric"], plan["scope"], plan["protected"]) == (
        "errors",
        ["shop/**/*.py"],
        ["tests/**", "pyproject.toml"],
    )
    assert (await agent.call("start_session", **plan))["baseline"] == 6

    tried = await agent.mend(
        "A name runs as SQL",
        "the name is a parameter of the query and no part of it",
        ("shop/store.py", """f"SELECT * FROM item WHERE name = '{name}'")""", '''"SELECT * FROM item WHERE name = ?", (name,))'''),
    )  # fmt: skip
    assert (tried["status"], tried["metric"]) == ("keep", 5)
    tried = await agent.mend(
        "A cart shows too few items", "count every line, the first one too", ("shop/cart.py", "lines[1:]", "lines")
    )
    assert (tried["status"], tried["metric"]) == ("keep", 3)
    async with new_server(agent.root) as other:
        assert await other.work("fix", "status") == await agent.work("fix", "status")
        tried = await other.mend(
            "no-any-return",
            "an unknown tea is none, and nothing can be taken of it",
            ("shop/store.py", "-> tuple[str, int, int]:\n    return", "-> tuple[str, int, int] | None:\n    row: tuple[str, int, int] | None ="),
            ("shop/store.py", ".fetchone()\n", ".fetchone()\n    return row\n"),
            ("shop/store.py", "stock = find_item(link, name)[2]\n    if stock < number:", "item = find_item(link, name)\n    if item is None or item[2] < number:"),
            ("shop/store.py", "(stock - number, name)", "(item[2] - number, name)"),
        )  # fmt: skip
        assert (tried["status"], tried["metric"]) == ("keep", 2)
        await other.mend(
            "An empty cart has no average",
            "an empty cart costs nothing on average",
            ("shop/cart.py", "return self.total() / self.count()", "return self.total() / self.count() if self.lines else 0.0"),
        )  # fmt: skip
        tried = await other.mend("F401", "the import that nobody used", ("shop/cart.py", "import os\n\n\n", "\n"))
        assert (tried["status"], tried["metric"], tried["phase"]) == ("keep", 0, "ended")
        await other.call("finish_session")
        return await other.work("fix", "close")


async def ship(agent: Agent) -> dict[str, Any]:
    """A secret is in the way; then a person is asked, and it goes out."""
    opened = await agent.work("ship", "open")
    assert opened["state"][0] == "code-pr (what changed is code), compared with main."
    checked = await agent.work("ship", "run")
    assert any(line.startswith("blocker secrets") for line in checked["missing"])
    assert any("shop/store.py:5" in line for line in checked["state"])
    agent.edit("shop/store.py", 'ADMIN_PASSWORD = "green-tea-4711"\n\n\n', "\n")
    git(agent.root, "commit", "--quiet", "--all", "-m", "Take the password out of the source")

    checked = await agent.work("ship", "run")
    assert not any("secrets" in line for line in checked["missing"])
    await agent.record("ship", {"kind": "rollback", "how": "git branch -D shipped"})
    await agent.record("ship", {"kind": "dry-run", "run": "git push --dry-run . HEAD:refs/heads/shipped"})
    digest = re.search(r"digest (\w+)", "\n".join((await agent.work("ship", "status"))["state"]))
    assert digest
    shipped = {"kind": "shipped", "how": "pushed the branch", "branch": "shipped"}
    refused, told = await agent.try_call("record", workflow="ship", item=shipped)
    assert (refused, told["code"], agent.asked) == (True, "approval-needed", [])
    assert told["next"][:2] == ["record", "workflow"]

    await agent.work("ship", "run", approve=digest[1])
    assert len(agent.asked) == 1
    assert f"checklist {digest[1]}" in agent.asked[0]
    git(agent.root, "branch", "shipped")
    await agent.record("ship", shipped)
    return await agent.work("ship", "close")


async def test_the_shop_is_mended_from_a_prediction_to_its_shipment_and_looked_back_on(root: Path) -> None:
    first = git(root, "rev-parse", "HEAD")
    async with new_server(root) as agent:
        panel = await predict(agent)
        closed(agent, panel, status="complete", onward="debug")
        assert f"{panel['ledger']} hands over:" in await agent.prompt("debug")
        assert "devils-advocate doubts: " in agent.read(panel, "predictions.md")

        causes = await debug(agent, panel["ledger"])
        found = closed(agent, causes, status="complete", onward="fix")
        assert [one["id"] for one in found["findings"]] == ["F2", "F1", "F3"]
        assert found["incoming"] == panel["ledger"]
        assert f"It goes on from `{panel['ledger']}`." in agent.read(causes, "summary.md")
        assert f"foreseen as {panel['ledger']}#P4" in agent.read(causes, "findings.md")
        assert f"**DISPROVEN** by {causes['ledger']}#H2" in agent.read(panel, "predictions.md")
        handoff = json.loads(agent.read(panel, "handoff.json"))
        assert [one["outcome"] for one in handoff["findings"]] == ["confirmed", "confirmed", "confirmed", "disproven"]

    async with new_server(root) as agent:
        assert f"{causes['ledger']}#F1 (high) A cart shows too few items" in await agent.prompt("fix")
        mended = await fix(agent)
        left = closed(agent, mended, status="complete", onward="ship")["findings"]
        assert {one["outcome"] for one in left} == {"fixed"}
        assert mended["coverage"][0] == "errors fixed 6/6"
        errors = agent.read(mended, "errors.md")
        assert errors.startswith("# Errors\n\n6 errors at the start, 0 at the end")
        assert (errors.count("\n- **F"), errors.count("A cart shows too few items")) == (6, 1)
        assert "- `shop/cart.py`, which " in errors

        sent = await ship(agent)
        closed(agent, sent, status="complete", onward="")
        assert agent.read(sent, "pull-request.md").count("**A cart shows too few items**") == 1
        checklist = agent.read(sent, "checklist.md")
        assert "- [x] **tests** The tests pass: `python -m pytest -q`: exit 0" in checklist
        assert (
            f"shipped: pushed the branch (shipped, here, stands at {git(root, 'rev-parse', 'HEAD')[:7]})" in checklist
        )

        await agent.work("regression", "open", base=first, reruns=2)
        compared = await agent.work("regression", "run")
        assert compared.get("plan", {}) == {}
        compared = await agent.work("regression", "close")
        verdict = closed(agent, compared, status="complete", onward="ship")["config"]
        assert (verdict["verdict"], verdict["base"]) == ("STABLE", first)
        assert "## Result\n\n- verdict: STABLE\n" in agent.read(compared, "summary.md")
        assert "tests.test_cart.CartTest::test_count (red -> green)" in agent.read(compared, "stability-report.md")

        await agent.work("evals", "open", file="autoresearch-results.tsv")
        seen = await agent.work("evals", "run")
        assert (seen.get("plan", {}), "STOP" in seen["state"][1]) == ({}, True)
        insight = {
            "kind": "insight",
            "claim": "Mending a cause mends its test too",
            "rows": [2],
            "proposal": "Causes first",
        }
        await agent.record("evals", insight)
        figures = await agent.work("evals", "close")
        closed(agent, figures, status="complete", onward="autoresearch")
        page = agent.read(figures, "evals.md")
        assert "errors (lower is better, told by the plan)" in page
        assert "Anomalies" not in page
        assert "Mending a cause mends its test too (#2). Causes first." in page
    assert git(root, "status", "--porcelain") == ""
