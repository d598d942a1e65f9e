"""The examples in a terminal: which there are, and one as a repository of its own."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from ...tools.errors import Refusal
from ...tools.project.examples import create_example, find_examples, what_is_missing


def examples(root: Path, options: Namespace) -> int:
    """List the examples that have a word; returns the exit status: 1 if none has."""
    found = find_examples(options.word)
    for one in found:
        missing = what_is_missing(one)
        sys.stdout.write(f"{one.name}\t{one.domain}\t{one.language}\t{one.line}{f' ({missing})' if missing else ''}\n")
    if not found:
        sys.stderr.write(f"No example is about {options.word}. All: autoresearch-mcp examples\n")
        return 1
    if sys.stdout.isatty():
        sys.stdout.write("Make one a repository: autoresearch-mcp init --example NAME DIR\n")
    return 0


def make_example(folder: Path, name: str, *, as_json: bool) -> int:
    """Make an example a repository in an empty folder; returns the exit status."""
    try:
        example = create_example(name, folder)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 2
    missing = what_is_missing(example)
    if as_json:
        told = {"folder": str(folder), "story": example.story, "missing": missing, "cheats": list(example.cheats)}
        sys.stdout.write(json.dumps(told) + "\n")
        return 0
    out = [
        f"Made {folder}: a git repository.",
        *example.story.splitlines(),
        *([f"It cannot run yet: {missing}."] if missing else []),
        f"Start: cd {folder}, autoresearch-mcp start; then open it in your agent.",
        "In try/ are patches against the files as they are now: git apply one, then the tool iterate. First what earns nothing:",
        *(f"  try/cheat-{n}.patch: {told}" for n, told in enumerate(example.cheats, 1)),
        "then what is kept: try/improvement.patch",
    ]
    sys.stdout.write("\n".join(out) + "\n")
    return 0
