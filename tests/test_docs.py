"""The documentation: it builds without a warning, leaves nothing out, and shows only what exists."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from argparse import ArgumentParser
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import anyio
import pytest

from autoresearch_mcp.prompts import load_prompts
from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.server.cli.commands import COMMANDS
from autoresearch_mcp.server.main import make_parser
from autoresearch_mcp.tools.errors import Code
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.checks import load_plan
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.workflows.ledger.items import Workflow
from autoresearch_mcp.tools.workflows.ledger.rules import rules_of

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))

from generator import PAGES, REFERENCE

TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
OUTSIDE = re.compile(r"(?:https?:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does: any broken link or anchor, and any page that is left out, ends the build."""
    pytest.importorskip("properdocs", reason="the documentation's tools are not installed: the group `docs`")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "properdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


class Headings(HTMLParser):
    """The ids of a page's headings, and what the page loads by itself."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.loads: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"h1", "h2", "h3"}:
            self.ids.add(given.get("id") or "")
        if tag in {"script", "link", "img", "iframe", "source"}:
            self.loads.append(given.get("src") or given.get("href") or "")


def described(site: Path, page: str) -> set[str]:
    return Headings(site / "reference" / f"{page}.html").ids


def test_every_tool_prompt_command_and_workflow_has_its_entry(site: Path) -> None:
    tools = {tool.name for tool in anyio.run(build_server(Lab(site)).list_tools)}

    assert tools <= described(site, "tools")
    assert set(load_prompts()) <= described(site, "prompts")
    assert set(COMMANDS) <= described(site, "commands")
    assert {workflow.value for workflow in Workflow if workflow in load_prompts()} <= described(site, "workflows")


def test_every_argument_field_and_code_has_its_line(site: Path) -> None:
    pages = {
        name: (site / "reference" / f"{name}.html").read_text() for name in ("tools", "plan", "refusals", "workflows")
    }
    arguments = {
        name for tool in anyio.run(build_server(Lab(site)).list_tools) for name in tool.input_schema["properties"]
    }
    crafts = [rules_of(workflow) for workflow in Workflow if workflow in load_prompts()]
    options = {name for rules in crafts for name in rules.options.model_fields}

    wanted = {
        "tools": arguments - set(Plan.model_fields),
        "plan": set(Plan.model_fields),
        "refusals": {*Code},
        "workflows": options,
    }
    for page, names in wanted.items():
        assert not {name for name in names if f"<code>{name}</code>" not in pages[page]}, page


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_in_the_repository_is_what_the_code_says(name: str) -> None:
    assert (REFERENCE / f"{name}.md").read_text(encoding="utf-8") == PAGES[name](), "Renew it: make reference"


def test_no_markdown_is_left_over_in_a_page(site: Path) -> None:
    assert not [page.name for page in site.rglob("*.html") if "```" in page.read_text() or "<p>| " in page.read_text()]


def test_no_page_loads_anything_from_outside(site: Path) -> None:
    loaded = {(page.name, url) for page in site.rglob("*.html") for url in Headings(page).loads}

    assert len(loaded) > 100
    assert not {(page, url) for page, url in loaded if OUTSIDE.match(url)}
    assert not [
        file.name
        for file in site.rglob("*.css")
        if re.search(r"(?:@import|url\()[\s\"']*(?:https?:)?//", file.read_text())
    ]


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Every block of code of a language in the texts, with the name of its text."""
    for file in TEXTS:
        for found in re.findall(
            rf"^( *)```{language}\n(.*?)^\1```$", file.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        ):
            yield file.name, re.sub(rf"^{found[0]}", "", found[1], flags=re.MULTILINE)


def test_every_command_of_ours_that_they_show_exists() -> None:
    parser = make_parser()
    lines = [(name, line) for name, block in blocks("sh") for line in block.splitlines() if "autoresearch-mcp " in line]
    calls = [(name, call) for name, line in lines for call in re.findall(r"autoresearch-mcp ([a-z-][^|;&)]*)", line)]

    assert len(calls) > 30
    for name, call in calls:
        assert understood(parser, shlex.split(call, comments=True)), f"{name}: {call}"


def understood(parser: ArgumentParser, words: list[str]) -> bool:
    try:
        return bool(parser.parse_args(words))
    except SystemExit as left:
        return words == ["--version"] and left.code == 0


def test_every_plan_that_they_show_has_only_keys_that_exist() -> None:
    plans = [(name, tomllib.loads(block)) for name, block in blocks("toml")]

    assert len(plans) > 5
    for name, fields in plans:
        if "mcp_servers" not in fields:  # a client's file
            assert isinstance(load_plan(fields), Plan), (name, load_plan(fields))


def test_the_readme_stays_a_page() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 90


OTHERS = [
    ROOT / name
    for name in ("SECURITY.md", "ARCHITECTURE.md", "CHANGELOG.md", "examples/README.md", "examples/ci/README.md")
]


@pytest.mark.parametrize("file", [*TEXTS, *OTHERS], ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_somewhere_in_the_repository_as_well(file: Path) -> None:
    """Whoever reads on a forge sees the files."""
    links = re.findall(r"\]\((?![a-z]+:|#)([^)#\s]+)", file.read_text(encoding="utf-8"))
    there = [(file.parent / link).resolve() for link in links]

    assert not [place for place in there if not place.exists()]
