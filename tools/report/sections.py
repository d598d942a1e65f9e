"""The sections of a session's report, each a function in `SECTIONS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..decision.calibration import median_runs
from ..decision.decide import Status
from ..decision.exact import Exact
from ..decision.measured import Curve
from ..decision.race import Race
from ..decision.seeded import Seeded
from ..plan.model import Direction
from ..session.events import Row
from ..session.results import number
from ..session.short_rows import RowLike
from ..session.state import Session
from ..session.summary import Summary, budget_left, count_of, noise_band
from ..session.telling import baseline_words, best_words, gained_words
from .drawing import curves_as_svg
from .morning import Morning, tries_words
from .page import (
    Curves,
    Details,
    Drawing,
    Fact,
    Facts,
    MorningView,
    PageSection,
    ReportedTry,
    ReportPage,
    Tone,
    Tries,
)
from .picture import Chapter, Mark, picture
from .rest import NO_REST, Rest
from .words import duration

MOST_DOTS = 1000
"""Tries that were not kept which a picture draws, and as many of those that were: more than one for each place across."""


@dataclass(frozen=True)
class ReportMaterial:
    """Everything that a report is made of. `chapter` is what the session puts into the picture, in which there are so many `dots`;
    the table shows those `listed`, and has the `rest` on demand; `details` are by iteration.

    `earlier` are the sessions before it on the branch that measured the same; `made` says when and of what version.
    """

    session: Session
    morning: Morning
    chapter: Chapter
    now: float
    started: str
    made: str
    earlier: Sequence[Chapter] = ()
    curves: Sequence[tuple[str, Curve]] = ()
    details: Mapping[int, Details] | None = None
    listed: Sequence[Row] = ()
    rest: Rest = NO_REST
    dots: int = MOST_DOTS


def page(material: ReportMaterial) -> ReportPage:
    """Compose the report of a session."""
    session, plan, morning = material.session, material.session.plan, material.morning
    found = (section(material) for section in SECTIONS)
    return ReportPage(
        title=morning.goal or "A session",
        subtitle=f"{plan.metric}, {plan.direction} is better, on {session.start.branch}; began {material.started}",
        state=morning.state,
        tone=Tone.BAD if morning.broken else Tone.GOOD if not session.finished else Tone.PLAIN,
        facts=main_facts(material),
        sections=[section for section in found if section is not None],
        footer=f"Session {session.id}. {material.made}",
    )


def chapter_of(session: Session, rows: Sequence[RowLike], others: Mapping[Mark, int]) -> Chapter:
    """Return what a session puts into the picture: rows, and how many `others` there are."""
    judge = session.judge
    relative = isinstance(judge, Race | Seeded) and judge.scale.relative and bool(judge.level)
    spread = judge.spread / abs(judge.level) if relative else judge.spread
    return Chapter(session.id, session.plan, rows, frozenset(session.headline.standing), spread, relative, others)


def subtitle(summary: Summary) -> str:
    """Say the session in one line."""
    way = summary.headline.replace("->", "→")
    best = f", best at #{summary.best_iteration}" if summary.best_iteration else ""
    if not summary.iterations:
        return f"{way}; no tries yet"
    checked = "; NOT CONFIRMED" if summary.confirmation.startswith("NOT") else ""
    return f"{way}{best}; {tries_words(summary.iterations)}, {summary.keeps:,} kept, {duration(60 * summary.minutes)}{checked}"


def main_facts(material: ReportMaterial) -> list[Fact]:
    """Return what a reader wants to know first."""
    session, summary = material.session, material.morning.summary
    kept, cost = bool(session.headline.claims), material.morning.cost
    others = [f"{count:,} {status}" for status, count in summary.counts.items() if not Status(status).kept]
    change = f"{gained_words(session)} from {baseline_words(session)}"
    facts = [
        Fact(
            "Best",
            best_words(session),
            change if kept else "the baseline: no change was kept",
            Tone.GOOD if session.best_iteration else Tone.PLAIN,
        ),
        Fact("Kept", f"{summary.keeps:,} of {summary.iterations:,}", ", ".join(others)),
        Fact(
            "Time",
            duration(cost.seconds),
            f"{duration(cost.measuring_seconds)} measuring, {count_of(cost.runs, 'run')} of verify, with the baseline",
        ),
        Fact("Noise", *_noise(session)),
    ]
    left = budget_left(session, material.now)
    if left:
        (first, amount), *rest = ((name.replace("_", " "), amount) for name, amount in left.items())
        facts.append(
            Fact("Left", f"{amount:,.4g}", ", ".join([first, *(f"{more:,.4g} {name}" for name, more in rest)]))
        )
    if session.plan.target_value is not None:
        reached = session.plan.gain(session.reference, session.plan.target_value) >= 0
        tone = Tone.GOOD if reached else Tone.PLAIN
        facts.append(Fact("Target", number(session.plan.target_value), "reached" if reached else "not reached", tone))
    return facts


def _noise(session: Session) -> tuple[str, str]:
    if not session.judge.spread:
        repeats = isinstance(session.judge, Exact) and session.plan.noise != "none"
        return ("none", "the metric repeats") if repeats else ("unknown", noise_band(session))
    return f"± {session.judge.spread:.3g}", "standard deviation of one run"


def _drawing(material: ReportMaterial) -> PageSection:
    return Drawing("progress", "Progress", picture([*material.earlier, material.chapter], material.dots))


def _curves(material: ReportMaterial) -> PageSection | None:
    svg = curves_as_svg(material.curves)
    return Curves("curves", "Learning curves", svg) if svg else None


def _tries(material: ReportMaterial) -> PageSection:
    kinds = tuple(mark for mark in Mark if material.chapter.marks[mark])
    return Tries("tries", "Tries", tries_of(material, material.listed[::-1]), kinds, material.rest)


def tries_of(material: ReportMaterial, rows: Sequence[Row]) -> list[ReportedTry]:
    """Return rows in words, with what is known of them."""
    lower, details = material.session.plan.direction == Direction.LOWER, material.details or {}
    standing = frozenset(material.session.headline.standing)
    return [ReportedTry(row, standing, lower, details.get(row.iteration)) for row in rows]


def _plan(material: ReportMaterial) -> PageSection:
    plan = material.session.plan
    rows = [
        ("Verify", plan.verify),
        ("Guards", "; ".join((*plan.guards, *plan.guard_metrics))),
        ("Scope", ", ".join(plan.scope)),
        ("Protected", ", ".join(plan.protected)),
        (
            "Rule",
            f"{'median' if median_runs(plan.noise) else 'race'}, noise {plan.noise}"
            + (f", at least {plan.min_effect}" if plan.min_effect else ""),
        ),
        ("Holdout", plan.holdout and f"asked {material.session.asked} times of at most {plan.holdout_budget}"),
    ]
    return Facts("plan", "Plan", [Fact(name, value) for name, value in rows if value])


def _morning(material: ReportMaterial) -> PageSection:
    return MorningView("morning", "What came of it", material.morning)


SECTIONS: tuple[Callable[[ReportMaterial], PageSection | None], ...] = (
    _morning,
    _drawing,
    _curves,
    _tries,
    _plan,
)
"""In the order of the page."""
