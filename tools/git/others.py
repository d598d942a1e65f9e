"""What stands in a checkout and is not tracked, held while nothing came or went there and the same rules hold."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..storage.disk import read_or_empty
from .memory import Paths
from .stamps import Folders, Names

_RULES = ".gitignore"
_GIT = ".git"


@dataclass(frozen=True)
class Others:
    """What git does not know, and what it ignores: a folder as a whole where a rule names it, with a slash at the end, so that
    what a run leaves in another one can be told from what was there.
    """

    untracked: Paths
    ignored: Paths


@dataclass(frozen=True, eq=False)
class Premises:
    """What git's answer rests on: all names in a checkout, but for `closed` folders, and the rules."""

    folders: dict[str, Names]
    rules: tuple[Hashable, ...]
    closed: frozenset[str]


class HeldOthers:
    """What git said last, and what stood there just before it was asked."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders = Folders(root)
        self._held: tuple[Premises, Others] | None = None
        self._closed: frozenset[str] | None = None

    def look(self, rules: Sequence[Hashable], files: Sequence[Path]) -> Premises | None:
        """Look at the folders that git would read. Beside them decide `rules`, and the content of rule `files`.

        None where names do not tell: a folder cannot be read, another repository stands in one, or nobody knows yet which are
        ignored as a whole.
        """
        closed = self._closed
        if closed is None:
            return None
        with suppress(OSError):
            folders = self._folders.look(closed)
            marked = {place: names.of_git for place, names in folders.items() if names.of_git}
            if not any(_GIT in names for place, names in marked.items() if place):
                inside = (self._root / place / _RULES for place, names in marked.items() if _RULES in names)
                return Premises(folders, (*rules, *map(read_or_empty, (*inside, *files))), closed)
        return None

    def still(self, now: Premises | None) -> Others | None:
        """Return what git said, if it would say the same now."""
        if now is None or self._held is None:
            return None
        then, others = self._held
        return others if (then.folders, then.rules, then.closed) == (now.folders, now.rules, now.closed) else None

    def hold(self, before: Premises | None, others: Others) -> None:
        """Hold what git said, and on what. What it ignores as a whole is not looked into from then on."""
        closed = frozenset({f"{_GIT}/", *(path for path in others.ignored.paths if path[-1] == "/")})
        self._held = (before, others) if before and before.closed == closed else None
        self._closed = closed
