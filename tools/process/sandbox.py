"""The walls that this machine has to offer for commands, found out once, and an argument vector put behind them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..git.repo import Repo
from .landlock import landlock_version
from .policy import BUBBLEWRAP, LANDLOCK, SEATBELT, Policy, bases, wrapped

_PROBE_S = 10.0
_HELPER = Path(__file__).with_name("landlock.py")
_CACHES = (
    ("XDG_CACHE_HOME", "~/.cache", ""),
    ("GOCACHE", "~/Library/Caches", ""),
    ("GOMODCACHE", "~/go/pkg", ""),
    ("CARGO_HOME", "~/.cargo", "registry"),
    ("CARGO_HOME", "~/.cargo", "git"),
    ("GRADLE_USER_HOME", "~/.gradle", "caches"),
    ("npm_config_cache", "~/.npm", "_cacache"),
    ("CUDA_CACHE_PATH", "~/.nv", ""),
    ("TRITON_HOME", "~/.triton", ""),
)


@dataclass(frozen=True)
class SandboxOffer:
    """Which mechanism works here, and why not if none does."""

    mechanism: str = ""
    why_not: str = ""


@cache
def available() -> SandboxOffer:
    """What works on this machine; tried once, because a program that is installed may still not be allowed to."""
    if sys.platform == "darwin":
        return SandboxOffer(SEATBELT) if shutil.which("sandbox-exec") else SandboxOffer("", "sandbox-exec is missing")
    if shutil.which("bwrap") and _works(wrapped(["true"], Policy(()), BUBBLEWRAP, ())):
        return SandboxOffer(BUBBLEWRAP)
    if landlock_version() and _works(wrapped(["true"], Policy(()), LANDLOCK, _helper())):
        return SandboxOffer(LANDLOCK)
    missing = "does not work here" if shutil.which("bwrap") else "is not installed"
    return SandboxOffer("", f"bubblewrap {missing}, and the kernel offers no Landlock that closes the network")


def _works(argv: Sequence[str]) -> bool:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_S, check=False)
        return done.returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _helper() -> tuple[str, ...]:
    # Not the one of a virtual environment: its start reads files that a project may own.
    return (getattr(sys, "_base_executable", "") or sys.executable, "-I", "-S", str(_HELPER))


def wrap(argv: Sequence[str], policy: Policy) -> list[str]:
    """The argument vector behind walls; only where `available` names a mechanism."""
    return wrapped(argv, policy, available().mechanism, _helper())


def policy_for(
    repo: Repo, folder: Path, scope: Sequence[str], limits: tuple[bool, int, int], also: Sequence[str]
) -> Policy:
    """What commands of a plan may write: the scope, what git ignores, caches, and what is named in `also`.

    A second checkout of ours may be written everywhere. `limits` are network, memory in MiB and processes.
    """
    inside = [folder] if folder != repo.root else [folder / name for name in (*bases(scope), *_ignored(repo))]
    named = [*map(str, inside), *also, *_caches()]
    write = tuple(dict.fromkeys(os.path.realpath(path) for path in named))
    # The journal, hooks and settings of git are nobody's to write, whatever the scope says.
    keep = (os.path.realpath(folder / ".git"),)
    network, memory_mb, processes = limits
    return Policy(write, keep, network, memory_mb, processes)


def _ignored(repo: Repo) -> tuple[str, ...]:
    """What builds write: the topmost files and folders that are there and that git ignores."""
    out = repo.git.ask("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory").out
    return tuple(os.fsdecode(path).rstrip("/") for path in out.split(b"\0") if path)


def _caches() -> list[str]:
    found = (Path(os.environ.get(name) or os.path.expanduser(usual)) / below for name, usual, below in _CACHES)
    return [str(path) for path in found if path.is_dir()]
