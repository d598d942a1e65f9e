"""The source files that modules of ours rest on: their own and those of all that they import, however far down."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, resolve_name
from pathlib import Path

_OURS = __name__.partition(".")[0]


def foundations(*modules: str) -> tuple[Path, ...]:
    """The files, in the order of their modules' names.

    Found by what the sources import, not by where they lie: a file that moves, or a new one, is among them all the same.

    Raises:
        RuntimeError: if one of the modules has no source, or none was named: a digest of too little looks like any other.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found and (spec := _spec(name)) and spec.origin:
            found[name] = Path(spec.origin)
            waiting += _imported(found[name], spec.parent or "")
    if not modules or not found.keys() >= set(modules):
        raise RuntimeError(f"no source was found for {set(modules) - found.keys() or 'anything'}")
    return tuple(found[name] for name in sorted(found))


def digest(files: Iterable[Path]) -> str:
    """One digest of the contents of files."""
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()


def _spec(name: str) -> ModuleSpec | None:
    """A module of ours; None for others, and for what is no module but a name in one."""
    if name.partition(".")[0] != _OURS:
        return None
    try:
        return find_spec(name)
    except ModuleNotFoundError:
        return None


def _imported(file: Path, package: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))
