"""HEAD as it stands in git's own files. What is not told there in the plainest form is left for git to answer."""

from __future__ import annotations

import os
import re
from pathlib import Path

_BRANCH = re.compile(rb"ref: refs/heads/([^\n]+)\n")
_COMMIT = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\n")
# What HEAD says where refs are kept in another format.
_ELSEWHERE = ".invalid"


def branch_in(git_dir: Path) -> str | None:
    """The branch that HEAD names, empty for a commit; None where git has to be asked."""
    text = _plain(git_dir / "HEAD")
    if _COMMIT.fullmatch(text):
        return ""
    named = _BRANCH.fullmatch(text)
    name = os.fsdecode(named[1]) if named else _ELSEWHERE
    return None if name == _ELSEWHERE else name


def commit_in(git_dir: Path, common_dir: Path) -> str | None:
    """The commit at HEAD; None where git has to be asked, as for packed refs and before the first commit."""
    name = branch_in(git_dir)
    if name is None:
        return None
    text = _plain(common_dir / "refs" / "heads" / name if name else git_dir / "HEAD")
    return os.fsdecode(text).rstrip("\n") if _COMMIT.fullmatch(text) else None


def _plain(file: Path) -> bytes:
    try:
        return b"" if file.is_symlink() else file.read_bytes()
    except OSError:
        return b""
