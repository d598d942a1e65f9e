"""What holds for every ledger: admission, interruptions, chains, endings."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.lab.jobs import Job, JobRecord
from autoresearch_mcp.tools.session.events import Record
from autoresearch_mcp.tools.session.journal import Journal
from autoresearch_mcp.tools.verbs.planning import wanted_commands
from autoresearch_mcp.tools.vocabulary import Tool
from autoresearch_mcp.tools.workflows.ledger.state import ItemRecorded
from autoresearch_mcp.tools.workflows.running.store import Ledgers
from autoresearch_mcp.tools.workflows.status import ItemsTaken
from crashing import killed_before
from ledgers import FINDING, HYPOTHESIS, NO_PROOF, PROOF, WorkflowAgent, shop


@pytest.fixture
def agent(tmp_path: Path) -> WorkflowAgent:
    """A debug ledger that is open."""
    made = WorkflowAgent(shop(tmp_path / "repo"), "debug")
    made.open(goal="wrong totals", scope=["shop/**"])
    return made


@pytest.mark.parametrize(
    ("code", "changed", "told"),
    [
        (Code.EVIDENCE, {"location": "shop/basket.py:6"}, "There is no file shop/basket.py"),
        (Code.EVIDENCE, {"location": "shop/cart.py:2"}, "It stands at shop/cart.py:6: cite that"),
        (Code.EVIDENCE, {"location": "shop/cart.py:99"}, "has 6 lines, not 99"),
        (Code.EVIDENCE, {"quote": "return len(items) + 1"}, "`shop/cart.py:6` reads: `return len(items) - 1`"),
        (Code.EVIDENCE, {"quote": "-"}, "too short"),
        (Code.EVIDENCE, {"commit": "0123456789"}, "There is no commit 0123456789"),
        (Code.BAD_ARGUMENT, {"location": "cart"}, "location: has to be `path:line`"),
        (Code.MISSING_FIELD, {"claim": None}, "claim: is missing"),
        (Code.MISSING_FIELD, {"claim": "  "}, "claim"),
        (Code.MISSING_FIELD, {"claim": "\x00\u200b\x1b[2J"}, "claim"),
        (Code.BAD_ARGUMENT, {"kind": "opinion"}, "`kind` has to be one of hypothesis, finding"),
        (Code.BAD_ARGUMENT, {"score": 100}, "score: is not known here"),
        (Code.BAD_ARGUMENT, {"outcome": "luck"}, "outcome"),
        (Code.SECRET, {"seen": "it printed AKIAIOSFODNN7EXAMPLE"}, "`seen` holds a secret"),
        (Code.BAD_ARGUMENT, {"upstream": "predict-200101-all#P1"}, "which is not there"),
        (Code.BAD_ARGUMENT, {"reproduction": "python3 shop/cart.py; rm -rf ~"}, "is not run here"),
    ],
)
def test_what_is_not_so_is_refused_with_a_cure(
    agent: WorkflowAgent, code: Code, changed: dict[str, str], told: str
) -> None:
    assert told in agent.refused(code, HYPOTHESIS, **changed)


def test_a_duplicate_is_refused_and_the_item_that_stands_is_named(agent: WorkflowAgent) -> None:
    agent.record(HYPOTHESIS)
    agent.record(FINDING)

    assert "H1 says the same" in agent.refused(Code.DUPLICATE, HYPOTHESIS)
    assert "F1 already stands at shop/cart.py:6" in agent.refused(
        Code.DUPLICATE, FINDING, summary="Something else altogether"
    )


def test_a_quote_may_be_spaced_otherwise_and_run_over_lines(agent: WorkflowAgent) -> None:
    taken = agent.record(HYPOTHESIS, location="shop/cart.py:5-6", quote="def count(items):\n  return   len(items) - 1")

    assert taken.id == "H1"


def test_what_is_hidden_in_a_text_is_not_stored(agent: WorkflowAgent) -> None:
    agent.record(HYPOTHESIS, claim="count \u202eleaves out\u200b one \x1b[31mitem")

    events = [event for _, event in Ledgers(agent.project.lab.for_reading()).events(agent.status().ledger)]
    assert events[-1].model_dump()["item"]["claim"] == "count leaves out one item"


def test_a_line_with_a_secret_is_quoted_as_it_would_be_shown(tmp_path: Path) -> None:
    project = shop(tmp_path / "repo").write("key.py", 'key = "AKIAIOSFODNN7EXAMPLE"\n').commit("oh")
    agent = WorkflowAgent(project, "debug")
    agent.open()

    told = agent.refused(Code.SECRET, HYPOTHESIS, location="key.py:1", quote='key = "AKIAIOSFODNN7EXAMPLE"')
    masked = told.partition("again: ")[2]
    assert "AKIA" not in told
    assert agent.record(HYPOTHESIS, location="key.py:1", quote=masked).id == "H1"


def test_evidence_is_what_git_has_and_an_edit_is_not(agent: WorkflowAgent) -> None:
    agent.project.write("shop/cart.py", "a = 1\n")

    agent.record(HYPOTHESIS)
    told = agent.refused(Code.EVIDENCE, HYPOTHESIS, location="shop/cart.py:1", quote="a = 1", claim="a is one")
    assert "changes that are not committed" in told


def test_evidence_may_be_of_an_earlier_commit(agent: WorkflowAgent) -> None:
    old = agent.project.git("rev-parse", "--short", "HEAD")
    agent.project.write("shop/cart.py", "a = 1\n").commit("gone")

    agent.refused(Code.EVIDENCE, HYPOTHESIS)
    assert agent.record(HYPOTHESIS, commit=old).id == "H1"


def test_several_items_are_recorded_at_once_and_a_refusal_says_which_stand(agent: WorkflowAgent) -> None:
    answer = agent.taken(HYPOTHESIS, FINDING)

    assert [one.id for one in answer.recorded] == ["H1", "F1"]
    for odd in ([], [HYPOTHESIS] * 51):
        with pytest.raises(Refusal, match="Record 1 to 50 a call"):
            agent.taken(*odd)
    assert len(answer.text()) < 900
    with pytest.raises(Refusal) as refused:
        agent.taken(OPINION, {**FINDING, "quote": "elsewhere"}, FINDING)
    assert refused.value.code is Code.EVIDENCE
    assert refused.value.message.startswith(
        "Recorded H2: total forgets the tax (said to be confirmed, not run).\nItem 2 of 3"
    )
    assert agent.status().items == 3


WAITS = "python3 -c 'import shop.cart, time; time.sleep(600)'"
OPINION = {**HYPOTHESIS, **NO_PROOF, "claim": "total forgets the tax"}


def test_a_cancelled_list_ends_at_the_item_that_was_at_work(agent: WorkflowAgent) -> None:
    told: list[str] = []

    def work() -> None:
        with pytest.raises(Refusal) as refused:
            agent.taken(OPINION, {**HYPOTHESIS, "reproduction": WAITS}, {**OPINION, "claim": "prices are text"})
        told.append(refused.value.message)

    at_work = threading.Thread(target=work)
    at_work.start()
    other = Lab(agent.project.root, allow_commands=True).for_reading()
    while not other.runs.runner.alive():
        other = Lab(agent.project.root, allow_commands=True).for_reading()
    other.runs.runner.cancel_all()
    at_work.join()

    assert "Recorded H1: total forgets the tax (said to be confirmed, not run).\nItem 2 of 3 was refused" in told[0]
    assert "The call was cancelled. Make it again to go on." in told[0]
    assert agent.status().items == 1


def test_a_list_goes_on_behind_what_a_killed_server_had_recorded(agent: WorkflowAgent) -> None:
    items: list[dict[str, Any]] = [OPINION, HYPOTHESIS, dict(FINDING)]

    def call(server: str) -> ItemsTaken:
        arguments = {"workflow": "debug", "item": items}
        job = Job(JobRecord(run="run-1", tool=Tool.RECORD, arguments=arguments, server=server), ItemsTaken)
        copy_context().run(job.work, lambda: agent.verbs.record("debug", items))
        answer = job.outcome()
        assert isinstance(answer, ItemsTaken)
        return answer

    def third(journal: Journal, name: str, at: float, events: Sequence[Record]) -> bool:
        return any(isinstance(one, ItemRecorded) and one.id == "F1" for one in events)

    killed_before(Journal, "append", third, lambda: call("one"))
    agent.restart()
    assert agent.status().items == 2

    assert [one.id for one in call("two").recorded] == ["H1", "H2", "F1"]
    with pytest.raises(Refusal, match="H1 says the same"):
        agent.taken(*items)


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("git switch --quiet --create away", ""),
        ("git commit --quiet --allow-empty --message x", "What it committed is kept as"),
        ("git switch --quiet --create away && git commit --quiet --allow-empty --message x", ""),
        ("git commit --quiet --all --message x && git switch --quiet --create away", "What it committed is kept as"),
        ("git switch --quiet --detach", ""),
    ],
)
def test_an_experiment_that_commits_or_switches_is_refused_and_head_put_back(
    agent: WorkflowAgent, tmp_path: Path, deed: str, told: str
) -> None:
    (tmp_path / "deed.py").write_text(
        f"import shop.cart, subprocess\nsubprocess.run({deed!r}, shell=True)\nraise SystemExit(1)\n"
    )
    git = agent.project.git
    agent.project.write("shop/db.py", "an edit of the user's\n").write("new.txt", "not in git\n")
    before = (git("rev-parse", "HEAD"), git("rev-parse", "--abbrev-ref", "HEAD"))

    said = agent.refused(Code.EVIDENCE, HYPOTHESIS, reproduction=f"PYTHONPATH=. python3 {tmp_path}/deed.py")

    assert "committed or switched branch. HEAD is back at main." in said
    assert told in said
    assert (git("rev-parse", "HEAD"), git("rev-parse", "--abbrev-ref", "HEAD")) == before
    assert agent.project.read("shop/db.py") == "an edit of the user's\n"
    assert agent.project.read("new.txt") == "not in git\n"


def test_a_reason_for_an_end_that_stands_already_is_refused(agent: WorkflowAgent) -> None:
    agent.close(why="out of time")

    assert agent.close(why="out of time") == agent.close()
    with pytest.raises(Refusal, match="is closed as interrupted, and its end is sealed") as refused:
        agent.close(why="it was done")
    assert refused.value.code is Code.SEALED


def test_the_server_runs_a_reproduction_and_records_what_it_saw(agent: WorkflowAgent) -> None:
    agent.record(HYPOTHESIS)

    ran = agent.record(FINDING).ran

    assert ran is not None
    assert (ran.exit_code, ran.why) == (1, "")
    assert "AssertionError" in ran.tail
    assert "findings shown 1/1" in agent.status().coverage


def test_a_reproduction_that_shows_nothing_counts_for_nothing(agent: WorkflowAgent) -> None:
    agent.record(HYPOTHESIS)

    assert agent.record(FINDING, **{**PROOF, "fails_with": "an injection"}).ran is not None
    assert "findings shown 0/1" in agent.status().coverage


def test_without_consent_a_command_is_not_run_but_offered_to_a_person(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "debug", allow_commands=False)
    agent.open()
    agent.record(HYPOTHESIS)

    touching = 'python3 -c \'import shop; open("ran.txt", "w")\''

    ran = agent.record(FINDING, **{**PROOF, "reproduction": touching}).ran

    assert ran is not None
    assert ran.exit_code is None
    assert "nobody agreed" in ran.why
    assert not (agent.project.root / "ran.txt").exists()
    assert set(wanted_commands(Lab(agent.project.root))) == {PROOF["reproduction"], PROOF["control"], touching}


def test_a_new_server_goes_on_where_the_last_one_was(agent: WorkflowAgent) -> None:
    agent.record(HYPOTHESIS)
    before = agent.status()

    agent.restart()

    assert agent.status() == before
    assert agent.record(FINDING).id == "F1"


def test_a_bare_goal_is_answered_with_the_workflows_that_lead_there(agent: WorkflowAgent) -> None:
    way = agent.verbs.workflow("auto", "open", {"goal": "customers see wrong totals"})

    assert way.lines()[0].startswith("debug -> fix -> regression -> ship; a person may change it.")
    with pytest.raises(Refusal, match="goal"):
        agent.verbs.workflow("auto")


def test_opening_twice_is_opening_once_and_other_options_are_refused(agent: WorkflowAgent) -> None:
    first = agent.status()

    assert agent.open() == first
    assert agent.open(goal="wrong totals", scope=["shop/**"]) == first
    with pytest.raises(Refusal, match="sealed") as refused:
        agent.open(goal="something else")
    assert refused.value.code is Code.SEALED


def test_opening_twice_is_opening_once_where_the_chain_came_from_the_ledger_before(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "predict")
    agent.open(chain="debug, fix")
    agent.close(why="seen enough")
    onward = WorkflowAgent(agent.project, "debug")

    opened = onward.open(goal="wrong totals")

    assert onward.open(goal="wrong totals") == opened
    with pytest.raises(Refusal, match="other options") as refused:
        onward.open(goal="wrong totals", chain="ship")
    assert refused.value.code is Code.SEALED


def test_what_is_missing_keeps_a_ledger_open_unless_a_reason_is_given(agent: WorkflowAgent) -> None:
    agent.record(HYPOTHESIS)
    with pytest.raises(Refusal, match="a finding for H1") as refused:
        agent.close()
    assert refused.value.code is Code.INCOMPLETE

    closed = agent.close(why="out of time")

    assert closed.status == "interrupted"
    assert agent.handoff(closed)["why"] == "out of time"
    assert agent.handoff(closed)["missing"] == ["a finding for H1, which was confirmed"]


def test_a_closed_ledger_leaves_its_files_unseen_by_git_and_closing_again_brings_them_back(
    agent: WorkflowAgent,
) -> None:
    agent.record(HYPOTHESIS)
    agent.record(FINDING)

    closed = agent.close()
    (agent.project.root / closed.handoff).unlink()

    assert agent.close() == closed
    assert closed.status == "complete"
    assert agent.handoff(closed)["findings"][0]["id"] == "F1"
    assert "The cart shows one item too few" in agent.file(closed, "summary.md")
    assert agent.project.git("status", "--porcelain") == ""


def test_a_closed_ledger_takes_nothing_and_the_next_is_another(agent: WorkflowAgent) -> None:
    agent.close(why="enough")
    with pytest.raises(Refusal) as refused:
        agent.record(HYPOTHESIS)
    assert refused.value.code is Code.NOT_OPEN

    assert agent.open(goal="wrong totals").ledger.endswith("-wrong-totals-2")


def test_what_a_ledger_holds_is_part_of_the_chain_of_the_journal(agent: WorkflowAgent) -> None:
    agent.record(HYPOTHESIS)
    with sqlite3.connect(agent.project.root / ".git" / "autoresearch" / "journal.db") as link:
        link.execute("DROP TRIGGER event_is_never_changed")
        link.execute("UPDATE event SET body = replace(body, 'one item', 'no item') WHERE kind = 'ledger-item'")

    agent.restart()
    with pytest.raises(Refusal, match="was edited"):
        agent.status()


@pytest.mark.parametrize("in_a_call", [True, False])
def test_a_ledger_that_is_edited_behind_a_running_server_is_noticed(agent: WorkflowAgent, in_a_call: bool) -> None:
    agent.record(HYPOTHESIS)
    agent.record(FINDING)
    ledgers = Ledgers(agent.project.lab.for_reading())
    name = agent.status().ledger
    read = ledgers.named(name)
    assert ledgers.named(name) == read

    with sqlite3.connect(agent.project.root / ".git" / "autoresearch" / "journal.db") as link:
        link.execute("DROP TRIGGER event_is_never_changed")
        link.execute("UPDATE event SET body = replace(body, 'one item', 'no item') WHERE kind = 'ledger-item'")

    with pytest.raises(Refusal, match="was edited"):
        ledgers.named(name) if in_a_call else agent.status()


def test_what_another_server_writes_is_read_during_a_call(agent: WorkflowAgent) -> None:
    ledgers = Ledgers(agent.project.lab.for_reading())
    name = agent.status().ledger
    before = ledgers.named(name)
    agent.record(HYPOTHESIS)

    after = ledgers.named(name)
    assert before is not None
    assert after is not None
    assert [len(one.entries) for one in (before, after)] == [0, 1]


def test_a_ledger_may_be_written_while_a_session_is_open(agent: WorkflowAgent) -> None:
    agent.project.start()

    agent.record(HYPOTHESIS)

    assert agent.project.try_value(5).status == "keep"


def test_a_ledger_of_an_earlier_version_goes_on_without_what_is_gone_since(agent: WorkflowAgent) -> None:
    now = agent.record(HYPOTHESIS)
    id = agent.status().ledger
    with Lab(agent.project.root).for_writing("", Tool.RECORD) as context:
        ledgers = Ledgers(context)
        entry = next(event for _, event in ledgers.events(id) if isinstance(event, ItemRecorded))
        older = entry.model_copy(update={"id": "H2", "item": {**entry.item, "mood": "sure"}})
        gone = entry.model_copy(update={"id": "H3", "item": {"kind": "hunch", "text": "it smells"}})
        context.journal.append(id, context.now(), (older, gone))
    agent.restart()
    there = Ledgers(Lab(agent.project.root).for_reading()).named(id)
    assert there is not None
    assert (there.retired, [one.title for one in there.items(type(there.entries[0].item))]) == (
        ("H3",),
        [now.title] * 2,
    )
    assert agent.record({**OPINION, "claim": "the discount is never taken off"}).id == "H4"
    assert "read no more" in agent.file(agent.close(why="enough"), "summary.md")
