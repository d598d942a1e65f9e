"""What stands in the way on this machine: each thing as it was found, with its cure."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..errors import Refusal
from ..lab.access import Lab
from ..lab.context import RepoContext
from ..plan.model import PLAN_FILE
from ..process.isolation import available, is_surrounding, passes
from ..project.scan import DeviceKind, devices, server_python
from ..session.intent import read_intent
from ..storage.disk import lock_holder
from .clients import remembered

OLDEST_GIT = (2, 36)
LEAST_FREE_BYTES = 2**30
OLDEST_TORCH = (2, 9)


@dataclass(frozen=True)
class DoctorCheck:
    """One thing that was looked at. `cure` is empty where nothing is wrong; `passed` is None for a mere fact."""

    name: str
    passed: bool | None
    seen: str
    cure: str = ""


def examine(root: Path) -> list[DoctorCheck]:
    """Everything about this machine, and about the repository at the root."""
    return [*_programs(root), *_hardware(), *_environment(root), *_repository(root)]


def _programs(root: Path) -> Iterator[DoctorCheck]:
    here = sys.version_info
    yield DoctorCheck(
        "python", here >= (3, 11), platform.python_version(), "" if here >= (3, 11) else "Use Python 3.11 or later."
    )
    for name in ("autoresearch-mcp", "mcp"):
        yield DoctorCheck(name, None, version(name))
    if own := server_python(["python3"], root):
        cure = "Leave that environment (`deactivate`), or name the project's own Python in the plan's commands."
        yield DoctorCheck("python3 of commands", None, f"{own}, which is this server's environment", cure)
    if shutil.which("git") is None:
        yield DoctorCheck(
            "git", False, "not found on PATH", "Install git 2.36 or later, and give the client a PATH that has it."
        )
    shell = shutil.which("bash") or shutil.which("sh")
    yield DoctorCheck("shell", shell is not None, shell or "none found", "" if shell else "Install bash.")
    offer = available()
    yield DoctorCheck("sandbox", None, offer.mechanism or f"none: {offer.why_not}")


def _hardware() -> Iterator[DoctorCheck]:
    for device in devices():
        memory = f", {device.memory_bytes / 2**30:.0f} GiB" if device.memory_bytes else ""
        yield DoctorCheck(f"device {device.kind}", None, f"{device.name}{memory}")
    try:
        found = version("torch")
    except PackageNotFoundError:
        yield DoctorCheck("torch", None, "not installed here; only the GPT harness needs it: the extra `gpt`")
        return
    recent = tuple(int(part) for part in found.split("+")[0].split(".")[:2]) >= OLDEST_TORCH
    yield DoctorCheck("torch", recent, found, "" if recent else "Install torch 2.9 or later.")
    has_gpu = any(device.kind is DeviceKind.CUDA for device in devices())
    if has_gpu and "+cpu" in found:
        yield DoctorCheck(
            "torch and GPU", False, "a build without CUDA", "Install the torch build for your CUDA version."
        )


def _environment(root: Path) -> Iterator[DoctorCheck]:
    """Variables that a command here may have and that a client did not pass on to the server; those of network and login
    only where a file of the project names them.
    """
    for client, names in remembered().items():
        dropped = sorted(name for name in os.environ if passes(name) and name not in names)
        surrounding = [name for name in dropped if is_surrounding(name)]
        unused = set(surrounding) - _named(root, surrounding)
        dropped = [name for name in dropped if name not in unused]
        shown = ", ".join(dropped[:12]) + (" ..." if len(dropped) > 12 else "")
        cure = "If your commands need one of them, set it in the entry of this server there." if dropped else ""
        seen = f"did not get {shown}" if dropped else "got every variable that commands here could need"
        yield DoctorCheck(f"server started by {client}", None, seen, cure)


def _named(root: Path, names: Sequence[str]) -> set[str]:
    """Which of these names stand in a file of the project that git does not ignore, the plan among them."""
    words = [part for name in names for part in ("-e", name)]
    with suppress(Refusal):
        git = Lab(root).for_reading().repo.git
        return set(git.ask("grep", "--untracked", "-howFI", *words).text.split()) if words else set()
    return set()


def _repository(root: Path) -> Iterator[DoctorCheck]:
    lab = Lab(root)
    try:
        context = lab.for_reading()
    except Refusal as refusal:
        yield DoctorCheck("repository", False, str(root), refusal.message)
        return
    yield from _git(context)
    yield from _state(context)
    free = shutil.disk_usage(context.repo.root).free
    enough = free >= LEAST_FREE_BYTES
    cure = "" if enough else "Free some: a second checkout and the journal need room."
    yield DoctorCheck("free disk", enough, f"{free / 2**30:.1f} GiB at {context.repo.root}", cure)


def _git(context: RepoContext) -> Iterator[DoctorCheck]:
    told = context.repo.git.line("version")
    numbers = tuple(int(part) for part in told.split()[2].split(".")[:2])
    recent = numbers >= OLDEST_GIT
    yield DoctorCheck(
        "git", recent, told, "" if recent else "Install git 2.36 or later: hooks are run by `git hook run`."
    )
    who = context.repo.git.ask("var", "GIT_AUTHOR_IDENT")
    cure = "" if who.code == 0 else "Set it: git config user.name NAME, git config user.email ADDRESS."
    yield DoctorCheck("git identity", who.code == 0, who.text.rsplit(" ", 2)[0] if who.code == 0 else "none", cure)
    branch = context.branch
    cure = "" if branch else "Switch to a branch: git switch NAME."
    yield DoctorCheck("branch", bool(branch), branch or "a detached HEAD", cure)
    if busy := context.repo.in_progress():
        yield DoctorCheck("in progress", False, busy[0], f"End it: {busy[1]}.")
    dirty = [change.path for change in context.repo.changes() if change.tracked]
    yield DoctorCheck("work tree", None, f"{len(dirty)} files with uncommitted changes" if dirty else "clean")
    plan = (context.repo.root / PLAN_FILE).is_file()
    yield DoctorCheck("plan file", None, PLAN_FILE if plan else f"no {PLAN_FILE}")


def _state(context: RepoContext) -> Iterator[DoctorCheck]:
    if moved := context.moved_head():
        seen, _, cure = moved.partition(" Nothing was touched. ")
        yield DoctorCheck("session", False, seen, cure)
    broken = context.journal.broken(thorough=True)
    cure = "Stop the server, then restore the journal from a backup or move it away." if broken else ""
    yield DoctorCheck(
        "journal", not broken, broken or "no record was edited, and none is missing before the last", cure
    )
    holder = lock_holder(context.repo.own_folder)
    yield DoctorCheck("lock", None, f"held: {holder}" if holder else "free")
    if read_intent(context.repo.own_folder):
        cure = "The next call that writes finishes it: call status, then go on."
        yield DoctorCheck("step", None, "one was interrupted", cure)
    alive = context.runs.runner.alive()
    left = context.unfinished()
    if alive and not holder:
        cure = "Call wait to have their answer, or cancel."
        yield DoctorCheck("runs", None, f"{len(alive)} go on without a server", cure)
    elif left and not holder:
        yield DoctorCheck(
            "runs", None, f"`{left.tool}` was interrupted with its server", "Make the same call again, or wait."
        )
    else:
        yield DoctorCheck("runs", None, "none left over")
