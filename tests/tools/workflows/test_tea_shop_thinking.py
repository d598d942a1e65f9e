"""Security and learn on the tea shop, over the protocol: a scripted agent finds the planted faults, is refused, mends what it
said, goes on with a new server in the middle, and leaves files that are complete.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from mcp import Client

from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.workflows.ledger.handoff import Handoff
from sarif import check_sarif

pytestmark = pytest.mark.anyio

TEA_SHOP = Path(__file__).parents[3] / "examples" / "tea-shop"
PASSWORD = "green-tea-4711"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the tea shop, as its page says to make one."""
    made = tmp_path / "tea-shop"
    shutil.copytree(TEA_SHOP, made, ignore=shutil.ignore_patterns("__pycache__"))
    git(made, "init", "--quiet")
    commit(made, "A tea shop")
    return made


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.rstrip("\n")


def commit(root: Path, message: str) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", message)


class Agent:
    """One agent with one client; it knows the tools by their names and reads what they answer."""

    def __init__(self, client: Client, root: Path, workflow: str) -> None:
        self.client, self.root, self.named = client, root, workflow

    async def call(self, tool: str, **arguments: object) -> tuple[bool, dict[str, Any]]:
        """Whether a call was refused, and its answer, waited for."""
        answer = await self.client.call_tool(tool, arguments)
        while not answer.is_error and cast(dict[str, Any], answer.structured_content)["phase"] == "running":
            run = cast(dict[str, Any], answer.structured_content)["run"]
            answer = await self.client.call_tool("wait", {"run": run})
        return bool(answer.is_error), cast(dict[str, Any], answer.structured_content)

    async def _taken(self, tool: str, **arguments: object) -> dict[str, Any]:
        refused, answer = await self.call(tool, **arguments)
        assert not refused, answer["message"]
        return answer

    async def workflow(self, action: str, **options: object) -> dict[str, Any]:
        return await self._taken("workflow", name=self.named, action=action, options=options)

    async def record(self, kind: str, **fields: object) -> dict[str, Any]:
        answer = await self._taken("record", workflow=self.named, item={"kind": kind, **fields})
        return {**answer, **answer["recorded"][0]}

    async def refused(self, kind: str, **fields: object) -> str:
        """What is told to whoever records this."""
        refused, answer = await self.call("record", workflow=self.named, item={"kind": kind, **fields})
        assert refused, answer
        assert answer["next"][:2] == ["record", "workflow"]
        return cast(str, answer["message"])

    async def not_closed(self) -> str:
        """What is told to whoever closes the ledger now."""
        refused, answer = await self.call("workflow", name=self.named, action="close")
        assert refused, answer
        assert answer["next"][:2] == ["record", "workflow"]
        return cast(str, answer["message"])

    async def left(self) -> Left:
        """Close the ledger and look at what it leaves."""
        return Left(self.root, await self.workflow("close"))


class Left:
    """A closed ledger: its answer and its files, each of which is there and says something."""

    def __init__(self, root: Path, answer: dict[str, Any]) -> None:
        self.answer, self.root = answer, root
        self.files = {Path(file).name: (root / file).read_text("utf-8") for file in answer["files"]}
        assert not [name for name, text in self.files.items() if not text.strip()]
        assert sorted(self.files) == sorted(path.name for path in (root / answer["folder"]).iterdir())
        self.handoff = Handoff.model_validate_json(self.files["handoff.json"])
        assert self.handoff.commit == git(root, "rev-parse", "HEAD")
        assert self.handoff.status == answer["status"]
        assert not [name for name, text in self.files.items() if PASSWORD in text]

    def holds(self, name: str, *words: str) -> None:
        """A file has all of these words."""
        assert not [word for word in words if word not in self.files[name]], self.files[name]


@asynccontextmanager
async def serving(root: Path, workflow: str) -> AsyncIterator[Agent]:
    """A server that has just begun, and an agent that talks to it."""
    async with Client(build_server(Lab(root, allow_commands=True, patience_s=0.2))) as client:
        yield Agent(client, root, workflow)


@asynccontextmanager
async def again(root: Path, workflow: str, before: dict[str, Any]) -> AsyncIterator[Agent]:
    """A new server in the middle, which knows what the last one knew."""
    async with serving(root, workflow) as agent:
        after = await agent.workflow("status")
        for name in ("ledger", "items", "rounds", "coverage", "scores", "missing", "state"):
            assert after.get(name) == before.get(name), name
        yield agent


# --- Security --------------------------------------------------------------------------------------------------------

INJECTED = "return link.execute(f\"SELECT * FROM item WHERE name = '{name}'\").fetchone()"
FILLED = "from shop.store import connect, find_item, save_item; link = connect(':memory:'); save_item(link, 'assam', 500, 2); "
EVERYTHING = {
    "reproduction": f"python3 -c \"{FILLED}assert find_item(link, 'x\\' OR 1=1 --') is None, 'a row came back'\"",
    "fails_with": "a row came back",
    "control": f"python3 -c \"{FILLED}assert find_item(link, 'x') is None, 'a row came back'\"",
}
ASKED = (
    "import http.client, pathlib, threading; from http.server import HTTPServer; import shop.web as web; "
    "web.PAGES = pathlib.Path('docs'); server = HTTPServer(('127.0.0.1', 0), web.Handler); "
    "threading.Thread(target=server.serve_forever, daemon=True).start(); "
    "link = http.client.HTTPConnection('127.0.0.1', server.server_port); link.request('GET', '{path}'); "
    "assert link.getresponse().status != 200, 'it was sent'"
)
OUTSIDE = {
    "reproduction": f'python3 -c "{ASKED.format(path="/../shop/store.py")}"',
    "fails_with": "it was sent",
    "control": f'python3 -c "{ASKED.format(path="/no-such-page")}"',
}


async def test_an_audit_finds_the_injection_the_traversal_and_the_password(root: Path) -> None:
    async with serving(root, "security") as agent:
        opened = await agent.workflow("open", goal="the whole shop", depth="shallow", chain="fix, security")
        told = "\n".join(opened["state"])
        assert "Lines in the form of a known secret: shop/store.py:5." in told
        assert "shop/store.py:20 a query is put together from text" in told
        assert "shop/web.py:11 a path is put together from input; shop/web.py:21 listens on every address" in told
        assert PASSWORD not in json.dumps(opened)
        await agent.record("boundary", name="asking for an item", reaches="the items",
                           location="shop/store.py:19", quote="def find_item(link: sqlite3.Connection, name: str)")  # fmt: skip
        await agent.record("boundary", name="asking for a page", reaches="files beside the pages",
                           location="shop/web.py:10", quote="def do_GET(self) -> None:")  # fmt: skip
        injection = {
            "boundary": "B1", "location": "shop/store.py:19", "quote": INJECTED, "summary": "The name of a tea becomes part of the query",
            "severity": "critical", **EVERYTHING, "tags": "CWE-89",
            "scenario": "A customer asks for x' OR 1=1 -- and gets a row that was not asked for.",
            "mitigation": "Pass the name as a parameter.",
        }  # fmt: skip
        told = await agent.refused("finding", **injection)
        assert "It stands at shop/store.py:20: cite that" in told
        found = await agent.record("finding", **{**injection, "location": "shop/store.py:20"})
        assert (found["id"], found["ran"]["exit_code"]) == ("V1", 1)
        assert "a test" in await agent.not_closed()
        before = await agent.workflow("status")

    async with again(root, "security", before) as agent:
        traversal = await agent.record(
            "finding", boundary="B2", location="shop/web.py:11", quote='file = PAGES / self.path.lstrip("/")', severity="high",
            summary="A path with two dots leaves the folder of pages", **OUTSIDE, tags="CWE-22",
            scenario="A visitor asks for /../shop/store.py and reads the source.",
            mitigation="Resolve the path and refuse what is not below the folder.",
        )  # fmt: skip
        assert traversal["ran"]["exit_code"] == 1
        password = {
            "boundary": "B2", "location": "shop/store.py:5", "quote": f'ADMIN_PASSWORD = "{PASSWORD}"', "severity": "high",
            "summary": "The password of the admin stands in the source", "tags": "CWE-798",
            "scenario": "Whoever reads the source, through V2 for one, knows it.",
            "mitigation": "Read it from the environment, and change it.",
        }  # fmt: skip
        told = await agent.refused("finding", **password)
        masked = told.partition("again: ")[2].strip()
        assert masked.startswith("ADMIN_PASSWORD")
        assert PASSWORD not in told
        await agent.record("finding", **{**password, "quote": masked})
        swapped = {
            "boundary": "B1",
            "location": "shop/store.py:3",
            "quote": "import sqlite3",
            "tried": "another library",
        }
        assert "stands in no function" in await agent.refused("cleared", **swapped)
        await agent.record(
            "cleared", boundary="B1", location="shop/store.py:10", quote="name TEXT PRIMARY KEY",
            tried="asked for a name that many rows have: a name is the key, so there is one row at most",
        )  # fmt: skip
        left = await agent.left()

    assert left.answer["status"] in {"complete", "bounded"}
    assert left.answer["items"] == 2 + 3 + 1  # what was refused counts for nothing, what was recorded counts once
    left.holds(
        "overview.md", "Ended: complete.", "V1", "V2", "V3", "exit 1 when the server ran it", "CWE-22", "Resolve the path",
        "ADMIN_PASSWORD", "asking for a page", "Pass the name as a parameter.", "Read it from the environment",
    )  # fmt: skip
    log = json.loads(left.files["security.sarif"])
    check_sarif(log)
    assert [one["level"] for one in log["runs"][0]["results"]] == ["error", "error", "error"]
    assert [(one.id, one.confirmed) for one in left.handoff.findings] == [("V1", True), ("V2", True), ("V3", False)]
    assert [(step["prompt"], step["takes"]) for step in left.answer["next_prompts"]] == [("fix", ["V1", "V2"])]


# --- Learn -----------------------------------------------------------------------------------------------------------

README = """# Tea shop

A tiny shop: a cart, a store in SQLite, a page server and a sales report. Standard library only, Python 3.11 or later.

```sh
python -m unittest
python -m shop.report
```

How the parts fit together: [the parts](docs/architecture.md#architecture). Settings stand in `shop.toml`: `database`,
`page_folder`, `tax_percent`.
"""
DOCUMENTS = {
    "README.md": README,
    "docs/project-overview-pdr.md": "# What it is for\n\nSelling tea: `shop/cart.py` adds prices up, `shop/web.py` shows pages.\n",
    "docs/codebase-summary.md": "# Where is what\n\n`shop/cart.py` has `Cart`, `shop/store.py` has `find_item` and `save_item`,\n`shop/report.py` has `best_sellers`, `shop/web.py` has `Handler`; tests are in `tests/test_cart.py`.\n",
    "docs/code-standards.md": "# How code is written\n\nSmall functions with types, such as `shop.report.read_sales`.\n",
}  # fmt: skip
COUNTED = {
    "location": "shop/cart.py:16", "quote": "for _, _, number in self.lines[1:]", "document": "docs/architecture.md",
    "says": "`shop/cart.py` adds prices up.", "should_say": "It leaves the first line out where it counts.",
}  # fmt: skip


async def test_documents_are_checked_then_mended_until_they_hold(root: Path) -> None:
    async with serving(root, "learn") as agent:
        await agent.workflow("open", mode="check")
        looked = await agent.workflow("run")
        told = "\n".join(looked["state"])
        assert "there is no docs/deployment.md" in told
        assert "there is no shop/mailer.py" in told
        assert "send_receipt" in told
        assert "does not stand" in await agent.refused("mismatch", **{**COUNTED, "quote": "self.lines[2:]"})
        await agent.record("mismatch", **COUNTED)
        before = await agent.workflow("status")
    async with again(root, "learn", before) as agent:
        checked = await agent.left()

    assert checked.answer["status"] == "complete"
    checked.holds("validation-report.md", "docs/deployment.md", "shop/mailer.py", "send_receipt")
    checked.holds("validation-report.md", "`` `shop/cart.py` adds prices up. ``: M1", "- look 1: 4 problems")
    assert [one.id for one in checked.handoff.findings] == ["M1", "V2", "V3", "V4"]
    assert checked.answer["next_prompts"][0]["prompt"] == "learn"
    assert git(root, "status", "--porcelain") == ""

    async with serving(root, "learn") as agent:
        opened = await agent.workflow("open", mode="update", after=checked.handoff.id)
        assert f"{checked.handoff.id}#M1 (medium) docs/architecture.md says" in "\n".join(opened["state"])
        for name, text in DOCUMENTS.items():
            (root / name).write_text(text)
        looked = await agent.workflow("run")
        assert [line.partition("]")[0] for line in looked["missing"]] == ["docs/architecture.md:6 [file", "docs/architecture.md:6 [symbol"]  # fmt: skip
        assert "there is no shop/mailer.py" in await agent.not_closed()
        before = await agent.workflow("status")
    async with again(root, "learn", before) as agent:
        parts = root / "docs/architecture.md"
        text = parts.read_text().partition("\n`shop/mailer.py`")[0]
        parts.write_text(
            text.replace("adds prices up.", "adds prices up; `count` leaves out the first line of a cart.")
        )
        looked = await agent.workflow("run")
        assert "missing" not in looked
        left = await agent.left()

    assert left.answer["status"] == "complete"
    left.holds("scout-context.md", "`best_sellers` function, shop/report.py:8", "seen from test files")
    left.holds("validation-report.md", "0 wrong", "| `README.md` |", "changed since it was written")
    assert left.handoff.findings == ()
