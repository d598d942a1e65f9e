"""Watches over one command, in a process of its own: it outlives the server, and nothing of the command outlives it.

`serve`, in an interpreter of its own with a socket as its standard input, waits for folders of runs and forks a
supervisor for each: to start an interpreter would cost more than a short run. It ends with the server, the supervisors
do not. Each holds a locked descriptor until it ends, so that everybody can see whether it lives. Standard library only.
On Linux a supervisor adopts orphans (a sub-reaper), so that also daemons end with the run; elsewhere what leaves the
process group escapes.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from pathlib import Path

from .bounded_output import BoundedOutput
from .processes import descendants, limit_child, prctl, process_names, process_status, send_signal
from .reference import ReferenceTimer
from .usage import Usage

DESCENDANTS = "descendants"
"""File in the folder of a run that says whom the command has started; see `Supervisor._note_descendants`."""
NOTE_S, MOST_NOTED = 0.1, 20_000
GRACE_S, DRAIN_S, TICK_S, PROGRESS_S = 3.0, 0.2, 0.1, 0.5
SUB_REAPER, PARENT_DEATH_SIGNAL, PIPE_SIZE = 36, 1, 1031  # numbers of the kernel for prctl and fcntl
PIPE_BYTES = 1 << 20


class Supervisor:
    """One run, from its request to its result."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        request = json.loads((folder / "request.json").read_bytes())
        (folder / "request.json").unlink()  # it holds an environment, which may hold secrets
        self._command: list[str] = request["command"]
        self._place: str = request["folder"]
        self._environment: dict[str, str] = request["environment"]
        self._timeout_s: float = request["timeout_s"]
        self._secret: str = request["secret"]
        # Others read the progress, in whose environment these values are not and so nothing would hide them.
        self._hidden: dict[str, str] = request["hidden"]
        self._reference = ReferenceTimer(request["pieces"])
        self._channel = _open_channel(request["channel"])
        self._channel_output = BoundedOutput()
        self._outputs: dict[int, BoundedOutput] = {}
        self._code: int | None = None
        self._child = 0
        self._usage = Usage()
        self._end_seen: list[int] = []
        self._ended: float | None = None
        self._last_progress = 0.0
        self._noted: dict[int, int] = {}
        self._lines = MOST_NOTED
        self._next_note = 0.0
        self._cancelled = False
        self._began = time.monotonic()

    def run(self) -> None:
        """Start the command, watch it, end all that is left of it, and write the result."""
        signal.signal(signal.SIGTERM, self._cancel)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, as a parent may have left it, nobody is waited for
        (self._folder / "alive").write_text(str(os.getpid()))
        self._reference.run()  # nothing of the command lives yet
        out, err = self._start()
        timed_out = not self._watch()
        seconds = (self._ended or time.monotonic()) - self._began
        if timed_out or self._cancelled:
            self._terminate()
        self._drain(DRAIN_S)
        leaked = self._kill_all()
        self._drain(DRAIN_S)
        self._read(0)  # whoever could still write to the channel is gone
        self._reference.run()  # nor any more
        self._write(out, err, timed_out and not self._cancelled, seconds, leaked)

    def _cancel(self, number: int, frame: object) -> None:
        self._cancelled = True

    def _start(self) -> tuple[BoundedOutput, BoundedOutput]:
        """Fork the command into a session of its own, its output in pipes, its input empty; its time begins."""
        read_out, write_out = os.pipe()
        read_err, write_err = os.pipe()
        with contextlib.suppress(OSError):
            for end in (read_out, read_err):
                fcntl.fcntl(end, PIPE_SIZE, PIPE_BYTES)  # a flood is read in fewer turns
        self._began = time.monotonic()
        self._next_note = self._began + NOTE_S / 2
        self._child = os.fork()
        if self._child == 0:
            self._exec_child(write_out, write_err)
        with contextlib.suppress(OSError, AttributeError):  # not on macOS
            self._end_seen = [os.pidfd_open(self._child)]
        os.close(write_out)
        os.close(write_err)
        outputs = BoundedOutput(), BoundedOutput()
        self._outputs = dict(zip((read_out, read_err), outputs, strict=True))
        for end in self._outputs:
            os.set_blocking(end, False)
        return outputs

    def _exec_child(self, out: int, err: int) -> None:
        """In the child process: set it up and execute the command in its place."""
        try:
            prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
            os.setsid()
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(out, 1)
            os.dup2(err, 2)
            os.closerange(3, 256)
            limit_child()
            os.chdir(self._place)
            os.execve(self._command[0], self._command, self._environment)
        except BaseException as error:  # noqa: BLE001 - a forked child must never go on as its parent
            os.write(2, f"{self._command[0]}: {error}\n".encode())
        finally:
            os._exit(127)

    def _watch(self) -> bool:
        """Wait for the command's end; false when its time ran out first."""
        while self._code is None:
            left = self._began + self._timeout_s - time.monotonic()
            if left <= 0:
                return False
            if self._cancelled or (self._folder / "cancel").exists():
                self._cancelled = True
                return True
            self._read(min(TICK_S, left))
            self._reap()
            self._note_descendants()
            self._write_progress()
        return True

    def _read(self, seconds: float) -> None:
        """Take what the pipes hold, waiting at most so many seconds, and no longer than until the command has ended."""
        if not self._outputs and not self._end_seen:
            seconds = min(seconds, 0.02)
        for end in select.select([*self._outputs, *self._channel, *self._end_seen], [], [], seconds)[0]:
            if end in self._end_seen:
                continue
            try:
                chunk = os.read(end, PIPE_BYTES)
            except BlockingIOError:
                continue
            if end in self._channel:
                self._channel_output.add(chunk)
            elif chunk:
                self._outputs[end].add(chunk)
            else:
                os.close(end)
                del self._outputs[end]

    def _drain(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._outputs and (left := deadline - time.monotonic()) > 0:
            self._read(left)

    def _reap(self) -> bool:
        """Collect whoever ended; false when no child is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._child:
                self._code, self._ended = os.waitstatus_to_exitcode(status), time.monotonic()
                for end in self._end_seen:
                    os.close(end)
                self._end_seen = []

    def _note_descendants(self) -> None:
        """Note number and start of every process of the run, so that they are known should this process be killed.

        A process with another environment in a session of its own is found by nothing else then. A look takes at most a
        twentieth of the time.
        """
        began = time.monotonic()
        if began < self._next_note:
            return
        living = {pid: status[-1] for pid in descendants(os.getpid()) if (status := process_status(pid))}
        self._usage.note(living)
        new = dict(living.items() - self._noted.items())
        self._noted = living
        anew = self._lines + len(new) > MOST_NOTED
        lines = "".join(f"{pid} {started}\n" for pid, started in (living if anew else new).items())
        file, draft = self._folder / DESCENDANTS, self._folder / f"{DESCENDANTS}.draft"
        with contextlib.suppress(OSError):
            if anew:
                draft.write_bytes(process_names() + b"\n" + lines.encode())
                draft.replace(file)
            elif new:
                with file.open("a") as notes:
                    notes.write(lines)
        self._lines = len(living) if anew else self._lines + len(new)
        now = time.monotonic()
        self._next_note = now + max(NOTE_S, 20 * (now - began))

    def _write_progress(self) -> None:
        """Write the progress file, at most every `PROGRESS_S` seconds."""
        now = time.monotonic()
        if now - self._last_progress < PROGRESS_S:
            return
        self._last_progress = now
        tail = next((lines for output in self._outputs.values() if (lines := output.last_lines(self._hidden))), [])
        line = tail[-1].strip() if tail else ""
        draft = self._folder / "progress.draft"
        with contextlib.suppress(OSError):
            draft.write_text(json.dumps({"seconds": now - self._began, "line": line, "tail": tail}))
            draft.replace(self._folder / "progress.json")

    def _terminate(self) -> None:
        """SIGTERM the whole tree and wait at most `GRACE_S` seconds for it to end."""
        for pid in (*descendants(os.getpid()), -self._child):
            send_signal(pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline and self._reap():
            self._read(TICK_S / 2)

    def _kill_all(self) -> int:
        """SIGKILL all descendants until none remain (orphans become our children); return how many there were."""
        leaked: set[int] = set()
        while self._reap():
            found = descendants(os.getpid())
            leaked.update(found)
            for pid in (*found, -self._child):
                send_signal(pid, signal.SIGKILL)
            self._read(0.005)
        return len(leaked - {self._child})

    def _write(self, out: BoundedOutput, err: BoundedOutput, timed_out: bool, seconds: float, leaked: int) -> None:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_seconds = self._usage.counted_seconds(used.ru_utime + used.ru_stime)
        outputs = {"stdout": out, "stderr": err, "channel": self._channel_output}
        streams = {name: output.kept() for name, output in outputs.items()}
        unit = 1 if sys.platform == "darwin" else 1024
        result = {
            "exit_code": -signal.SIGKILL if self._code is None else self._code,
            "timed_out": timed_out,
            "cancelled": self._cancelled,
            "seconds": seconds,
            "digest": hashlib.sha256(out.sum.digest() + err.sum.digest()).hexdigest(),
            "peak_bytes": max(self._usage.peak_bytes, used.ru_maxrss * unit),
            "cpu_seconds": cpu_seconds,
            "uncounted_cpu_seconds": self._usage.uncounted_seconds(cpu_seconds),
            "leaked": leaked,
            "reference": self._reference.seconds,
            "left_out": {name: output.left_out for name, output in outputs.items() if output.left_out},
        }
        try:
            self._publish(result, streams)
        except OSError as error:
            # The head of the output may have to make room for the news that there is no more.
            for name in streams:
                (self._folder / name).unlink(missing_ok=True)
            result |= {"exit_code": 1, "problem": f"the result could not be written: {error.strerror}"}
            self._publish(result, {})

    def _publish(self, result: dict[str, object], streams: dict[str, bytes]) -> None:
        for name, text in streams.items():
            if text:
                (self._folder / name).write_bytes(text)
        check = result_digest(result, [streams.get(name, b"") for name in ("stdout", "stderr", "channel")])
        draft = self._folder / "result.draft"
        draft.write_text(json.dumps(result | {"check": check, "seal": result_seal(self._secret, check)}))
        draft.replace(self._folder / "result.json")


def result_digest(result: dict[str, object], streams: list[bytes]) -> str:
    """Digest a result with its output, to tell it from one that a loss of power left in part; cheaper than to sync the disk."""
    parts = [json.dumps(result, sort_keys=True).encode(), *streams]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def result_seal(secret: str, check: str) -> str:
    """Seal a result: nobody can forge this who does not know the secret."""
    return hmac.digest(secret.encode(), check.encode(), "sha256").hex()


def _open_channel(channel: str) -> list[int]:
    """Open the evaluator's pipe on both ends, so that it neither blocks nor ends while nobody writes."""
    return [os.open(channel, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)] if channel else []


def serve() -> None:
    """Fork a supervisor for every folder that is sent, until nobody is left who could send one."""
    with socket.socket(fileno=0) as server:
        while True:
            message, locks, _, _ = socket.recv_fds(server, 4096, 1)
            if not message:
                return
            child = os.fork()
            if child == 0:
                server.close()
                _detach(Path(os.fsdecode(message)))
            os.close(locks[0])
            os.waitpid(child, 0)
            server.send(b".")


def _detach(folder: Path) -> None:
    """Supervise a run as a daemon: who ends the server's children does not find this process.

    Another one stays above it, which ends the run should the supervisor be killed: its orphans are handed on upwards.
    """
    try:
        if os.fork() == 0:
            os.setsid()
            prctl(SUB_REAPER, 1)
            supervisor = os.fork()
            if supervisor == 0:
                os.setsid()
                prctl(SUB_REAPER, 1)
                Supervisor(folder).run()
            else:
                _outlive(supervisor)
    finally:
        os._exit(0)


def _outlive(supervisor: int) -> None:
    """Wait for the end of a supervisor, and KILL what it left, of which nothing is there unless it was killed itself."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, 0)[0] != supervisor:
            continue
        while True:
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
            for pid in descendants(os.getpid()):
                send_signal(pid, signal.SIGKILL)
            time.sleep(0.005)
