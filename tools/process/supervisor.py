"""Watches over one command, in a process of its own: it outlives the server, and nothing of the command outlives it.

`supervisors.py` starts it. A locked descriptor is held until it has ended, so that everybody can see whether it lives. Standard library only. On Linux a supervisor adopts orphans (a sub-reaper), so that also daemons end with the run; elsewhere
what leaves the process group escapes.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import select
import signal
import sys
import time
from pathlib import Path

from .bounded_output import BoundedOutput
from .processes import descendants, offered_first, process_names, process_status, send_signal
from .reference import ReferenceTimer
from .usage import Usage

DESCENDANTS = "descendants"
"""File in the folder of a run that says whom the command has started; see `Supervisor._note_descendants`."""
NOTE_S, MOST_NOTED = 0.1, 20_000
GRACE_S, DRAIN_S, TICK_S, PROGRESS_S = 3.0, 0.2, 0.1, 0.5
SUB_REAPER, PIPE_SIZE = 36, 1031  # numbers of the kernel for prctl and fcntl
PIPE_BYTES = 1 << 20
_USUAL = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ)
"""Signals that we or Python ignore, and the command does not."""
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


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
        self._gpus: list[str] = request["gpus"]
        self._channel = _open_channel(request["channel"])
        self._owner: str = request["owner"]
        self._channel_output = BoundedOutput()
        self._outputs: dict[int, BoundedOutput] = {}
        self._code: int | None = None
        self._child = 0
        self._usage = Usage()
        self._waited_seconds = 0.0
        """Processor time of every process that was waited for, with those that it had waited for."""
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
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._write(out, err, timed_out and not self._cancelled, seconds, leaked)

    def _cancel(self, number: int, frame: object) -> None:
        self._cancelled = True

    def _start(self) -> tuple[BoundedOutput, BoundedOutput]:
        """Start the command in a session of its own, its output in pipes, its input empty; its time begins."""
        read_out, write_out = os.pipe()
        read_err, write_err = os.pipe()
        with contextlib.suppress(OSError):
            for end in (read_out, read_err):
                fcntl.fcntl(end, PIPE_SIZE, PIPE_BYTES)  # a flood is read in fewer turns
        self._began = time.monotonic()
        self._next_note = self._began + NOTE_S / 2
        try:
            os.chdir(self._place)
            self._child = self._spawn(write_out, write_err)
        except (OSError, ValueError) as error:
            os.write(write_err, f"{self._command[0]}: {error}\n".encode())
            self._code, self._ended = 127, time.monotonic()
        os.chdir("/")
        with contextlib.suppress(OSError, AttributeError):  # not on macOS
            self._end_seen = [os.pidfd_open(self._child)] if self._child else []
        os.close(write_out)
        os.close(write_err)
        outputs = BoundedOutput(), BoundedOutput()
        self._outputs = dict(zip((read_out, read_err), outputs, strict=True))
        for end in self._outputs:
            os.set_blocking(end, False)
        return outputs

    def _spawn(self, out: int, err: int) -> int:
        """Start the command without a copy of this process, which costs more than many a command; return its number."""
        streams = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            *((os.POSIX_SPAWN_DUP2, *p) for p in ((out, 1), (err, 2))),
        ]
        with offered_first():
            return os.posix_spawn(
                self._command[0], self._command, self._environment, file_actions=streams, setsid=True, setsigdef=_USUAL
            )

    def _watch(self) -> bool:
        """Wait for the command's end; false when its time ran out first."""
        while self._code is None:
            left = self._began + self._timeout_s - time.monotonic()
            if left <= 0:
                return False
            if self._cancelled or (self._folder / "cancel").exists() or self._is_orphaned():
                self._cancelled = True
                return True
            self._read(min(TICK_S, left))
            self._reap()
            self._note_descendants()
            self._write_progress()
        return True

    def _is_orphaned(self) -> bool:
        """Tell whether the process died that this run was to end with, if there is one: its lock is free."""
        if not self._owner:
            return False
        try:
            with open(self._owner, "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return True
        except BlockingIOError:
            return False
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
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self._waited_seconds += used.ru_utime + used.ru_stime
            self._usage.peak_bytes = max(self._usage.peak_bytes, used.ru_maxrss * _RSS_UNIT)
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
        for pid in self._all_of_it():
            send_signal(pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        while time.monotonic() < deadline and self._reap():
            self._read(TICK_S / 2)

    def _all_of_it(self) -> list[int]:
        """Return every process below this one, and the command's group as a negative number."""
        return [*descendants(os.getpid()), *([-self._child] if self._child else [])]

    def _kill_all(self) -> int:
        """SIGKILL all descendants until none remain (orphans become our children); return how many there were."""
        leaked: set[int] = set()
        while self._reap():
            found = self._all_of_it()
            leaked.update(found)
            for pid in found:
                send_signal(pid, signal.SIGKILL)
            self._read(0.005)
        return len(leaked - {self._child, -self._child})

    def _write(self, out: BoundedOutput, err: BoundedOutput, timed_out: bool, seconds: float, leaked: int) -> None:
        cpu_seconds = self._usage.counted_seconds(self._waited_seconds)
        outputs = {"stdout": out, "stderr": err, "channel": self._channel_output}
        streams = {name: output.kept() for name, output in outputs.items()}
        result = {
            "exit_code": -signal.SIGKILL if self._code is None else self._code,
            "timed_out": timed_out,
            "cancelled": self._cancelled,
            "seconds": seconds,
            "digest": hashlib.sha256(out.sum.digest() + err.sum.digest()).hexdigest(),
            "peak_bytes": self._usage.peak_bytes,
            "cpu_seconds": cpu_seconds,
            "uncounted_cpu_seconds": self._usage.uncounted_seconds(cpu_seconds),
            "leaked": leaked,
            "reference": self._reference.seconds,
            "gpus": self._gpus,
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
