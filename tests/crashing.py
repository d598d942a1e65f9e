"""Killing a server: at the n-th thing that it does to the disk, or after some time. What must hold afterwards."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.git.cli import GitCli
from autoresearch_mcp.tools.session.events import Record
from autoresearch_mcp.tools.session.journal import Journal
from autoresearch_mcp.tools.verbs.loop_answers import Iterated
from autoresearch_mcp.tools.vocabulary import Phase, Tool
from conftest import Project

QUIET = frozenset({"status", "rev-parse", "ls-files", "diff-tree", "cat-file", "config", "log", "var", "symbolic-ref"})
"""Git commands that change nothing."""


class Bomb:
    """Kills its own process, with no clean-up, at a checkpoint: before or after whatever changes the disk.

    `place` is the number of the checkpoint, or its name as in `passed`, such as `commit: before git update-ref 1`: the step,
    when, what, and which time of this name. Journal records move it from step to step.
    """

    def __init__(self, place: int | str, step: str = "commit") -> None:
        self.place = place
        self.passed: list[str] = []
        self._step = step

    def tick(self, when: str, what: str) -> None:
        point = f"{self._step}: {when} {what}"
        self.passed.append(f"{point} {1 + sum(name.rpartition(' ')[0] == point for name in self.passed)}")
        if self.place in {len(self.passed), self.passed[-1]}:
            os.kill(os.getpid(), signal.SIGKILL)
        if when == "after":
            self._step = next((step for record, step in STEPS_AFTER.items() if what == f"journal {record}"), self._step)

    def around(self, call: Callable[..., object], name: Callable[..., str]) -> Callable[..., object]:
        def wired(*arguments: object, **named: object) -> object:
            what = name(*arguments)
            if what.endswith(".key"):  # made once an account, whoever comes first
                return call(*arguments, **named)
            self.tick("before", what)
            try:
                return call(*arguments, **named)
            finally:
                self.tick("after", what)

        return wired


STEPS_AFTER = {"committed": "measure", "verified": "decide", "reverted": "log", "logged": "end", "started": "end"}
"""The step of an iteration, or of a start, that begins once a record was made. `decide` is an undo, or the log of a keep."""


def _named(place: object) -> str:
    """A file's name, without what differs from run to run."""
    return re.sub(r"[0-9a-f]{8,}", "*", Path(str(place)).name)


@contextmanager
def armed(bomb: Bomb) -> Iterator[None]:
    """Checkpoints around git's writing commands, the journal, renames and removals. For a forked child only."""
    ask = GitCli.ask

    def asked(self: GitCli, *arguments: str, **named: object) -> object:
        call = ask if arguments[0] in QUIET else bomb.around(ask, lambda git, *words: f"git {words[0]}")
        return call(self, *arguments, **named)  # type: ignore[arg-type]

    def records(journal: Journal, name: str, at: float, events: Sequence[Record]) -> str:
        return f"journal {'+'.join(one.kind for one in events)}"  # type: ignore[attr-defined]

    GitCli.ask = asked  # type: ignore[method-assign, assignment]
    Journal.append = bomb.around(Journal.append, records)  # type: ignore[method-assign, assignment]
    os.link = bomb.around(os.link, lambda source, target, *rest: f"link {_named(target)}")  # type: ignore[assignment]
    os.replace = bomb.around(os.replace, lambda source, target, *rest: f"replace {_named(target)}")  # type: ignore[assignment]
    Path.unlink = bomb.around(Path.unlink, lambda path, *rest: f"unlink {_named(path)}")  # type: ignore[method-assign, assignment]
    yield


def points(act: Callable[[], object], step: str = "commit") -> list[str]:
    """Do something in a forked child to its end; the names of the checkpoints that it passed."""
    read, write = os.pipe()

    def child() -> None:
        bomb = Bomb(0, step)
        with armed(bomb):
            act()
        os.write(write, "\n".join(bomb.passed).encode())  # fits into a pipe, which nobody reads meanwhile

    in_a_child(child)
    os.close(write)
    with open(read, "rb") as names:
        return names.read().decode().split("\n")


def in_a_child(act: Callable[[], object]) -> bool:
    """Do something in a forked child; whether it was killed before its end."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            act()
            status = 0
        except Refusal:
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the child failed by itself"
    return os.WIFSIGNALED(status)


def killed_at(place: int | str, act: Callable[[], object], step: str = "commit") -> bool:
    """Do something in a forked child that kills itself at a checkpoint; false if it came to its end before."""

    def child() -> None:
        with armed(Bomb(place, step)):
            act()

    return in_a_child(child)


def killed_after(seconds: float, act: Callable[[], object]) -> bool:
    """Do something in a forked child that the kernel kills after some time; false if it came to its end before."""

    def child() -> None:
        signal.signal(signal.SIGALRM, lambda number, frame: os.kill(os.getpid(), signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, seconds)
        act()

    return in_a_child(child)


def killed_before(owner: type | ModuleType, name: str, when: Callable[..., bool], act: Callable[[], object]) -> None:
    """Do something in a forked child that kills itself just before the first call of a method of which `when` is true."""
    call = getattr(owner, name)

    def wired(*arguments: object, **named: object) -> object:
        if when(*arguments):
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **named)

    def child() -> None:
        setattr(owner, name, wired)
        act()

    assert in_a_child(child), f"`{name}` was not called so"


def killed_around(command: str, nth: int, when: str, act: Callable[[], object]) -> bool:
    """Do something in a forked child that kills itself `before` or `after` the n-th git of a kind."""
    ask, left = GitCli.ask, nth

    def asked(self: GitCli, *arguments: str, **named: object) -> object:
        nonlocal left
        left -= arguments[0] == command
        if left == 0 and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = ask(self, *arguments, **named)  # type: ignore[arg-type]
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    def child() -> None:
        GitCli.ask = asked  # type: ignore[method-assign, assignment]
        act()

    return in_a_child(child)


def before_git(command: str, act: Callable[[], object]) -> None:
    """Die before git is asked for a command."""
    killed_before(GitCli, "ask", lambda git, *arguments: arguments[0] == command, act)


def before_the_index_is_replaced(act: Callable[[], object]) -> None:
    """Die after HEAD moved, before the index follows."""
    killed_before(os, "replace", lambda source, target: Path(target).name == "index", act)


def before_record(kind: str, act: Callable[[], object]) -> None:
    """Die before an event of a kind is written down."""
    killed_before(Journal, "append", lambda journal, name, at, events: kind in {one.kind for one in events}, act)


def before_the_intent_is_cleared(kind: str, act: Callable[[], object]) -> None:
    """Die between the record of a step of a kind and the end of the intent that announced it."""
    intended = f'"kind":"{kind}"'
    killed_before(Path, "unlink", lambda path, *rest: path.name == "intent.json" and intended in path.read_text(), act)


def kinds(project: Project, iteration: int) -> list[str]:
    """The kinds of event that the journal has of an iteration, in order."""
    with sqlite3.connect(project.root / ".git/autoresearch/journal.db") as database:
        query = "SELECT kind FROM event WHERE iteration = ? ORDER BY number"
        return [kind for (kind,) in database.execute(query, (iteration,))]


def iterate(project: Project, description: str) -> Iterated:
    """Iterate as a server does: as a job, that a later server may find unfinished."""
    jobs = project.lab.jobs
    jobs.register(Tool.ITERATE, Iterated, lambda given: project.loop.iterate(str(given["description"])))
    job = jobs.start(Tool.ITERATE, {"description": description})
    job.wait(60, lambda seconds, line: None)
    job.delivered = True
    answer = job.outcome()
    assert isinstance(answer, Iterated)
    return answer


def recorded_twice(project: Project) -> list[tuple[str, str]]:
    """Steps that happen once and stand in the journal more often, with their commit or iteration."""
    step = "kind, CASE kind WHEN 'logged' THEN iteration ELSE json_extract(body, '$.commit') END AS what"
    once = "kind IN ('logged', 'committed', 'reverted') AND what <> ''"
    with sqlite3.connect(project.root / ".git/autoresearch/journal.db") as database:
        query = f"SELECT {step} FROM event WHERE {once} GROUP BY session, kind, what HAVING count(*) > 1"
        return database.execute(query).fetchall()


def when_free(call: Callable[[], object]) -> object:
    """Call, and again while a git that outlived its server still holds the writer's lock."""
    deadline = time.monotonic() + 120
    while True:
        try:
            return call()
        except Refusal as refusal:
            if refusal.code is not Code.BUSY or time.monotonic() > deadline:
                raise


def check(project: Project) -> str:
    """The invariants of a session that stands between two iterations; returns its report."""
    status = project.sessions.status()
    assert status.phase in {Phase.READY, Phase.ENDED}, (status.phase, status.note)
    rows = project.table()
    assert [row.split("\t")[0] for row in rows] == [str(number) for number in range(len(rows))]
    assert len(rows) == status.iterations + 1
    assert project.git("status", "--porcelain", "--untracked-files=no") == ""
    assert not list(project.root.glob(".*.draft"))
    locks = [path for path in (project.root / ".git").rglob("*.lock") if path.name != "lock"]
    assert [
        path for path in locks if "worktrees" not in path.parts
    ] == []  # in a checkout of ours one is in nobody's way
    assert recorded_twice(project) == []
    kept = [row.split("\t") for row in rows if row.split("\t")[5].startswith(("baseline", "keep"))]
    assert project.git("rev-parse", "HEAD^{tree}") == project.git("rev-parse", f"{kept[-1][1]}^{{tree}}")
    assert project.git("fsck", "--strict", "--no-dangling") == ""
    with sqlite3.connect(project.root / ".git/autoresearch/journal.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    report = project.review.report().report
    assert "JOURNAL BROKEN" not in report
    return report
