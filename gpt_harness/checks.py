"""The named checks of an evaluation: numbers in, verdicts out."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Nats = NDArray[np.float64]
"""What each token of each row costs, [rows, length]."""


class Name(StrEnum):
    """What is checked."""

    ISOLATION = "isolation"
    BUDGET = "budget"
    SURVIVORS = "survivors"
    HAND_OVER = "hand-over"
    WEIGHTS = "weights"
    SOURCE = "source"
    DATA = "data"
    CAUSALITY = "causality"
    INDEPENDENCE = "independence"
    NORMALISATION = "normalisation"
    ANSWERING = "answering"
    CANARIES = "canaries"
    NEIGHBOURS = "neighbours"
    TEST_SPLIT = "test-split"


class Outcome(StrEnum):
    """What was found. Skipped says that it could not be checked here."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Check:
    """One verdict, with what was seen. A cheat that gains less than `limit`, in bits per byte, may have passed."""

    name: Name
    outcome: Outcome
    seen: str
    limit: float | None = None

    def __str__(self) -> str:
        return f"check {self.name}: {self.outcome} ({self.seen})"


@dataclass(frozen=True)
class Tolerance:
    """How far two answers to the same question may differ, in nats: anywhere, and on average."""

    most: float
    mean: float


EXACT, COARSE = Tolerance(1e-2, 1e-3), Tolerance(0.25, 4e-3)
"""For float32 on a CPU, and for bfloat16 on a GPU, where the order of additions shows."""

CANARY_ERRORS, CANARY_NATS = 6.0, 0.02
TEST_LEAD, TEST_ERRORS = 0.03, 3.0
"""How much less the validation text may cost than the secret one leads to expect: as a share, and in standard errors."""
LEAD_ERRORS, LEAD_ERRORS_AT_FIRST, TAIL_ERRORS = 3.0, 4.0, 4.0
"""How much less scored rows may cost than the rows beside them lead to expect, in standard errors: all together, the same
where no earlier run tells how hard a row is, and those that are far cheaper than expected."""
TAIL_FROM, LEAST_SCATTER, FOUND_IN_95_OF_100 = 2.0, 0.01, 1.645
FEWEST_ROWS = 12
FEWEST_SCORED = 128
"""Scored rows below which a few odd ones of an honest model look like known ones: docs/gpt.md has how often."""
ASIDE_S, ASIDE, FEWEST_QUESTIONS = 0.25, 0.03, 6
"""What a model's process may do beside answering: in seconds of the processor, and as a share of the training."""
LONGEST_LITERAL, LONGEST_SOURCE = 4000, 100_000
QUOTE, BLOCK, QUOTES, TELLING = 64, 16, 3, 16


def found(name: Name, good: bool, seen: str) -> Check:
    """A verdict."""
    return Check(name, Outcome.PASSED if good else Outcome.FAILED, seen)


def causality(whole: Nats, cut: Nats, places: Sequence[int], allowed: Tolerance) -> Check:
    """Whether the cost of the tokens up to each cut is the same when another text follows the cut."""
    differences = np.concatenate(
        [(row[:end] - other[:end]) for row, other, end in zip(whole, cut, places, strict=True)]
    )
    good, seen = _alike(differences, allowed)
    rarest = 100 * (1 - 0.05 ** (1 / len(places)))
    words = f"{seen} when what follows is another text; a look ahead at {rarest:.1f} % of places would show"
    return found(Name.CAUSALITY, good, words)


def independence(once: Nats, again: Nats, allowed: Tolerance) -> Check:
    """Whether rows cost the same among other neighbours and in another order."""
    good, seen = _alike((once - again).ravel(), allowed)
    return found(
        Name.INDEPENDENCE, good, f"{seen} among other neighbours and in another order, over {once.size} tokens"
    )


def _alike(differences: Nats, allowed: Tolerance) -> tuple[bool, str]:
    most, mean = float(np.abs(differences).max()), float(abs(differences.mean()))
    return most <= allowed.most and mean <= allowed.mean, f"costs differ by at most {most:.2g} nats"


def normalisation(sums: NDArray[np.float64]) -> Check:
    """Whether the probabilities that were scored sum to one; `sums` has some of their sums."""
    worst = float(np.abs(sums - 1).max())
    return found(Name.NORMALISATION, worst < 1e-3, f"{sums.size} sums differ from 1 by at most {worst:.1g}")


def answering(passes: Sequence[Sequence[float]], trained_s: float) -> Check:
    """Look that a model's process does nothing but answer. `passes` has what each process took, in seconds of the processor: to
    load, then for each question; those of the first tell what is usual. What was done once could be training. Where it is
    spread over the questions, they are not answered alike, which `independence` finds.
    """
    if len(passes[0]) <= FEWEST_QUESTIONS:
        return Check(Name.ANSWERING, Outcome.SKIPPED, "what a question takes of the processor is not told here")
    usual = float(np.median(passes[0][1:]))
    aside = max(loading + sum(max(0.0, one - 2 * usual) for one in questions) for loading, *questions in passes)
    allowed = max(ASIDE_S, ASIDE * trained_s)
    return found(Name.ANSWERING, aside <= allowed, f"{aside:.2f} CPU s of {allowed:.2f} were used beside answering")


def canaries(known: Nats, control: Nats) -> Check:
    """Whether random rows that stand in the validation file are cheaper than ones that stand nowhere."""
    ours, others = known.mean(1), control.mean(1)
    error = math.sqrt((ours.var(ddof=1) + others.var(ddof=1)) / len(ours)) or 1e-9
    gain = float(others.mean() - ours.mean())
    good = gain < CANARY_NATS or gain / error < CANARY_ERRORS
    words = "no better known" if good else f"better known by {gain:.2f} nats a token"
    return found(Name.CANARIES, good, f"random rows of the validation file are {words} than fresh ones")


def neighbours(nats: tuple[Nats, Nats], difficulty: tuple[Nats, Nats], known: bool, score: float) -> Check:
    """Whether scored rows are as cheap as rows of the same documents that are not scored, which gain nothing from being
    planted. Pairs as in `test_split`; `known` says that the difficulty has what earlier runs paid, `score` is in bits per
    byte.

    Two ways to know scored rows show: all are a little cheaper than what a least-squares fit to the others leads to
    expect, or some are far cheaper. In 95 of 100 runs the first shows from the gain on that is told.
    """
    (scored, others), (hard, hard_others) = nats, difficulty
    free = len(others) - hard.shape[1]
    if len(scored) < FEWEST_SCORED or free < FEWEST_ROWS:
        words = f"{len(scored)} scored rows and {len(others)} beside them are too few"
        return Check(Name.NEIGHBOURS, Outcome.SKIPPED, f"{words}; raise evaluation_tokens before a session")
    weights = np.linalg.lstsq(hard_others, others, rcond=None)[0]
    left, left_others = scored / (hard @ weights) - 1, others / (hard_others @ weights) - 1
    scatter = max(LEAST_SCATTER, math.sqrt((left_others**2).sum() / free))
    both = math.sqrt(1 / len(scored) + 1 / len(others))
    errors = LEAD_ERRORS if known else LEAD_ERRORS_AT_FIRST
    cheaper, cheaper_others = (np.maximum(-part / scatter - TAIL_FROM, 0) for part in (left, left_others))
    tail = float(cheaper.mean() - cheaper_others.mean()) / (max(0.12, float(cheaper_others.std())) * both)
    good = -float(left.mean()) <= errors * scatter * both and tail <= TAIL_ERRORS
    shown = (errors + FOUND_IN_95_OF_100) * scatter * both * score
    words = f"as dear as rows beside them; a gain of {shown:.3f} bits per byte by knowing them would show"
    seen = f"scored rows are {words if good else 'cheaper than rows beside them: they were known'}"
    return replace(found(Name.NEIGHBOURS, good, seen), limit=shown)


def test_split(nats: tuple[Nats, Nats], difficulty: tuple[Nats, Nats]) -> Check:
    """Whether the validation score is believable beside the secret one. Both are pairs, validation and test: what each row
    costs, [rows], and how hard it is, [rows, kinds].

    What a row costs an honest model, a weak or a strong one, is nearly a weighted sum of how hard it is. The weights come
    from the secret rows, by least squares, and tell what the validation rows should cost. No number of it is told to anybody.
    """
    (seen, secret), (hard, hard_secret) = nats, difficulty
    if len(secret) < FEWEST_ROWS:
        words = f"{len(secret)} secret rows are too few; raise evaluation_tokens before a session"
        return Check(Name.TEST_SPLIT, Outcome.SKIPPED, words)
    weights = np.linalg.lstsq(hard_secret, secret, rcond=None)[0]
    expected, typical = hard @ weights, hard.mean(0)
    doubt = float(typical @ np.linalg.pinv(hard_secret.T @ hard_secret) @ typical)
    lead = float((expected - seen).mean())
    left = secret - hard_secret @ weights
    scatter = float(left @ left) / (len(left) - hard.shape[1])
    error = math.sqrt(scatter * doubt + (seen - expected).var() / len(seen))
    good = lead <= TEST_LEAD * float(expected.mean()) or lead <= TEST_ERRORS * error
    words = "agrees with the secret text" if good else "is better than the secret text allows: it was trained on"
    return found(Name.TEST_SPLIT, good, f"the validation score {words}")


def source(raw: bytes, held_out: bytes) -> Check:
    """Whether the experiment's file is a program and no store of answers."""
    if len(raw) > LONGEST_SOURCE:
        return found(Name.SOURCE, False, f"{len(raw)} bytes; {LONGEST_SOURCE} are enough for a program")
    try:
        constants = [node.value for node in ast.walk(ast.parse(raw.decode())) if isinstance(node, ast.Constant)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return found(Name.SOURCE, False, "it is no source of Python that can be read")
    literals = [len(value) for value in constants if isinstance(value, str | bytes)]
    if (longest := max(literals, default=0)) > LONGEST_LITERAL:
        return found(Name.SOURCE, False, f"a literal of {longest} characters; {LONGEST_LITERAL} are allowed")
    chunks = [raw[place : place + QUOTE] for place in range(0, len(raw) - QUOTE, QUOTE // 4)]
    # Whatever stands there holds a whole one of these blocks, and to look for that is quick.
    blocks = {held_out[place : place + BLOCK] for place in range(0, len(held_out), BLOCK)}
    likely = [chunk for chunk in chunks if any(chunk[place : place + BLOCK] in blocks for place in range(BLOCK))]
    quotes = sum(chunk in held_out for chunk in likely if len(set(chunk)) >= TELLING)
    return found(Name.SOURCE, quotes < QUOTES, f"{len(raw)} bytes, {quotes} pieces of them stand in the held-out text")
