"""HEAD and other refs as they stand in git's own files. What is not told there in the plainest form is left for git to answer."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

_BRANCH = re.compile(rb"ref: refs/heads/([^\n]+)\n")
_COMMIT = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\n")
_PACKED = re.compile(rb"^([0-9a-f]{40,64}) (refs/(?:tags|heads|remotes)/\S+)$", re.MULTILINE)
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


def refs_named(common_dir: Path, words: Collection[str], but: str) -> dict[str, str]:
    """Where the tags and branches stand that are called by one of these words, apart from the branch `but`."""
    packed = _PACKED.findall(_plain(common_dir / "packed-refs"))
    found = {os.fsdecode(name): os.fsdecode(target) for target, name in packed}
    found |= {name: _plain(file).decode(errors="replace").strip() for name, file in _loose(common_dir)}
    return {name: found[name] for name in sorted(found) if name != f"refs/heads/{but}" and _called(name) & set(words)}


def _called(name: str) -> set[str]:
    return {name, name.split("/", 1)[1], name.split("/", 2)[2]}


def _loose(common_dir: Path) -> Iterator[tuple[str, Path]]:
    for kind in ("tags", "heads", "remotes"):
        for folder, _, names in os.walk(common_dir / "refs" / kind):
            for file in (Path(folder, name) for name in names):
                yield file.relative_to(common_dir).as_posix(), file


def _plain(file: Path) -> bytes:
    try:
        return b"" if file.is_symlink() else file.read_bytes()
    except OSError:
        return b""
