"""`autoresearch-mcp doctor`: what stands in the way, with the cure for each."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...tools.doctor.checks import DoctorCheck, examine

_MARKS = {True: ("ok", "green"), False: ("WRONG", "bold red"), None: ("", "")}


def run(root: Path, options: Namespace) -> int:
    """Look at everything; returns the exit status."""
    looked = examine(root)
    status = int(any(one.passed is False for one in looked))
    if options.json:
        sys.stdout.write(json.dumps({"status": status, "looked": [asdict(one) for one in looked]}) + "\n")
        return status
    Console().print(_table(looked))
    sys.stdout.write("Something is wrong: the cures stand beside it.\n" if status else "Nothing is wrong.\n")
    return status


def _table(looked: list[DoctorCheck]) -> Table:
    table = Table("", "what", "as it is", "cure", show_lines=False, box=None, padding=(0, 1))
    for one in looked:
        word, style = _MARKS[one.passed]
        table.add_row(Text(word, style=style), Text(one.name), Text(one.seen), Text(one.cure))
    return table
