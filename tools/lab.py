"""The lab: finds the repository that a call means, and opens a desk on it."""

from __future__ import annotations

import errno
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

from .books import Books
from .edges.arena import Arena
from .edges.begun import Beginnings
from .edges.checkout import Kept
from .edges.consent import Consent
from .edges.disk import writer_lock
from .edges.experiment import Bench
from .edges.hygiene import hygiene
from .edges.jobfile import JobRecord, read_job, write_job
from .edges.repo import Repo, shown
from .edges.runner import Run, Runner, Wrap
from .errors import Code, Refusal
from .jobs import JOB, PATIENCE_S, PROGRESS, Jobs
from .recovery import recover
from .rules.events import Event, Row
from .rules.phase import Phase, Tool, allows, following
from .rules.results import RESULTS_FILE, baseline_row, line, render
from .rules.session import Session, phase_of
from .rules.tidy import tidied

NEVER_RUN = Run(-1, False, 0.0, "", "", cancelled=True)
"""What a run is when its call was cancelled before it began."""


def _nobody(seconds: float, line: str) -> None:
    """Hears of a command when nobody asked to."""


class Desk:
    """One repository with its journal and session, as they stand during one call."""

    def __init__(self, repo: Repo, books: Books, consent: Consent, clock: Callable[[], float]) -> None:
        self.repo = repo
        self.bench = Bench(repo)
        self.journal = books.journal
        self.consent = consent
        self.runner = Runner(repo.own_folder / "runs")
        self.begun = Beginnings(repo.own_folder / "begun")
        self.standing: object = None
        self.now = clock
        self.cancelled = False
        self.again = False
        self.recovered = ""
        self._books = books
        self._asked: Counter[str] = Counter()
        self._run_seconds = 0.0
        self.branch = repo.branch()
        self.session = books.session(self.branch)

    @property
    def phase(self) -> Phase:
        """Where the session on this branch stands."""
        return phase_of(self.session, self.now())

    @property
    def active(self) -> Session:
        """The open session of a call that is only legal with one."""
        assert self.session is not None, "checked by `require`"
        return self.session

    def record(self, *events: Event, session: str = "") -> None:
        """Append events to the journal, and move the session on. What they quote is stored without secrets and escapes."""
        name = session or self.active.id
        tidy = hygiene()
        events = tuple(tidied(event, tidy) for event in events)
        self.session = self._books.append(name, self.now(), events, self.session)

    def require(self, tool: Tool, again: bool = False) -> None:
        """Refuse a call that is out of order.

        Raises:
            Refusal: naming the legal next calls.
        """
        phase = self.phase
        if not (again or allows(phase, tool)):
            raise _out_of_order(self.session, phase, tool, self.now())
        if self.session and phase is not Phase.NO_SESSION and tool is not Tool.FINISH_SESSION:
            self._require_own_head(self.session)

    def _require_own_head(self, session: Session) -> None:
        head = self.repo.head()
        if head != session.head:
            message = (
                f"HEAD is at {head[:7]}, but the session left it at {session.head[:7]}: somebody committed or reset. "
                f"Nothing was touched. Keep that work with `git branch mine` and go back with "
                f"`git reset --keep {session.head[:7]}`, or close the session with finish_session and start a new one."
            )
            raise Refusal(Code.HEAD_MOVED, message)

    def key(self, what: str) -> str:
        """The id of a run, the same for the same run of the same call, so that a later server finds it again."""
        session = self.session.id if self.session and self.phase is not Phase.NO_SESSION else ""
        tries = self.session.trial.tries if self.session and self.session.trial else 0
        self._asked[what] += 1
        whole = f"{session} {tries} {self._asked[what]} {what}"
        return hashlib.sha256(whole.encode()).hexdigest()[:20]

    def run(
        self,
        key: str,
        command: str,
        timeout_s: float,
        folder: Path,
        names: Mapping[str, str],
        wrap: Wrap = list,
        channel: str = "",
    ) -> Run:
        """Run a command of the sealed plan at the top of a checkout, or join the run that has this key."""
        before, job = self._run_seconds, JOB.get(None)

        def listen(seconds: float, line: str) -> None:
            PROGRESS.get(_nobody)(before + seconds, line)

        self.cancelled = self.cancelled or bool(job and job.cancelled)
        self.repo.moved()
        run = NEVER_RUN
        if not self.cancelled:
            run = self.runner.run(command, folder, timeout_s, names, listen, key, wrap, channel)
        self.repo.moved()
        self.cancelled = self.cancelled or run.cancelled
        self._run_seconds += run.seconds  # progress only ever grows, also over several runs in one call
        return run

    def unfinished(self) -> JobRecord | None:
        """The call that is at work here, or that a server left unfinished when it ended."""
        record = read_job(self.repo.own_folder)
        return None if record is None or record.done else record

    def end_runs(self) -> None:
        """End and forget every run: whoever asked for one has its result, or gave it up."""
        self.runner.clear()
        self.begun.clear()
        if left := self.unfinished():
            write_job(self.repo.own_folder, left.model_copy(update={"done": True}))

    @cached_property
    def arena(self) -> Arena:
        """The second checkout."""
        return Arena(self.repo, "arena")

    @cached_property
    def clean(self) -> Arena:
        """A checkout for a single run, with nothing in it that changed since the session began unless git has it."""
        return Arena(self.repo, "clean", self.active.started_at)

    @property
    def untracked(self) -> tuple[str, ...]:
        """The user's untracked files, which commands may need in the arena as well."""
        if self.session is not None and self.phase is not Phase.NO_SESSION:
            return self.session.start.untracked
        return tuple(shown(change.path) for change in self.repo.changes() if not change.tracked)

    def rows(self, most: int = 0, before: int = 0) -> list[Row]:
        """The rows of the session, iteration 0 first: the newest `most`, of the iterations below `before`; 0 sets no limit."""
        if self.session is None:
            return []
        found = self.journal.rows(self.session.id, most or -1, before)
        return found if most and len(found) == most else [baseline_row(self.session.start), *found]

    def write_results(self) -> Path | None:
        """Bring the results file up to date; returns where a version that somebody had edited was set aside."""
        if self.session is None:
            return None
        session, file, view = self.session, self.repo.root / RESULTS_FILE, self._books.view
        self._books.sum_up(session)
        aside, last = None, session.last_iteration
        newest = self.journal.rows(session.id, 1)
        if not (newest and view.grow(file, f"{line(newest[0])}\n", (session.id, last - 1))):
            rows = self.rows()
            aside = view.write(file, render(session.plan, rows), render(session.plan, rows[:-1]))
        view.leave(file, (session.id, last))
        return aside


class Lab:
    """Every repository under one root, and nothing outside it."""

    def __init__(
        self,
        root: Path,
        *,
        allow_commands: bool = False,
        clock: Callable[[], float] = time.time,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.root = root.resolve()
        self.jobs = Jobs(patience_s)
        self._allow_commands = allow_commands
        self._clock = clock
        self._kept: dict[Path, Kept] = {}
        self._books: dict[Path, Books] = {}

    def open(self, repo: str = "") -> Desk:
        """A desk for reading.

        Raises:
            Refusal: if the path is outside the root or not in a git repository.
        """
        folder = self._folder(repo)
        found = Repo(folder, self._kept.setdefault(folder, Kept()))
        if not found.root.resolve().is_relative_to(self.root) and repo:
            raise self._outside(found.root)
        books = self._books.get(found.own_folder) or self._books.setdefault(found.own_folder, Books(found.own_folder))
        return Desk(found, books, Consent(found, self._allow_commands), self._clock)

    @contextmanager
    def hold(self, repo: str, tool: Tool, again: Callable[[Desk], bool] = lambda desk: False) -> Iterator[Desk]:
        """A desk for writing: one at a time in a repository, and only when the phase allows the tool, or when it is the
        call `again` that was interrupted.
        """
        place = self.open(repo)
        with _disk(), self._place_of_writer(place, tool):
            desk = self.open(repo)
            if told := recover(desk):
                desk = self.open(repo)
                desk.recovered = told
            desk.require(tool, again(desk))
            _take_over(desk, tool)
            yield desk
            desk.end_runs()

    @contextmanager
    def _place_of_writer(self, desk: Desk, tool: Tool) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(writer_lock(desk.repo.own_folder, tool))
            except Refusal as refusal:
                raise _at_work(refusal, desk.unfinished()) from None
            yield

    def whereabouts(self, repo: str) -> Phase:
        """The phase, for a refusal that was raised before a desk was open."""
        try:
            return self.open(repo).phase
        except Refusal:
            return Phase.NO_SESSION

    def _folder(self, repo: str) -> Path:
        if repo.startswith("-"):
            raise Refusal(
                Code.BAD_ARGUMENT, f"{repo!r} starts with a dash. Give the path of a folder, or leave `repo` out."
            )
        folder = (self.root / repo).resolve()
        if not folder.is_relative_to(self.root):
            raise self._outside(folder)
        if not folder.is_dir():
            raise Refusal(
                Code.BAD_ARGUMENT, f"{folder} is not a folder. Give the path of a folder, or leave `repo` out."
            )
        return folder

    def _outside(self, folder: Path) -> Refusal:
        message = f"{folder} is outside {self.root}, the only place this server works in."
        return Refusal(Code.OUTSIDE_ROOT, f"{message} Register it with `--root` for that folder.")


def _take_over(desk: Desk, tool: Tool) -> None:
    """Note the call. What another call left running ends, if this one would measure something else in the same place."""
    left, job = read_job(desk.repo.own_folder), JOB.get(None)
    desk.again = bool(left and job and left.same(job.record) and left.server != job.record.server)
    if left and not left.done and not desk.again and tool in {Tool.CHECK_PLAN, Tool.START_SESSION, Tool.HISTORY}:
        desk.end_runs()
    if job:
        write_job(desk.repo.own_folder, job.record)


@contextmanager
def _disk() -> Iterator[None]:
    """A disk that is full or may not be written is a refusal with its cure."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}:
            raise
        where = f" at {error.filename}" if error.filename else ""
        cure = "Free disk space or make it writable, then make the same call again: it goes on where this one stopped."
        raise Refusal(Code.DISK, f"The disk said no{where}: {error.strerror}. {cure}") from error


def _at_work(refusal: Refusal, record: JobRecord | None) -> Refusal:
    if refusal.code is not Code.BUSY or record is None:
        return refusal
    message = f"{refusal.message} It is `{record.tool}`, run {record.run}: call wait for its answer, or cancel."
    return Refusal(Code.BUSY, message, phase=Phase.RUNNING, following=following(Phase.RUNNING))


def _out_of_order(session: Session | None, phase: Phase, tool: Tool, now: float) -> Refusal:
    choices = ", ".join(following(phase))
    if phase is Phase.NO_SESSION:
        message = f"No session is open on this branch, so there is nothing for `{tool}` to do. Call one of: {choices}."
        return Refusal(Code.NO_SESSION, message)
    if tool is Tool.START_SESSION:
        message = f"A session is open on this branch. Finish it with finish_session first, or go on: {choices}."
        return Refusal(Code.SESSION_ACTIVE, message)
    if phase is Phase.ENDED and session:
        reason = session.ended or session.spent(now)
        return Refusal(Code.SESSION_ENDED, f"The session has ended: {reason}. Call one of: {choices}.")
    return Refusal(Code.OUT_OF_ORDER, f"`{tool}` is not possible in phase `{phase}`. Call one of: {choices}.")
