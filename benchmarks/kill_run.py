"""Kills a run at random instants: its driver, the keeper of its leg, the agent and the agent's server, in any mixture.

Run it from a clone, with the Python that the package is installed in: `python benchmarks/kill_run.py --kills 200 --seed 1`. The
agent is a small program that speaks MCP to the server that it is told of and takes one off a number, in one session whatever is
killed. When enough have been killed a last run makes `--after` iterations undisturbed, and it is looked whether there is one row
an iteration, one commit an attempt, no crash, HEAD is what was kept last and the best, the chain of the journal holds, the user's file is as
it was, and nothing of any leg lives. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from autoresearch_mcp.tools.lab.access import Lab

AGENT = """
import json, subprocess, sys
from pathlib import Path

sys.stdin.read()
entry = json.load(open(sys.argv[1]))["mcpServers"]["autoresearch"]
server = subprocess.Popen([entry["command"], *entry["args"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
asked = 0


def send(**message):
    server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\\n")
    server.stdin.flush()


def ask(method, **params):
    global asked
    asked += 1
    send(id=asked, method=method, params=params)
    while (answer := json.loads(server.stdout.readline())).get("id") != asked:
        pass
    return answer["result"]


def call(name, **arguments):
    return ask("tools/call", name=name, arguments=arguments)["structuredContent"]


ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "a program", "version": "1"})
send(method="notifications/initialized")
state, value = call("status"), Path("value.txt")
while state["phase"] not in {"ended", "no-session"}:
    first = state["next"][0]
    if "iterate" in state["next"] and first != "wait":
        value.write_text(f"{int(value.read_text()) - 1}\\n")
        state = call("iterate", description=f"down to {value.read_text().strip()}")
    else:
        state = call(first) if first in {"wait", "verify", "guard", "revert", "log"} else call("status")
    if "code" in state:
        state = call("status")
"""
PLAN = """
goal = "a smaller number"
scope = ["value.txt"]
metric = "value"
direction = "lower"
verify = "sleep 0.2; cat value.txt"
read = "last"
noise = "none"
"""
PAUSES_S = (0.0, 0.5, 1.0, 2.0, 4.0)
MOST_S = 300.0
"""How long a kill waits for iterations that do not come."""


class KilledRun:
    """A repository with a run in it, and what was killed so far."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.killed: Counter[str] = Counter()
        self.driver: subprocess.Popen[bytes] | None = None
        files = {"value.txt": "100000\n", "autoresearch.toml": PLAN, "agent.py": AGENT}
        for name, text in files.items():
            (root / name).write_text(text)
        for words in (["init", "-q"], ["config", "user.name", "A"], ["config", "user.email", "a@b"], ["add", "-A"]):
            self.git(*words)
        self.git("commit", "-qm", "start")
        (root / "notes.txt").write_text("the user's")
        self.server = [sys.executable, "-m", "autoresearch_mcp.server", "--root", str(root)]
        self.command = [*self.server, "run", "--agent-command", f"{sys.executable} agent.py {{mcp_config}}"]

    def git(self, *words: str) -> str:
        return subprocess.run(["git", *words], cwd=self.root, check=True, capture_output=True, text=True).stdout

    def start(self) -> None:
        """See that a driver is at work."""
        if self.driver is None or self.driver.poll() is not None:
            self.driver = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def living(self) -> Iterator[tuple[int, str]]:
        """Yield number and part of each process of a leg."""
        for entry in filter(str.isdigit, os.listdir("/proc")):
            with suppress(OSError):
                words = Path(f"/proc/{entry}/cmdline").read_bytes()
                known = Path(f"/proc/{entry}/environ").read_bytes()
                if b"AUTORESEARCH_LEG=" in known and f"PWD={self.root}".encode() in known + b"\0PWD=" + _place(entry):
                    part = "keeper" if b"driver.keeper" in words else "server" if b".server" in words else "agent"
                    yield int(entry), part

    def go_on(self, draw: random.Random) -> None:
        """Let it go on for none, one or two iterations, however long they take here, and for a moment."""
        wanted, until = len(self.rows()) + draw.randrange(3), time.monotonic() + MOST_S
        while len(self.rows()) < wanted and not self.waits() and time.monotonic() < until:
            self.start()
            time.sleep(0.1)
        self.start()
        time.sleep(draw.choice(PAUSES_S) * draw.random())

    def waits(self) -> bool:
        """Return whether this driver only waits for the next leg."""
        place = self.root / ".git/autoresearch/driver"
        mine = self.driver is not None and _read(place / "lock") == str(self.driver.pid)
        return mine and bool(json.loads(_read(place / "now.json") or "{}").get("until"))

    def kill(self, draw: random.Random) -> None:
        """Kill some of what lives; the driver for certain where it only waits for the next leg."""
        waits = self.waits()
        victims = [one for one in self.living() if draw.random() < 0.5]
        if self.driver and (waits or draw.random() < 0.3):
            victims.append((self.driver.pid, "driver"))
        for pid, part in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.killed[part] += 1
            if self.driver and part == "driver":
                self.driver.wait()

    def rows(self) -> list[list[str]]:
        lines = _read(self.root / "autoresearch-results.tsv").splitlines()
        return [line.split("\t") for line in lines if line[:1].isdigit()]

    def committed(self) -> list[str]:
        """Return the commit of each attempt in the journal."""
        with closing(sqlite3.connect(self.root / ".git/autoresearch/journal.db")) as journal:
            query = "SELECT json_extract(body, '$.commit') FROM event WHERE kind = 'committed'"
            return [commit for (commit,) in journal.execute(query) if commit]

    def broken(self) -> list[str]:
        """Return what does not hold once the run is over."""
        rows = self.rows()
        subjects = self.git("log", "--format=%s").splitlines()
        experiments = sum(subject.startswith("experiment(") for subject in subjects)
        tree = self.git("rev-parse", "HEAD^{tree}")
        kept = [row[1] for row in rows if row[5].startswith(("baseline", "keep"))]
        measured = [float(row[2]) for row in rows if row[5].startswith(("baseline", "keep"))]
        holds = {
            "one row an iteration": [int(row[0]) for row in rows] == list(range(len(rows))),
            "one commit an attempt": experiments == len(self.committed()) == len(set(self.committed())),
            "HEAD is the last that was kept": tree == self.git("rev-parse", f"{kept[-1]}^{{tree}}"),
            "HEAD is the best": float(self.git("show", "HEAD:value.txt")) == min(measured),
            "no kill is told as a crash": not any(row[5] == "crash" for row in rows),
            "the chain of the journal": not Lab(self.root).for_reading().journal.broken(thorough=True),
            "the user's file": _read(self.root / "notes.txt") == "the user's",
            "nothing of a leg lives": not list(self.living()),
        }
        return [name for name, held in holds.items() if not held]


def _place(entry: str) -> bytes:
    return os.fsencode(os.readlink(f"/proc/{entry}/cwd"))


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def main() -> int:
    """Kill, let the run end, and look; the exit status tells whether something broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--after", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        run = KilledRun(Path(folder).resolve())
        with suppress(KeyboardInterrupt):  # look at what is left of fewer kills
            while run.killed.total() < options.kills:
                run.go_on(draw)
                run.kill(draw)
        print(f"killed {run.killed.total()}: {dict(run.killed)}, {max(0, len(run.rows()) - 1)} iterations made")
        if run.driver:
            run.driver.kill()
            run.driver.wait()
        ended = subprocess.run(
            [*run.command, "--iterations", str(options.after)], capture_output=True, text=True, check=False
        )
        print(f"the rows: {dict(Counter(row[5] for row in run.rows()))}, {len(run.committed())} attempts")
        broken = run.broken() + ([] if ended.returncode == 0 else [f"the run: {ended.stdout}{ended.stderr}"])
    print(f"broken: {', '.join(broken) or 'nothing'}")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
