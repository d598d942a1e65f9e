"""Plays the session of the tutorial on this machine, and puts what the server answered into the page.

    python docs/replay.py

Each edit of `pairs.py` stands below; the answers are the server's own, shortened only where a line says so. They differ from run
to run: the function is timed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.lab.answers import Answer
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.verbs.loop import Loop
from autoresearch_mcp.tools.verbs.planning import Planning
from autoresearch_mcp.tools.verbs.sessions import Sessions

PAGE = Path(__file__).with_name("tutorial.md")
EXAMPLE = Path(__file__).parent.parent / "examples" / "domains" / "benchmark-time"
WIDTH = 128
MOST_LINES = 20

SEARCH = """    counted = []
    for place in range(len(words) - 1):
        pair = (words[place], words[place + 1])
        for entry in counted:
            if entry[0] == pair:
                entry[1] = entry[1] + 1
                break
        else:
            counted.append([pair, 1])
    return sorted(((pair, number) for pair, number in counted), key"""
COUNTER = """    counted, before = Counter(), words[0]
    for word in words[1:]:
        counted[before, word] += 1
        before = word
    return sorted(counted.items(), key"""
CLEANING = """    words = []
    for word in text.split():
        clean = ""
        for letter in word:
            if letter.isalpha():
                clean = clean + letter.lower()
        if clean != "":
            words = words + [clean]
"""
REGEX = """    words = re.findall(r"[^\\W\\d_]+", text.lower())
"""


class Played:
    """The example as a repository, with a server at work in it."""

    def __init__(self, root: Path) -> None:
        self.root = Path(shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("__pycache__")))
        (root / ".gitignore").write_text("__pycache__/\n")
        for command in (
            ["init", "-b", "main"],
            ["config", "user.name", "You"],
            ["config", "user.email", "you@example.org"],
            ["add", "."],
        ):
            self.git(*command)
        self.git("commit", "-m", "A slow pairs()")
        self.git("switch", "-c", "autoresearch/first")
        lab = Lab(root)
        self.planning, self.loop, self.sessions = Planning(lab), Loop(lab), Sessions(lab)

    def git(self, *arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True).stdout

    def edit(self, *changes: tuple[str, str]) -> None:
        file = self.root / "pairs.py"
        text = file.read_text()
        for old, new in changes:
            if old not in text:
                raise ValueError(f"not in pairs.py: {old}")
            text = text.replace(old, new, 1)
        file.write_text(text)

    def ran(self, *command: str) -> str:
        return subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True).stdout


def said(call: Callable[[], Answer]) -> str:
    try:
        return call().text()
    except Refusal as refusal:
        return f"Refused ({refusal.code}): {refusal.message}"


def play(root: Path) -> dict[str, str]:
    """Return every output by its name in the page."""
    played, told = Played(root), {}

    def iterate(name: str, idea: str, *changes: tuple[str, str]) -> None:
        played.edit(*changes)
        told[name] = said(lambda: played.loop.iterate(idea))
        sys.stdout.write(f"{name}: {told[name].splitlines()[0]}\n")

    told["check"] = said(lambda: played.planning.check_plan(Plan()))
    told["start"] = said(lambda: played.sessions.start_session(Plan()))
    header = ("\n\ndef pairs", "\nfrom collections import Counter\n\n\ndef pairs")
    first = ("    counted, before", "    if not words:\n        return []\n    counted, before")
    finding, counting = (
        "find the words with a regular expression",
        "count pairs with a Counter instead of searching a list",
    )
    iterate("crash", finding, (CLEANING, REGEX))
    iterate("regex", finding, ("\n\ndef pairs", "\nimport re\n\n\ndef pairs"))
    iterate("guard", counting, (SEARCH, COUNTER), header)
    iterate("rework", counting, first)
    check = (root / "check.py").read_text()
    (root / "check.py").write_text("")
    iterate(
        "refused",
        "name the pair before it is counted",
        ("        counted[before, word] += 1\n", "        pair = (before, word)\n        counted[pair] += 1\n"),
    )
    (root / "check.py").write_text(check)
    told["discard"] = said(lambda: played.loop.iterate("name the pair before it is counted"))
    iterate(
        "repeat",
        "name the pair before it is counted",
        ("        counted[before, word] += 1\n", "        pair = (before, word)\n        counted[pair] += 1\n"),
    )
    played.git("restore", ".")
    told["status"] = said(played.sessions.status)
    told["rows"] = played.ran("sh", "-c", "grep -v '^#' autoresearch-results.tsv | column -t -s '\t'")
    told["log"] = played.git("log", "--oneline")
    asked = 'from pairs import pairs; print(pairs("I don\'t know"))'
    told["wrong"] = played.ran("python3", "-c", asked)
    told["finish"] = said(played.sessions.finish_session)
    (root / "check.py").write_text(
        check + '\nassert pairs("I don\'t know") == [(("dont", "know"), 1), (("i", "dont"), 1)]\n'
    )
    played.git("commit", "-am", "Words with an apostrophe are one word")
    told["red"] = said(lambda: played.sessions.start_session(Plan()))
    return told


def shown(text: str) -> str:
    """A block of the page: long lines wrapped, and what is beyond a screen left out and said so."""
    lines = [part for line in text.strip().replace(str(Path.home()), "~").splitlines() for part in wrapped(line)]
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], f"... ({len(lines) - MOST_LINES + 1} more lines)"]
    return "```\n" + "\n".join(lines) + "\n```"


def wrapped(line: str) -> list[str]:
    found = []
    while len(line) > WIDTH:
        at = line.rfind(" ", 0, WIDTH)
        at = at if at > 0 else WIDTH
        found.append(line[:at])
        line = line[at:].lstrip()
    return [*found, line]


def main() -> int:
    """Renew the page."""
    with tempfile.TemporaryDirectory() as folder:
        told = play(Path(folder) / "pairs")
    page = PAGE.read_text(encoding="utf-8")
    for name, text in told.items():
        before, mark, after = page.partition(f"<!-- replay: {name} -->\n")
        if not mark:
            raise ValueError(f"{name} stands nowhere in the page")
        page = before + mark + f"\n{shown(text)}\n" + re.sub(r"\A\n```\n.*?\n```\n", "", after, flags=re.DOTALL)
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
