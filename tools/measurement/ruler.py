"""The ruler of a session: everything that a measurement rests on besides the code under experiment, and whether it still stands.

What can bend git or a measurement without showing in the tree is kept as digests to compare before and after. What git
writes in normal work is left out: branch tips, the index, other worktrees, tracking of branches.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..git.memory import NO_FILE, Memory, link_digest
from ..git.repo import Repo, shown
from ..git.settings import Settings, file_of_user, refs_named
from ..git.stamps import Stamp, stamps_of
from ..plan.model import Plan
from ..plan.scope import Scope
from ..project.measurement_inputs import protected_globs
from ..session.events import Started
from .git_settings import settings_seals
from .machine import differences, fingerprint

REFS = "git tags and branches that the commands name"
SCRIPTS = (".py", ".sh", ".bash")
"""Files that are read to learn what they import, start or name."""
_WORD = re.compile(r"(?:[\w/+-]|\.(?!\.))+")  # a range is two words


@dataclass(frozen=True)
class Ruler:
    """Digests of the protected files, of what else steers git, and of the machine. `outputs` are files that verify writes."""

    plan: str
    protected: Mapping[str, str]
    sealed: Mapping[str, str]
    machine: Mapping[str, str]
    outputs: tuple[str, ...] = ()

    @cached_property
    def names(self) -> frozenset[str]:
        """The protected files."""
        return frozenset(self.protected)

    @cached_property
    def protected_digest(self) -> str:
        """One digest of all that may not change."""
        return _digest_of({**self.protected, **self.sealed})

    @property
    def machine_digest(self) -> str:
        """One digest of hardware and programs."""
        return _digest_of(self.machine)

    def moved(self, now: Ruler) -> tuple[str, ...]:
        """How the machine differs, in words."""
        return differences(self.machine, now.machine)


def ruler_now(repo: Repo, plan: Plan, known: frozenset[str] = frozenset()) -> Ruler:
    """The ruler as it stands; `known` are protected files that were there before and are looked for even when gone."""
    digest = plan.digest()

    def look() -> Ruler:
        sealed = git_seals(repo) | {REFS: refs_seal(repo, _words(repo, plan))}
        return Ruler(digest, protected_now(repo, plan, known), sealed, fingerprint(plan.commands, repo.root))

    return repo.once(("ruler", digest, known), look)


def _words(repo: Repo, plan: Plan) -> frozenset[str]:
    """What stands in the commands and in the protected scripts that they name: a ref may be among it."""
    words = set(_WORD.findall(" ".join(plan.commands)))
    fixed = Scope(protected_globs(plan))
    for name in [word for word in words if word.endswith(SCRIPTS) and fixed.matches(word)]:
        with suppress(OSError):
            words.update(_WORD.findall((repo.root / name).read_text(encoding="utf-8", errors="replace")))
    return frozenset(words)


_SEALED = Memory(8)


def ruler_of(start: Started) -> Ruler:
    """The ruler as it was sealed."""
    known: tuple[Started, Ruler] | None = _SEALED.get(id(start))
    if known and known[0] is start:
        return known[1]
    ruler = Ruler(start.plan.digest(), start.protected, start.sealed, start.machine, start.outputs)
    _SEALED.put(id(start), (start, ruler))
    return ruler


def protected_now(repo: Repo, plan: Plan, known: frozenset[str] = frozenset()) -> Mapping[str, str]:
    """Digest of every protected file that exists, and of every one that is known to have existed."""
    digests = repo.digests(_protected_paths(repo, plan))
    held = digests if all(map(str.isascii, digests)) else {shown(path): digest for path, digest in digests.items()}
    missing = known.difference(held)
    return {**repo.digests(missing), **held} if missing else held


def _protected_paths(repo: Repo, plan: Plan) -> frozenset[str]:
    globs = protected_globs(plan)
    scope = Scope(globs)
    found = repo.matching(globs, scope.matches)
    named = {path for path in _named_on_disk(repo.root, globs) if path not in found and scope.matches(path)}
    return found | named if named else found


def _named_on_disk(root: Path, globs: tuple[str, ...]) -> set[str]:
    """Protected paths written out in full, which count even where git ignores them."""
    found: set[str] = set()
    for name in globs:
        place = root / name.strip("/")
        if place.is_dir():
            found.update(_files_under(str(place), len(f"{root}/")))
        elif place.is_file():
            found.add(str(place.relative_to(root)))
    return found


def _files_under(folder: str, start: int) -> Iterator[str]:
    """Yield every file below a folder, from the `start` of its path on; folders that are links are not entered."""
    with suppress(PermissionError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files_under(entry.path, start)
            elif entry.is_file():
                yield entry.path[start:]


def _digest_of(parts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(sorted(parts.items()))).encode()).hexdigest()


NONE = "none"
_ATTRIBUTES_OF_THE_SYSTEM = (Path("/etc/gitattributes"),)
_OURS = (
    *(
        f"/{dot}autoresearch-{name}".encode()
        for dot in ("", ".")
        for name in ("results", "progress.png", "report.html", "imported-")
    ),
    b"/autoresearch/*-[0-9]",  # folders of ledgers
)

# Hooks that neither a commit of ours nor a command that only reads can start.
_IDLE_HOOKS = frozenset(
    (
        "applypatch-msg post-applypatch post-checkout post-commit post-merge post-receive post-rewrite"
        " post-update pre-applypatch pre-auto-gc pre-merge-commit pre-push pre-rebase pre-receive prepare-commit-msg"
        " proc-receive push-to-checkout sendemail-validate update"
    ).split()
)


def git_seals(repo: Repo) -> dict[str, str]:
    """A digest of each thing outside the tree that changes what git does here."""
    settings = repo.settings()
    info = repo.common_dir / "info"
    users = file_of_user(settings, repo.root, "core.attributesfile", "attributes")
    attributes = (info / "attributes", users, *_ATTRIBUTES_OF_THE_SYSTEM)
    return {
        **settings_seals(repo, settings, attributes),
        **_hooks(repo, settings),
        "git attributes": _digest(_lines(info / "attributes")),
        "git exclude": _digest(_lines(info / "exclude")),
        "git replace and grafts": _digest(_replaced(repo.common_dir)),
        "index flags": _index_flags(repo),
        "global excludes": _digest(_lines(file_of_user(settings, repo.root, "core.excludesfile", "ignore"))),
        "global attributes": _digest(_lines(users)),
    }


def refs_seal(repo: Repo, words: frozenset[str]) -> str:
    """A digest of where the refs stand that a command can mean by one of these words, if it asks git at all."""
    named = refs_named(repo.common_dir, words, repo.branch()) if "git" in words else {}
    return _digest(os.fsencode(part) for item in named.items() for part in item)


def _digest(parts: Iterable[bytes]) -> str:
    """A digest of a list: its items cannot run into each other."""
    items = list(parts)
    if not items:
        return NONE
    joined = b"".join(b"%d:%b" % (len(item), item) for item in items)
    return hashlib.sha256(joined).hexdigest()


def _hooks(repo: Repo, settings: Settings) -> dict[str, str]:
    named = settings.last("core.hookspath")
    # A relative hooksPath counts from where hooks run, which is the top of the work tree.
    folders = {"hooks": repo.common_dir / "hooks"} | ({named: repo.root / os.path.expanduser(named)} if named else {})
    found = [(name, file) for name, folder in folders.items() for file in _files(folder)]
    return {
        f"git hooks: {shown(name)}/{shown(file.name)}": _digest((_runnable(file), _content(file)))
        for name, file in found
        if file.suffix != ".sample" and file.name not in _IDLE_HOOKS
    }


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.is_file())
    except OSError:
        return []


def _runnable(file: Path) -> bytes:
    return b"x" if os.access(file, os.X_OK) else b"-"


def _content(file: Path) -> bytes:
    """A digest rather than the bytes: a hook may be a large program."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").digest()
    except OSError:
        return b"unreadable"


def _lines(file: Path) -> list[bytes]:
    """The lines that say something; ours were added by the session itself."""
    return [line for line in _bytes(file).splitlines() if line.strip() and not line.startswith((*_OURS, b"#"))]


def _bytes(file: Path) -> bytes:
    try:
        # A pipe in place of a file would hold us up for ever.
        return file.read_bytes() if stat.S_ISREG(file.stat().st_mode) else b""
    except OSError:
        return b""


def _replaced(common: Path) -> Iterator[bytes]:
    yield from _bytes(common / "info" / "grafts").splitlines()
    yield from _bytes(common / "shallow").splitlines()
    # Packing refs moves them from files of their own into one list; that changes nothing.
    found = dict(_packed(common / "packed-refs")) | dict(_loose(common / "refs" / "replace"))
    yield from (part for item in sorted(found.items()) for part in item)


def _packed(file: Path) -> Iterator[tuple[bytes, bytes]]:
    for target, name in re.findall(rb"^(\w+) refs/replace/(\S+)$", _bytes(file), re.MULTILINE):
        yield name, target


def _loose(folder: Path) -> Iterator[tuple[bytes, bytes]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield os.fsencode(file.relative_to(folder).as_posix()), _bytes(file).strip()


def _index_flags(repo: Repo) -> str:
    """The tracked files that git was told not to look at."""
    flagged = repo.listing().flagged
    return f"{len(flagged)} files, {_digest(flagged)}" if flagged else NONE


def protected_stamps(repo: Repo, folder: Path, ruler: Ruler) -> dict[str, Stamp]:
    """What tells that a protected file was swapped and put back, in a checkout of this repository.

    Looking at thousands of files costs more than all the rest of an iteration: in the user's checkout a digest and this
    rest on the same look.
    """
    return repo.stamps(ruler.names) if folder == repo.root else stamps_of(folder, ruler.names)


def bent_in(repo: Repo, folder: Path, commit: str, ruler: Ruler, stamps: Mapping[str, Stamp]) -> frozenset[str]:
    """Return the protected files that stand in a second checkout neither as sealed nor as git writes them from `commit`.

    Git's own opinion of them is its index, which whoever can write there can write as well. What git does not have may be
    missing there, or be a link to the user's own. `stamps` of the files are taken before: what changes after that shows in them.
    """
    held = repo.digests_in(folder, stamps)
    if not (other := frozenset(differing(ruler.protected, held))):
        return other
    written = repo.digests_as_written(commit, other)

    def is_bent(path: str) -> bool:
        if written[path] != NO_FILE:
            return held[path] != written[path]
        own = {NO_FILE, link_digest(repo.root / path)}
        return held[path] not in own and not ruler.protected[path].startswith("link:")

    return frozenset(filter(is_bent, other))


def differing(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    """Return the paths whose marks or digests differ, sorted."""
    if before == after:
        return ()
    return tuple(sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path)))
