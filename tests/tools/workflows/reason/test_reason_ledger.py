"""Contests of texts: the server hides who wrote them, counts the votes, and says when one of them stays."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.workflows.ledger.items import Workflow
from autoresearch_mcp.tools.workflows.ledger.rules import read_item, read_options
from autoresearch_mcp.tools.workflows.ledger.state import ItemRecorded, LedgerEvent, Observed, Opened, folded
from autoresearch_mcp.tools.workflows.reason.contest import Contest, How, Slot, verdict
from ledgers import WorkflowAgent, shop

TASK = "Where should the till keep its carts?"
WEAKNESSES = [
    {"grade": "fatal", "text": "Carts are gone after a restart"},
    {"grade": "major", "text": "Two tills cannot share one"},
    {"grade": "minor", "text": "Nobody can look at it"},
]
CRITIQUE: dict[str, Any] = {"kind": "critique", "weaknesses": WEAKNESSES}


def text(slot: str, number: int = 1, **more: object) -> dict[str, Any]:
    return {"kind": "candidate", "slot": slot, "text": f"alpha{number} answer of {hashed(slot, number)}", **more}


def hashed(slot: str, number: int) -> str:
    """A word that stands for an author and does not give it away."""
    return hashlib.sha256(f"{slot}{number}".encode()).hexdigest()[:12]


def vote(judge: int, winner: str, runner_up: str = "") -> dict[str, Any]:
    other = next(label for label in "XYZ" if label != winner)
    return {"kind": "vote", "judge": judge, "winner": winner, "runner_up": runner_up or other, "reasons": "it holds"}


def critique(number: int) -> dict[str, Any]:
    return {
        "kind": "critique",
        "weaknesses": [f"{grade}: flaw{grade}{number}" for grade in ("FATAL", "MAJOR", "MINOR")],
    }


@pytest.fixture
def agent(tmp_path: Path) -> WorkflowAgent:
    """A contest that is open, without a text."""
    made = WorkflowAgent(shop(tmp_path / "repo"), "reason")
    made.open(goal=TASK)
    return made


@pytest.fixture
def voting(agent: WorkflowAgent) -> WorkflowAgent:
    """The first round is ready for its judges."""
    for item in (text("A"), CRITIQUE, text("B", addresses="1, 2"), text("AB")):
        agent.record(item)
    return agent


def label_of(agent: WorkflowAgent, slot: str, number: int = 1) -> str:
    """The label under which the judges see a text; told by its words, as its author could."""
    told = brief(agent, "judge")
    return next(
        label
        for label in "XYZ"
        if f"--- {label} ---\n" in told
        and hashed(slot, number) in told.partition(f"--- {label} ---\n")[2].partition("--- end")[0]
    )


def played(agent: WorkflowAgent, number: int, winner: str, held: tuple[str, int]) -> tuple[str, int]:
    """One whole round that a slot wins; returns which text is the incumbent then."""
    for item in (critique(number), text("B", number, addresses=["1"]), text("AB", number)):
        agent.record(item)
    chosen = label_of(agent, *(held if winner == "A" else (winner, number)))
    for judge in (1, 2, 3):
        agent.record(vote(judge, chosen))
    return held if winner == "A" else (winner, number)


def brief(agent: WorkflowAgent, role: str, **more: object) -> str:
    return "\n".join(agent.verbs.workflow("reason", "status", {"role": role, **more}).state)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"goal": TASK, "judges": 4}, "there are 3, 5 or 7 judges"),
        ({"goal": TASK, "judges": 9}, "there are 3, 5 or 7 judges"),
        ({"goal": TASK, "convergence": 1}, "convergence"),
        ({"goal": TASK, "convergence": 6}, "convergence"),
        ({"goal": TASK, "mode": "violent"}, "convergent|creative|debate"),
        ({"goal": TASK, "seed": "0"}, "seed"),
        ({}, "goal: Field required"),
    ],
)
def test_a_contest_that_could_not_be_decided_is_not_opened(
    tmp_path: Path, options: dict[str, object], told: str
) -> None:
    with pytest.raises(Refusal) as refused:
        WorkflowAgent(shop(tmp_path / "repo"), "reason").open(**options)
    assert refused.value.code is Code.BAD_ARGUMENT
    assert told in refused.value.message


@pytest.mark.parametrize(
    ("before", "code", "item", "told"),
    [
        (0, Code.OUT_OF_ORDER, CRITIQUE, "It is not the turn of the critique. Round 1. Next: the author"),
        (0, Code.OUT_OF_ORDER, text("B"), "It is not the turn of the candidate B"),
        (0, Code.BAD_ARGUMENT, text("A", addresses="1"), "The author of A does not know the critique"),
        (1, Code.OUT_OF_ORDER, text("A", 2), "A is C1, the incumbent"),
        (1, Code.OUT_OF_ORDER, text("B"), "Next: the critic"),
        (
            1,
            Code.DUPLICATE,
            {**text("A"), "text": f"Alpha1  answer, of {hashed('A', 1)}!"},
            "C1 is this text, word for word",
        ),
        (1, Code.BAD_ARGUMENT, {"kind": "critique", "weaknesses": WEAKNESSES[:2]}, "at least 3 items"),
        (1, Code.BAD_ARGUMENT, {"kind": "critique", "weaknesses": ["meh", "meh", "meh"]}, "weaknesses"),
        (1, Code.BAD_ARGUMENT, {**CRITIQUE, "of": "C1"}, "The server fills in of"),
        (2, Code.DUPLICATE, CRITIQUE, "K1 says nearly the same"),
        (
            2,
            Code.BAD_ARGUMENT,
            text("B", addresses="1, 4"),
            "There is no weakness 4. `addresses` takes numbers from 1 to 3",
        ),
        (2, Code.BAD_ARGUMENT, text("B", addresses="first"), "There is no weakness first"),
        (2, Code.OUT_OF_ORDER, text("AB"), "Next: the challenger"),
        (2, Code.OUT_OF_ORDER, vote(1, "X"), "The vote is not open yet"),
        (3, Code.DUPLICATE, {**text("AB"), "text": text("A")["text"]}, "C1 is this text, word for word"),
        (3, Code.BAD_ARGUMENT, text("AB", addresses="1"), "The author of AB does not know the critique"),
        (4, Code.BAD_ARGUMENT, vote(4, "X"), "There is no judge 4: they are 1 to 3"),
        (4, Code.BAD_ARGUMENT, vote(0, "X"), "judge"),
        (4, Code.BAD_ARGUMENT, vote(1, "W"), "X|Y|Z"),
        (4, Code.BAD_ARGUMENT, vote(1, "X", "X"), "`runner_up` is the winner itself"),
        (4, Code.MISSING_FIELD, {**vote(1, "X"), "runner_up": ""}, "`runner_up` is needed among three texts"),
        (4, Code.MISSING_FIELD, {**vote(1, "X"), "reasons": ""}, "reasons"),
        (4, Code.OUT_OF_ORDER, text("B", 2), "Next: judges 1, 2, 3"),
        (4, Code.BAD_ARGUMENT, {**vote(1, "X"), "round": 3}, "The server fills in round"),
    ],
)
def test_what_is_out_of_turn_or_wrong_is_refused(
    agent: WorkflowAgent, before: int, code: Code, item: dict[str, Any], told: str
) -> None:
    for one in (text("A"), CRITIQUE, text("B", addresses="1, 2"), text("AB"))[:before]:
        agent.record(one)

    assert told in agent.refused(code, item)


def test_a_judge_votes_once_a_round_and_for_a_label_that_is_there(voting: WorkflowAgent, tmp_path: Path) -> None:
    voting.record(vote(2, "Y"))

    assert "already stands at judge 2 in round 1" in voting.refused(Code.DUPLICATE, vote(2, "X"))

    two = WorkflowAgent(shop(tmp_path / "two"), "reason")
    two.open(goal=TASK, mode="debate")
    for item in (text("A"), CRITIQUE, text("B")):
        two.record(item)
    assert "There is no synthesis in this contest" in two.refused(Code.OUT_OF_ORDER, text("AB"))
    assert "There is no text Z in this round: X, Y" in two.refused(Code.BAD_ARGUMENT, vote(1, "Z"))


def test_each_role_reads_what_it_may_and_nothing_else(agent: WorkflowAgent) -> None:
    secret = {slot: hashed(slot, 1) for slot in ("A", "B", "AB")}
    assert TASK in brief(agent, "author")
    agent.record(text("A"))
    assert secret["A"] in brief(agent, "critic")
    agent.record(CRITIQUE)
    assert {secret["A"], "1. fatal: Carts are gone after a restart"} <= words(brief(agent, "challenger"), secret["A"])
    agent.record(text("B"))
    told = brief(agent, "synthesizer")
    assert secret["A"] in told
    assert secret["B"] in told
    assert "Carts are gone" not in told
    agent.record(text("AB"))
    told = brief(agent, "judge", judge=2)
    assert "You are judge 2 of 3 in round 1." in told
    assert all(word in told for word in secret.values())
    assert "Carts are gone" not in told
    with pytest.raises(Refusal, match="It is not the critic's turn"):
        brief(agent, "critic")
    with pytest.raises(Refusal, match="`status` takes here role"):
        brief(agent, "spy")


def words(told: str, *wanted: str) -> set[str]:
    """The lines of a brief, and those words that it holds."""
    return {*told.splitlines(), *(word for word in wanted if word in told)}


def test_nothing_tells_whose_text_a_label_is_before_every_vote_is_in(voting: WorkflowAgent) -> None:
    told = [voting.status().text(), voting.status().model_dump_json(), brief(voting, "judge", judge=1)]
    for judge in (1, 2):
        told += [voting.taken(vote(judge, "X")).text(), voting.status().model_dump_json()]
    told.append(voting.refused(Code.DUPLICATE, vote(1, "Y")))
    assert not [text for text in told if " was A" in text or "C1" in text.replace("V1", "") or '"seed"' in text]

    voting.record(vote(3, "X"))

    assert "was AB" in voting.status().text()


def test_labels_follow_from_a_seed_that_the_server_drew_and_shows_at_the_end(voting: WorkflowAgent) -> None:
    shown = {label_of(voting, slot): slot for slot in ("A", "B", "AB")}
    for judge in (1, 2, 3):
        voting.record(vote(judge, "X"))

    closed = voting.close(why="shown")

    row = json.loads(voting.file(closed, "reason-lineage.jsonl"))
    drawn = sorted(("A", "B", "AB"), key=lambda slot: hashlib.sha256(f"{row['seed']} 1 {slot}".encode()).hexdigest())
    assert dict(zip("XYZ", drawn, strict=True)) == shown
    assert {label: one["slot"] for label, one in row["labels"].items()} == shown
    assert len(row["seed"]) == 32


def test_every_order_of_labels_is_as_likely() -> None:
    orders = Counter(tuple(shuffled(str(seed)).now.labels.values()) for seed in range(600))

    # 600 throws of a fair die with six sides: 100 each, with a deviation of 9.
    assert len(orders) == 6
    assert all(60 < count < 140 for count in orders.values())


def shuffled(seed: str) -> Contest:
    """A first round ready to vote, whose labels were drawn with a seed."""
    opened = Opened(workflow=Workflow.REASON, branch="main", commit="c", options={"goal": TASK}, folder="f")
    items = [text("A"), CRITIQUE, text("B"), text("AB")]
    events: list[LedgerEvent] = [
        opened,
        Observed(what="seed", commit="c", facts={"seed": seed}),
        *(ItemRecorded(id=f"I{n}", commit="c", item={**item, "round": 1}) for n, item in enumerate(items)),
    ]
    return Contest(folded("reason-1", [(0.0, event) for event in events], read_options, read_item))


A, B, AB = Slot.A, Slot.B, Slot.AB


@pytest.mark.parametrize(
    ("ballots", "winner", "how"),
    [
        ([(B, A), (B, A), (A, B)], B, How.MAJORITY),
        ([(A, B), (B, AB), (AB, B)], B, How.RUNNER_UP),  # named: A 1, B 3, AB 2
        ([(A, B), (B, AB), (AB, A)], A, How.INCUMBENT),  # named: two each
        ([(B, AB), (B, AB), (AB, B), (AB, B), (A, B)], B, How.RUNNER_UP),  # 2 2 1; named: B 5, AB 4
        (
            [(B, A), (B, A), (B, AB), (AB, A), (AB, A), (A, AB), (A, AB)],
            A,
            How.RUNNER_UP,
        ),  # 3 of 7 is none; A 6, AB 5, B 3
        ([(B, AB), (B, AB), (AB, B), (AB, B), (A, None)], A, How.INCUMBENT),  # B and AB are named 4 times each
        ([(AB, A)] * 4 + [(A, AB)] * 3, AB, How.MAJORITY),
    ],
)
def test_a_round_goes_to_the_majority_then_to_who_is_named_most_then_to_the_incumbent(
    ballots: list[tuple[Slot, Slot | None]], winner: Slot, how: How
) -> None:
    told = verdict(ballots, len(ballots))

    assert (told.winner, told.how) == (winner, how)


def test_it_converges_when_one_text_wins_often_enough_in_a_row(agent: WorkflowAgent) -> None:
    agent.record(text("A"))
    held = played(agent, 1, "AB", ("A", 1))
    with pytest.raises(Refusal, match="the critique in round 2") as refused:
        agent.close()
    assert refused.value.code is Code.INCOMPLETE
    held = played(agent, 2, "A", held)
    assert agent.status().coverage == ["wins in a row 2/3"]

    played(agent, 3, "A", held)

    assert "it converged. Close the ledger" in agent.refused(Code.SATURATED, critique(4))
    closed = agent.close()
    assert closed.status == "converged"
    assert held == ("AB", 1)
    assert closed.scores == {}, "votes are opinions: they decide the contest and measure nothing"


def test_another_winner_begins_the_count_anew(agent: WorkflowAgent) -> None:
    agent.record(text("A"))
    held = ("A", 1)
    for number, winner in enumerate(("A", "A", "B"), 1):
        held = played(agent, number, winner, held)

    assert "C6 holds, 1 in a row." in agent.status().state


def test_going_in_circles_ends_it_and_shows_every_text(agent: WorkflowAgent) -> None:
    agent.record(text("A"))
    held = ("A", 1)
    for number, winner in enumerate(("B", "B", "A", "AB", "B"), 1):
        held = played(agent, number, winner, held)
    assert "Next: the critic" in agent.status().state[0]
    played(agent, 6, "AB", held)

    assert "it goes in circles" in agent.refused(Code.SATURATED, critique(7))
    closed = agent.close()
    assert closed.status == "complete"
    shown = agent.file(closed, "overview.md")
    assert all(hashed(*one) in shown for one in (("B", 5), ("B", 6), ("AB", 6)))


def test_a_creative_contest_goes_through_all_its_rounds(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "reason")
    agent.open(goal=TASK, mode="creative", iterations=4)
    agent.record(text("A"))
    for number in range(1, 5):
        played(agent, number, "A", ("A", 1))

    assert "4 of 4 rounds are over" in agent.refused(Code.SATURATED, critique(9))
    assert agent.close().status == "complete"


def test_rounds_that_are_used_up_without_a_winner_end_it_as_bounded(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "reason")
    agent.open(goal=TASK, iterations=1)
    agent.record(text("A"))
    played(agent, 1, "A", ("A", 1))

    assert "No round" in agent.refused(Code.INCOMPLETE, critique(2))
    assert agent.close().status == "bounded"


def test_a_long_text_is_read_part_by_part_to_its_end(agent: WorkflowAgent) -> None:
    long = " ".join(f"word{number}" for number in range(1400))
    agent.record({**text("A"), "text": long})
    assert "Parts: A in 3." in brief(agent, "critic")

    parts = [brief(agent, "critic", read="A", part=part) for part in (1, 2, 3)]

    assert "".join(part.split("\n")[1] for part in parts) == long
    assert "You may read: A in 3." in brief(agent, "critic", read="B")
    assert "You may read: A in 3." in brief(agent, "critic", read="A", part=4)


def test_judges_judge_with_the_eyes_that_were_given_to_them(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "reason")
    agent.open(goal=TASK, judge_personas="a shopkeeper, an auditor", context="There are two tills.")
    for item in (text("A"), CRITIQUE, text("B"), text("AB")):
        agent.record(item)

    assert "with the eyes of: an auditor" in brief(agent, "judge", judge=2)
    assert "eyes" not in brief(agent, "judge", judge=3)
    assert "--- context ---\nThere are two tills." in brief(agent, "judge", judge=3)


def test_it_leaves_the_text_how_it_got_there_and_every_word_of_the_judges(voting: WorkflowAgent) -> None:
    winner = label_of(voting, "B")
    for judge in (1, 2):
        voting.record(vote(judge, winner))
    voting.record(vote(3, label_of(voting, "A"), winner))

    closed = voting.close(why="shown")

    assert hashed("B", 1) in voting.file(closed, "overview.md")
    assert "- minor: Nobody can look at it" in voting.file(closed, "overview.md")
    assert "**B** wins by majority (first votes: A 1, B 2, AB 0); C2 replaces C1." in voting.file(closed, "lineage.md")
    assert "## C3: AB of round 1" in voting.file(closed, "candidates.md")
    assert f"**Judge 1**: {winner} first" in voting.file(closed, "judge-transcripts.md")
    row = voting.file(closed, "reason-results.tsv").splitlines()[1].split("\t")
    assert row[:10] == ["1", "C1", "C2", "B", "2", "3", "majority", "1", "2", "1"]
    record = json.loads(voting.file(closed, "reason-lineage.jsonl"))
    assert (record["tally"], record["incumbent_before"], record["incumbent_after"]) == (
        {"A": 1, "B": 2, "AB": 0},
        "C1",
        "C2",
    )
    findings = voting.handoff(closed)["findings"]
    assert [(one["id"], one["kind"], one["severity"]) for one in findings] == [
        ("C2", "decision", "info"),
        ("K1", "weakness", "low"),
    ]


STEPS = [
    text("A"),
    CRITIQUE,
    text("B", addresses="1"),
    text("AB"),
    vote(1, "X"),
    vote(2, "X"),
    vote(3, "Y"),
    critique(2),
]


@pytest.mark.parametrize("after", range(1, len(STEPS)))
def test_interrupted_anywhere_it_goes_on_without_a_lost_or_doubled_item(tmp_path: Path, after: int) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "reason")
    agent.open(goal=TASK)
    for item in STEPS[:after]:
        agent.record(item)
    before = agent.status()

    agent.restart()

    assert agent.status() == before
    with pytest.raises(Refusal, match=r"word for word|nearly the same|already stands|not open yet"):
        agent.record(STEPS[after - 1])
    for item in STEPS[after:]:
        agent.record(item)
    assert agent.status().items == len(STEPS)
