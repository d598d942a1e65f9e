"""The chain of the journal's records: whatever is changed in it is said, also where checkpoints stand for what came before."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.session import chain
from autoresearch_mcp.tools.session.journal import Journal
from conftest import Project
from filled import fill, long

WHOLE = "no record was edited, and none is missing before the last"


@pytest.fixture
def grown(project: Project) -> Project:
    """A session of 200 tries, with three checkpoints."""
    return fill(project.start(), *long(200))


def said(project: Project) -> str:
    """What a report of another process says of the journal."""
    try:
        lines = project.copied_server().review.report().report.split("\n")
    except Refusal as refusal:
        return f"JOURNAL BROKEN: {refusal.message}" if refusal.code is Code.JOURNAL_BROKEN else refusal.message
    return next(line for line in lines if line.startswith(("Journal:", "JOURNAL BROKEN:")))


def journal(project: Project) -> Journal:
    return Journal(project.root / ".git/autoresearch")


def change(project: Project, *statements: str) -> None:
    """Write to the journal behind the server's back."""
    with closing(sqlite3.connect(project.root / ".git/autoresearch/journal.db")) as link, link:
        for trigger in ("event_is_never_changed", "event_is_never_removed"):
            link.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            link.execute(statement)


def numbers(project: Project, condition: str) -> list[int]:
    with closing(sqlite3.connect(project.root / ".git/autoresearch/journal.db")) as link:
        return [number for (number,) in link.execute(f"SELECT number FROM event WHERE {condition} ORDER BY number")]


def chained_again(project: Project, first: int, last: int) -> None:
    """Give records the digests that they should have, as somebody does who hides an edit."""
    with closing(sqlite3.connect(project.root / ".git/autoresearch/journal.db")) as link, link:
        for number in range(first, last + 1):
            previous = link.execute("SELECT digest FROM event WHERE number = ?", (number - 1,)).fetchone()[0]
            fields = link.execute(f"SELECT {chain.FIELDS} FROM event WHERE number = ?", (number,)).fetchone()
            own = hashlib.sha256(json.dumps([previous, *fields]).encode()).hexdigest()
            link.execute("UPDATE event SET previous = ?, digest = ? WHERE number = ?", (previous, own, number))


def test_records_before_a_checkpoint_need_not_be_followed_again(
    grown: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed, own = [], chain.chained

    def counted(previous: str, fields: Sequence[object]) -> str:
        followed.append(fields[0])
        return own(previous, fields)

    monkeypatch.setattr(chain, "chained", counted)

    assert WHOLE in said(grown)
    assert len(numbers(grown, "kind = 'checkpoint'")) == 3
    assert len(followed) < len(numbers(grown, "true")) / 5


EDITS = {
    "body": "replace(body, 'try 5', 'try x')",
    "at": "at + 0.0000003",
    "kind": "'verified'",
    "iteration": "6",
    "session": "'another'",
    "previous": "'abc'",
    "digest": "'abc'",
}


@pytest.mark.parametrize("column", EDITS)
def test_an_edit_of_any_column_before_a_checkpoint_is_said(grown: Project, column: str) -> None:
    [number] = numbers(grown, "kind = 'logged' AND iteration = 5")
    change(grown, f"UPDATE event SET {column} = {EDITS[column]} WHERE number = {number}")

    assert "JOURNAL BROKEN" in said(grown)
    assert {int(found) for found in re.findall(r"\d+", said(grown))} & {number, number + 1}


@pytest.mark.parametrize("which", ["iteration = 70 AND kind = 'logged'", "kind = 'checkpoint' AND number < 300"])
def test_a_record_taken_out_before_a_checkpoint_is_said(grown: Project, which: str) -> None:
    number = numbers(grown, which)[0]
    change(grown, f"DELETE FROM event WHERE number = {number}")

    assert f"between records {number - 1} and {number + 1} something is missing" in said(grown)


@pytest.mark.parametrize("hides", [False, True], ids=["as it was edited", "with a digest of its own"])
@pytest.mark.parametrize("which", [0, -1], ids=["the first", "the newest"])
def test_a_checkpoint_forged_to_fit_an_edit_is_said(grown: Project, which: int, hides: bool) -> None:
    sealed, ends = numbers(grown, "kind = 'checkpoint'"), [1, *numbers(grown, "kind = 'checkpoint'")]
    forged, since = sealed[which], ends[:-1][which]
    edited = numbers(grown, f"kind = 'logged' AND number BETWEEN {since} AND {forged}")[3]
    change(grown, f"UPDATE event SET body = replace(body, 'try', 'lie') WHERE number = {edited}")
    content = chain._content(journal(grown)._database, since, forged)
    change(grown, f"UPDATE event SET body = json_set(body, '$.content', '{content}') WHERE number = {forged}")
    if hides:
        chained_again(grown, forged, forged)

    assert "JOURNAL BROKEN" in said(grown)


def test_no_checkpoint_is_made_of_what_was_edited(project: Project) -> None:
    fill(project.start(), *long(60))
    change(project, "UPDATE event SET body = replace(body, 'try 5', 'try x') WHERE kind = 'logged' AND iteration = 5")
    books = journal(project)
    books.save_snapshot("s1", 0.0, books.last_of("s1"), "a snapshot")

    assert numbers(project, "kind = 'checkpoint'") == []
    assert "JOURNAL BROKEN" in said(project)


def test_a_snapshot_that_no_checkpoint_names_is_not_believed(grown: Project) -> None:
    before = grown.copied_server().sessions.status()
    with closing(sqlite3.connect(grown.root / ".git/autoresearch/journal.db")) as link, link:
        session, number, text = link.execute("SELECT session, number, text FROM summary").fetchone()
        text = re.sub(r'"best": [0-9.]+', '"best": 1.0', text)
        [previous] = link.execute("SELECT digest FROM event WHERE number = ?", (number,)).fetchone()
        own = hashlib.sha256(json.dumps([previous, session, number, text]).encode()).hexdigest()
        link.execute("UPDATE summary SET text = ?, digest = ?", (text, own))

    assert grown.copied_server().sessions.status() == before


def test_a_checkpoint_is_made_once(grown: Project) -> None:
    fill(grown, *long(256)[200:])
    made = numbers(grown, "kind = 'checkpoint'")
    for _ in range(3):
        grown.lab.for_reading().write_results()

    assert numbers(grown, "kind = 'checkpoint'") == made
    assert len(made) == 4


def test_doctor_follows_every_record_whatever_checkpoints_say(grown: Project) -> None:
    """An edit of what no checkpoint has yet, and one more record that says it was always so: the chain has no secret."""
    edited = numbers(grown, "kind = 'logged' AND iteration = 197")[0]
    change(grown, f"UPDATE event SET body = replace(body, 'try', 'lie') WHERE number = {edited}")
    books = journal(grown)
    since, end = numbers(grown, "kind = 'checkpoint'")[-1], numbers(grown, "true")[-1] + 1
    content = chain._content(books._database, since, end)
    books.append("", 0.0, [chain.Checkpoint(since=since, content=content)])

    assert f"record {edited} " in books.broken(thorough=True)


def test_a_chain_written_anew_to_its_end_is_found_by_the_digests_that_git_names(project: Project) -> None:
    project.start()
    for value in (8, 7):
        project.try_value(value)
    assert WHOLE in said(project)
    [edited] = numbers(project, "kind = 'logged' AND iteration = 1")
    change(project, f"UPDATE event SET body = replace(body, 'another', 'a better') WHERE number = {edited}")
    chained_again(project, edited, numbers(project, "true")[-1])

    assert f"commit {project.git('rev-parse', 'HEAD')[:7]} names a record that the journal does not have" in said(
        project
    )
