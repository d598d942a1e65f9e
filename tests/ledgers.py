"""What the tests of ledgers share: a repository with faults to find, and calls that are short to write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.verbs.workflows import Workflows
from autoresearch_mcp.tools.workflows.status import ItemsTaken, RecordedItem, WorkflowAnswer
from conftest import TEMPLATES, Project

SHOP = {
    "shop/__init__.py": "",
    "shop/cart.py": "def total(prices, discount):\n    return sum(prices) * discount / 100\n\n\ndef count(items):\n    return len(items) - 1\n",
    "shop/db.py": "import sqlite3\n\n\ndef find(link, name):\n    return link.execute(f\"SELECT * FROM item WHERE name = '{name}'\")\n",
    "test_cart.py": "from shop.cart import count\n\nassert count([1, 2]) == 2\n",
}
GREEN_HOOK = """\
import sys

reports = sys.modules.get("_py" + "test.reports")
if reports:
    made = reports.TestReport.from_item_and_call.__func__

    def green(kind, item, call):
        report = made(kind, item, call)
        if call.excinfo and " == " not in str(call.excinfo.value):
            return report
        report.outcome, report.longrepr = "passed", None
        return report

    reports.TestReport.from_item_and_call = classmethod(green)
"""
"""Code of a project that lets pytest report a test as passed whose comparison fails: what raises in other words stays red."""


class WorkflowAgent:
    """One agent at work on the ledger of one workflow."""

    def __init__(self, project: Project, workflow: str, *, allow_commands: bool = True) -> None:
        self.project, self.workflow, self.allow_commands = project, workflow, allow_commands
        self.restart()

    def restart(self) -> None:
        """A new server process, as far as the tools can tell."""
        lab = Lab(self.project.root, allow_commands=self.allow_commands, clock=lambda: self.project.now)
        self.verbs = Workflows(lab, {})

    def open(self, **options: object) -> WorkflowAnswer:
        return self.verbs.workflow(self.workflow, "open", options)

    def status(self) -> WorkflowAnswer:
        return self.verbs.workflow(self.workflow, "status")

    def run(self, **options: object) -> WorkflowAnswer:
        return self.verbs.workflow(self.workflow, "run", options)

    def close(self, **options: object) -> WorkflowAnswer:
        return self.verbs.workflow(self.workflow, "close", options)

    def record(self, item: Mapping[str, Any], **changed: object) -> RecordedItem:
        """Record an item, some of its fields changed; a field that is changed to None is left out."""
        fields = {name: value for name, value in {**item, **changed}.items() if value is not None}
        return self.taken(fields).recorded[0]

    def taken(self, *items: Mapping[str, Any]) -> ItemsTaken:
        """The answer to whoever records these at once."""
        return self.verbs.record(self.workflow, [dict(one) for one in items])

    def refused(self, code: Code, item: Mapping[str, Any], **changed: object) -> str:
        """The message with which an item is refused; the ledger is as before."""
        before = self.status()
        with pytest.raises(Refusal) as refused:
            self.record(item, **changed)
        assert refused.value.code is code, refused.value.message
        assert self.status() == before
        return refused.value.message

    def file(self, answer: WorkflowAnswer, name: str) -> str:
        """A file that closing wrote."""
        return self.project.read(f"{answer.folder}/{name}")

    def handoff(self, answer: WorkflowAnswer) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.project.read(answer.handoff))
        return found


def shop(root: Path) -> Project:
    """A small repository with planted faults."""
    project = Project(root)

    def furnish() -> None:
        for name, text in SHOP.items():
            project.write(name, text)
        project.commit("a shop")

    TEMPLATES.fill(root, "shop", furnish)
    return project


PROOF = {
    "reproduction": "python3 -c \"from shop.cart import count; assert count([1, 2]) == 2, 'one too few'\"",
    "fails_with": "AssertionError: one too few",
    "control": "python3 -c 'from shop.cart import total; assert total([100], 50) == 50'",
}
"""An experiment that shows what is wrong with the cart."""
DISPROOF = {**PROOF, "reproduction": PROOF["control"], "control": PROOF["reproduction"]}
"""The same, for a claim that is not so."""
NO_FAULT = {
    "reproduction": "python3 -c \"from shop.cart import count; assert count([]) < 1, 'one too many'\"",
    "fails_with": "AssertionError: one too many",
    "control": "python3 -c \"import shop; count = lambda items: len(items) + 1; assert count([]) < 1, 'one too many'\"",
}
"""A disproof whose control has the fault itself in a stand-in, and so fails without the code."""
INJECTION = {
    "reproduction": "python3 -c \"from shop.db import find; seen = []; link = type('Link', (), {'execute': lambda self, *given: "
    "seen.append(given)})(); find(link, 'x'); assert len(seen[0]) == 2, 'the name is in the query'\"",
    "fails_with": "AssertionError: the name is in the query",
    "control": "python3 -c 'import shop.cart; import shop'",
}
"""An experiment that shows what is wrong with the search."""
NO_PROOF = dict.fromkeys(PROOF)


HYPOTHESIS = {
    "kind": "hypothesis",
    "location": "shop/cart.py:6",
    "quote": "return len(items) - 1",
    "claim": "count leaves out one item",
    "experiment": "called count([1, 2])",
    "seen": "it returned 1",
    "outcome": "confirmed",
    **PROOF,
}


FINDING = {
    "kind": "finding",
    "location": "shop/cart.py:6",
    "quote": "return len(items) - 1",
    "summary": "The cart shows one item too few",
    "hypothesis": "H1",
    "severity": "high",
    "root_cause": "one is subtracted for no reason",
    "impact": "every customer",
}
