"""What is asked of the checkout and the machine: text of files within bounds, devices, and which programs are missing."""

from __future__ import annotations

import os
import platform
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .folders import LocalTools
from .measurement_inputs import executables, wrappers
from .projects import Project, manifests, recognise

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
    """Return the text of the manifests among these tracked files, for `recognise`, as `read_texts` does."""
    return read_texts(root, manifests(files)[:MANIFEST_COUNT])[0]


def recognised(root: Path, files: Sequence[str]) -> tuple[Project, ...]:
    """Return the projects among these tracked files, their commands typed as this machine has the tools for them."""
    texts = scan(root, files)
    return recognise(files, texts, local_tools(root, texts, files))


_ENVIRONMENTS = (".venv/bin/python", "venv/bin/python")
_PROGRAMS = ("uv", "poetry", "pdm", "pipenv", "python", "python3", "ruff", "flake8", "mypy", "pyright")
_MODULES = ("pytest", "pytest_cov", "pytest_benchmark", "coverage", "ruff", "flake8", "mypy", "pyright")
_LOOK = "import importlib.util, sys; print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name)))"


def local_tools(root: Path, texts: Mapping[str, str], files: Sequence[str] = ()) -> LocalTools:
    """Look for what the projects with these manifests need: programs on the PATH, their environments, and what is installed
    there. Starts nothing but the machine's own Python, and only where a project has no environment of its own.
    """
    programs = frozenset(name for name in _PROGRAMS if is_installed(name))
    folders = dict.fromkeys(("", *(name.rpartition("/")[0] for name in texts)))
    pythons = {folder: found for folder in folders if (found := _environment(root, folder))}
    plain = next((name for name in ("python", "python3") if name in programs), "")
    python_here = any(name.endswith((".toml", ".py", ".cfg", ".txt", ".ini")) for name in texts)
    machine = _installed_for(plain) if plain and python_here and "" not in pythons else frozenset()
    modules = {
        folder: _installed_in(root / folder / pythons[folder]) if folder in pythons else machine for folder in folders
    }
    node, vendored = (
        frozenset(folder for folder in folders if _above(root, folder, name)) for name in ("node_modules", "vendor")
    )
    near = sorted((name for name in files if name.endswith("_test.go")), key=lambda name: name.count("/"))
    tests, _ = read_texts(root, near[:MANIFEST_COUNT])
    benchmarks = frozenset(name for name, text in tests.items() if "func Benchmark" in text)
    return LocalTools(programs, pythons, modules, node, vendored, benchmarks)


def _environment(root: Path, folder: str) -> str:
    """Return the Python of the environment in a folder, or in one above it, as it is typed in the folder."""
    return next((found for name in _ENVIRONMENTS if (found := _above(root, folder, name))), "")


def _above(root: Path, folder: str, name: str) -> str:
    """Return where a name stands, from a folder: in it or in one above, up to the root; empty if nowhere."""
    depth = folder.count("/") + bool(folder)
    places = ["../" * steps + name for steps in range(depth + 1)]
    return next((place for place in places if (root / folder / place).exists()), "")


def _installed_in(python: Path) -> frozenset[str]:
    found = (path.name.partition(".")[0] for path in python.parent.parent.glob("lib/python*/site-packages/*"))
    return frozenset(found)


def _installed_for(python: str) -> frozenset[str]:
    try:
        asked = subprocess.run(
            [python, "-I", "-c", _LOOK, *_MODULES],
            cwd="/",
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    return frozenset(asked.stdout.split())


def devices() -> tuple[ComputeDevice, ...]:
    """Return the processor, then the accelerators that can be seen without loading any library."""
    cpu = ComputeDevice(DeviceKind.CPU, _processor(), usable_cores(), _memory())
    apple = platform.system() == "Darwin" and platform.machine() == "arm64"
    metal = (ComputeDevice(DeviceKind.MPS, cpu.name, 0, cpu.memory_bytes),) if apple else ()
    return (cpu, *_nvidia(), *metal)


def usable_cores() -> int:
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
    """Parse one line of nvidia-smi's answer, `name, 81559 MiB, 550.54`; None for anything else."""
    parts = [part.strip() for part in line.rsplit(",", 2)]
    if len(parts) != 3:
        return None
    size = re.fullmatch(r"(\d+) MiB", parts[1])
    return ComputeDevice(DeviceKind.CUDA, parts[0], 0, int(size[1]) * 2**20 if size else 0, parts[2])


def missing_tools(commands: Sequence[str]) -> tuple[str, ...]:
    """Return the programs that these shell commands start and that are not on the PATH, wrappers included.

    Names with a slash are the repository's own and not looked for.
    """
    programs = dict.fromkeys(program for command in commands for program in (*wrappers(command), *executables(command)))
    return tuple(name for name in programs if "/" not in name and shutil.which(name) is None)


MOST_FILES = 8000
MOST_BYTES_EACH = 512 * 1024
MOST_BYTES = 96 * 1024 * 1024


def read_texts(root: Path, names: Sequence[str]) -> tuple[dict[str, str], bool]:
    """Return the text of these files, and whether that is all text that there is.

    Left out are files that are missing, binary, no regular files or reached through a link out of the root; what is too
    large, or comes after too much, is left out as well and makes the answer incomplete.
    """
    home, left, complete = root.resolve(), MOST_BYTES, len(names) <= MOST_FILES
    found: dict[str, str] = {}
    for name in names[:MOST_FILES]:
        path = (home / name).resolve()
        try:
            seen = path.stat()
            if not path.is_relative_to(home) or not stat.S_ISREG(seen.st_mode):
                continue
            if seen.st_size > min(MOST_BYTES_EACH, left):
                complete = complete and _is_binary(path)
                continue
            data = path.read_bytes()
        except OSError:
            continue
        if b"\0" not in data[:8192]:
            found[name] = data.decode("utf-8", errors="replace")
            left -= len(data)
    return found, complete


def _is_binary(path: Path) -> bool:
    with path.open("rb") as file:
        return b"\0" in file.read(8192)


def is_installed(program: str) -> bool:
    """Tell whether a program is on the PATH of this server."""
    return shutil.which(program) is not None


def server_python(commands: Sequence[str], root: Path) -> str:
    """Return the Python that these commands start by name, if it is that of the server's own environment and not the project's.

    Empty otherwise. What the project needs is not installed there.
    """
    named = {name for command in commands for name in executables(command)} & {"python", "python3", "pip", "pip3"}
    found = [place for name in sorted(named) if (place := shutil.which(name)) is not None]
    own = Path(sys.prefix, "bin")
    foreign = sys.prefix != sys.base_prefix and not own.is_relative_to(root)
    return next((place for place in found if foreign and Path(place).parent == own), "")
