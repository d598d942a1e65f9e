"""What other places say of this package: one version, one name, nothing that they would refuse."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.prompts import load_prompts
from autoresearch_mcp.server.cli.commands import COMMANDS
from autoresearch_mcp.server.main import make_parser

ROOT = Path(__file__).parent.parent


def read(name: str) -> Any:  # noqa: ANN401 - any JSON or TOML
    text = (ROOT / name).read_text(encoding="utf-8")
    return tomllib.loads(text) if name.endswith(".toml") else json.loads(text)


PROJECT = read("pyproject.toml")["project"]


def test_every_manifest_has_the_version_of_the_package() -> None:
    bundle = read("mcpb/pyproject.toml")

    assert {
        read("mcpb/manifest.json")["version"],
        bundle["project"]["version"],
        bundle["tool"]["uv"]["sources"]["autoresearch-mcp"]["path"].split("-")[1],
        read(".claude-plugin/plugin.json")["version"],
        read("server.json")["version"],
    } == {PROJECT["version"]}


def test_nothing_is_installed_by_a_name_that_no_index_holds() -> None:
    """Whoever took the name would run code: everything comes from its own folder, a file, or a source that is pinned."""
    plugin = read(".claude-plugin/plugin.json")["mcpServers"]["autoresearch"]
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    texts = {
        name: (ROOT / name).read_text("utf-8") for name in listed if name.endswith((".md", ".yml", ".yaml", ".json"))
    }
    by_name = re.compile(r"(?:pip|pipx|uv tool|uv pip) install (?:-\S+ )*[\"']?autoresearch-mcp|uvx autoresearch-mcp")

    assert plugin["args"][:2] == ["--from", "${CLAUDE_PLUGIN_ROOT}"]
    assert "packages" not in read("server.json")
    assert "path" in read("mcpb/pyproject.toml")["tool"]["uv"]["sources"]["autoresearch-mcp"]
    assert not [name for name, text in texts.items() if by_name.search(text)]


def test_the_plugin_s_skill_hands_the_sentence_to_a_playbook_that_there_is() -> None:
    folder = ROOT / read(".claude-plugin/plugin.json")["skills"] / "autoresearch"
    skill = (folder / "SKILL.md").read_text(encoding="utf-8")

    assert skill.startswith("---\nname: autoresearch\n")
    assert "$ARGUMENTS" in skill
    assert set(re.findall(r'`name` "(\w+)"', skill)) <= set(load_prompts())


def test_the_plugin_s_hooks_call_a_command_that_there_is_from_its_own_folder() -> None:
    hooks = read(read(".claude-plugin/plugin.json")["hooks"])["hooks"]
    commands = [one["command"] for entries in hooks.values() for entry in entries for one in entry["hooks"]]

    assert set(hooks) == {"SessionStart", "PreCompact", "Stop"}
    called = [
        re.fullmatch(r'uvx --from "\$\{CLAUDE_PLUGIN_ROOT\}" autoresearch-mcp (\w+) \|\| exit 1', one)
        for one in commands
    ]
    # uvx exits 2 where it cannot fetch, which to Claude Code is an order not to stop; 1 is an error and lets it.
    assert {one and one[1] for one in called} <= COMMANDS.keys()


def test_the_bundle_is_given_options_that_there_are() -> None:
    options = [word for word in read("mcpb/manifest.json")["server"]["mcp_config"]["args"] if word == "--root"]

    assert set(options) <= {option for action in make_parser()._actions for option in action.option_strings}


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
