"""How long a look at a long session takes: reports, a watcher's first picture, a new row, and while nothing happens.

`python benchmarks/watch.py` makes a session of 10,000 rows, `--rows 100000` one of as many, and prints medians: seconds, peak
memory and bytes of a page beside what they may be, and, in turn with ours, what somebody gets who reads the same rows by
hand, with sqlite3 and json alone.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import select
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from overhead import PLAN, fill, iteration, own_git, repository

from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.session.results import PAGE_FILE
from autoresearch_mcp.tools.verbs.sessions import Sessions

ROWS, ROUNDS, IDLE_S = 10_000, 5, 20.0
MOST_S, MOST_MB, MOST_PAGE_MB, MOST_ROW_S = 1.5, 150.0, 8.0, 1.0
OURS = [sys.executable, "-m", "autoresearch_mcp.server"]
WATCH = [*OURS, "watch"]
REPORTS = {
    "report": ["report"],
    "report as a page": ["report", "--format", "html"],
    "report as a picture": ["report", "--format", "png"],
}
BY_HAND = """
import json, sqlite3, sys
bodies = sqlite3.connect(sys.argv[1]).execute("SELECT body FROM event WHERE kind = 'logged' ORDER BY number")
print(len([json.loads(body)["row"] for (body,) in bodies]))
"""


MEASURE = """
import json, os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, _, used = os.wait4(process.pid, 0)
print(json.dumps([time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds until it was done or showed something, its processor time, and its peak memory in MB."""

    seconds: float
    busy: float
    memory: float


def main() -> None:
    """Make a session and look at it in every way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args().rows
    with own_git():
        root = repository(50)
        lab = Lab(root, allow_commands=True)
        Sessions(lab).start_session(Plan.model_validate(PLAN))
        fill(lab, rows)
        print(f"{rows:,} rows, on {os.cpu_count()} cores with a load of {os.getloadavg()[0]:.1f}")
        reports(root)
        for name, watcher in (("terminal", terminal), ("live page", page)):
            rounds = [watcher(root, lab, number) for number in range(ROUNDS)]
            told(f"first picture, {name}", [start for start, _ in rounds])
            row = statistics.median(seconds for _, seconds in rounds)
            print(f"{'a new row, ' + name:24} {row:6.2f} s, {verdict(row <= MOST_ROW_S)} {MOST_ROW_S:g} s")
        print(f"idle: {idle(root):.1f} ms of processor time a second, in a terminal")


def reports(root: Path) -> None:
    """Each report in turn with reading the rows by hand."""
    costs: dict[str, list[Cost]] = {name: [] for name in ("by hand", *REPORTS)}
    journal = str(root / ".git/autoresearch/journal.db")
    for _ in range(ROUNDS):
        costs["by hand"].append(ran([sys.executable, "-c", BY_HAND, journal], root))
        for name, words in REPORTS.items():
            costs[name].append(ran([*OURS, *words], root))
    by_hand = statistics.median(cost.seconds for cost in costs["by hand"])
    for name, found in costs.items():
        told(name, found, by_hand)
    size = (root / PAGE_FILE).stat().st_size / 1e6
    print(f"{'the page':24} {size:6.2f} MB, {verdict(size <= MOST_PAGE_MB)} {MOST_PAGE_MB:g} MB")


def told(name: str, costs: list[Cost], by_hand: float = 0.0) -> None:
    """Print one line of the table, in medians."""
    seconds, busy, memory = (
        statistics.median(column)
        for column in zip(*((cost.seconds, cost.busy, cost.memory) for cost in costs), strict=True)
    )
    within = seconds <= MOST_S and memory <= MOST_MB
    ratio = f", {seconds / by_hand:.1f} times by hand" if by_hand else ""
    print(
        f"{name:24} {seconds:6.2f} s, {busy:.2f} s of processor time, {memory:.0f} MB{ratio}; "
        f"{verdict(within)} {MOST_S:g} s and {MOST_MB:g} MB"
    )


def verdict(within: bool) -> str:
    """Say how a figure stands to its limit."""
    return "within" if within else "OVER"


def ran(command: list[str], root: Path) -> Cost:
    """Run a command to its end, from a small process: a child has at least the peak memory of whoever began it."""
    done = subprocess.run([sys.executable, "-c", MEASURE, *command], cwd=root, capture_output=True, check=True)
    return Cost(*json.loads(done.stdout))


def write(lab: Lab, name: str) -> None:
    """One more row, as a server writes it."""
    context = lab.for_reading()
    number = context.active.last_iteration + 1
    *before, logged = iteration(number, keep=False)
    row = logged.row.model_copy(update={"description": name})  # type: ignore[union-attr]
    context.record(*before, logged.model_copy(update={"row": row}))


def terminal(root: Path, lab: Lab, number: int) -> tuple[Cost, float]:
    """What a first picture costs, and seconds from a written row to that row on the screen."""
    process, master, began = in_terminal(root)
    start = seen(master, b"a smaller number", began)
    first = end(process, start)
    os.close(master)
    process, master, began = in_terminal(root)
    seen(master, b"a smaller number", began)
    name = f"fresh {number}"
    began = time.perf_counter()
    write(lab, name)
    row = seen(master, name.encode(), began)
    end(process)
    os.close(master)
    return first, row


def in_terminal(root: Path) -> tuple[subprocess.Popen[bytes], int, float]:
    """A watcher in a terminal of its own."""
    master, slave = pty.openpty()
    names = {**os.environ, "COLUMNS": "120", "LINES": "40", "TERM": "xterm-256color"}
    began = time.perf_counter()
    process = subprocess.Popen(WATCH, cwd=root, stdin=slave, stdout=slave, stderr=slave, env=names)
    os.close(slave)
    return process, master, began


def end(process: subprocess.Popen[bytes], seconds: float = 0.0) -> Cost:
    """Leave a watcher; what it took until now."""
    told = Path(f"/proc/{process.pid}/status").read_text().partition("VmHWM:")[2]
    process.send_signal(signal.SIGINT)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(seconds, used.ru_utime + used.ru_stime, int(told.split()[0]) / 1024)


def seen(master: int, words: bytes, began: float) -> float:
    """Seconds until a terminal shows something."""
    text = b""
    while words not in text:
        select.select([master], [], [])
        text += os.read(master, 65536)
    return time.perf_counter() - began


def page(root: Path, lab: Lab, number: int) -> tuple[Cost, float]:
    """What the whole page costs, and seconds from a written row to its event, once the journal was checked."""
    began = time.perf_counter()
    process = subprocess.Popen([*WATCH, "--web"], cwd=root, stdout=subprocess.PIPE)
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
    process.stdout.close()
    return end(process, start), row


def heard(readline: Callable[[], bytes], words: bytes) -> None:
    """Read until something is said."""
    while words not in readline():
        pass


def idle(root: Path) -> float:
    """Milliseconds of processor time a second that a watcher uses while nothing happens, its start left out."""
    spent = []
    for seconds in (1.0, 1.0 + IDLE_S):
        process, master, began = in_terminal(root)
        seen(master, b"a smaller number", began)
        time.sleep(seconds)
        spent.append(end(process).busy)
        os.close(master)
    return 1000 * (spent[1] - spent[0]) / IDLE_S


if __name__ == "__main__":
    main()
