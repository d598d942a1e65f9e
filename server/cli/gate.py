"""`autoresearch-mcp gate`: an exit status for CI. What it looks at was measured and decided before; it runs nothing."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from ...tools.errors import Refusal
from ...tools.lab.access import Lab
from ...tools.workflows.ci_gate import GateDemands, look
from ...tools.workflows.ledger.barrier import Barrier, exit_status


def run(root: Path, options: Namespace) -> int:
    """Print one line a barrier; returns the exit status."""
    asked = GateDemands(options.target, options.fail_on, options.regression, tuple(options.complete))
    try:
        barriers = look(Lab(root).for_reading(), asked)
    except Refusal as refusal:
        barriers = [Barrier("repository", None, refusal.message)]
    status = exit_status(barriers)
    if options.json:
        rows = [{"barrier": one.name, "passed": one.passed, "seen": one.seen} for one in barriers]
        sys.stdout.write(json.dumps({"status": status, "barriers": rows}, ensure_ascii=False) + "\n")
    else:
        words = {True: "pass", False: "FAIL", None: "unknown"}
        sys.stdout.write("".join(f"{words[one.passed]:8}{one.name}: {one.seen}\n" for one in barriers))
    return status
