"""What the kernel says of processes, and what is asked of it. Standard library only: supervisors need this as well."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

_PERF_EVENT_OPEN = {("linux", "x86_64"): 298, ("linux", "aarch64"): 241}
"""Numbers of the system call, by system and machine."""
_SOFTWARE, _TASK_CLOCK, _ATTRIBUTES_BYTES = 1, 1, 112
_INHERIT, _WITHOUT_KERNEL = 1 << 1, 1 << 5
_CLOSE_ON_EXEC = 8


def children(pid: int) -> list[int]:
    """Return the children of a process, as the kernel says now; none where there is no /proc."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_bytes().split())
    return found


def descendants(pid: int) -> list[int]:
    """Return every process below one."""
    found, waiting = [], [pid]
    while waiting:
        below = children(waiting.pop())
        found += below
        waiting += below
    return found


def process_names() -> bytes:
    """Return by which boot of the kernel, and in which namespace, a process number and a time of start name a process."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_bytes().strip() + os.readlink("/proc/self/ns/pid").encode()
    except OSError:
        return b"?"


def process_status(pid: int) -> tuple[int, int, int] | None:
    """Return parent, session and start of a living process, the start in ticks of the kernel; None without one."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return None if fields[0] in b"ZX" else (int(fields[1]), int(fields[3]), int(fields[19]))
    except (OSError, IndexError, ValueError):
        return None


def lineage() -> str:
    """Return the names of the programs above this one, the nearest first, each once; empty where there is no /proc."""
    names: list[str] = []
    pid = os.getppid()
    while pid > 1 and len(names) < 8 and (status := process_status(pid)):
        with contextlib.suppress(OSError):
            names.append(Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip())
        pid = status[0]
    return " < ".join(name for name in dict.fromkeys(names) if not name.startswith("memfd:"))


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used itself, rounded down to ticks of the kernel; 0 without one."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return 0.0


def resident_bytes(pid: int) -> int:
    """Return the bytes of memory that a process holds."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def send_signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(-pid, number) if pid < 0 else os.kill(pid, number)


def prctl(option: int, value: int) -> None:
    """Call prctl, where there is one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def task_clock(inherited: bool) -> int:
    """Open the kernel's counter of processor time of this process, in nanoseconds, and of all that it starts from now on if
    `inherited`; return its descriptor, negative where none is granted.
    """
    with contextlib.suppress(AttributeError, KeyError, OSError):
        number = _PERF_EVENT_OPEN[sys.platform, os.uname().machine]
        attributes = struct.pack(
            "IIQQQQQ", _SOFTWARE, _ATTRIBUTES_BYTES, _TASK_CLOCK, 0, 0, 0, _WITHOUT_KERNEL | _INHERIT * inherited
        )
        asked = ctypes.create_string_buffer(attributes, _ATTRIBUTES_BYTES)
        return int(ctypes.CDLL(None).syscall(number, asked, 0, -1, -1, _CLOSE_ON_EXEC))
    return -1


def nanoseconds(counter: int) -> int:
    """Read a counter of processor time."""
    return int.from_bytes(os.read(counter, 8), sys.byteorder)


def close_counters(*counters: int) -> None:
    """Close counters of processor time, those that were granted."""
    for counter in counters:
        if counter >= 0:
            os.close(counter)


@contextlib.contextmanager
def offered_first() -> Iterator[None]:
    """Offer what is started meanwhile to the kernel first when memory runs out, so that who watches over it survives."""
    file = Path("/proc/self/oom_score_adj")
    try:
        before = file.read_bytes()
        file.write_bytes(b"500")
    except OSError:
        before = b""
    try:
        yield
    finally:
        if before:
            with contextlib.suppress(OSError):
                file.write_bytes(before)
