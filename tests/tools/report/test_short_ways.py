"""What reports read in short, and from snapshots and checkpoints, is what replaying every record gives."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from contextlib import closing

import pytest

from autoresearch_mcp.server.watching import Watch
from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.report.picture import picture
from autoresearch_mcp.tools.report.sections import chapter_of
from autoresearch_mcp.tools.report.writing import drawn_chapter, morning
from autoresearch_mcp.tools.session.events import Logged, Row
from autoresearch_mcp.tools.session.fold import advance
from autoresearch_mcp.tools.session.results import baseline_row, render
from autoresearch_mcp.tools.session.short_rows import in_short
from autoresearch_mcp.tools.session.state import Session
from autoresearch_mcp.tools.session.summary import near_misses, summarise
from autoresearch_mcp.tools.storage.database import Database
from conftest import Project
from filled import fill, long, row
from pages import Reader


def lived(project: Project) -> Project:
    """A session of a few hundred tries: by hand what an agent does, and between that rows of every kind and value."""
    project.start()
    project.try_value(8, "kept")
    project.try_value("nonsense", "no number")
    project.write("app.txt", "bad\n").write("value.txt", "7\n")
    project.loop.iterate("a guard fails")
    project.loop.revert("it will not pass")
    project.loop.log("guards matter")
    try:
        project.try_value(8, "kept")
    except Refusal:
        project.write("value.txt", "8\n")
    chance = random.Random(7)
    rows, best = [], 8.0
    for number in range(project.sessions.status().iterations + 1, 330):
        status = chance.choice([Status.DISCARD] * 6 + [Status.KEEP, Status.KEEP_SIMPLER, Status.CRASH, Status.NO_OP])
        value = best - chance.random() / 50 if status.kept else best + chance.choice([-0.01, 0.5, chance.random()])
        best = value if status.kept else best
        none = status in {Status.CRASH, Status.NO_OP}
        more = {
            "learned": chance.choice(["", "x", "ü"]),
            "seconds": chance.random(),
            "guard": chance.choice(["-", "pass", "fail"]),
        }
        rows.append(row(number, status, None if none else value, **more))
    fill(project, *(one for one in rows if one.iteration <= 256))  # here a snapshot is made
    fill(project, *(one for one in rows if one.iteration > 256))
    project.write("value.txt", "0.5\n")
    assert project.loop.iterate("the end").status is Status.KEEP
    return project


def replayed(project: Project) -> tuple[Session, list[Row]]:
    """The session and its rows from every record, by the fold alone."""
    context = project.lab.for_reading()
    session, rows = None, []
    for place, event in context.journal.events(context.active.id):
        session = advance(session, event, place.at, context.active.id)
        rows += [event.row] if isinstance(event, Logged) else []
    assert session is not None
    return session, [baseline_row(session.start), *rows]


def test_what_is_read_in_short_is_what_every_record_adds_up_to(project: Project) -> None:
    lived(project)
    session, rows = replayed(project)
    server = project.copied_server()
    context = server.lab.for_reading()

    assert context.journal.snapshot(session.id), "the short way is tried"
    assert context.active == session
    assert [*context.short_rows()] == [in_short(one) for one in rows]
    near = near_misses(session.plan, rows, 20)
    missed = (one for one in rows if one.status is Status.DISCARD and (one.gain or 0.0) > 0)
    assert near == sorted(missed, key=lambda one: -(one.gain or 0.0))[:20]
    assert near
    drawn = picture([chapter_of(session, rows, {})])
    assert picture([drawn_chapter(context, 1500)]) == drawn
    sample = picture([drawn_chapter(context, 40)])
    assert 30 < len(sample.dots) - sum(row.status.kept for row in rows) <= 42
    assert (sample.marks, sample.segments) == (drawn.marks, drawn.segments)
    watched = Watch(Lab(project.root, clock=lambda: project.now, follows=True)).snapshot()
    assert ([*watched.newest], watched.session) == (rows[-200:], session)
    assert watched.picture == drawn
    assert project.read("autoresearch-results.tsv") == render(session.plan, rows)

    text = server.review.report().report
    kept = [one for one in rows if one.status.kept]
    assert "\n".join(summarise(session, project.now).lines()) in text
    assert text.count("\n  #") == min(20, len(kept))
    assert all(f"  #{one.iteration} " in text for one in kept[-20:])
    server.review.report("html")
    page = Reader(project.read("autoresearch-report.html"))
    told = {int(name[4:]) for name in page.tries()} | {int(one[0]) for one in page.packed()}
    assert told == {one.iteration for one in rows}
    assert {f"#try-{one.iteration}" for one in near[:8]} <= {str(a["href"]) for tag, a in page.found if tag == "a"}
    counted = {status: sum(one.status is status for one in rows) for status in Status}
    assert f"{counted[Status.CRASH]:,} crashed" in page.text


def test_what_is_told_first_of_a_long_session_is_found_without_reading_every_row(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(project.start(), *long(3000))
    own, counted = Database.query, Counter[str]()

    def query(self: Database, query: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        found = own(self, query, *values)
        counted["rows"] += len(found) if "body" in query else 0
        return found

    monkeypatch.setattr(Database, "query", query)
    server = project.copied_server()
    for look in (lambda: server.review.report(), lambda: morning(server.lab.for_reading())):
        counted.clear()
        look()
        assert 0 < counted["rows"] < 1000


def test_a_journal_of_an_earlier_version_gets_the_indexes_it_lacks(project: Project) -> None:
    fill(project.start(), *long(30))
    before = project.review.report().report
    file = project.root / ".git/autoresearch/journal.db"
    with closing(sqlite3.connect(file)) as link:
        link.executescript("DROP INDEX discard_by_guard; DROP INDEX discard_by_nearness; PRAGMA user_version = 1;")

    assert project.copied_server().review.report().report == before
    with closing(sqlite3.connect(file)) as link:
        names = {name for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert {"discard_by_guard", "discard_by_nearness"} <= names
