"""Tracked files that the plan's commands rewrite: named and put back, or the plan's own and no change of anybody's."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.vocabulary import Phase
from conftest import Project

LOCKS = "if grep -q needs app.txt; then echo locked >> lock.json; fi; cat value.txt"


def locking(root: Path, verify: str = LOCKS, **plan: object) -> Project:
    project = Project(root, verify=verify, **plan)
    return project.write("lock.json", "{}\n").write("dist/app.js", "built\n").commit("with a lock file")


def needing(project: Project, value: int) -> Project:
    return project.write("app.txt", f"one\nneeds {value}\n").write("value.txt", f"{value}\n")


def test_a_tracked_file_that_verify_rewrites_is_named_and_put_back(tmp_path: Path) -> None:
    project = needing(locking(tmp_path / "repo").start(), 8)

    answer = project.loop.iterate("an honest dependency")

    assert (answer.phase, answer.metric) == (Phase.FIX, None)
    assert "The number does not count" in answer.why
    assert "Outside the scope, as in the commit before it ran and put back now" in answer.why
    assert ": lock.json. If `if grep -q needs app.txt" in answer.why
    assert 'outputs = ["lock.json"]' in answer.why
    assert project.read("lock.json") == "{}\n"
    kept = next((project.root / ".git/autoresearch/evidence").rglob("lock.json"))
    assert kept.read_text() == "{}\nlocked\n"
    project.write("app.txt", "one\n")
    assert project.loop.iterate("without it").status == "keep"


def test_what_the_agent_edits_in_scope_meanwhile_stays(tmp_path: Path) -> None:
    verify = "if grep -q needs app.txt; then echo the next idea > src.txt; fi; cat value.txt"
    project = locking(tmp_path / "repo", verify, scope=("value.txt", "app.txt", "src.txt"))
    needing(project.write("src.txt", "old\n").commit("source").start(), 8)

    answer = project.loop.iterate("an idea")

    assert "In scope, left as they are: src.txt." in answer.why
    assert project.read("src.txt") == "the next idea\n"


@pytest.mark.parametrize(
    "rewrite", ["echo x >> {}", "rm {}", "echo x > {}; git add {}", "mv {} src.new; cp src.new {}; echo >> {}"]
)
def test_outputs_of_the_plan_are_put_back_after_each_run_and_are_no_change(tmp_path: Path, rewrite: str) -> None:
    script = "".join(rewrite.format(*[name] * rewrite.count("{}")) + "; " for name in ("lock.json", "dist/app.js"))
    verify = "sh run.sh; cat value.txt"
    project = locking(tmp_path / "repo", verify, outputs=("lock.json", "dist/**", "src.new"), guards=("sh run.sh",))
    project.write("run.sh", script).write(".gitignore", "run.new\n").commit("script").start()

    assert project.try_value(8).status == "keep"
    assert project.try_value(20).status == "discard"

    assert project.read("lock.json") == "{}\n"
    assert project.git("status", "--porcelain", "--untracked-files=no") == ""
    assert "lock.json" not in project.git("log", "-3", "--name-only", "--format=")
    assert project.statuses() == ["baseline", "keep", "discard"]


def test_an_output_that_was_edited_before_a_run_does_not_bend_the_number(tmp_path: Path) -> None:
    project = locking(tmp_path / "repo", "cat lock.json value.txt | tail -1; cp lock.json seen", outputs=("*.json",))
    project.write(".gitignore", "seen\n").commit("ignored").start()
    project.write("lock.json", "mine\n")

    assert project.try_value(8).status == "keep"

    assert project.read("seen") == project.read("lock.json") == "{}\n"
    assert [file.read_text() for file in (project.root / ".git/autoresearch/evidence").rglob("lock.json")] == ["mine\n"]


def test_a_protected_file_is_never_an_output(tmp_path: Path) -> None:
    project = locking(tmp_path / "repo", outputs=("**",)).start()
    project.write("check.sh", "true\n").write("value.txt", "8\n")

    with pytest.raises(Refusal) as refused:
        project.loop.iterate("a softer check")

    assert refused.value.code in {Code.OUTSIDE_SCOPE, Code.PROTECTED}


def test_the_gates_name_what_the_commands_rewrite_and_put_it_back(tmp_path: Path) -> None:
    project = locking(tmp_path / "repo", "echo x >> lock.json; cat value.txt")

    row = next(gate for gate in project.planning.check_plan(project.plan).gates if not gate.passed)

    assert "lock.json changed while the commands ran" in row.seen
    assert 'outputs = ["lock.json"]' in row.cure
    assert project.git("status", "--porcelain") == ""
    project.plan = project.plan.model_copy(update={"outputs": ("lock.json",)})
    assert all(gate.passed for gate in project.planning.check_plan(project.plan).gates)
    assert project.git("status", "--porcelain") == ""


def test_what_a_guard_rewrites_is_put_back_too(tmp_path: Path) -> None:
    project = locking(
        tmp_path / "repo", "cat value.txt", guards=("if grep -q 8 value.txt; then echo x >> lock.json; fi",)
    )
    project.start()

    assert project.try_value(8).status == "keep"
    assert project.try_value(7).status == "keep"
    assert project.git("status", "--porcelain") == ""


def test_a_plan_without_outputs_has_the_digest_that_sessions_were_sealed_with_before(project: Project) -> None:
    later = {"outputs", "commit_style", "effort", "vary", "on_keep", "on_end", "workers", "gpus", "run_budget"}
    before = hashlib.sha256(project.plan.model_dump_json(exclude=later).encode()).hexdigest()

    assert project.plan.digest() == before
    assert project.plan.model_copy(update={"outputs": ("x",)}).digest() != before
