"""`autoresearch-mcp watch`: follow a session from another terminal or a browser, without touching it."""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ...tools.errors import Code, Refusal
from ...tools.lab.access import Lab
from ...tools.lab.notes import PAUSED
from ...tools.report.drawing import BEST, TARGET, as_braille
from ...tools.report.page import ReportedTry, Tone
from ...tools.report.picture import Mark, Picture
from ...tools.report.words import duration
from ...tools.session.events import Row
from ...tools.session.results import metric_of
from ...tools.text.redaction import redact_json, redactor
from ..watching import Snapshot, Watch, Work

JSON_ROWS = 20
LOOK_EVERY_S = 0.3
COLOURS = {
    Mark.BASELINE: "bold",
    Mark.KEEP: "green",
    Mark.TAKEN_BACK: "dim green",
    Mark.DISCARD: "bright_black",
    Mark.GUARD: "yellow",
    Mark.CRASH: "red",
    Mark.NOTHING: "bright_black",
    Mark.TAMPERED: "magenta",
}
_LEAST_ROWS, _LEAST_PICTURE, _MOST_PICTURE = 4, 3, 12


def run(root: Path, options: Namespace) -> int:
    """Follow the session under a root until the person leaves; returns the exit status: 2 where there is nothing to follow."""
    watched = Watch(Lab(root, follows=True))
    try:
        watched.mark()
        if options.json:
            sys.stdout.write(json.dumps(_as_data(watched), indent=2) + "\n")
            return 0
        with suppress(KeyboardInterrupt):
            _web(watched, options.port) if options.web else _terminal(watched)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 2
    except BrokenPipeError:
        return 0
    return 0


def _as_data(watched: Watch) -> dict[str, Any]:
    """Return the session at this moment, as it is printed with `--json`."""
    seen = watched.snapshot()
    work = seen.work and {
        "tool": seen.work.tool,
        "run": seen.work.run,
        "seconds": seen.work.seconds,
        "tail": [*seen.work.tail],
    }
    rows = [row.model_dump(mode="json") for row in seen.newest[-JSON_ROWS:]]
    shown: dict[str, Any] = redact_json(
        {"status": seen.status.model_dump(mode="json"), "work": work, "rows": rows}, redactor()
    )
    return shown


def _web(watched: Watch, port: int) -> None:
    from ..web.live import LiveServer

    try:
        server = LiveServer(watched, port)
    except OSError as error:
        cure = "Choose another with --port, or leave it out to get a free one."
        raise Refusal(Code.BAD_ARGUMENT, f"Port {port} cannot be used: {error.strerror}. {cure}") from error
    with server:
        sys.stdout.write(f"{server.url}\nFollows the session, for this machine only. Leave with Ctrl-C.\n")
        sys.stdout.flush()
        server.serve_forever(poll_interval=3600)


def _terminal(watch: Watch) -> None:
    """Show the session until the person leaves; without a terminal, one line for each row until it is finished."""
    console = Console()
    if not console.is_terminal:
        return _lines(watch)
    with Live(console=console, screen=True, auto_refresh=False, transient=False) as live:
        _follow(watch, lambda snapshot: live.update(TerminalView(snapshot), refresh=True))


def _follow(watch: Watch, show: Callable[[Snapshot], None]) -> None:
    seen = None
    while True:
        mark = watch.mark()
        if mark != seen:
            show(watch.snapshot())
            seen = mark
        time.sleep(LOOK_EVERY_S)


def _lines(watch: Watch) -> None:
    session, printed = "", -1
    while True:
        finished = watch.finished()  # before the rows are looked at: none comes after
        now, last = watch.position()
        if now and (now, last) != (session, printed):
            for row in watch.rows(printed if now == session else -1):
                sys.stdout.write(f"#{row.iteration}\t{row.status}\t{metric_of(row)}\t{row.description}\n")
                last = row.iteration
            sys.stdout.flush()
            session, printed = now, last
        if finished:
            sys.stdout.write("The session is finished. `autoresearch-mcp report` says what came of it.\n")
            return
        time.sleep(LOOK_EVERY_S)


class TerminalView:
    """A snapshot, set to the size of the terminal."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._seen = snapshot

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield what rich draws."""
        width, height = options.max_width, options.height or console.height
        seen = self._seen
        if seen.session is None or seen.picture is None:
            yield Panel(Text(seen.status.note), title="No session yet", border_style="bright_black")
            return
        work = [_work(seen.work, width)] if seen.work else []
        taken = 6 + (4 + min(len(seen.work.tail), 5) if seen.work else 0)
        room = max(_LEAST_ROWS + _LEAST_PICTURE, height - taken - 3)
        tall = max(_LEAST_PICTURE, min(_MOST_PICTURE, room // 2))
        shown = seen.newest[-max(_LEAST_ROWS, room - tall) :]
        yield Group(_head(seen, width), _drawn(seen.picture, width, tall), *work, _table(seen, shown, width))


def _head(seen: Snapshot, width: int) -> RenderableType:
    status = seen.status
    title = Text(" ".join(status.goal.split()) or "A session", style="bold", no_wrap=True, overflow="ellipsis")
    about = Text(
        f"{status.metric}, {status.direction} is better, on {status.branch}  ", style="bright_black", no_wrap=True
    )
    idle = f"ended: {status.ended}" if status.ended else status.note or str(status.phase)
    state = "at work" if seen.work else "paused" if any(line.startswith(PAUSED) for line in status.person) else idle
    about.append(state, style="cyan")
    gained = "bold green" if status.best_iteration else "bold"
    counted = Text.assemble("\n", (status.headline.replace("->", "→"), gained))
    kept = len(seen.session.headline.standing) if seen.session else 0
    counted.append("   kept ", style="bright_black").append(f"{kept:,} of {status.iterations:,}")
    for name, left in status.budget_left.items():
        counted.append("   left ", style="bright_black").append(f"{left:,.4g} {name.replace('_', ' ')}")
    for name in ("crash", "tampered"):
        if status.counts.get(name):
            counted.append(f"   {name} ", style="bright_black").append(f"{status.counts[name]:,}", style="red")
    if status.stuck or status.plateau:
        counted.append("   stuck" if status.stuck else "   plateau", style="yellow")
    return Group(title, about, counted)


def _drawn(picture: Picture, width: int, tall: int) -> RenderableType:
    """Draw the picture with its highest and lowest tick at the side."""
    wide = max(20, width - 12)
    ticks = {round((1 - tick.place) * (tall - 1)): tick.label for tick in picture.axis.ticks(max(2, tall // 2))}
    whole = Text()
    for place, line in enumerate(as_braille(picture, wide, tall)):
        whole.append(f"\n{ticks.get(place, ''):>10} ", style="bright_black")
        for stretch in line:
            whole.append(stretch.text, style=_colour(stretch.what))
    return whole


def _colour(what: str) -> str:
    known = {BEST: "blue", TARGET: "magenta", "": ""}
    return known[what] if what in known else COLOURS[Mark(what)]


def _work(work: Work, width: int) -> RenderableType:
    tail = Text("\n".join(work.tail[-5:]), no_wrap=True, overflow="ellipsis")
    title = f"{work.tool} is at work, {duration(work.seconds)}" if work.seconds else f"{work.tool} is at work"
    return Panel(tail, title=Text(title), title_align="left", border_style="blue", padding=(0, 1))


def _table(seen: Snapshot, rows: Sequence[Row], width: int) -> RenderableType:
    table = Table(box=None, padding=(0, 1), expand=True, header_style="bright_black", show_edge=False)
    table.add_column("try", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column(seen.status.metric[:16], justify="right", no_wrap=True)
    table.add_column("delta", justify="right", no_wrap=True)
    if width >= 90:
        table.add_column("time", justify="right", no_wrap=True)
    table.add_column("description", ratio=1, no_wrap=True, overflow="ellipsis")
    lower = seen.status.direction == "lower"
    standing = seen.session.headline.standing if seen.session else ()
    for one in (ReportedTry(row, standing, lower) for row in reversed(rows)):
        tone = {Tone.GOOD: "green", Tone.BAD: "red", Tone.PLAIN: "bright_black"}[one.tone]
        status = Text(str(one.row.status), style=COLOURS[one.mark])
        cells: list[RenderableType] = [str(one.row.iteration), status, one.metric, Text(one.delta, style=tone)]
        cells += [one.seconds] if width >= 90 else []
        table.add_row(*cells, Text(" ".join(one.row.description.split())))
    return table
