"""Plays what pages show on this machine, and puts what the server and the shell answered into them.

    python docs/replay.py                       # every page that can be played
    python docs/replay.py docs/guides/debug.md  # one; pages with the same project go on where the one before ended
    python docs/replay.py --check PAGE ...      # write nothing; say where more than numbers differs

A page is its own script. A comment says what is done with the block behind it, or with what the comment holds itself:

    <!-- project: humanize==4.12.3 -->   a public package's source from the index, `example: NAME`, one of ours (or `gpt`), or
                                         `made: NAME`, none yet, as a repository; a word behind it keeps two stories of one apart
    <!-- run -->                         the block is run by the shell, in the repository
    <!-- edit -->                        the block is a diff that is applied
    <!-- call: record -->                the block is JSON, the arguments of a call of that tool
    <!-- label: some words -->           `$label` stands for the letter under which the last answer showed the text with these words
    <!-- gives -->                       the block is what the last of these answered; `gives: 8` shows that many lines of it

Answers are the server's own, wrapped; a line says where the rest was left out. They differ from run to run in numbers and names
of commits.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from contextlib import AsyncExitStack
from datetime import datetime
from difflib import unified_diff
from pathlib import Path

import anyio
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.client.session import ClientRequestContext
from mcp.types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult, TextContent

DOCS = Path(__file__).parent
BIN = Path(sys.executable).parent
WIDTH = 128
MOST_LINES = 20
STEP = re.compile(
    r"^<!-- (?P<verb>project|example|made|run|edit|call|label|gives)(?:: (?P<said>.*?))? -->\n"
    r"(?P<block>\n?(?P<fence>`{3,})\w*\n(?P<text>.*?)(?P=fence)\n)?",
    re.MULTILINE | re.DOTALL,
)
VARYING = re.compile(
    r"\b[XY](?: was C\d)?\b|[▁-█]+|~/\S+|\b\d{6}-\d{4}-[0-9a-f]{6}\b|\b[0-9a-f]{7,40}\b|[+-]?\d[\d,.:]*(?:e[+-]\d+)?(?: (?:ms|s|kB|MB|%))?"
)
"""What may differ: labels that are drawn, curves, paths below the home folder, names of sessions and commits, numbers with units."""


BY_CHANCE = re.compile(r"\s+That is more than both\s+errors\s+allow[^.]*\.")
"""What is said of one confirmation and not of another: the seeds are new each time."""


class Stage:
    """A repository, and a server at work in it, with a home of their own. The person says yes whenever a client would ask."""

    def __init__(self, folder: Path, running: AsyncExitStack) -> None:
        self.root, self.home, self.running, self.last = folder / "project", folder / "home", running, ""
        self.client: ClientSession | None = None
        self.plan: dict[str, object] = {}
        self.label = ""
        self.flags: list[str] = []
        self.home.mkdir()
        (self.home / ".gitconfig").write_text(
            "[user]\nname = You\nemail = you@example.org\n[init]\ndefaultBranch = main\n"
        )
        self.environment = {"HOME": str(self.home), "PATH": f"{BIN}:{os.environ['PATH']}", "LANG": "C.UTF-8"}

    def lay_out(self, verb: str, name: str) -> None:
        if verb == "example":
            what = ["gpt"] if name == "gpt" else ["--example", name]
            command = ["autoresearch-mcp", "init", *what, str(self.root)]
            subprocess.run(command, env=self.environment, check=True, stdout=subprocess.DEVNULL)
            return
        self.flags = ["--allow-commands"]
        if verb == "made":
            self.root.mkdir()
        else:
            got = self.home / "got"
            command = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--no-binary",
                ":all:",
                "-d",
                str(got),
                name.split()[0],
            ]
            subprocess.run(command, check=True)
            with tarfile.open(next(got.glob("*.tar.gz"))) as archive:
                archive.extractall(got, filter="data")
            next(path for path in got.iterdir() if path.is_dir()).rename(self.root)
        (self.root / ".gitignore").write_text("__pycache__/\n.venv/\n*.egg-info/\n.pytest_cache/\n")
        for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", name]):
            subprocess.run(["git", *command], cwd=self.root, env=self.environment, check=True)

    def run(self, script: str, given: str = "") -> None:
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.root,
            env=self.environment,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.last = done.stdout

    async def call(self, tool: str, arguments: dict[str, object]) -> None:
        """Call a tool and wait for its answer; a plan in it is what `"$plan"` stands for in later arguments."""
        client = self.client = self.client or await self.served()
        answer = await client.call_tool(tool, self.plan if arguments == {"plan": "$plan"} else arguments)
        while (answer.structured_content or {}).get("phase") == "running":
            answer = await client.call_tool("wait")
        self.plan = (answer.structured_content or {}).get("plan") or self.plan
        self.last = "\n".join(part.text for part in answer.content if isinstance(part, TextContent))

    async def served(self) -> ClientSession:
        server = StdioServerParameters(
            command=str(BIN / "autoresearch-mcp"), args=["--root", str(self.root), *self.flags], env=self.environment
        )
        streams = await self.running.enter_async_context(stdio_client(server))
        client = await self.running.enter_async_context(ClientSession(*streams, elicitation_callback=agreed))
        await client.initialize()
        return client

    def shown(self, most: int) -> str:
        """Return the last answer as a block: long lines wrapped, and what is beyond `most` lines left out and said so."""
        text = (
            self.last.strip()
            .replace(str(self.root), "~/project")
            .replace(str(BIN.parent), "~/server")
            .replace(str(self.home), "~")
        )
        lines = [part for line in text.splitlines() for part in wrapped(line.rstrip())]
        if len(lines) > most:
            lines = [*lines[: most - 1], f"... ({len(lines) - most + 1} more lines)"]
        return "\n".join(lines)


def wrapped(line: str) -> list[str]:
    found = []
    while len(line) > WIDTH:
        at = line.rfind(" ", 0, WIDTH)
        at = at if at > 0 else WIDTH
        found.append(line[:at])
        line = line[at:].lstrip()
    return [*found, line]


async def agreed(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    fields = params.requested_schema["properties"] if isinstance(params, ElicitRequestFormParams) else {}
    return ElicitResult(
        action="accept", content={name: True for name, of in fields.items() if of.get("type") == "boolean"}
    )


async def played(page: str, stage: Stage) -> str:
    """Return the page with what was answered this time."""
    renewed, end = "", 0
    for step in STEP.finditer(page):
        verb, said, text = step["verb"], step["said"] or "", step["text"] or ""
        renewed += page[end : step.start()]
        end, whole = step.end(), step[0]
        if verb == "run":
            stage.run(said or text)
        elif verb == "edit":
            stage.run("git apply --recount --unidiff-zero -", text)
            if stage.last:
                raise ValueError(f"an edit does not apply: {stage.last}\n{text}")
        elif verb == "call":
            tool, _, hidden = said.partition(" ")
            given = (hidden or text or "{}").replace("$day", f"{datetime.now():%y%m%d}").replace("$label", stage.label)
            await stage.call(tool, json.loads(given))
        elif verb == "label":
            texts = re.findall(r"^--- ([XY]).*? ---\n(.*?)^--- end", stage.last, re.MULTILINE | re.DOTALL)
            stage.label = next(letter for letter, read in texts if said in read)
        elif verb == "gives":
            shown = stage.shown(int(said or MOST_LINES))
            fence = "````" if "```" in shown else "```"
            whole = f"{whole.removesuffix(step['block'] or '')}\n{fence}\n{shown}\n{fence}\n" + "\n" * (
                page[end] != "\n"
            )
        renewed += whole
    return renewed + page[end:]


def words_of(page: str) -> list[str]:
    """Return what should not differ from one time to the next, whatever lines are broken where."""
    return VARYING.sub("#", BY_CHANCE.sub("", page)).split()


def project_of(page: Path) -> tuple[str, str] | None:
    first = STEP.search(page.read_text(encoding="utf-8"))
    return (first["verb"], first["said"]) if first and first["verb"] in ("project", "example", "made") else None


async def play(pages: list[Path], check: bool) -> int:
    """Play each page; those with one project are one story, in the order in which they stand here."""
    differ = 0
    for project in dict.fromkeys(project_of(page) for page in pages):
        if project is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            async with AsyncExitStack() as running:
                stage = Stage(Path(folder), running)
                stage.lay_out(*project)
                for page in (page for page in pages if project_of(page) == project):
                    before = page.read_text(encoding="utf-8")
                    after = await played(before, stage)
                    changed = list(unified_diff(words_of(before), words_of(after), lineterm="", n=2))
                    differ += bool(changed)
                    sys.stdout.write("\n".join([f"{page}: {'differs' if changed else 'as before'}", *changed]) + "\n")
                    if not check:
                        page.write_text(after, encoding="utf-8")
    return int(check and differ > 0)


def all_pages() -> list[Path]:
    """Return the tutorial, the guides and the walkthroughs, in the order in which the site has them: some go on where the one before ended."""
    site = (DOCS.parent / "properdocs.yml").read_text(encoding="utf-8")
    return [
        DOCS / page for page in re.findall(r": (tutorial\.md|(?:guides|walkthroughs)/[\w-]+\.md)$", site, re.MULTILINE)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path, default=all_pages())
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    return anyio.run(play, options.pages, options.check)


if __name__ == "__main__":
    sys.exit(main())
