"""On what a measurement runs: hardware, system and programs. Read from files, because a process would take too long."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ..project.measurement_inputs import executables, search_folders, steps
from ..project.scan import usable_cores
from ..project.scratch_files import digest_of, with_what_they_use

NONE = "none"
MISSING = "missing"
SCRIPT = ".py"
_PROC, _SYS = Path("/proc"), Path("/sys")
_MOST_BYTES = 16 * 1024
"""A listing of all processors takes milliseconds to make; the first one tells the model."""


def fingerprint(commands: Sequence[str], root: Path) -> dict[str, str]:
    """Describe the machine, and the programs that the commands would start. Nothing in it varies by itself."""
    system = os.uname()
    machine = {
        "system": f"{system.sysname} {system.release}",
        "machine": system.machine,
        "cpu": _processor() or system.machine,
        "usable cpus": str(usable_cores()),
        "memory": _memory(),
        "gpus": ", ".join(_gpus()) or NONE,
        "gpu driver": _gpu_driver(),
        "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "not set"),
        "cpu governor": _governor(),
    }
    return machine | _programs(commands, root) | _scripts(commands, root)


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """Return the differences between two fingerprints, a sentence each."""
    names = dict.fromkeys((*before, *after))
    pairs = ((name, before.get(name, "unknown"), after.get(name, "unknown")) for name in names)
    return tuple(f"{name.replace(':', ' ')} was {was}, is {now}" for name, was, now in pairs if was != now)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _processor() -> str:
    text = _read(_PROC / "cpuinfo")
    if named := re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE):
        return named[1].strip()
    # An ARM core tells numbers instead of a name. `platform.processor` would start a process.
    parts = dict(re.findall(r"^CPU (implementer|variant|part)\s*:\s*(\S+)$", text, re.MULTILINE))
    return " ".join(f"{name} {value}" for name, value in parts.items())


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return "unknown"
    return f"{round(size / 2**30)} GiB"


def _gpus() -> Iterator[str]:
    folder = _PROC / "driver/nvidia/gpus"
    try:
        cards = sorted(os.listdir(folder))
    except OSError:
        return
    for card in cards:
        named = re.search(r"^Model:\s*(.+)$", _read(folder / card / "information"), re.MULTILINE)
        yield named[1].strip() if named else "unknown"


def _gpu_driver() -> str:
    first = _read(_PROC / "driver/nvidia/version").partition("\n")[0]
    number = re.search(r"\s(\d+\.\d[\d.]*)\s", f"{first} ")
    return number[1] if number else first.strip() or NONE


def _governor() -> str:
    usable = getattr(os, "sched_getaffinity", None)
    first = min(usable(0)) if usable else 0
    return _read(_SYS / f"devices/system/cpu/cpu{first}/cpufreq/scaling_governor").strip() or NONE


def _programs(commands: Sequence[str], root: Path) -> dict[str, str]:
    folders = _search_path(commands, root)
    names = dict.fromkeys(name for command in commands for name in executables(command))
    return {f"program:{name}": _described(_found(name, folders, root), root) for name in names}


def _scripts(commands: Sequence[str], root: Path) -> dict[str, str]:
    """Digest the scripts outside the repository that the commands name, and those beside them that they use."""
    words = (word for command in commands for step in steps(command) for word in step.words)
    named = {Path(word) for word in words if word.startswith("/") and word.endswith(SCRIPT)}
    outside = sorted(path for path in named if not path.is_relative_to(root) and path.is_file())
    return {f"script:{path}": digest_of(path) for path in with_what_they_use(outside)}


def _search_path(commands: Sequence[str], root: Path) -> list[Path]:
    """Return the folders in which a shell at the root looks for programs; a relative or empty entry counts from there."""
    declared = search_folders(commands, "PATH")
    return [root / entry for entry in (*declared, *os.environ.get("PATH", os.defpath).split(os.pathsep))]


def _found(name: str, folders: Sequence[Path], root: Path) -> Path | None:
    places = [root / os.path.expanduser(name)] if "/" in name else [folder / name for folder in folders]
    found = next((place for place in places if _can_run(place)), None)
    return _behind_shim(found, root) if found and found.parent.name == "shims" else found


def _behind_shim(shim: Path, root: Path) -> Path:
    """Return the program that a shim of pyenv starts at the root; the shim itself where that cannot be told from files.

    Pyenv puts the folder of that program on the PATH of whatever it starts: what a Python program starts, as an agent or this
    server, finds the same program without the shim.
    """
    if not (home := re.search(r'^export PYENV_ROOT="(.+)"$', _read(shim), re.MULTILINE)):
        return shim
    files = [*(folder / ".python-version" for folder in (root, *root.parents)), Path(home[1], "version")]
    named = os.environ.get("PYENV_VERSION") or next(filter(None, map(_read, files)), "")
    for version in re.sub(r"#.*|(?<!\S)python-", "", named).replace(":", " ").split():
        place = _installed(version, Path(home[1], "versions")) / "bin" / shim.name
        if _can_run(place):
            return place
    return shim


def _installed(version: str, folder: Path) -> Path:
    """Return where pyenv has a version, of one that is named by its beginning the newest."""
    later = re.compile(re.escape(version) + r"(\.\d+)+")
    found = [place for place in folder.glob(f"{version}.*") if later.fullmatch(place.name)]
    exact = folder / version
    return exact if exact.is_dir() or not found else max(found, key=lambda place: [*map(int, place.name.split("."))])


def _can_run(place: Path) -> bool:
    try:
        return stat.S_ISREG(place.stat().st_mode) and os.access(place, os.X_OK)
    except (OSError, ValueError):
        return False


def _described(place: Path | None, root: Path) -> str:
    if place is None:
        return MISSING
    real = Path(os.path.realpath(place))
    # A virtual environment is a link to the same interpreter as another one. Below the root it is named from there: another
    # checkout has it at the same place.
    named = place.relative_to(root) if place.is_relative_to(root) else place
    path = str(named) if place == real else f"{named} -> {real}"
    if real.is_relative_to(os.path.realpath(root)):
        # Undoing an experiment writes such a file anew; what is in it is the ruler's or the experiment's business.
        return path
    try:
        status = real.stat()
    except OSError:  # removed in between
        return MISSING
    changed = datetime.fromtimestamp(int(status.st_mtime), UTC).isoformat()
    return f"{path}, {status.st_size} bytes, changed {changed}"
