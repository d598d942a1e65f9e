"""Where a person's yes is kept, what it is worth when something else stands there, and what is told of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.lab.consent import Consent
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.verbs.planning import Planning, wanted_commands
from conftest import Project

FIELDS = """goal = 'x'
scope = ['app.txt']
metric = 'value'
direction = 'lower'
verify = 'cat value.txt'
guards = ['sh check.sh']
"""


def state_folder() -> Path:
    return Path.home() / ".local/state/autoresearch-mcp"


def kept() -> Path:
    return next((state_folder() / "approvals").iterdir())


def consent_row(project: Project, plan: Plan | None = None, *, allow_commands: bool = False) -> str:
    checked = Planning(Lab(project.root, allow_commands=allow_commands)).check_plan(plan or Plan())
    return next(gate.seen for gate in checked.gates if gate.gate == "consent")


def committed(project: Project, when: str) -> Project:
    project.write("autoresearch.toml", FIELDS).git("add", "--all")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_COMMITTER_DATE", when)
        project.git("commit", "--quiet", "-m", "a plan")
    return project


@pytest.mark.parametrize("left", ["", "{", "null", "7", '{"a": 1}', "[7, null, {}]", "\ufeff[]", "[" * 5000])
def test_what_is_no_list_of_approvals_agrees_to_nothing(project: Project, left: str) -> None:
    consent = Consent(project.lab.for_reading().repo, allow_commands=False)
    consent.approve(("sh check.sh",), "in a test")
    kept().write_text(left)
    project.write(".git/autoresearch/wanted.json", left)

    assert consent.missing(project.plan) == ("cat value.txt", "sh check.sh")
    assert consent.wanted() == ()
    consent.approve(("cat value.txt",), "in a test")
    assert consent.missing(project.plan) == ("sh check.sh",)


def test_a_yes_that_was_not_sealed_for_this_repository_counts_for_nothing(project: Project, tmp_path: Path) -> None:
    """An edit tool can write a file, and copy one; it does not know the key."""
    other = Consent(Project(tmp_path / "other").lab.for_reading().repo, allow_commands=False)
    other.approve(("sh check.sh",), "in a test")
    row = json.loads(kept().read_text())[0]
    consent = Consent(project.lab.for_reading().repo, allow_commands=False)
    consent.approve(("cat value.txt",), "in a test")
    mine = next(file for file in (state_folder() / "approvals").iterdir() if row["said"] not in file.read_text())
    digest = json.loads(mine.read_text())[0]

    mine.write_text(json.dumps([digest, row, {**digest, "said": row["said"]}]))

    assert consent.missing(project.plan) == ("sh check.sh",)


def test_a_key_that_others_can_read_is_no_key(project: Project) -> None:
    consent = Consent(project.lab.for_reading().repo, allow_commands=False)
    consent.approve(("cat value.txt", "sh check.sh"), "in a test")
    (state_folder() / "approvals.key").chmod(0o644)

    assert consent.missing(project.plan) == ("cat value.txt", "sh check.sh")
    consent.approve(("cat value.txt",), "in a test")
    assert consent.missing(project.plan) == ("sh check.sh",)
    assert (state_folder() / "approvals.key").stat().st_mode & 0o777 == 0o600


def test_a_yes_is_to_the_text_in_this_repository_on_every_branch(project: Project) -> None:
    Consent(project.lab.for_reading().repo, allow_commands=False).approve(("cat value.txt", "sh check.sh"), "in a test")
    project.git("switch", "--quiet", "--create", "other")

    consent = Consent(project.lab.for_reading().repo, allow_commands=False)

    assert consent.missing(project.plan) == ()
    walled = Plan.model_validate({**project.plan.model_dump(), "sandbox": "on"})
    assert consent.missing(walled) == ()
    spaced = Plan.model_validate({**project.plan.model_dump(), "verify": "cat  value.txt"})
    assert consent.missing(spaced) == ("cat  value.txt",)


def test_a_plan_file_that_was_committed_before_the_server_started_is_a_yes(project: Project) -> None:
    project.write("autoresearch.toml", FIELDS)
    assert Planning(Lab(project.root)).check_plan(Plan()).commands == ["cat value.txt", "sh check.sh"]

    committed(project, "2020-05-04T10:00:00+00:00")

    seen = consent_row(project)
    assert (
        f"committed in {project.git('rev-parse', '--short=7', 'HEAD')} by Ada <ada@example.org> on 2020-05-04" in seen
    )


def test_a_plan_file_that_was_committed_after_the_start_waits_for_a_person(project: Project) -> None:
    """The agent commits it itself and calls again."""
    committed(project, "2099-05-04T10:00:00+00:00")

    seen = consent_row(project)
    assert seen.startswith("nobody agreed yet to run: `cat value.txt`; `sh check.sh`")
    assert "came after this server had started" in seen

    project.lab.for_reading().consent.approve(("cat value.txt", "sh check.sh"), "in a test")
    assert " in a test on " in consent_row(project)


def test_the_gate_says_whose_yes_it_is(project: Project) -> None:
    consent = Consent(project.lab.for_reading().repo, allow_commands=False)
    consent.approve(("cat value.txt", "sh check.sh"), "in a dialogue of some-client")

    assert "in a dialogue of some-client on 2" in consent_row(project, project.plan)
    assert "nobody was asked" in consent_row(project, project.plan, allow_commands=True)


def test_what_a_call_asked_to_run_waits_for_a_person(project: Project) -> None:
    lab = Lab(project.root)
    Planning(lab).check_plan(project.plan)

    assert wanted_commands(lab) == ("cat value.txt", "sh check.sh")
    lab.for_reading().consent.approve(("cat value.txt",), "in a test")
    assert wanted_commands(lab) == ("sh check.sh",)


def test_a_yes_in_a_terminal_counts_for_a_server_with_another_environment(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "of the shell"))
    project.lab.for_reading().consent.approve(("cat value.txt", "sh check.sh"), "in a test")
    monkeypatch.delenv("XDG_STATE_HOME")

    assert Consent(project.lab.for_reading().repo, allow_commands=False).missing(project.plan) == ()
