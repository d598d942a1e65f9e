"""Where a person's yes is kept, what it is worth when something else stands there, and what is told of it."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest

from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.lab.approvals import fingerprint
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


def consent_of(project: Project) -> Consent:
    return Lab(project.root).for_reading().consent


def server(project: Project) -> Lab:
    lab = Lab(project.root)
    lab.drives = True
    lab.begin()
    return lab


def consent_row(lab: Lab, plan: Plan | None = None) -> str:
    return next(gate.seen for gate in Planning(lab).check_plan(plan or Plan()).gates if gate.gate == "consent")


def committed(project: Project, fields: str = FIELDS, when: str = "2020-05-04T10:00:00+00:00") -> Project:
    project.write("autoresearch.toml", fields).git("add", "--all")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_COMMITTER_DATE", when)
        project.git("commit", "--quiet", "-m", "a plan")
    return project


@pytest.mark.parametrize("left", ["", "{", "null", "7", '{"a": 1}', "[7, null, {}]", "\ufeff[]", "[" * 5000])
def test_what_is_no_list_of_approvals_agrees_to_nothing(project: Project, left: str) -> None:
    consent = consent_of(project)
    consent.approve(("sh check.sh",), "in a test")
    kept().write_text(left)
    project.write(".git/autoresearch/wanted.json", left)

    assert consent.missing(project.plan) == ("cat value.txt", "sh check.sh")
    assert consent.wanted() == ()
    consent.approve(("cat value.txt",), "in a test")
    assert consent.missing(project.plan) == ("sh check.sh",)


def test_a_yes_that_was_not_sealed_for_this_repository_counts_for_nothing(project: Project, tmp_path: Path) -> None:
    """An edit tool can write a file, and copy one; it does not know the key."""
    other = consent_of(Project(tmp_path / "other"))
    other.approve(("sh check.sh",), "in a test")
    row = json.loads(kept().read_text())[0]
    consent = consent_of(project)
    consent.approve(("cat value.txt",), "in a test")
    mine = next(file for file in (state_folder() / "approvals").iterdir() if row["said"] not in file.read_text())
    digest = json.loads(mine.read_text())[0]

    mine.write_text(json.dumps([digest, row, {**digest, "said": row["said"]}]))

    assert consent.missing(project.plan) == ("sh check.sh",)


def test_a_key_that_others_can_read_is_no_key(project: Project) -> None:
    consent = consent_of(project)
    consent.approve(("cat value.txt", "sh check.sh"), "in a test")
    (state_folder() / "approvals.key").chmod(0o644)

    assert consent.missing(project.plan) == ("cat value.txt", "sh check.sh")
    consent.approve(("cat value.txt",), "in a test")
    assert consent.missing(project.plan) == ("sh check.sh",)
    assert (state_folder() / "approvals.key").stat().st_mode & 0o777 == 0o600


def test_a_key_that_an_edit_tool_wrote_over_ours_is_no_key(project: Project) -> None:
    """A file keeps its mode when it is written again, and whoever chose the key can seal."""
    consent = consent_of(project)
    consent.approve(("cat value.txt",), "in a test")
    (state_folder() / "approvals.key").write_text(key := "an agent wrote these 32 letters.")
    row = json.loads(kept().read_text())[0] | {"said": fingerprint("sh check.sh")}
    told = [str((project.root / ".git/autoresearch").resolve()), *list(row.values())[:-1]]
    seal = hmac.new(key.encode(), json.dumps(told).encode(), hashlib.sha256).hexdigest()
    kept().write_text(json.dumps([{**row, "seal": seal}]))

    assert consent.missing(project.plan) == ("cat value.txt", "sh check.sh")
    consent.approve(("cat value.txt",), "in a test")
    assert consent.missing(project.plan) == ("sh check.sh",)


def test_a_yes_is_to_the_text_in_this_repository_on_every_branch(project: Project) -> None:
    consent_of(project).approve(("cat value.txt", "sh check.sh"), "in a test")
    project.git("switch", "--quiet", "--create", "other")

    consent = consent_of(project)

    assert consent.missing(project.plan) == ()
    walled = Plan.model_validate({**project.plan.model_dump(), "sandbox": "on"})
    assert consent.missing(walled) == ()
    spaced = Plan.model_validate({**project.plan.model_dump(), "verify": "cat  value.txt"})
    assert consent.missing(spaced) == ("cat  value.txt",)


def test_a_plan_file_that_stood_there_before_the_server_is_a_yes(project: Project) -> None:
    project.write("autoresearch.toml", FIELDS)
    assert Planning(Lab(project.root)).check_plan(Plan()).commands == ["cat value.txt", "sh check.sh"]

    committed(project)

    seen = consent_row(server(project))
    assert (
        f"committed in {project.git('rev-parse', '--short=7', 'HEAD')} by Ada <ada@example.org> on 2020-05-04" in seen
    )
    committed(project, FIELDS.replace("'x'", "'y'"))
    assert "by Ada" in consent_row(server(project)), "nothing more is asked for"


def test_a_plan_file_that_came_under_the_eyes_of_a_server_waits_for_a_person_whatever_its_date(
    project: Project,
) -> None:
    """The agent commits it itself, as of long ago, and calls again; or has its client start the server anew."""
    first = server(project)
    committed(project)

    seen = consent_row(first)
    assert seen.startswith("nobody agreed yet to run: `cat value.txt`; `sh check.sh`")
    assert "an agent may have put it there" in seen
    first.end()
    assert "nobody agreed" in consent_row(Lab(project.root))
    assert "nobody agreed" in consent_row(second := server(project))

    consent_of(project).approve(("cat value.txt", "sh check.sh"), "in a test")
    assert " in a test on " in consent_row(second)


def test_a_plan_file_that_came_while_no_server_was_there_is_a_yes(project: Project) -> None:
    server(project).end()
    committed(project)

    assert "by Ada" in consent_row(first := server(project))
    committed(project, FIELDS.replace("sh check.sh", "true"))
    assert "nobody agreed yet to run: `true`" in consent_row(first)


def test_what_an_agent_committed_and_took_away_again_is_still_not_a_person_s(project: Project) -> None:
    first = server(project)
    committed(project)
    consent_row(first)
    project.git("reset", "--quiet", "--hard", "HEAD~1")
    first.end()

    committed(project)
    assert "nobody agreed" in consent_row(server(project))


@pytest.mark.parametrize("left", ["", "{}", '{"known": [], "late": [], "servers": [], "seal": "x"}'])
def test_a_note_that_somebody_else_wrote_vouches_for_no_plan(project: Project, left: str) -> None:
    server(project).end()
    next((state_folder() / "plans").glob("*.json")).write_text(left)
    committed(project)

    assert "nobody agreed" in consent_row(server(project))


@pytest.mark.parametrize("earlier", [True, False], ids=["put back", "taken away"])
def test_a_note_that_changes_under_the_eyes_of_a_server_is_not_forgotten(project: Project, *, earlier: bool) -> None:
    server(project).end()
    note = next((state_folder() / "plans").glob("*.json"))
    before = note.read_text()
    first = server(project)
    note.write_text(before) if earlier else note.unlink()
    committed(project)

    assert "nobody agreed" in consent_row(first)
    first.end()
    assert "nobody agreed" in consent_row(server(project))


def test_where_nothing_can_be_noted_the_server_remembers_what_stood_there(project: Project) -> None:
    (Path.home() / ".local").write_text("no folder")
    first = server(project)
    committed(project)

    assert "nobody agreed" in consent_row(first)
    assert "by Ada" in consent_row(server(project))


def test_the_gate_says_whose_yes_it_is(project: Project) -> None:
    consent_of(project).approve(("cat value.txt", "sh check.sh"), "in a dialogue of some-client")

    assert "in a dialogue of some-client on 2" in consent_row(Lab(project.root), project.plan)
    assert "nobody was asked" in consent_row(project.lab, project.plan)


def test_of_a_command_that_waits_nobody_is_told_to_have_agreed(project: Project) -> None:
    consent_of(project).approve(("cat value.txt",), "in a test")
    assert consent_row(Lab(project.root), project.plan) == "nobody agreed yet to run: `sh check.sh`"

    first = server(project)
    committed(project, FIELDS.replace("sh check.sh", "true"))

    assert consent_row(first, project.plan) == "nobody agreed yet to run: `sh check.sh`", "the file asks for another"


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

    assert consent_of(project).missing(project.plan) == ()
