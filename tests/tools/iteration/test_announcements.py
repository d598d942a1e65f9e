"""The plan's own commands that hear of keeps and of the end: part of what a person agrees to, and deciding nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.verbs.sessions import Sessions
from conftest import Project

HEAR = "cat >>../heard; echo >>../heard"


def test_it_hears_of_each_keep_and_of_the_end_as_json(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", on_keep=HEAR, on_end=HEAR).start()
    for value in (9, 11, 8):
        project.try_value(value, f"value {value}")
    project.sessions.finish_session(confirm=False)

    told = [json.loads(line) for line in (tmp_path / "heard").read_text().splitlines()]

    assert [one["event"] for one in told] == ["keep", "keep", "end"]
    assert [(one["row"]["iteration"], one["row"]["metric"]) for one in told[:2]] == [(1, 9.0), (3, 8.0)]
    assert told[2]["summary"]["keeps"] == 2
    assert project.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("command", "said"), [("echo no such host >&2; exit 7", "7: no such host"), ("kill -9 $$", "-9")]
)
def test_one_that_fails_is_told_and_decides_nothing(tmp_path: Path, command: str, said: str) -> None:
    project = Project(tmp_path / "repo", on_keep=command, on_end=command).start()

    answer = project.try_value(9)

    assert answer.status == "keep"
    assert f"on_keep ended with exit status {said}" in answer.text()
    assert f"on_end ended with exit status {said}" in project.sessions.finish_session(confirm=False).text()


def test_a_person_agrees_to_it(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", on_keep=HEAR)

    with pytest.raises(Refusal) as refused:
        Sessions(Lab(project.root)).start_session(project.plan)

    assert refused.value.code is Code.CONSENT_NEEDED
    assert HEAR in refused.value.message
