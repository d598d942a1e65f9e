"""What learning a code base takes and records; and what its ledger adds up to: looks at documents, and the problems that no item has answered."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from ..ledger.items import Cited, Item, Options, Severity, Text
from ..ledger.pages import code
from ..ledger.state import Ledger, LedgerFacts
from .checks.claim import DocumentFault
from .validation import (
    Contradiction,
    DocumentProblem,
    DueSeen,
    Validation,
    contradicted,
    may_be_exempted,
)


class LearnMode(StrEnum):
    """What is to be done with the documents."""

    AUTO = "auto"
    INIT = "init"
    UPDATE = "update"
    CHECK = "check"
    SUMMARIZE = "summarize"
    WIKI = "wiki"


class LearnOptions(Options):
    """Which documents, and what is to be done with them."""

    mode: LearnMode = Field(
        LearnMode.AUTO,
        description="init writes them, update brings them up to date, check only looks, summarize writes the summary of the code "
        "alone, wiki a page a module.",
    )
    file: str = Field("", max_length=300, description="One document alone, by its path or the name of its kind.")
    run_sessions: bool = Field(
        False, description="Run the Python sessions of documents (`>>>`) too, where a person agreed to the command."
    )


class Mismatch(Cited):
    """Words of a document that the code contradicts, where only a reader can tell. `location` and `quote` are the code's."""

    prefix: ClassVar[str] = "M"
    place_format: ClassVar[str] = ""
    subject_format: ClassVar[str] = "{document}: {says}"

    kind: Literal["mismatch"] = "mismatch"
    document: Text = Field(description="The document's path.")
    says: Text = Field(description="Its wrong words, as they stand there.")
    should_say: Text = Field(description="The words that it should say instead, by the code quoted.")
    severity: Severity = Severity.MEDIUM


class Exempt(Item):
    """Something that the server took for a claim about this code, and that is none. Counts as not held; people see it."""

    prefix: ClassVar[str] = "X"
    title_format: ClassVar[str] = "`{text}` in {document}: {explained}"

    kind: Literal["exempt"] = "exempt"
    document: Text = Field(description="The document's path.")
    text: Text = Field(description="The claim, as the problem shows it.")
    explained: Text = Field(
        description="Why it is none, for a person who doubts it: an example, another project's, made later."
    )


class Skip(Item):
    """A document that is due by a signal and not wanted here. The readme cannot be skipped."""

    prefix: ClassVar[str] = "S"
    place_format: ClassVar[str] = "{document}"
    title_format: ClassVar[str] = "{document} is not wanted"

    kind: Literal["skip"] = "skip"
    document: Text = Field(description="Its path, as the list of due documents shows it.")
    because: Text


def validations(ledger: Ledger) -> tuple[Validation, ...]:
    """Return every look at the documents: at the opening, after the writing, after each repair."""
    return ledger.every(Validation)


def last_validation(ledger: Ledger) -> Validation:
    """Return the last look; an empty one before the first."""
    return ledger.seen(Validation) or Validation()


class CodeSummary(LedgerFacts):
    """What was found of the code when the ledger was opened. `mode` is what `auto` came to."""

    what: ClassVar[str] = "mapped"

    mode: LearnMode = LearnMode.AUTO
    files: int = 0
    languages: tuple[tuple[str, int, int], ...] = ()
    areas: tuple[tuple[str, int, int], ...] = ()
    entries: tuple[str, ...] = ()
    largest: tuple[tuple[str, int], ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    symbols: tuple[tuple[str, str, str], ...] = ()
    symbol_count: int = 0


def code_of(ledger: Ledger) -> CodeSummary:
    """Return the summary of the code; an empty one before it is made."""
    return ledger.seen(CodeSummary) or CodeSummary()


def mode_of(ledger: Ledger) -> LearnMode:
    """Return what is done, once `auto` was settled by what was there."""
    return LearnMode(ledger.latest(CodeSummary.what).get("mode") or ledger.opts(LearnOptions).mode)


def improved(ledger: Ledger) -> bool:
    """Return whether the last repair left fewer problems than there were; true before the first one, and where there
    were none.

    What a reader found in between was not there to be repaired, and does not count.
    """
    seen = validations(ledger)
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
    """Return what readers found wrong."""
    return tuple(
        Contradiction(entry.id, entry.item.document, entry.item.says, entry.item.should_say)
        for entry in ledger.of(Mismatch)
    )


def skipped(ledger: Ledger) -> frozenset[str]:
    """Return the due documents that are not wanted."""
    return frozenset(item.document for item in ledger.items(Skip))


def exempted(ledger: Ledger) -> frozenset[tuple[str, str]]:
    """Return what was said to be no claim: document and text."""
    return frozenset((item.document, item.text) for item in ledger.items(Exempt))


def open_problems(ledger: Ledger) -> tuple[DocumentProblem, ...]:
    """Return what the last look found and no item has answered since."""
    gone, none = skipped(ledger), exempted(ledger)
    seen = last_validation(ledger)
    since = [one for one in contradictions(ledger) if one.id not in seen.contradictions]
    found = (*(contradicted(one) for one in since), *seen.problems)
    return tuple(
        problem
        for problem in found
        if not (problem.fault is DocumentFault.MISSING and problem.path in gone)
        and not (may_be_exempted(problem) and (problem.path, problem.text) in none)
    )


def wanted(ledger: Ledger) -> list[DueSeen]:
    """Return what is due and not skipped."""
    gone = skipped(ledger)
    return [due for due in last_validation(ledger).due if due.path not in gone]


def valid_documents(seen: Validation) -> int:
    """Return how many documents have no problem."""
    return sum(not one.problems for one in seen.documents)


def claims_checked(seen: Validation) -> tuple[int, int, int]:
    """Return how many claims were checked, how many of them are wrong, and how many could not be checked."""
    checked, held = sum(one.claims for one in seen.documents), sum(one.held for one in seen.documents)
    return checked, checked - held, sum(one.unknown for one in seen.documents)


def claims_line(seen: Validation) -> str:
    """Return the same in words."""
    checked, wrong, unknown = claims_checked(seen)
    return f"{checked} claims checked, {wrong} wrong, {unknown} not checkable."


def problem_line(problem: DocumentProblem) -> str:
    """Return a problem on one line."""
    text = f" {code(problem.text)}" if problem.text else ""
    return f"{problem.place} [{problem.fault}]{text}: {problem.why}"
