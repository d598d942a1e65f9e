"""What a fix ledger leaves to read: the iterations, what was not mended, how far the changes reach, every error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..ledger.ledger import Ledger
from ..ledger.pages import section
from ..ledger.rules import table
from .items import Broken
from .queue import ENDED, ErrorState, QueuedError, first_count, iterations, standings

HIGH_IMPACT, MEDIUM_IMPACT = 10, 3
"""More dependents than these make a change one of high or medium impact."""


def pages(ledger: Ledger) -> dict[str, str]:
    """Every file by its name."""
    rows = [_row(ledger, number, row) for number, row in enumerate(iterations(ledger), 1)]
    columns = ("iteration", "commit", "item", "category", "errors", "delta", "guard", "status", "description")
    stuck = [one for one in standings(ledger) if one.place in {ErrorState.BLOCKED, ErrorState.SET_ASIDE}]
    blocked = "\n".join(map(_blocked_page, stuck)) or "Nothing: no error was given up.\n"
    return {
        "fix-results.tsv": table(columns, rows),
        "blocked.md": f"# Not mended\n\n{blocked}",
        "impact-assessment.md": _impact_page(ledger),
        "errors.md": _errors_page(ledger),
    }


def _row(ledger: Ledger, number: int, facts: Mapping[str, Any]) -> tuple[object, ...]:
    entry = ledger.find(facts["item"])
    category = entry.item.found.trouble if entry and isinstance(entry.item, Broken) else "-"
    errors = "-" if facts["errors"] is None else facts["errors"]
    delta = "-" if facts["delta"] is None else f"{facts['delta']:+d}"
    status = "fixed" if facts["kept"] else facts["status"]
    commit = facts["commit"][:7]
    return (number, commit, facts["item"], category, errors, delta, facts["guard"], status, facts["description"])


def _blocked_page(one: QueuedError) -> str:
    what = one.entry.item.found
    tries = [
        f"- iteration {row['iteration']} ({row['status']}): {row['description']}. {row['why']}" for row in one.failures
    ]
    return section(f"{one.id}: {what.line_of_text}", [f"{one.place}: {one.reason}\n", *tries])


def _errors_page(ledger: Ledger) -> str:
    parts = []
    for place in ErrorState:
        lines = [
            f"- **{one.id}** {one.entry.item.found.line_of_text}" for one in standings(ledger) if one.place is place
        ]
        parts.append(section(place.capitalize(), lines))
    ended, first = ledger.latest(ENDED), first_count(ledger)
    after = ended.get("count")
    told = f"{first.get('count', 0)} errors at the start, {'not counted' if after is None else after} at the end"
    why = f" ({ended['problem']})" if ended.get("problem") else ""
    hidden = [f"- {line}" for line in ended.get("hidden", ())]
    parts.append(section("Hidden rather than mended", hidden))
    return f"# Errors\n\n{told}{why}, both counted by the server.\n\n" + "\n".join(part for part in parts if part)


def impact(dependents: int) -> str:
    """How far a change of a file reaches, by how many files import it."""
    return "HIGH" if dependents > HIGH_IMPACT else "MEDIUM" if dependents > MEDIUM_IMPACT else "LOW"


_CHECKS = {
    "HIGH": "run the whole suite and have it reviewed",
    "MEDIUM": "run the tests of what depends on it",
    "LOW": "its own tests do",
}


def _impact_page(ledger: Ledger) -> str:
    changed: Sequence[Mapping[str, Any]] = ledger.latest(ENDED).get("changed", ())
    rows = [
        f"| `{one['path']}` | {one['dependents']} | {impact(one['dependents'])} | {_CHECKS[impact(one['dependents'])]} |"
        for one in sorted(changed, key=lambda one: (-one["dependents"], one["path"]))
    ]
    how = (
        "Dependents are tracked files with an import, require or include that ends in the file's module name; "
        "what is loaded in another way is not seen."
    )
    body = (
        "\n".join(["| changed file | dependents | impact | so |", "|---|---|---|---|", *rows])
        if rows
        else "No file changed."
    )
    return f"# How far the changes reach\n\n{body}\n\n{how}\n"
