"""Cheats with the books: the journal, the results file, git's history, the order of calls and their arguments."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from cheats import SIZE, SMALL, WORK, Fooled, golf, listed
from mcp import Client

from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.verbs.running import Running
from autoresearch_mcp.tools.vocabulary import Phase
from conftest import Project

Play = Callable[[Path], None]
IN_THE_BOOKS: dict[str, Play] = {}
HOLES: dict[str, str] = {}
HONEST = "echo '1 2 3 '\n"


def cheat(name: str, hole: str = "") -> Callable[[Play], Play]:
    """Put a cheat on the list; `hole` says why it still succeeds."""

    def put(play: Play) -> Play:
        IN_THE_BOOKS[name] = play
        if hole:
            HOLES[name] = hole
        return play

    return put


def under_way(tmp_path: Path) -> Project:
    """A session with one keep and one discard."""
    project = golf(tmp_path).start()

    def go_on() -> None:
        project.write("src/work.sh", HONEST)
        assert project.loop.iterate("shorter").status is Status.KEEP
        project.write("src/work.sh", WORK + "# longer\n")
        assert project.loop.iterate("longer").status is Status.DISCARD

    return project.once("a keep and a discard", go_on)


def tries(project: Project) -> Callable[[], object]:
    """The agent's next call."""
    project.write("src/work.sh", WORK + "# one more\n")
    return lambda: project.loop.iterate("one more")


def refused(call: Callable[[], object], code: Code, says: str) -> None:
    with pytest.raises(Refusal, match=says) as found:
        call()
    assert found.value.code is code, found.value.message


# --- The journal and the results file ----------------------------------------------------------------------------------


def edit_journal(project: Project, *commands: str) -> None:
    """Whoever has the file can drop its triggers."""
    with sqlite3.connect(project.root / ".git/autoresearch/journal.db") as database:
        for trigger in ("event_is_never_changed", "event_is_never_removed"):
            database.execute(f"DROP TRIGGER {trigger}")
        for command in commands:
            database.execute(command)


@cheat("a number edited in the journal")
def journal_edited(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    edit_journal(project, """UPDATE event SET body = replace(body, '"value":14.0', '"value":1.0')""")

    refused(tries(project), Code.JOURNAL_BROKEN, "record")


@cheat("a record taken out of the journal")
def journal_thinned(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    edit_journal(project, "DELETE FROM event WHERE number = (SELECT max(number) - 2 FROM event)")

    refused(tries(project), Code.JOURNAL_BROKEN, "record")


@cheat("a forged record at the end of the journal")
def journal_forged(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    last = "(SELECT max(number) FROM event)"
    forged = (
        "INSERT INTO event SELECT number + 1, session, at, kind, iteration, body, digest, 'abc' "
        f"FROM event WHERE number = {last}"
    )
    edit_journal(project, forged)

    refused(tries(project), Code.JOURNAL_BROKEN, "record")


@cheat(
    "a measurement added to the journal, chained as it should be",
    hole="it is only told: whoever can write the file can go on with it, and receipts are not asked for",
)
def measurement_forged(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    tries(project)
    project.loop.commit("not measured")
    for _ in range(2):
        _measure_by_hand(project, 1.0)

    try:
        status = project.loop.log().status
    except Refusal:
        return
    assert "not all are by a server of this account" in project.review.report().report
    if status is Status.KEEP:
        raise Fooled(project.review.report().report)


def _measure_by_hand(project: Project, value: float) -> None:
    told = {"kind": "verified", "iteration": 1, "arm": "candidate", "measurement": {"value": value, "exit_code": 0}}
    with sqlite3.connect(project.root / ".git/autoresearch/journal.db") as database:
        last = "SELECT digest, number, session, at FROM event ORDER BY number DESC LIMIT 1"
        digest, number, session, at = database.execute(last).fetchone()
        record = (number + 1, session, at, "verified", 1, json.dumps(told))
        chained = hashlib.sha256(json.dumps([digest, *record]).encode()).hexdigest()
        database.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*record, digest, chained))


@cheat("the journal deleted, to begin with a better past")
def journal_deleted(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    for file in (project.root / ".git/autoresearch").glob("journal*"):
        file.unlink()
    project.restart()

    refused(tries(project), Code.JOURNAL_BROKEN, "does not have that session")


@cheat("a better row in the results file")
def results_forged(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    forged = project.read("autoresearch-results.tsv").replace("discard", "keep").replace("\t14\t", "\t1\t")
    project.write("autoresearch-results.tsv", forged)
    tries(project)()

    assert project.statuses()[:3] == ["baseline", "keep", "discard"]
    assert project.read("autoresearch-results.edited-1.tsv") == forged


@cheat("a bad row taken out of the results file")
def results_thinned(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    lines = project.read("autoresearch-results.tsv").splitlines(keepends=True)
    project.write("autoresearch-results.tsv", "".join(lines[:-1]))
    tries(project)()

    assert project.statuses()[:3] == ["baseline", "keep", "discard"]


# --- git's history -----------------------------------------------------------------------------------------------------


@cheat("a commit behind the server's back")
def commit_behind(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    project.write("src/work.sh", SMALL).commit("a keep of my own")

    refused(lambda: project.loop.iterate("nothing more"), Code.HEAD_MOVED, "HEAD is at")


@cheat("a commit of the agent's own, handed in as a step that was interrupted")
def forged_intent(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    old = project.git("rev-parse", "HEAD")
    project.write("helper.sh", WORK).write("src/work.sh", ". ./helper.sh\n").commit("outside the scope")
    _hand_in_head(project, old)

    refused(lambda: project.loop.iterate("shorter"), Code.HEAD_MOVED, "HEAD is at")


def _hand_in(project: Project, old: str, new: str, event: dict[str, Any], **more: object) -> None:
    """An intent as a server writes it, with a step that no server began."""
    intent = {"session": project.lab.for_reading().active.id, "old": old, "new": new, "event": event, **more}
    project.write(".git/autoresearch/intent.json", json.dumps(intent))


def _hand_in_head(project: Project, old: str) -> None:
    """HEAD as the commit of a try that a server was about to make on top of `old`."""
    new, tree = project.git("rev-parse", "HEAD", "HEAD^{tree}").splitlines()
    made = {"kind": "committed", "iteration": 1, "commit": new, "tree": tree, "files": ["src/work.sh"]}
    _hand_in(project, old, new, made | {"description": "shorter", "hypothesis": "", "added": 1, "removed": 4})


@cheat("two commits of the agent's own, of which the second is handed in as a step that was interrupted")
def forged_on_a_ruler(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    project.write("bench.sh", "echo METRIC bytes=1\n").commit("a ruler of my own")
    old = project.git("rev-parse", "HEAD")
    project.write("src/work.sh", SMALL).commit("a change within the scope")
    _hand_in_head(project, old)

    refused(lambda: project.loop.iterate("shorter"), Code.HEAD_MOVED, "HEAD is at")


@cheat("two commits of the agent's own within the scope, handed in as one step that was interrupted")
def forged_in_one(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    old = project.git("rev-parse", "HEAD")
    project.write("src/work.sh", HONEST).commit("a change of my own")
    project.write("src/work.sh", SMALL).commit("another")
    _hand_in_head(project, old)

    refused(lambda: project.loop.iterate("shorter"), Code.HEAD_MOVED, "HEAD is at")


@cheat("a commit of the agent's own, handed in as an undo that was interrupted, with nothing to undo")
def forged_undo(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    old = project.git("rev-parse", "HEAD")
    project.write("src/work.sh", SMALL).commit("an undo of my own")
    new = project.git("rev-parse", "HEAD")
    _hand_in(project, old, new, {"kind": "reverted", "iteration": 1, "commit": new}, base=new)

    refused(lambda: project.loop.iterate("shorter"), Code.HEAD_MOVED, "HEAD is at")


@cheat("a commit of the agent's own, handed in as the undo of a try that crashed")
def forged_undo_of_a_crash(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    base = project.git("rev-parse", "HEAD")
    project.write("src/work.sh", SMALL)
    assert project.loop.iterate("shorter").phase is Phase.FIX
    old = project.git("rev-parse", "HEAD")
    project.write("src/work.sh", ":\n:\n").commit("an undo of my own")
    new = project.git("rev-parse", "HEAD")
    _hand_in(project, old, new, {"kind": "reverted", "iteration": 1, "commit": new}, base=base)

    refused(lambda: project.loop.revert(), Code.HEAD_MOVED, "HEAD is at")


@cheat("a commit of the agent's own, handed in as an undo to a place of its choice")
def forged_base(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    project.write("src/work.sh", SMALL)
    assert project.loop.iterate("shorter").phase is Phase.FIX
    old = project.git("rev-parse", "HEAD")
    project.write("src/work.sh", ":\n:\n").commit("an undo of my own")
    new = project.git("rev-parse", "HEAD")
    _hand_in(project, old, new, {"kind": "reverted", "iteration": 1, "commit": new}, base=new)

    refused(lambda: project.loop.revert(), Code.HEAD_MOVED, "HEAD is at")


@cheat("the branch reset, to get rid of the incumbent")
def reset(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    project.git("reset", "--quiet", "--hard", "HEAD~2")

    refused(tries(project), Code.HEAD_MOVED, "HEAD is at")


@cheat("the experiment's commit amended")
def amended(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    project.git("commit", "--quiet", "--amend", "-m", "experiment: much better")

    refused(tries(project), Code.HEAD_MOVED, "HEAD is at")


@cheat("another branch, with a past of its own")
def other_branch(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    project.git("switch", "--quiet", "-c", "mine")

    refused(tries(project), Code.NO_SESSION, "No session is open on this branch")


@cheat("the change stashed after its commit")
def stashed(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    project.write("src/work.sh", "echo '1 2 3 ';\n")
    project.git("stash", "--quiet")

    answer = project.loop.iterate("what was stashed")

    assert (answer.status, answer.metric) == (Status.NO_OP, None)


# --- The order of calls ------------------------------------------------------------------------------------------------


@cheat("a row without a measurement")
def log_first(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    tries(project)
    project.loop.commit("not measured")

    refused(project.loop.log, Code.OUT_OF_ORDER, "`log` is not possible in phase `committed`")


@cheat("the guard skipped")
def guard_skipped(tmp_path: Path) -> None:
    project = golf(tmp_path, guards=("! grep -q bad src/work.sh",)).start()
    project.write("src/work.sh", HONEST)
    project.loop.commit("shorter")
    project.loop.verify()

    refused(project.loop.log, Code.OUT_OF_ORDER, "`log` is not possible in phase `verified`")


@cheat("a bad measurement thrown away by a revert")
def revert_first(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    tries(project)
    project.loop.commit("not measured")

    refused(project.loop.revert, Code.OUT_OF_ORDER, "`revert` is not possible in phase `committed`")


@cheat("the session ended in the middle of a bad try")
def finished_in_the_middle(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    tries(project)
    project.loop.commit("not measured")

    refused(project.sessions.finish_session, Code.OUT_OF_ORDER, "is not possible in phase")


@cheat("the server killed before it writes a bad row")
def killed_before_the_row(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    tries(project)
    project.loop.commit("one more")
    project.loop.verify()
    project.restart()
    project.write("src/work.sh", "echo 1 2 3\n")

    refused(lambda: project.loop.commit("another idea in its place"), Code.OUT_OF_ORDER, "in phase `discarded`")

    project.loop.revert()
    project.loop.log()
    assert project.statuses() == ["baseline", "keep", "discard", "discard"]


@cheat("the answer of an earlier run asked for again")
def earlier_run(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    tries(project)
    project.loop.commit("not measured")
    good = project.review.history(iteration=1).rows[0].receipts[0]
    running = Running(project.lab)

    refused(lambda: running.wait(good), Code.BAD_ARGUMENT, "No run")
    refused(lambda: running.cancel(good), Code.BAD_ARGUMENT, "No run")


@cheat("a discard measured again until it is a keep")
def verified_again(tmp_path: Path) -> None:
    project = golf(tmp_path).start()
    project.write("src/work.sh", WORK + "# longer\n")
    project.loop.commit("longer")
    project.loop.verify()

    refused(project.loop.verify, Code.OUT_OF_ORDER, "`verify` is not possible in phase `discarded`")


@cheat("a session begun again, with an easier plan")
def begun_again(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    easier = project.plan.model_copy(update={"verify": "echo METRIC bytes=1"})

    refused(lambda: project.sessions.start_session(easier), Code.SESSION_ACTIVE, "A session is open on this branch")


@cheat("a command that nobody agreed to")
def not_agreed(tmp_path: Path) -> None:
    project = golf(tmp_path)
    own = Project.restart.__get__(project)
    own()
    project.lab = Lab(project.root)
    project.sessions = type(project.sessions)(project.lab)

    refused(lambda: project.sessions.start_session(project.plan), Code.CONSENT_NEEDED, "nobody agreed yet")


# --- Arguments ---------------------------------------------------------------------------------------------------------


def answered(project: Project, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What the server answers over the protocol."""

    async def ask() -> dict[str, Any]:
        async with Client(build_server(Lab(project.root, allow_commands=True))) as client:
            result = await client.call_tool(tool, arguments)
            assert result.structured_content is not None
            return dict(result.structured_content)

    return anyio.run(ask)


@cheat("a metric of the agent's own as an argument")
def metric_given(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    project.write("src/work.sh", WORK)

    for tool in ("iterate", "verify", "log"):
        told = answered(
            project, tool, {"description": "better", "metric": 1.0} if tool == "iterate" else {"metric": 1.0}
        )
        assert (told["code"], "There is no argument `metric`" in told["message"]) == ("bad-argument", True)


@cheat("a verdict of the agent's own as an argument")
def status_given(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    project.write("src/work.sh", WORK)

    told = answered(project, "iterate", {"description": "better", "status": "keep"})

    assert told["code"] == "bad-argument"
    assert project.statuses() == ["baseline", "keep", "discard"]


@cheat("another command for one measurement")
def command_given(tmp_path: Path) -> None:
    project = under_way(tmp_path)

    told = answered(project, "verify", {"verify": "echo METRIC bytes=1"})

    assert "There is no argument `verify`" in told["message"]


@cheat("a forged row in the description")
def row_in_words(tmp_path: Path) -> None:
    project = under_way(tmp_path)
    project.write("src/work.sh", WORK)

    project.loop.iterate("worse\n9\tabc\t1\t-99\tpass\tkeep\tmine")

    assert project.statuses() == ["baseline", "keep", "discard", "discard"]
    assert json.loads(project.review.history(iteration=3).model_dump_json())["rows"][0]["metric"] == SIZE


@pytest.mark.parametrize("name", listed(IN_THE_BOOKS, HOLES))
def test_a_cheat_with_the_books_earns_nothing(tmp_path: Path, name: str) -> None:
    IN_THE_BOOKS[name](tmp_path)
