"""A contest as pages that people read: what came of it, how it got there, every text, every judge's words."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ..ledger.ledger import LedgerEntry
from ..ledger.pages import one_line, plain, quoted, section
from ..ledger.rules import table
from ..ledger.untrusted_text import flagged
from .briefs import told
from .contest import Contest, ContestRound, JudgedRound
from .items import CandidateText


def pages(contest: Contest, end: str) -> dict[str, str]:
    """Every file by its name; `end` says why it is over."""
    return {
        "overview.md": _overview(contest, end),
        "lineage.md": "# How it got there\n\n" + "\n".join(_lineage(one) for one in _begun(contest)),
        "candidates.md": "# Candidates\n\n" + "\n".join(map(_text, contest.ledger.of(CandidateText))),
        "judge-transcripts.md": "# What the judges said\n\n" + "\n".join(_transcript(one) for one in contest.done),
        "reason-results.tsv": _results(contest),
        "reason-lineage.jsonl": "".join(json.dumps(_record(contest, one)) + "\n" for one in contest.done),
    }


def _begun(contest: Contest) -> tuple[ContestRound, ...]:
    return contest.done if contest.now.critique is None and contest.done else (*contest.done, contest.now)


def _overview(contest: Contest, end: str) -> str:
    options, last = contest.options, contest.done[-1] if contest.done else None
    shown = [] if last is None else _shown(contest, last)
    left = [f"- {one.grade}: {plain(one.text)}" for one in last.left] if last else []
    parts = [
        f"# {plain(options.goal)}\n",
        (
            f"{end} {options.mode} mode, {options.judges} judges, {options.convergence} wins in a row to converge. The judges saw the texts under "
            "shuffled labels, without authors. Without a majority, first and runner-up votes together decide; if these tie, the incumbent "
            "stays.\n"
        ),
        *(_text(entry) for entry in shown),
        section("What was still said against it", left),
    ]
    return "\n".join(part for part in parts if part)


def _shown(contest: Contest, last: JudgedRound) -> list[LedgerEntry[CandidateText]]:
    """The text that holds; all of the last round where none does."""
    return [last.winner] if not contest.oscillates else list(last.candidates.values())


def _lineage(one: ContestRound) -> str:
    rows = [
        f"- {slot}: {entry.id}, {len(entry.item.text.split())} words{_mends(entry)}"
        for slot, entry in one.candidates.items()
    ]
    if one.critique:
        rows.append(f"- Critique {one.critique.id} of {one.critique.item.of}: {one.critique.item.title}")
    return section(f"Round {one.number}", [*rows, _outcome(one)])


def _mends(entry: LedgerEntry[CandidateText]) -> str:
    return f", mends {', '.join(entry.item.addresses)}" if entry.item.addresses else ""


def _outcome(one: ContestRound) -> str:
    if not isinstance(one, JudgedRound):
        return "\nNot decided."
    votes = ", ".join(f"{slot} {one.verdict.first.get(slot, 0)}" for slot in one.candidates)
    change = f"{one.winner.id} replaces {one.before.id}" if one.changed else f"{one.winner.id} stays"
    return f"\n**{one.verdict.winner}** wins by {one.verdict.how} (first votes: {votes}); {change}."


def _text(entry: LedgerEntry[CandidateText]) -> str:
    one = entry.item
    head = f"## {entry.id}: {one.slot} of round {one.round}{flagged(one.text)}\n"
    return f"{head}\n{quoted(one.text)}\n"


def _transcript(one: JudgedRound) -> str:
    labels = ", ".join(f"{label} = {slot} ({one.candidates[slot].id})" for label, slot in one.labels.items())
    critique = f"Critique {one.critique.id}:\n\n{told(one.critique.item)}\n"
    said = [
        f"**Judge {e.item.judge}**: {e.item.winner} first{f', {e.item.runner_up} second' if e.item.runner_up else ''}. "
        f"{e.item.reasons}{flagged(e.item.reasons)}\n"
        for e in one.votes
    ]
    return section(f"Round {one.number}: {labels}", [critique, *said])


def _results(contest: Contest) -> str:
    columns = (
        "round",
        "incumbent",
        "winner",
        "slot",
        "votes",
        "judges",
        "how",
        "fatal",
        "mended",
        "streak",
        "description",
    )
    return table(columns, list(_rows(contest, contest.done)))


def _rows(contest: Contest, done: Iterable[JudgedRound]) -> Iterable[tuple[object, ...]]:
    streak = 0
    for one in done:
        streak = 1 if one.changed else streak + 1
        yield (
            one.number,
            one.before.id,
            one.winner.id,
            one.verdict.winner,
            one.verdict.first.get(one.verdict.winner, 0),
            contest.options.judges,
            one.verdict.how,
            len([w for w in one.critique.item.weaknesses if w.grade == "fatal"]),
            len(one.critique.item.weaknesses) - len(one.left),
            streak,
            one_line(one.winner.item.text)[:80],
        )


def _record(contest: Contest, one: JudgedRound) -> dict[str, object]:
    """A round for programs: the labels, every vote, the count, the incumbent before and after, and the seed of the labels."""
    return {
        "round": one.number,
        "seed": contest.ledger.latest("seed").get("seed", ""),
        "labels": {label: {"slot": slot, "candidate": one.candidates[slot].id} for label, slot in one.labels.items()},
        "votes": [{"judge": e.item.judge, "winner": e.item.winner, "runner_up": e.item.runner_up} for e in one.votes],
        "tally": {slot: one.verdict.first.get(slot, 0) for slot in one.candidates},
        "named": {slot: one.verdict.named.get(slot, 0) for slot in one.candidates},
        "winner": one.verdict.winner,
        "how": one.verdict.how,
        "incumbent_before": one.before.id,
        "incumbent_after": one.winner.id,
    }
