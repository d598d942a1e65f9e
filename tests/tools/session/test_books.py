"""A session is remembered and summed up, so that no call reads all of its past; what stands in the journal always wins."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.decision.judging import Arm
from autoresearch_mcp.tools.decision.measured import Measurement, Trained
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.session import store as books
from autoresearch_mcp.tools.session.events import Committed, Event, Logged, Remeasured, Reverted, Row, Started, Verified
from autoresearch_mcp.tools.session.fold import advance
from autoresearch_mcp.tools.session.journal import Journal
from autoresearch_mcp.tools.session.state import Session, dump_snapshot, load_snapshot
from autoresearch_mcp.tools.session.store import digest, foundations
from conftest import Project

TOOLS = Path(books.__file__).parent.parent
NOISY = (10.4, 9.1, 10.9, 9.6, 10.2, 9.8, 10.6, 9.3)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A summary after every iteration."""
    monkeypatch.setattr(books, "SNAPSHOT_INTERVAL", 1)


def database(project: Project) -> sqlite3.Connection:
    return sqlite3.connect(project.root / ".git/autoresearch/journal.db")


def change(project: Project, *statements: str) -> None:
    """Write to the journal behind the server's back."""
    with database(project) as link:
        for trigger in ("event_is_never_changed", "event_is_never_removed"):
            link.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            link.execute(statement)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """The events that are read from now on."""
    read: list[Event] = []
    events = Journal.events

    def noted(self: Journal, session: str, after: int = 0) -> Sequence[object]:
        found = list(events(self, session, after))
        read.extend(event for _, event in found)
        return found

    monkeypatch.setattr(Journal, "events", noted)
    return read


def test_a_call_reads_only_what_was_written_since_the_last(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.start()
    for value in range(5):
        project.try_value(9 - value)
    project.sessions.status()
    read = counted(monkeypatch)

    project.sessions.status()
    project.review.history()
    project.review.detect_stuck()

    assert read == []


@pytest.mark.usefixtures("often")
def test_a_new_server_reads_the_summary_and_what_came_after_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.start()
    for value in range(5):
        project.try_value(9 - value)
    before = project.sessions.status()
    read = counted(monkeypatch)
    project.restart()

    assert project.sessions.status() == before
    assert read == []
    assert project.try_value(20).status is Status.DISCARD
    assert project.try_value(1).status is Status.KEEP


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE summary SET text = replace(text, '\"gain\": 2.0', '\"gain\": 9.0')",
        "UPDATE summary SET number = number - 1",
        "UPDATE summary SET text = 'nonsense'",
    ],
)
def test_a_summary_that_is_not_what_was_written_is_left_aside(
    project: Project, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.start().try_value(8)
    project.try_value(9)
    before = project.sessions.status()
    change(project, statement)
    read = counted(monkeypatch)
    project.restart()

    assert project.sessions.status() == before
    assert read


EVENTS_READ = """\
import sys
from pathlib import Path

from autoresearch_mcp.tools.session.store import SessionStore
from autoresearch_mcp.tools.session.journal import Journal

read, events = [], Journal.events
Journal.events = lambda *which: (read.append(event) or event for event in events(*which))
session = SessionStore(Path(sys.argv[1])).session("main")
print(len(read), session.best, sys.modules["autoresearch_mcp.tools.session.store"].__file__)
"""


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize(
    ("module", "believed"),
    [
        ("session/fold", False),
        ("decision/decide", False),
        ("text/markdown", True),
    ],
)
def test_what_other_code_summed_up_is_not_believed(
    project: Project, tmp_path: Path, module: str, believed: bool
) -> None:
    project.start().try_value(8)
    other = tmp_path / "other/autoresearch_mcp"
    shutil.copytree(TOOLS, other / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    file = other / f"tools/{module}.py"
    file.write_text(file.read_text().replace(".", "!", 1))  # the first stands in the sentence that says what it is for

    command = [sys.executable, "-c", EVENTS_READ, str(project.root / ".git/autoresearch")]
    paths = {**os.environ, "PYTHONPATH": str(other.parent)}
    done = subprocess.run(command, env=paths, check=True, capture_output=True, text=True)

    read, best, books_file = done.stdout.split()
    assert (int(read) == 0, best) == (believed, "8.0")
    assert books_file == str(other / "tools/session/store.py")


def test_a_summary_rests_on_the_fold_and_on_all_that_it_imports() -> None:
    files = foundations(advance.__module__)
    names = {file.relative_to(TOOLS).as_posix() for file in files}

    assert {f"session/{name}.py" for name in ("fold", "state", "events")} <= names
    assert {"decision/decide.py", "decision/race.py", "plan/model.py"} <= names
    assert "diagnostics/inspection.py" in names, "only constants of it are used"
    assert not {name for name in names if name.startswith(("workflows", "git", "storage"))}
    assert len(files) == len(names)


def test_a_byte_in_any_of_its_files_gives_another_digest(tmp_path: Path) -> None:
    files = foundations(advance.__module__)
    before = digest(files)
    for place, file in enumerate(files):
        changed = tmp_path / f"{place}.py"
        changed.write_bytes(file.read_bytes() + b"\n")
        assert digest([*files[:place], changed, *files[place + 1 :]]) != before


@pytest.mark.parametrize("names", [(), ("autoresearch_mcp.tools.nowhere",), (advance.__module__, "json")])
def test_a_digest_of_nothing_is_a_fault(names: tuple[str, ...]) -> None:
    with pytest.raises(RuntimeError, match="no source was found"):
        foundations(*names)


def test_an_old_record_edited_behind_a_running_server_is_found_by_the_next_call(project: Project) -> None:
    project.start()
    for value in (8, 9, 7):
        project.try_value(value)
    change(project, "UPDATE event SET body = replace(body, '8.0', '1.0') WHERE kind = 'verified' AND iteration = 1")

    with pytest.raises(Refusal, match=r"record \d+ .*verified, iteration 1.* was edited") as refused:
        project.try_value(6)

    assert refused.value.code is Code.JOURNAL_BROKEN


def test_a_journal_put_in_the_place_of_another_is_read_anew(project: Project, tmp_path: Path) -> None:
    file = project.root / ".git/autoresearch/journal.db"
    project.start().try_value(8)
    with database(project) as link:
        link.execute(f"VACUUM INTO '{tmp_path / 'copy.db'}'")
    project.try_value(7)
    for left in (f"{file}-wal", f"{file}-shm"):
        Path(left).unlink()
    (tmp_path / "copy.db").rename(file)

    with pytest.raises(Refusal, match=r"iteration 2 .* ends before it"):
        project.sessions.status()
    project.git("reset", "--quiet", "--hard", "HEAD^")
    assert project.sessions.status().iterations == 1


def test_two_servers_that_take_turns_see_each_others_rows(project: Project) -> None:
    project.start().try_value(8)
    first, second = project, project.copied_server()

    second.try_value(7)
    first.try_value(9)
    second.try_value(6)

    for server in (first, second):
        assert server.sessions.status().iterations == 4
        assert server.sessions.status().best == 6.0
    assert project.statuses() == ["baseline", "keep", "keep", "discard", "keep"]


def test_the_results_file_grows_and_what_somebody_edited_is_set_aside(project: Project) -> None:
    project.start().try_value(8)
    file = project.root / "autoresearch-results.tsv"
    inode = file.stat().st_ino
    project.try_value(9)

    assert file.stat().st_ino == inode
    file.write_text(file.read_text().replace("\t9\t", "\t1\t"))
    project.try_value(7)

    assert project.statuses() == ["baseline", "keep", "discard", "keep"]
    assert [row.split("\t")[2] for row in project.table()] == ["10", "8", "9", "7"]
    assert "\t1\t" in (project.root / "autoresearch-results.edited-1.tsv").read_text()


def test_a_line_that_was_written_in_part_is_written_again(project: Project) -> None:
    project.start().try_value(8)
    file = project.root / "autoresearch-results.tsv"
    file.write_text(file.read_text()[:-10])
    project.restart()

    project.try_value(9)

    assert project.statuses() == ["baseline", "keep", "discard"]
    assert not list(project.root.glob("*.edited-*"))


def test_rows_are_found_by_status_words_and_page(project: Project) -> None:
    project.start()
    for number, value in enumerate((8, 20, 7, 21, 6, 22), 1):
        project.try_value(value, f"try {'left' if number % 3 else 'right'}")
    history = project.review.history

    def numbers(**filters: object) -> tuple[list[int], int]:
        page = history(**filters)  # type: ignore[arg-type]
        return [row.iteration for row in page.rows], page.total or 0

    assert numbers(limit=2) == ([5, 6], 7)
    assert numbers(limit=2, before=5) == ([3, 4], 5)
    assert numbers(status="keep") == ([1, 3, 5], 3)
    assert numbers(status="keep", limit=1, before=5) == ([3], 2)
    assert numbers(status="baseline") == ([0], 1)
    assert numbers(search="RIGHT") == ([3, 6], 2)
    assert numbers(search="right", status="discard") == ([6], 1)
    assert "before=5" in history(limit=2).more


@pytest.mark.parametrize("noise", ["auto", "none", "3"])
@pytest.mark.parametrize("values", [(10.0, 10.0, 10.0, 10.0, 10.0), NOISY])
def test_a_session_that_was_frozen_and_thawed_goes_on_the_same(
    tmp_path: Path, noise: str, values: tuple[float, ...]
) -> None:
    project = Project(tmp_path / "repo", noise=noise, guards=()).start()
    start = project.lab.for_reading().active.start
    baseline = tuple(Measurement(value=value, seconds=1.0) for value in values)
    start = start.model_copy(update={"baseline": baseline})
    past: list[Event] = [start, *iteration(1, 9.0, Status.DISCARD), *iteration(2, 8.0, Status.KEEP)]
    future = [*iteration(3, 12.0, Status.DISCARD), *iteration(4, 7.0, Status.KEEP)]
    session = replay("one", [(1.0, event) for event in past])
    assert session is not None

    thawed = load_snapshot(dump_snapshot(session), start, "one")

    assert thawed == session
    whole = replay("one", [(1.0, event) for event in (*past, *future)])
    assert thawed is not None
    assert on(thawed, future) == on(session, future) == whole


def replay(session_id: str, events: Iterable[tuple[float, Event]]) -> Session | None:
    session: Session | None = None
    for at, event in events:
        session = advance(session, event, at, session_id)
    return session


def on(session: Session, events: Sequence[Event]) -> Session:
    for event in events:
        session = advance(session, event, 1.0, "one")
    return session


def iteration(number: int, value: float, status: Status) -> list[Event]:
    """What the journal holds of one try, with four runs of each arm."""
    made = Committed(
        iteration=number, commit=f"{number}", tree=f"{number}", description="x", files=(), added=1, removed=1
    )
    runs: list[Event] = [
        Verified(iteration=number, arm=arm, measurement=Measurement(value=base + place / 7, seconds=1.0))
        for place in range(4)
        for arm, base in ((Arm.CANDIDATE, value), (Arm.INCUMBENT, 10.0))
    ]
    undone: list[Event] = [] if status.kept else [Reverted(iteration=number, commit=f"r{number}")]
    row = Row(iteration=number, metric=value, delta=value - 10, gain=10 - value, status=status, description="x")
    return [made, *runs, *undone, Logged(iteration=number, row=row)]


def test_a_journal_that_names_a_rule_of_decision_is_still_read(project: Project) -> None:
    """Plans had the key `rule` once; what it chose beside ours was for comparison only."""
    project.start()
    started = project.lab.for_reading().active.start
    body = started.model_dump(mode="json")
    body["plan"]["rule"] = "race"

    assert Started.model_validate(body) == started


# --- The fold, event by event --------------------------------------------------------------------------------------------


@pytest.fixture
def committed(project: Project) -> Session:
    """A session of a noisy metric with a commit that was not measured yet."""
    start = project.start().lab.for_reading().active.start
    runs = tuple(Measurement(value=value, seconds=1.0) for value in NOISY)
    session = replay(
        "one", [(1.0, start.model_copy(update={"baseline": runs})), (1.0, iteration(1, 9.0, Status.KEEP)[0])]
    )
    assert session is not None
    return session


def verified(value: float | None, arm: Arm = Arm.CANDIDATE, **more: object) -> Verified:
    measurement = Measurement(value=value, seconds=2.0).model_copy(update=more)
    return Verified(iteration=1, arm=arm, measurement=measurement)


def test_a_look_at_the_incumbent_before_the_race_is_no_run_of_the_race(committed: Session) -> None:
    looked = on(committed, [verified(10.1, Arm.INCUMBENT)])
    raced = on(looked, [verified(9.0), verified(10.2, Arm.INCUMBENT)])

    assert (looked.open_trial.incumbent, looked.open_trial.incumbent_failures, looked.open_trial.seconds) == (
        (),
        0,
        2.0,
    )
    assert looked.judge != committed.judge, "the level was learnt"
    assert [run.value for run in raced.open_trial.candidate] == [9.0]
    assert [run.value for run in raced.open_trial.incumbent] == [10.2]


def test_an_incumbent_that_gives_no_number_is_counted_and_teaches_nothing(committed: Session) -> None:
    failed = on(committed, [verified(9.0), verified(None, Arm.INCUMBENT)])

    assert (failed.open_trial.incumbent, failed.open_trial.incumbent_failures) == ((), 1)
    assert failed.judge == on(committed, [verified(9.0)]).judge


@pytest.mark.parametrize("arm", Arm)
def test_a_number_of_a_bent_ruler_teaches_nothing(committed: Session, arm: Arm) -> None:
    bent = on(committed, [verified(1.0, arm, tampered=("check.sh",))])

    assert bent.judge == committed.judge
    assert (bent.open_trial.candidate, bent.open_trial.incumbent) == ((), ())
    assert bent.verdict is not None
    assert bent.verdict.status is Status.TAMPERED


def test_the_incumbents_curve_is_that_of_its_latest_run_that_has_one(committed: Session) -> None:
    curve, other = ((1.0, 4.0), (2.0, 3.0)), ((1.0, 3.9), (2.0, 2.9))
    told = [Trained(facts={}, curve=curve), Trained(facts={}, curve=other), Trained(facts={}), None]
    runs = [run.model_copy(update={"trained": one}) for run, one in zip(committed.start.baseline, told, strict=False)]
    begun = replay("one", [(1.0, committed.start.model_copy(update={"baseline": tuple(runs)}))])

    assert begun is not None
    assert begun.curve == other


@pytest.mark.parametrize(("status", "learnt"), [(Status.KEEP, True), (Status.DISCARD, False)])
def test_the_curve_of_a_try_is_the_incumbents_once_it_is_kept(committed: Session, status: Status, learnt: bool) -> None:
    curve = ((1.0, 4.0), (2.0, 3.0))
    measured = on(committed, [verified(9.0, trained=Trained(facts={}, curve=curve))])
    logged = iteration(1, 9.0, status)[-1]

    assert measured.curve == ()
    assert on(measured, [logged]).curve == (curve if learnt else ())


def test_a_fresh_run_teaches_only_of_the_incumbent_and_only_by_its_number(committed: Session) -> None:
    def again(iteration: int, value: float | None) -> Session:
        run = Measurement(value=value, seconds=1.0)
        return on(committed, [Remeasured(iteration=iteration, measurement=run)])

    assert again(7, 99.0).judge == again(0, None).judge == committed.judge
    assert again(0, 9.0).judge != committed.judge
    assert again(7, 99.0).runs == committed.runs + 1
