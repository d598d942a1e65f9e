"""What git is configured to, asked again only when the files behind it hold something else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .cli import GitCli

_ABSENT = b"\0absent"

Setting = tuple[str, str, str]
"""Scope, name and value."""


@dataclass(frozen=True)
class Settings:
    """Every setting in force, and the files that they come from, with what those held."""

    values: tuple[Setting, ...]
    files: tuple[Path, ...] = ()
    contents: tuple[bytes, ...] = ()

    def last(self, wanted: str) -> str:
        """The value in force; empty without one."""
        return next((value for _, name, value in reversed(self.values) if name == wanted), "")

    @property
    def stand(self) -> bool:
        """Whether asking again would give the same answer."""
        return bool(self.files) and _contents(self.files) == self.contents


def settings_now(git: GitCli, root: Path, git_dir: Path, common_dir: Path) -> Settings:
    """Ask git. Ours for this one call are not among them."""
    arguments = ("config", "--list", "-z", "--show-scope", "--show-origin", "--includes")
    places = (common_dir / "config", git_dir / "config.worktree", *_of_the_machine())
    before = _contents(places)
    fields = os.fsdecode(git.run(*arguments)).split("\0")
    rows = [row for row in zip(fields[::3], fields[1::3], fields[2::3], strict=False) if row[0] != "command"]
    values = tuple((scope, *_name_and_value(entry)) for scope, _, entry in rows)
    origins = {root / origin.removeprefix("file:") for _, origin, _ in rows}
    # Where files include others, which ones depends on more than what these hold.
    simple = not any(name.startswith(("include.", "includeif.")) for _, name, _ in values)
    known = simple and before == _contents(places) and {_true(o) for o in origins} <= {_true(p) for p in places}
    return Settings(values, places, before) if known else Settings(values)


def _of_the_machine() -> list[Path]:
    """Where settings for all repositories may stand, whether they do or not."""
    home = os.environ.get("HOME", "")
    own = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    program = os.path.realpath(shutil.which("git") or "/usr/bin/git")
    places = [
        os.environ.get("GIT_CONFIG_GLOBAL", ""),
        os.environ.get("GIT_CONFIG_SYSTEM", ""),
        os.path.join(home, ".gitconfig"),
        os.path.join(own, "git", "config"),
        "/etc/gitconfig",
        os.path.join(os.path.dirname(os.path.dirname(program)), "etc", "gitconfig"),
    ]
    return [Path(place) for place in places if place]


def _contents(files: Sequence[Path]) -> tuple[bytes, ...]:
    return tuple(map(_content, files))


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes() if file.is_file() else _ABSENT
    except OSError:
        return b"\0unreadable"


def _true(file: Path) -> str:
    return os.path.realpath(file)


def _name_and_value(entry: str) -> tuple[str, str]:
    name, equals, value = entry.partition("\n")
    # A name alone, `[core] bare`, is not the same as an empty value.
    return name, value if equals else "(no value)"
