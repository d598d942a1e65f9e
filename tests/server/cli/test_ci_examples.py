"""The examples for CI, by the linters of those who run them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autoresearch_mcp.server.main import make_parser
from autoresearch_mcp.tools.project.examples import create_example
from ci_steps import SOURCE, github_commands, gitlab_commands, machine, run_steps

CI = Path(__file__).parents[3] / "examples" / "ci"
WORKFLOWS = sorted((CI / "github").glob("*.yml"))
RELEASE = CI.parents[1] / ".github" / "workflows" / "release.yml"
BIN = Path(sys.executable).parent


def said(*command: str | Path, folder: Path = CI) -> str:
    """What a linter prints; empty when it finds nothing."""
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_workflows_and_our_own_release_fit_their_schema() -> None:
    assert said("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS, RELEASE) == ""


def test_workflows_hold_no_known_hole_but_that_their_actions_are_not_pinned(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for file in WORKFLOWS:
        shutil.copy(file, folder)

    told = said("zizmor", "--offline", "--no-progress", "--min-severity", "medium", ".", folder=tmp_path)

    assert set(re.findall(r"^\w+\[([\w-]+)\]", told, re.MULTILINE)) <= {"unpinned-uses"}, told


def test_our_own_release_has_no_known_hole() -> None:
    assert said("zizmor", "--offline", "--no-progress", "--min-severity", "medium", RELEASE) == ""


def test_the_jobs_of_gitlab_fit_their_schema() -> None:
    flags = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
    assert said("check-jsonschema", *flags, "gitlab-ci.yml") == ""


def test_the_hook_configuration_is_valid() -> None:
    assert said("pre-commit", "validate-config", "pre-commit-config.yaml") == ""


def test_every_command_of_ours_that_they_call_exists() -> None:
    parser = make_parser()
    texts = [file.read_text() for file in (*WORKFLOWS, CI / "gitlab-ci.yml", CI / "pre-commit-config.yaml")]
    calls = [call for text in texts for call in re.findall(r"autoresearch-mcp ([a-z-][^\n|>;')]*)", text)]

    assert len(calls) > 10
    for call in calls:
        words = [word.strip('"') for word in re.sub(r"\"[^\"]*\"", "x", call).split()]
        assert parser.parse_args(words).command, call


EVENT = {
    "vars.AUTORESEARCH_SOURCE": SOURCE,
    "secrets.ANTHROPIC_API_KEY": "none",
    "github.token": "none",
    "github.event.pull_request.base.sha": "origin/main",
}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone of a project with a committed plan, tests, and a branch that changes it; its origin takes pushes."""
    made, place = tmp_path / "made", tmp_path / "clone"
    create_example("lint-count", made)
    (made / "test_inventory.py").write_text(
        "import unittest, check\n\n\nclass Shelf(unittest.TestCase):\n    def test_it(self):\n        assert check\n"
    )
    for command in (
        ["add", "."],
        ["commit", "-qm", "Test the shelf"],
        ["config", "receive.denyCurrentBranch", "ignore"],
        ["config", "receive.advertisePushOptions", "true"],
    ):
        subprocess.run(["git", *command], cwd=made, check=True)
    subprocess.run(["git", "clone", "-q", str(made), str(place)], check=True)
    (place / "inventory.py").write_text((place / "inventory.py").read_text() + "\n# looked at\n")
    subprocess.run(["git", "commit", "-qam", "A pull request"], cwd=place, check=True)
    return place


def ours(tmp_path: Path) -> dict[str, str]:
    environment = machine(tmp_path / "machine")
    config = Path(environment["HOME"]) / ".gitconfig"
    config.write_text(
        f'[user]\nname = CI\nemail = ci@example.org\n[url "{tmp_path}/made"]\ninsteadOf = https://autoresearch:none@forge.example/them/it.git\n'
    )
    return environment


def test_the_nightly_workflow_pushes_what_was_kept(tmp_path: Path, clone: Path) -> None:
    environment = ours(tmp_path)

    ran = run_steps(github_commands(CI / "github" / "nightly.yml", EVENT), clone, environment)

    assert ran.status == 0, ran.said
    assert "experiments of the night: 1 kept" in (Path(environment["HOME"]) / "gh.log").read_text().lower()
    branches = subprocess.run(
        ["git", "branch"], cwd=tmp_path / "made", capture_output=True, text=True, check=True
    ).stdout
    assert "autoresearch/" in branches


@pytest.mark.slow
def test_the_regression_workflow_needs_no_agent(tmp_path: Path, clone: Path) -> None:
    ran = run_steps(github_commands(CI / "github" / "regression.yml", EVENT), clone, ours(tmp_path))

    assert ran.status == 0, ran.said
    assert "STABLE" in ran.said
    assert ran.commands[-1] == "autoresearch-mcp gate --regression"


def test_the_security_workflow_fails_at_its_gate_where_the_agent_did_nothing(tmp_path: Path, clone: Path) -> None:
    environment = ours(tmp_path)

    ran = run_steps(github_commands(CI / "github" / "security.yml", EVENT), clone, environment)

    assert (Path(environment["RUNNER_TEMP"]) / "security.sarif").exists(), ran.said
    assert ran.commands[-1].startswith("autoresearch-mcp gate")
    assert ran.status == 1, ran.said


# By default each job runs on one of the two forges.
@pytest.mark.parametrize(
    ("job", "status"),
    [pytest.param("nightly experiments", 0, marks=pytest.mark.slow), pytest.param("security audit", 1, marks=pytest.mark.slow), ("regression", 0)],
)  # fmt: skip
def test_the_jobs_of_gitlab_go_through(tmp_path: Path, clone: Path, job: str, status: int) -> None:
    environment = ours(tmp_path) | {
        "AUTORESEARCH_SOURCE": SOURCE, "CI_PIPELINE_ID": "7", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "origin/main",
        "GITLAB_TOKEN": "none", "CI_SERVER_HOST": "forge.example", "CI_PROJECT_PATH": "them/it",
    }  # fmt: skip
    here = [
        (re.sub(r"/opt/autoresearch|/usr/local/bin|/tmp(?=/mcp)", lambda found: str(tmp_path / "machine" / ("programs" if "bin" in found[0] else "opt")), command), given)
        for command, given in gitlab_commands(CI / "gitlab-ci.yml", job)
    ]  # fmt: skip

    ran = run_steps(here, clone, environment)

    assert ran.status == status, ran.said
    assert "gate" in ran.commands[-1] or "git push" in ran.commands[-1]


def test_a_source_that_nobody_named_stops_the_job(tmp_path: Path, clone: Path) -> None:
    steps = github_commands(CI / "github" / "regression.yml", {**EVENT, "vars.AUTORESEARCH_SOURCE": ""})

    assert "not pinned" in run_steps(steps, clone, ours(tmp_path)).said
