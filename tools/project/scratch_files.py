"""Scripts outside a repository, with those beside them that they use."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_CODE = (".py", ".sh", ".bash", ".js", ".mjs", ".rb", ".pl")
_LARGEST = 256 * 1024
"""Bytes of a script that is read to learn what it uses."""
_MOST = 200


def with_what_they_use(scripts: Iterable[Path]) -> Iterator[Path]:
    """Yield scripts and, after each, the code of its folder that it names, as a module or as a file, and what that names in turn."""
    seen: set[Path] = set()
    left = list(scripts)
    while left and len(seen) < _MOST:
        script = left.pop(0)
        if script in seen or not script.is_file():
            continue
        seen.add(script)
        yield script
        if script.suffix in _CODE and script.stat().st_size <= _LARGEST:
            words = set(re.findall(r"\w+", script.read_text("utf-8", "replace")))
            left += sorted(beside for beside in script.parent.iterdir() if _is_named(beside, words))


def _is_named(beside: Path, words: set[str]) -> bool:
    return beside.suffix in _CODE and words.issuperset(re.findall(r"\w+", beside.stem))


def digest_of(file: Path) -> str:
    """Return the SHA-256 of what stands in a file; empty where there is none, or nobody may read it."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        return ""
