"""The ruler of a session: everything that a measurement rests on besides the code under experiment, and whether it still stands."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..git.repo import Repo, shown
from ..plan.model import Plan
from ..plan.scope import Scope
from ..project.measurement_inputs import protected_globs
from ..session.events import Started
from .machine import differences, fingerprint
from .seals import git_seals, refs_seal

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

    @property
    def protected_digest(self) -> str:
        """One digest of all that may not change."""
        return _digest({**self.protected, **self.sealed})

    @property
    def machine_digest(self) -> str:
        """One digest of hardware and programs."""
        return _digest(self.machine)

    def moved(self, now: Ruler) -> tuple[str, ...]:
        """How the machine differs, in words."""
        return differences(self.machine, now.machine)


def ruler_now(repo: Repo, plan: Plan, known: Mapping[str, str] | None = None) -> Ruler:
    """The ruler as it stands; `known` are protected files that were there before and are looked for even when gone."""
    digest = plan.digest()

    def look() -> Ruler:
        sealed = git_seals(repo) | {REFS: refs_seal(repo, _words(repo, plan))}
        return Ruler(digest, protected_now(repo, plan, known), sealed, fingerprint(plan.commands, repo.root))

    return repo.once(("ruler", digest, frozenset(known or ())), look)


def _words(repo: Repo, plan: Plan) -> frozenset[str]:
    """What stands in the commands and in the protected scripts that they name: a ref may be among it."""
    words = set(_WORD.findall(" ".join(plan.commands)))
    fixed = Scope(protected_globs(plan))
    for name in [word for word in words if word.endswith(SCRIPTS) and fixed.matches(word)]:
        with suppress(OSError):
            words.update(_WORD.findall((repo.root / name).read_text(encoding="utf-8", errors="replace")))
    return frozenset(words)


def ruler_of(start: Started) -> Ruler:
    """The ruler as it was sealed."""
    return Ruler(start.plan.digest(), start.protected, start.sealed, start.machine, start.outputs)


def protected_now(repo: Repo, plan: Plan, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Digest of every protected file that exists, and of every one that is known to have existed."""
    globs = protected_globs(plan)
    scope = Scope(globs)
    found = repo.matching(globs, scope.matches)
    found |= {path for path in _named_on_disk(repo.root, globs) if scope.matches(path)}
    held = {shown(path): repo.digest(path) for path in found}
    return {**{path: repo.digest(path) for path in known or () if path not in held}, **held}


def _named_on_disk(root: Path, globs: tuple[str, ...]) -> set[str]:
    """Protected paths written out in full, which count even where git ignores them."""
    found: set[str] = set()
    for name in globs:
        place = root / name.strip("/")
        if place.is_dir():
            found |= {str(file.relative_to(root)) for file in place.rglob("*") if file.is_file()}
        elif place.is_file():
            found.add(str(place.relative_to(root)))
    return found


def _digest(parts: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(sorted(parts.items()))).encode()).hexdigest()
