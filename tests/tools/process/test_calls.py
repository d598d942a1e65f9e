"""What a confined process could do without a path: it succeeds outside the walls, and is refused behind them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch_mcp.tools.process import landlock

pytestmark = pytest.mark.skipif(
    not (landlock.landlock_version() and landlock.refuses_calls()), reason="no Landlock, or an unknown machine"
)

NUMBERS = {
    "x86_64": {"io_uring_setup": 425, "shmget": 29, "semget": 64, "msgget": 68, "mq_open": 240, "add_key": 248}
    | {"unshare": 272, "clone": 56},
    "aarch64": {"io_uring_setup": 425, "shmget": 194, "semget": 190, "msgget": 186, "mq_open": 180, "add_key": 217}
    | {"unshare": 97, "clone": 220},
}
ATTEMPTS = r"""
import ctypes, json, os, signal, socket, subprocess, sys, threading
told = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    result = libc.syscall(told["numbers"][name], *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def exchange(family, kind, address):
    with socket.socket(family, kind) as line:
        line.settimeout(20)
        line.connect(address)
        line.send(b"ping")
        assert line.recv(9) == b"pong"


def from_a_pair():
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.sendto(b"ping", told["datagrams"])


def shared_memory():
    libc.shmctl(call("shmget", 0, 100, 0o1600), 0, None)


def semaphores():
    libc.semctl(call("semget", 0, 1, 0o1600), 0, 0)


def queue():
    libc.msgctl(call("msgget", 0, 0o1600), 0, None)


def named_queue():
    name = ctypes.c_char_p(f"autoresearch-{os.getpid()}".encode())
    call("mq_open", name, 0o102, 0o600, None)
    libc.syscall(told["numbers"]["mq_open"] + 1, name)


attempts = {
    "TCP": lambda: exchange(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", told["tcp"])),
    "UDP": lambda: exchange(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", told["udp"])),
    "a socket that is a file": lambda: exchange(socket.AF_UNIX, socket.SOCK_STREAM, told["unix"]),
    "an abstract socket": lambda: exchange(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + told["abstract"]),
    "a datagram out of a pair": from_a_pair,
    "io_uring": lambda: call("io_uring_setup", 4, ctypes.create_string_buffer(512)),
    "memory of System V": shared_memory,
    "semaphores of System V": semaphores,
    "a queue of System V": queue,
    "a queue of POSIX": named_queue,
    "a key": lambda: call("add_key", b"user", b"autoresearch", b"x", ctypes.c_size_t(1), ctypes.c_int(-1)),
    "an attribute of a file": lambda: os.setxattr(told["file"], "user.left", b"x"),
    "the mode of a file": lambda: os.chmod(told["file"], 0o600),
    "the time of a file": lambda: os.utime(told["file"]),
    "another namespace": lambda: call("unshare", 0x10000000),
    "a child in another namespace": lambda: call("clone", 0x20000000 | 0x10000000 | 17, None, None, None, None) or os._exit(0),
    "children whose end is ignored": lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
}
found = {}
for name, attempt in attempts.items():
    try:
        attempt()
        found[name] = "done"
    except OSError as error:
        found[name] = error.strerror
one, other = socket.socketpair()
one.send(b"x")
found["a pair"] = "done" if other.recv(9) == b"x" else "silent"
beside = threading.Thread(target=print, kwargs={"end": ""})
beside.start()
beside.join()
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
found["a process and a thread"] = subprocess.run(["/bin/sh", "-c", "echo done"], capture_output=True, text=True).stdout.strip()
print(json.dumps(found))
"""


def _answer(server: socket.socket) -> None:
    """Answer every ping until the socket is shut."""
    while True:
        try:
            if server.type == socket.SOCK_DGRAM:
                _, whence = server.recvfrom(9)
                server.sendto(b"pong", whence)
            else:
                line, _ = server.accept()
                with line:
                    line.recv(9)
                    line.send(b"pong")
        except OSError:
            return


@pytest.fixture
def reachable(tmp_path: Path) -> Iterator[dict[str, object]]:
    """Servers of every kind, and a file that anybody may read."""
    abstract = f"autoresearch-{os.getpid()}"
    places: dict[str, tuple[int, int, object]] = {
        "tcp": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        "udp": (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        "unix": (socket.AF_UNIX, socket.SOCK_STREAM, str(tmp_path / "unix")),
        "abstract": (socket.AF_UNIX, socket.SOCK_STREAM, f"\0{abstract}"),
        "datagrams": (socket.AF_UNIX, socket.SOCK_DGRAM, str(tmp_path / "datagrams")),
    }
    servers = {}
    for name, (family, kind, address) in places.items():
        servers[name] = server = socket.socket(family, kind)
        server.bind(address)  # type: ignore[arg-type]
        if kind == socket.SOCK_STREAM:
            server.listen()
    answering = [name for name in servers if name != "datagrams"]
    threads = [threading.Thread(target=_answer, args=(servers[name],), daemon=True) for name in answering]
    for thread in threads:
        thread.start()
    (tmp_path / "file").write_text("x")
    yield {
        **{name: servers[name].getsockname()[1] for name in ("tcp", "udp")},
        **{name: places[name][2] for name in ("unix", "datagrams")},
        "abstract": abstract,
        "file": str(tmp_path / "file"),
        "numbers": NUMBERS[os.uname().machine],
    }
    for server in servers.values():
        server.close()


def _tried(told: dict[str, object], folder: Path, *, behind_walls: bool) -> dict[str, str]:
    read = sorted(
        {os.path.realpath(path) for path in ("/usr", "/bin", "/lib", "/lib64", "/etc", sys.prefix, sys.base_prefix)}
    )
    walls = {"read": [*read, str(folder)], "hidden": [], "write": ["/dev/null"]}
    code = (
        "import importlib.util; spec = importlib.util.spec_from_file_location('walls', sys.argv[2]);"
        "walls = importlib.util.module_from_spec(spec); spec.loader.exec_module(walls);"
        f"walls.confine(**{walls!r})\n"
    )
    script = f"import sys\n{code if behind_walls else ''}{ATTEMPTS}"
    argv = [sys.executable, "-I", "-c", script, json.dumps(told), landlock.__file__]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_behind_walls_nothing_without_a_path_is_reached_or_left(reachable: dict[str, object], tmp_path: Path) -> None:
    outside = _tried(reachable, tmp_path, behind_walls=False)
    behind = _tried(reachable, tmp_path, behind_walls=True)

    for name in ("TCP", "UDP", "a socket that is a file", "an abstract socket", "a datagram out of a pair"):
        assert outside[name] == "done", "or the test shows nothing"
    assert {name for name, how in behind.items() if how != "Operation not permitted"} == {
        "a pair",
        "a process and a thread",
    }
    assert behind["a pair"] == behind["a process and a thread"] == "done"
    assert outside["children whose end is ignored"] == "done"
