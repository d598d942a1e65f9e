"""What git's own files say without a process: settings, asked again only when the files behind them changed; HEAD and refs."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..storage.disk import read_or_empty
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
    origins: Mapping[str, str] = field(default_factory=dict)
    """The file that the value in force of each name comes from."""

    def last(self, wanted: str) -> str:
        """Return the value in force; empty without one."""
        return next((value for _, name, value in reversed(self.values) if name == wanted), "")

    @property
    def stand(self) -> bool:
        """Whether asking again would give the same answer."""
        return bool(self.files) and _contents(self.files) == self.contents


def places_of(git_dir: Path, common_dir: Path) -> tuple[Path, ...]:
    """Return the files that settings are read from here, whether they are there or not."""
    return (common_dir / "config", git_dir / "config.worktree", *_of_the_machine())


def settings_now(git: GitCli, root: Path, places: tuple[Path, ...]) -> Settings:
    """Ask git. Ours for this one call are not among them."""
    arguments = ("config", "--list", "-z", "--show-scope", "--show-origin", "--includes")
    before = _contents(places)
    fields = os.fsdecode(git.run(*arguments)).split("\0")
    rows = [row for row in zip(fields[::3], fields[1::3], fields[2::3], strict=False) if row[0] != "command"]
    values = tuple((scope, *_name_and_value(entry)) for scope, _, entry in rows)
    origins = {root / origin.removeprefix("file:") for _, origin, _ in rows}
    # Where files include others, which ones depends on more than what these hold.
    simple = not any(name.startswith(("include.", "includeif.")) for _, name, _ in values)
    known = simple and before == _contents(places) and {_true(o) for o in origins} <= {_true(p) for p in places}
    named = {_name_and_value(entry)[0]: os.path.join(root, origin.removeprefix("file:")) for _, origin, entry in rows}
    return Settings(values, places, before, named) if known else Settings(values, origins=named)


def _of_the_machine() -> list[Path]:
    """Return where settings for all repositories may stand, whether they do or not."""
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


def file_of_user(settings: Settings, root: Path, setting: str, usual: str) -> Path:
    """Return a file of the user's for all repositories: where a setting says, or at its usual place."""
    if named := settings.last(setting):
        return root / os.path.expanduser(named)
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(home) / "git" / usual


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


_BRANCH = re.compile(rb"ref: refs/heads/([^\n]+)\n")
_COMMIT = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?\n")
_PACKED = re.compile(rb"^([0-9a-f]{40,64}) (refs/(?:tags|heads|remotes)/\S+)$", re.MULTILINE)
# What HEAD says where refs are kept in another format.
_ELSEWHERE = ".invalid"


def branch_in(git_dir: Path) -> str | None:
    """Return the branch that HEAD names, empty for a commit; None where git has to be asked."""
    text = _plain(git_dir / "HEAD")
    if _COMMIT.fullmatch(text):
        return ""
    named = _BRANCH.fullmatch(text)
    name = os.fsdecode(named[1]) if named else _ELSEWHERE
    return None if name == _ELSEWHERE else name


def commit_in(git_dir: Path, common_dir: Path) -> str | None:
    """Return the commit at HEAD; None where git has to be asked, as for packed refs and before the first commit."""
    name = branch_in(git_dir)
    if name is None:
        return None
    text = _plain(common_dir / "refs" / "heads" / name if name else git_dir / "HEAD")
    return os.fsdecode(text).rstrip("\n") if _COMMIT.fullmatch(text) else None


def refs_named(common_dir: Path, words: Collection[str], but: str) -> dict[str, str]:
    """Return where the tags and branches stand that are called by one of these words, apart from the branch `but`."""
    packed = _PACKED.findall(_plain(common_dir / "packed-refs"))
    found = {os.fsdecode(name): os.fsdecode(target) for target, name in packed}
    found |= {name: _plain(file).decode(errors="replace").strip() for name, file in _loose(common_dir)}
    others = (name for name in sorted(found) if name != f"refs/heads/{but}")
    # A ref is called by its whole name, without `refs/`, and without what kind of ref it is.
    return {name: found[name] for name in others if {name, *(name.split("/", n)[n] for n in (1, 2))} & set(words)}


def _loose(common_dir: Path) -> Iterator[tuple[str, Path]]:
    for kind in ("tags", "heads", "remotes"):
        for folder, _, names in os.walk(common_dir / "refs" / kind):
            for file in (Path(folder, name) for name in names):
                yield file.relative_to(common_dir).as_posix(), file


def _plain(file: Path) -> bytes:
    return b"" if file.is_symlink() else read_or_empty(file)
