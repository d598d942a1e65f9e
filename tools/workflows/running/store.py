"""The ledgers of a repository as one call sees them: found, moved on, and written out as files when they end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ...lab.context import RepoContext
from ...storage.disk import write_atomically
from ...text.redaction import redactor
from ..ledger.handoff import Ending, Handoff, HandoffFinding, follow, is_plan
from ..ledger.items import Workflow, steps
from ..ledger.pages import render, slug
from ..ledger.rules import WorkflowRules, read_item, read_options, rules_of
from ..ledger.state import ItemSettled, Ledger, LedgerEvent, Opened, advanced, folded, read_ledger_event

FOLDER = "autoresearch"
LEDGER_FOLDERS = f"/{FOLDER}/*-[0-9][0-9][0-9][0-9][0-9][0-9]-*/"
"""What git does not show; whoever wants the files tracked adds them with force."""
HANDOFF = "handoff.json"


@dataclass(frozen=True)
class _LedgerRead:
    """A ledger as it was after a record, when nobody else had written since."""

    ledger: Ledger | None
    number: int
    digest: str
    writes: tuple[int, ...]


class Ledgers:
    """Every ledger of a repository; those of other branches are found by their id."""

    def __init__(self, context: RepoContext) -> None:
        self._context = context

    def named(self, id: str) -> Ledger | None:
        """Return a ledger by its id; None without one.

        During a call only what was written since the last look is read, and checked; when another process wrote, all is.

        Raises:
            Refusal: if a record is not what was written.
        """
        journal, read = self._context.journal, self._context.ledgers_read
        if all(id != name for name, _ in journal.opened_ledgers()):
            return None
        writes, known = journal.writes(), read.get(id)
        if not writes or known is None or known.writes != writes or journal.digest_of(known.number) != known.digest:
            known = _LedgerRead(None, 0, "", writes)
        ledger, number, digest = known.ledger, known.number, known.digest
        for place, body in journal.ledger_bodies(id, number):
            ledger = folded(id, [(place.at, read_ledger_event(body))], read_options, read_item, ledger)
            number, digest = place.number, place.digest
        read[id] = _LedgerRead(ledger, number, digest, writes)
        return ledger

    def events(self, id: str) -> list[tuple[float, LedgerEvent]]:
        """Return every event of a ledger with its time, oldest first."""
        return [(place.at, read_ledger_event(body)) for place, body in self._context.journal.ledger_bodies(id)]

    def last(self, workflow: Workflow) -> Ledger | None:
        """Return the newest ledger of a workflow on this branch, open or closed."""
        names = [name for name, opened in self._here() if opened == workflow]
        return self.named(names[-1]) if names else None

    def of(self, workflow: Workflow) -> list[Ledger]:
        """Return every ledger of a workflow, whatever the branch, the newest first."""
        names = [name for name, opened in reversed(self._openings()) if opened.workflow is workflow]
        return [ledger for ledger in map(self.named, names) if ledger]

    def belongs_here(self, ledger: Ledger) -> bool:
        """Tell whether a ledger is this branch's, or was opened at a commit that is in its history."""
        return ledger.branch == self._context.branch or self._context.repo.in_history(ledger.commit)

    def recorded_here(self, ledger: Ledger, id: str) -> bool:
        """Tell whether an item, or what the server itself found, is of this branch or of a commit in its history."""
        entry = ledger.find(id)
        commit = entry.commit if entry else ledger.commit
        return ledger.branch == self._context.branch or self._context.repo.in_history(commit)

    def open_one(self, workflow: Workflow) -> Ledger | None:
        """Return the open ledger of a workflow on this branch."""
        found = self.last(workflow)
        return found if found and found.closed is None else None

    def open_ones(self) -> list[tuple[str, Workflow]]:
        """Return the ids of all open ledgers of this branch with their workflows."""
        closed = self._context.journal.closed_ledgers()
        return [(name, workflow) for name, workflow in self._here() if name not in closed]

    def closed_ones(self) -> Iterator[Ledger]:
        """Yield the closed ledgers of this branch, the newest first."""
        closed = self._context.journal.closed_ledgers()
        for name, _ in reversed(self._here()):
            if name in closed and (ledger := self.named(name)):
                yield ledger

    def incoming(self, workflow: Workflow, after: str) -> Ledger | None:
        """Return the ledger whose handoff a workflow takes: the one named, else the newest whose chain names it next. One of its own
        that was interrupted, to open it with other options, is passed over.
        """
        if after:
            found = self.named(after)
            return found if found and found.closed else None
        ended = ((one, (one.workflow, one.closed and one.closed.ending)) for one in self.closed_ones())
        newest = next((one for one, how in ended if how != (workflow, Ending.INTERRUPTED)), None)
        chained = newest and steps(newest.options.chain)[:1] == (workflow.value,)
        return newest if chained else None

    def new_id(self, workflow: Workflow, words: str) -> str:
        """Return an id that no ledger has, which is also the name of its folder."""
        date = time.strftime("%y%m%d", time.localtime(self._context.now()))
        stem = f"{workflow}-{date}-{slug(words, 'all')}"
        taken = {name for name, _ in self._context.journal.opened_ledgers()}
        names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
        return next(name for name in names if name not in taken)

    def append(self, id: str, *events: LedgerEvent) -> Ledger:
        """Write events down; returns the ledger after them."""
        self._context.journal.append(id, self._context.now(), events)
        ledger = self.named(id)
        assert ledger is not None, "there was an event"
        return ledger

    def moved_on(self, ledger: Ledger, events: Sequence[LedgerEvent]) -> Ledger:
        """Return the ledger as it would be after more events, which are not written down."""
        for event in events:
            ledger = advanced(ledger, event, self._context.now(), read_item)
        return ledger

    def settle(self, upstream: str, event: ItemSettled) -> None:
        """Mark an item of an earlier ledger by what was found since, and write its files anew if it has any."""
        ledger = self.append(upstream, event)
        if ledger.closed:
            self.write_files(ledger)

    def write_files(self, ledger: Ledger) -> tuple[str, ...]:
        """Write everything that a ledger leaves; returns the paths from the repository's root. Once more does no harm."""
        return self._write(ledger, files_of(ledger, rules_of(ledger.workflow), self.handoff(ledger)))

    def write_drafts(self, ledger: Ledger) -> tuple[str, ...]:
        """Write what is of use while a ledger is open."""
        texts = rules_of(ledger.workflow).drafts(ledger)
        return self._write(ledger, texts) if texts else ()

    def _write(self, ledger: Ledger, texts: Mapping[str, str]) -> tuple[str, ...]:
        self._context.repo.exclude(LEDGER_FOLDERS)
        redact = redactor()
        for name, text in texts.items():
            file = self._context.repo.root / ledger.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, redact(text))
        return tuple(str(Path(ledger.folder, name)) for name in texts)

    def handoff(self, ledger: Ledger) -> Handoff:
        """Return what a ledger hands over now."""
        return handoff_of(ledger, rules_of(ledger.workflow), self._context.now)

    def _here(self) -> list[tuple[str, Workflow]]:
        """Return the ledgers of this branch with their workflows, the oldest first."""
        return [(name, opened.workflow) for name, opened in self._openings() if opened.branch == self._context.branch]

    def _openings(self) -> list[tuple[str, Opened]]:
        return [(name, Opened.model_validate_json(body)) for name, body in self._context.journal.opened_ledgers()]


def files_of(ledger: Ledger, rules: WorkflowRules, handoff: Handoff) -> dict[str, str]:
    """Return every file of a ledger by name."""
    texts, config = rules.files(ledger), {} if is_plan(handoff.config) else handoff.config
    return {
        "summary.md": render(
            Ledger.__module__.rpartition(".")[0],
            "summary.md.j2",
            ledger=ledger,
            rules=rules,
            handoff=handoff,
            told=handoff.why or rules.allowed(ledger),
            result={name: value for name, value in config.items() if value not in ("", None)},
        ),
        **texts,
        HANDOFF: handoff.model_dump_json(indent=1) + "\n",
    }


def handoff_of(ledger: Ledger, rules: WorkflowRules, now: Callable[[], float]) -> Handoff:
    """Return what a ledger hands over; an open one as if it were interrupted now."""
    ended = ledger.closed
    at = ledger.closed_at if ended else now()
    findings = tuple(_settled(ledger, finding) for finding in rules.findings(ledger))
    chain = steps(ledger.options.chain)
    return Handoff(
        id=ledger.id,
        workflow=ledger.workflow,
        status=Ending(ended.ending) if ended else Ending.INTERRUPTED,
        why=ended.why if ended else "still open",
        at=datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds"),
        branch=ledger.branch,
        commit=ended.commit if ended else ledger.commit,
        goal=ledger.options.goal,
        scope=ledger.options.scope,
        options=ledger.options.model_dump(mode="json", exclude_defaults=True),
        scores={score.name: round(score.value, 4) for score in rules.scores(ledger)},
        coverage={part.name: f"{part.done}/{part.of}" for part in rules.coverage(ledger)},
        findings=findings,
        config=rules.config(ledger),
        missing=rules.missing(ledger),
        next=follow(chain, rules.follow_ups(ledger), findings, ledger.workflow),
        chain=chain,
        incoming=ledger.incoming,
    )


def _settled(ledger: Ledger, finding: HandoffFinding) -> HandoffFinding:
    settled = ledger.overruled.get(finding.id)
    return finding.model_copy(update={"outcome": settled.outcome, "settled_by": settled.by}) if settled else finding
