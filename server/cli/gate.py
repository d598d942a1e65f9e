"""`autoresearch-mcp gate`: an exit status for CI. What it looks at was measured and decided before; it runs nothing."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from ...tools.errors import Refusal
from ...tools.lab.access import Lab
from ...tools.workflows.ci_gate import GateDemands, gate_checks
from ...tools.workflows.ledger.handoff import GateCheck, exit_status


def run(root: Path, options: Namespace) -> int:
    """Print one line a check; returns the exit status."""
    asked = GateDemands(options.target, options.fail_on, options.regression, tuple(options.complete))
    try:
        checks = gate_checks(Lab(root).for_reading(), asked)
    except Refusal as refusal:
        checks = [GateCheck("repository", None, refusal.message)]
    status = exit_status(checks)
    if options.json:
        rows = [{"barrier": one.name, "passed": one.passed, "seen": one.seen} for one in checks]
        sys.stdout.write(json.dumps({"status": status, "barriers": rows}, ensure_ascii=False) + "\n")
    else:
        words = {True: "pass", False: "FAIL", None: "unknown"}
        sys.stdout.write("".join(f"{words[one.passed]:8}{one.name}: {one.seen}\n" for one in checks))
    return status
