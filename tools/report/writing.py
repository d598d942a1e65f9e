"""Gather what the reports of a session are made of; write its picture and its page, and say it as text."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import takewhile

from ..decision.decide import Status
from ..decision.judging import Arm
from ..decision.measured import Curve, GuardResult, Trained, TrainingTold, overlaid
from ..errors import Code, Refusal
from ..lab.context import RepoContext
from ..plan.model import Plan
from ..session.commits import JOURNAL_TRAILER
from ..session.events import Committed, Event, GuardsRan, HeldOut, HookRejected, Row, Started, Verified
from ..session.journal import Journal
from ..session.results import PAGE_FILE, PICTURE_FILE, baseline_row, metric_of
from ..session.short_rows import ShortRow, in_short
from ..session.state import Session, baseline_values
from ..session.summary import luck_words, near_misses, noise_band, summarise
from ..session.telling import claim_words
from ..storage.disk import curable_disk, write_ours
from ..storage.masked_lines import with_masked
from ..text.redaction import redactor
from .page import Details, patch_lines
from .picture import Chapter, picture
from .rest import rest_of
from .sections import ReportMaterial, chapter_of, page, subtitle
from .words import delta_words

SHOWN_CURVES = 6
MOST_DRAWN = 5000
"""Tries that were not kept which the PNG draws, and as many of those that were."""
MOST_EARLIER = 5000
"""Rows of earlier sessions that a picture still shows."""
MOST_SHOWN, NEWEST_SHOWN, MOST_NEAR = 500, 200, 8
"""Tries that a page shows with all that is known of them, how many of the newest among them, and near misses."""
PATCH_CHARACTERS, OUTPUT_CHARACTERS, MOST_RECEIPTS = 6000, 1500, 12
_KINDS = ("committed", "verified", "guarded", "held-out", "hook-rejected")
LONGEST_TABLE = 40
LONGEST_LIST = 20


def write_picture(context: RepoContext) -> tuple[bytes, str]:
    """Draw the progress picture and write it beside the results; returns it as PNG, and the session in one line."""
    session = as_shown(context, context.active)
    words = subtitle(summarise(session, context.now()))
    drawn = picture([*earlier_sessions(context), chapter_of(session, context.short_rows())], MOST_DRAWN)

    from . import plot  # matplotlib takes half a second to import, and much of the memory that the rows took until now

    png = plot.draw(drawn, words, f"session {session.id}")
    write_beside(context, PICTURE_FILE, png)
    return png, words


def write_page(context: RepoContext) -> str:
    """Write the whole session as one HTML file beside the results; returns the session in one line."""
    from . import rendering as pages

    with ThreadPoolExecutor(1) as beside:
        checked = beside.submit(integrity, context)
        rows = context.short_rows()
        found = gather(context, rows, earlier_sessions(context))
        shown = context.rows_of(_shown_in_full(found))
        there = {row.iteration for row in shown}
        found = replace(
            found,
            listed=shown,
            details=details_of(context, shown),
            rest=rest_of([row for row in rows if row.iteration not in there]),
        )
        made = page(replace(found, integrity=checked.result()))
    write_beside(context, PAGE_FILE, pages.render_page(made).encode())
    return subtitle(found.summary)


def as_shown(context: RepoContext, session: Session) -> Session:
    """Return a session with its plan as a page may show it: secrets masked, as in all that commands and agents say."""
    return replace(session, start=session.start.model_copy(update={"plan": _shown_plan(context, session.plan)}))


def plan_text(plan: Plan) -> str:
    """Return all that a plan says in words, each on lines of its own."""
    values = [value for _, value in plan]
    several = [one for value in values if isinstance(value, tuple) for one in value]
    return "\n".join(one for one in (*values, *several) if isinstance(one, str))


def _masker(context: RepoContext) -> Callable[[str], str]:
    """Return what masks a text, also of a command that another shell's server knew to hold a secret."""
    folder, redact = context.repo.own_folder, redactor()
    return lambda text: redact(with_masked(folder, text))


def _shown_plan(context: RepoContext, plan: Plan) -> Plan:
    mask = _masker(context)

    def shown(value: object) -> object:
        if isinstance(value, tuple):
            return tuple(map(shown, value))
        if not isinstance(value, str):
            return value
        masked = mask(value)
        return value if masked == value else masked  # a closed list of words stays one

    return plan.model_copy(update={name: shown(value) for name, value in plan})


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


def gather(
    context: RepoContext, rows: Sequence[ShortRow], before: Sequence[Chapter], checked: str = ""
) -> ReportMaterial:
    """Gather what every page shows, from all rows, the sessions before this one, and what the journal was `checked` to be."""
    from .rendering import moment

    session = as_shown(context, context.active)
    near = [row.iteration for row in near_misses(session.plan, rows, MOST_NEAR)]
    full = {row.iteration: row for row in context.rows_of(near)}
    return ReportMaterial(
        session=session,
        rows=rows,
        summary=summarise(session, context.now()),
        now=context.now(),
        integrity=checked,
        moved=context.moved_head(),
        started=moment(session.started_at),
        made=f"Made {moment(context.now())} by autoresearch-mcp.",
        earlier=before,
        curves=curves(context),
        near=[full[iteration] for iteration in near],
    )


def details_of(context: RepoContext, rows: Sequence[Row]) -> dict[int, Details]:
    """Return what is behind some rows, by iteration: in a few queries and two processes, however many they are."""
    session, redact, mask = context.active, redactor(), _masker(context)
    events: dict[int, list[Event]] = defaultdict(list)
    for event in context.journal.of_iterations(session.id, _KINDS, [row.iteration for row in rows]):
        events[getattr(event, "iteration", 0)].append(event)
    commits = {number: [e.commit for e in some if isinstance(e, Committed)] for number, some in events.items()}
    spans = {found[-1]: found[0] for found in commits.values() if found}
    patches = context.repo.patches(spans) if spans else {}
    found = {}
    for row in rows:
        if row.iteration == 0:
            found[0] = _baseline(session.start)
            continue
        last = next(iter(commits.get(row.iteration, [])[-1:]), "")
        patch, room = patches.get(last, ""), 20 * PATCH_CHARACTERS
        # A line is known again only as a whole.
        patch = with_masked(context.repo.own_folder, patch if len(patch) <= room else patch[:room].rpartition("\n")[0])
        found[row.iteration] = _details(row, events[row.iteration], redact(patch))
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
        found.append(Chapter(name, _shown_plan(context, start.plan), rows, spread))
    return found[::-1]


def _same_metric(one: Started, other: Started) -> bool:
    return (one.plan.metric, one.plan.direction, one.plan.unit) == (
        other.plan.metric,
        other.plan.direction,
        other.plan.unit,
    )


def _shown_in_full(material: ReportMaterial) -> list[int]:
    """Choose the tries that a page shows in full: baseline, best, near misses, the newest, then what was kept."""
    near = [row.iteration for row in material.near]
    newest = [row.iteration for row in reversed(material.rows)]
    kept = [row.iteration for row in reversed(material.rows) if row.status.kept]
    ordered = dict.fromkeys((0, material.session.best_iteration, *near, *newest[:NEWEST_SHOWN], *kept, *newest))
    return sorted(list(ordered)[:MOST_SHOWN])


def _baseline(start: Started) -> Details:
    receipts = [run.receipt for run in start.baseline if run.receipt]
    output = start.baseline[-1].tail[-OUTPUT_CHARACTERS:] if start.baseline else ""
    return Details(guards=start.guards, receipts=receipts[:MOST_RECEIPTS], output=output)


def _details(row: Row, events: Sequence[Event], patch: str) -> Details:
    runs = [event.measurement for event in events if isinstance(event, Verified)]
    changed = [event.measurement for event in events if isinstance(event, Verified) and event.arm is Arm.CANDIDATE]
    guards = [event.results for event in events if isinstance(event, GuardsRan)]
    held = [event.agreed for event in events if isinstance(event, HeldOut)]
    hooks = [event.output for event in events if isinstance(event, HookRejected)]
    tails = hooks or [run.tail for run in runs if run.value is None] or [run.tail for run in runs]
    return Details(
        diff=patch_lines(patch, PATCH_CHARACTERS),
        guards=guards[-1] if guards else (),
        receipts=[run.receipt for run in runs if run.receipt][:MOST_RECEIPTS],
        output=tails[-1][-OUTPUT_CHARACTERS:].strip() if tails else "",
        training=next((told.words() for run in reversed(changed) if (told := TrainingTold.of(run.trained))), ""),
        note="" if not held else "agreed" if held[-1] else "did not agree",
    )


def curves(context: RepoContext) -> list[tuple[str, Curve]]:
    """Return the learning curves of the incumbent and of the latest tries, where verify trains a model."""
    if not context.active.curve:
        return []
    tries = [(f"#{number}", trained.curve) for number, trained in _trained(context).items()]
    return [("incumbent", context.active.curve), *tries]


def _trained(context: RepoContext) -> dict[int, Trained]:
    """Return the latest training of each of the latest tries, by iteration."""
    found: dict[int, Trained] = {}
    for event in context.journal.latest_of(context.active.id, "verified", 4 * SHOWN_CURVES):
        if isinstance(event, Verified) and event.arm is Arm.CANDIDATE and event.measurement.trained:
            found[event.iteration] = event.measurement.trained
    return {number: found[number] for number in sorted(sorted(found, reverse=True)[:SHOWN_CURVES])}


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
    return "Journal: no record was edited or taken out, and git's history bears it out."


def as_text(context: RepoContext) -> str:
    """Goal, summary, kept changes with their effect, learning curves, and the table of tries; long lists keep their newest."""
    session = as_shown(context, context.active)
    plan = session.plan
    kept = context.rows(LONGEST_LIST, statuses=[status for status in Status if status.kept])
    return "\n".join(
        [
            f"Goal: {plan.goal}",
            f"Metric: {plan.metric} ({plan.direction} is better), measured by `{plan.verify}`; scope {', '.join(plan.scope)}",
            *summarise(session, context.now()).lines(),
            *certainty(session),
            integrity(context),
            *filter(None, [context.moved_head()]),
            "",
            "Kept changes:",
            *(
                [f"  #{row.iteration} {row.commit[:7]} {delta_words(row)}  {row.description[:100]}" for row in kept]
                or ["  none"]
            ),
            "",
            *learning(context),
            *table(context.rows(LONGEST_TABLE), context.count()),
        ]
    )


def certainty(session: Session) -> list[str]:
    """Noise, the chance of luck, what the headline rests on, and how often the holdout was asked."""
    plan = session.plan
    asked = f"Holdout asked {session.asked} times of at most {plan.holdout_budget}." if plan.holdout else ""
    return [
        line for line in (f"Noise: {noise_band(session)}.", luck_words(session), claim_words(session), asked) if line
    ]


def learning(context: RepoContext) -> list[str]:
    """Learning curves over one another, the loss at even shares of the budget; and what the harness reported of each run."""
    lines = overlaid(curves(context))
    if not lines:
        return []
    told = [(number, TrainingTold.of(trained)) for number, trained in _trained(context).items()]
    reported = [f"  #{number}  {one.words()}" for number, one in told if one and one.facts]
    head = ["Learning curves, loss in nats a token by share of the budget:", *(f"  {line}" for line in lines)]
    return [*head, *(["Reported by the harness:", *reported] if reported else []), ""]


def table(shown: Sequence[Row], total: int) -> list[str]:
    """The newest rows as aligned columns, and how many there are before them."""
    cells = [("#", "commit", "metric", "delta", "guard", "status", "description"), *(_cells(row) for row in shown)]
    widths = [max(len(row[column]) for row in cells) for column in range(6)]
    left_out = [f"({total - len(shown)} earlier rows left out)"] if total > len(shown) else []
    return left_out + ["  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[6]]) for row in cells]


def _cells(row: Row) -> tuple[str, ...]:
    description = row.description if len(row.description) <= 70 else row.description[:69] + "…"
    return (
        str(row.iteration),
        row.commit[:7] or "-",
        metric_of(row),
        delta_words(row),
        row.guard,
        str(row.status),
        description,
    )
