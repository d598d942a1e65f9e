"""Seals of git's settings, one a key, so that a change can be named: those that can change what git does here, and no others."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from ..git.repo import Repo, shown
from ..git.settings import Settings
from ..text.redaction import redactor

OWN, MACHINE = "git configuration: ", "git configuration of the machine: "
"""What the names of seals of single keys begin with."""
_BEFORE = {"git configuration", "git configuration of the machine", "git hooks"}
"""Seals of sessions that were started before keys had their own: of these nobody can tell what differs."""
_PLACES = {
    "git attributes": "info/attributes in git's folder",
    "git exclude": "info/exclude in git's folder",
    "global excludes": "core.excludesFile",
    "global attributes": "core.attributesFile",
}
_SHOWN = 120

# Programs write these in normal work: git for tracking branches, for settings of single worktrees and for its upkeep,
# git-lfs and gh for what they found out about a server. The rest says where to push to, who commits, and how output looks.
_NO_EFFECT = re.compile(
    r"branch\..*|extensions\.worktreeconfig|core\.repositoryformatversion|gc\..*|maintenance\..*"
    r"|lfs\.repositoryformatversion|lfs\..*\.(?:access|locksverify)"
    r"|remote\..*\.(?:gh-resolved|url|pushurl|fetch|push|tagopt|prune)|user\.(?:name|email|signingkey)"
    r"|(?:color|column|push|pull|fetch|rebase|advice|gui|sendemail)\..*"
)
# Of the user's settings for all repositories, what decides which bytes and which files git sees.
_MACHINE_WIDE = re.compile(
    r"filter\..*|core\.(?:attributesfile|excludesfile|autocrlf|eol|symlinks|filemode|ignorecase|hookspath)"
)
_FILTER = re.compile(r"filter\.(.*)\.[^.]*", re.DOTALL)
_USED = re.compile(rb"(?<![\w-])filter=(\S+)")
_SECRET = re.compile(r"token|secret|passw|extraheader|credential|cookie|\.key$|apikey", re.IGNORECASE)


def settings_seals(repo: Repo, settings: Settings, attributes: tuple[Path, ...]) -> dict[str, str]:
    """One seal for each key that matters. `attributes` are the files of attributes outside the tree."""
    used, redact = _filters_in_use(repo, attributes), redactor()
    found: dict[str, list[str]] = {}
    for scope, key, value in settings.values:
        # Without the scope, because git may move a setting from the shared file to a worktree's own.
        own = scope in {"local", "worktree"}
        driver = None if own else _FILTER.fullmatch(key)
        if _NO_EFFECT.fullmatch(key) or (driver and driver[1] not in used) or not (own or _MACHINE_WIDE.fullmatch(key)):
            continue
        found.setdefault(f"{OWN if own else MACHINE}{shown(key)}", []).append(value)
    return {name: _seal(name, values, redact) for name, values in found.items()}


def _seal(name: str, values: list[str], redact: Callable[[str], str]) -> str:
    whole = "\0".join(values)
    said = "a secret" if _SECRET.search(name) else redact(shown(", ".join(values)))[:_SHOWN]
    return f"{hashlib.sha256(os.fsencode(whole)).hexdigest()} {said}"


def _filters_in_use(repo: Repo, outside: tuple[Path, ...]) -> frozenset[str]:
    """The filters that any attribute names here: no other can touch a file."""
    named = ".gitattributes"
    inside = repo.listing().matching(named, lambda path: path == named or path.endswith(f"/{named}"))
    texts = (_bytes(file) for file in (*(repo.root / path for path in inside), *outside))
    return frozenset(os.fsdecode(name) for text in texts for name in _USED.findall(text))


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes() if file.is_file() else b""
    except OSError:
        return b""


def seals_changed(then: Mapping[str, str], now: Mapping[str, str], settings: Callable[[], Settings]) -> tuple[str, ...]:
    """What steers git and is not as it was, in words: the key with its file, its old value and its new one."""
    known = not _BEFORE & then.keys()
    names = sorted(name for name in then.keys() | now.keys() if _digest(then.get(name)) != _digest(now.get(name)))
    names = [name for name in names if known or not _by_key(name)]
    origins = settings().origins if names else {}
    return tuple(_told(name, then, now, origins) for name in names)


def _digest(seal: str | None) -> str | None:
    return None if seal is None else seal.partition(" ")[0]


def _by_key(name: str) -> bool:
    return name in _BEFORE or name.startswith((OWN, MACHINE, "git hooks: "))


def _told(name: str, then: Mapping[str, str], now: Mapping[str, str], origins: Mapping[str, str]) -> str:
    prefix = next((prefix for prefix in (OWN, MACHINE) if name.startswith(prefix)), "")
    if not prefix:
        how = "is gone" if name not in now else "is new" if name not in then else "is not as it was"
        place = f" ({_PLACES[name]})" if name in _PLACES else ""
        return f"{name}{place} {how}"
    key = name.removeprefix(prefix)
    file = origins.get(key, "")
    was, is_now = (_value(side.get(name)) for side in (then, now))
    return f"{name}{f' in {file}' if file else ''} was {was}, is {is_now}"


def _value(seal: str | None) -> str:
    return "not set" if seal is None else f"{seal.partition(' ')[2]!r}"
