"""A repository that may only be read: what is asked of it is answered as where it may be written."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from in_process import ask_here

from conftest import Project

LOCKED = 'mount --bind . . && mount -o remount,bind,ro . && cd "$0" && exec'
"""A bind mount in a namespace of our own binds the superuser too, whom permissions do not."""


def _namespaces() -> bool:
    if not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not _namespaces(), reason="needs a mount namespace of its own")


EACH = """
import json, sys
from autoresearch_mcp.server.main import main

statuses = []
for command in json.loads(sys.argv[1]):
    statuses.append(main(command))
    print(end="\\f")
sys.exit(max(statuses))
"""


def asked(project: Project, *commands: list[str]) -> subprocess.CompletedProcess[str]:
    """What one process answers to commands, each answer up to a form feed."""
    words = [sys.executable, "-c", EACH, json.dumps(commands)]
    whole = ["unshare", "-rm", "sh", "-c", f'cd "$0" && {LOCKED} "$@"', str(project.root), *words]
    return subprocess.run(
        whole, capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "COLUMNS": "200"}
    )


def left_by_a_server_at_work(project: Project, place: Path) -> Project:
    return project


def copied_without_the_index_of_the_log(project: Project, place: Path) -> Project:
    twin = project.copied(place)
    (place / ".git/autoresearch/journal.db-shm").unlink()
    return twin


def left_by_a_server_that_ended(project: Project, place: Path) -> Project:
    twin = project.copied(place)
    with closing(sqlite3.connect(place / ".git/autoresearch/journal.db")) as link:
        link.execute("PRAGMA journal_mode = DELETE")
    return twin


@pytest.mark.parametrize(
    "state", [left_by_a_server_at_work, copied_without_the_index_of_the_log, left_by_a_server_that_ended]
)
def test_a_session_that_can_only_be_read_is_read_to_its_newest_row(
    project: Project, tmp_path: Path, state: object
) -> None:
    project.start()
    project.try_value(8, "an older row")
    project.try_value(7, "the newest row")
    project = state(project, tmp_path / "other")  # type: ignore[operator]

    told = asked(project, ["history"], ["report"], ["status"], ["watch", "--json"])

    assert (told.returncode, told.stderr) == (0, "")
    history, report, status, seen, _ = told.stdout.split("\f")
    assert all("the newest row" in words for words in (history, report, status))
    assert "no record was edited" in report
    rows = json.loads(seen)["rows"]
    assert [row["description"] for row in rows] == ["baseline", "an older row", "the newest row"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        assert ask_here("history", folder=project.root).stdout == history


def test_a_page_that_cannot_be_written_is_refused_with_its_cure(project: Project) -> None:
    project.start()

    told = asked(project, ["report", "--format", "html"])

    assert told.returncode == 2
    assert "Read-only file system" in told.stderr
    assert "make it writable" in told.stderr
    assert "Traceback" not in told.stderr
