"""The seal of the journal: who can rewrite the file in the repository, chain and all, is told from the server all the same."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from autoresearch_mcp.tools.session import chain
from autoresearch_mcp.tools.session.journal import Journal
from autoresearch_mcp.tools.session.journal_seal import JournalSeal
from conftest import Project


@pytest.fixture
def kept(tmp_path: Path) -> Project:
    """A session with one keep, the last that its journal tells."""
    project = Project(tmp_path / "kept")
    project.sessions.start_session(project.plan)
    project.try_value(8, "eight")
    return project


def doubt(project: Project) -> str:
    """What the report of another server says against the journal, if anything."""
    report = project.copied_server().review.report().report
    line = next(line for line in report.split("\n") if line.startswith("Journal:"))
    return line.partition(" But ")[2]


def forge(project: Project, old: str, new: str) -> None:
    """Replace text in the newest record that has it, and chain all from there on anew, as a shell can."""
    with closing(sqlite3.connect(project.root / ".git/autoresearch/journal.db")) as link, link:
        link.execute("DROP TRIGGER IF EXISTS event_is_never_changed")
        rows = link.execute(f"SELECT {chain.FIELDS}, previous FROM event ORDER BY number").fetchall()
        first = max(number for number, *_, body, _ in rows if old in body)
        digest = ""
        for *fields, previous in rows[first - 1 :]:
            fields[-1] = fields[-1].replace(old, new) if fields[0] == first else fields[-1]
            previous, digest = (digest or previous), chain.chained(digest or previous, fields)
            change = "UPDATE event SET body = ?, previous = ?, digest = ? WHERE number = ?"
            link.execute(change, (fields[-1], previous, digest, fields[0]))


def add(project: Project) -> None:
    """Put a record behind the last one, with the digest that it should have."""
    with closing(sqlite3.connect(project.root / ".git/autoresearch/journal.db")) as link, link:
        number, digest = link.execute(chain.LAST).fetchone()
        fields = (number + 1, "", 0.0, "checkpoint", None, json.dumps({"since": 1, "content": ""}))
        link.execute(
            "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*fields, digest, chain.chained(digest, fields))
        )


def test_nothing_speaks_against_what_servers_of_this_account_wrote(kept: Project) -> None:
    assert doubt(kept) == ""

    kept.restart()
    kept.try_value(7, "seven")

    assert doubt(kept) == ""


def test_a_value_that_was_forged_with_all_digests_after_it_is_said(kept: Project) -> None:
    forge(kept, '"metric":8.0', '"metric":2.0')

    assert "is not the one that a server of this account wrote" in doubt(kept)
    again = kept.copied_server().review.history(iteration=1, remeasure=True)
    assert again.more.startswith(
        "The row does not hold: it says 2, and this metric repeats exactly. Measured again: 8;"
    )


def test_a_record_that_somebody_added_is_said_also_when_a_server_went_on_behind_it(kept: Project) -> None:
    add(kept)
    assert "not all are by a server of this account" in (first := doubt(kept))

    kept.restart()
    kept.try_value(7, "seven")

    assert doubt(kept) == first


def test_who_takes_the_seal_away_is_vouched_for_by_nobody_and_later_in_part(kept: Project) -> None:
    JournalSeal(kept.root / ".git/autoresearch")._file.path.unlink()
    assert doubt(kept).startswith("no server of this account vouches")

    kept.restart()
    kept.try_value(7, "seven")

    assert "vouch for its records from" in doubt(kept)


def test_a_seal_with_a_changed_number_is_none(kept: Project) -> None:
    file = JournalSeal(kept.root / ".git/autoresearch")._file.path
    noted = json.loads(file.read_text())
    noted["values"][0] = 2
    file.write_text(json.dumps(noted))

    assert doubt(kept).startswith("no server of this account vouches")


def test_a_server_that_dies_between_its_note_and_its_write_is_no_forger(kept: Project) -> None:
    folder = kept.root / ".git/autoresearch"
    journal = Journal(folder)
    before = journal._last()
    JournalSeal(folder).note(before, (before[0] + 2, "never written"))

    assert journal.doubt() == ""
    kept.restart()
    kept.try_value(7, "seven")
    assert doubt(kept) == ""
