"""The morning after a session: what was gained and what that rests on, what was kept, what failed, what it cost, how to take
it. Every report says it from this one value. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from ..decision.decide import Status
from ..decision.headline import Headline
from ..session.events import Ablated, Row
from ..session.fold import kept_claim
from ..session.short_rows import RowLike
from ..session.state import Session, phase_of
from ..session.summary import NEAR_MISSES, Summary, count_of, guard_words, luck_words, noise_band, summarise
from ..session.telling import change_words, claim_words, claimed, worth_of
from ..vocabulary import Phase
from .picture import Mark, mark_of
from .take import TakeLine, take_lines
from .words import delta_words, duration

MOST_KEPT = 40
"""Kept changes that are listed one by one, the newest; of more, no line to take each is told."""
MOST_FAILED, MOST_NEAR = 50, 8
"""Tries of a group that are listed, the newest; and near misses, those of the strongest evidence."""


@dataclass(frozen=True)
class ReportedKeep:
    """A change that was kept: its commits, the first attempt first, and its own gain.

    `value`, `low` and `high` are the change of the metric with its 95 % interval, in the metric's unit or in `percent` of what was
    kept before it. `taken_back` says that a later keep took it out again; neither of the two `stands`.
    """

    iteration: int
    commits: tuple[str, ...]
    description: str
    change: str
    value: float
    low: float | None
    high: float | None
    percent: bool
    files: tuple[str, ...]
    added: int
    removed: int
    taken_back: bool = False
    stands: bool = True
    patch: str = ""

    @property
    def size(self) -> str:
        """Return how large it is."""
        return size_words(self.files, self.added, self.removed)


@dataclass(frozen=True)
class CombinedChange:
    """All kept changes together: the tree of `tip` beside that of `base`."""

    base: str
    tip: str
    files: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    patch: str = ""

    @property
    def size(self) -> str:
        """Return how large it is."""
        return size_words(self.files, self.added, self.removed)


@dataclass(frozen=True)
class FailedTry:
    """A try that was not kept, with its distance from the incumbent in words; a dash without a number."""

    iteration: int
    description: str
    delta: str


@dataclass(frozen=True)
class FailedGroup:
    """Tries that failed in the same way: how many, and those that are listed."""

    name: str
    count: int
    tries: tuple[FailedTry, ...]


@dataclass(frozen=True)
class Cost:
    """What a session took: tries, runs of verify with a number or without, seconds of wall clock and of measuring, both with the
    baseline's, and on what.
    """

    tries: int
    runs: int
    seconds: float
    measuring_seconds: float
    device: Mapping[str, str]
    agents: str = ""
    """What driven agents took: legs, hours, tokens, money."""

    @property
    def words(self) -> str:
        """Return the cost in a line."""
        on = ", ".join(f"{name} {value}" for name, value in self.device.items() if name in {"cpu", "gpus"})
        spent = f"{duration(self.seconds)}, {duration(self.measuring_seconds)} of them measuring"
        return f"{tries_words(self.tries)}, {count_of(self.runs, 'run')} of verify, {spent}{f'; {on}' if on else ''}{f'; {self.agents}' if self.agents else ''}"


@dataclass(frozen=True)
class Morning:
    """Everything that a person wants to know first. `rests_on` are sentences; `broken` says that the journal is not to be
    trusted, `started_at` is in seconds since the epoch.
    """

    session: str
    goal: str
    metric: str
    unit: str
    direction: str
    branch: str
    started_at: float
    state: str
    broken: bool
    summary: Summary
    rests_on: Mapping[str, str]
    kept: tuple[ReportedKeep, ...]
    left_out: int
    """How many earlier ones are not in `kept`."""
    whole: CombinedChange
    failed: tuple[FailedGroup, ...]
    cost: Cost
    take: tuple[TakeLine, ...]


@dataclass(frozen=True)
class KeptInGit:
    """What git and the journal know of the kept changes: their rows, the newest; their commits, patches, and what
    races of this best without one of them showed; and all together.
    """

    rows: Sequence[Row] = ()
    commits: Mapping[int, Sequence[str]] | None = None
    patches: Mapping[int, str] | None = None
    ablated: Sequence[Ablated] = ()
    whole: CombinedChange | None = None
    on_trunk: bool = False
    """Whether the session ran on the branch that its result is for."""
    in_place: int = 0
    """How many commits it left there; 0 where the branch was another, or has them no more."""


@dataclass(frozen=True)
class NotKept:
    """The near misses, strongest evidence first; and by mark how many tries there are, and the newest of them, oldest first."""

    near: Sequence[Row]
    others: Mapping[Mark, tuple[int, Sequence[Row]]]


def morning_of(session: Session, not_kept: NotKept, in_git: KeptInGit, now: float, moved: str = "") -> Morning:
    """Make the morning view from what was not kept and what is known of the kept; `moved` says that HEAD is not where the session
    left it.
    """
    plan, summary = session.plan, summarise(session, now)
    whole = in_git.whole or CombinedChange(session.start.base, session.start.base)
    kept = _kept(session, in_git)
    asked = f"asked {session.asked} times of at most {plan.holdout_budget}" if plan.holdout else ""
    rests_on = {
        "The gain": claim_words(session),
        "Fresh runs": summary.confirmation,
        "Without each": " ".join(f"#{one.iteration} {worth_of(session, one)[1]}" for one in in_git.ablated),
        "Luck": luck_words(session),
        "Doubt": " ".join(_doubts(session, not_kept)),
        "Noise": noise_band(session),
        "Holdout": asked,
    }
    return Morning(
        session=session.id,
        goal=" ".join(plan.goal.split()),
        metric=plan.metric,
        unit=plan.unit,
        direction=str(plan.direction),
        branch=session.start.branch,
        started_at=session.began_at,
        state=_state(session, now, moved),
        broken=bool(moved),
        summary=summary,
        rests_on={name: words for name, words in rests_on.items() if words},
        kept=kept,
        left_out=sum(count for status, count in session.counts.items() if status.kept) - len(kept),
        whole=whole,
        failed=_failed(session, not_kept),
        cost=Cost(
            tries=summary.iterations,
            runs=session.runs,
            seconds=60 * summary.minutes,
            measuring_seconds=60 * summary.measuring_minutes,
            device={name: value for name, value in session.start.machine.items() if _tells(name, value)},
        ),
        take=take_lines(session, whole.base, whole.tip, in_git.in_place, on_trunk=in_git.on_trunk)
        if whole.files
        else (),
    )


def with_integrity(morning: Morning, integrity: str) -> Morning:
    """Return the view with what the journal was found to be, which takes longest to find out; as it is where nobody looked."""
    if not integrity:
        return morning
    broken = "BROKEN" in integrity
    rests_on = {**morning.rests_on, "Journal": integrity.removeprefix("Journal: ")}
    state = integrity if broken else morning.state
    return replace(morning, rests_on=rests_on, state=state, broken=morning.broken or broken)


def as_json(morning: Morning) -> str:
    """Return the view as JSON: fields by their names here, numbers as they are told."""
    return TypeAdapter(Morning).dump_json(morning, indent=1).decode()


def tries_words(count: int) -> str:
    """Write a number of tries."""
    return "1 try" if count == 1 else f"{count:,} tries"


def size_words(files: Sequence[str], added: int, removed: int) -> str:
    """Write the size of a change: `+3 -1 in a.py, b.py`; of many files, how many."""
    where = ", ".join(files) if len(files) <= 3 else f"{len(files):,} files"
    return f"+{added:,} -{removed:,} in {where}" if files else ""


def _kept(session: Session, in_git: KeptInGit) -> tuple[ReportedKeep, ...]:
    """Tell each kept change in percent of the level before it, where the claims of what was kept by then lead, though some of it
    was taken back since.
    """
    plan, commits, patches = session.plan, in_git.commits or {}, in_git.patches or {}
    claimed_by = {claim.iteration for claim in session.headline.claims}
    claims, first = session.headline.claims, in_git.rows[0].iteration if in_git.rows else 0
    level = Headline(session.headline.baseline, 0.0, tuple(one for one in claims if one.iteration < first)).level
    gone = {row.undoes for row in in_git.rows if row.status is Status.KEEP_UNDO or row.iteration not in claimed_by}
    found, standing = [], frozenset(session.headline.standing)
    for row in in_git.rows:
        alone = Headline(level, 0.0, (kept_claim(row),))
        level = alone.level
        change, percent = claimed(plan, alone)
        found.append(
            ReportedKeep(
                iteration=row.iteration,
                commits=tuple(commits.get(row.iteration, ())),
                description=_words(row),
                change=change_words(plan, alone),
                value=change.value,
                low=change.low,
                high=change.high,
                percent=percent,
                files=row.files,
                added=row.added,
                removed=row.removed,
                taken_back=row.iteration in gone,
                stands=row.iteration in standing,
                patch=patches.get(row.iteration, ""),
            )
        )
    return tuple(found)


_WAYS = {
    Mark.DISCARD: "Not better",
    Mark.GUARD: "A guard failed",
    Mark.CRASH: "Crashed",
    Mark.NOTHING: "No number",
    Mark.TAMPERED: "Changed what is protected",
}


def _failed(session: Session, not_kept: NotKept) -> tuple[FailedGroup, ...]:
    near, close = not_kept.near, Counter(mark_of(row, ()) for row in not_kept.near)
    listed = {row.iteration for row in near}
    found = [
        FailedGroup(NEAR_MISSES, len(near), tuple(_failed_try(row, guard_words(session.plan, row)) for row in near))
    ]
    for mark, name in _WAYS.items():
        count, newest = not_kept.others[mark]
        tries = [_failed_try(row) for row in reversed(newest) if row.iteration not in listed]
        found.append(FailedGroup(name, count - close[mark], tuple(tries[:MOST_FAILED])))
    return tuple(group for group in found if group.count)


def _doubts(session: Session, not_kept: NotKept) -> Iterator[str]:
    """Say of keeps that stand who tried to take them back, in the words of that try."""
    rows = (row for _, newest in not_kept.others.values() for row in newest)
    for row in rows:
        if row.undoes in session.headline.standing:
            yield f"keep {row.undoes} was to be taken back by #{row.iteration}: {_words(row)}."


def _words(row: RowLike) -> str:
    return " ".join(row.description.split())


def _failed_try(row: RowLike, guard: str = "") -> FailedTry:
    words = f"{_words(row)}{f' ({guard})' if guard else ''}"
    return FailedTry(row.iteration, words, delta_words(row))


def _state(session: Session, now: float, moved: str) -> str:
    if session.finished:
        return f"Finished; one clean commit stands on {session.squashed}" if session.squashed else "Finished"
    phase = phase_of(session, now)
    if phase is Phase.ENDED:
        return f"Ended: {session.ended or session.spent(now)}"
    if moved:
        return moved
    if session.trial is not None:
        return f"Iteration {session.trial.number} is open ({phase})"
    return "Open, waiting for the next idea"


def _tells(name: str, value: str) -> bool:
    named = name in {"system", "cpu", "usable cpus", "memory", "gpus", "gpu driver"}
    return named and value not in {"", "none", "unknown"}
