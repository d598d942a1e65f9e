"""Security: threats to assets across trust boundaries, each tested by an item; what was found before is never just forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from ...errors import Code
from ...plan.scope import Scope
from ..ledger.handoff import Ending, GateCheck, HandoffFinding, without_findings
from ..ledger.items import Confidence, Depth, Item, ItemOutcome, Workflow
from ..ledger.ledger import Ledger, LedgerEntry
from ..ledger.pages import sentence
from ..ledger.rules import Coverage, Objection, WorkflowRules
from ..ledger.scores import OWASP_CATEGORIES, STRIDE_THREATS, Score, security_ancestor, security_quality
from . import pages
from .findings import (
    AUDITED,
    MOST_ATTEMPTS,
    SERIOUS,
    SURFACE,
    TESTS,
    attempts,
    confidence_of,
    fates_of,
    is_fixed,
    mendable,
    open_findings,
    to_settle,
    untested_remedies,
)
from .items import AssetItem, BoundaryItem, Cleared, Dependency, Remedy, SecurityFinding, SecurityOptions, ThreatTest
from .matrix import cell_words, cells, covered, looked_at, pairs, tested, trials, untested
from .reach import reaches
from .threats import OWASP_EDITION, Attacker, Owasp

IN_A_ROW = 4
"""Tests that one persona may make before another has to look."""


class Security(WorkflowRules):
    """A cell counts as tested only by an item that cites code: one that found something, or one that shows what holds."""

    name = Workflow.SECURITY
    options = SecurityOptions
    items: ClassVar[Mapping[str, type[Item]]] = {
        "asset": AssetItem,
        "boundary": BoundaryItem,
        "cleared": Cleared,
        "finding": SecurityFinding,
        "dependency": Dependency,
        "remedy": Remedy,
    }
    rounds: ClassVar[Mapping[Depth, int]] = {Depth.SHALLOW: 5, Depth.STANDARD: 15, Depth.DEEP: 0}
    onwards = ("fix",)

    def objection(self, ledger: Ledger, item: Item) -> Objection | None:
        match item:
            case BoundaryItem(reaches=assets):
                return _unknown(ledger, assets)
            case SecurityFinding():
                return _no_such_cell(ledger, item) or _same_again(ledger, item.persona) or _unproven(item)
            case ThreatTest():
                return _no_such_cell(ledger, item) or _same_again(ledger, item.persona)
            case Remedy():
                return _may_not_mend(ledger, item)
            case _:
                return None

    def command(self, ledger: Ledger, item: Item) -> str:
        if not isinstance(item, Remedy):
            return item.command
        mended = next((one for one in ledger.of(SecurityFinding) if one.id == item.finding), None)
        return mended.item.reproduction if mended else ""

    def settles(self, ledger: Ledger, entry: LedgerEntry[Any]) -> ItemOutcome | None:
        if isinstance(entry.item, SecurityFinding):
            return ItemOutcome.CONFIRMED if confidence_of(ledger, entry) is Confidence.CONFIRMED else None
        settled: ItemOutcome | None = entry.item.settles
        return settled

    def costs(self, kind: str) -> bool:
        return kind in {"cleared", "finding"}

    def spent(self, ledger: Ledger) -> int:
        return len(trials(ledger))

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        owasp, stride, personas = covered(ledger)
        done = tested(ledger)
        return (
            Coverage("OWASP", len(owasp), OWASP_CATEGORIES),
            Coverage("STRIDE", len(stride), STRIDE_THREATS),
            Coverage("matrix cells", sum(cell in done for cell in cells(ledger)), len(cells(ledger))),
            Coverage("personas", len(personas), len(Attacker)),
            Coverage("files", len(looked_at(ledger)), int(ledger.latest("scope").get("files", 0))),
        )

    def scores(self, ledger: Ledger) -> tuple[Score, ...]:
        owasp, stride, _ = covered(ledger)
        found = ledger.of(SecurityFinding)
        proven = sum(confidence_of(ledger, one) is Confidence.CONFIRMED for one in found)
        done = len(tested(ledger) & set(cells(ledger)))
        return (
            security_quality(done, len(cells(ledger)), len(owasp), proven, len(found)),
            security_ancestor(len(owasp), len(stride), len(found)),
        )

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        unreached = _unreached(ledger)
        if ledger.opts(SecurityOptions).diff and ledger.latest(AUDITED).get("changed") == []:
            return ()
        if not ledger.of(AssetItem):
            return ("the assets: what is worth protecting, each cited where the code has it",)
        if not ledger.of(BoundaryItem):
            return ("the trust boundaries: where input or control enters, and which assets can be reached from there",)
        return (
            *([f"a boundary that reaches {', '.join(unreached)}"] if unreached else []),
            *untested(ledger),
            *(
                f"{one.name} of the last audit still stands at {one.stands}: record it again, or record as `cleared`, with "
                f"`upstream`, why it is none any more"
                for one in to_settle(ledger)
            ),
            *(f"a remedy for {entry.id}, or its third attempt" for entry in mendable(ledger)),
            *(f"the tests after {entry.id}: call workflow with `run`" for entry in untested_remedies(ledger)[-1:]),
        )

    def ending(self, ledger: Ledger) -> Ending:
        check = self.gate_check(ledger)
        return Ending.FAILED if check and not check.passed else Ending.COMPLETE

    def gate_check(self, ledger: Ledger) -> GateCheck | None:
        limit = ledger.opts(SecurityOptions).fail_on
        over = {id for id, told in ledger.overruled.items() if told.outcome.over}
        left = [one for one in self.findings(ledger) if one.id not in over]
        return without_findings(self.name, left, limit) if limit else None

    def state(self, ledger: Ledger) -> list[str]:
        check = self.gate_check(ledger)
        return [
            *([f"The gate fails: {check.seen}."] if check and not check.passed else []),
            *_next_steps(ledger),
            *pages.surface_lines(ledger.latest(SURFACE)),
            *(f"{one.id} {one.item.asset}: {one.item.name}" for one in ledger.of(AssetItem)),
            *(
                f"{one.id} {one.item.boundary}: {one.item.name}, reaches {', '.join(one.item.reaches)}"
                for one in ledger.of(BoundaryItem)
            ),
            *(
                f"{one.id} {one.item.severity} {confidence_of(ledger, one)}: {one.item.summary}"
                for one in ledger.of(SecurityFinding)[-10:]
            ),
        ]

    def files(self, ledger: Ledger) -> dict[str, str]:
        return pages.files(ledger, self.scores(ledger), self.coverage(ledger))

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        return tuple(
            HandoffFinding(
                id=entry.id,
                title=entry.item.summary,
                kind=f"security {entry.item.owasp} {entry.item.stride}",
                severity=entry.item.severity,
                location=entry.item.location,
                quote=entry.item.quote,
                detail=_detail(entry.item),
                check=entry.item.reproduction,
                confirmed=confidence_of(ledger, entry) is Confidence.CONFIRMED,
            )
            for entry in open_findings(ledger)
        )


def _detail(one: SecurityFinding) -> str:
    shown = f" Reproduction: `{one.reproduction}`." if one.reproduction else ""
    told = f"{sentence(one.scenario)} Impact: {sentence(one.impact)} Mitigation: {sentence(one.mitigation)}"
    return told + shown


def _unknown(ledger: Ledger, assets: Iterable[str]) -> Objection | None:
    known = [entry.id for entry in ledger.of(AssetItem)]
    strange = [id for id in assets if id not in known]
    if not strange:
        return None
    told = f"There is no {', '.join(strange)}. Record the asset first; there are: {', '.join(known) or 'none'}."
    return Objection(Code.OUT_OF_ORDER if not known else Code.BAD_ARGUMENT, told)


def _no_such_cell(ledger: Ledger, item: ThreatTest) -> Objection | None:
    known = pairs(ledger)
    if not known:
        return Objection(
            Code.OUT_OF_ORDER, "Record the assets first, then the boundaries that reach them; then test what is there."
        )
    if (item.asset, item.boundary) in known:
        return None
    listed = ", ".join(f"{asset} across {boundary}" for asset, boundary in known[:12])
    return Objection(
        Code.BAD_ARGUMENT,
        f"{item.boundary} does not reach {item.asset}. Test one of: {listed}; or record a boundary that reaches it.",
    )


def _same_again(ledger: Ledger, persona: Attacker) -> Objection | None:
    last = [entry.item.persona for entry in trials(ledger)[-IN_A_ROW:]]
    if len(last) < IN_A_ROW or set(last) != {persona}:
        return None
    others = ", ".join(f"{one} ({one.aim})" for one in Attacker if one is not persona)
    return Objection(Code.OUT_OF_ORDER, f"{persona} made {IN_A_ROW} tests in a row. Look as another: {others}.")


def _unproven(item: SecurityFinding) -> Objection | None:
    if item.confidence is Confidence.CONFIRMED and not item.reproduction:
        told = "A confirmed finding needs a `reproduction`: a command that exits non-zero while the weakness is there."
        return Objection(Code.MISSING_FIELD, f"{told} Give one, or say `likely`.")
    host = reaches(item.reproduction)
    if not host:
        return None
    return Objection(
        Code.BAD_ARGUMENT,
        f"The reproduction talks to {host}. It may reach only this machine: start the service here and use localhost.",
    )


def _may_not_mend(ledger: Ledger, item: Remedy) -> Objection | None:
    if not ledger.opts(SecurityOptions).fix:
        told = "This audit only reads. The next prompt is `fix`; or close it and open one with `fix: true`."
        return Objection(Code.OUT_OF_ORDER, told)
    entry = next((one for one in ledger.of(SecurityFinding) if one.id == item.finding), None)
    if entry is None:
        return Objection(Code.EVIDENCE, f"There is no {item.finding}. Record the finding first.")
    if entry.item.severity not in SERIOUS or confidence_of(ledger, entry) is not Confidence.CONFIRMED:
        told = f"{item.finding} is {entry.item.severity} and {confidence_of(ledger, entry)}."
        return Objection(Code.OUT_OF_ORDER, f"{told} Only confirmed critical and high ones are mended here.")
    if is_fixed(ledger, entry):
        return Objection(Code.DUPLICATE, f"{item.finding} is fixed. Go on with another.")
    if len(attempts(ledger, item.finding)) >= MOST_ATTEMPTS:
        return Objection(
            Code.OUT_OF_ORDER, f"{item.finding} had {MOST_ATTEMPTS} attempts. Leave it to `fix` or a person."
        )
    if Scope(tuple(ledger.latest(SURFACE).get("tests", ()))).matches(item.path):
        return Objection(Code.BAD_ARGUMENT, f"{item.path} is a test. A remedy changes what was attacked; tests stay.")
    return None


def _unreached(ledger: Ledger) -> list[str]:
    reached = {asset for asset, _ in pairs(ledger)}
    return [entry.id for entry in ledger.of(AssetItem) if entry.id not in reached]


def _next_steps(ledger: Ledger) -> list[str]:
    """What to do now, the most pressing first."""
    owasp, _, personas = covered(ledger)
    done = tested(ledger)
    left = [cell for cell in cells(ledger) if cell not in done]
    last = ledger.latest(AUDITED)
    everything = last.get("changed") is None
    uncovered = [f"{one} {one.label}" for one in Owasp if one not in owasp and everything]
    quiet = [f"{one} ({one.aim})" for one in Attacker if one not in personas and everything]
    return [
        *([f"Last audit: {last['ledger']}, {len(last['known'])} findings left open."] if last.get("ledger") else []),
        *([last["warning"]] if last.get("warning") else []),
        *([f"Changed since: {', '.join(last['changed'][:12])}."] if last.get("changed") else []),
        *([f"Test next: {'; '.join(map(cell_words, left[:3]))}."] if left else []),
        *([f"OWASP {OWASP_EDITION} not tested: {', '.join(uncovered)}."] if uncovered else []),
        *([f"Personas not heard: {'; '.join(quiet)}."] if quiet else []),
        *pages.waiting_lines(ledger),
        *(f"{one.known.name} of the last audit: {one.fate}" for one in fates_of(ledger)[:8]),
        *([f"Tests: {last_run}."] if (last_run := pages.tests_words(ledger.latest(TESTS))) else []),
    ]
