"""What steers git is sealed as wide as its effect, and a change of it is told by file, key, old value and new one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.git.repo import Repo
from conftest import Project

Change = Callable[[Project], object]


def machine(key: str, value: str) -> Change:
    return lambda project: project.git("config", "--global", key, value)


def lfs_install(project: Project) -> None:
    """What `git lfs install` writes: filters for all repositories, and hooks of this one."""
    for key, value in {"clean": "clean -- %f", "smudge": "smudge -- %f", "process": "filter-process"}.items():
        project.git("config", "--global", f"filter.lfs.{key}", f"git-lfs {value}")
    project.git("config", "--global", "filter.lfs.required", "true")
    for hook in ("pre-push", "post-checkout", "post-commit", "post-merge"):
        project.hook(hook, "git lfs version")


HARMLESS: dict[str, Change] = {
    "git-lfs is installed": lfs_install,
    "a filter that nothing uses": machine("filter.other.clean", "tr a b"),
    "another remote": lambda project: project.git("remote", "add", "origin", "https://example.org/x.git"),
    "another name": lambda project: project.git("config", "user.name", "Grace"),
    "another colour": machine("color.ui", "always"),
    "how to pull": lambda project: project.git("config", "pull.rebase", "true"),
}


@pytest.mark.parametrize("change", HARMLESS)
def test_what_cannot_change_a_file_or_a_number_here_is_no_obstacle(project: Project, change: str) -> None:
    project.start()
    HARMLESS[change](project)

    assert project.try_value(8).status == "keep"


TOLD: dict[str, tuple[Change, str]] = {
    "a filter that is used": (
        machine("filter.store.clean", "tr a-z A-Z"),
        "git configuration of the machine: filter.store.clean in {config} was not set, is 'tr a-z A-Z'",
    ),
    "line ends": (
        machine("core.autocrlf", "input"),
        "git configuration of the machine: core.autocrlf in {config} was not set, is 'input'",
    ),
    "a setting that was there": (
        lambda project: project.git("config", "core.fileMode", "false"),
        "git configuration: core.filemode in {root}/.git/config was 'true', is 'false'",
    ),
    "a setting that is gone": (
        lambda project: project.git("config", "--unset", "core.safecrlf"),
        "git configuration: core.safecrlf was 'warn', is not set",
    ),
    "a secret": (
        lambda project: project.git("config", "http.extraHeader", "Authorization: Basic aHVudGVyMjpodW50ZXIy"),
        "git configuration: http.extraheader in {root}/.git/config was not set, is 'a secret'",
    ),
    "a hook": (lambda project: project.hook("pre-commit", "true"), "git hooks: hooks/pre-commit is new"),
    "what is excluded": (
        lambda project: Repo(project.root).exclude("src/"),
        "git exclude (info/exclude in git's folder) is not as it was",
    ),
}


@pytest.mark.parametrize("change", TOLD)
def test_what_can_is_told_by_its_file_key_and_values(project: Project, change: str) -> None:
    project.write(".gitattributes", "*.bin filter=store\n").commit("attributes")
    project.git("config", "core.safecrlf", "warn")
    project.start().write("value.txt", "8\n")
    act, told = TOLD[change]
    act(project)

    with pytest.raises(Refusal) as refused:
        project.loop.iterate("a smaller value")

    assert refused.value.code is Code.PROTECTED
    assert told.format(config=os.environ["GIT_CONFIG_GLOBAL"], root=project.root) in refused.value.message
    assert "aHVudGVy" not in refused.value.message


def test_no_secret_of_the_configuration_is_written_down(project: Project) -> None:
    project.git("config", "http.extraHeader", "Authorization: Basic aHVudGVyMjpodW50ZXIy")
    project.start()

    found = subprocess.run(["grep", "-r", "aHVudGVy", project.root / ".git/autoresearch"], check=False)

    assert found.returncode == 1


def test_attributes_that_begin_to_use_a_filter_are_noticed(project: Project, tmp_path: Path) -> None:
    attributes = tmp_path / "attributes"
    project.git("config", "--global", "core.attributesFile", str(attributes))
    attributes.write_text("")
    machine("filter.store.clean", "tr a-z A-Z")(project)
    project.start()
    attributes.write_text("*.none filter=store\n")

    with pytest.raises(Refusal, match=r"global attributes \(core\.attributesFile\) is not as it was"):
        project.try_value(8)
