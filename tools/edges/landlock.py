"""Runs a program behind walls of its own making: `python -I -S landlock.py POLICY -- PROGRAM ARGUMENT...`.

Standard library only and no import of ours, because it is started as a file. It limits itself, which needs no rights,
and then becomes the program. Whatever cannot be set ends it with status 126: a wall that is missing is no wall.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import socket
import stat
import struct
import sys
from typing import Any

FAILED = 126
_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every architecture
_NO_NEW_PRIVILEGES = 38
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
_REFER = 1 << 13
_TCP = 0b11
_SET_FLAGS, _UP_AND_RUNNING = 0x8914, 0x41


def landlock_version() -> int:
    """The kernel's version of Landlock; 0 without it."""
    try:
        return max(0, int(_libc().syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(1))))
    except (OSError, AttributeError):
        return 0


def _libc() -> Any:  # noqa: ANN401 - a C library
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


def restrict(write: list[str], keep: list[str], tcp: bool) -> None:
    """Allow this process and all that it starts to write only below these paths; without `tcp` it has no connections."""
    libc, version = _libc(), landlock_version()
    if version < 1:
        raise OSError(0, "this kernel has no Landlock")
    handled = _WRITE_FILE | _REMOVE_AND_MAKE
    handled |= (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
    network = 0 if tcp or version < 4 else _TCP
    rules = struct.pack("=QQ", handled, network) if version >= 4 else struct.pack("=Q", handled)
    ruleset = _checked(libc.syscall(_CREATE, rules, ctypes.c_size_t(len(rules)), ctypes.c_uint(0)), "ruleset")
    for path in _expanded(write, keep):
        _allow(libc, ruleset, path, handled)
    _allow(libc, ruleset, "/dev", _WRITE_FILE | (handled & _TRUNCATE))
    _checked(libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no new privileges")
    _checked(libc.syscall(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint(0)), "restrict")
    os.close(ruleset)


def _allow(libc: Any, ruleset: int, path: str, access: int) -> None:  # noqa: ANN401 - a C library
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no rule
    if not stat.S_ISDIR(os.fstat(place).st_mode):
        access &= _WRITE_FILE | _TRUNCATE
    rule = struct.pack("=Qi", access, place)
    _checked(libc.syscall(_ADD, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint(0)), f"rule for {path}")
    os.close(place)


def _expanded(write: list[str], keep: list[str]) -> list[str]:
    """Landlock only ever adds, so a folder that holds something to keep stands for what is in it without that."""
    found: list[str] = []
    for path in write:
        inside = [kept for kept in keep if kept == path or kept.startswith(path.rstrip("/") + "/")]
        if not inside:
            found.append(path)
        elif path not in inside and os.path.isdir(path):
            found += _expanded([os.path.join(path, name) for name in sorted(os.listdir(path))], inside)
    return found


def leave_network() -> bool:
    """Move into a network of its own in which there is only this machine's own address; false where that is not allowed."""
    user, group = os.getuid(), os.getgid()
    if _libc().unshare(_NEW_USER | _NEW_NETWORK) != 0:
        return False
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        fcntl.ioctl(asked, _SET_FLAGS, struct.pack("16sh22x", b"lo", _UP_AND_RUNNING))
    return True


def limit(memory_mb: int, processes: int) -> None:
    """Bound the memory that a process may fill, and how many there may be."""
    if memory_mb:
        # Not the address space: graphics libraries and other run-times reserve far more of it than they fill.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_mb << 20, memory_mb << 20))
    if processes:
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))


def main(arguments: list[str]) -> int:
    """Set the walls up and become the program; returns only if that failed."""
    policy = json.loads(arguments[0])
    program = arguments[2:]
    try:
        limit(policy["memory_mb"], policy["processes"])
        if policy["landlock"]:
            apart = not policy["network"] and leave_network()
            if not policy["network"] and not apart and landlock_version() < 4:
                raise OSError(0, "nothing here can close the network")
            restrict(policy["write"], policy["keep"], tcp=policy["network"] or apart)
        os.execvp(program[0], program)
    except OSError as error:
        sys.stderr.write(f"sandbox: {error}\n")
    return FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
