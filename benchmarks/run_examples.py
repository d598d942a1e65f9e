"""Runs every example as a newcomer would, over MCP: its baseline, each cheat, and the first improvement.

    python benchmarks/run_examples.py [--write] [--all] [--jobs N] [NAME ...]

A cheat has to earn nothing, the improvement has to be kept. Exit status: 0 so it was; 1 not so. `--write` puts their rows
into the table of examples/README.md. Those whose toolchain is not here are skipped, with the reason; with `--all` that is
a failure.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from wire import Conversation

from autoresearch_mcp.tools.project.examples import Example, all_examples, what_is_missing

README = Path(__file__).parent.parent / "examples" / "README.md"
_HEAD = """\
| example | domain | language | number | baseline | improved | cheats | seconds |
|---|---|---|---|---|---|---|---|
"""
_TABLE = re.compile(r"(<!-- made by make examples -->\n).*(<!-- to here -->)", re.DOTALL)


@dataclass
class Outcome:
    """What came of an example, in the words of the server's answers."""

    example: Example
    skipped: str = ""
    number: str = ""
    baseline: float | None = None
    improved: float | None = None
    wrong: list[str] = field(default_factory=list)
    cheats: list[str] = field(default_factory=list)
    seconds: float = 0.0


def run(example: Example, place: Path) -> Outcome:
    """Make an example in a folder and play it."""
    outcome = Outcome(example, skipped=what_is_missing(example) or _too_old(example))
    if outcome.skipped:
        return outcome
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "autoresearch_mcp.server", "init", "--example", example.name, str(place)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for name in _secrets(place):
        os.environ.setdefault(name, "for-the-example")
    with Conversation(place) as wire:
        started = _call(wire, "start_session")
        if "baseline" not in started:
            outcome.wrong.append(f"did not start: {started}")
        else:
            outcome.baseline, outcome.number = float(str(started["baseline"])), _number(place)
            for key, name in [*_cheats(example), ("improvement", "the first improvement")]:
                _try(wire, place, key, name, outcome)
    outcome.seconds = time.perf_counter() - began
    return outcome


def _call(wire: Conversation, tool: str, **arguments: object) -> Mapping[str, object]:
    """Call a tool, and wait for what outlasts the call."""
    answer = wire.call(tool, **arguments)
    while "running" in answer:
        answer = wire.call("wait")
    return answer


def _too_old(example: Example) -> str:
    """Say so where this machine's node does not run TypeScript yet: it does as it is from 22.18 on."""
    if example.language != "TypeScript":
        return ""
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    version = tuple(int(part) for part in said.removeprefix("v").split(".")[:2])
    return "" if version >= (22, 18) else f"node {said} is too old to run TypeScript"


def _try(wire: Conversation, place: Path, key: str, name: str, outcome: Outcome) -> None:
    subprocess.run(["git", "apply", f"try/{key}.patch"], cwd=place, check=True)
    answer = _call(wire, "iterate", description=name)
    said = str(answer.get("status") or answer.get("code") or answer.get("verdict"))
    if "code" in answer:  # nothing was committed
        subprocess.run(["git", "checkout", "--quiet", "."], cwd=place, check=True)
        subprocess.run(["git", "clean", "--quiet", "-fd"], cwd=place, check=True)
    elif "status" not in answer:  # it may be mended, and is given up
        _call(wire, "revert", reason="it is a cheat")
        said = str(_call(wire, "log")["status"])
    if key == "improvement":
        outcome.improved = float(str(answer["metric"])) if answer.get("metric") is not None else None
    if (said == "keep") != (key == "improvement"):
        outcome.wrong.append(f"{name}: {said}, {answer.get('why') or answer}")
    elif key != "improvement":
        outcome.cheats.append(said)


def _secrets(place: Path) -> list[str]:
    """The variables that the plan passes on: the example's service takes any value."""
    named: list[str] = tomllib.loads((place / "autoresearch.toml").read_text()).get("environment", [])
    return named


def _cheats(example: Example) -> Iterator[tuple[str, str]]:
    return ((f"cheat-{number}", name) for number, name in enumerate(example.cheats, 1))


def _number(place: Path) -> str:
    told = dict(re.findall(r'^(metric|direction) = "(.*)"$', (place / "autoresearch.toml").read_text(), re.MULTILINE))
    return f"{told.get('metric', 'time')}, {'up' if told.get('direction') == 'higher' else 'down'}"


def run_all(examples: Iterable[Example], jobs: int) -> Iterator[Outcome]:
    """Play examples, so many at once, each in a folder that goes afterwards."""

    def one(example: Example) -> Outcome:
        with tempfile.TemporaryDirectory() as folder:
            return run(example, Path(folder, example.name))

    with ThreadPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(one, example) for example in examples]):
            yield done.result()


def write(outcomes: Iterable[Outcome]) -> None:
    """Put the rows of outcomes in place of those of the same examples in the table."""
    text = README.read_text()
    found = _TABLE.search(text)
    assert found
    domains = {one.name: one.domain for one in all_examples()}
    rows = {row[1]: row[0] for row in re.finditer(r"^\| `([\w-]+)` .*$", found[0], re.MULTILINE) if row[1] in domains}
    rows |= {one.example.name: _row(one) for one in outcomes}
    told = "".join(f"{rows[name]}\n" for name in sorted(rows, key=lambda name: (domains[name], name)))
    README.write_text(text[: found.start()] + found[1] + _HEAD + told + found[2] + text[found.end() :])


def _row(outcome: Outcome) -> str:
    example = outcome.example
    named = f"| `{example.name}` | {example.domain} | {example.language} |"
    if outcome.skipped or outcome.baseline is None:
        return f"{named} | | | {outcome.skipped or 'failed'} | |"
    improved = "none" if outcome.improved is None else f"{outcome.improved:.6g}"
    cheats = "; ".join(sorted(set(outcome.cheats), key=outcome.cheats.index))
    return f"{named} {outcome.number} | {outcome.baseline:.6g} | {improved} | {cheats} | {outcome.seconds:.1f} |"


def main() -> int:
    """Play what was asked for; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", metavar="NAME", nargs="*", help="only these (default: all)")
    parser.add_argument("--jobs", type=int, default=1, help="how many at once (default: 1)")
    parser.add_argument("--write", action="store_true", help="write their rows into examples/README.md")
    parser.add_argument("--all", action="store_true", help="fail if one is skipped")
    options = parser.parse_args()
    asked = [one for one in all_examples() if not options.names or one.name in options.names]
    outcomes = []
    print(_HEAD, end="")
    for outcome in run_all(asked, options.jobs):
        print(_row(outcome), *outcome.wrong, sep="\n  ", flush=True)
        outcomes.append(outcome)
        if options.write:
            write(outcomes)
    ran = [one for one in outcomes if not one.skipped]
    print(f"{len(ran)} ran, {len(outcomes) - len(ran)} skipped, {sum(bool(one.wrong) for one in ran)} wrong.")
    return int(any(one.wrong or (options.all and one.skipped) for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
