"""The files that a security ledger leaves, for people: the model of threats, the surface, and what was covered."""

from __future__ import annotations

from typing import Any

from ..ledger.ledger import Ledger, LedgerEntry
from ..ledger.pages import quoted, section, sentence
from .findings import DEPENDENCIES, SURFACE
from .items import AssetItem, BoundaryItem, Cleared, Dependency, SecurityFinding
from .matrix import pairs, trials
from .threats import OWASP_EDITION, Owasp, Stride


def threat_page(ledger: Ledger) -> str:
    """Assets, trust boundaries, and the matrix of what was tested."""
    assets = [
        _row(one.id, one.item.name, one.item.asset, one.item.asset.priority, one.item.loss, f"`{one.item.location}`")
        for one in ledger.of(AssetItem)
    ]
    boundaries = [
        _row(one.id, one.item.name, one.item.boundary, one.item.crosses, f"`{one.item.location}`")
        for one in ledger.of(BoundaryItem)
    ]
    matrix = [
        _row(f"{asset} across {boundary}", *(_cell(ledger, (asset, boundary, threat)) for threat in Stride))
        for asset, boundary in pairs(ledger)
    ]
    parts = [
        "# Threat model\n",
        section("Assets", _table(("id", "what", "kind", "priority", "loss", "where"), assets)),
        section("Trust boundaries", _table(("id", "what", "kind", "what crosses", "where"), boundaries)),
        section("STRIDE", _table(("asset and boundary", *Stride), matrix)),
        "A cell names the items that tested it: V found something, C tried and was held off. An empty cell was not tested.\n",
    ]
    return "\n".join(part for part in parts if part)


def surface_page(ledger: Ledger) -> str:
    """Where an attack can enter, what is behind, and what was found on the way."""
    surface = ledger.latest(SURFACE)
    hints = [f"- `{one['location']}`: {one['what']}" for one in surface.get("hints", ())]
    listed = {
        "Declared dependencies": surface.get("manifests", ()),
        "Builds and deployment": surface.get("pipelines", ()),
        "Lines that look like a secret": surface.get("secrets", ()),
    }
    parts = [
        "# Attack surface\n",
        *(_entry_point(ledger, one) for one in ledger.of(BoundaryItem)),
        *(section(title, [f"- `{place}`" for place in places]) for title, places in listed.items()),
        section("Patterns that the server saw", ["Where to look; not findings.", "", *hints] if hints else []),
    ]
    return "\n".join(part for part in parts if part)


def owasp_page(ledger: Ledger) -> str:
    """Each OWASP category with the tests that were made for it."""
    parts = [
        f"# OWASP Top 10, edition of {OWASP_EDITION}\n",
        "Other editions give the ids to other categories.\n",
        *(
            section(f"{one} {one.label}", [*map(_test, _tests_of(ledger, one))] or ["Not tested."])
            for one in Owasp
        ),
    ]  # fmt: skip
    return "\n".join(parts)


def dependency_page(ledger: Ledger) -> str:
    """What is known of the dependencies, and how."""
    looked = [
        _row(one.id, one.item.name, one.item.version, one.item.health, one.item.advisory, one.item.why, f"`{one.item.location}`")
        for one in ledger.of(Dependency)
    ]  # fmt: skip
    runs = [_run(one) for one in ledger.latest(DEPENDENCIES).get("commands", ())]
    declared = [f"- `{file}`" for file in ledger.latest(SURFACE).get("manifests", ())]
    columns = ("id", "name", "version", "state", "advisory", "why", "where")
    parts = [
        "# Dependencies\n",
        section("Declared in", declared or ["No manifest was found."]),
        section("Audit tools that the server ran", runs or ["None was run."]),
        section("Looked at", _table(columns, looked) if looked else ["No dependency was recorded."]),
    ]
    return "\n".join(parts)


def _entry_point(ledger: Ledger, entry: LedgerEntry[BoundaryItem]) -> str:
    one = entry.item
    names = {asset.id: asset.item.name for asset in ledger.of(AssetItem)}
    behind = [f"- leads to **{id}** {names[id]}" for id in one.reaches]
    abused = [
        f"- abused by **{found.id}** ({found.item.severity}): {found.item.summary}"
        for found in ledger.of(SecurityFinding)
        if found.item.boundary == entry.id
    ]
    told = f"{one.boundary}, entered at `{one.location}`. {one.crosses}"
    return section(f"{entry.id}: {one.name}", [told, "", quoted(one.quote), "", *behind, *abused])


def _cell(ledger: Ledger, cell: tuple[str, str, Stride]) -> str:
    here = [one for one in trials(ledger) if one.item.cell == cell]
    return ", ".join(f"**{one.id}**" if isinstance(one.item, SecurityFinding) else one.id for one in here)


def _tests_of(ledger: Ledger, category: Owasp) -> list[LedgerEntry[Any]]:
    return [one for one in trials(ledger) if one.item.owasp is category]


def _test(entry: LedgerEntry[Any]) -> str:
    one = entry.item
    if isinstance(one, SecurityFinding):
        return f"- **{entry.id}** {one.severity}: {sentence(one.summary)} `{one.location}`"
    assert isinstance(one, Cleared), "the other kind of test"
    return f"- {entry.id} tried: {sentence(one.tried)} Held: {sentence(one.holds)} `{one.location}`"


def _run(one: dict[str, Any]) -> str:
    said = f"`{one['command']}`: {one['said']}\n"
    return f"{said}\n{quoted(one['tail'])}\n" if one["tail"] else said


def _table(columns: tuple[str, ...], rows: list[str]) -> list[str]:
    return [_row(*columns), "|---" * len(columns) + "|", *rows] if rows else []


def _row(*cells: object) -> str:
    texts = (" ".join(str(cell).split()).replace("|", "\\|") or " " for cell in cells)
    return f"| {' | '.join(texts)} |"
