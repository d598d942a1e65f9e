"""What other places say of this package: one version, one name, nothing that they would refuse."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.server.main import make_parser

ROOT = Path(__file__).parent.parent


def read(name: str) -> Any:  # noqa: ANN401 - any JSON or TOML
    text = (ROOT / name).read_text(encoding="utf-8")
    return tomllib.loads(text) if name.endswith(".toml") else json.loads(text)


PROJECT = read("pyproject.toml")["project"]


def test_every_manifest_has_the_version_of_the_package() -> None:
    bundle, server = read("mcpb/pyproject.toml"), read("server.json")
    pinned = [
        *bundle["project"]["dependencies"],
        *read(".claude-plugin/plugin.json")["mcpServers"]["autoresearch"]["args"],
    ]

    assert {
        read("mcpb/manifest.json")["version"],
        bundle["project"]["version"],
        read(".claude-plugin/plugin.json")["version"],
        server["version"],
        *(package["version"] for package in server["packages"]),
        *(word.partition("==")[2] for word in pinned),
    } == {PROJECT["version"]}


def test_every_manifest_names_this_package_and_options_that_it_has() -> None:
    server = read("server.json")
    options = [*(argument["name"] for argument in server["packages"][0]["packageArguments"])]
    options += [word for word in read("mcpb/manifest.json")["server"]["mcp_config"]["args"] if word == "--root"]
    known = {option for action in make_parser()._actions for option in action.option_strings}

    assert server["packages"][0]["identifier"] == PROJECT["name"]
    assert set(options) <= known


def test_the_registry_finds_its_name_in_the_readme() -> None:
    server = read("server.json")

    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", server["name"])
    assert len(server["description"]) <= 100
    assert f"<!-- mcp-name: {server['name']} -->" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_one_sentence_says_everywhere_what_this_is() -> None:
    places = [read("mcpb/manifest.json"), read(".claude-plugin/plugin.json"), read("server.json")]

    assert len({place["description"] for place in places}) == 1


def commands_of(target: str) -> list[str]:
    """What make would run for a target, were nothing there yet."""
    command = ["make", "--dry-run", "--always-make", "--no-print-directory", target]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()


@pytest.mark.parametrize(("target", "torch"), [("env", True), ("env-light", False)])
def test_an_environment_is_built_with_a_pip_that_knows_groups(target: str, torch: bool) -> None:
    installs = [line for line in commands_of(target) if "/pip install" in line]

    assert "--upgrade pip" in installs[0]
    assert "--group dev" in installs[1]
    assert "--force-reinstall ." in installs[-1]
    assert any("[gpt]" in line for line in installs) == torch


def test_the_page_for_contributors_leaves_the_groups_to_make() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    assert "make env-light" in page
    assert "--group" not in page
