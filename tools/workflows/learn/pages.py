"""What was learned of a code base as files: its map, what the documents say against it, and a wiki's manifest."""

from __future__ import annotations

import json

from ..ledger.ledger import Ledger
from ..ledger.pages import many, section
from .documents import most_lines
from .items import DocumentReview, Exempt, LearnMode, Skip
from .seen import MAPPED, line_of, looks, mode_of, newest, open_problems, wanted


def scout_page(ledger: Ledger) -> str:
    """The map of the code, as it was when the ledger was opened."""
    facts = ledger.latest(MAPPED)
    languages = [f"| {name} | {files} | {lines} |" for name, files, lines in facts.get("languages", [])]
    parts = [f"| `{name}` | {files} | {lines} |" for name, files, lines in facts.get("areas", [])]
    symbols = [f"- `{name}` {kind}, {place}" for place, name, kind in facts.get("symbols", [])]
    left = facts.get("symbol_count", 0) - len(symbols)
    pages = [
        f"# The code at {ledger.commit[:7]}\n",
        f"{facts.get('files', 0)} files. Mode: {mode_of(ledger)}.\n",
        section("Languages", ["| language | files | lines |", "|---|---|---|", *languages] if languages else []),
        section("Areas", ["| folder | source files | lines |", "|---|---|---|", *parts] if parts else []),
        section("Where it begins", [f"- {place}" for place in facts.get("entries", [])]),
        section("Commands", [_command(*one) for one in facts.get("commands", [])]),
        section("Longest files", [f"- `{path}` ({many(lines, 'line')})" for path, lines in facts.get("largest", [])]),
        section("Symbols of Python", [*symbols, *([f"- and {left} more"] if left > 0 else [])]),
    ]
    return "\n".join(part for part in pages if part)


def _command(kind: str, text: str, source: str = "") -> str:
    """A command, and what tells of it: the file that declares it, or that there are files which it is for."""
    return f"- {kind}: `{text}`" + (f", seen from {source}" if source else "")


def report_page(ledger: Ledger) -> str:
    """What the last look found, document by document."""
    seen, wrong = newest(ledger), open_problems(ledger)
    rows = [
        f"| `{one.path}` | {one.lines} of {most_lines(one.path) or 'any'} | {one.held} of {one.claims} | {one.problems} | "
        + (f"{one.freshness}, {one.behind_s / 86400:.0f} days" if one.behind_s else f"{one.freshness}")
        + " |"
        for one in seen.documents
    ]
    head = ["| document | lines | claims that hold | problems | against the code |", "|---|---|---|---|---|"]
    due = [f"- `{path}`: {name}, {'there' if there else '**missing**'}" for name, path, there, _ in wanted(ledger)]
    due += [f"- `{item.document}`: not wanted: {item.because}" for item in ledger.items(Skip)]
    exempt = [
        f"- `{item.text}` in `{item.document}` ({item.because}): {item.explained}" for item in ledger.items(Exempt)
    ]
    reviews = [
        f"- `{item.document}`, seen `{item.location}`: {item.still_right}" for item in ledger.items(DocumentReview)
    ]
    more = [f"- and {seen.more_problems} more that are not listed"] if seen.more_problems else []
    rounds = [
        f"- {_look_name(place, mode_of(ledger))}: {many(look.wrong, 'problem')}"
        for place, look in enumerate(looks(ledger))
    ]
    pages = [
        "# What the documents say, held against the code\n",
        f"Open: {many(len(wrong) + seen.more_problems, 'problem')}.\n",
        section("Documents", [*head, *rows] if rows else []),
        section("Due", due),
        section("Problems", [*(f"- {line_of(problem)}" for problem in wrong), *more]),
        section("Said to be no claims", exempt),
        section("Said to be still right", reviews),
        section("Areas that no document names", [f"- `{name}`" for name in seen.undescribed]),
        section("Looks", rounds),
    ]
    return "\n".join(part for part in pages if part)


def _look_name(place: int, mode: LearnMode) -> str:
    if mode is LearnMode.CHECK and place:
        return f"look {place}"
    return ("at the opening", "after the writing")[place] if place < 2 else f"after repair {place - 1}"


def manifest_of(ledger: Ledger) -> str:
    """What the wiki consists of; it was planned before any page was written."""
    facts, seen = ledger.latest(MAPPED), newest(ledger)
    wrong = {problem.path for problem in open_problems(ledger)}
    users = facts.get("users", {})

    def standing(path: str, there: bool) -> str:
        return (
            "user's" if path in users else "failed" if path in wrong and there else "generated" if there else "planned"
        )

    pages = {path: {"status": standing(path, there), "type": name} for name, path, there, _ in seen.due}
    done = all(page["status"] in {"generated", "user's"} for page in pages.values())
    manifest = {
        "version": 1,
        "generated_by": "autoresearch",
        "generation_status": "complete" if done else "partial",
        "commit": ledger.commit,
        "modules_detected": facts.get("modules", []),
        "pages_planned": len(pages),
        "pages_generated": sum(page["status"] == "generated" for page in pages.values()),
        "pages": pages,
    }
    return json.dumps(manifest, indent=1) + "\n"
