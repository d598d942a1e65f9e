"""`autoresearch-mcp import FILE`: another tool's results, kept for reports."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from ...tools.errors import Refusal
from ...tools.evals.reading import bring_in
from ...tools.lab.access import Lab


def run(root: Path, options: Namespace) -> int:
    """Import a file; returns the exit status."""
    try:
        name, found = bring_in(Lab(root).for_reading(), Path(options.file).expanduser(), options.direction)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 2
    if options.json:
        told = {"name": name, "format": found.format, "rows": len(found.rows), "skipped": len(found.skipped)}
        sys.stdout.write(json.dumps({**told, "notes": found.notes}, ensure_ascii=False) + "\n")
        return 0
    left = f", {len(found.skipped)} lines are no rows" if found.skipped else ""
    out = [f"Imported {name} ({found.format}): {len(found.rows)} rows{left}.", *found.notes]
    out.append(f"See it: autoresearch-mcp report --imported {name} --format png")
    sys.stdout.write("\n".join(out) + "\n")
    return 0
