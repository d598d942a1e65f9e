"""What is noted of a run is there for another server, and files watched in every run are written once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autoresearch_mcp.tools.git.memory import Memory
from autoresearch_mcp.tools.git.stamps import Stamp
from autoresearch_mcp.tools.process import run_notes
from autoresearch_mcp.tools.process.run_notes import RunNote, RunNotes

WATCHED: dict[str, Stamp] = {"a.txt": (1, 2, 3, 4), "b\\udcff.txt": (0, 0, 0, 0)}


def written(notes: RunNotes, key: str, watched: dict[str, Stamp]) -> RunNote:
    note = RunNote(seed=1, at_ns=2, watched=watched, written={"out": (5, 6, 7, 8)})
    notes.note(key, note)
    return note


def test_another_server_reads_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    note = written(RunNotes(tmp_path / "begun"), "first", WATCHED)
    monkeypatch.setattr(run_notes, "_LATEST", Memory(8))

    found = RunNotes(tmp_path / "begun").find("first")

    assert found is not None
    assert (found.seed, found.watched, found.written) == (1, note.watched, note.written)


def test_the_same_watched_files_are_written_once_and_others_are_cleared(tmp_path: Path) -> None:
    notes = RunNotes(tmp_path / "begun")
    places: list[dict[str, Stamp]] = [WATCHED, {"a.txt": (1, 9, 3, 4)}]
    for watched in places:
        written(notes, "first", dict(watched))
        notes.clear()
    before = {file: file.stat().st_ino for file in (tmp_path / "watched").iterdir()}
    for watched in places:
        written(notes, "third", dict(watched))
    assert {file: file.stat().st_ino for file in (tmp_path / "watched").iterdir()} == before

    written(notes, "fourth", {"a.txt": (1, 8, 3, 4)})
    notes.clear()

    assert len(os.listdir(tmp_path / "watched")) == len(places)
    assert notes.find("fourth") is None


def test_a_note_whose_watched_files_were_rewritten_is_none(tmp_path: Path) -> None:
    notes = RunNotes(tmp_path / "begun")
    written(notes, "first", WATCHED)
    (file,) = (tmp_path / "watched").iterdir()
    file.write_text("{}")

    assert notes.find("first") is None
