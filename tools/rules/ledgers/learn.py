"""Learning a code base: documents that the agent writes as files, checked against the code by the server, repaired in rounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from ..documents import Freshness, most_lines
from ..scores import Score, learn_ancestor, learn_quality
from ..validation import CLAIMED, Contradiction, Fault, Problem, Validation, contradicted
from .craft import Coverage, Craft, Objection, table
from .craft import Fault as Refused
from .handoff import Ending, Finding
from .items import Cited, Item, Severity, Text, Words, Workflow
from .ledger import Ledger
from .options import Depth, Options
from .pages import section

VALIDATED = "validated"
MAPPED = "mapped"
_LISTED = 12


class Mode(StrEnum):
    """What is to be done with the documents."""

    AUTO = "auto"
    INIT = "init"
    UPDATE = "update"
    CHECK = "check"
    SUMMARIZE = "summarize"
    WIKI = "wiki"


class LearnOptions(Options):
    """Which documents, and what is to be done with them."""

    mode: Mode = Field(
        Mode.AUTO,
        description="init writes them, update brings them up to date, check only looks, wiki writes one page a module.",
    )
    file: str = Field("", max_length=300, description="One document alone, by its path or the name of its kind.")
    modules: Words = Field(
        (), description="For wiki: the folders that get a page. Empty: found by the server, at most ten."
    )
    topics: Words = Field((), description="For wiki: further pages.")


class Why(StrEnum):
    """Why something that looks like a claim about this code is none."""

    EXAMPLE = "example"
    OTHER_PROJECT = "other-project"
    MADE_LATER = "made-later"
    NOT_A_NAME = "not-a-name"


class Mismatch(Cited):
    """Words of a document that the code contradicts, where only a reader can tell. `location` and `quote` are the code's."""

    prefix: ClassVar[str] = "M"

    kind: Literal["mismatch"] = "mismatch"
    document: Text = Field(description="The document's path.")
    says: Text = Field(description="Its wrong words, as they stand there. The mismatch is mended when they are gone.")
    should_say: Text = Field(description="What is so, by the code quoted.")
    severity: Severity = Severity.MEDIUM

    @property
    def place(self) -> str:
        return ""

    @property
    def subject(self) -> str:
        return f"{self.document}: {self.says}"


class Review(Cited):
    """A document that is still right though a file that it describes has changed. `location` and `quote` are the change's."""

    prefix: ClassVar[str] = "R"

    kind: Literal["review"] = "review"
    document: Text = Field(description="The stale document's path.")
    still_right: Text = Field(description="Why the change leaves what it says true.")

    @property
    def place(self) -> str:
        return ""

    @property
    def title(self) -> str:
        return f"{self.document} is still right"


class Exempt(Item):
    """Something that the server took for a claim about this code, and that is none. Counts as not held; people see it."""

    prefix: ClassVar[str] = "X"

    kind: Literal["exempt"] = "exempt"
    document: Text = Field(description="The document's path.")
    text: Text = Field(description="The claim, as the problem shows it.")
    because: Why
    explained: Text = Field(description="One sentence for a person who doubts it.")

    @property
    def title(self) -> str:
        return f"`{self.text}` in {self.document}: {self.because}"


class Skip(Item):
    """A document that is due by a signal and not wanted here. Core documents cannot be skipped."""

    prefix: ClassVar[str] = "S"

    kind: Literal["skip"] = "skip"
    document: Text = Field(description="Its path, as the list of due documents shows it.")
    because: Text

    @property
    def place(self) -> str:
        return self.document

    @property
    def title(self) -> str:
        return f"{self.document} is not wanted"


class Learn(Craft):
    """The agent writes; what it writes is held against the code, three repairs at most."""

    name = Workflow.LEARN
    options = LearnOptions
    items: ClassVar[dict[str, type[Item]]] = {"mismatch": Mismatch, "review": Review, "exempt": Exempt, "skip": Skip}
    rounds: ClassVar[Mapping[Depth, int]] = {Depth.SHALLOW: 1, Depth.STANDARD: 3, Depth.DEEP: 3}
    onwards = ("security",)

    def objection(self, ledger: Ledger, item: Item) -> Objection | None:
        seen = newest(ledger)
        match item:
            case Exempt():
                return _no_such_claim(seen, ledger, item)
            case Review():
                return _not_stale(seen, item)
            case Skip(document=path):
                return _not_skippable(seen, path)
            case Mismatch(document=path) if path not in seen.digests:
                known = ", ".join(seen.digests) or "none yet"
                return Objection(Refused.EVIDENCE, f"{path} is no document that was looked at; those are: {known}.")
            case _:
                return None

    def comparable(self, ledger: Ledger, item: Item) -> bool:
        return isinstance(item, Mismatch)

    def spent(self, ledger: Ledger) -> int:
        return max(0, len(looks(ledger)) - 2)

    def bounded(self, ledger: Ledger) -> bool:
        return mode_of(ledger) is not Mode.CHECK and (super().bounded(ledger) or not improved(ledger))

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        seen = newest(ledger)
        wanted = _wanted(ledger)
        return (
            Coverage("due documents", sum(there for _, _, there, _ in wanted), len(wanted)),
            Coverage("valid documents", _valid(seen), len(seen.documents)),
            Coverage("areas described", seen.areas_described, seen.areas_described + len(seen.undescribed)),
        )

    def scores(self, ledger: Ledger) -> tuple[Score, ...]:
        seen, wanted = newest(ledger), _wanted(ledger)
        expected = [there for _, _, there, core in wanted if core] or [there for _, _, there, _ in wanted]
        documents = len(seen.documents)
        fresh = sum(one.freshness is Freshness.FRESH for one in seen.documents)
        fits = sum(one.lines <= most_lines(one.path) for one in seen.documents)
        made, held = _counted(seen)
        return (
            learn_quality(held, made, sum(there for _, _, there, _ in wanted), len(wanted), fresh, documents),
            learn_ancestor(_valid(seen), fits, documents, sum(expected), len(expected)),
        )

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        mode, count = mode_of(ledger), len(looks(ledger))
        touched = ledger.latest("touched").get("documents", [])
        if mode is Mode.CHECK:
            told = "check only looks, and these were changed since it began: put them back, or close with a why"
            return (f"{told}: {', '.join(touched)}",) if touched else ()
        if count < 2:
            return ("the documents: write them, then call workflow with `run`, which holds them against the code",)
        wrong = [_line(problem) for problem in open_problems(ledger)]
        more = (f"and {len(wrong) - _LISTED} more, all in validation-report.md",) if len(wrong) > _LISTED else ()
        return (*wrong[:_LISTED], *more)

    def follow_ups(self, ledger: Ledger) -> tuple[str, ...]:
        return ("learn",) if mode_of(ledger) is Mode.CHECK and open_problems(ledger) else self.onwards

    def state(self, ledger: Ledger) -> list[str]:
        seen = newest(ledger)
        stale = [
            f"{one.path} ({one.freshness}, {one.behind_s / 86400:.0f} days)" for one in seen.documents if one.behind_s
        ]
        wrong = open_problems(ledger)
        return [
            f"Mode {mode_of(ledger)}. {_how(self, ledger)}",
            f"The map of the code: {ledger.folder}/scout-context.md. All problems: {ledger.folder}/validation-report.md.",
            "Due: "
            + "; ".join(
                f"{path} ({name}, {'there' if there else 'MISSING'})" for name, path, there, _ in _wanted(ledger)
            ),
            *([f"Behind the code: {', '.join(stale[:8])}."] if stale else []),
            *([f"Areas that no document names: {', '.join(seen.undescribed[:12])}."] if seen.undescribed else []),
            *([] if seen.symbols_known else ["Too much to read all of it: names and settings were not checked."]),
            f"{len(wrong)} problems" + (":" if wrong else "."),
            *map(_line, wrong[:_LISTED]),
        ]

    def drafts(self, ledger: Ledger) -> dict[str, str]:
        return {"scout-context.md": _scout_page(ledger), "validation-report.md": _report_page(ledger)}

    def files(self, ledger: Ledger) -> dict[str, str]:
        manifest = {"wiki-manifest.json": _manifest(ledger)} if mode_of(ledger) is Mode.WIKI else {}
        columns = ("iteration", "mode", "documents", "valid", "problems", "claims", "held", "exempted")
        rows = [
            (place, mode_of(ledger), len(look.documents), _valid(look), look.wrong, *_counted(look), look.exempted)
            for place, look in enumerate(looks(ledger))
        ]
        return {**self.drafts(ledger), "learn-results.tsv": table(columns, rows), **manifest}

    def findings(self, ledger: Ledger) -> tuple[Finding, ...]:
        mechanical = [
            Finding(
                id=f"V{place}",
                title=f"{problem.path}: {problem.why}",
                kind=f"docs {problem.fault}",
                severity=_severity(problem.fault),
                location=problem.place if problem.line else "",
                quote=problem.text,
                confirmed=True,
            )
            for place, problem in enumerate(open_problems(ledger), 1)
            if problem.fault is not Fault.CONTRADICTION
        ]
        return (*_mismatches(ledger), *mechanical)

    def ending(self, ledger: Ledger) -> Ending:
        return Ending.COMPLETE


def looks(ledger: Ledger) -> tuple[Validation, ...]:
    """Every look at the documents: at the opening, after the writing, after each repair."""
    return tuple(Validation.model_validate(seen.facts) for seen in ledger.observed if seen.what == VALIDATED)


def newest(ledger: Ledger) -> Validation:
    """The last look; an empty one before the first."""
    return Validation.model_validate(ledger.latest(VALIDATED) or {})


def mode_of(ledger: Ledger) -> Mode:
    """What is done, once `auto` was settled by what was there."""
    return Mode(ledger.latest(MAPPED).get("mode") or ledger.opts(LearnOptions).mode)


def improved(ledger: Ledger) -> bool:
    """Whether the last repair left fewer problems than there were; true before the first one, and where there were none.

    What a reader found in between was not there to be repaired, and does not count.
    """
    seen = looks(ledger)
    if len(seen) < 3 or not seen[-2].wrong:
        return True
    known = set(seen[-2].contradictions)
    new = [
        one for one in seen[-1].problems if one.fault is Fault.CONTRADICTION and one.why.partition(":")[0] not in known
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


def open_problems(ledger: Ledger) -> tuple[Problem, ...]:
    """What the last look found and no item has answered since."""
    gone, none, reviewed = skipped(ledger), exempted(ledger), {item.document for item in ledger.items(Review)}
    seen = newest(ledger)
    told = [one for one in contradictions(ledger) if one.id not in seen.contradictions]
    found = (*(contradicted(one) for one in told), *seen.problems)
    return tuple(
        problem
        for problem in found
        if not (problem.fault is Fault.MISSING and problem.path in gone)
        and not (problem.fault in CLAIMED and (problem.path, problem.text) in none)
        and not (problem.fault is Fault.STALE and problem.path in reviewed)
    )


def _wanted(ledger: Ledger) -> list[tuple[str, str, bool, bool]]:
    gone = skipped(ledger)
    return [due for due in newest(ledger).due if due[1] not in gone]


def _valid(seen: Validation) -> int:
    return sum(not one.problems for one in seen.documents)


def _counted(seen: Validation) -> tuple[int, int]:
    """Claims made, and those that hold."""
    return sum(one.claims for one in seen.documents), sum(one.held for one in seen.documents)


def _how(rules: Learn, ledger: Ledger) -> str:
    """What to do next, in a sentence."""
    if ledger.closed:
        return "It is closed."
    if mode_of(ledger) is Mode.CHECK:
        return "Change no document; record what a reader sees and the server cannot as `mismatch`, then close."
    if len(looks(ledger)) < 2:
        return "Write what is due, mend what is wrong, then call workflow with `run`."
    if not open_problems(ledger):
        return "Nothing is wrong that can be seen. Read it once more as a stranger would, then close."
    if not improved(ledger):
        return "The last repair left as much wrong as there was: the rounds end here. Close it."
    left = rules.most(ledger.options) - rules.spent(ledger)
    return f"Repairs left: {left}. Mend all of it, then call `run` again." if left else "No repair is left. Close it."


def _line(problem: Problem) -> str:
    shown = f" `{problem.text}`" if problem.text else ""
    return f"{problem.place} [{problem.fault}]{shown}: {problem.why}"


def _severity(fault: Fault) -> Severity:
    if fault is Fault.SECRET:
        return Severity.HIGH
    return Severity.MEDIUM if fault in {Fault.MISSING, Fault.OVERWRITTEN, Fault.STALE, Fault.COMMAND} else Severity.LOW


def _no_such_claim(seen: Validation, ledger: Ledger, item: Exempt) -> Objection | None:
    if (item.document, item.text) in exempted(ledger):
        return Objection(Refused.DUPLICATE, f"`{item.text}` in {item.document} is exempted already.")
    if any((one.path, one.text) == (item.document, item.text) and one.fault in CLAIMED for one in seen.problems):
        return None
    kinds = ", ".join(sorted(CLAIMED))
    told = f"The last look found no claim `{item.text}` wrong in {item.document}."
    return Objection(
        Refused.EVIDENCE, f"{told} Only problems of these kinds can be exempted: {kinds}. Give path and text as shown."
    )


def _not_stale(seen: Validation, item: Review) -> Objection | None:
    one = next((one for one in seen.documents if one.path == item.document), None)
    if one is None or not one.changed:
        return Objection(
            Refused.EVIDENCE, f"{item.document} is not behind anything that it describes: nothing to review."
        )
    if item.path not in one.changed:
        return Objection(Refused.EVIDENCE, f"Cite one of the files that changed since: {', '.join(one.changed)}.")
    return None


def _not_skippable(seen: Validation, path: str) -> Objection | None:
    found = next((due for due in seen.due if due[1] == path), None)
    if found is None:
        return Objection(Refused.BAD_ARGUMENT, f"{path} is not due. Due are: {', '.join(due[1] for due in seen.due)}.")
    name, _, there, core = found
    if core or there:
        why = "is a core document" if core else "is there"
        return Objection(
            Refused.BAD_ARGUMENT, f"{path} ({name}) {why}, so it is not skipped. Write it, or close with a why."
        )
    return None


def _mismatches(ledger: Ledger) -> tuple[Finding, ...]:
    still = {problem.why.partition(":")[0] for problem in open_problems(ledger) if problem.fault is Fault.CONTRADICTION}
    return tuple(
        Finding(
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


def _scout_page(ledger: Ledger) -> str:
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
        section("Commands", [f"- {kind}: `{text}`" for kind, text in facts.get("commands", [])]),
        section("Longest files", [f"- `{path}` ({lines} lines)" for path, lines in facts.get("largest", [])]),
        section("Symbols of Python", [*symbols, *([f"- and {left} more"] if left > 0 else [])]),
    ]
    return "\n".join(part for part in pages if part)


def _report_page(ledger: Ledger) -> str:
    seen, wrong = newest(ledger), open_problems(ledger)
    rows = [
        f"| `{one.path}` | {one.lines} of {most_lines(one.path)} | {one.held} of {one.claims} | {one.problems} | "
        + (f"{one.freshness}, {one.behind_s / 86400:.0f} days" if one.behind_s else f"{one.freshness}")
        + " |"
        for one in seen.documents
    ]
    head = ["| document | lines | claims that hold | problems | against the code |", "|---|---|---|---|---|"]
    due = [f"- `{path}`: {name}, {'there' if there else '**missing**'}" for name, path, there, _ in _wanted(ledger)]
    due += [f"- `{item.document}`: not wanted: {item.because}" for item in ledger.items(Skip)]
    exempt = [
        f"- `{item.text}` in `{item.document}` ({item.because}): {item.explained}" for item in ledger.items(Exempt)
    ]
    reviews = [f"- `{item.document}`, seen `{item.location}`: {item.still_right}" for item in ledger.items(Review)]
    more = [f"- and {seen.more_problems} more that are not listed"] if seen.more_problems else []
    rounds = [f"- {_look_name(place)}: {look.wrong} problems" for place, look in enumerate(looks(ledger))]
    pages = [
        "# What the documents say, held against the code\n",
        f"{len(wrong) + seen.more_problems} problems are open.\n",
        section("Documents", [*head, *rows] if rows else []),
        section("Due", due),
        section("Problems", [*(f"- {_line(problem)}" for problem in wrong), *more]),
        section("Said to be no claims", exempt),
        section("Said to be still right", reviews),
        section("Areas that no document names", [f"- `{name}`" for name in seen.undescribed]),
        section("Looks", rounds),
    ]
    return "\n".join(part for part in pages if part)


def _look_name(place: int) -> str:
    return ("at the opening", "after the writing")[place] if place < 2 else f"after repair {place - 1}"


def _manifest(ledger: Ledger) -> str:
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
