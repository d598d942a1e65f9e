"""What a workflow is: its options, the items it takes, the order it insists on, and what its ledger adds up to. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, ClassVar

from ...errors import Code, Refusal
from .evidence import disproved, proof_of, ran, shown, words
from .handoff import Ending, GateCheck, HandoffFinding
from .items import Depth, Item, ItemOutcome, Options, Proof, Provable, Retired, Withdrawal, Workflow
from .pages import flagged, render
from .state import Ledger, LedgerEntry, Ran, as_recorded


@dataclass(frozen=True)
class Objection:
    """Why an item is not taken, with the sentence that cures it."""

    code: Code
    message: str


Pages = Mapping[str, str | Callable[[Ledger], str]]
"""Files by name, each with its template, or with the function that writes what is no prose."""
Check = Callable[[Ledger, Any], Objection | None]
"""Says why an item of one kind may not be added to a ledger now."""


@dataclass(frozen=True)
class Need:
    """What a ledger has to have before it may end: one sentence for each thing that `left` finds missing.

    `left` returns the things themselves, for `{0}` in the sentence to name; or a text, or True, for one. Nothing behind a
    need that is `first` is asked for while it is missing.
    """

    left: Callable[[Ledger], object]
    sentence: str = "{0}"
    first: bool = False

    def sentences(self, ledger: Ledger) -> list[str]:
        found = self.left(ledger)
        things = found if isinstance(found, Iterable) and not isinstance(found, str) else [found] if found else []
        return [self.sentence.format(one) for one in things]


@dataclass(frozen=True)
class Coverage:
    """How much of something was looked at."""

    name: str
    done: int
    of: int

    def __str__(self) -> str:
        return f"{self.name} {self.done}/{self.of}"


@dataclass(frozen=True)
class Score:
    """One number with its name, 0 to 100: it counts what the server ran or looked up, and nothing that was only said."""

    name: str
    value: float


class WorkflowRules:
    """One workflow. Subclasses declare what differs in the tables, and override a method where a table is not enough; what
    they return is computed from the ledger alone.
    """

    name: ClassVar[Workflow]
    options: ClassVar[type[Options]] = Options
    kinds: ClassVar[tuple[type[Item], ...]] = ()
    """Every kind of item that an agent records."""
    withdrawable: ClassVar[tuple[type[Item], ...]] = ()
    """Kinds that may be taken back."""
    items: ClassVar[Mapping[str, type[Item]]] = {}
    """The same by their words; made of `kinds` where it is not given."""
    found: ClassVar[Mapping[str, type[Item]]] = {}
    """Kinds of item that only the server records, by their words."""
    rounds: ClassVar[Mapping[Depth, int]] = {Depth.SHALLOW: 5, Depth.STANDARD: 15, Depth.DEEP: 30}
    """Rounds at each depth; 0 = unbounded."""
    opinions: ClassVar[bool] = False
    """Whether what agents record here is what they think, which holds no verdict."""
    accumulates: ClassVar[bool] = False
    """Whether each ledger has findings of its own; else the newest that looked says how things stand."""
    onwards: ClassVar[tuple[str, ...]] = ()
    """The prompts that usually follow."""
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {}
    """What is held against an item, by its kind or what its kind is based on; the first objection counts."""
    needs: ClassVar[tuple[Need, ...]] = ()
    """What has to be there before the ledger may end, in this order."""
    pages: ClassVar[Pages] = {}
    """The files that its end writes, in this order."""

    def __init_subclass__(cls) -> None:
        if cls.kinds:
            kinds: tuple[type[Item], ...] = (*cls.kinds, Withdrawal) if cls.withdrawable else cls.kinds
            cls.items = {str(kind.model_fields["kind"].default): kind for kind in kinds}

    def completed(self, ledger: Ledger, item: Item) -> Item:
        """Return the item with the fields that are for the server to fill, such as new, variant or duplicate."""
        return item

    def objection(self, ledger: Ledger, item: Item) -> Objection | None:
        """Return why this item may not be added now; None when it may. Evidence and duplicates are checked elsewhere."""
        if isinstance(item, Withdrawal):
            return self._stands(ledger, item)
        checks = (check for kind, checks in self.checks.items() if isinstance(item, kind) for check in checks)
        return next((objection for check in checks if (objection := check(ledger, item))), None)

    def _stands(self, ledger: Ledger, item: Withdrawal) -> Objection | None:
        """Return why an item may not be taken back."""
        there = {entry.id: entry for entry in ledger.standing if isinstance(entry.item, self.withdrawable)}
        entry = there.get(item.item)
        if entry is None:
            known = ", ".join(there) or "none"
            return Objection(Code.BAD_ARGUMENT, f"{item.item} is nothing that could be withdrawn. There are: {known}.")
        if above := [one.id for one in ledger.standing if _names(one.item, entry.id)]:
            return Objection(Code.OUT_OF_ORDER, f"{', '.join(above)} name {entry.id}. Withdraw what rests on it first.")
        if shown(ran(ledger, entry)) and any(one.id == entry.id for one in self.findings(ledger)):
            problem = f"The server saw {entry.id} shown, so its own proof says when it is over"
            return Objection(Code.EVIDENCE, f"{problem}: mend the code, or leave it to a person.")
        return None

    def contradicted(self, item: Item, seen: Ran | None) -> Objection | None:
        """Return why an item may not stand now that its command ran; None where it may."""
        over = seen is None or (seen.exit_code is not None and not (seen.says_nothing or shown(seen)))
        if over or not isinstance(item, Withdrawal):
            return None
        return Objection(Code.EVIDENCE, f"{item.item} stands: {words(seen)}. What is shown is not withdrawn.")

    def comparable(self, ledger: Ledger, item: Item) -> bool:
        """Tell whether an item that is word for word an earlier one is a duplicate to be refused."""
        return True

    def rivals(self, ledger: Ledger, item: Item) -> tuple[LedgerEntry[Item], ...]:
        """Return the entries that this item may not repeat: those of its kind."""
        return tuple(entry for entry in ledger.standing if entry.item.kind == item.kind)

    def replaceable(self, ledger: Ledger, entry: LedgerEntry[Item], item: Item) -> bool:
        """Tell whether an item takes the place of one that says the same: it has an experiment, and that one showed nothing."""
        seen, old = ran(ledger, entry), entry.item
        if (
            not (isinstance(item, Provable) and isinstance(old, Provable) and item.reproduction)
            or item.proof == old.proof
        ):
            return False
        return not (shown(seen) or disproved(seen) or any(_names(one.item, entry.id) for one in ledger.standing))

    def proof(self, ledger: Ledger, item: Item) -> Proof | None:
        """Return what the server runs for an item, where a person agreed; None for nothing."""
        if isinstance(item, Withdrawal):
            back = ledger.find(item.item)
            return proof_of(ledger, back) if back and shown(ran(ledger, back)) else None
        return item.proof if item.proof.command else None

    def said(self, ledger: Ledger, entry: LedgerEntry[Any]) -> str:
        """Return what the server made of an item, in a word or two; empty where it makes nothing of it."""
        made: str = entry.item.classified
        words = (str(value) for name, value in entry.item if name != "quote")
        return f"{made}{flagged(*words) if self.opinions else ''}".strip()

    def settles(self, ledger: Ledger, entry: LedgerEntry[Any]) -> ItemOutcome | None:
        """Return what an entry says about its upstream item, now that its command ran; None while it says nothing."""
        settled: ItemOutcome | None = entry.item.settles
        return settled

    def costs(self, kind: str) -> bool:
        """Tell whether an item of this kind takes a round. One that does not can still be recorded when all rounds are used."""
        return kind != "withdrawal"

    def spent(self, ledger: Ledger) -> int:
        """Return the rounds used."""
        return sum(not isinstance(entry.item, Withdrawal) for entry in ledger.entries)

    def most(self, options: Options) -> int:
        """Return the rounds that may be used; 0 = unbounded."""
        return options.iterations or self.rounds[options.depth]

    def bounded(self, ledger: Ledger) -> bool:
        """Tell whether the rounds are used up."""
        most = self.most(ledger.options)
        return 0 < most <= self.spent(ledger)

    def due(self, ledger: Ledger) -> Iterable[type[Item]]:
        """Return the kinds of item that can be recorded now."""
        return self.items.values()

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        """Return how much was looked at."""
        return ()

    def scores(self, ledger: Ledger) -> tuple[Score, ...]:
        """Return the scores, ours first."""
        return ()

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        """Return what stands between the ledger and its end, each with its cure; nothing when it may end."""
        missing: list[str] = []
        for need in self.needs:
            sentences = need.sentences(ledger)
            missing += sentences
            if need.first and sentences:
                break
        return tuple(missing)

    def ending(self, ledger: Ledger) -> Ending:
        """Return what kind of end it is when nothing is missing."""
        return Ending.COMPLETE

    def step(self, ledger: Ledger) -> str:
        """Return what to do next once an item stands: the first line of the state."""
        return next(iter(self.state(ledger)), "")

    def state(self, ledger: Ledger) -> list[str]:
        """Return the status, in lines for an answer and a prompt, the next step first. Never more than 3 kB."""
        return [f"{entry.id}: {entry.item.title}" for entry in ledger.entries[-10:]]

    def view(self, ledger: Ledger, asked: Mapping[str, Any]) -> list[str] | Objection:
        """Return the status for whoever asks with options of a workflow's own, such as one persona of a panel: the brief that
        this one needs, and nothing that is kept from it. Never more than 7 kB.
        """
        return self.state(ledger)

    def drafts(self, ledger: Ledger) -> dict[str, str]:
        """Return files that are of use while the ledger is open; written when it is opened and after each `run`."""
        return {}

    def files(self, ledger: Ledger) -> dict[str, str]:
        """Return the files that its end writes, by name, but for `summary.md` and `handoff.json`. An empty one is left out."""
        package, values = type(self).__module__.rpartition(".")[0], self.page_values(ledger) if self.pages else {}
        texts = {
            name: render(package, page, **values) if isinstance(page, str) else page(ledger)
            for name, page in self.pages.items()
        }
        return {name: text for name, text in texts.items() if text}

    def page_values(self, ledger: Ledger) -> Mapping[str, object]:
        """Return what its templates are given, by the names that they use."""
        return {"ledger": ledger}

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        """Return what it hands over, the most important first."""
        return ()

    def looked(self, ledger: Ledger) -> bool:
        """Tell whether a ledger says anything yet: one that was only opened takes no earlier one's place."""
        return bool(ledger.entries or self.findings(ledger) or (ledger.closed and not self.missing(ledger)))

    def follow_ups(self, ledger: Ledger) -> tuple[str, ...]:
        """Return the prompts that follow where no chain names one."""
        return self.onwards

    def gate_check(self, ledger: Ledger) -> GateCheck | None:
        """Return what a gate in CI should hold against it, where the workflow ends in a verdict."""
        return None

    def allowed(self, ledger: Ledger) -> str:
        """Return what a ledger that ended well has left, as its options allow; empty for nothing."""
        return ""

    def config(self, ledger: Ledger) -> dict[str, Any]:
        """Return fields of a plan that it hands over."""
        return {}


def _names(item: Item, id: str) -> bool:
    """Tell whether an item names another one in a field of its own."""
    return any(value == id or (isinstance(value, tuple) and id in value) for _, value in item)


def workflow_named(name: str) -> Workflow:
    """Return a workflow by its name.

    Raises:
        Refusal: if there is none of that name.
    """
    try:
        return Workflow(name)
    except ValueError:
        which = f"Use one of: {', '.join(Workflow)}. `auto` with the goal says which of them lead there."
        raise Refusal(Code.BAD_ARGUMENT, f"{name!r} is no workflow. {which}") from None


@cache
def rules_of(workflow: Workflow) -> WorkflowRules:
    """Return the rules of a workflow; imported when first asked for, because a server that just starts needs none."""
    made: WorkflowRules = getattr(import_module(f"...{workflow}.rules", __name__), workflow.title())()
    return made


def read_item(workflow: Workflow, fields: Mapping[str, Any]) -> Item:
    """Return an item as it was recorded, by this version or an earlier one."""
    rules = rules_of(workflow)
    model = {**rules.found, **rules.items}.get(fields["kind"])
    return (model and as_recorded(model, fields)) or Retired(kind=fields["kind"])


def read_options(workflow: Workflow, fields: Mapping[str, Any]) -> Options:
    """Return the options that a ledger was opened with; those that an earlier version alone could read are the default now."""
    model = rules_of(workflow).options
    if options := as_recorded(model, fields):
        return options
    readable = {name: value for name, value in fields.items() if as_recorded(model, {name: value})}
    return as_recorded(model, readable) or model()
