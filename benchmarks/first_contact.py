"""What a new project is answered: the first plan for goals in users' words, and whether it passes `check_plan` here.

python benchmarks/first_contact.py [--install] [--real FOLDER ...] [--page docs/first-contact.md]
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

from layouts import GOALS, LAYOUTS, NOTHING, REAL, Layout

from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.verbs.planning import Planning

NOT_HERE = "tools not here"
MARKS = {"": "", "passes": " ✓", NOT_HERE: " ○", "FAILS": " ✗"}
EARLIER = "°"


@dataclass(frozen=True)
class Answer:
    """What was answered to one goal: the first plan's title or `-`, what `check_plan` says of it, and whether it is right."""

    title: str
    right: bool
    checked: str = ""
    failed: str = ""
    earlier: bool = False


@dataclass(frozen=True)
class Row:
    """A layout's answers, and the day on which they were asked for."""

    answers: tuple[Answer, ...]
    asked: str


def main() -> None:
    """Ask, check, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--install", action="store_true", help="install what projects name, where pip and npm are there"
    )
    parser.add_argument("--ask-only", action="store_true", help="leave check_plan out")
    parser.add_argument("--real", nargs="*", default=[], help="clones of the projects named in layouts.REAL")
    parser.add_argument(
        "--only", nargs="*", default=[], help="only layouts with these words; the page keeps the others"
    )
    parser.add_argument("--page", default="", help="write the table here")
    options = parser.parse_args()
    clones = {f"{Path(one).name} (real)": Path(one).resolve() for one in options.real}
    layouts = {**LAYOUTS, **{f"{name} (real)": layout for name, layout in REAL.items() if f"{name} (real)" in clones}}
    rows = _kept(Path(options.page)) if options.page and options.only else {}
    for name, layout in layouts.items():
        if options.only and not any(word in name for word in options.only):
            continue
        print(name, file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "project"
            _make(folder, layout, clones.get(name), install=options.install)
            asked = zip(GOALS, _right(layout), strict=True)
            answers = [_ask(folder, goal, right, check=not options.ask_only) for goal, right in asked]
            before = rows[name].answers if name in rows else answers
            newest = tuple(_newest(*pair) for pair in zip(answers, before, strict=True))
            rows[name] = Row(newest, date.today().isoformat())
        for goal, answer in zip(GOALS, rows[name].answers, strict=True):
            if not answer.right or answer.failed:
                print(f"{name} / {goal}: {answer.title} {answer.checked} {answer.failed}", flush=True)
    order = (*LAYOUTS, *(f"{name} (real)" for name in REAL))
    page = _page({name: rows[name] for name in order if name in rows})
    if options.page:
        Path(options.page).write_text(page, encoding="utf-8")
    print(page)


def _right(layout: Layout) -> tuple[str, ...]:
    return (*layout.answers, NOTHING, NOTHING)


def _newest(answer: Answer, earlier: Answer) -> Answer:
    """Return what was checked last: a run without a plan's tools says nothing about it."""
    unchecked = answer.checked == NOT_HERE and answer.title == earlier.title
    return replace(earlier, earlier=True) if unchecked and earlier.checked != NOT_HERE else answer


def _kept(page: Path) -> dict[str, Row]:
    """Return the rows of a page that was written before."""
    found, text = {}, page.read_text(encoding="utf-8")
    known = {**LAYOUTS, **{f"{name} (real)": layout for name, layout in REAL.items()}}
    failed = dict(re.findall(r"^- (.+): `(.*)`$", text, re.MULTILINE))
    checked = {mark: word for word, mark in MARKS.items()}
    for line in text.splitlines():
        name, *cells, asked = [cell.strip() for cell in line.strip("|").split("|")] if "|" in line else ("", "")
        if name in known:
            parts = [re.fullmatch(r"(.*?)( [✓○✗])?( not right)?(°)?", cell) for cell in cells]
            told = zip([part for part in parts if part], _right(known[name]), GOALS, strict=True)
            answers = (
                Answer(
                    part[1],
                    part[1] == right,
                    checked[part[2] or ""],
                    failed.get(f"{name}, “{goal}”", ""),
                    bool(part[4]),
                )
                for part, right, goal in told
            )
            found[name] = Row(tuple(answers), asked)
    return found


def _make(folder: Path, layout: Layout, clone: Path | None, *, install: bool) -> None:
    if clone is not None:
        subprocess.run(["git", "clone", "--quiet", str(clone), str(folder)], check=True)
    for name, text in layout.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    if clone is None:
        subprocess.run([*git, "init", "--quiet", "-b", "main"], cwd=folder, check=True)
    with (folder / ".git/info/exclude").open("a") as file:
        file.write(
            ".venv\nnode_modules/\npackage-lock.json\nyarn.lock\n.yarn/\ntarget/\nCargo.lock\n__pycache__/\n.benchmarks/\n"
        )
    subprocess.run([*git, "add", "--all"], cwd=folder, check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "start"], cwd=folder, check=True)
    for place in (folder, *(one for one in folder.iterdir() if one.is_dir() and clone is None)) if install else ():
        _install(place, whole=clone is not None)
    changed = ["commit", "--quiet", "--all", "--allow-empty", "-m", "what installing changed"]
    subprocess.run([*git, *changed], cwd=folder, check=True)


def _install(folder: Path, *, whole: bool) -> None:
    """Install what the project's own tests and builds need, as its user would have; of a made one only the tools."""
    manifest = folder / "package.json"
    if manifest.exists() and "ependencies" in (text := manifest.read_text()):
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
        yarn = '"yarn@' in text and shutil.which("yarn")  # corepack's
        subprocess.run(["yarn", "install"] if yarn else npm, cwd=folder, check=False, stdout=sys.stderr)
    if (folder / "composer.json").exists() and (phpunit := shutil.which("phpunit")):
        (folder / "vendor/bin").mkdir(parents=True)
        (folder / "vendor/bin/phpunit").symlink_to(phpunit)
    if whole and (folder / "pyproject.toml").exists():
        _environment(folder / ".venv", "-e", str(folder))
    elif (folder / "pyproject.toml").exists() or (folder / "setup.py").exists():
        (folder / ".venv").symlink_to(_shared())


@cache
def _shared() -> Path:
    return _environment(Path(tempfile.mkdtemp()) / "venv")


def _environment(place: Path, *more: str) -> Path:
    subprocess.run(["python3", "-m", "venv", str(place)], check=True)
    tools = ["pytest", "pytest-cov", "pytest-benchmark", "freezegun"]
    subprocess.run([place / "bin/pip", "install", "-q", *tools, *more], check=True, stderr=subprocess.DEVNULL)
    return place


def _ask(folder: Path, goal: str, right: str, *, check: bool) -> Answer:
    planning = Planning(Lab(folder, allow_commands=True, patience_s=600))
    found = planning.inspect_project(goal)
    if not found.candidates:
        told = bool(found.lacking) and all(one.add for one in found.lacking)
        return Answer(NOTHING, right == NOTHING and told)
    first = found.candidates[0]
    plan = Plan.model_validate({**first.plan, "noise": "none"})
    if not check or first.needs or any(shutil.which(tool) is None for tool in _programs(plan)):
        return Answer(first.title, first.title == right, NOT_HERE)
    checked = planning.check_plan(plan)
    failed = "; ".join(f"{gate.gate}: {gate.seen} {gate.output}" for gate in checked.gates if not gate.passed)
    if re.search(_UNREACHABLE, failed):
        return Answer(first.title, first.title == right, NOT_HERE)
    return Answer(first.title, first.title == right, "passes" if checked.ready else "FAILS", failed)


_UNREACHABLE = "Could not resolve host|PluginResolutionException"
"""What Cargo and Maven say where their registries cannot be reached."""
_TOOLS = (
    "cargo",
    "cmake",
    "composer",
    "dotnet",
    "gem",
    "go",
    "gradle",
    "hyperfine",
    "jupyter",
    "make",
    "mvn",
    "npm",
    "poetry",
    "uv",
    "bundle",
)


def _programs(plan: Plan) -> list[str]:
    """Return the tools that a plan's commands or the makefile behind them call."""
    words = " ".join(plan.commands).replace('"', " ").split()
    return [
        tool
        for tool in (*_TOOLS, "vendor/bin/phpunit", "yarn", "pnpm")
        if tool in words or ("bench" in words and tool == "hyperfine" and "make" in words)
    ]


def _page(rows: dict[str, Row]) -> str:
    answers = [answer for row in rows.values() for answer in row.answers]
    right, plans = sum(one.right for one in answers), [one for one in answers if one.checked]
    checked = [one for one in plans if one.checked != NOT_HERE]
    passed = sum(one.checked == "passes" for one in checked)
    lines = [
        "# First contact",
        "",
        "Written by `python benchmarks/first_contact.py --install --real CLONES --page docs/first-contact.md`.",
        "",
        f"What `inspect_project` answers first in {len(rows)} layouts of projects, to goals in users' words: the plan's title, or `-` where",
        "nothing there measures it and the answer says what to add. Layouts marked *real* are public projects; the others are made in",
        "`benchmarks/layouts.py`, which also says what would be right. ✓: the plan passed `check_plan` as it was proposed; ○: not run,",
        "because its tools could not be had on this machine (criterion, which crates.io has, and the .NET SDK); ✗: it failed there, or the",
        f"answer is not the right one. {EARLIER}: the tools were not there on the row's day, and an earlier run saw it so.",
        "",
        (f"Right: {right} of {len(answers)} ({100 * right / len(answers):.0f} %). Plans proposed: {len(plans)}; of the {len(checked)} whose tools "
        f"were here, {passed} passed `check_plan`; {len(plans) - len(checked)} were not run."),
        "",
        "| layout | " + " | ".join(f"“{goal}”" for goal in GOALS) + " | asked |",
        "|---" * (len(GOALS) + 2) + "|",
    ]  # fmt: skip
    for name, row in rows.items():
        cells = (
            f"{one.title}{MARKS[one.checked] if one.right else ' ✗ not right'}{EARLIER if one.earlier else ''}"
            for one in row.answers
        )
        lines.append(f"| {name} | {' | '.join(cells)} | {row.asked} |")
    failed = [
        f"- {name}, “{goal}”: `{one.failed.replace('`', '').replace(chr(10), ' ')[:200]}`"
        for name, row in rows.items()
        for goal, one in zip(GOALS, row.answers, strict=True)
        if one.failed
    ]
    if failed:
        lines += ["", "What `check_plan` said of those that failed:", "", *failed]
    for name, layout in REAL.items():
        if layout.why and any(line.startswith(f"- {name} (real)") for line in failed):
            lines += ["", f"Why {name} fails, seen without this server: {layout.why}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
