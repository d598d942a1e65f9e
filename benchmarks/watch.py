"""How long a watcher takes: to its first picture of a long session, to a new row, and while nothing happens.

`python benchmarks/watch.py` prints medians for the terminal view and for the live page, on a session of 10,000 rows.
"""

from __future__ import annotations

import os
import pty
import resource
import select
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from overhead import PLAN, fill, iteration, own_git, repository

from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.verbs.sessions import Sessions

ROWS, ROUNDS, IDLE_S = 10_000, 5, 20.0
WATCH = [sys.executable, "-m", "autoresearch_mcp.server", "watch"]


def main() -> None:
    """Measure both watchers."""
    with own_git():
        root = repository(50)
        lab = Lab(root, allow_commands=True)
        Sessions(lab).start_session(Plan.model_validate(PLAN))
        fill(lab, ROWS)
        for name, watcher in (("terminal", terminal), ("page", page)):
            rounds = [watcher(root, lab, number) for number in range(ROUNDS)]
            start, row = (statistics.median(column) for column in zip(*rounds, strict=True))
            verdict = "within" if max(start, row) < 1 else "OVER"
            print(f"{name}: first picture after {start:.2f} s, a new row after {row:.2f} s ({verdict} 1 s)")
        print(f"idle: {idle(root):.1f} ms of processor time a second, in a terminal")


def write(lab: Lab, name: str) -> None:
    """One more row, as a server writes it."""
    context = lab.for_reading()
    number = context.active.last_iteration + 1
    *before, logged = iteration(number, keep=False)
    row = logged.row.model_copy(update={"description": name})  # type: ignore[union-attr]
    context.record(*before, logged.model_copy(update={"row": row}))


def terminal(root: Path, lab: Lab, number: int) -> tuple[float, float]:
    """Seconds to the first picture, and from a written row to that row on the screen."""
    process, master, began = in_terminal(root)
    start = seen(master, b"a smaller number", began)
    name = f"fresh {number}"
    began = time.perf_counter()
    write(lab, name)
    row = seen(master, name.encode(), began)
    end(process, master)
    return start, row


def in_terminal(root: Path) -> tuple[subprocess.Popen[bytes], int, float]:
    """A watcher in a terminal of its own."""
    master, slave = pty.openpty()
    names = {**os.environ, "COLUMNS": "120", "LINES": "40", "TERM": "xterm-256color"}
    began = time.perf_counter()
    process = subprocess.Popen(WATCH, cwd=root, stdin=slave, stdout=slave, stderr=slave, env=names)
    os.close(slave)
    return process, master, began


def end(process: subprocess.Popen[bytes], master: int) -> None:
    """Leave a watcher."""
    process.send_signal(signal.SIGINT)
    process.wait()
    os.close(master)


def seen(master: int, words: bytes, began: float) -> float:
    """Seconds until a terminal shows something."""
    text = b""
    while words not in text:
        select.select([master], [], [])
        text += os.read(master, 65536)
    return time.perf_counter() - began


def page(root: Path, lab: Lab, number: int) -> tuple[float, float]:
    """Seconds to the whole page, and from a written row to its event."""
    began = time.perf_counter()
    with subprocess.Popen([*WATCH, "--web"], cwd=root, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = process.stdout.readline().decode().strip()
        with urllib.request.urlopen(url) as answer:
            place = answer.read().decode().partition('data-live="')[2].partition('"')[0]
        start = time.perf_counter() - began
        with urllib.request.urlopen(f"{url}events?after={place}") as events:
            heard(events.readline, b"BROKEN")  # the journal was checked: these commits are made up
            began = time.perf_counter()
            write(lab, f"fresher {number}")
            heard(events.readline, f"fresher {number}".encode())
            row = time.perf_counter() - began
        process.send_signal(signal.SIGINT)
    return start, row


def heard(readline: Callable[[], bytes], words: bytes) -> None:
    """Read until something is said."""
    while words not in readline():
        pass


def idle(root: Path) -> float:
    """Milliseconds of processor time a second that a watcher uses while nothing happens, its start left out."""
    spent = []
    for seconds in (1.0, 1.0 + IDLE_S):
        before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        process, master, began = in_terminal(root)
        seen(master, b"a smaller number", began)
        time.sleep(seconds)
        end(process, master)
        spent.append(sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) - before)
    return 1000 * (spent[1] - spent[0]) / IDLE_S


if __name__ == "__main__":
    main()
