"""Reading the files of a checkout as text, within bounds; and whether a program is on this machine."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

MOST_FILES = 8000
MOST_BYTES_EACH = 512 * 1024
MOST_BYTES = 96 * 1024 * 1024


def read_texts(root: Path, names: Sequence[str]) -> tuple[dict[str, str], bool]:
    """The text of these files, and whether that is all text that there is.

    Left out are files that are missing, binary, no regular files or reached through a link out of the root; what is too
    large, or comes after too much, is left out as well and makes the answer incomplete.
    """
    home, left, complete = root.resolve(), MOST_BYTES, len(names) <= MOST_FILES
    found: dict[str, str] = {}
    for name in names[:MOST_FILES]:
        path = (home / name).resolve()
        try:
            seen = path.stat()
            if not path.is_relative_to(home) or not stat.S_ISREG(seen.st_mode):
                continue
            if seen.st_size > min(MOST_BYTES_EACH, left):
                complete = complete and _is_binary(path)
                continue
            data = path.read_bytes()
        except OSError:
            continue
        if b"\0" not in data[:8192]:
            found[name] = data.decode("utf-8", errors="replace")
            left -= len(data)
    return found, complete


def _is_binary(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\0" in file.read(8192)


def is_installed(program: str) -> bool:
    """Whether a program is on the PATH of this server."""
    return shutil.which(program) is not None
