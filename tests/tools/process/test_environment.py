"""Which variables reach a measured command, and what is said about those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.checks import check_name, missing, problems, statements
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.process.isolation import measured_environment, passed_on, passes, withheld
from autoresearch_mcp.tools.text.masking import looks_secret
from conftest import Project

ORDINARY = (
    "PATH HOME LANG LC_ALL TZ TMPDIR VIRTUAL_ENV CONDA_PREFIX PYENV_ROOT PYTHONPATH NVM_DIR NODE_PATH CUDA_VISIBLE_DEVICES"
    " NVIDIA_VISIBLE_DEVICES HIP_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES JAVA_HOME GOPATH GOFLAGS CARGO_HOME RUSTUP_HOME"
    " XDG_CACHE_HOME LD_LIBRARY_PATH PKG_CONFIG_PATH OMP_NUM_THREADS MKL_NUM_THREADS SSL_CERT_FILE CC CFLAGS HTTP_PROXY"
    " https_proxy TOKENIZERS_PARALLELISM AUTORESEARCH_SEED GIT_CONFIG_GLOBAL HF_HOME CI"
).split()
KEPT_BACK = (
    "ANTHROPIC_API_KEY OPENAI_API_KEY GITHUB_TOKEN AWS_SECRET_ACCESS_KEY AWS_PROFILE HF_TOKEN NODE_AUTH_TOKEN"
    " CARGO_REGISTRY_TOKEN HOMEBREW_GITHUB_API_TOKEN SSH_AUTH_SOCK DATABASE_URL GIT_DIR GIT_INDEX_FILE GIT_SSH_COMMAND"
    " GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS npm_config_registry NPM_CONFIG_USERCONFIG PIP_INDEX_URL TERM KUBECONFIG"
    " DBUS_SESSION_BUS_ADDRESS GOOGLE_APPLICATION_CREDENTIALS GOOGLE_CLOUD_PROJECT CLAUDE_SESSION_ID WHATEVER BASH_ENV ENV"
    " AUTORESEARCH_LEG"
).split()


@pytest.mark.parametrize("name", ORDINARY)
def test_what_ordinary_builds_need_is_passed_on(name: str) -> None:
    assert passes(name, "/somewhere")


@pytest.mark.parametrize("name", KEPT_BACK)
def test_everything_else_is_kept_back(name: str) -> None:
    assert not passes(name, "something")


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("DB_PASSWORD", "", True),
        ("DB_PASS", "", True),
        ("COMPASS_HOME", "", False),
        ("PASSENGER_COUNT", "", False),
        ("SIGNING_KEY", "", True),
        ("KEYBOARD_LAYOUT", "", False),
        ("KEYCLOAK_URL", "", False),
        ("MONKEY_COUNT", "", False),
        ("APIKEY", "", True),
        ("KEY_1", "", True),
        ("AWS_ACCESS_KEY_ID", "", True),
        ("TOKENIZERS_PARALLELISM", "false", False),
        ("AUTH", "", True),
        ("AUTHOR", "", False),
        ("HTTP_PROXY", "http://ada:secret@proxy.example:80", True),
        ("HTTP_PROXY", "http://proxy.example:80", False),
        ("PIP_INDEX_URL", "https://:secret@pypi.example/simple", True),
    ],
)
def test_a_secret_is_told_by_its_name_or_by_a_password_in_an_address(name: str, value: str, secret: bool) -> None:
    assert looks_secret(name, value) is secret


def test_what_the_server_sets_is_added_last() -> None:
    made = measured_environment({"PATH": "/bin", "AUTORESEARCH_SEED": "1", "X": "1"}, {"AUTORESEARCH_SEED": "2"})

    assert made == {"PATH": "/bin", "AUTORESEARCH_SEED": "2", "PYTHONDONTWRITEBYTECODE": "1"}


def test_a_named_variable_passes_whatever_it_looks_like_and_only_if_it_exists() -> None:
    assert passed_on(("HF_TOKEN", "NONE"), {"HF_TOKEN": "a", "OTHER_TOKEN": "b"}) == {"HF_TOKEN": "a"}


@pytest.mark.parametrize(
    ("command", "output", "found"),
    [
        ("run $DB_URL", "", ("DB_URL",)),
        ("run ${DB_URL:-x}", "", ("DB_URL",)),
        ("run.py", "KeyError: 'DB_URL'", ("DB_URL",)),
        ("run $HOME $NAMED $PWD $UNSET", "NAMED is missing", ()),
        ("run DB_URL", "", ()),
        ("run.py", "MY_DB_URL_2", ()),
    ],
)
def test_a_failed_command_is_told_which_variable_it_misses(command: str, output: str, found: tuple[str, ...]) -> None:
    here = {"HOME": "/h", "DB_URL": "x", "NAMED": "y", "PWD": "/"}

    assert withheld(command, output, here, ("NAMED",)) == found


@pytest.mark.parametrize("name", ["A B", "A=1", "", "1A", "GIT_DIR", "AUTORESEARCH_SEED"])
def test_a_name_that_cannot_be_passed_on_is_a_problem_of_the_plan(name: str) -> None:
    assert check_name(name)
    assert "environment" in {problem.field for problem in problems(Plan(environment=(name,)))}


PLAN = Plan(verify="make", guards=("make test",), environment=("DB_URL",))


def test_a_person_agrees_to_variables_as_to_commands() -> None:
    assert statements(PLAN) == ("make", "make test", "pass the environment variable DB_URL on to these commands")
    assert missing(PLAN, lambda said: said.startswith("make")) == statements(PLAN)[2:]


@pytest.mark.parametrize(
    ("agreed", "asked", "fine"),
    [
        ({"sandbox": "on"}, {"sandbox": "on"}, True),
        ({"sandbox": "on"}, {"sandbox": "off"}, False),
        ({"sandbox": "on"}, {"sandbox": "auto"}, False),
        ({"sandbox": "on"}, {"sandbox": "on", "network": True}, False),
        ({"sandbox": "on", "network": True}, {"sandbox": "on"}, True),
        ({}, {"sandbox": "on"}, True),
        ({}, {"sandbox": "auto"}, True),
        ({"sandbox": "auto"}, {}, True),
    ],
)
def test_a_yes_to_a_command_in_a_sandbox_is_no_yes_to_it_outside(
    agreed: dict[str, object], asked: dict[str, object], fine: bool
) -> None:
    yes = set(statements(PLAN.model_copy(update=agreed)))

    assert (missing(PLAN.model_copy(update=asked), yes.__contains__) == ()) is fine


def test_a_stored_yes_does_not_reach_a_variable_that_was_added_later(project: Project) -> None:
    consent = Lab(project.root).for_reading().consent
    consent.approve(statements(PLAN), "in a test")

    assert consent.missing(PLAN) == ()
    assert consent.missing(PLAN.model_copy(update={"environment": ("DB_URL", "HF_TOKEN")})) == (
        "pass the environment variable HF_TOKEN on to these commands",
    )


def test_a_named_variable_reaches_the_command_and_a_withheld_one_is_named_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("START_AT", "5")
    project = Project(tmp_path / "repo", verify='test -n "$START_AT" && echo $START_AT', guards=())

    refused = project.planning.check_plan(project.plan)
    passed = project.planning.check_plan(project.plan.model_copy(update={"environment": ("START_AT",)}))

    assert any('environment = ["START_AT"]' in gate.cure for gate in refused.gates if gate.gate == "verify")
    assert passed.ready
    assert passed.values == [5.0] * len(passed.values)
