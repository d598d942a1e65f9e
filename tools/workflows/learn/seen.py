"""What a ledger of documents adds up to: looks at them, and the problems that no item has answered."""

from __future__ import annotations

from ..ledger.ledger import Ledger
from ..ledger.pages import code
from .items import DocumentReview, Exempt, LearnMode, LearnOptions, Mismatch, Skip
from .validation import Contradiction, DocumentFault, DocumentProblem, Validation, contradicted, may_be_exempted

VALIDATED = "validated"
MAPPED = "mapped"


def looks(ledger: Ledger) -> tuple[Validation, ...]:
    """Every look at the documents: at the opening, after the writing, after each repair."""
    return tuple(Validation.model_validate(seen.facts) for seen in ledger.observed if seen.what == VALIDATED)


def newest(ledger: Ledger) -> Validation:
    """The last look; an empty one before the first."""
    return Validation.model_validate(ledger.latest(VALIDATED) or {})


def mode_of(ledger: Ledger) -> LearnMode:
    """What is done, once `auto` was settled by what was there."""
    return LearnMode(ledger.latest(MAPPED).get("mode") or ledger.opts(LearnOptions).mode)


def improved(ledger: Ledger) -> bool:
    """Whether the last repair left fewer problems than there were; true before the first one, and where there were none.

    What a reader found in between was not there to be repaired, and does not count.
    """
    seen = looks(ledger)
    if len(seen) < 3 or not seen[-2].wrong:
        return True
    known = set(seen[-2].contradictions)
    new = [
        one
        for one in seen[-1].problems
        if one.fault is DocumentFault.CONTRADICTION and one.why.partition(":")[0] not in known
    ]
    return seen[-1].wrong - len(new) < seen[-2].wrong


def contradictions(ledger: Ledger) -> tuple[Contradiction, ...]:
    """What readers found wrong."""
    return tuple(Contradiction(entry.id, entry.item.document, entry.item.says) for entry in ledger.of(Mismatch))


def skipped(ledger: Ledger) -> frozenset[str]:
    """The due documents that are not wanted."""
    return frozenset(item.document for item in ledger.items(Skip))


def exempted(ledger: Ledger) -> frozenset[tuple[str, str]]:
    """What was said to be no claim: document and text."""
    return frozenset((item.document, item.text) for item in ledger.items(Exempt))


def open_problems(ledger: Ledger) -> tuple[DocumentProblem, ...]:
    """What the last look found and no item has answered since."""
    gone, none, reviewed = skipped(ledger), exempted(ledger), {item.document for item in ledger.items(DocumentReview)}
    seen = newest(ledger)
    told = [one for one in contradictions(ledger) if one.id not in seen.contradictions]
    found = (*(contradicted(one) for one in told), *seen.problems)
    return tuple(
        problem
        for problem in found
        if not (problem.fault is DocumentFault.MISSING and problem.path in gone)
        and not (may_be_exempted(problem) and (problem.path, problem.text) in none)
        and not (problem.fault is DocumentFault.STALE and problem.path in reviewed)
    )


def wanted(ledger: Ledger) -> list[tuple[str, str, bool, bool]]:
    """What is due and not skipped: name, path, whether it is there, whether it is core."""
    gone = skipped(ledger)
    return [due for due in newest(ledger).due if due[1] not in gone]


def valid(seen: Validation) -> int:
    """How many documents have no problem."""
    return sum(not one.problems for one in seen.documents)


def counted(seen: Validation) -> tuple[int, int]:
    """Claims made, and those that hold."""
    return sum(one.claims for one in seen.documents), sum(one.held for one in seen.documents)


def line_of(problem: DocumentProblem) -> str:
    """A problem on one line."""
    text = f" {code(problem.text)}" if problem.text else ""
    return f"{problem.place} [{problem.fault}]{text}: {problem.why}"
