"""Runs a program behind walls of its own making: `python -I -S landlock.py POLICY -- PROGRAM ARGUMENT...`.

Standard library only and no import of ours, because it is started as a file. It limits itself, which needs no rights,
and then becomes the program. Whatever cannot be set ends it with status 126: a wall that is missing is no wall.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import resource
import socket
import stat
import struct
import sys
from typing import Any, Self

FAILED = 126
_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every architecture
_NO_NEW_PRIVILEGES = 38
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
_REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
_REFER = 1 << 13
_EXECUTE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 2, 1 << 3
_TCP = 0b11
_SIGNALS_AND_SOCKETS = 0b11
_SET_FLAGS, _UP_AND_RUNNING = 0x8914, 0x41
_SECCOMP, _FILTER = 22, 2
_RUN, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _AND, _EQUAL, _AT_LEAST, _ANY_OF, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x45, 0x06
_CALL, _ARCHITECTURE, _FIRST, _SECOND = 0, 4, 16, 24
"""Where `struct seccomp_data` has the number of a call, the architecture, and the lower halves of two arguments; the upper
halves follow them."""
_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_OTHER_NUMBERS = 0x40000000
"""From here on x86-64 has a second set of numbers for the same calls."""
_REFUSED = {
    "x86_64": (
        *((41, 43), (49, 50), (288, 288)),  # sockets of every family, and whatever lets one of a pair reach further
        # System V memory, semaphores, queues; POSIX queues; keyrings: they outlive a process, and have no path
        *((29, 31), (64, 71), (220, 220), (240, 240), (248, 250)),
        # modes, owners, times, attributes: Landlock lets them be changed anywhere, and what is changed stays
        *((90, 94), (132, 132), (188, 190), (197, 199), (235, 235), (260, 261), (268, 268), (280, 280)),
        # io_uring, which opens sockets by itself; fchmodat2, setxattrat, removexattrat, file_setattr; other namespaces
        *((425, 427), (452, 452), (463, 463), (466, 466), (469, 469), (272, 272), (308, 308)),
    ),
    "aarch64": (
        *((198, 198), (200, 203), (242, 242)),
        *((180, 180), (186, 197), (217, 219)),
        *((5, 7), (14, 16), (52, 55), (88, 88)),
        *((425, 427), (452, 452), (463, 463), (466, 466), (469, 469), (97, 97), (268, 268)),
    ),
}
"""Numbers of system calls, first and last of each range."""
_PAIR = {"x86_64": 53, "aarch64": 199}
_CONTROL = {"x86_64": 16, "aarch64": 29}
_SIGNAL = {"x86_64": 13, "aarch64": 134}
_CLONE, _CLONE_3 = {"x86_64": 56, "aarch64": 220}, 435
_CHILD_ENDED, _NAMESPACES = 17, 0x7E020000
_FAMILY_UNIX, _STREAM, _PACKETS, _KIND_OF_SOCKET = 1, 1, 5, 0xF
_REFUSED_CONTROLS = (0x5412, 0x541C, 0x40086602, 0x40087602, 0x401C5820)
"""Typing on a terminal (TIOCSTI, TIOCLINUX); flags, version and project of a file, which need no right to write it."""


def landlock_version() -> int:
    """Return the kernel's version of Landlock; 0 without it."""
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
    with _Walls(_WRITE_FILE | _REMOVE_AND_MAKE, tcp) as walls:
        for path in _expanded(write, keep):
            walls.allow(path, walls.handled)
        for path in _expanded(["/dev"], folders_in_dev([*write, *keep])):
            walls.allow(path, _WRITE_FILE | _TRUNCATE)


def refuses_calls() -> bool:
    """Whether the system calls of this kind of machine are known to `refuse_calls`."""
    return os.uname().machine in _MACHINES


def refuse_calls() -> None:
    """Refuse, for this process and all that it starts, the system calls that reach out or leave something behind without a
    path that Landlock would look at, or hide what was spent, with EPERM. A connected pair of Unix sockets is allowed, as helpers speak through
    them; not one of datagrams, which sends to any address.

    Raises:
        OSError: if the kernel has no such filter.
    """
    program = _filter(os.uname().machine)
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *instruction) for instruction in program))
    told = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    libc = _libc()
    _checked(libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no new privileges")
    _checked(libc.prctl(_SECCOMP, _FILTER, told, 0, 0), "filter of system calls")


def _filter(machine: str) -> list[tuple[int, int, int, int]]:
    """The filter as instructions of classic BPF: code, jump if true, jump if false, value."""
    refuse, run = (_RETURN, 0, 0, _ERRNO | errno.EPERM), (_RETURN, 0, 0, _RUN)
    program = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, _MACHINES[machine]), (_RETURN, 0, 0, _KILL)]
    program += [(_LOAD, 0, 0, _CALL), (_AT_LEAST, 0, 1, _OTHER_NUMBERS), refuse]
    for first, last in _REFUSED[machine]:
        program += [(_AT_LEAST, 0, 2, first), (_AT_LEAST, 1, 0, last + 1), refuse]
    controls = [step for number in _REFUSED_CONTROLS for step in ((_EQUAL, 0, 1, number), refuse)]
    program += [(_EQUAL, 0, len(controls) + 2, _CONTROL[machine]), (_LOAD, 0, 0, _SECOND), *controls, run]
    # The time of children whose end is ignored, or of a namespace that ends, is counted nowhere. What the newer clone is
    # asked for cannot be read here: without it the older one is used.
    program += [(_EQUAL, 0, 1, _CLONE_3), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    program += [(_EQUAL, 0, 4, _CLONE[machine]), (_LOAD, 0, 0, _FIRST), (_ANY_OF, 0, 1, _NAMESPACES), refuse, run]
    program += [(_EQUAL, 0, 9, _SIGNAL[machine]), (_LOAD, 0, 0, _FIRST), (_EQUAL, 1, 0, _CHILD_ENDED), run]
    program += [(_LOAD, 0, 0, _SECOND), (_EQUAL, 0, 2, 0), (_LOAD, 0, 0, _SECOND + 4), (_EQUAL, 1, 0, 0), refuse, run]
    program += [(_EQUAL, 1, 0, _PAIR[machine]), run, (_LOAD, 0, 0, _FIRST), (_EQUAL, 1, 0, _FAMILY_UNIX), refuse]
    program += [
        (_LOAD, 0, 0, _SECOND),
        (_AND, 0, 0, _KIND_OF_SOCKET),
        (_EQUAL, 1, 0, _STREAM),
        (_EQUAL, 0, 1, _PACKETS),
    ]
    return [*program, run, refuse]


def folders_in_dev(paths: list[str]) -> list[str]:
    """Return the folders of /dev that hold files, such as /dev/shm where the temporary folder is there: they are no devices."""
    tops = {"/".join(path.split("/")[:3]) for path in paths if path.startswith("/dev/")}
    return sorted(top for top in tops if os.path.isdir(top))


def confine(read: list[str], hidden: list[str], write: list[str]) -> None:
    """Allow this process and all that it starts to read only below `read`, without what is hidden in it, and to read and
    write below `write`; from Linux 6.12 on no signal to anybody outside. What paths say nothing about is refused by
    `refuse_calls`.
    """
    reading = _EXECUTE | _READ_FILE | _READ_FOLDER
    with _Walls(_WRITE_FILE | _REMOVE_AND_MAKE | reading, tcp=False, apart=True) as walls:
        for path in read:
            walls.allow(path, _READ_FOLDER)
        for path in _expanded(read, hidden):
            walls.allow(path, reading)
        for path in write:
            walls.allow(path, walls.handled)
    if refuses_calls():
        refuse_calls()


class _Walls:
    """Rules that bind this process when the block is left."""

    def __init__(self, handled: int, tcp: bool, apart: bool = False) -> None:
        self._libc, version = _libc(), landlock_version()
        if version < 1:
            raise OSError(0, "this kernel has no Landlock")
        self.handled = handled | (_REFER if version >= 2 else 0) | (_TRUNCATE if version >= 3 else 0)
        network = 0 if tcp or version < 4 else _TCP
        rules = struct.pack("=QQ", self.handled, network) if version >= 4 else struct.pack("=Q", self.handled)
        if apart and version >= 6:
            rules += struct.pack("=Q", _SIGNALS_AND_SOCKETS)
        made = self._libc.syscall(_CREATE, rules, ctypes.c_size_t(len(rules)), ctypes.c_uint(0))
        self._ruleset = _checked(made, "ruleset")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            _checked(self._libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no new privileges")
            _checked(self._libc.syscall(_RESTRICT, ctypes.c_int(self._ruleset), ctypes.c_uint(0)), "restrict")
        os.close(self._ruleset)

    def allow(self, path: str, access: int) -> None:
        """Allow this below a path; what is not there needs no rule."""
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return
        access &= self.handled
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            access &= _WRITE_FILE | _TRUNCATE | _EXECUTE | _READ_FILE
        if access:
            rule = struct.pack("=Qi", access, place)
            added = self._libc.syscall(_ADD, ctypes.c_int(self._ruleset), ctypes.c_int(1), rule, ctypes.c_uint(0))
            _checked(added, f"rule for {path}")
        os.close(place)


def _expanded(write: list[str], keep: list[str]) -> list[str]:
    """Landlock only ever adds, so a folder that holds something to keep stands for what is in it without that.

    Links in it stand for nothing: they would open what they lead to, wherever that is.
    """
    found: list[str] = []
    for path in write:
        inside = [kept for kept in keep if kept == path or kept.startswith(path.rstrip("/") + "/")]
        if not inside:
            found.append(path)
        elif path not in inside and os.path.isdir(path):
            below = (os.path.join(path, name) for name in sorted(os.listdir(path)))
            found += _expanded([place for place in below if not os.path.islink(place)], inside)
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
