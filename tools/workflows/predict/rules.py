"""Foreseeing trouble: findings of several personas sealed from one another, then debate, votes, and hypotheses in their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...errors import Code
from ..ledger.handoff import HandoffFinding
from ..ledger.items import Cited, Item, Options, Workflow
from ..ledger.pages import personal
from ..ledger.rules import Coverage, Objection, Pages, WorkflowRules
from ..ledger.state import Ledger, LedgerEntry
from .items import Challenge, Done, PersonaVote, PredictFinding, PredictOptions, Revision
from .pages import as_table, brief, overview_lines, page_values, ranked, worth
from .panel import Panel, Position


class Predict(WorkflowRules):
    """Nobody hears another before all have spoken, nobody votes before half of the majority was doubted."""

    name = Workflow.PREDICT
    options = PredictOptions
    accumulates = True
    kinds = (PredictFinding, Done, Challenge, Revision, PersonaVote)
    onwards = ("debug", "security", "scenario")
    pages: ClassVar[Pages] = {
        "overview.md": "overview.md.j2",
        "findings.md": "findings.md.j2",
        "hypothesis-queue.md": "hypothesis-queue.md.j2",
        "persona-debates.md": "persona-debates.md.j2",
        "predict-results.tsv": as_table,
    }

    def completed(self, ledger: Ledger, item: Item) -> Item:
        """A vote gets its round, and the finding that stands for those which say the same."""
        panel = Panel(ledger)
        if not isinstance(item, PersonaVote) or panel.sealed:
            return item
        ids = [position.id if (position := panel.of(id)) else id for id in item.of]
        return item.model_copy(update={"of": tuple(dict.fromkeys(ids)), "round": panel.round})

    def rivals(self, ledger: Ledger, item: Item) -> tuple[LedgerEntry[Item], ...]:
        """While findings are sealed, one persona's are compared with its own alone: no refusal may tell what another found."""
        found = super().rivals(ledger, item)
        if isinstance(item, PredictFinding):
            return tuple(entry for entry in found if getattr(entry.item, "persona", "") == item.persona)
        return found

    def objection(self, ledger: Ledger, item: Item) -> Objection | None:
        panel = Panel(ledger)
        return (
            _stranger(panel, item)
            or _tells_who(item)
            or (_while_sealed(panel, item) if panel.sealed else _after_seal(panel, item))
        )

    def spent(self, ledger: Ledger) -> int:
        return Panel(ledger).rounds_done

    def most(self, options: Options) -> int:
        return 0

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        panel = Panel(ledger)
        done = Coverage("personas done", len(panel.seats) - len(panel.waiting), len(panel.seats))
        if panel.sealed:
            return (done,)
        return (done, Coverage("rounds of votes", panel.rounds_done, panel.planned))

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        panel = Panel(ledger)
        if panel.sealed:
            return (f"a `done` of {', '.join(panel.waiting)}",)
        late = [name for name in panel.seats if not panel.finished and panel.ballot(name)]
        return (*panel.owed(), *([f"votes of {', '.join(late)} in round {panel.round}"] if late else []))

    def state(self, ledger: Ledger) -> list[str]:
        return overview_lines(Panel(ledger))

    def view(self, ledger: Ledger, asked: Mapping[str, Any]) -> list[str] | Objection:
        panel, name = Panel(ledger), str(asked.get("persona", "")).strip()
        if name not in panel.seats or len(asked) > 1:
            message = f"`status` takes here {{'persona': one of {', '.join(panel.seats)}}}, or nothing."
            return Objection(Code.BAD_ARGUMENT, message)
        return brief(panel, name)

    def page_values(self, ledger: Ledger) -> Mapping[str, object]:
        return page_values(ledger)

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        panel = Panel(ledger)
        if panel.sealed and ledger.closed is None:
            return ()
        return tuple(_finding(panel, position) for position in ranked(panel))


def _finding(panel: Panel, position: Position) -> HandoffFinding:
    one, outcome, share = position.first, panel.outcome(position), panel.share(position)
    why = one.reasoning.rstrip(".")
    votes = "not voted on" if share is None else f"{share:.0%} of {len(panel.seats)} confirm"
    told_by = f"Foreseen by {', '.join(position.authors)}; {votes}; priority {worth(panel, position):.2f}."
    return HandoffFinding(
        id=position.id,
        title=one.summary,
        kind=one.category,
        severity=position.severity,
        location=one.location,
        quote=one.quote,
        detail=f"{why}. {told_by} {one.suggestion}".strip(),
        standing=panel.standing(position),
        outcome=outcome[0] if outcome else None,
        settled_by=outcome[1] if outcome else "",
    )


def _stranger(panel: Panel, item: Item) -> Objection | None:
    name = str(getattr(item, "persona", ""))
    if name in panel.seats:
        return None
    return Objection(Code.BAD_ARGUMENT, f"{name} is not on this panel. It is: {', '.join(panel.seats)}.")


def _tells_who(item: Item) -> Objection | None:
    texts = [str(value) for name, value in item if isinstance(value, str) and name not in {"location", "commit"}]
    if not (what := personal(texts)):
        return None
    cure = "Leave it out; a quote may be a part of the line." if isinstance(item, Cited) else "Leave it out."
    return Objection(Code.SECRET, f"This holds {what}, which tells who somebody is. {cure}")


def _while_sealed(panel: Panel, item: Item) -> Objection | None:
    match item:
        case PredictFinding(persona=name) if name not in panel.waiting:
            return Objection(Code.OUT_OF_ORDER, f"{name} is done and adds nothing more. The others go on.")
        case PredictFinding(persona=name) if len(panel.by(name)) >= panel.limit:
            message = f"{name} has {panel.limit} findings, its share of the budget. Record `done`."
            return Objection(Code.OUT_OF_ORDER, message)
        case Challenge() | Revision() | PersonaVote():
            waiting = ", ".join(panel.waiting)
            message = f"Findings are sealed until all are in; {waiting} still have to record `done`. Wait for that."
            return Objection(Code.SEALED, message)
        case _:
            return None


def _after_seal(panel: Panel, item: Item) -> Objection | None:
    match item:
        case Challenge(persona=name, of=id):
            return _unknown(panel, (id,)) or _own(panel, name, id)
        case Revision(persona=name, of=id):
            return _unknown(panel, (id,)) or _not_own(panel, name, id) or _voted_on(panel, id)
        case PersonaVote(persona=name, of=ids):
            return _unknown(panel, ids) or _voted_all(panel) or _voted(panel, name, ids) or _too_early(panel)
        case _:
            return Objection(Code.OUT_OF_ORDER, "The findings are in and open. Challenge, revise or vote now.")


def _unknown(panel: Panel, ids: tuple[str, ...]) -> Objection | None:
    known = [position.id for position in panel.live]
    wrong = [id for id in ids if (position := panel.of(id)) is None or position.withdrawn]
    if not wrong:
        return None
    message = f"{', '.join(wrong)} is not there, or was withdrawn. There are: {', '.join(known) or 'none'}."
    return Objection(Code.BAD_ARGUMENT, message)


def _own(panel: Panel, name: str, id: str) -> Objection | None:
    position = panel.of(id)
    if position is None or name not in position.authors:
        return None
    message = f"{position.id} is {name}'s own finding. Revise or withdraw it with a `revision`, or challenge another's."
    return Objection(Code.BAD_ARGUMENT, message)


def _not_own(panel: Panel, name: str, id: str) -> Objection | None:
    found = panel.ledger.find(id)
    if found is not None and getattr(found.item, "persona", "") == name:
        return None
    mine = ", ".join(entry.id for entry in panel.by(name)) or "none"
    message = f"{id} is not {name}'s finding; those are: {mine}. Record a `challenge` to it."
    return Objection(Code.BAD_ARGUMENT, message)


def _voted_on(panel: Panel, id: str) -> Objection | None:
    position = panel.of(id)
    if panel.finished:
        return Objection(Code.OUT_OF_ORDER, "The last votes are in: nothing is revised any more. Close the ledger.")
    if position is None or not panel.votes(position, panel.round):
        return None
    message = f"{position.id} is being voted on in round {panel.round}. Revise it after the round, before the next vote on it."
    return Objection(Code.OUT_OF_ORDER, message)


def _voted_all(panel: Panel) -> Objection | None:
    message = f"All {panel.planned} rounds of votes are in. Close the ledger, after what is still missing."
    return Objection(Code.OUT_OF_ORDER, message) if panel.finished else None


def _voted(panel: Panel, name: str, ids: tuple[str, ...]) -> Objection | None:
    again = [id for id in ids if (position := panel.of(id)) and name in panel.votes(position, panel.round)]
    if not again:
        return None
    left = ", ".join(position.id for position in panel.ballot(name)) or "nothing: wait for the others"
    message = f"{name} has voted on {', '.join(again)} in round {panel.round}. Left: {left}."
    return Objection(Code.DUPLICATE, message)


def _too_early(panel: Panel) -> Objection | None:
    owed = panel.owed()
    return Objection(Code.OUT_OF_ORDER, f"Before votes of round {panel.round}: {'; '.join(owed)}.") if owed else None
