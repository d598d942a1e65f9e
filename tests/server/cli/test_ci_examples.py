"""The examples for CI, by the linters of those who run them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autoresearch_mcp.server.main import make_parser

CI = Path(__file__).parents[3] / "examples" / "ci"
WORKFLOWS = sorted((CI / "github").glob("*.yml"))
BIN = Path(sys.executable).parent


def said(*command: str, folder: Path = CI) -> str:
    """What a linter prints; empty when it finds nothing."""
    done = subprocess.run([BIN / command[0], *command[1:]], cwd=folder, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflows_fit_their_schema(file: Path) -> None:
    assert said("check-jsonschema", "--builtin-schema", "vendor.github-workflows", str(file)) == ""


def test_workflows_hold_no_known_hole_but_that_their_actions_are_not_pinned(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for file in WORKFLOWS:
        shutil.copy(file, folder)

    told = said("zizmor", "--offline", "--no-progress", "--min-severity", "medium", ".", folder=tmp_path)

    assert set(re.findall(r"^\w+\[([\w-]+)\]", told, re.MULTILINE)) <= {"unpinned-uses"}, told


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
