"""Reports of a session: what they are made of, and the picture and the page that are written of it."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from itertools import takewhile

from ..decision.judging import Arm
from ..errors import Code, Refusal
from ..lab.context import Desk
from ..session.events import Committed, Event, GuardsRan, HeldOut, HookRejected, Row, Started, Verified
from ..session.messages import JOURNAL_TRAILER
from ..session.results import PAGE_FILE, PICTURE_FILE, baseline_row
from ..session.state import baseline_values
from ..session.stuck import near_misses
from ..session.summary import summarise
from ..session.trained import Curve
from ..storage.disk import write_ours
from ..text.hygiene import hygiene
from .page import Details, patch_lines
from .picture import Chapter, picture
from .sections import Material, chapter_of, page, subtitle

SHOWN_CURVES = 6
MOST_EARLIER = 5000
"""Rows of earlier sessions that a picture still shows."""
MOST_DETAILS = 1000
"""Tries that a page shows in full: what was kept and the near misses first, then the newest."""
PATCH_CHARACTERS, OUTPUT_CHARACTERS, MOST_RECEIPTS = 6000, 1500, 12
_KINDS = ("committed", "verified", "guarded", "held-out", "hook-rejected")


def write_picture(desk: Desk) -> tuple[bytes, str]:
    """Draw the progress picture and write it beside the results; returns it as PNG, and the session in one line."""
    from . import plot  # matplotlib takes half a second to import

    session, rows = desk.active, desk.rows()
    words = subtitle(summarise(session, desk.now()))
    drawn = picture([*earlier(desk), chapter_of(session, rows)])
    png = plot.draw(drawn, words, f"session {session.id}")
    write_beside(desk, PICTURE_FILE, png)
    return png, words


def write_page(desk: Desk) -> str:
    """Write the whole session as one HTML file beside the results; returns the session in one line."""
    from . import rendering as pages

    made = gathered(desk)
    write_beside(desk, PAGE_FILE, pages.whole(page(made)).encode())
    return subtitle(made.summary)


def write_beside(desk: Desk, name: str, data: bytes) -> None:
    """Beside the results, where git does not see it: a tracked one would be a change out of scope."""
    if name in desk.repo.tracked():
        cure = f"Take it out with `git rm --cached {name}` and commit, then ask again."
        raise Refusal(Code.BAD_NAME, f"{name} is tracked by git, so it was left alone. {cure}")
    desk.repo.exclude(f"/{name}")
    write_ours(desk.repo.root / name, data)


def gathered(
    desk: Desk,
    rows: Sequence[Row] = (),
    before: Sequence[Chapter] | None = None,
    checked: str = "",
    details: bool = True,
) -> Material:
    """Everything that a page tells. What is known already need not be found again: the rows, the sessions before this
    one, and what the journal was `checked` to be.
    """
    from .rendering import moment

    session, rows = desk.active, rows or desk.rows()
    chosen = _told_in_full(rows, near_misses(session.plan, rows)) if details else []
    left = len(rows) - len(chosen) if details else 0
    return Material(
        session=session,
        rows=rows,
        summary=summarise(session, desk.now()),
        now=desk.now(),
        integrity=checked or integrity(desk),
        started=moment(session.started_at),
        made=f"Made {moment(desk.now())} by autoresearch-mcp.",
        earlier=earlier(desk) if before is None else before,
        curves=curves(desk),
        details=details_of(desk, chosen),
        left_out=f"{left:,} tries are shown without their details." if left else "",
    )


def details_of(desk: Desk, rows: Sequence[Row]) -> dict[int, Details]:
    """What is behind some rows: in a few queries and two processes, however many they are."""
    session, tidy = desk.active, hygiene()
    events: dict[int, list[Event]] = defaultdict(list)
    for event in desk.journal.of_iterations(session.id, _KINDS, [row.iteration for row in rows]):
        events[getattr(event, "iteration", 0)].append(event)
    commits = {number: [e.commit for e in some if isinstance(e, Committed)] for number, some in events.items()}
    spans = {found[-1]: found[0] for found in commits.values() if found}
    patches = desk.repo.patches(spans) if spans else {}
    found = {}
    for row in rows:
        if row.iteration == 0:
            found[0] = _baseline(session.start)
            continue
        last = next(iter(commits.get(row.iteration, [])[-1:]), "")
        patch = patches.get(last, "")
        found[row.iteration] = _details(row, events[row.iteration], tidy(patch[: 20 * PATCH_CHARACTERS]))
    return found


def earlier(desk: Desk) -> list[Chapter]:
    """The sessions just before this one on its branch that measured the same metric, oldest first."""
    session, found, room = desk.active, [], MOST_EARLIER
    ids = desk.journal.sessions_on(session.start.branch)
    before = list(takewhile(lambda name: name != session.id, ids))
    for name in reversed(before):
        start = next((e for e in desk.journal.of_kind(name, "started") if isinstance(e, Started)), None)
        if start is None or not _same_metric(start, session.start):
            break
        rows = [baseline_row(start), *desk.journal.rows(name)]
        room -= len(rows)
        if room < 0:
            break
        values = baseline_values(start)
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        found.append(Chapter(name, start.plan, rows, spread))
    return found[::-1]


def _same_metric(one: Started, other: Started) -> bool:
    return (one.plan.metric, one.plan.direction, one.plan.unit) == (
        other.plan.metric,
        other.plan.direction,
        other.plan.unit,
    )


def _told_in_full(rows: Sequence[Row], near: Sequence[Row]) -> list[Row]:
    first = [row for row in rows if row.status.kept or row.iteration == 0]
    ordered = dict.fromkeys(row.iteration for row in (*first[-MOST_DETAILS:], *near[:20], *reversed(rows)))
    chosen = set(list(ordered)[:MOST_DETAILS])
    return [row for row in rows if row.iteration in chosen]


def _baseline(start: Started) -> Details:
    receipts = [run.receipt for run in start.baseline if run.receipt]
    output = start.baseline[-1].tail[-OUTPUT_CHARACTERS:] if start.baseline else ""
    return Details(guards=start.guards, receipts=receipts[:MOST_RECEIPTS], output=output)


def _details(row: Row, events: Sequence[Event], patch: str) -> Details:
    runs = [event.measurement for event in events if isinstance(event, Verified)]
    guards = [event.results for event in events if isinstance(event, GuardsRan)]
    held = [event.agreed for event in events if isinstance(event, HeldOut)]
    hooks = [event.output for event in events if isinstance(event, HookRejected)]
    tails = hooks or [run.tail for run in runs if run.value is None] or [run.tail for run in runs]
    return Details(
        diff=patch_lines(patch, PATCH_CHARACTERS),
        guards=guards[-1] if guards else (),
        receipts=[run.receipt for run in runs if run.receipt][:MOST_RECEIPTS],
        output=tails[-1][-OUTPUT_CHARACTERS:].strip() if tails else "",
        note="" if not held else "agreed" if held[-1] else "did not agree",
    )


def curves(desk: Desk) -> list[tuple[str, Curve]]:
    """The learning curves of the incumbent and of the latest tries, where verify trains a model."""
    session = desk.active
    if not session.curve:
        return []
    found: dict[int, Curve] = {}
    for event in desk.journal.latest_of(session.id, "verified", 4 * SHOWN_CURVES):
        if isinstance(event, Verified) and event.arm is Arm.CANDIDATE and event.measurement.trained:
            found[event.iteration] = event.measurement.trained.curve
    newest = sorted(found, reverse=True)[:SHOWN_CURVES]
    return [("incumbent", session.curve), *((f"#{number}", found[number]) for number in sorted(newest))]


def integrity(desk: Desk) -> str:
    """Whether the journal is what was written, and whether git's history bears that out."""
    if broken := desk.journal.broken():
        return f"JOURNAL BROKEN: {broken}."
    session = desk.active
    try:
        trailers = desk.repo.trailers(session.start.base, session.head, JOURNAL_TRAILER)
    except Refusal:
        return "JOURNAL BROKEN: git no longer has the commits of the session."
    for commit, digest in trailers:
        if not desk.journal.knows(digest):
            return f"JOURNAL BROKEN: commit {commit[:7]} names a record that the journal does not have."
    return "Journal: no record was edited or taken out, and git's history bears it out."
