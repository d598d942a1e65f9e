"""How our own git calls are made deaf to what a repository configures, and to what a parent process left behind.

System-wide and personal settings stay in force: they are the user's, and LFS keeps its filters there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

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
    """Of the names in an environment, what a parent git process or a shell left there: it points at another repository."""
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
    """Whether the repository's own settings include no other file, now or under a condition, and have none for one worktree."""
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
