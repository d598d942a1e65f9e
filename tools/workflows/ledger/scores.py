"""Every score of every workflow, from checked items alone. The ancestor's formulas stay visible where they reward volume, as
coverage; beside each stands one that does not.

Sources: the formulas named `ancestor` are those of Claude Autoresearch (its last version with all of them, 2.0.04), as
facts; the others are ours. A function takes plain counts, so that a test can compute it by hand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """One number with its name. `most` is its upper bound, None where it has none: such a score counts work, not quality."""

    name: str
    value: float
    most: float | None = 100.0


def share(part: float, whole: float) -> float:
    """A part of a whole, from 0 to 1; 0 of nothing."""
    return min(1.0, max(0.0, part / whole)) if whole > 0 else 0.0


# --- debug -----------------------------------------------------------------------------------------------------------

TECHNIQUES = 7


def debug_ancestor(findings: int, hypotheses: int, files_read: int, files_in_scope: int, techniques: int) -> Score:
    """15 a finding, 3 a hypothesis, up to 40 for the share of files read, up to 10 for the share of techniques used.

    Unbounded: it grows with the number of findings and hypotheses, so it counts work. Source: ancestor.
    """
    looked = share(files_read, files_in_scope) * 40 + share(techniques, TECHNIQUES) * 10
    return Score("debug coverage", findings * 15 + hypotheses * 3 + looked, None)


def debug_quality(settled: int, hypotheses: int, reproduced: int, findings: int) -> Score:
    """Half for the share of hypotheses that an experiment settled, confirmed or disproven; half for the share of findings
    whose reproduction the server ran and saw fail. 0 to 100; without findings only the first half can be had.
    """
    return Score("debug", 50 * share(settled, hypotheses) + 50 * share(reproduced, findings))


# --- fix -------------------------------------------------------------------------------------------------------------

REDUCTION, GUARDED = 60, 25
QUALITY_FLOOR = -20


def fix_ancestor(
    before: int, left: int, hiding: dict[str, int], *, guarded: bool, discards: int, compound: bool
) -> Score:
    """Up to 60 for the share of the first count that is gone; less 5 for each suppression, 10 for each skipped or deleted
    test, 3 for each type that says nothing, together no less than -20; 25 if no guard ever failed; 10 for no errors left, 5
    for no discards, 5 if what surfaced on the way is mended too. -20 to 105, which is what can really be had. Source: ancestor,
    with the guard that its printed total leaves out.

    `hiding` has the numbers `other`, `tests` and `any`.
    """
    reduction = share(before - left, before) * REDUCTION
    quality = max(QUALITY_FLOOR, -(5 * hiding["other"] + 10 * hiding["tests"] + 3 * hiding["any"]))
    bonus = 10 * (left == 0) + 5 * (discards == 0) + 5 * compound
    return Score("fix points", reduction + quality + GUARDED * guarded + bonus, 105.0)


def fix_quality(known: int, left: int, hidden: int) -> Score:
    """The share of all errors ever seen, those that surfaced on the way among them, that are gone and not merely hidden.
    0 to 100; 100 where there never were any.
    """
    return Score("fix", 100 * share(known - left - hidden, known) if known else 100.0)


# --- security --------------------------------------------------------------------------------------------------------

OWASP_CATEGORIES = 10
STRIDE_THREATS = 6


def security_ancestor(owasp: int, stride: int, findings: int) -> Score:
    """50 for the share of the ten OWASP categories tested, 30 for the share of the six threats, 1 a finding up to 20.

    0 to 100. It grows with the number of findings, so it counts work: clean code earns 80 at most. Source: ancestor.
    """
    looked = share(owasp, OWASP_CATEGORIES) * 50 + share(stride, STRIDE_THREATS) * 30
    return Score("security coverage", looked + min(findings, 20))


def security_quality(cells_tested: int, cells: int, owasp: int, proven: int, findings: int) -> Score:
    """What was tested, less what was claimed and not shown: 100 x (0.7 x share of the matrix cells tested + 0.3 x share of the
    ten OWASP categories tested) x (1 - 0.2 x share of the findings that the server did not see reproduced).

    0 to 100. The number of findings does not matter: clean code that was looked at everywhere earns 100.
    """
    looked = 0.7 * share(cells_tested, cells) + 0.3 * share(owasp, OWASP_CATEGORIES)
    return Score("security", 100 * looked * (1 - 0.2 * share(findings - proven, findings)))


# --- ship ------------------------------------------------------------------------------------------------------------


def ship_ancestor(passed: int, checks: int, dry_run_ok: bool, blockers: int) -> Score:
    """80 for the share of checks that passed, 15 for a dry run that went well, 5 without blockers. 0 to 100.

    A trivial check that passes raises it. Source: ancestor.
    """
    return Score("ship coverage", share(passed, checks) * 80 + 15 * dry_run_ok + 5 * (blockers == 0))


def ship_readiness(blockers: int, required: int, recommended: int, dry_run_ok: bool) -> Score:
    """100, less 20 for each required and 5 for each recommended check that does not hold or was not looked at, less 15
    without a dry run that went well; never below 0, and 0 while there is a blocker. What passes adds nothing, so more
    checks never raise it.
    """
    left = 100 - 20 * required - 5 * recommended - (0 if dry_run_ok else 15)
    return Score("ship", 0 if blockers else max(0, left))


# --- scenario --------------------------------------------------------------------------------------------------------

DIMENSIONS = 12


def scenario_ancestor(scenarios: int, edge_cases: int, dimensions: int, actors: int, severe: int) -> Score:
    """10 a scenario, 15 an edge case, up to 30 for the share of the twelve dimensions, 5 an actor, 3 a critical or high one.

    Unbounded: it grows with the number of scenarios, so it counts work. Source: ancestor.
    """
    breadth = share(dimensions, DIMENSIONS) * 30
    return Score("scenario coverage", scenarios * 10 + edge_cases * 15 + breadth + actors * 5 + severe * 3, None)


def scenario_breadth(looked_at: int, saturated: int, dimensions: int) -> Score:
    """60 for the share of the dimensions in view that brought something new, 40 for the share that are saturated. 0 to 100; a second
    scenario in a dimension adds nothing by itself.
    """
    return Score("scenario", 60 * share(looked_at, dimensions) + 40 * share(saturated, dimensions))


# --- predict ---------------------------------------------------------------------------------------------------------

_SEVERITIES = (4, 3, 2, 1, 0)
_CONFIDENCES = (1.0, 0.6, 0.3)


def priority_ancestor(severity: int, confidence: int, consensus: float) -> float:
    """0.4 severity + 0.2 confidence + 0.4 consensus, with severity 4 critical, 3 high, 2 medium, 1 low, 0 info; confidence 1, 0.6, 0.3.

    `severity` and `confidence` are ranks, 0 for the worst and for the surest; `consensus` is a share. 0.06 to 2.2: severity is
    not normalised, so it decides nearly alone. Source: ancestor.
    """
    return _SEVERITIES[severity] * 0.4 + _CONFIDENCES[confidence] * 0.2 + consensus * 0.4


def priority(severity: int, confidence: int, consensus: float) -> float:
    """The ancestor's priority with severity as a share of the worst, so that consensus weighs as much. 0.06 to 1."""
    return _SEVERITIES[severity] / 4 * 0.4 + _CONFIDENCES[confidence] * 0.2 + consensus * 0.4


def predict_ancestor(
    *, confirmed: int, probable: int, minority: int, active: int, personas: int, rounds: int, planned: int, passed: bool
) -> Score:
    """15 a confirmed finding, 8 a probable and 3 a minority one, up to 20 for the share of personas that found something, up to 10
    for the share of the planned rounds, 5 where agreement does not look like a herd.

    Unbounded: it grows with the number of findings, so it counts work. Source: ancestor.
    """
    found = confirmed * 15 + probable * 8 + minority * 3
    took_part = share(active, personas) * 20 + share(rounds, planned) * 10
    return Score("predict coverage", found + took_part + passed * 5, None)


def foresight(
    *, argued: int, positions: int, rounds: int, planned: int, disproven: int, settled: int, herd: bool
) -> Score:
    """Half for the share of positions that somebody else challenged, half for the share of the planned rounds of votes; times
    the share that held of those which experiments have settled since; halved where agreement looks like a herd. 0 to 100.

    It says how well opinions were tested against one another, and against measurements where there are any.
    """
    held = 1 - share(disproven, settled)
    return Score("predict", (50 * share(argued, positions) + 50 * share(rounds, planned)) * held / (2 if herd else 1))


# --- learn -----------------------------------------------------------------------------------------------------------


def learn_ancestor(valid: int, fits: int, documents: int, there: int, expected: int) -> Score:
    """50 for the share of documents without a problem, 30 for the share of expected core documents that exist, 20 for the
    share within their number of lines. 0 to 100. Source: ancestor.
    """
    return Score(
        "learn validation", 50 * share(valid, documents) + 30 * share(there, expected) + 20 * share(fits, documents)
    )


def learn_quality(held: int, claims: int, there: int, due: int, fresh: int, documents: int) -> Score:
    """50 for the share of claims about files, symbols, commands and settings that hold, 30 for the share of due documents
    that exist, 20 for the share of documents that are not behind the code. 0 to 100.

    Documents that claim nothing earn nothing for their claims, and a claim that was exempted does not hold: neither
    vagueness nor exemptions pay.
    """
    return Score("learn", 50 * share(held, claims) + 30 * share(there, due) + 20 * share(fresh, documents))


# --- probe -----------------------------------------------------------------------------------------------------------

ATOM_TYPES = 7


def probe_ancestor(
    constraints: int,
    contradictions: int,
    assumptions: int,
    ambiguities: int,
    types: int,
    *,
    saturated: bool,
    planned: bool,
) -> Score:
    """10 a constraint, 25 a contradiction, 20 a hidden assumption, 15 an ambiguity, up to 30 for the share of types of atom,
    100 when saturated, 50 for a plan.

    Unbounded: it grows with what is found, true or not, so it counts work. Source: ancestor, its dimensions taken as types.
    """
    found = constraints * 10 + contradictions * 25 + assumptions * 20 + ambiguities * 15
    return Score("probe coverage", found + 30 * share(types, ATOM_TYPES) + 100 * saturated + 50 * planned, None)


def probe_quality(settled: int, questions: int, certain: int, atoms: int, *, saturated: bool, planned: bool) -> Score:
    """40 for the share of questions that were settled, 30 for the share of atoms that are certain (a file says so, or a person
    in these words), 15 for having asked until nothing new came, 15 for a plan whose gates passed. 0 to 100.
    """
    found = 40 * share(settled, questions) + 30 * share(certain, atoms)
    return Score("probe", found + 15 * saturated + 15 * planned)


# --- reason ----------------------------------------------------------------------------------------------------------


def reason_ancestor(
    *,
    first_words: int,
    final_words: int,
    rounds: int,
    votes: int,
    judges: int,
    mended: int,
    converged: bool,
    oscillated: bool,
) -> Score:
    """30 times the growth in words of the last text over the first, at most 1; 5 a round; up to 20 for the winner's share of the
    last votes; 15 a fatal weakness mended; 10 if it converged; 5 if it did not go in circles.

    Unbounded, and most of it rewards length and rounds, so it counts work. A shorter text lowers it. Source: ancestor.
    """
    growth = min(1.0, (final_words - first_words) / first_words) if first_words else 0.0
    ended = 10 * converged + 5 * (not oscillated)
    return Score("reason coverage", growth * 30 + rounds * 5 + share(votes, judges) * 20 + mended * 15 + ended, None)


def persuasion(*, votes: int, judges: int, streak: int, needed: int, mended: int, fatals: int) -> Score:
    """50 for the winner's share of the last votes, 30 for its wins in a row of those needed, 20 for the share of fatal weaknesses
    that a winning text mended (all 20 where none was named). 0 to 100; neither length nor the number of rounds counts.
    """
    repaired = share(mended, fatals) if fatals else 1.0
    return Score("reason", 50 * share(votes, judges) + 30 * share(streak, needed) + 20 * repaired)


# --- improve ---------------------------------------------------------------------------------------------------------

CATEGORIES = 5


def improve_coverage(new: int, extensions: int, categories: int) -> Score:
    """10 a new insight, 3 an extension, 30 for the share of categories looked at.

    Unbounded: it counts work. The ancestor has no score for this; the weights are ours.
    """
    return Score("improve coverage", new * 10 + extensions * 3 + 30 * share(categories, CATEGORIES), None)


def improve_quality(backed: int, insights: int, decided: int, pairs: int, specified: int, wanted: int) -> Score:
    """40 for the share of insights that at least two independent sources back, one of them checked; 30 for the share of pairs of
    must-haves whose order is decided; 30 for the share of the best that are specified. 0 to 100.

    One must-have alone makes no pair, and is in order. Without a must-have only the first part can be had.
    """
    order = share(decided, pairs) if pairs else float(wanted > 0)
    return Score("improve", 40 * share(backed, insights) + 30 * order + 30 * share(specified, wanted))


# --- regression ------------------------------------------------------------------------------------------------------

REGRESSION_WEIGHTS = {"flakiness": 0.30, "performance": 0.30, "resource": 0.20, "visual-ui": 0.20}
"""Of the scored dimensions. Source: ancestor."""
REGRESSION_THRESHOLD = 95.0
"""From here on stable; compared before rounding. Source: ancestor."""


def regression_within(delta: float, allowed: float) -> float:
    """The subscore of something that may grow by `allowed` and grew by `delta`, both in percent or both as a share.

    100 up to what is allowed, then `100 * allowed / delta`: 50 at twice, 25 at four times; never 0. Ours: the ancestor names no
    curve.
    """
    return 100.0 if delta <= allowed else 100.0 * allowed / delta if allowed > 0 else 0.0


def regression_steady(rise: float) -> float:
    """The subscore of a test whose rate of failure rose by `rise` (0 to 1) beyond chance: `100 * (1 - rise)`. Ours."""
    return 100.0 * (1.0 - min(1.0, max(0.0, rise)))


def regression_stability(worst: Mapping[str, float]) -> Score:
    """The weighted mean of the worst subscore of each scored dimension that was measured; 100 where none was. 0 to 100.

    Source: ancestor, but for one thing: only rows that count against the change may lower a dimension's worst.
    """
    weights = {name: REGRESSION_WEIGHTS[name] for name in worst}
    if not weights:
        return Score("stability", 100.0)
    return Score("stability", math.fsum(weights[name] * worst[name] for name in worst) / math.fsum(weights.values()))
