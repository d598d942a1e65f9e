"""Gather what the reports of a session are made of; write its picture and its page, and say it as text."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice, takewhile

from ..decision.decide import Status
from ..decision.judging import Arm
from ..decision.measured import GuardResult, TrainingTold
from ..errors import Code, Refusal
from ..git.branches import count_between, is_trunk
from ..iteration.keeps import raced_before
from ..lab.context import RepoContext
from ..lab.legs import cost_words, legs_of
from ..lab.masking import as_shown, masker, shown_plan
from ..plan.model import Plan
from ..session.commits import JOURNAL_TRAILER
from ..session.events import Committed, Event, GuardsRan, HeldOut, HookRejected, Row, Started, Verified
from ..session.fold import standing_of
from ..session.journal import Journal
from ..session.results import PAGE_FILE, PICTURE_FILE, baseline_row
from ..session.short_rows import in_short
from ..session.state import baseline_values
from ..session.summary import NEAR_MISSES, may_be_worth, summarise
from ..storage.disk import curable_disk, write_ours
from ..text.output_ends import ends
from .as_text import as_csv, as_lines, as_markdown
from .changes import PATCH_CHARACTERS, attempts, shown_patches, whole_change
from .learning import curves, learning
from .morning import (
    MOST_FAILED,
    MOST_KEPT,
    MOST_NEAR,
    KeptInGit,
    Morning,
    NotKept,
    as_json,
    morning_of,
    with_integrity,
)
from .page import Details, patch_lines
from .picture import MARKS, Chapter, Mark, evenly, mark_of, picture
from .rest import rest_of
from .sections import MOST_DOTS, ReportMaterial, chapter_of, page, subtitle

MOST_EARLIER = 5000
"""Rows of earlier sessions that a picture still shows."""
MOST_SHOWN, NEWEST_SHOWN = 500, 200
"""Tries that a page shows with all that is known of them, and how many of the newest among them."""
MOST_PATCHES, MOST_LISTED = 2000, 8
"""Characters of the patches in Markdown, and entries of its lists, so that the whole stays what an answer may have."""
OUTPUT_CHARACTERS, MOST_RECEIPTS = 1500, 12
_KINDS = ("committed", "verified", "guarded", "held-out", "hook-rejected")
LONGEST_LIST = 20


def write_picture(context: RepoContext) -> tuple[bytes, str]:
    """Draw the progress picture and write it beside the results; returns it as PNG, and the session in one line."""
    session = as_shown(context, context.active)
    words = subtitle(summarise(session, context.now()))
    drawn = picture([*earlier_sessions(context), drawn_chapter(context, MOST_DOTS)], MOST_DOTS)

    from . import plot  # where nobody asks for a picture its library is not loaded

    png = plot.draw(drawn, words, f"session {session.id}")
    write_beside(context, PICTURE_FILE, png)
    return png, words


def write_page(context: RepoContext) -> str:
    """Write the whole session as one HTML file beside the results; returns the session in one line."""
    from . import rendering as pages

    with ThreadPoolExecutor(1) as beside:
        checked = beside.submit(integrity, context)
        found = gather(context, earlier_sessions(context))
        shown = context.rows_of(_shown_in_full(found))
        there = {row.iteration for row in shown}
        others = (row for row in context.short_rows() if row.iteration not in there)
        rest = rest_of(found.chapter.length - len(shown), others, found.session.headline.standing)
        found = replace(found, listed=shown, details=details_of(context, shown), rest=rest)
        made = page(replace(found, morning=with_integrity(found.morning, checked.result())))
    write_beside(context, PAGE_FILE, pages.render_page(made).encode())
    return subtitle(found.morning.summary)


def plan_text(plan: Plan) -> str:
    """Return all that a plan says in words, each on lines of its own."""
    values = [value for _, value in plan]
    several = [one for value in values if isinstance(value, tuple) for one in value]
    return "\n".join(one for one in (*values, *several) if isinstance(one, str))


def write_beside(context: RepoContext, name: str, data: bytes) -> None:
    """Write a file beside the results, where git does not see it.

    Raises:
        Refusal: if git tracks a file of that name, which would be a change out of scope, or nothing can be written there.
    """
    if name in context.repo.tracked():
        cure = f"Take it out with `git rm --cached {name}` and commit, then ask again."
        raise Refusal(Code.BAD_NAME, f"{name} is tracked by git, so it was left alone. {cure}")
    with curable_disk():
        context.repo.exclude(f"/{name}")
        write_ours(context.repo.root / name, data)


def gather(context: RepoContext, before: Sequence[Chapter], checked: str = "", dots: int = MOST_DOTS) -> ReportMaterial:
    """Gather what every page shows, from the sessions before this one, and what the journal was `checked` to be."""
    from .rendering import moment

    return ReportMaterial(
        session=as_shown(context, context.active),
        morning=with_integrity(morning(context), checked),
        chapter=drawn_chapter(context, dots),
        now=context.now(),
        started=moment(context.active.began_at),
        made=f"Made {moment(context.now())} by autoresearch-mcp.",
        earlier=before,
        curves=curves(context),
        dots=dots,
    )


def drawn_chapter(context: RepoContext, most: int) -> Chapter:
    """Return what the session puts into the picture: all that was kept, and evenly chosen about so many of the other tries."""
    session = as_shown(context, context.active)
    journal, last = context.journal, session.last_iteration
    statuses = [status for status in Status if status.kept]
    kept = [number for number in journal.iterations(session.id, statuses) if number <= last]
    firm = {0, *kept}
    others = evenly([number for number in range(last + 1) if number not in firm], most)
    read = journal.short_rows_of(session.id, sorted({*kept, *others, last} - {0}))
    rows = [in_short(baseline_row(session.start)), *read]
    drawn = Counter(mark_of(row, ()) for row in rows)
    return chapter_of(
        session, rows, Counter({mark: count for mark, (count, _) in _not_kept(context, 0).items()}) - drawn
    )


def _not_kept(context: RepoContext, most: int) -> dict[Mark, tuple[int, Sequence[Row]]]:
    """Return for each mark of a try that was not kept how many there are, and at most so many of the newest, oldest first."""
    session, journal = context.active, context.journal
    found: dict[Mark, tuple[int, Sequence[Row]]] = {
        Mark.DISCARD: journal.discards(session.id, False, most),
        Mark.GUARD: journal.discards(session.id, True, most),
    }
    for mark in (Mark.CRASH, Mark.NOTHING, Mark.TAMPERED):
        some = [status for status, one in MARKS.items() if one is mark]
        found[mark] = sum(session.counts.get(status, 0) for status in some), journal.rows(session.id, most, 0, some)
    return found


def _failed(context: RepoContext) -> NotKept:
    session = context.active
    worth = (row for row in context.journal.nearest(session.id) if may_be_worth(session.plan, row))
    near = list(islice((row for row in worth if not context.journal.tried_again(session.id, row.iteration)), MOST_NEAR))
    return NotKept(near, _not_kept(context, MOST_FAILED + len(near)))


def morning(context: RepoContext, *, patches: bool = False) -> Morning:
    """Make the morning view; with the `patches` of each kept change too."""
    session = as_shown(context, context.active)
    kept = context.rows(MOST_KEPT, statuses=[status for status in Status if status.kept])
    commits = attempts(context, [row.iteration for row in kept])
    found: dict[int, str] = {}
    if patches:
        spans = {some[-1]: some[0] for some in commits.values()}
        texts = shown_patches(context, context.repo.patches(spans) if spans else {})
        found = {number: texts.get(some[-1], "") for number, some in commits.items()}
    whole = whole_change(context, session.start.base, kept[-1].commit) if kept and kept[-1].commit else None
    raced = [one for _, one in sorted(raced_before(context).items())]
    on_trunk = bool(whole) and not session.plan.branch and is_trunk(context.repo, session.start.branch)
    there = on_trunk and context.repo.in_history(session.head)
    in_place = count_between(context.repo, session.start.base, session.head) if there else 0
    in_git = KeptInGit(kept, commits, found, raced, whole, on_trunk, in_place)
    made = morning_of(session, _failed(context), in_git, context.now(), context.moved_head())
    agents = cost_words(legs_of(context.repo.own_folder, session.id))
    return replace(made, cost=replace(made.cost, agents=agents))


def details_of(context: RepoContext, rows: Sequence[Row]) -> dict[int, Details]:
    """Return what is behind some rows, by iteration: in a few queries and two processes, however many they are."""
    session, mask = context.active, masker(context)
    events: dict[int, list[Event]] = defaultdict(list)
    for event in context.journal.of_iterations(session.id, _KINDS, [row.iteration for row in rows]):
        events[getattr(event, "iteration", 0)].append(event)
    commits = {number: [e.commit for e in some if isinstance(e, Committed)] for number, some in events.items()}
    spans = {found[-1]: found[0] for found in commits.values() if found}
    patches = shown_patches(context, context.repo.patches(spans) if spans else {})
    found = {}
    for row in rows:
        if row.iteration == 0:
            found[0] = _baseline(session.start)
            continue
        last = next(iter(commits.get(row.iteration, [])[-1:]), "")
        found[row.iteration] = _details(row, events[row.iteration], patches.get(last, ""))
    return {
        number: replace(one, guards=[_masked(guard, mask) for guard in one.guards]) for number, one in found.items()
    }


def _masked(guard: GuardResult, mask: Callable[[str], str]) -> GuardResult:
    return guard.model_copy(update={"guard": mask(guard.guard)})


def earlier_sessions(context: RepoContext) -> list[Chapter]:
    """Return the sessions just before this one on its branch that measured the same metric, oldest first."""
    session, found, room = context.active, [], MOST_EARLIER
    ids = context.journal.sessions_on(session.start.branch)
    before = list(takewhile(lambda name: name != session.id, ids))
    for name in reversed(before):
        start = next((e for e in context.journal.of_kind(name, "started") if isinstance(e, Started)), None)
        if start is None or not _same_metric(start, session.start):
            break
        room -= 1 + context.journal.count(name, 0, ())
        if room < 0:
            break
        rows = [in_short(baseline_row(start)), *context.journal.short_rows(name)]
        values = baseline_values(start)
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        found.append(Chapter(name, shown_plan(context, start.plan), rows, frozenset(standing_of(rows)), spread))
    return found[::-1]


def _same_metric(one: Started, other: Started) -> bool:
    return (one.plan.metric, one.plan.direction, one.plan.unit) == (
        other.plan.metric,
        other.plan.direction,
        other.plan.unit,
    )


def _shown_in_full(material: ReportMaterial) -> list[int]:
    """Choose the tries that a page shows in full: baseline, best, near misses, the newest, then what was kept."""
    near = [one.iteration for group in material.morning.failed if group.name == NEAR_MISSES for one in group.tries]
    newest = range(material.session.last_iteration, 0, -1)
    kept = [row.iteration for row in reversed(material.chapter.rows) if row.status.kept]
    ordered = dict.fromkeys(
        (0, material.session.best_iteration, *near, *newest[:NEWEST_SHOWN], *kept, *newest[:MOST_SHOWN])
    )
    return sorted(list(ordered)[:MOST_SHOWN])


def _baseline(start: Started) -> Details:
    receipts = [run.receipt for run in start.baseline if run.receipt]
    output = ends(start.baseline[-1].tail, OUTPUT_CHARACTERS) if start.baseline else ""
    return Details(guards=start.guards, receipts=receipts[:MOST_RECEIPTS], output=output)


def _details(row: Row, events: Sequence[Event], patch: str) -> Details:
    verified = [event for event in events if isinstance(event, Verified)]
    changed = [event.measurement for event in verified if event.arm is Arm.CANDIDATE]
    guards = [event.results for event in events if isinstance(event, GuardsRan)]
    held = [event.agreed for event in events if isinstance(event, HeldOut)]
    hooks = [event.output for event in events if isinstance(event, HookRejected)]
    tails = hooks or [run.tail for run in changed if run.value is None] or [run.tail for run in changed]
    return Details(
        diff=patch_lines(patch, PATCH_CHARACTERS),
        guards=guards[-1] if guards else (),
        receipts=[one.measurement.receipt for one in verified if one.measurement.receipt][:MOST_RECEIPTS],
        output=ends(tails[-1], OUTPUT_CHARACTERS).strip() if tails else "",
        training=next((told.words() for run in reversed(changed) if (told := TrainingTold.of(run.trained))), ""),
        note="" if not held else "agreed" if held[-1] else "did not agree",
    )


def integrity(context: RepoContext) -> str:
    """Return in words whether the journal is what was written, and whether git's history bears that out.

    For a thread of its own: it opens the journal once more, so that others can read on meanwhile.
    """
    journal, session = Journal(context.repo.own_folder), context.active
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(context.repo.trailers, session.start.base, session.head, JOURNAL_TRAILER)
        if broken := journal.broken():
            return f"JOURNAL BROKEN: {broken}."
        try:
            trailers = asked.result()
        except Refusal:
            return "JOURNAL BROKEN: git no longer has the commits of the session."
    unknown = journal.unknown([digest for _, digest in trailers])
    for commit, digest in trailers:
        if digest in unknown:
            return f"JOURNAL BROKEN: commit {commit[:7]} names a record that the journal does not have."
    doubt = journal.doubt()
    return "Journal: no record was edited, and none is missing before the last, and git's history bears it out." + (
        f" But {doubt}: whoever could write the file may have written them." if doubt else ""
    )


def _checked_morning(context: RepoContext, *, patches: bool = False) -> Morning:
    with ThreadPoolExecutor(1) as beside:
        checked = beside.submit(integrity, context)
        return with_integrity(morning(context, patches=patches), checked.result())


def _as_text(context: RepoContext) -> str:
    """Goal, the morning view, and learning curves; long lists keep their newest."""
    seen = _checked_morning(context)
    plan = as_shown(context, context.active).plan
    return "\n".join(
        [
            f"Goal: {plan.goal}",
            f"Metric: {plan.metric} ({plan.direction} is better), measured by `{plan.verify}`; scope {', '.join(plan.scope)}",
            *as_lines(seen, LONGEST_LIST),
            *learning(context),
        ]
    )


def exported(context: RepoContext, format: str, most: int = MOST_PATCHES, listed: int = MOST_LISTED) -> str:
    """Return the session as `text`, `md`, `json` or `csv`: the morning view, or all rows. Markdown has at most so many characters of
    patches, whole ones: the combined change first; and lists so many kept changes, and failed tries of a group.
    """
    if format == "text":
        return _as_text(context)
    if format == "csv":
        return as_csv(context.rows())
    seen = _checked_morning(context, patches=True)
    return as_markdown(seen, most, listed) if format == "md" else f"{as_json(seen)}\n"
