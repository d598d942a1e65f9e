"""The lab: opens the repository that a call means, for reading or for writing."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import Code, Refusal
from ..git.checkout import CheckoutCache
from ..git.repo import Repo
from ..measurement.runs import RunService
from ..plan.model import PLAN_FILE
from ..plan.scope import Scope
from ..session.intent import read_intent
from ..session.store import SessionStore
from ..storage.disk import curable_disk, lock_holder, writer_lock
from ..vocabulary import Phase, Tool, following
from .approvals import PlanWatch
from .consent import Consent
from .context import CallState, RepoContext
from .jobs import JOB, PATIENCE_S, Jobs, is_cancelled, pass_on_progress, read_job, unfinished, write_job
from .recovery import recover, refuse_missing_records

_OF_FILES = frozenset({Tool.TRAIN, Tool.CHECK_PLAN})
_COMMITS = frozenset({Tool.ITERATE, Tool.COMMIT})
_STEPS = frozenset({Tool.VERIFY, Tool.GUARD, Tool.REVERT, Tool.HISTORY})
TURN_S = {Tool.RECORD: 10.0, Tool.SUBMIT: 1.0, Tool.DESIGN: 1.0}
"""How long a call waits for its turn, in seconds: personas and judges write at the same time, each for a moment."""


class Lab:
    """Every repository under one root, and nothing outside it."""

    def __init__(
        self,
        root: Path,
        *,
        allow_commands: bool = False,
        clock: Callable[[], float] = time.time,
        patience_s: float = PATIENCE_S,
        follows: bool = False,
    ) -> None:
        self.root = root.resolve()
        self.jobs = Jobs(patience_s)
        self._allow_commands = allow_commands
        self._clock = clock
        self._follows = follows
        self._caches: dict[Path, CheckoutCache] = {}
        self._stores: dict[Path, SessionStore] = {}
        self._watched: dict[Path, PlanWatch] = {}
        self.drives = False
        """Whether this is a server: lives long enough to work candidates off in the background, with an agent at it."""
        self.crews: dict[Path, object] = {}
        """Who works the candidates of a repository off, by its folder of ours."""
        self.signs: dict[Path, int] = {}
        """Descriptors of the locks that say that this server lives, by its repositories' folders of ours."""
        self.checked: dict[Path, object] = {}
        """What the last green check_plan of a repository measured, by its folder of ours; in memory only."""
        self.passed: dict[Path, dict[str, Any]] = {}
        """The plan whose fields the last green check_plan of a checkout was given, by its root; in memory only."""

    def for_reading(self, repo: str = "") -> RepoContext:
        """Open a repository to read.

        Raises:
            Refusal: if the path is outside the root or not in a git repository.
        """
        return self._open(repo)

    @contextmanager
    def for_writing(
        self, repo: str, tool: Tool, again: Callable[[RepoContext], bool] = lambda context: False
    ) -> Iterator[RepoContext]:
        """Open a repository to write to: one call at a time, and only when the phase allows the tool, or when it is the
        call `again` that was interrupted.
        """
        folder = self._repo(repo).own_folder
        with curable_disk(), _turn_to_write(folder, tool):
            context = self._open(repo)
            if recovered := recover(context):
                context = self._open(repo, recovered)
            context.require(tool, again(context))
            _take_over(context, tool)
            try:
                yield context
            except Refusal as refusal:
                if refusal.code is not Code.DISK:  # that one goes on where it stopped
                    context.end_runs()
                raise
            context.end_runs()

    def finish_interrupted(self, repo: str = "") -> None:
        """Finish the step that a dead server had begun, if there is one, as the next call that writes would."""
        folder = self._repo(repo).own_folder
        if read_intent(folder):
            with curable_disk(), _turn_to_write(folder, Tool.STATUS):
                recover(self._open(repo))

    def _open(self, repo: str, recovered: str = "") -> RepoContext:
        found = self._repo(repo)
        folder, branch = found.own_folder, found.branch()
        store = self._stores.get(folder) or self._stores.setdefault(folder, SessionStore(folder, self._follows))
        repeated, again = _made_before(folder)
        session = store.session(branch)
        refuse_missing_records(found, store.journal, session, branch)
        call = CallState(session, repeated, again, recovered)
        runs = RunService(found, self._clock, lambda: call.scope(self._clock()), pass_on_progress, is_cancelled)
        return RepoContext(found, store, self._consent(found), self._clock, branch, call, runs)

    def begin(self) -> None:
        """Note what is committed as this server starts: what comes later may be its agent's doing."""
        with suppress(Refusal):
            self._consent(self._repo(""))

    def end(self) -> None:
        """Note the same as it ends."""
        for root, plans in self._watched.items():
            with suppress(Refusal):
                Consent(Repo(root), self._allow_commands, plans).end()

    def _consent(self, found: Repo) -> Consent:
        """Return who agreed to what in a repository; a server watches it from then on."""
        plans = self._watched.get(found.root) or PlanWatch(found.own_folder)
        consent = Consent(found, self._allow_commands, plans)
        if self.drives and found.root not in self._watched:
            self._watched[found.root] = plans
            consent.begin()
        return consent

    def _repo(self, repo: str) -> Repo:
        folder = self._folder(repo)
        found = Repo(folder, self._caches.setdefault(folder, CheckoutCache()))
        if not found.root.resolve().is_relative_to(self.root) and repo:
            raise self._outside(found.root)
        return found

    def read_now(self, tool: Tool, repo: str) -> str:
        """Return what a call reads beside its arguments, as a digest; empty where nothing can be read."""
        try:
            return _reads(self.for_reading(repo), tool)
        except (Refusal, OSError, ValueError):  # the call itself says what is wrong there
            return ""

    def whereabouts(self, repo: str) -> Phase:
        """Return the phase, for a refusal that was raised before a repository was open."""
        try:
            return self.for_reading(repo).phase
        except (Refusal, OSError, ValueError):  # the refusal itself says what is wrong there
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


@contextmanager
def _turn_to_write(folder: Path, tool: Tool) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(writer_lock(folder, tool, TURN_S.get(tool, 0.0)))
        except Refusal as refusal:
            raise _at_work(refusal, folder) from None
        yield


def _made_before(folder: Path) -> tuple[bool, bool]:
    """Return whether this call is the last one made once more, and whether another server began it then."""
    job = JOB.get(None)
    left = read_job(folder) if job else None
    if job is None or left is None or not left.same(job.record):
        return False, False
    return True, left.server != job.record.server


def _take_over(context: RepoContext, tool: Tool) -> None:
    """Note the call. What another call left running ends, if this one would measure something else in the same place."""
    job, left = JOB.get(None), context.unfinished()
    reads = _reads(context, tool) if job else ""
    of_files = tool in _OF_FILES and context.phase is Phase.NO_SESSION
    if left and of_files and left.reads != reads:
        context.call.again = False
    measures_else = of_files or tool in {Tool.START_SESSION, Tool.HISTORY, Tool.FINISH_SESSION}
    if left and measures_else and not context.call.again:
        context.end_runs()
    if job:
        job.reads = reads
        write_job(
            context.repo.own_folder, job.record.model_copy(update={"reads": reads, "root": str(context.repo.root)})
        )


def _reads(context: RepoContext, tool: Tool) -> str:
    """Return what a call reads beside its arguments, as a digest. A step reads the iteration that is open. One that commits reads
    what differs from HEAD, which is nothing once it is committed. One that measures files reads all of them.
    """
    session = context.session
    place = f"{context.call.scope(context.now())} {session.last_iteration if session else 0}"
    if tool in _STEPS:
        return place
    if tool not in {*_OF_FILES, *_COMMITS}:
        return ""
    scope, head = Scope(session.plan.scope) if session else None, context.repo.head()
    changed = frozenset(
        change.path
        for change in context.repo.changes()
        if change.tracked or change.path == PLAN_FILE or (scope and scope.matches(change.path))
    )
    content = sorted(context.repo.digests(changed).items())
    if tool in _OF_FILES:
        content.append(("", f"{place} {context.repo.tree(head) if head else ''}"))
    return hashlib.sha256(repr(content).encode()).hexdigest() if content else ""


def until_done(holder: str) -> Tool:
    """Return what to call while somebody has the writer's place: candidates and designs, which no call holds open, can be waited for."""
    return Tool.WAIT if holder.startswith((Tool.SUBMIT, Tool.DESIGN)) else Tool.STATUS


def _at_work(refusal: Refusal, folder: Path) -> Refusal:
    if refusal.code is not Code.BUSY:
        return refusal
    if record := unfinished(folder):
        message = f"{refusal.message} It is `{record.tool}`, run {record.run}: call wait for its answer, or cancel."
        return Refusal(Code.BUSY, message, phase=Phase.RUNNING, following=following(Phase.RUNNING))
    tool = until_done(lock_holder(folder))
    return Refusal(Code.BUSY, f"{refusal.message} Call {tool} until it is done.", following=(tool,))
