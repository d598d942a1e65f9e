"""`autoresearch-mcp demo`: a scripted agent runs a real session over stdio, as any client would."""

from __future__ import annotations

import json
import sys
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from mcp import Client, StdioServerParameters
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ...tools.errors import Refusal
from ...tools.git.cli import GitCli
from ...tools.project.harness import create_harness
from ...tools.session.results import RESULTS_FILE, number
from .demo_script import GPT, QUICK, ScriptedTry, create_quick

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class TryOutcome:
    """What became of one try."""

    tried: ScriptedTry
    status: str
    answer: dict[str, Any]


def run(root: Path, options: Namespace) -> int:
    """Run the demo; returns the exit status."""
    console, quick, folder = Console(stderr=options.json), options.quick, options.folder
    if not quick and find_spec("torch") is None:
        sys.stderr.write(
            "The demo trains a model with torch: install the extra `gpt` (see the README), or add --quick.\n"
        )
        return 1
    place = (
        Path(folder).expanduser().resolve() if folder else Path(tempfile.mkdtemp(prefix="autoresearch-demo-")) / "lab"
    )
    try:
        create_quick(place, sys.executable) if quick else create_harness(place, sys.executable)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 1
    console.print(f"Made {place}; starting the server over stdio.")
    outcomes = anyio.run(_session, console, place, QUICK if quick else GPT)
    console.print(
        Text(f"All of it stays there; to delete it: rm -rf {place if folder else place.parent}"), soft_wrap=True
    )
    if options.json:
        tries = [
            {"description": one.tried.description, "status": one.status, "metric": one.answer.get("metric")}
            for one in outcomes
        ]
        sys.stdout.write(json.dumps({"folder": str(place), "tries": tries}) + "\n")
    return 0


async def _session(console: Console, folder: Path, script: Sequence[ScriptedTry]) -> list[TryOutcome]:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "autoresearch_mcp.server", "--root", str(folder)]
    )
    async with Client(server) as client:
        agent = Agent(client, console, folder)
        started = await agent.call("start_session", "Baseline", {})
        console.print(Text(f"Baseline: {number(started['baseline'])}"))
        outcomes = [await agent.make(place, tried) for place, tried in enumerate(script, 1)]
        report = await agent.call("report", "Report", {})
        await agent.call("finish_session", "Finish", {})
    _show(console, folder, outcomes, report["report"])
    return outcomes


class Agent:
    """Follows a script: edits files, calls tools, does what the answers say."""

    def __init__(self, client: Client, console: Console, folder: Path) -> None:
        self._client = client
        self._console = console
        self._folder = folder
        self._usual_s = 0.0

    async def make(self, place: int, tried: ScriptedTry) -> TryOutcome:
        """Make one try: edit, iterate; give a crash up, put back what was refused."""
        saved = {edit.file: (self._folder / edit.file).read_text(encoding="utf-8") for edit in tried.edits}
        for edit in tried.edits:
            edit.apply(self._folder)
        title = f"Try {place}: {tried.description}"
        answer = await self.call("iterate", title, {"description": tried.description, "hypothesis": tried.hypothesis})
        if "code" in answer:
            for file, text in saved.items():
                (self._folder / file).write_text(text, encoding="utf-8")
            outcome = TryOutcome(tried, f"refused: {answer['code']}", answer)
        elif "status" not in answer:
            await self.call("revert", title, {"reason": "giving this idea up"})
            outcome = TryOutcome(tried, (await self.call("log", title, {}))["status"], answer)
        else:
            outcome = TryOutcome(tried, answer["status"], answer)
        self._console.print(Text(f"{title} -> {outcome.status}  {_metric(answer)}"))
        return outcome

    async def call(self, tool: str, title: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call a tool with a progress bar, and wait for what takes longer than a call; refusals are answers too."""
        with _bar(self._console, title, self._usual_s) as listen:
            result = await self._client.call_tool(tool, arguments, progress_callback=listen)
            while (answer := dict(result.structured_content or {})).get("phase") == "running" and not result.is_error:
                result = await self._client.call_tool("wait", {"run": answer["run"]}, progress_callback=listen)
        if tool == "start_session" and not result.is_error:
            self._usual_s = answer["row"]["seconds"]
        if result.is_error and tool != "iterate":
            raise SystemExit(f"{tool} was refused: {answer.get('message', result.content)}")
        return answer


@contextmanager
def _bar(console: Console, title: str, usual_s: float) -> Iterator[Any]:
    """Show a bar that fills with the time a run usually takes, with the last line that the run printed."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[line]}"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title[:60], total=usual_s or None, line="")

        async def listen(seconds: float, total: float | None, message: str | None) -> None:
            progress.update(task, completed=seconds, line=(message or "")[:50])

        yield listen


def _metric(answer: dict[str, Any]) -> str:
    if answer.get("metric") is None:
        return ""
    return f"{number(answer['metric'])} ({answer['delta'] + 0.0:+.5g})"


def _show(console: Console, folder: Path, outcomes: Sequence[TryOutcome], report: str) -> None:
    table = Table("try", "status", "metric", "delta", "what was tried", title="The tries")
    for place, outcome in enumerate(outcomes, 1):
        answer = outcome.answer
        metric, delta = answer.get("metric"), answer.get("delta")
        cells = (str(place), outcome.status, number(metric), "-" if delta is None else f"{delta + 0.0:+.5g}")
        table.add_row(*cells, Text(outcome.tried.description))
    console.print(table)
    console.print(Text(report), soft_wrap=True)
    console.print(Text("\nThe history, failures included:"))
    console.print(Text(GitCli(folder).line("log", "--oneline", "--no-decorate")), soft_wrap=True)
    console.print(
        Text(
            f"\nRepository: {folder}\nResults:    {folder / RESULTS_FILE}\nJournal:    {folder / '.git' / 'autoresearch'}"
        )
    )
