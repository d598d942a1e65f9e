"""The files that a security ledger leaves, for people: the audit and its findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..ledger.evidence import pending, ran, refuted, words
from ..ledger.items import Severity
from ..ledger.ledger import Ledger, LedgerEntry
from ..ledger.pages import quoted, section, table
from ..ledger.rules import Coverage
from ..ledger.scores import Score
from .findings import AUDITED, TESTS, attempts, confidence_of, fates_of, held, is_fixed, open_findings, recurring
from .items import Dependency, Health, Remedy, SecurityFinding, SecurityOptions
from .matrix import trials
from .model_pages import dependency_page, owasp_page, surface_page, threat_page
from .sarif import sarif_log
from .threats import OWASP_EDITION, Attacker

COLUMNS = tuple("iteration persona asset boundary stride owasp result severity confidence location description".split())
_TO_CHANGE = frozenset({Health.VULNERABLE, Health.UNMAINTAINED, Health.OUTDATED, Health.UNPINNED})
_CONTENTS = (
    "- `threat-model.md`: assets, trust boundaries and the STRIDE matrix",
    "- `attack-surface-map.md`: where an attack can enter, and what is behind",
    "- `findings.md`, `recommendations.md`: what is weak, and what to do about it, in order",
    f"- `owasp-coverage.md`: the OWASP Top 10 of {OWASP_EDITION}, category by category",
    "- `dependency-audit.md`: what is known of the dependencies",
    "- `security-audit-results.tsv`: every test",
    "- `security.sarif`: the open findings for a code host",
)


def files(ledger: Ledger, scores: Sequence[Score], coverage: Sequence[Coverage]) -> dict[str, str]:
    """Every file by its name."""
    fixing = {"fix-log.md": _fix_log(ledger)} if ledger.opts(SecurityOptions).fix else {}
    return {
        "overview.md": _overview(ledger, scores, coverage),
        "threat-model.md": threat_page(ledger),
        "attack-surface-map.md": surface_page(ledger),
        "findings.md": _findings(ledger),
        "owasp-coverage.md": owasp_page(ledger),
        "dependency-audit.md": dependency_page(ledger),
        "recommendations.md": _recommendations(ledger),
        "security-audit-results.tsv": _results(ledger),
        **fixing,
        "security.sarif": sarif_log(ledger),
    }


def surface_lines(surface: Mapping[str, Any]) -> list[str]:
    """What the server saw of the surface, for whoever begins."""
    hints = [f"{one['location']} {one['what']}" for one in surface.get("hints", ())[:10]]
    secrets = list(surface.get("secrets", ()))[:8]
    manifests = list(surface.get("manifests", ()))[:8]
    return [
        *([f"Lines that look like a secret: {', '.join(secrets)}."] if secrets else []),
        *([f"Patterns worth a look, no findings: {'; '.join(hints)}."] if hints else []),
        *([f"Dependencies are declared in: {', '.join(manifests)}."] if manifests else []),
    ]


def waiting_lines(ledger: Ledger) -> list[str]:
    """What waits for a person's consent."""
    waiting = len(pending(ledger))
    told = f"{waiting} reproductions wait for a person's consent (`autoresearch-mcp approve`); then call `run`."
    return [told] if waiting else []


def tests_words(facts: Mapping[str, Any]) -> str:
    """What the project's tests said when they were last run."""
    return "; ".join(f"`{one['command']}` {one['said']}" for one in facts.get("commands", ()))


def _overview(ledger: Ledger, scores: Sequence[Score], coverage: Sequence[Coverage]) -> str:
    done = [f"| {part.name} | {part.done} | {part.of} |" for part in coverage]
    numbers = [f"| {score.name} | {score.value:.1f} | {score.most:g} |" for score in scores if score.most]
    parts = [
        f"# Security audit: {ledger.options.goal or 'everything'}\n",
        f"{_verdict(ledger)}\n",
        section("Open findings", _counted(ledger)),
        section("Since the last audit", _since(ledger)),
        section("Audits on this branch", _history(ledger)),
        section("Coverage", ["| what | done | of |", "|---|---|---|", *done]),
        section("Scores", ["| score | value | of |", "|---|---|---|", *numbers]),
        section("Who looked", _who(ledger)),
        section("Files", _CONTENTS),
        "An audit shows what was found, never that nothing else is there.\n",
    ]
    return "\n".join(part for part in parts if part)


def _verdict(ledger: Ledger) -> str:
    limit = ledger.opts(SecurityOptions).fail_on
    ended, commit = (ledger.closed.ending, ledger.closed.commit) if ledger.closed else ("still open", ledger.commit)
    found = open_findings(ledger)
    told = f"Depth: {ledger.options.depth}. Ended: {ended}. Tests: {len(trials(ledger))}. Open findings: {len(found)}."
    where = f"Branch {ledger.branch}, commit {commit[:7]}."
    if limit is None:
        return f"{told} {where}"
    bad = ", ".join(one.id for one in found if one.item.severity.rank <= limit.rank)
    return f"{told} {where} **Gate at {limit}: {f'failed because of {bad}' if bad else 'passed'}.**"


def _counted(ledger: Ledger) -> list[str]:
    left = open_findings(ledger)
    counts = [f"| {severity} | {sum(one.item.severity is severity for one in left)} |" for severity in Severity]
    worst = [
        f"- **{one.id}** {one.item.severity}, {confidence_of(ledger, one)}: {one.item.summary} `{one.item.location}`"
        for one in left[:5]
    ]
    return ["| severity | findings |", "|---|---|", *counts, *(["", *worst] if worst else [])]


def _since(ledger: Ledger) -> list[str]:
    last = ledger.latest(AUDITED)
    if not last.get("ledger"):
        return [last.get("warning") or "There is no earlier audit on this branch: every finding is new."]
    again = recurring(ledger)
    new = ", ".join(one.id for one in ledger.of(SecurityFinding) if one.id not in again)
    rows = [
        f"| {one.fate} | {one.known.name} | {one.known.severity} | {_cell(one.known.summary)} | {one.by or '-'} |"
        for one in fates_of(ledger)
    ]
    head = ["| what became of it | finding | severity | summary | now |", "|---|---|---|---|---|"]
    return [
        *([last["warning"], ""] if last.get("warning") else []),
        f"Compared with {last['ledger']} at commit {last['commit'][:7]}. New: {new or 'none'}.",
        *(["", *head, *rows] if rows else []),
    ]


def _history(ledger: Ledger) -> list[str]:
    past = list(ledger.latest(AUDITED).get("history", ()))
    left = open_findings(ledger)
    now = {str(severity): sum(one.item.severity is severity for one in left) for severity in Severity}
    rows = [
        f"| {one['ledger']} | " + " | ".join(str(one[severity.value]) for severity in Severity) + " |"
        for one in (*past, {"ledger": f"**{ledger.id}**", **now})
    ]
    return [f"| audit | {' | '.join(Severity)} |", "|---" * 6 + "|", *rows] if past else []


def _who(ledger: Ledger) -> Iterator[str]:
    for persona in Attacker:
        made = [one for one in trials(ledger) if one.item.persona is persona]
        found = sum(isinstance(one.item, SecurityFinding) for one in made)
        yield f"- {persona}, {persona.aim}: tests {len(made)}, findings {found}"


def _findings(ledger: Ledger) -> str:
    again = recurring(ledger)
    ordered = [*open_findings(ledger), *(one for one in ledger.of(SecurityFinding) if is_fixed(ledger, one))]
    pages = [_finding(ledger, one, again[one.id].name if one.id in again else "") for one in ordered]
    none = f"{len(trials(ledger))} tests found nothing. What they looked at: `threat-model.md`, `owasp-coverage.md`.\n"
    return "# Findings\n\n" + ("\n".join(pages) or none)


def _finding(ledger: Ledger, entry: LedgerEntry[SecurityFinding], again: str) -> str:
    one = entry.item
    known = f"recurring, known as {again}" if again else "new"
    mended = " **Fixed in this audit.**" if is_fixed(ledger, entry) else ""
    sort = "; ".join(part for part in (f"{one.owasp} {one.owasp.label}", one.stride, one.cwe) if part)
    seen = words(ran(ledger, entry)) + (", so it shows nothing" if refuted(ran(ledger, entry)) else "")
    parts = [
        f"## {entry.id}: {one.summary}\n",
        f"{one.severity}, {confidence_of(ledger, entry)}, {known}.{mended}\n",
        f"{sort}. {one.asset} across {one.boundary}, seen as {one.persona}. At `{one.location}`:\n",
        f"{quoted(one.quote)}\n",
        f"**Attack.** {one.scenario}\n\n**Impact.** {one.impact}\n\n**Mitigation.** {one.mitigation}\n",
        f"**Reproduction** ({seen}).\n\n{quoted(one.reproduction)}\n" if one.reproduction else "",
    ]
    return "\n".join(part for part in parts if part)


def _recommendations(ledger: Ledger) -> str:
    left = open_findings(ledger)
    advice = [
        section(severity.title(), _advice([one for one in left if one.item.severity is severity]))
        for severity in Severity
    ]
    bad = [one.item for one in ledger.of(Dependency) if one.item.health in _TO_CHANGE]
    dependencies = section("Dependencies", [f"- {one.title}. {one.why} `{one.location}`" for one in bad])
    body = [part for part in (*advice, dependencies) if part]
    return "\n".join(["# Recommendations\n", *(body or ["Nothing to change was found.\n"])])


def _advice(entries: Iterable[LedgerEntry[SecurityFinding]]) -> Iterator[str]:
    for entry in entries:
        one = entry.item
        yield f"- **{entry.id}** {one.mitigation} (`{one.location}`)"
        yield f"  {one.owasp} {one.owasp.label}: {one.owasp.advice}"


def _results(ledger: Ledger) -> str:
    return table(COLUMNS, [_row(ledger, place, one) for place, one in enumerate(trials(ledger), 1)])


def _row(ledger: Ledger, place: int, entry: LedgerEntry[Any]) -> tuple[object, ...]:
    one = entry.item
    cell = (place, one.persona, one.asset, one.boundary, one.stride, one.owasp)
    if isinstance(one, SecurityFinding):
        found = (f"finding {entry.id}", one.severity, confidence_of(ledger, entry))
        return (*cell, *found, one.location, one.summary)
    return (*cell, f"held {entry.id}", "", "", one.location, one.tried)


def _fix_log(ledger: Ledger) -> str:
    tried = [one for one in ledger.of(SecurityFinding) if attempts(ledger, one.id)]
    parts = ["# Fixes\n", "Only confirmed critical and high findings, three attempts each.\n"]
    for finding in tried:
        lines = [_attempt(ledger, number, one) for number, one in enumerate(attempts(ledger, finding.id), 1)]
        how = "fixed" if is_fixed(ledger, finding) else "not fixed"
        parts.append(section(f"{finding.id}: {finding.item.summary} ({how})", lines))
    if not tried:
        parts.append("Nothing was attempted.\n")
    return "\n".join([*parts, section("Tests", [tests_words(ledger.latest(TESTS)) or "Not run."])])


def _attempt(ledger: Ledger, number: int, entry: LedgerEntry[Remedy]) -> str:
    how = "held" if held(ledger, entry) else "did not hold"
    seen = words(ran(ledger, entry))
    where = f"{entry.id}, commit {entry.commit[:7]}, `{entry.item.location}`"
    return f"{number}. {how}: {entry.item.change} The reproduction: {seen}. {where}"


def _cell(text: str) -> str:
    """A text that a table's cell can hold."""
    return " ".join(text.split()).replace("|", "\\|")
