"""The only home of the `git` library: one process a call, bytes in, bytes out, hardened against the repository's own settings."""

from __future__ import annotations

import logging
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Code, Refusal
from ..storage.disk import HELD

if TYPE_CHECKING:
    import git

logger = logging.getLogger(__name__)

SETTINGS = (
    # programs that git would start
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.sshCommand=false",
    "core.askPass=false",
    "core.gitProxy=",
    "core.editor=:",
    "core.pager=cat",
    "core.alternateRefsCommand=:",
    "credential.helper=",
    "credential.interactive=false",
    "commit.gpgSign=false",
    "tag.gpgSign=false",
    "gpg.program=false",
    "log.showSignature=false",
    "diff.external=",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.allow=never",
    "submodule.recurse=false",
    # what survives a loss of power: by itself git leaves loose objects and branches to the disk's own time
    "core.fsync=committed",
    "core.fsyncMethod=fsync",
    # how long to wait for another git that moves a branch, in milliseconds
    "core.filesRefLockTimeout=3000",
    # repositories where none should be
    "safe.bareRepository=explicit",
    # changes that git would not see
    "core.ignoreStat=false",
    "core.trustctime=true",
    "core.checkStat=default",
    "core.quotePath=false",
    "status.showUntrackedFiles=all",
)
UNATTENDED = {"GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": ":"}
EXACT = {
    **UNATTENDED,
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    # Stronger than any `protocol.NAME.allow`: a repository that lacks objects fetches none by a program of its choice.
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ASKPASS": "false",
    "SSH_ASKPASS": "false",
    "GIT_SSH_COMMAND": "false",
}
_KEPT = re.compile(
    r"GIT_(?:CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM)|EXEC_PATH|CEILING_DIRECTORIES|SSL_\w+|PYTHON_\w+|(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL))"
)
_LFS = re.compile(r"git[ -]lfs (?:clean|smudge|filter-process)(?: --skip)?(?: --)?(?: %f)?")


def to_drop(names: Iterable[str]) -> tuple[str, ...]:
    """Return the variables that a parent git process or a shell left there: they point at another repository."""
    return tuple(name for name in names if name.startswith("GIT_") and not _KEPT.fullmatch(name))


def foreign_filters(listing: str) -> tuple[str, ...]:
    """Filter drivers of the repository's own settings, from `config --list -z --show-scope`; LFS as it installs itself is none."""
    fields = listing.split("\0")
    found: dict[str, None] = {}
    for scope, entry in zip(fields[::2], fields[1::2], strict=False):
        name, _, value = entry.partition("\n")
        match = re.fullmatch(r"filter\.(.*)\.(clean|smudge|process)", name, re.DOTALL)
        if match and value and scope in {"local", "worktree"} and not (match[1] == "lfs" and _LFS.fullmatch(value)):
            found[match[1]] = None
    return tuple(found)


def in_one_file(listing: str) -> bool:
    """Tell whether the repository's own settings include no other file, not even conditionally, and have none for one worktree."""
    fields = listing.split("\0")
    own = [entry for scope, entry in zip(fields[::2], fields[1::2], strict=False) if scope in {"local", "worktree"}]
    return not any(re.match(r"include(?:if)?\.|extensions\.worktreeconfig\b", entry, re.IGNORECASE) for entry in own)


def without_filters(drivers: Sequence[str]) -> dict[str, str]:
    """Environment that makes these drivers do nothing. A variable, because a name may hold any character."""
    values = {"clean": "", "smudge": "", "process": "", "required": "false"}
    pairs = [(f"filter.{driver}.{key}", value) for driver in drivers for key, value in values.items()]
    made = {"GIT_CONFIG_COUNT": str(len(pairs))} if pairs else {}
    for place, (name, value) in enumerate(pairs):
        made |= {f"GIT_CONFIG_KEY_{place}": name, f"GIT_CONFIG_VALUE_{place}": value}
    return made


@dataclass(frozen=True)
class GitOutput:
    """What a git process said."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """The output as text, without the final newline."""
        return os.fsdecode(self.out).removesuffix("\n")


@dataclass(frozen=True)
class _Settings:
    """The file with a repository's own settings."""

    file: Path

    def mark(self) -> tuple[int, int, int] | None:
        """Return what tells that it is unchanged; None if it is elsewhere, or so young that an edit might not show."""
        try:
            seen = self.file.lstat()
        except OSError:
            return None
        young = time.time_ns() - seen.st_ctime_ns < _YOUNG_NS
        return None if young or not stat.S_ISREG(seen.st_mode) else (seen.st_ino, seen.st_ctime_ns, seen.st_size)


@dataclass(frozen=True)
class _KnownFilters:
    """Filters that were looked up, and the settings that say so."""

    file: _Settings
    mark: tuple[int, int, int]
    filters: tuple[str, ...]


_YOUNG_NS = 2_000_000_000
HOOK_S = 120.0
"""Seconds after which a hook that hangs counts as one that says no."""
_FILTERS: dict[Path, _KnownFilters] = {}
"""A process saved for each of the many short lives of a GitCli; only for repositories whose settings are one file."""


class GitCli:
    """Runs git in one folder, and in no other: not where its name could be read as another, nor where it was replaced.

    Without `git_dir` git looks for the repository from there upwards, as it does for a person.
    """

    def __init__(self, folder: Path, git_dir: Path | None = None) -> None:
        self._git = _load()
        self._folder, self._top = folder, _top(folder)
        self._inode = _inode(folder)
        # A repository may say that its files lie elsewhere, and so hide what is here.
        place = [f"--work-tree={self._top}"] if self._top else []
        if git_dir is not None:
            place = [f"--git-dir={git_dir}", f"--work-tree={folder}"]
        self._hardened = ["--no-pager", *place, *(part for value in SETTINGS for part in ("-c", value))]

    @cached_property
    def foreign_filters(self) -> tuple[str, ...]:
        """Programs that the repository's own settings put between files and git. They do not run in our calls."""
        known = _FILTERS.get(self._folder)
        if known is not None and known.file.mark() == known.mark:
            return known.filters
        command = (*self._hardened, "config", "--list", "-z", "--show-scope", "--includes")
        file = _Settings(_common(self._top / ".git") / "config") if self._top else None
        mark = file.mark() if file else None
        code, out, _ = self._execute(command, EXACT)
        listing = os.fsdecode(out)
        found = foreign_filters(listing) if code == 0 else ()
        if file and mark and code == 0 and in_one_file(listing):
            _FILTERS[self._folder] = _KnownFilters(file, mark, found)
        return found

    @cached_property
    def _quiet(self) -> Mapping[str, str]:
        return {**EXACT, **without_filters(self.foreign_filters)}

    def ask(
        self,
        *arguments: str,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        hooks: bool = False,
    ) -> GitOutput:
        """Run git and answer with whatever happened. With `hooks` it runs as the user's own git would, settings and all."""
        if hooks and not os.path.lexists(self._folder / ".git"):
            raise Refusal(Code.GIT, f"{self._folder} has lost its .git: no hook of a repository around it is meant.")
        command = list(arguments) if hooks else [*self._hardened, *arguments]
        logger.debug("git %s", " ".join(arguments))
        quiet = UNATTENDED if hooks else self._quiet
        locks, limit_s = ((), HOOK_S) if hooks else (HELD.get(), None)
        code, out, err = self._execute(command, {**quiet, **(environment or {})}, stdin, locks, limit_s)
        return GitOutput(code, out, err)

    def _execute(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        stdin: bytes = b"",
        locks: Sequence[int] = (),
        limit_s: float | None = None,
    ) -> tuple[int, bytes, str]:
        with tempfile.TemporaryFile() as feed, self._entered() as (folder, descriptor):
            feed.write(stdin)
            feed.seek(0)
            # The library expands `$NAME` and `~` in a folder's name, and runs where we stand if it cannot enter it: git enters.
            code, out, err = self._git.execute(
                ["git", "-C", folder, *command],
                istream=feed,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                env=dict(environment),
                pass_fds=(*locks, descriptor),
                kill_after_timeout=limit_s,
            )
        said = err if isinstance(err, str) else os.fsdecode(err)
        return code, out, said.replace(f"git -C {folder} ", "git ")

    @contextmanager
    def _entered(self) -> Iterator[tuple[str, int]]:
        """Hold a folder open, so that nothing can be put in its place, and give a name of it that git can enter.

        Raises:
            Refusal: if it cannot be entered, or is not the one that it was.
        """
        try:
            descriptor = os.open(self._folder, _HOLD)
        except OSError as error:
            raise Refusal(Code.GIT, f"{self._folder} cannot be entered: {error.strerror}.") from error
        try:
            seen = os.fstat(descriptor)
            if (seen.st_dev, seen.st_ino) != self._inode:
                message = f"{self._folder} is not the folder that it was when this call began. Make the call again."
                raise Refusal(Code.GIT, message)
            yield (f"/proc/self/fd/{descriptor}" if _BY_DESCRIPTOR else str(self._folder)), descriptor
        finally:
            os.close(descriptor)

    def run(self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
        """Run git and return its output.

        Raises:
            Refusal: with git's own words when it fails.
        """
        answer = self.ask(*arguments, stdin=stdin, environment=environment)
        if answer.code != 0:
            raise Refusal(Code.GIT, f"`git {arguments[0]}` failed: {answer.err.strip() or answer.text}.")
        return answer.out

    def line(self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> str:
        """Run git and return its output as text without the final newline."""
        return os.fsdecode(self.run(*arguments, stdin=stdin, environment=environment)).removesuffix("\n")


_HOLD = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_BY_DESCRIPTOR = os.path.isdir("/proc/self/fd")


def _inode(folder: Path) -> tuple[int, int] | None:
    try:
        seen = folder.stat()
    except OSError:
        return None
    return seen.st_dev, seen.st_ino


def _load() -> git.Git:
    for name in to_drop(tuple(os.environ)):
        os.environ.pop(name, None)
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    try:
        import git  # imported late: it costs 0.15 s and starts a process
    except ImportError as error:  # pragma: no cover - needs a machine without git
        raise Refusal(Code.GIT, "git was not found on PATH. Install git 2.36 or later and try again.") from error
    return git.Git(os.sep)


def _top(folder: Path) -> Path | None:
    """Return the nearest folder around that has a `.git`; None inside of one, or outside of any."""
    around = (folder, *folder.parents)
    if any(place.name == ".git" and (place / "HEAD").exists() for place in around):
        return None
    return next((place for place in around if os.path.lexists(place / ".git")), None)


def _common(marker: Path) -> Path:
    """Return the git folder that all worktrees share, from the `.git` of one of them."""
    try:
        named = Path(marker.parent, marker.read_text(encoding="utf-8").removeprefix("gitdir:").strip())
        return Path(named, (named / "commondir").read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        return marker
