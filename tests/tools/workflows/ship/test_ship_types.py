"""What is shipped, told from real repositories laid out as their ecosystems lay them out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoresearch_mcp.tools.workflows.ship.checks.checklists import ShipType, detected
from conftest import Project
from ledgers import WorkflowAgent

Files = dict[str, str]

PYTHON: Files = {
    "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0.0"\n[dependency-groups]\ndev = ["pytest", "mypy", "ruff"]\n',
    "src/shop/__init__.py": "",
    "src/shop/cart.py": "def count(items):\n    return len(items)\n",
    "tests/test_cart.py": "def test_it():\n    pass\n",
    "README.md": "# Shop\n",
    "CHANGELOG.md": "# Changelog\n\n## 1.0.0\n- first\n",
}
NODE: Files = {
    "package.json": json.dumps(
        {
            "name": "web",
            "version": "2.1.0",
            "scripts": {"test": "vitest run", "build": "vite build", "lint": "eslint ."},
            "devDependencies": {"vitest": "^3", "eslint": "^9", "typescript": "^5"},
        }
    ),
    "package-lock.json": "{}",
    "tsconfig.json": "{}",
    "src/app.ts": "export const a = 1\n",
    "public/logo.svg": "<svg/>",
}
RUST: Files = {
    "Cargo.toml": '[package]\nname = "shop"\nversion = "0.3.0"\nedition = "2024"\n',
    "Cargo.lock": "",
    "src/main.rs": "fn main() {}\n",
}
GO: Files = {"go.mod": "module example.org/shop\n", "main.go": "package main\n", "cmd/shop/main.go": "package main\n"}
SPHINX: Files = {
    "conf.py": "project = 'x'\n",
    "index.rst": "X\n=\n",
    "Makefile": "html:\n\tsphinx-build\n",
    "make.bat": "",
}
HUGO: Files = {
    "hugo.toml": 'title = "Blog"\n',
    "content/posts/one.md": "---\ntitle: One\ndescription: The first\n---\nHello\n",
    "static/cat.png": "",
}
MAILS: Files = {"emails/march.mjml": "<mjml><mj-body/></mjml>", "emails/march.txt": "Hello", "README.md": "# Mails\n"}
PAPER: Files = {
    "main.tex": "\\documentclass{article}\\begin{document}\\cite{knuth}\\end{document}\n",
    "refs.bib": "@book{knuth, title={Art}}\n",
    "figures/one.pdf": "",
}
CASES: dict[str, tuple[Files, Files, str, ShipType]] = {
    "python package, a change": (
        PYTHON,
        {"src/shop/cart.py": "def count(items):\n    return 1\n"},
        "",
        ShipType.CODE_PR,
    ),
    "python package, a new version": (
        PYTHON,
        {"pyproject.toml": PYTHON["pyproject.toml"].replace("1.0.0", "1.1.0")},
        "",
        ShipType.CODE_RELEASE,
    ),
    "node app, a change": (NODE, {"src/app.ts": "export const a = 2\n"}, "", ShipType.CODE_PR),
    "node app, a new version": (
        NODE,
        {"package.json": NODE["package.json"].replace("2.1.0", "2.2.0")},
        "",
        ShipType.CODE_RELEASE,
    ),
    "node app, its documents": (NODE, {"docs/guide.md": "# Guide\n"}, "", ShipType.CONTENT),
    "crate, a new version": (
        RUST,
        {"Cargo.toml": RUST["Cargo.toml"].replace("0.3.0", "0.4.0")},
        "",
        ShipType.CODE_RELEASE,
    ),
    "go service, a change": (GO, {"main.go": "package main\nfunc main() {}\n"}, "", ShipType.CODE_PR),
    "hugo blog, a post": (HUGO, {"content/posts/two.md": "---\ntitle: Two\n---\n"}, "", ShipType.CONTENT),
    "mails": (MAILS, {"emails/april.mjml": "<mjml><mj-body/></mjml>"}, "", ShipType.CONTENT),
    "a paper": (PAPER, {"main.tex": PAPER["main.tex"] + "% new\n"}, "", ShipType.CONTENT),
    "a goal that says it": (PYTHON, {"src/shop/cart.py": "x = 1\n"}, "deploy to production", ShipType.DEPLOYMENT),
}


def branched(root: Path, before: Files, after: Files) -> Project:
    """A repository that holds nothing but these files, and a branch that changes some of them."""
    project = Project(root)
    project.git("rm", "-q", "-r", ".")
    for name, text in before.items():
        project.write(name, text)
    project.commit("before")
    project.git("checkout", "-q", "-b", "topic")
    for name, text in after.items():
        project.write(name, text)
    return project.commit("after")


@pytest.mark.parametrize("name", CASES)
def test_what_is_shipped_is_told_from_what_changed(tmp_path: Path, name: str) -> None:
    before, after, goal, expected = CASES[name]
    agent = WorkflowAgent(branched(tmp_path / "repo", before, after), "ship")

    answer = agent.open(goal=goal)

    assert answer.state[0].startswith(f"{expected} ("), answer.state[0]
    assert answer.state[0].endswith("compared with main.")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (PYTHON, ShipType.CODE_PR),
        (NODE, ShipType.CODE_PR),
        (RUST, ShipType.CODE_PR),
        (GO, ShipType.CODE_PR),
        (HUGO, ShipType.CONTENT),
        (SPHINX, ShipType.CONTENT),
        (MAILS, ShipType.CONTENT),
        (PAPER, ShipType.CONTENT),
    ],
)
def test_without_a_base_what_is_here_tells(tmp_path: Path, files: Files, expected: ShipType) -> None:
    project = branched(tmp_path / "repo", {}, files)
    project.git("checkout", "-q", "--orphan", "alone")
    project.commit("all")
    project.git("branch", "-q", "-D", "main", "topic")

    told = WorkflowAgent(project, "ship").open().state[0]

    assert told.startswith(f"{expected} (what is here is ")
    assert told.endswith("compared with nothing.")


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("release 1.2", ShipType.CODE_RELEASE),
        ("the March newsletter", ShipType.CONTENT),
        ("open a PR", ShipType.CODE_PR),
        ("roll out to staging", ShipType.DEPLOYMENT),
        ("the preprint", ShipType.CONTENT),
        ("a blog post", ShipType.CONTENT),
        ("code-release", ShipType.CODE_RELEASE),
    ],
)
def test_the_words_of_a_goal_tell(goal: str, expected: ShipType) -> None:
    assert detected(goal, [], [], False).type is expected


@pytest.mark.parametrize(
    "goal", ["our relationship", "the president", "adspace", "unpublished", "a postman", "compare", ""]
)
def test_parts_of_words_tell_nothing(goal: str) -> None:
    assert detected(goal, ["a.py"], ["a.py"], False).why == "what changed is code"


def commands_of(tmp_path: Path, files: Files) -> dict[str, str]:
    agent = WorkflowAgent(branched(tmp_path / "repo", {}, files), "ship", allow_commands=False)
    agent.open(type="code-pr")
    agent.run()
    closed = agent.close(why="looked")
    page = agent.file(closed, "checklist.md")
    found = {}
    for block in page.split("\n- ")[1:]:
        if "command: `" in block:
            found[block.split("**")[1]] = block.split("command: `")[1].split("`")[0]
    return found


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({**PYTHON, "Makefile": "test:\n\tx\nlint:\n\ty\n"}, {"tests": "make test", "types": "python -m mypy .", "lint": "make lint"}),
        ({**PYTHON, "Makefile": "test:\n\t@true\nlint:\n\t-y\n"},
         {"tests": "PYTHONPATH=src python -m pytest -q", "types": "python -m mypy .", "lint": "python -m ruff check --no-fix ."}),
        ({"services/api/go.mod": "module x\n", "services/api/main.go": "package x\n", "services/api/x_test.go": "package x\n", "README.md": "x"},
         {"tests": "cd services/api && go test ./...", "build": "cd services/api && go build ./...", "lint": "cd services/api && go vet ./..."}),
    ],
)  # fmt: skip
def test_the_projects_own_commands_are_the_checks(tmp_path: Path, files: Files, expected: dict[str, str]) -> None:
    assert commands_of(tmp_path, files) == expected
