"""`autoresearch-mcp completion SHELL`: the script that completes commands and options."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

import shtab

from ..main import make_parser


def run(root: Path, options: Namespace) -> int:
    """Print the script."""
    sys.stdout.write(shtab.complete(make_parser(), shell=options.shell) + "\n")
    return 0
