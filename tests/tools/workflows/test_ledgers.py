"""What holds for every ledger: the door, interruptions, chains, endings."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.verbs.planning import wanted_commands
from autoresearch_mcp.tools.workflows.running.store import Ledgers
from ledgers import Desk, shop

HYPOTHESIS = {
    "kind": "hypothesis",
    "location": "shop/cart.py:6",
    "quote": "return len(items) - 1",
    "claim": "count leaves out one item",
    "refuted_if": "count([1, 2]) were 2",
    "technique": "minimal-reproduction",
    "experiment": "called count([1, 2])",
    "seen": "it returned 1",
    "outcome": "confirmed",
    "line": "off by one",
}
FINDING = {
    "kind": "finding",
    "location": "shop/cart.py:6",
    "quote": "return len(items) - 1",
    "summary": "The cart shows one item too few",
    "hypothesis": "H1",
    "severity": "high",
    "reproduction": "python3 test_cart.py",
    "root_cause": "one is subtracted for no reason",
    "impact": "every customer",
}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A debug ledger that is open."""
    made = Desk(shop(tmp_path / "repo"), "debug")
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
        (Code.MISSING_FIELD, {"experiment": None}, "experiment: Field required"),
        (Code.MISSING_FIELD, {"claim": "  "}, "claim"),
        (Code.MISSING_FIELD, {"claim": "\x00\u200b\x1b[2J"}, "claim"),
        (Code.BAD_ARGUMENT, {"kind": "opinion"}, "`kind` has to be one of hypothesis, finding"),
        (Code.BAD_ARGUMENT, {"score": 100}, "score: Extra inputs are not permitted"),
        (Code.BAD_ARGUMENT, {"technique": "luck"}, "technique"),
        (Code.SECRET, {"seen": "it printed AKIAIOSFODNN7EXAMPLE"}, "`seen` holds a secret"),
        (Code.BAD_ARGUMENT, {"upstream": "predict-200101-all#P1"}, "which is not there"),
        (Code.BAD_ARGUMENT, {"reproduction": "rm -rf ~"}, "is not run here"),
    ],
)
def test_what_is_not_so_is_refused_with_a_cure(desk: Desk, code: Code, changed: dict[str, str], told: str) -> None:
    assert told in desk.refused(code, HYPOTHESIS, **changed)


def test_a_duplicate_is_refused_and_the_item_that_stands_is_named(desk: Desk) -> None:
    desk.record(HYPOTHESIS)
    desk.record(FINDING)

    assert "H1 says nearly the same" in desk.refused(Code.DUPLICATE, HYPOTHESIS, claim="count leaves one item out")
    assert "F1 already stands at shop/cart.py:6" in desk.refused(
        Code.DUPLICATE, FINDING, summary="Something else altogether"
    )


def test_a_quote_may_be_spaced_otherwise_and_run_over_lines(desk: Desk) -> None:
    taken = desk.record(HYPOTHESIS, location="shop/cart.py:5-6", quote="def count(items):\n  return   len(items) - 1")

    assert taken.id == "H1"


def test_what_is_hidden_in_a_text_is_not_stored(desk: Desk) -> None:
    desk.record(HYPOTHESIS, claim="count \u202eleaves out\u200b one \x1b[31mitem")

    events = [event for _, event in Ledgers(desk.project.lab.open()).events(desk.status().ledger)]
    assert events[-1].model_dump()["item"]["claim"] == "count leaves out one item"


def test_a_line_with_a_secret_is_quoted_as_it_would_be_shown(tmp_path: Path) -> None:
    project = shop(tmp_path / "repo").write("key.py", 'key = "AKIAIOSFODNN7EXAMPLE"\n').commit("oh")
    desk = Desk(project, "debug")
    desk.open()

    told = desk.refused(Code.SECRET, HYPOTHESIS, location="key.py:1", quote='key = "AKIAIOSFODNN7EXAMPLE"')
    masked = told.partition("again: ")[2]
    assert "AKIA" not in told
    assert desk.record(HYPOTHESIS, location="key.py:1", quote=masked).id == "H1"


def test_evidence_is_what_git_has_and_an_edit_is_not(desk: Desk) -> None:
    desk.project.write("shop/cart.py", "a = 1\n")

    desk.record(HYPOTHESIS)
    told = desk.refused(Code.EVIDENCE, HYPOTHESIS, location="shop/cart.py:1", quote="a = 1", claim="a is one")
    assert "changes that are not committed" in told


def test_evidence_may_be_of_an_earlier_commit(desk: Desk) -> None:
    old = desk.project.git("rev-parse", "--short", "HEAD")
    desk.project.write("shop/cart.py", "a = 1\n").commit("gone")

    desk.refused(Code.EVIDENCE, HYPOTHESIS)
    assert desk.record(HYPOTHESIS, commit=old).id == "H1"


def test_the_server_runs_a_reproduction_and_records_what_it_saw(desk: Desk) -> None:
    desk.record(HYPOTHESIS)

    ran = desk.record(FINDING).ran

    assert ran is not None
    assert (ran.exit_code, ran.why) == (1, "")
    assert "AssertionError" in ran.tail
    assert desk.status().scores["debug"] == 100


def test_a_reproduction_that_shows_nothing_counts_for_nothing(desk: Desk) -> None:
    desk.record(HYPOTHESIS)

    assert desk.record(FINDING, reproduction="true").ran is not None
    assert desk.status().scores["debug"] == 50


def test_without_consent_a_command_is_not_run_but_offered_to_a_person(tmp_path: Path) -> None:
    desk = Desk(shop(tmp_path / "repo"), "debug", allow_commands=False)
    desk.open()
    desk.record(HYPOTHESIS)

    ran = desk.record(FINDING, reproduction="touch ran.txt").ran

    assert ran is not None
    assert ran.exit_code is None
    assert "nobody agreed" in ran.why
    assert not (desk.project.root / "ran.txt").exists()
    assert wanted_commands(Lab(desk.project.root)) == ("touch ran.txt",)


def test_a_new_server_goes_on_where_the_last_one_was(desk: Desk) -> None:
    desk.record(HYPOTHESIS)
    before = desk.status()

    desk.restart()

    assert desk.status() == before
    assert desk.record(FINDING).id == "F1"


def test_opening_twice_is_opening_once_and_other_options_are_refused(desk: Desk) -> None:
    first = desk.status()

    assert desk.open() == first
    assert desk.open(goal="wrong totals", scope=["shop/**"]) == first
    with pytest.raises(Refusal, match="sealed") as refused:
        desk.open(goal="something else")
    assert refused.value.code is Code.SEALED


def test_opening_twice_is_opening_once_where_the_chain_came_from_the_ledger_before(tmp_path: Path) -> None:
    desk = Desk(shop(tmp_path / "repo"), "predict")
    desk.open(chain="debug, fix")
    desk.close(why="seen enough")
    onward = Desk(desk.project, "debug")

    opened = onward.open(goal="wrong totals")

    assert onward.open(goal="wrong totals") == opened
    with pytest.raises(Refusal, match="other options") as refused:
        onward.open(goal="wrong totals", chain="ship")
    assert refused.value.code is Code.SEALED


def test_what_is_missing_keeps_a_ledger_open_unless_a_reason_is_given(desk: Desk) -> None:
    desk.record(HYPOTHESIS)
    with pytest.raises(Refusal, match="a finding for H1") as refused:
        desk.close()
    assert refused.value.code is Code.INCOMPLETE

    closed = desk.close(why="out of time")

    assert closed.status == "interrupted"
    assert desk.handoff(closed)["why"] == "out of time"
    assert desk.handoff(closed)["missing"] == ["a finding for H1, which was confirmed"]


def test_a_closed_ledger_leaves_its_files_unseen_by_git_and_closing_again_brings_them_back(desk: Desk) -> None:
    desk.record(HYPOTHESIS)
    desk.record(FINDING)

    closed = desk.close()
    (desk.project.root / closed.handoff).unlink()

    assert desk.close() == closed
    assert closed.status == "complete"
    assert desk.handoff(closed)["findings"][0]["id"] == "F1"
    assert "The cart shows one item too few" in desk.file(closed, "summary.md")
    assert desk.project.git("status", "--porcelain") == ""


def test_a_closed_ledger_takes_nothing_and_the_next_is_another(desk: Desk) -> None:
    desk.close(why="enough")
    with pytest.raises(Refusal) as refused:
        desk.record(HYPOTHESIS)
    assert refused.value.code is Code.NOT_OPEN

    assert desk.open(goal="wrong totals").ledger.endswith("-wrong-totals-2")


def test_what_a_ledger_holds_is_part_of_the_chain_of_the_journal(desk: Desk) -> None:
    desk.record(HYPOTHESIS)
    with sqlite3.connect(desk.project.root / ".git" / "autoresearch" / "journal.db") as link:
        link.execute("DROP TRIGGER event_is_never_changed")
        link.execute("UPDATE event SET body = replace(body, 'one item', 'no item') WHERE kind = 'ledger-item'")

    desk.restart()
    with pytest.raises(Refusal, match="was edited"):
        desk.status()


def test_a_ledger_may_be_written_while_a_session_is_open(desk: Desk) -> None:
    desk.project.start()

    desk.record(HYPOTHESIS)

    assert desk.project.try_value(5).status == "keep"
