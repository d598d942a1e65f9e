"""Security: threats to assets across trust boundaries, each tested by an item; what was found before is never just forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...errors import Code
from ...plan.scope import Scope
from ..ledger.evidence import mended, pending, proof_of, ran
from ..ledger.handoff import Ending, GateCheck, HandoffFinding, without_findings
from ..ledger.items import Confidence, Depth, Item, ItemOutcome, Proof, Withdrawal, Workflow
from ..ledger.pages import lines, sentence
from ..ledger.rules import Check, Coverage, Need, Objection, Pages, WorkflowRules
from ..ledger.state import Ledger, LedgerEntry
from .findings import (
    LEFT_OPEN,
    MOST_ATTEMPTS,
    SERIOUS,
    Known,
    attempts,
    confidence_of,
    fates_of,
    is_fixed,
    last_audit,
    mendable,
    open_findings,
    surface_of,
    to_settle,
    untested_remedies,
)
from .items import (
    OWASP_EDITION,
    AssetItem,
    BoundaryItem,
    Cleared,
    Dependency,
    Owasp,
    Remedy,
    SecurityFinding,
    SecurityOptions,
    ThreatTest,
)
from .matrix import cell_words, cells, covered, looked_at, pairs, tested, untested
from .pages import page_values, results_table, sarif_log, tests_words
from .reach import reaches


def _unknown(ledger: Ledger, item: BoundaryItem) -> Objection | None:
    known = [entry.id for entry in ledger.of(AssetItem)]
    strange = [id for id in item.reaches if id not in known]
    if not strange:
        return None
    problem = f"There is no {', '.join(strange)}. Record the asset first; there are: {', '.join(known) or 'none'}."
    return Objection(Code.OUT_OF_ORDER if not known else Code.BAD_ARGUMENT, problem)


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


def _unproven(ledger: Ledger, item: SecurityFinding) -> Objection | None:
    if item.confidence is Confidence.CONFIRMED and not item.reproduction:
        problem = "A confirmed finding needs a `reproduction`, the words it `fails_with`, and a `control`."
        return Objection(Code.MISSING_FIELD, f"{problem} Give them, or say `likely`.")
    host = next(filter(None, map(reaches, item.proof.commands)), "")
    if not host:
        return None
    return Objection(
        Code.BAD_ARGUMENT,
        f"The reproduction talks to {host}. It may reach only this machine: start the service here and use localhost.",
    )


def _may_not_mend(ledger: Ledger, item: Remedy) -> Objection | None:
    if not ledger.opts(SecurityOptions).fix:
        problem = "This audit only reads. The next prompt is `fix`; or close it and open one with `fix: true`."
        return Objection(Code.OUT_OF_ORDER, problem)
    entry = next((one for one in ledger.of(SecurityFinding) if one.id == item.finding), None)
    if entry is None:
        return Objection(Code.EVIDENCE, f"There is no {item.finding}. Record the finding first.")
    if entry.item.severity not in SERIOUS or confidence_of(ledger, entry) is not Confidence.CONFIRMED:
        problem = f"{item.finding} is {entry.item.severity} and {confidence_of(ledger, entry)}."
        return Objection(Code.OUT_OF_ORDER, f"{problem} Only confirmed critical and high ones are mended here.")
    if is_fixed(ledger, entry):
        return Objection(Code.DUPLICATE, f"{item.finding} is fixed. Go on with another.")
    if len(attempts(ledger, item.finding)) >= MOST_ATTEMPTS:
        return Objection(
            Code.OUT_OF_ORDER, f"{item.finding} had {MOST_ATTEMPTS} attempts. Leave it to `fix` or a person."
        )
    if Scope(surface_of(ledger).tests).matches(item.path):
        return Objection(Code.BAD_ARGUMENT, f"{item.path} is a test. A remedy changes what was attacked; tests stay.")
    return None


def _unreached(ledger: Ledger) -> list[str]:
    reached = {asset for asset, _ in pairs(ledger)}
    return [entry.id for entry in ledger.of(AssetItem) if entry.id not in reached]


class Security(WorkflowRules):
    """A cell counts as tested only by an item that cites code: one that found something, or one that shows what holds."""

    name = Workflow.SECURITY
    options = SecurityOptions
    kinds = (AssetItem, BoundaryItem, Cleared, SecurityFinding, Dependency, Remedy)
    rounds: ClassVar[Mapping[Depth, int]] = {Depth.SHALLOW: 5, Depth.STANDARD: 15, Depth.DEEP: 0}
    withdrawable = (Cleared, SecurityFinding, Dependency)
    onwards = ("fix",)
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {
        BoundaryItem: (_unknown,),
        ThreatTest: (_no_such_cell,),
        SecurityFinding: (_unproven,),
        Remedy: (_may_not_mend,),
    }
    needs = (
        Need(
            lambda ledger: not ledger.of(AssetItem),
            "the assets: what is worth protecting, each cited where the code has it",
            first=True,
        ),
        Need(
            lambda ledger: not ledger.of(BoundaryItem),
            "the trust boundaries: where input or control enters, and which assets can be reached from there",
            first=True,
        ),
        Need(lambda ledger: ", ".join(_unreached(ledger)), "a boundary that reaches {0}"),
        Need(untested),
        Need(
            to_settle,
            "{0.name} of the last audit still stands at {0.stands}: record it again, or record as `cleared`, with "
            "`upstream`, why it is none any more",
        ),
        Need(mendable, "a remedy for {0.id}, or its third attempt"),
        Need(lambda ledger: untested_remedies(ledger)[-1:], "the tests after {0.id}: call workflow with `run`"),
    )
    pages: ClassVar[Pages] = {
        "overview.md": "overview.md.j2",
        "threat-model.md": "threat-model.md.j2",
        "attack-surface-map.md": "attack-surface-map.md.j2",
        "findings.md": "findings.md.j2",
        "owasp-coverage.md": "owasp-coverage.md.j2",
        "dependency-audit.md": "dependency-audit.md.j2",
        "recommendations.md": "recommendations.md.j2",
        "security-audit-results.tsv": results_table,
        "fix-log.md": "fix-log.md.j2",
        "security.sarif": sarif_log,
    }

    def proof(self, ledger: Ledger, item: Item) -> Proof | None:
        found = ledger.find(item.finding) if isinstance(item, Remedy) else None
        return proof_of(ledger, found) if found else super().proof(ledger, item)

    def said(self, ledger: Ledger, entry: LedgerEntry[Any]) -> str:
        return confidence_of(ledger, entry) if isinstance(entry.item, SecurityFinding) else super().said(ledger, entry)

    def settles(self, ledger: Ledger, entry: LedgerEntry[Any]) -> ItemOutcome | None:
        if isinstance(entry.item, SecurityFinding):
            return ItemOutcome.CONFIRMED if confidence_of(ledger, entry) is Confidence.CONFIRMED else None
        over = mended(ran(ledger, entry)) or isinstance(entry.item, Withdrawal)
        return super().settles(ledger, entry) if over else None

    def costs(self, kind: str) -> bool:
        return kind in {"cleared", "finding"}

    def spent(self, ledger: Ledger) -> int:
        return sum(isinstance(entry.item, ThreatTest) for entry in ledger.entries)

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        done = tested(ledger)
        return (
            Coverage("OWASP", len(covered(ledger)), len(Owasp)),
            Coverage("matrix cells", sum(cell in done for cell in cells(ledger)), len(cells(ledger))),
            Coverage("files", len(looked_at(ledger)), int(ledger.latest("scope").get("files", 0))),
        )

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        if ledger.opts(SecurityOptions).diff and last_audit(ledger).changed == ():
            return ()
        return super().missing(ledger)

    def ending(self, ledger: Ledger) -> Ending:
        check = self.gate_check(ledger)
        return Ending.FAILED if check and not check.passed else Ending.COMPLETE

    def gate_check(self, ledger: Ledger) -> GateCheck | None:
        limit = ledger.opts(SecurityOptions).fail_on
        over = {id for id, settled in ledger.overruled.items() if settled.outcome.over}
        left = [one for one in self.findings(ledger) if one.id not in over]
        return without_findings(self.name, left, limit) if limit else None

    def state(self, ledger: Ledger) -> list[str]:
        check = self.gate_check(ledger)
        return lines(
            check and not check.passed and f"The gate fails: {check.seen}.",
            *_next_steps(ledger),
            *_surface_lines(ledger),
            *(f"{one.id} {one.item.asset}: {one.item.name}" for one in ledger.of(AssetItem)),
            *(
                f"{one.id} {one.item.boundary}: {one.item.name}, reaches {', '.join(one.item.reaches)}"
                for one in ledger.of(BoundaryItem)
            ),
            *(
                f"{one.id} {one.item.severity} {confidence_of(ledger, one)}: {one.item.summary}"
                for one in ledger.of(SecurityFinding)[-10:]
            ),
        )

    def page_values(self, ledger: Ledger) -> Mapping[str, object]:
        return {**page_values(ledger), "coverage": self.coverage(ledger)}

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
                proof=proof_of(ledger, entry),
                confirmed=confidence_of(ledger, entry) is Confidence.CONFIRMED,
            )
            for entry in open_findings(ledger)
        ) + tuple(_still_open(one.known) for one in fates_of(ledger) if one.fate in LEFT_OPEN)


def _detail(one: SecurityFinding) -> str:
    return f"{sentence(one.scenario)} Impact: {sentence(one.impact)} Mitigation: {sentence(one.mitigation)}"


def _still_open(known: Known) -> HandoffFinding:
    """Return what an earlier audit found and this one leaves open."""
    return HandoffFinding(
        id=known.name, title=known.summary, kind=f"security {known.kind}", severity=known.severity,
        location=known.stands or known.path, quote=known.quote, proof=known.proof, confirmed=bool(known.proof.command),
    )  # fmt: skip


def _next_steps(ledger: Ledger) -> list[str]:
    """Return what to do now, the most pressing first."""
    owasp = covered(ledger)
    done, last, waiting = tested(ledger), last_audit(ledger), len(pending(ledger))
    left = [cell for cell in cells(ledger) if cell not in done]
    everything = last.changed is None
    uncovered = [one for one in Owasp if one not in owasp and everything] if owasp else []
    tests = tests_words(ledger)
    return lines(
        last.ledger and f"Last audit: {last.ledger}, {len(last.known)} findings left open.",
        last.warning,
        last.changed and f"Changed since: {', '.join(last.changed[:12])}.",
        left and f"Test next: {'; '.join(map(cell_words, left[:3]))}.",
        uncovered and f"OWASP {OWASP_EDITION} not tested: {', '.join(uncovered)}.",
        waiting
        and f"{waiting} reproductions wait for a person's consent (`autoresearch-mcp approve`); then call `run`.",
        *(f"{one.known.name} of the last audit: {one.fate}" for one in fates_of(ledger)[:8]),
        tests and f"Tests: {tests}.",
    )


def _surface_lines(ledger: Ledger) -> list[str]:
    """Return what the server saw of the surface, for whoever begins."""
    surface = surface_of(ledger)
    hints = [f"{one.location} {one.what}" for one in surface.hints[:10]]
    return lines(
        surface.secrets and f"Lines that look like a secret: {', '.join(surface.secrets[:8])}.",
        hints and f"Patterns worth a look, no findings: {'; '.join(hints)}.",
        surface.manifests and f"Dependencies are declared in: {', '.join(surface.manifests[:8])}.",
    )
