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
    debug, fix, ship = (WorkflowAgent(project, name) for name in ("debug", "fix", "ship"))
    debug.open(goal="counts", chain="fix, ship")
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

    opened = ship.open(type="code-pr", goal="the cart counts right")
    state = ship.run().state

    text = project.read(f"{opened.folder}/pull-request.md")
    assert any(line.endswith(f"{opened.folder}/pull-request.md") for line in state)
    assert text.startswith("# the cart counts right\n")
    assert text.count("The cart shows one item too few") == 1
    assert "Cause: one is subtracted for no reason." in text
    assert f"Shown by `{PROOF['reproduction']}`, which failed with `AssertionError: one too few`." in text
    assert "for its reproduction only. Found by reproduction." in text
    assert "- `shop/cart.py` +1 -1" in text
    assert "- errors: 1 at the start, 0 at the end, in a clean checkout of HEAD." in text
    assert "`make test`: exit 0" in text
    assert "What is left" not in text
