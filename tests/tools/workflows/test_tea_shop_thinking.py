"""Six workflows on the tea shop, over the protocol: a scripted agent finds the planted faults, is refused, mends what it
said, goes on with a new server in the middle, and leaves files that are complete.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from gherkin.parser import Parser
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
        assert "Lines that look like a secret: shop/store.py:5." in told
        assert "shop/store.py:20 a query is put together from text" in told
        assert "shop/web.py:11 a path is put together from input; shop/web.py:21 listens on every address" in told
        assert PASSWORD not in json.dumps(opened)
        await agent.record("asset", name="the items", asset="data-store", loss="prices and stock can be read and changed",
                           location="shop/store.py:9", quote="link = sqlite3.connect(path)")  # fmt: skip
        await agent.record("asset", name="the password of the admin", asset="authentication", loss="anybody is the admin",
                           location="shop/store.py:5", quote="ADMIN_PASSWORD")  # fmt: skip
        await agent.record("asset", name="files beside the pages", asset="configuration", loss="source and data are read",
                           location="shop/web.py:6", quote='PAGES = Path("pages")')  # fmt: skip
        await agent.record("boundary", name="asking for an item", boundary="server-data", reaches="A1",
                           crosses="a name that a customer typed, into a query",
                           location="shop/store.py:19", quote="def find_item(link: sqlite3.Connection, name: str)")  # fmt: skip
        await agent.record("boundary", name="asking for a page", boundary="client-server", reaches=["A2", "A3"],
                           crosses="a path from a browser", location="shop/web.py:10", quote="def do_GET(self) -> None:")  # fmt: skip
        injection = {
            "asset": "A1", "boundary": "B1", "stride": "tampering", "owasp": "A03", "persona": "security-adversary",
            "location": "shop/store.py:19", "quote": INJECTED, "summary": "The name of a tea becomes part of the query",
            "severity": "critical", "confidence": "confirmed", **EVERYTHING, "cwe": "CWE-89",
            "scenario": "A customer asks for x' OR 1=1 -- and gets a row that was not asked for.",
            "impact": "reads every table of the data base", "mitigation": "Pass the name as a parameter.",
        }  # fmt: skip
        told = await agent.refused("finding", **injection)
        assert "It stands at shop/store.py:20: cite that" in told
        found = await agent.record("finding", **{**injection, "location": "shop/store.py:20"})
        assert (found["id"], found["ran"]["exit_code"]) == ("V1", 1)
        assert "a test" in await agent.not_closed()
        before = await agent.workflow("status")

    async with again(root, "security", before) as agent:
        traversal = await agent.record(
            "finding", asset="A3", boundary="B2", stride="information-disclosure", owasp="A01", persona="security-adversary",
            location="shop/web.py:11", quote='file = PAGES / self.path.lstrip("/")', severity="high", confidence="confirmed",
            summary="A path with two dots leaves the folder of pages", **OUTSIDE, cwe="CWE-22",
            scenario="A visitor asks for /../shop/store.py and reads the source.", impact="reads any file of the user",
            mitigation="Resolve the path and refuse what is not below the folder.",
        )  # fmt: skip
        assert traversal["ran"]["exit_code"] == 1
        password = {
            "asset": "A2", "boundary": "B2", "stride": "spoofing", "owasp": "A07", "persona": "insider",
            "location": "shop/store.py:5", "quote": f'ADMIN_PASSWORD = "{PASSWORD}"', "severity": "high",
            "confidence": "likely", "summary": "The password of the admin stands in the source", "cwe": "CWE-798",
            "scenario": "Whoever reads the source, through V2 for one, knows it.", "impact": "acts as the admin",
            "mitigation": "Read it from the environment, and change it.",
        }  # fmt: skip
        told = await agent.refused("finding", **password)
        masked = told.partition("again: ")[2].strip()
        assert masked.startswith("ADMIN_PASSWORD")
        assert PASSWORD not in told
        await agent.record("finding", **{**password, "quote": masked})
        await agent.record(
            "cleared", asset="A1", boundary="B1", stride="denial-of-service", owasp="A04", persona="infrastructure",
            location="shop/store.py:10", quote="name TEXT PRIMARY KEY", tried="asked for a name that many rows have",
            holds="a name is the key, so there is one row at most and it is found by an index",
        )  # fmt: skip
        await agent.record(
            "cleared", asset="A1", boundary="B1", stride="elevation-of-privilege", owasp="A08", persona="supply-chain",
            location="shop/store.py:3", quote="import sqlite3", tried="looked for a library that could be swapped",
            holds="only the standard library is imported",
        )  # fmt: skip
        left = await agent.left()

    assert left.answer["status"] in {"complete", "bounded"}
    assert left.answer["items"] == 3 + 2 + 3 + 2  # what was refused counts for nothing, what was recorded counts once
    left.holds("overview.md", "Depth: shallow. Ended: complete.", "V1", "V2", "V3")
    left.holds("findings.md", "exit 1 when the server ran it", "CWE-22", "Resolve the path", "ADMIN_PASSWORD")
    left.holds("threat-model.md", "the items", "asking for a page", "**V2**", "C1")
    left.holds("recommendations.md", "Pass the name as a parameter.", "Read it from the environment")
    left.holds(
        "owasp-coverage.md", "A01", "Not tested", "C2 tried: looked for a library that could be swapped. Held: only"
    )
    log = json.loads(left.files["security.sarif"])
    check_sarif(log)
    assert [one["level"] for one in log["runs"][0]["results"]] == ["error", "error", "error"]
    assert [(one.id, one.confirmed) for one in left.handoff.findings] == [("V1", True), ("V2", True), ("V3", False)]
    assert [(step["prompt"], step["takes"]) for step in left.answer["next_prompts"]] == [("fix", ["V1", "V2"])]


# --- Scenario --------------------------------------------------------------------------------------------------------

LAST_ONE = {
    "name": "Two customers take the last assam at the same moment", "dimension": "concurrent", "actors": "two customers",
    "precondition": "one packet of assam is in stock", "trigger": "both press buy within the same second",
    "flow": ["both orders read a stock of one", "both orders write a stock of zero"], "severity": "high",
    "expected": "exactly one of them gets it, the other is told that it is sold out",
    "risk": "shop/store.py reads the stock and writes it in two steps, so one packet is sold twice",
}  # fmt: skip


async def test_scenarios_of_buying_in_several_dimensions(root: Path) -> None:
    async with serving(root, "scenario") as agent:
        await agent.workflow("open", goal="A customer buys tea", depth="shallow", focus="concurrent, edge-case, abuse, recovery", chain="debug, fix")  # fmt: skip
        assert (await agent.record("scenario", **LAST_ONE))["classified"] == "new"
        told = await agent.refused(
            "scenario", **{**LAST_ONE, "name": "At the same moment two customers take the last assam"}
        )
        assert "S1 says nearly the same" in told
        empty = await agent.record(
            "scenario", name="The average price of an empty cart", dimension="edge-case", actors="customer",
            precondition="nothing lies in the cart", trigger="the page shows the average price of a packet",
            flow=["the cart adds up nothing", "the sum is divided by no packets"], severity="medium",
            expected="no price is shown and the page loads", risk="shop/cart.py divides by zero",
        )  # fmt: skip
        assert (empty["id"], empty["classified"]) == ("S2", "new")
        await agent.record(
            "scenario", name="A negative number of packets", dimension="abuse", actors="hostile customer, till",
            precondition="assam costs 500 cents", trigger="minus two packets are put into the cart by hand",
            flow=["the cart stores the number as it is", "the total becomes negative"], severity="critical",
            expected="the number is refused", risk="the shop pays the customer", parent="S2",
        )  # fmt: skip
        before = await agent.workflow("status")

    async with again(root, "scenario", before) as agent:
        await agent.record("out-of-scope", name="Tea that spoils on its way", dimension="recovery", reason="no parcel is sent by this code")  # fmt: skip
        for number, (name, dimension, trigger, flow, expected) in enumerate(REST):
            taken = await agent.record(
                "scenario", name=name, dimension=dimension, actors="customer, shop owner", severity="low", trigger=trigger,
                expected=expected, precondition=f"day {number} after opening", flow=[flow], risk="trust is lost",
            )  # fmt: skip
            assert taken["id"] == f"S{number + 4}"
        left = await agent.left()

    assert left.answer["status"] in {"saturated", "bounded"}
    assert left.answer["items"] == 3 + len(REST) + 1
    left.holds("scenarios.md", "### S1: Two customers take the last assam", "## Out of scope", "Tea that spoils", "which S1 says already")  # fmt: skip
    left.holds("edge-cases.md", "The average price of an empty cart")
    left.holds("use-cases.md", "A negative number of packets")
    feature = cast(dict[str, Any], Parser().parse(left.files["scenarios.feature"])["feature"])
    assert len(feature["children"]) == len(json.loads(left.files["scenarios.json"])) == 3 + len(REST)
    assert [one.id for one in left.handoff.findings][:2] == ["S3", "S1"]
    assert left.answer["next_prompts"][0]["prompt"] == "debug"


REST = [
    ("The machine stops while an order is written", "recovery", "power fails between reading stock and commit", "the machine starts again", "the stock is as before the order"),
    ("A backup of yesterday is put back", "recovery", "the owner restores the file of the data base", "the shop opens again", "orders since then are listed for the owner"),
    ("A tea whose name holds a quote", "edge-case", "the owner saves King's blend", "a customer asks for it", "it is found by that very name"),
    ("A discount over a hundred per cent", "abuse", "somebody redeems a voucher of 150", "the cart takes it off the sum", "the total is never below nothing"),
    ("An order for more packets than there are", "edge-case", "nine are ordered where two are left", "the stock is looked up", "nothing is taken and the number left is told"),
    ("Sales are read while they are written", "concurrent", "a report begins during an export", "the export goes on", "the report counts whole rows alone"),
]  # fmt: skip


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
    left.holds("validation-report.md", "0 wrong", "| `README.md` |", "fresh")
    left.holds("learn-results.tsv", "update")
    assert left.handoff.findings == ()


# --- Probe -----------------------------------------------------------------------------------------------------------

COUNT_STEPS = '''"""Prints how many lines of shop/report.py are run for a list of sales that is always the same."""

import sys

from shop.report import best_sellers

rows = [(f"tea {number * 37 % 60}", number % 5) for number in range(300)]
steps = 0


def step(frame, event, argument):
    global steps
    steps += event == "line"
    return step


sys.settrace(step)
best_sellers(rows)
sys.settrace(None)
print(steps)
'''
PLAN = {
    "goal": "best_sellers in fewer steps",
    "scope": ["shop/report.py"],
    "metric": "steps",
    "direction": "lower",
    "verify": "python3 count_steps.py",
    "guards": ["python3 -m unittest tests.test_report"],
    "protected": ["count_steps.py", "tests/**"],
}
QUESTIONS = [
    [
        ("skeptic", "Who waits for the list of best sellers today?", "another part would be made faster"),
        ("edge-case-hunter", "How many rows does the longest file of sales have?", "the data that is timed"),
        ("skeptic", "Is the reading of the file slow, or the counting?", "the scope"),
    ],
    [
        ("scope-sentinel", "May the printed page of the report look different afterwards?", "a guard for the output"),
        ("ambiguity-detective", "Does faster mean seconds, or steps that are the same everywhere?", "the metric"),
        ("scope-sentinel", "Is the data base of items part of this wish?", "the scope"),
    ],
    [
        ("contradiction-finder", "May memory double if time falls by half?", "a second metric"),
        ("prior-art-investigator", "Does a test hold the order of equal numbers already?", "the guards"),
        ("contradiction-finder", "Do ties by name exclude one pass over sorted numbers?", "the way"),
    ],
]
ANSWERS = [
    ["The owner, each evening. It takes a minute.", "Two hundred thousand rows.", "The counting, I think."],
    ["No, not a letter of it.", "Steps: the machines here are noisy.", "No."],
    ["Yes.", "", "No idea."],
]
ATOMS = [
    [("requirement", "The list of an evening is there within a second", "A1", "each evening"), ("constraint", "Sales files have two hundred thousand rows", "A2", ""), ("assumption", "Counting is slow and reading is not", "A3", "")],
    [("constraint", "The printed page stays the same to the letter", "A4", "not a letter of it")],
    [("risk", "A faster way may order equal numbers differently", "E1", "")],
]  # fmt: skip


async def ask(agent: Agent, place: int, learned: str) -> None:
    """One round of questions; what the tests answer is cited, the rest a person says."""
    for number, (persona, text, changes) in enumerate(QUESTIONS[place]):
        question = (await agent.record("question", persona=persona, text=text, changes=changes))["id"]
        if said := ANSWERS[place][number]:
            await agent.record("answer", question=question, text=said, settled=said != "No idea.")
        else:
            await agent.record("evidence", question=question, says="equal numbers are ordered by name", location="tests/test_report.py:9",
                               quote='[("assam", 5), ("oolong", 2)]')  # fmt: skip
    for kind, text, source, words in ATOMS[place]:
        await agent.record("atom", type=kind, text=text, source=source, **({"words": words} if words else {}))
    await agent.record("round", learned=learned)


async def test_a_wish_becomes_a_plan_that_passes_the_gates(root: Path) -> None:
    (root / "count_steps.py").write_text(COUNT_STEPS)
    commit(root, "Count the steps of a report")
    async with serving(root, "probe") as agent:
        await agent.workflow(
            "open", goal="The evening report should be quick", saturation_threshold=4, chain="plan, autoresearch"
        )
        await ask(agent, 0, "it is about counting, not about reading")
        question = {
            "persona": "scope-sentinel",
            "text": "Who waits today for the list of best sellers?",
            "changes": "x",
        }
        assert "Q1 says nearly the same" in await agent.refused("question", **question)
        before = await agent.workflow("status")

    async with again(root, "probe", before) as agent:
        await ask(agent, 1, "the page may not change, and steps are counted")
        await ask(agent, 2, "a test holds the order already")
        assert "a plan" in await agent.not_closed()
        await agent.record("plan", plan={**PLAN, "guards": ["python3 -m unittest"]}, rests_on=["T1", "T4"])
        assert "[guard" in await agent.not_closed()  # the cart's test is red, whatever becomes of the report
        await agent.record("plan", plan=PLAN, rests_on=["T1", "T4", "T5"])
        left = await agent.left()
        checked = await agent._taken("check_plan", **left.handoff.config)

    assert left.answer["status"] == "saturated"
    assert checked["ready"] is True
    assert tomllib.loads(left.files["autoresearch-config.toml"]) == PLAN == left.handoff.config
    assert left.answer["items"] == 9 + 9 + 5 + 3 + 2
    left.holds("autoresearch-config.toml", "every gate that could be tried passed")
    left.holds("probe-spec.md", "The list of an evening", "tests/test_report.py:9", "it is about counting")
    left.holds("hidden-assumptions.md", "Counting is slow and reading is not")
    left.holds("questions-asked.tsv", "scope-sentinel", "Two hundred thousand rows.")
    assert left.answer["next_prompts"][0]["prompt"] == "plan"


# --- Reason ----------------------------------------------------------------------------------------------------------

OPTIONS = {
    "A": "Lock a file around every order. It is simple. It would be wrong if two machines shared the data base.",
    "B": "One statement: UPDATE item SET stock = stock - ? WHERE name = ? AND stock >= ?, and look at the number of rows that it changed. It would be wrong if SQLite ran two writers at once.",
    "AB": "The one statement, within a file lock for reports that read meanwhile. It would be wrong if no report needed the lock.",
}
LATER = {
    "B": "The one statement, and a retry of three times when the data base is busy. It would be wrong if a busy data base never came free.",
    "AB": "The one statement with the timeout of SQLite in place of retries. It would be wrong if five seconds were too long for a customer.",
}


async def labelled(agent: Agent, text: str) -> str:
    """The label under which a judge reads a text."""
    brief = "\n".join((await agent.workflow("status", role="judge", judge=1))["state"])
    return next(label for label in "XYZ" if text in brief.partition(f"--- {label} ---")[2].partition("--- end")[0])


async def vote(agent: Agent, judge: int, first: str, second: str, reasons: str) -> dict[str, Any]:
    return await agent.record("vote", judge=judge, winner=await labelled(agent, first), runner_up=await labelled(agent, second), reasons=reasons)  # fmt: skip


async def test_a_contest_settles_how_the_last_packet_is_sold(root: Path) -> None:
    async with serving(root, "reason") as agent:
        await agent.workflow("open", goal="How should take_from_stock sell the last packet only once?", convergence=2,
                             context="SQLite, one machine, shop/store.py reads and writes in two steps.", domain="software", chain="debug, fix")  # fmt: skip
        assert "not the turn" in await agent.refused("candidate", slot="B", text=OPTIONS["B"])
        assert (await agent.record("candidate", slot="A", text=OPTIONS["A"]))["title"] == "A, 20 words"
        await agent.record("critique", weaknesses=["FATAL: a lock that is left behind stops all orders", "MAJOR: every order waits for every other", "MINOR: one more file"])  # fmt: skip
        await agent.record("candidate", slot="B", text=OPTIONS["B"], addresses="1, 2")
        await agent.record("candidate", slot="AB", text=OPTIONS["AB"])
        await vote(agent, 1, OPTIONS["B"], OPTIONS["AB"], "nothing is left behind")
        assert "plan" not in await agent.workflow("status", role="judge", judge=2)  # a goal alone starts nothing
        before = await agent.workflow("status")

    async with again(root, "reason", before) as agent:
        told = await agent.refused("vote", judge=1, winner="X", runner_up="Y", reasons="once more")
        assert "already stands at judge 1" in told
        await vote(agent, 2, OPTIONS["B"], OPTIONS["A"], "one statement can be tested")
        await vote(agent, 3, OPTIONS["AB"], OPTIONS["B"], "reports are safe too")
        assert "critique" in await agent.not_closed()
        await agent.record("critique", weaknesses=["FATAL: nobody tells the customer why it failed", "MAJOR: a busy data base raises an error", "MINOR: the name is passed twice"])  # fmt: skip
        for slot, text in LATER.items():
            await agent.record("candidate", slot=slot, text=text, **({"addresses": "2"} if slot == "B" else {}))
        for judge in (1, 2, 3):
            await vote(agent, judge, OPTIONS["B"], LATER["AB"], f"it is the shortest, says judge {judge}")
        left = await agent.left()

    assert left.answer["status"] == "converged"
    assert left.answer["items"] == (1 + 1 + 2 + 3) + (1 + 2 + 3)
    left.holds("overview.md", OPTIONS["B"], "take_from_stock", "nobody tells the customer why it failed")
    left.holds("lineage.md", "**B** wins by majority (first votes: A 0, B 2, AB 1)", "C2")
    left.holds("candidates.md", *OPTIONS.values(), *LATER.values())
    left.holds("judge-transcripts.md", "nothing is left behind", "reports are safe too", "says judge 3")
    left.holds("summary.md", "look at the number of rows that it changed. It would be wrong if SQLite ran…")
    assert len(left.files["reason-lineage.jsonl"].splitlines()) == 2
    assert next((one.id, one.kind) for one in left.handoff.findings) == ("C2", "decision")


# --- Improve ---------------------------------------------------------------------------------------------------------

SOURCES = [
    ("shop/cart.py:16", "for _, _, number in self.lines[1:]", "The first line of a cart is not counted"),
    ("tests/test_cart.py:19", "self.assertEqual(self.cart.count(), 3)", "The right number is known and a test is red"),
    ("shop/report.py:31", "# TODO: prices as well", "The owner wanted prices in the report"),
    ("shop/store.py:27", "UPDATE item SET stock = ? WHERE name = ?", "Stock that was read before is written back"),
    ("shop/web.py:13", "self.send_error(404)", "A missing page says nothing but a number"),
    ("shop.toml:3", "tax_percent = 7", "A tax is set that no code reads"),
]
INSIGHTS = [
    ("customer-challenges", "The cart shows fewer packets than lie in it", "customer", "Count every line.", "S1, S2"),
    ("competitor-gaps", "A report without prices hides what earns most", "shop owner", "Add up prices by tea.", "S3"),
    ("market-trends", "Prices leave out the tax that law wants shown", "customer", "Use the setting for taxes.", "S6"),
    ("user-experience", "Whoever mistypes an address meets a bare number", "visitor", "Show a page with links.", "S5"),
    (
        "revenue-growth",
        "The last packet is promised to two people",
        "customer at checkout",
        "Reserve in one statement.",
        "S4",
    ),
]
RIGHT_COUNT = {
    "insight": "I1", "slug": "right-count", "feature": "A cart that counts every line",
    "stories": ["As a customer I want the number to be that of my packets, so that I trust the total."],
    "requirements": ["Two packets of assam and one of sencha are 3."], "acceptance": ["tests.test_cart is green."],
    "approach": "Begin at shop/cart.py, `count`.", "success": "Red tests, lower: python3 -m unittest tests.test_cart",
    "risks": ["`average` changes with it."], "out_of_scope": ["Other currencies"], "decisions": ["Does a gift count?"],
}  # fmt: skip


async def test_improvements_go_from_cited_sources_to_requirements(root: Path) -> None:
    async with serving(root, "improve") as agent:
        await agent.workflow("open", goal="the whole shop", icp="people who buy tea in small shops", features=1, chain="reason, plan")  # fmt: skip
        for location, quote, says in SOURCES:
            await agent.record("source", location=location, quote=quote, says=says)
        invented = {"category": "customer-challenges", "problem": "Nobody can pay by card", "persona": "customer", "mechanism": "Take cards.", "outcome": "More sales."}  # fmt: skip
        assert "`sources` names S9" in await agent.refused("insight", **invented, sources="S9")
        for category, problem, persona, mechanism, sources in INSIGHTS[:3]:
            await agent.record("insight", category=category, problem=problem, persona=persona, mechanism=mechanism, outcome="Fewer calls from customers.", sources=sources)  # fmt: skip
            await agent.record("round", category=category, question=f"what do {category} show?", found=problem)
        before = await agent.workflow("status")

    async with again(root, "improve", before) as agent:
        for category, problem, persona, mechanism, sources in INSIGHTS[3:]:
            await agent.record("insight", category=category, problem=problem, persona=persona, mechanism=mechanism, outcome="Fewer calls from customers.", sources=sources)  # fmt: skip
            await agent.record("round", category=category, question=f"what do {category} show?", found=problem)
        for number in range(3):
            await agent.record(
                "round", category="customer-challenges", question=f"what else, look {number}?", found="nothing new"
            )
        assert "a `rank` for I1" in await agent.not_closed()
        for number, tier in enumerate(("must-have", "nice-to-have", "nice-to-have", "moonshot", "must-have"), 1):
            await agent.record("rank", insight=f"I{number}", serves=number != 2, tier=tier, why="a red test or a line says so")  # fmt: skip
        assert "not settled" in await agent.refused("prd", **RIGHT_COUNT)
        await agent.record("comparison", better="I1", worse="I5", why="it happens to every customer")
        await agent.record("prd", **RIGHT_COUNT)
        left = await agent.left()

    assert left.answer["status"] == "saturated"
    assert left.answer["items"] == len(SOURCES) + len(INSIGHTS) + 8 + 5 + 1 + 1
    left.holds("research-findings.md", "The cart shows fewer packets", "MEDIUM", "S1, S2")
    left.holds(
        "improvement-plan.md",
        "says so. See [prd-right-count.md]",
        "1. **I1**",
        "2. **I5**",
        "Does not serve the customer",
        "**I2**",
    )
    left.holds("prd-right-count.md", "A cart that counts every line", "`shop/cart.py:16`", "tests.test_cart is green.", "Does a gift count?")  # fmt: skip
    assert [one.id for one in left.handoff.findings][:2] == ["I1", "I5"]
    assert left.answer["next_prompts"][0]["prompt"] == "reason"
