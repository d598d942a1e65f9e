"""The examples run as they are: a plan passes its gates, no cheat earns anything, and the first improvement is kept.

`make examples` does that with all of them; here it is a few, one of each shape.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import run_examples
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.project.examples import Example, all_examples, create_example, what_is_missing
from autoresearch_mcp.tools.verbs.loop import Loop
from autoresearch_mcp.tools.verbs.sessions import Sessions

ALL = {one.name: one for one in all_examples()}
DOMAINS = {
    *("ML training", "software engineering", "API performance", "frontend", "security", "content and SEO"),
    *("sales and marketing", "DevOps", "HR and operations", "data science", "databases", "games and algorithms"),
}
LANGUAGES = {"Python", "TypeScript", "Go", "Rust", "Java", "C", "C++", "SQL"}


def played(example: Example, root: Path) -> list[str]:
    """What came of each patch of an example, in the words of the rows."""
    create_example(example.name, root)
    lab, came = Lab(root), []
    Sessions(lab).start_session(Plan())
    for key in [*(f"cheat-{n}" for n, _ in enumerate(example.cheats, 1)), "improvement"]:
        subprocess.run(["git", "apply", f"try/{key}.patch"], cwd=root, check=True)
        answer = Loop(lab).iterate(key)
        if not answer.status:
            Loop(lab).revert("a cheat")
            answer = Loop(lab).log()
        came.append(str(answer.status))
    return came


def test_all_domains_and_languages_have_examples_each_with_a_cheat_and_two_lines_of_story() -> None:
    assert {one.domain for one in ALL.values()} == DOMAINS
    assert {one.language for one in ALL.values()} > LANGUAGES
    assert {len(one.story.splitlines()) for one in ALL.values()} == {2}
    assert all(one.cheats and all(one.patches.values()) for one in ALL.values())


@pytest.mark.parametrize("name", ["iam-policy", "latest-price", "payroll-c-size"])
def test_no_cheat_earns_anything_and_the_first_improvement_is_kept(tmp_path: Path, name: str) -> None:
    if missing := what_is_missing(ALL[name]):
        pytest.skip(missing)
    came = played(ALL[name], tmp_path / name)

    assert "keep" not in came[:-1]
    assert came[-1] == "keep"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ALL))
def test_every_example_holds_what_it_promises(tmp_path: Path, name: str) -> None:
    outcome = run_examples.run(ALL[name], tmp_path / name)
    if outcome.skipped:
        pytest.skip(outcome.skipped)

    assert not outcome.wrong


def test_what_a_program_needs_that_is_not_here_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert what_is_missing(ALL["pod-packing"]) == "rustc is not installed"
    assert what_is_missing(ALL["spam-bayes"]) == "node is not installed"


def test_no_example_is_made_over_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(Refusal, match="not empty"):
        create_example("sql-time", tmp_path)
    with pytest.raises(Refusal, match="Did you mean sql-time"):
        create_example("sqltime", tmp_path / "new")
