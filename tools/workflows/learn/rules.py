"""Learning a code base: documents that the agent writes as files, checked against the code by the server, repaired in rounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ...errors import Code
from ..ledger.handoff import GateCheck, HandoffFinding
from ..ledger.items import Depth, Item, Severity, Workflow
from ..ledger.pages import lines, many, section
from ..ledger.rules import Check, Coverage, Objection, Pages, WorkflowRules
from ..ledger.state import Ledger
from .checks.claim import DocumentFault
from .items import (
    Exempt,
    LearnMode,
    LearnOptions,
    Mismatch,
    Skip,
    claims_checked,
    claims_line,
    code_of,
    exempted,
    improved,
    last_validation,
    mode_of,
    open_problems,
    problem_line,
    valid_documents,
    validations,
    wanted,
)
from .validation import CLAIMED, may_be_exempted

_LISTED = 12
"""Problems that an answer lists."""
_UNCHECKED = (
    "No longer checked, so not known to be mended: the words are gone, and no claim that holds came in their place"
)


def _no_such_claim(ledger: Ledger, item: Exempt) -> Objection | None:
    if (item.document, item.text) in exempted(ledger):
        return Objection(Code.DUPLICATE, f"`{item.text}` in {item.document} is exempted already.")
    if any(
        (one.path, one.text) == (item.document, item.text) and may_be_exempted(one)
        for one in last_validation(ledger).problems
    ):
        return None
    kinds = ", ".join(sorted(CLAIMED))
    problem = f"The last look found no claim `{item.text}` wrong in {item.document}."
    return Objection(
        Code.EVIDENCE,
        f"{problem} Only problems of these kinds can be exempted: {kinds}, and example passwords. Give path and text as shown.",
    )


def _not_skippable(ledger: Ledger, item: Skip) -> Objection | None:
    asked = last_validation(ledger).due
    one = next((due for due in asked if due.path == item.document), None)
    if one is None:
        listed = ", ".join(due.path for due in asked)
        return Objection(Code.BAD_ARGUMENT, f"{item.document} is not due. Due are: {listed}.")
    if not one.core and not one.there:
        return None
    why = f"{one.path} ({one.name}) {'is a core document' if one.core else 'is there'}"
    return Objection(Code.BAD_ARGUMENT, f"{why}, so it is not skipped. Write it, or close with a why.")


def _not_looked_at(ledger: Ledger, item: Mismatch) -> Objection | None:
    known = last_validation(ledger).digests
    if item.document in known:
        return None
    message = f"{item.document} is no document that was looked at; those are: {', '.join(known) or 'none yet'}."
    return Objection(Code.EVIDENCE, message)


def scout_page(ledger: Ledger) -> str:
    """Return the map of the code, as it was when the ledger was opened."""
    code = code_of(ledger)
    languages = [f"| {name} | {files} | {lines} |" for name, files, lines in code.languages]
    parts = [f"| `{name}` | {files} | {lines} |" for name, files, lines in code.areas]
    symbols = [f"- `{name}` {kind}, {place}" for place, name, kind in code.symbols]
    left = code.symbol_count - len(symbols)
    pages = [
        f"# The code at {ledger.commit[:7]}\n",
        f"{code.files} files. Mode: {mode_of(ledger)}.\n",
        section("Languages", ["| language | files | lines |", "|---|---|---|", *languages] if languages else []),
        section("Areas", ["| folder | source files | lines |", "|---|---|---|", *parts] if parts else []),
        section("Where it begins", [f"- {place}" for place in code.entries]),
        section("Commands", [_command(*one) for one in code.commands]),
        section("Longest files", [f"- `{path}` ({many(lines, 'line')})" for path, lines in code.largest]),
        section("Symbols of Python", [*symbols, *([f"- and {left} more"] if left > 0 else [])]),
    ]
    return "\n".join(part for part in pages if part)


def _command(kind: str, text: str, source: str = "") -> str:
    """Return a command, and what tells of it: the file that declares it, or that there are files which it is for."""
    return f"- {kind}: `{text}`" + (f", seen from {source}" if source else "")


def report_page(ledger: Ledger) -> str:
    """Return what the last look found, document by document."""
    seen, wrong = last_validation(ledger), open_problems(ledger)
    rows = [
        f"| `{one.path}` | {one.lines} | {one.claims} | {one.claims - one.held} | {one.unknown} | {one.problems} | "
        + f"{', '.join(f'`{path}`' for path in one.changed[:4])} |"
        for one in seen.documents
    ]
    head = ["| document | lines | claims checked | wrong | not checkable | problems | changed since it was written |"]
    head += ["|---|---|---|---|---|---|---|"]
    due = [f"- `{one.path}`: {one.name}, {'there' if one.there else '**missing**'}" for one in wanted(ledger)]
    due += [f"- `{item.document}`: not wanted: {item.because}" for item in ledger.items(Skip)]
    exempt = [f"- `{item.text}` in `{item.document}`: {item.explained}" for item in ledger.items(Exempt)]
    more = [f"- and {seen.more_problems} more that are not listed"] if seen.more_problems else []
    rounds = [
        f"- {_look_name(place, mode_of(ledger))}: {many(look.wrong, 'problem')}"
        for place, look in enumerate(validations(ledger))
    ]
    pages = [
        "# What the documents say, held against the code\n",
        f"{claims_line(seen)} Open: {many(len(wrong) + seen.more_problems, 'problem')}.\n",
        section("Documents", [*head, *rows] if rows else []),
        section("Due", due),
        section("Problems", [*(f"- {problem_line(problem)}" for problem in wrong), *more]),
        section("Not checkable, and perhaps wrong", [f"- {problem_line(problem)}" for problem in seen.unknown]),
        section(_UNCHECKED, [f"- {problem_line(problem)}" for problem in seen.unchecked]),
        section("Said to be no claims", exempt),
        section("Areas that no document names", [f"- `{name}`" for name in seen.undescribed]),
        section("Looks", rounds),
    ]
    return "\n".join(part for part in pages if part)


def _look_name(place: int, mode: LearnMode) -> str:
    if mode is LearnMode.CHECK and place:
        return f"look {place}"
    return ("at the opening", "after the writing")[place] if place < 2 else f"after repair {place - 1}"


class Learn(WorkflowRules):
    """The agent writes; what it writes is held against the code, three repairs at most."""

    name = Workflow.LEARN
    options = LearnOptions
    kinds = (Mismatch, Exempt, Skip)
    withdrawable = kinds
    rounds: ClassVar[Mapping[Depth, int]] = {Depth.SHALLOW: 1, Depth.STANDARD: 3, Depth.DEEP: 3}
    onwards = ("security",)
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {
        Mismatch: (_not_looked_at,),
        Exempt: (_no_such_claim,),
        Skip: (_not_skippable,),
    }
    pages: ClassVar[Pages] = {
        "scout-context.md": scout_page,
        "validation-report.md": report_page,
    }

    def comparable(self, ledger: Ledger, item: Item) -> bool:
        return isinstance(item, Mismatch)

    def spent(self, ledger: Ledger) -> int:
        return max(0, len(validations(ledger)) - 2)

    def bounded(self, ledger: Ledger) -> bool:
        return mode_of(ledger) is not LearnMode.CHECK and (super().bounded(ledger) or not improved(ledger))

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        seen = last_validation(ledger)
        asked, (checked, wrong, _) = wanted(ledger), claims_checked(seen)
        return (
            Coverage("due documents", sum(one.there for one in asked), len(asked)),
            Coverage("valid documents", valid_documents(seen), len(seen.documents)),
            Coverage("claims that hold", checked - wrong, checked),
            Coverage("areas described", seen.areas_described, seen.areas_described + len(seen.undescribed)),
        )

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        if mode_of(ledger) is LearnMode.CHECK:
            return ()
        if len(validations(ledger)) < 2:
            return ("the documents: write them, then call workflow with `run`, which holds them against the code",)
        wrong = [problem_line(problem) for problem in open_problems(ledger)]
        more = (f"and {len(wrong) - _LISTED} more, all in validation-report.md",) if len(wrong) > _LISTED else ()
        return (*wrong[:_LISTED], *more)

    def gate_check(self, ledger: Ledger) -> GateCheck | None:
        seen = last_validation(ledger)
        wrong, unchecked = len(open_problems(ledger)) + seen.more_problems, len(seen.unchecked)
        if ledger.closed is None or mode_of(ledger) is LearnMode.CHECK or not (wrong or unchecked):
            return None
        left = f", {unchecked} that were wrong no longer checked" if unchecked else ""
        return GateCheck(
            "learn documents", False if wrong else None, f"ended {ledger.closed.ending}: {wrong} wrong{left}"
        )

    def follow_ups(self, ledger: Ledger) -> tuple[str, ...]:
        return ("learn",) if mode_of(ledger) is LearnMode.CHECK and open_problems(ledger) else self.onwards

    def state(self, ledger: Ledger) -> list[str]:
        seen = last_validation(ledger)
        older = [f"{one.path} ({', '.join(one.changed[:3])})" for one in seen.documents if one.changed]
        wrong = open_problems(ledger)
        return lines(
            f"Mode {mode_of(ledger)}. {_how(self, ledger)}",
            f"The map of the code: {ledger.folder}/scout-context.md. All problems: {ledger.folder}/validation-report.md.",
            "Due: "
            + "; ".join(f"{one.path} ({one.name}, {'there' if one.there else 'MISSING'})" for one in wanted(ledger)),
            older and f"Not written since what they describe changed, so read these: {'; '.join(older[:8])}.",
            seen.undescribed and f"Areas that no document names: {', '.join(seen.undescribed[:12])}.",
            not seen.symbols_known and "Too much to read all of it: names and settings were not checked.",
            claims_line(seen),
            _fewer_claims(ledger),
            _left_out(ledger),
            f"Problems: {len(wrong)}.",
            *map(problem_line, wrong[:_LISTED]),
            seen.unchecked and f"{_UNCHECKED}: {'; '.join(map(problem_line, seen.unchecked[:_LISTED]))}",
        )

    def drafts(self, ledger: Ledger) -> dict[str, str]:
        return {"scout-context.md": scout_page(ledger), "validation-report.md": report_page(ledger)}

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        mechanical = [
            HandoffFinding(
                id=f"V{place}",
                title=f"{problem.path}: {problem.why}",
                kind=f"docs {problem.fault}",
                severity=_severity(problem.fault),
                location=problem.place if problem.line else "",
                quote=problem.text,
                confirmed=True,
            )
            for place, problem in enumerate(open_problems(ledger), 1)
            if problem.fault is not DocumentFault.CONTRADICTION
        ]
        unchecked = [
            HandoffFinding(
                id=f"G{place}",
                title=f"{problem.path}: no longer checked: {problem.text}",
                kind=f"docs {problem.fault}",
                severity=Severity.INFO,
                detail=f"It was wrong ({problem.why}), its words are gone, and no claim that holds came in their place.",
            )
            for place, problem in enumerate(last_validation(ledger).unchecked, 1)
        ]
        return (*_mismatches(ledger), *mechanical, *unchecked)


def _fewer_claims(ledger: Ledger) -> str:
    """Say by how much fewer claims were checked than at an earlier look; empty where none are."""
    checked = [claims_checked(look)[0] for look in validations(ledger)]
    return f"{max(checked)} claims checked before, {checked[-1]} now." if checked and max(checked) > checked[-1] else ""


def _left_out(ledger: Ledger) -> str:
    """Say what was said to be no claim, and which documents not to be wanted, each with why; empty without any."""
    said = [f"{item.text} in {item.document} is no claim: {item.explained}" for item in ledger.items(Exempt)]
    said += [f"{item.document} is not wanted: {item.because}" for item in ledger.items(Skip)]
    return f"Left out: {'; '.join(said)}" if said else ""


def _how(rules: Learn, ledger: Ledger) -> str:
    """Return what to do next, in a sentence."""
    if ledger.closed:
        return "It is closed."
    if mode_of(ledger) is LearnMode.CHECK:
        return "Change no document; record what a reader sees and the server cannot as `mismatch`, then close."
    if len(validations(ledger)) < 2:
        return "Write what is due, mend what is wrong, then call workflow with `run`."
    if not open_problems(ledger):
        return "Nothing is wrong that can be seen. Read it once more as a stranger would, then close."
    if not improved(ledger):
        return "The last repair left as much wrong as there was: the rounds end here. Close it."
    left = rules.most(ledger.options) - rules.spent(ledger)
    return f"Repairs left: {left}. Mend all of it, then call `run` again." if left else "No repair is left. Close it."


def _severity(fault: DocumentFault) -> Severity:
    if fault is DocumentFault.SECRET:
        return Severity.HIGH
    weighty = {DocumentFault.MISSING, DocumentFault.COMMAND}
    return Severity.MEDIUM if fault in weighty else Severity.LOW


def _mismatches(ledger: Ledger) -> tuple[HandoffFinding, ...]:
    still = {
        problem.why.partition(":")[0]
        for problem in open_problems(ledger)
        if problem.fault is DocumentFault.CONTRADICTION
    }
    return tuple(
        HandoffFinding(
            id=entry.id,
            title=f"{entry.item.document} says: {entry.item.says}",
            kind="docs contradiction",
            severity=entry.item.severity,
            location=entry.item.location,
            quote=entry.item.quote,
            detail=f"It should say: {entry.item.should_say}",
        )
        for entry in ledger.of(Mismatch)
        if entry.id in still
    )
