"""What debug and fix measured becomes the text of the pull request, and nothing that nobody measured."""

from __future__ import annotations

from pathlib import Path

from autoresearch_mcp.tools.workflows.ledger.items import Workflow
from autoresearch_mcp.tools.workflows.status import prompt_status
from ledgers import FINDING, HYPOTHESIS, PROOF, WorkflowAgent, shop


def test_the_text_says_what_was_wrong_how_it_was_shown_what_changed_and_what_passes(tmp_path: Path) -> None:
    project = shop(tmp_path / "repo")
    project.write("Makefile", "test:\n\tpython3 test_cart.py\n").commit("a test target")
    project.git("checkout", "-q", "-b", "topic")
    debug, fix, regression, ship = (WorkflowAgent(project, name) for name in ("debug", "fix", "regression", "ship"))
    debug.open(goal="counts", chain="fix, regression, ship")
    debug.record(HYPOTHESIS)
    debug.record(FINDING)
    ledger = debug.close().ledger
    waiting = prompt_status(project.lab.for_reading(), Workflow.FIX)
    assert f"{ledger} hands over:\n{ledger}#F1 (high) The cart shows one item too few" in waiting
    fix.open(category="bug")
    project.write("shop/cart.py", project.read("shop/cart.py").replace("len(items) - 1", "len(items)"))
    project.commit("Count every item")
    fix.run()
    fix.close()
    regression.open(base="main", dimensions="functional", tests="python3 -c 'import shop.cart'", reruns=1)
    regression.run()
    before = regression.close(why="enough").ledger
    compared = project.git("rev-parse", "--short=7", "HEAD")
    project.write("README.md", "# Shop\n").commit("Tell what it is")

    ship.open()
    ship.close(why="another type")
    opened = ship.open(type="code-pr", goal="ship it, do not publish")
    assert f"From {before}:" in opened.state
    state = ship.run().state

    assert "Not applicable: build, merges, types, lint." in state
    text = project.read(f"{opened.folder}/pull-request.md")
    assert any(line.endswith(f"{opened.folder}/pull-request.md") for line in state)
    assert text.startswith("# Fix: The cart shows one item too few\n")
    assert "do not publish" not in text
    assert "Cause: one is subtracted for no reason." in text
    assert f"Shown by `{PROOF['reproduction']}`, which failed with `AssertionError: one too few`." in text
    assert "nothing but that command was seen to pass. Found by reproduction." in text
    assert "- Count every item (" in text
    assert f"- errors: 1 at the start, 0 at the end, in a clean checkout of {compared}." in text
    assert f"- No regression was found: STABLE at {compared} (dimensions measured: 1/" in text
    assert "; since then only version or documents changed: README.md" in text
    assert "`make test`: exit 0" in text
    assert "What is left" not in text
