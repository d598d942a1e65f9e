"""Every score of every workflow, from checked items alone. The ancestor's formulas stay visible where they reward volume, as
coverage; beside each stands one that does not.

Sources: the formulas named `ancestor` are those of Claude Autoresearch (its last version with all of them, 2.0.04), as
facts; the others are ours. A function takes plain counts, so that a test can compute it by hand.
"""

from __future__ import annotations

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


# --- security --------------------------------------------------------------------------------------------------------


# --- ship ------------------------------------------------------------------------------------------------------------


# --- scenario --------------------------------------------------------------------------------------------------------


# --- predict ---------------------------------------------------------------------------------------------------------


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
