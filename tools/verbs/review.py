"""Review verbs: where are we stuck, what happened, how did it go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import PurePath
from typing import Any

from ..decision.decide import Status
from ..decision.exact import Exact
from ..decision.judging import Arm
from ..decision.measured import GuardResult, Measurement, Place, TrainingTold
from ..errors import Code, Refusal
from ..lab.access import Lab
from ..lab.answers import cut, page_of
from ..lab.context import RepoContext
from ..lab.masking import shown_plan
from ..lab.notes import Said, said
from ..plan.scope import Scope
from ..report.picture import Mark, mark_of
from ..report.writing import exported, write_page, write_picture
from ..session.events import Committed, GuardsRan, Remeasured, Repeated, Row, Verified
from ..session.results import PAGE_FILE, PICTURE_FILE, number
from ..session.state import Session
from ..session.summary import SHOWN, Advice, is_stuck, material, on_plateau
from ..session.telling import open_words
from ..text.output_ends import ends
from ..text.redaction import redactor
from ..vocabulary import Phase, Tool, following
from .base import RepoPath, Verbs
from .overview import at_work
from .review_answers import HistoryPage, Reported, StuckReport

LARGEST_PAGE = 50
ADVISED_BY = 200
"""Newest rows from which the material for the next idea is computed."""
DIFF_CHARACTERS = 4000
RECEIPT_BYTES = 1500
OUTPUT_CHARACTERS = 1500
IN_FULL = {
    "why",
    "hypothesis",
    "seconds",
    "gain",
    "low",
    "high",
    "runs",
    "samples",
    "incumbent",
    "receipts",
    "claim",
    "undoes",
    "note",
}
"""Fields of a row that only the page of its iteration tells."""
LEAST_OUTPUT = 120
"""Of one run's output, where there are many."""
FORMATS = ("text", "md", "png", "html")


class Review(Verbs):
    """Read the journal; nothing is changed. The rows come `whole`, and all that are asked for, where no answer bounds them."""

    def __init__(self, lab: Lab, whole: bool = False) -> None:
        super().__init__(lab)
        self._whole = whole

    def detect_stuck(self, repo: RepoPath = "") -> StuckReport:
        """Use when ideas run dry, or when an answer says that the session is stuck: tells whether it is (five tries in a row
        without a keep) or on a plateau (fifteen measured tries without a new best), with computed material for the next
        idea: near misses, kept changes, files never touched, what was tried most, pairs not combined yet.
        """
        context = self._lab.for_reading(repo)
        session = session_of(context)
        return StuckReport(
            phase=context.phase,
            next=list(following(context.phase)),
            stuck=is_stuck(session),
            plateau=on_plateau(session),
            streak=session.streak,
            since_best=session.since_best,
            material=advice(context),
        )

    def history(
        self,
        status: str = "",
        search: str = "",
        limit: int = 20,
        before: int = 0,
        iteration: int = -1,
        remeasure: bool = False,
        repo: RepoPath = "",
    ) -> HistoryPage:
        """Use to read earlier tries before you choose the next: rows, newest last, or one iteration in full, also the open one.

        Filters: `status` (e.g. `keep`, `discard`, `crash`), `search` (words in description or learned), `limit` (at most
        50 rows, default 20; 0 counts only), `before` (only iterations below this number, to page back). `iteration` = a number shows that
        one with its diff, samples, receipts, guard results and the end of its output; with `remeasure` its commit is measured
        once more, in a second checkout, to see whether the row still holds. After finish_session it shows the last session.
        """
        if remeasure:
            with self._lab.for_writing(repo, Tool.HISTORY) as context:
                return remeasured(context, session_of(context), iteration)
        context = self._lab.for_reading(repo)
        session, running = session_of(context), at_work(self._lab, context)
        if iteration >= 0:
            return _one(context, session, iteration).model_copy(update=running)
        wanted = _statuses(status)
        if limit < 0:
            raise Refusal(
                Code.BAD_ARGUMENT, f"`limit` is {limit}. Use 1 to {LARGEST_PAGE}, or 0 to count the rows only."
            )
        most = limit if self._whole else min(limit, LARGEST_PAGE)
        if search:
            rows = [row for row in context.rows(0, before, wanted) if _mentions(row, search)]
            total = len(rows)
        else:
            rows, total = context.rows(most, before, wanted) if most else [], context.count(before, wanted)
        asked = rows[::-1][:most]
        page = (asked if self._whole else page_of([*map(_brief, asked)]))[::-1]
        left, no_room = total - len(page), ", for which an answer has no room" * (len(page) < len(asked))
        more = f"{left} earlier rows{no_room}: call history with before={page[0].iteration}." if left and page else ""
        more = more or f"{total} rows." * (not page)
        where = {**_told(context, session, page), **running}
        return HistoryPage(**where, total=total, more=more, open_iteration=open_words(session, context.now()))

    def report(self, format: str = "text", repo: RepoPath = "") -> Reported:
        """Use at the end, or when a person asks how it goes: what was gained, kept and tried, the cost, the lines that take it.
        `format`: `text` (default); `md` for a pull request; `png`, the progress picture, shown in the answer; `html`, a page.

        Picture and page are written beside the results file, where git does not see them; nothing else changes.
        """
        if format not in FORMATS:
            raise Refusal(Code.BAD_ARGUMENT, f"{format!r} is not a report format. Use one of: {', '.join(FORMATS)}.")
        context = self._lab.for_reading(repo)
        about: dict[str, Any] = {"phase": context.phase, "next": list(following(context.phase))}
        session_of(context)
        if format in {"text", "md"}:
            return Reported(**about, report=exported(context, format))
        if format == "png":
            png, words = write_picture(context)
            return Reported(**about, report=words, file=PICTURE_FILE).with_picture(png)
        return Reported(**about, report=write_page(context), file=PAGE_FILE)


def advice(context: RepoContext) -> Advice:
    """Compute material for the next idea of the session."""
    session = context.active
    globs = session.plan.scope
    # Remembered with the listing: each discard asks, also where thousands of files are tracked.
    files = context.repo.listing().ask(("in order", globs), lambda paths: tuple(filter(Scope(globs).matches, paths)))
    repeats = [
        event for event in context.journal.latest_of(session.id, "repeated", SHOWN) if isinstance(event, Repeated)
    ]
    hints = " ".join(said(context.repo.own_folder, session.id, Said.HINT))
    unnamed = [file for file in files if PurePath(file).name not in hints] if hints else files
    again = partial(context.journal.tried_again, session.id)
    return material(session, context.rows(ADVISED_BY), unnamed, repeats, again)


def guard_words(results: Sequence[GuardResult], receipts: bool = False) -> list[GuardResult]:
    """Cut guard results to what an answer can carry: the output of those that failed, and not much of it; `receipts` if asked."""
    room = 1500 // max(1, sum(not result.passed for result in results))
    tails = [ends(result.tail, room) if not result.passed else "" for result in results]
    return [
        result.model_copy(
            update={
                "tail": tail,
                "guard": cut(result.guard, 120),
                "seen": cut(result.seen, 200),
                "receipts": result.receipts if receipts else (),
            }
        )
        for result, tail in zip(results[:12], tails, strict=False)
    ]


def session_of(context: RepoContext) -> Session:
    """Return the newest session on the branch; refuse where there has been none."""
    if context.session is None:
        message = "There has been no session on this branch. Call inspect_project or start_session."
        raise Refusal(Code.NO_SESSION, message, phase=Phase.NO_SESSION)
    return context.session


def _statuses(word: str) -> tuple[Status, ...]:
    """Return the statuses that a word means: `keep` every kind of it; none for no word."""
    if word and word not in [*Status]:
        raise Refusal(Code.BAD_ARGUMENT, f"{word!r} is not a status. Use one of: {', '.join(Status)}.")
    if word == Status.KEEP:
        return tuple(status for status in Status if status.kept)
    return (Status(word),) if word else ()


def _mentions(row: Row, search: str) -> bool:
    text = f"{row.description} {row.learned}".lower()
    return all(word in text for word in search.lower().split())


def _brief(row: Row) -> Row:
    short = {"description": cut(row.description, 160), "learned": cut(row.learned, 160), "files": row.files[:5]}
    return row.model_copy(update={**{name: Row.model_fields[name].default for name in IN_FULL}, **short})


def _told(context: RepoContext, session: Session, rows: Sequence[Row]) -> dict[str, Any]:
    """Return what every page says: where the session stands, and its rows with what their numbers are."""
    plan, standing = shown_plan(context, session.plan), session.headline.standing
    back = [
        row.iteration
        for row in rows
        if mark_of(row, standing) is Mark.TAKEN_BACK and row.status is not Status.KEEP_UNDO
    ]
    unit = f" [{plan.unit}]" if plan.unit else ""
    metric = f"{plan.metric}{unit}, {plan.direction} is better"
    about = {"phase": context.phase, "next": list(following(context.phase))}
    return {**about, "metric": metric, "rows": rows, "taken_back": back}


def _one(context: RepoContext, session: Session, iteration: int) -> HistoryPage:
    rows = [row for row in context.rows(1, iteration + 1) if row.iteration == iteration]
    undecided = "" if rows or session.trial is None else open_words(session, context.now())
    if not rows and (session.trial is None or session.trial.number != iteration or not undecided):
        raise Refusal(
            Code.BAD_ARGUMENT, f"There is no iteration {iteration}; the last one is {session.last_iteration}."
        )
    events = context.journal.of_iteration(session.id, iteration)
    runs = [event.measurement for event in events if isinstance(event, Verified)]
    newest = max((place for place, event in enumerate(events) if isinstance(event, Committed)), default=0)
    arms: list[str] = [
        event.arm if place > newest else f"{event.arm} of an earlier attempt"
        for place, event in enumerate(events)
        if isinstance(event, Verified)
    ]
    guards = [event.results for event in events if isinstance(event, GuardsRan)]
    if iteration == 0:
        runs, guards = list(session.start.baseline), [session.start.guards]
        arms = [str(Arm.INCUMBENT)] * len(runs)
    changed = [run for arm, run in zip(arms, runs, strict=True) if arm == Arm.CANDIDATE or not iteration]
    return HistoryPage(
        **_told(context, session, rows),
        total=len(rows),
        iteration=iteration,
        open_iteration=undecided,
        diff=_diff(context, events),
        samples=[run.value for run in runs if run.value is not None],
        receipts=page_of([run.receipt for run in runs if run.receipt], RECEIPT_BYTES),
        output="" if all(run.trained for run in runs) else _outputs(arms, runs),  # the harness's facts say more
        training=training_told(context, iteration, changed[-1] if changed else None),
        guards=guard_words(guards[-1] if guards else (), receipts=True),
        more=_clean_words(arms, runs),
    )


def _clean_words(arms: Sequence[str], runs: Sequence[Measurement]) -> str:
    """Say which of the runs checked a change before it was kept: a verdict of runs in turn leaves them out."""
    clean = [arm for arm, run in zip(arms, runs, strict=True) if run.receipt and run.receipt.place is Place.CLEAN]
    if not clean:
        return ""
    ours, theirs = (clean.count(arm) for arm in (Arm.CANDIDATE, Arm.INCUMBENT))
    return f"Of the runs {ours} of the change and {theirs} of the incumbent checked it in clean checkouts."


def training_told(context: RepoContext, iteration: int, run: Measurement | None) -> TrainingTold | None:
    """Tell a training of an iteration beside the curve of what was the incumbent then, on the same seed if it ran on that."""
    if run is None or run.trained is None or not iteration:
        return TrainingTold.of(run.trained if run else None)
    session, kept = context.active, [status for status in Status if status.kept]
    before = next(iter(context.rows(1, iteration, kept)), None)
    runs = _runs(context, before.iteration, Arm.CANDIDATE) if before else list(session.start.baseline)
    trained = [one for one in (*runs, *_runs(context, iteration, Arm.INCUMBENT)) if one.trained]
    alike = [one for one in trained if one.seed == run.seed] or trained
    return TrainingTold.of(run.trained, alike[-1].trained.curve if alike and alike[-1].trained else ())


def _runs(context: RepoContext, iteration: int, arm: Arm) -> list[Measurement]:
    events = context.journal.of_iteration(context.active.id, iteration)
    return [event.measurement for event in events if isinstance(event, Verified) and event.arm is arm]


def _outputs(arms: Sequence[str], runs: Sequence[Measurement]) -> str:
    """Return the end of the output of a run. Of several, named by their arms, each one's number, and the output of an arm's first
    and of those without a number.
    """
    if len(runs) < 2:
        return ends(runs[0].tail, OUTPUT_CHARACTERS) if runs else ""
    room = max(LEAST_OUTPUT, OUTPUT_CHARACTERS // len(runs))
    counts: Counter[str] = Counter()
    parts = []
    for arm, run in zip(arms, runs, strict=True):
        counts[arm] += 1
        head = f"--- {arm}, run {counts[arm]}: {'no number' if run.value is None else number(run.value)} ---"
        parts.append(f"{head}\n{ends(run.tail, room)}".strip() if counts[arm] == 1 or run.value is None else head)
    return "\n".join(parts)


def remeasured(context: RepoContext, session: Session, iteration: int) -> HistoryPage:
    """Measure the commit of an iteration once more; answer with that iteration in full.

    Raises:
        Refusal: if an iteration is open, or this one was never measured.
    """
    if session.trial is not None:
        raise Refusal(Code.OUT_OF_ORDER, "An iteration is open. Decide it first, then measure an earlier one again.")
    page = _one(context, session, iteration)
    row = page.rows[0]
    if not row.commit or row.metric is None:
        raise Refusal(Code.BAD_ARGUMENT, f"Iteration {iteration} has no measurement ({row.status}). Name another one.")
    from ..iteration.measure import run_again  # whoever only looks measures nothing

    run = run_again(context, session, row.commit, iteration)
    context.record(Remeasured(iteration=iteration, measurement=run))
    if session.finished:
        context.paired_checkout.remove()
    said = f"Measured again: {number(run.value)}" if run.value is not None else f"Measured again: {run.problem}"
    if isinstance(session.judge, Exact) and run.value is not None and run.value != row.metric:
        said = f"The row does not hold: it says {number(row.metric)}, and this metric repeats exactly. {said}"
    before = f"its runs were {', '.join(map(number, row.samples[:12]))}"
    return page.model_copy(update={"again": run.value, "more": f"{said}; {before}. {page.more}".strip()})


def _diff(context: RepoContext, events: Sequence[object]) -> str:
    commits = [event for event in events if isinstance(event, Committed)]
    if not commits:
        return ""
    first, last = commits[0].commit, commits[-1].commit
    text = redactor()(context.repo.diff(f"{first}^", last))  # before it is cut: half a secret is not recognised
    if len(text) <= DIFF_CHARACTERS:
        return text
    return f"{text[:DIFF_CHARACTERS]}\n… cut; the whole: git diff {first[:7]}^ {last[:7]}"
