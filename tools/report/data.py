"""A session as a text for people."""

from __future__ import annotations

from collections.abc import Sequence

from ..session.certainty import honest_best, luck_words, noise_band
from ..session.events import Row
from ..session.results import number
from ..session.state import Session
from ..session.summary import Summary
from ..session.trained import Curve, overlaid

LONGEST_TABLE = 40
LONGEST_LIST = 20


def as_text(
    session: Session, rows: Sequence[Row], summary: Summary, integrity: str, curves: Sequence[tuple[str, Curve]] = ()
) -> str:
    """Goal, summary, kept changes with their effect, learning curves, and the table of tries; a long table keeps its newest
    rows.
    """
    plan = session.plan
    kept = [row for row in rows if row.status.kept]
    return "\n".join(
        [
            f"Goal: {plan.goal}",
            f"Metric: {plan.metric} ({plan.direction} is better), measured by `{plan.verify}`; scope {', '.join(plan.scope)}",
            *summary.lines(),
            *certainty(session),
            integrity,
            "",
            "Kept changes:",
            *(
                [
                    f"  #{row.iteration} {row.commit[:7]} {_delta(row)}  {row.description[:100]}"
                    for row in kept[-LONGEST_LIST:]
                ]
                or ["  none"]
            ),
            "",
            *learning(curves),
            *table(rows),
        ]
    )


def certainty(session: Session) -> list[str]:
    """Noise, the chance of luck, the honest estimate of the best, and how often the holdout was asked."""
    plan = session.plan
    asked = f"Holdout asked {session.asked} times of at most {plan.holdout_budget}." if plan.holdout else ""
    return [
        line for line in (f"Noise: {noise_band(session)}.", luck_words(session), honest_best(session), asked) if line
    ]


def learning(curves: Sequence[tuple[str, Curve]]) -> list[str]:
    """Learning curves over one another: the loss at even shares of the budget."""
    lines = overlaid(curves)
    return (
        ["Learning curves, loss in nats a token by share of the budget:", *(f"  {line}" for line in lines), ""]
        if lines
        else []
    )


def table(rows: Sequence[Row]) -> list[str]:
    """The rows as aligned columns."""
    shown = rows[-LONGEST_TABLE:]
    cells = [("#", "commit", "metric", "delta", "guard", "status", "description"), *(_cells(row) for row in shown)]
    widths = [max(len(row[column]) for row in cells) for column in range(6)]
    left_out = [f"({len(rows) - len(shown)} earlier rows left out)"] if len(rows) > len(shown) else []
    return left_out + ["  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[6]]) for row in cells]


def _cells(row: Row) -> tuple[str, ...]:
    description = row.description if len(row.description) <= 70 else row.description[:69] + "…"
    return (
        str(row.iteration),
        row.commit[:7] or "-",
        number(row.metric),
        _delta(row),
        row.guard,
        str(row.status),
        description,
    )


def _delta(row: Row) -> str:
    return "-" if row.delta is None else f"{row.delta:+.5g}"
