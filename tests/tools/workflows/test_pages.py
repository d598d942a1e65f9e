"""Pages of workflows: each file has its template, each template is one, and what is filled in stays as it is."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from autoresearch_mcp.tools.workflows.ledger.items import Workflow
from autoresearch_mcp.tools.workflows.ledger.pages import render
from autoresearch_mcp.tools.workflows.ledger.rules import rules_of
from autoresearch_mcp.tools.workflows.running.runner import WorkflowRunner, runner_of

FOLDER = Path(__file__).parents[3] / "tools/workflows"
PACKAGE = "autoresearch_mcp.tools.workflows"


@pytest.mark.parametrize("workflow", Workflow)
def test_each_page_has_its_template_and_each_template_is_one(workflow: Workflow) -> None:
    there = {file.name for file in FOLDER.glob(f"{workflow}/templates/*.j2")}
    named = {page for page in rules_of(workflow).pages.values() if isinstance(page, str)}

    assert named <= there
    for template in there:
        with suppress(UndefinedError):  # nothing was given; what is no template is another error
            render(f"{PACKAGE}.{workflow}", template)


def test_a_name_that_is_not_given_is_no_empty_text() -> None:
    with pytest.raises(UndefinedError, match="ledger"):
        render(f"{PACKAGE}.ledger", "summary.md.j2")


@pytest.mark.parametrize("workflow", Workflow)
def test_each_workflow_has_a_part_of_the_server(workflow: Workflow) -> None:
    assert isinstance(runner_of(workflow), WorkflowRunner)


def test_templates_cost_nothing_until_a_page_is_written() -> None:
    rules = ", ".join(f"{PACKAGE}.{workflow}.rules" for workflow in Workflow)
    found = subprocess.run(
        [sys.executable, "-c", f"import sys, {rules}; print('jinja2' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout == "False\n"
