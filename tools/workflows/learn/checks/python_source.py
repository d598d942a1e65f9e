"""The text of a block of Python: what was typed at each prompt, what it says, and whether it is about this code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from textwrap import dedent

from ....project.python_api import PythonApi

_PROMPT = re.compile(r"(>>>|\.\.\.)( (.*))?")


def imports_ours(text: str, session: bool, api: PythonApi) -> bool:
    """Return whether a block of no language is Python that imports the repository's own code."""
    for source in [one for _, one in sessions(text)] if session else [dedent(text)]:
        try:
            nodes = list(ast.walk(ast.parse(source)))
        except (SyntaxError, ValueError, RecursionError):
            return False
        modules = [one.module for one in nodes if isinstance(one, ast.ImportFrom) and one.module and not one.level]
        modules += [alias.name for one in nodes if isinstance(one, ast.Import) for alias in one.names]
        if any(module in api for module in modules):
            return True
    return False


def parsed(source: str) -> ast.Module | tuple[int, str]:
    """Return what a block says, or at which of its lines it cannot be parsed and why."""
    try:
        return ast.parse(source)
    except SyntaxError as error:
        if error.msg.startswith("'return' outside"):
            return ast.Module([], [])
        return _mended(source) or (error.lineno or 1, f"it is no Python: {error.msg}")
    except (ValueError, RecursionError) as error:
        return 1, f"it is no Python: {error}"


def _mended(source: str) -> ast.Module | None:
    """Return what a block says that breaks off where its point is made: after a decorator, with a comment for a body, or a few
    items of something longer.
    """
    lines = [re.sub(r"^(\s+)#.*", r"\1pass", line) for line in source.rstrip().split("\n")]
    last = lines[-1]
    indent = last[: len(last) - len(last.lstrip())]
    followed = ([*lines, f"{indent}{more}"] for more in ("", "def rest(): pass", "    pass"))
    for body in (*followed, ["{", *lines, "}"], ["(", *lines, ")"]):
        try:
            return ast.parse("\n".join(body))
        except (SyntaxError, ValueError, RecursionError):
            continue
    return None


def sessions(text: str) -> Iterator[tuple[int, str]]:
    """Yield what was typed at each prompt, with the line within the block (from 0)."""
    typed: list[str] = []
    start = 0
    for at, line in enumerate([*text.splitlines(), ""]):
        match = _PROMPT.match(line.strip())
        if match and match[1] == "..." and typed:
            typed.append(match[3] or "")
            continue
        if typed:
            yield start, "\n".join(typed)
            typed = []
        if match and match[1] == ">>>" and match[3]:
            typed, start = [match[3]], at
