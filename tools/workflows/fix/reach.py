"""How far a file reaches: how many others import it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ...lab.context import RepoContext

MOST_CHANGED = 60
"""Files whose dependents are counted, each with one search of the tracked files."""


def changed_files(context: RepoContext, since: str) -> list[dict[str, Any]]:
    """The files that differ from the start, with how many others import them."""
    stat = context.repo.diffstat(since, context.repo.head())
    found = dependents(context, stat.files)
    return [{"path": path, "dependents": found.get(path, 0)} for path in stat.files[:MOST_CHANGED]]


_FAMILIES = tuple(
    tuple(words.split()) for words in ("py pyi", "js jsx mjs cjs ts tsx mts cts vue svelte", "c h cc cpp cxx hpp hh")
)


def dependents(context: RepoContext, paths: Sequence[str]) -> dict[str, int]:
    """How many tracked files import each of these, by the lines that say so: cheap, and blind to anything dynamic."""
    found = {}
    for path in list(dict.fromkeys(paths))[:MOST_CHANGED]:
        folder, _, base = path.rpartition("/")
        stem, _, ending = base.rpartition(".")
        family = next((family for family in _FAMILIES if ending in family), ())
        name = folder.rpartition("/")[2] if stem in {"__init__", "index"} else stem
        if not (name and family):
            continue
        pattern = rf"^[[:space:]]*(from|import|export|#[[:space:]]*include|const|let|var)\b.*\b{re.escape(name)}\b"
        answer = context.repo.git.ask("grep", "-lIE", "-e", pattern)
        others = [line for line in answer.text.splitlines() if line != path and line.rpartition(".")[2] in family]
        found[path] = len(others)
    return {path: count for path, count in found.items() if count}
