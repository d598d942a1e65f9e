"""Where a person's yes is kept, and what it is worth when something else stands there."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.lab.consent import Consent
from autoresearch_mcp.tools.plan.model import Plan
from conftest import Project


@pytest.mark.parametrize("left", ["", "{", "null", "7", '{"a": 1}', "[7, null]", "\ufeff[]", "[" * 5000])
def test_what_is_no_list_of_approvals_agrees_to_nothing(project: Project, left: str) -> None:
    consent = Consent(project.lab.for_reading().repo, allow_commands=False)
    project.write(".git/autoresearch/approvals.json", left).write(".git/autoresearch/wanted.json", left)

    assert consent.missing(project.plan) == ("cat value.txt", "sh check.sh")
    assert consent.wanted() == ()
    consent.approve(["cat value.txt"])
    assert consent.missing(project.plan) == ("sh check.sh",)


def test_a_yes_is_to_the_text_in_this_repository_on_every_branch(project: Project) -> None:
    Consent(project.lab.for_reading().repo, allow_commands=False).approve(["cat value.txt", "sh check.sh"])
    project.git("switch", "--quiet", "--create", "other")

    consent = Consent(project.lab.for_reading().repo, allow_commands=False)

    assert consent.missing(project.plan) == ()
    walled = Plan.model_validate({**project.plan.model_dump(), "sandbox": "on"})
    assert consent.missing(walled) == ()
    spaced = Plan.model_validate({**project.plan.model_dump(), "verify": "cat  value.txt"})
    assert consent.missing(spaced) == ("cat  value.txt",)


def test_a_committed_plan_file_is_a_yes_whoever_committed_it(project: Project) -> None:
    fields = [
        "goal = 'x'",
        "scope = ['app.txt']",
        "metric = 'value'",
        "direction = 'lower'",
        "verify = 'cat value.txt'",
    ]
    project.write("autoresearch.toml", "\n".join([*fields, "guards = ['sh check.sh']\n"]))
    consent = Consent(project.lab.for_reading().repo, allow_commands=False)

    assert consent.missing(project.plan) == ("cat value.txt", "sh check.sh")
    project.commit("a plan, by whoever can commit")
    assert consent.missing(project.plan) == ()
