"""What a command in the sandbox may touch, and how each mechanism is told so. Pure: paths in, argument vectors out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

BUBBLEWRAP, LANDLOCK, SEATBELT = "bubblewrap", "landlock", "sandbox-exec"


@dataclass(frozen=True)
class Policy:
    """Absolute paths that may be written, those inside them that may not, and the limits; 0 = no limit."""

    write: tuple[str, ...]
    keep: tuple[str, ...] = ()
    network: bool = False
    memory_mb: int = 0
    processes: int = 0

    @property
    def limited(self) -> bool:
        """Whether anything but writing and the network is bounded."""
        return bool(self.memory_mb or self.processes)


def bases(globs: Sequence[str]) -> tuple[str, ...]:
    """The folders and files, relative to the root, below which everything lies that the globs can cover; `.` is all of it."""
    found = (_base(glob) for glob in globs if not glob.startswith("!"))
    return tuple(dict.fromkeys(found))


def _base(glob: str) -> str:
    names: list[str] = []
    for name in glob.split("/"):
        if re.search(r"[*?\[{}]", name):
            break
        if name not in {"", "."}:
            names.append(name)
    return "/".join(names) or "."


def wrapped(argv: Sequence[str], policy: Policy, mechanism: str, helper: Sequence[str]) -> list[str]:
    """The argument vector that runs `argv` behind walls. `helper` starts the script that sets limits and Landlock."""
    inner = [*helper, _told(policy, landlock=False), "--", *argv] if policy.limited else list(argv)
    if mechanism == BUBBLEWRAP:
        return [*_bubblewrap(policy), "--", *inner]
    if mechanism == LANDLOCK:
        return [*helper, _told(policy, landlock=True), "--", *argv]
    if mechanism == SEATBELT:
        return ["sandbox-exec", "-p", _profile(policy), *inner]
    raise ValueError(f"no such mechanism: {mechanism}")


def _told(policy: Policy, *, landlock: bool) -> str:
    return json.dumps({**asdict(policy), "landlock": landlock})


def _bubblewrap(policy: Policy) -> list[str]:
    """Everything read-only, then what may be written, then what inside of that may not."""
    network = [] if policy.network else ["--unshare-net"]
    binds = [part for path in policy.write for part in ("--bind-try", path, path)]
    kept = [part for path in policy.keep for part in ("--ro-bind-try", path, path)]
    # The real /dev: graphics cards and shared memory are there.
    return ["bwrap", "--ro-bind", "/", "/", "--dev-bind", "/dev", "/dev", *binds, *kept, *network, "--die-with-parent"]


def _profile(policy: Policy) -> str:
    """A profile for macOS; the last rule that matches decides."""
    rules = ["(version 1)", "(allow default)", "(deny file-write*)", '(allow file-write* (subpath "/dev"))']
    rules += [f"(allow file-write* (subpath {_quoted(path)}))" for path in policy.write]
    rules += [f"(deny file-write* (subpath {_quoted(path)}))" for path in policy.keep]
    if not policy.network:
        rules += ["(deny network*)", "(allow network* (local unix))", '(allow network* (remote ip "localhost:*"))']
    return "".join(rules)


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
