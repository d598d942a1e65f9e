"""Runs of the evaluation as forks of one process that has torch and the judge imported: to import them takes most of the
time of a short run.

A run is the package's own from there on. Two interpreters alone do not begin anew: the judge's, and that of the process whose
forks run the experiment. Tests of those beginnings start them as a user does.

    python forked_judges.py SOCKET HARNESS              # serve, until who started it is gone
    python forked_judges.py SOCKET HARNESS/evaluate.py ...    # have a run made there, as by `python HARNESS/evaluate.py ...`
"""

from __future__ import annotations

import array
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

Request = dict[str, Any]


def ask(
    path: str,
    argv: list[str],
    files: tuple[int, int],
    environment: dict[str, str],
    *,
    strict: bool = False,
    walls: bool = True,
) -> int:
    """Have a run made, with the working folder of now; returns its exit status. If who asks ends, so does the run. `strict`
    makes errors of the judge's warnings; without `walls` it runs as on a system that has none.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)
        request: Request = {"argv": argv, "folder": os.getcwd(), "environment": environment}
        request |= {"strict": strict, "walls": walls}
        line.sendmsg([b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))])
        line.sendall(json.dumps(request).encode() + b"\n")
        return int(line.makefile().readline() or "1")


def serve(path: str, harness: str) -> None:
    """Make a run for everyone who asks."""
    import gc

    sys.path.insert(0, harness)
    import evaluate  # noqa: F401
    import run  # noqa: F401 - torch with it

    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.bind(path)
        waiting.listen(64)
        print("ready", flush=True)  # noqa: T201
        while sys.stdin not in (ready := select.select([waiting, sys.stdin], [], [], 0.2)[0]):
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            if ready:
                line = waiting.accept()[0]
                if os.fork() == 0:
                    waiting.close()
                    os._exit(keep(line))
                line.close()


def keep(line: socket.socket) -> int:
    """Have a run made, tell how it ended, and end it if nobody waits for that any more."""
    _, raw, _, _ = line.recvmsg(1, socket.CMSG_SPACE(8))
    files = array.array("i", raw[0][2])
    request = json.loads(line.makefile().readline())
    pid = os.fork()
    if pid == 0:
        line.close()
        become(request, files)
    ended = os.pidfd_open(pid)
    watched: list[int | socket.socket] = [ended, line]
    if ended not in select.select(watched, [], [])[0]:
        os.killpg(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with suppress(OSError):
        line.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    return 0


def become(request: Request, files: array.array[int]) -> None:
    """Be the run; never returns."""
    import subprocess
    import traceback
    import warnings

    import evaluate
    import players

    status = 1
    try:
        os.setsid()
        for place, file in enumerate((os.open(os.devnull, os.O_RDONLY), *files)):
            os.dup2(file, place)
        os.closerange(3, 1024)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv = request["argv"]
        if request["strict"]:
            warnings.simplefilter("error")
        if not request["walls"]:
            evaluate._landlock_version = lambda: 0
        vars(players)["subprocess"] = SimpleNamespace(Popen=ForkedHost, run=subprocess.run, DEVNULL=subprocess.DEVNULL)
        status = evaluate.main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - a fork must never go on as its parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


class ForkedHost:
    """The process that runs the experiment, forked where `players.Host` starts an interpreter."""

    def __init__(self, command: list[str], *, stdin: int, stdout: int, env: dict[str, str], close_fds: bool) -> None:
        import warnings

        import host

        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.dup2(stdin, 0)
                os.dup2(stdout, 1)
                os.closerange(3, 1024)
                os.environ.clear()
                os.environ.update(env)
                sys.argv = command[-1:]
                warnings.simplefilter("default")
                warnings.simplefilter("ignore", ResourceWarning)  # of what its parent had open, and is closed here
                host.serve()
            finally:
                os._exit(0)

    def wait(self) -> None:
        """Wait for its end."""
        os.waitpid(self._pid, 0)


if __name__ == "__main__":
    if Path(sys.argv[2]).is_dir():
        serve(*sys.argv[1:3])
    else:
        sys.exit(ask(sys.argv[1], sys.argv[2:], (1, 2), dict(os.environ)))
