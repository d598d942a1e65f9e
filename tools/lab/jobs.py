"""Calls that may outlast a client's patience: each is a job, found again by its run id or by the same call again."""

from __future__ import annotations

import contextvars
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ..process.runner import Listener
from ..storage.disk import write_atomically
from ..vocabulary import Phase, Tool
from .answers import Answer

PATIENCE_S = 25.0
"""How long a call waits for its job before it answers that the job goes on; `wait` waits as long as the client allows."""
TICK_S = 0.5
KEPT = 8
"""Finished jobs whose answers can still be asked for."""
JOB_FILE = "job.json"
"""Says which call is at work in a repository. It outlives the server, so that the next one can go on."""

Work = Callable[[], Answer]

PROGRESS: contextvars.ContextVar[Listener] = contextvars.ContextVar("PROGRESS")
"""Who hears of a running command. Set by whoever calls a tool."""


@dataclass(frozen=True)
class Caller:
    """Who called a tool: how many seconds its client keeps a call open where it says nothing, and at most; `gone` is set when
    nobody waits for the answer any more.
    """

    usual_s: float = 50.0
    most_s: float = 3600.0
    gone: threading.Event = field(default_factory=threading.Event)


CALLER: contextvars.ContextVar[Caller] = contextvars.ContextVar("CALLER")
"""Set by whoever calls a tool for a client."""
JOB: contextvars.ContextVar[Job] = contextvars.ContextVar("JOB")
"""The job that a verb is called in; none when a verb is called directly."""


class JobRecord(BaseModel):
    """A call and the id of its run. `arguments` are as the client gave them; `reads` is the digest of what the call reads beside
    them when it begins; `server` tells one server's life from another's; `root` is the checkout, of several that share a journal.

    A call that is `done` is kept until the next one begins: its server may have died before it gave the answer.
    """

    model_config = ConfigDict(frozen=True)

    run: str
    tool: Tool
    arguments: dict[str, Any] = {}
    reads: str = ""
    server: str = ""
    root: str = ""
    done: bool = False

    def same(self, other: JobRecord) -> bool:
        """Return whether the other is the same call with the same arguments."""
        return (self.tool, self.arguments) == (other.tool, other.arguments)


def write_job(folder: Path, record: JobRecord) -> None:
    """Note that a call is at work."""
    write_atomically(folder / JOB_FILE, record.model_dump_json())


def read_job(folder: Path) -> JobRecord | None:
    """Return the last call that was noted, whether it is done or not; None if there is none."""
    try:
        return JobRecord.model_validate_json((folder / JOB_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def unfinished(folder: Path) -> JobRecord | None:
    """Return the call that is at work in a repository, or that a server left unfinished when it ended."""
    record = read_job(folder)
    return None if record is None or record.done else record


@dataclass
class Job:
    """One call at work, or its outcome."""

    record: JobRecord
    kind: type[Answer]
    began: float = field(default_factory=time.monotonic)
    run_s: float = 0.0
    line: str = ""
    cancelled: bool = False
    delivered: bool = False
    reads: str | None = None
    answer: Answer | None = None
    error: BaseException | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def answers(self, tool: Tool, arguments: Mapping[str, object], reads: Callable[[], str]) -> bool:
        """Return whether a call that comes now is this one made again. What it `reads` is empty where it reads nothing, as after
        an experiment was committed; a job that was cancelled answers nobody, and one whose answer was given is over.
        """
        if (self.record.tool, self.record.arguments) != (tool, arguments) or self.cancelled:
            return False
        if self.done.is_set() and self.delivered:
            return False
        return self.reads is None or reads() in {self.reads, ""}

    @property
    def seconds(self) -> float:
        """How long the call has been at work, between its commands too; a run that another server began, how long that goes on."""
        return max(self.run_s, time.monotonic() - self.began)

    def heard(self, seconds: float, line: str) -> None:
        """Note how the running command goes."""
        self.run_s, self.line = seconds, line

    def work(self, work: Work) -> None:
        """Do the work in this thread, and keep what came of it."""
        JOB.set(self)
        PROGRESS.set(self.heard)
        try:
            self.answer = work()
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the answer
            self.error = error
        finally:
            self.done.set()

    def outcome(self) -> Answer:
        """Return the call's answer; while the job goes on, one that says so.

        Raises:
            BaseException: whatever the call raised.
        """
        if not self.done.is_set():
            return self.kind(**still_running(self.record.run, self.seconds, self.line))
        if self.error is not None:
            raise self.error
        assert self.answer is not None, "a job that is done has an answer or an error"
        return self.answer

    def wait(self, seconds: float, listener: Listener) -> None:
        """Wait for the end, at most so many seconds and while the caller does, and pass on how the command goes."""
        deadline, gone = time.monotonic() + seconds, caller().gone
        while not self.done.wait(min(TICK_S, max(0.0, deadline - time.monotonic()))):
            if time.monotonic() >= deadline or gone.is_set():
                return
            listener(self.seconds, self.line)

    def answer_within(self, seconds: float, listener: Listener) -> Answer:
        """Return the call's answer, or after so many seconds that it goes on. An answer that the caller no longer waits for is
        kept for its next call.
        """
        self.wait(seconds, listener)
        self.delivered = self.done.is_set() and not caller().gone.is_set()
        return self.outcome()


def caller() -> Caller:
    """Return who called the tool that this code works for."""
    return CALLER.get(None) or Caller()


def pass_on_progress(seconds: float, line: str) -> None:
    """Tell whoever called a tool how its command goes; nobody, where nobody asked."""
    if listener := PROGRESS.get(None):
        listener(seconds, line)


def is_cancelled() -> bool:
    """Return whether the call that this code works for was cancelled."""
    job = JOB.get(None)
    return job is not None and job.cancelled


def still_running(run: str, seconds: float, line: str) -> dict[str, object]:
    """Return the fields of an answer to a call whose run goes on."""
    words = f"{seconds:.0f} s so far, change no file meanwhile" + (f", last line: {line}" if line else "")
    return {"phase": Phase.RUNNING, "next": [Tool.WAIT, Tool.CANCEL, Tool.STATUS], "run": run, "running": words}


class Jobs:
    """The jobs of one server. `patience_s` is how long a call waits before it answers that its run goes on."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self.patience_s = patience_s
        self._jobs: dict[str, Job] = {}
        self._verbs: dict[Tool, tuple[type[Answer], Callable[[Mapping[str, object]], Answer]]] = {}
        self.server = secrets.token_hex(8)
        self._lock = threading.Lock()

    def register(self, tool: Tool, kind: type[Answer], verb: Callable[[Mapping[str, object]], Answer]) -> None:
        """Make a verb known, so that a call which an earlier server left unfinished can go on."""
        self._verbs[tool] = kind, verb

    def start(self, tool: Tool, arguments: Mapping[str, object], reads: Callable[[], str] = str, run: str = "") -> Job:
        """Start the job of a call, or return the one that the same call started before if nobody has its answer yet and it
        would read the same now.
        """
        with self._lock:
            for job in self._jobs.values():
                if job.answers(tool, arguments, reads):
                    return job
            return self._begin(tool, arguments, run or f"run-{secrets.token_hex(4)}")

    def _begin(self, tool: Tool, arguments: Mapping[str, object], run: str) -> Job:
        kind, verb = self._verbs[tool]
        job = Job(JobRecord(run=run, tool=tool, arguments=dict(arguments), server=self.server), kind)
        for old in [name for name, kept in self._jobs.items() if kept.done.is_set()][: -KEPT + 1]:
            del self._jobs[old]
        self._jobs[run] = job
        threading.Thread(target=job.work, args=(lambda: verb(arguments),), name=run, daemon=True).start()
        return job

    def latest(self) -> str:
        """Return the run whose answer was not given yet, or the last one; empty before the first."""
        waiting = [name for name, job in self._jobs.items() if not job.delivered]
        return (waiting or list(self._jobs) or [""])[-1]

    def find(self, run: str) -> Job | None:
        """Find a job of this server, running or finished not long ago; None if there is none."""
        return self._jobs.get(run)
