"""What planning asks of the machine: the text of manifests, the devices, and which programs are missing."""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .projects import manifests

MANIFEST_BYTES = 256 * 1024
MANIFEST_COUNT = 1000
_ASK_SECONDS = 5.0


class DeviceKind(StrEnum):
    """What a device is called in a plan."""

    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


@dataclass(frozen=True)
class ComputeDevice:
    """Something that computes. Unknown numbers are 0, an unknown driver is empty."""

    kind: DeviceKind
    name: str
    cores: int = 0
    memory_bytes: int = 0
    driver: str = ""


def scan(root: Path, files: Sequence[str]) -> Mapping[str, str]:
    """The text of the manifests among these tracked files, for `recognise`.

    What is missing, larger than `MANIFEST_BYTES`, no regular file or reached through a link out of the root is left out.
    """
    home = root.resolve()
    found = ((name, _text(home, name)) for name in manifests(files)[:MANIFEST_COUNT])
    return {name: text for name, text in found if text is not None}


def _text(home: Path, name: str) -> str | None:
    path = (home / name).resolve()
    try:
        if not path.is_relative_to(home) or not stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as file:
            content = file.read(MANIFEST_BYTES + 1)
    except OSError:
        return None
    return content.decode("utf-8", errors="replace") if len(content) <= MANIFEST_BYTES else None


def devices() -> tuple[ComputeDevice, ...]:
    """The processor, then the accelerators that can be seen without loading any library."""
    cpu = ComputeDevice(DeviceKind.CPU, _processor(), _cores(), _memory())
    apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    metal = (ComputeDevice(DeviceKind.MPS, cpu.name, 0, cpu.memory_bytes),) if apple else ()
    return (cpu, *_nvidia(), *metal)


def _cores() -> int:
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 0


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return named[1].strip() if named else platform.processor() or platform.machine()


def _nvidia() -> tuple[ComputeDevice, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    query = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(
            query, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASK_SECONDS, check=True
        ).stdout.decode("utf-8", errors="replace")
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(device for line in answer.splitlines() if (device := nvidia_device(line)) is not None)


def nvidia_device(line: str) -> ComputeDevice | None:
    """One line of nvidia-smi's answer, `name, 81559 MiB, 550.54`; None for anything else."""
    parts = [part.strip() for part in line.rsplit(",", 2)]
    if len(parts) != 3:
        return None
    size = re.fullmatch(r"(\d+) MiB", parts[1])
    return ComputeDevice(DeviceKind.CUDA, parts[0], 0, int(size[1]) * 2**20 if size else 0, parts[2])


_STEP = {"{", "!", "if", "then", "else", "elif", "do", "while", "until", "time"}
_BUILT_IN = {
    "cd", "echo", "exit", "export", "false", "printf", "set", "test", "trap", "true", "[", "[[", "]", "}", ")", ";;",
    "fi", "done", "for", "case", "esac", "read", "unset", "eval", "exec", "source", ".", ":", "local", "return",
}  # fmt: skip


def missing_tools(commands: Sequence[str]) -> tuple[str, ...]:
    """The programs that stand first in any step of these shell commands and are not on the PATH.

    Names with a slash are the repository's own and not looked for; commands within `$(...)` are looked at as well.
    """
    programs = dict.fromkeys(program for command in commands for program in _programs(command))
    return tuple(name for name in programs if "/" not in name and shutil.which(name) is None)


def _programs(command: str) -> list[str]:
    lexer = shlex.shlex(command.replace("$(", " ; "), posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
    try:
        words = list(lexer)
    except ValueError:
        return []
    found, first = [], True
    for word in words:
        if first and (word in _BUILT_IN or re.fullmatch(r"[\w.+/-]+", word)) and word not in _STEP:
            found.append(word)
        first = word in _STEP or set(word) <= set("();|&\n") or (first and _is_assignment(word))
    return [word for word in found if word not in _BUILT_IN]


def _is_assignment(word: str) -> bool:
    return re.match(r"\w+=", word) is not None
