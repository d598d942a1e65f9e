"""Kills who works candidates off on other machines, at named instants: server, dispatcher, job or node, and the supervisor of a run there.

Run it with the Python that the package, its test tools, submitit and Ray are installed in: `python benchmarks/kill_nodes.py slurm --kills 200`. Of
Slurm the jobs are processes of this machine, three times in four those of the dispatcher itself; `ray` starts a cluster of three
nodes as `elsewhere.py` does, and a node that was killed is replaced. Each time a server works two candidates off, and at an instant (a dispatcher
is there, an order was sent, a command runs on a node, an answer was written) one or two of the parts that live then are killed. If
the server was one of them another one goes on. Afterwards there has to be one row a candidate and the same keep as ever, no run
that counts twice, every invariant of `tests/crashing.py`, and no process that is left. Linux only.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from elsewhere import alone, board_events, left_running, ray_nodes
from kill9 import HANDED_IN, hand_in, own_git

from autoresearch_mcp.tools.git import cli
from autoresearch_mcp.tools.parallel.crew import crew_of
from autoresearch_mcp.tools.parallel.events import LaneRan
from autoresearch_mcp.tools.parallel.executor import VARIABLE
from autoresearch_mcp.tools.workflows.fix.hooks import refuse_hiding
from conftest import Project, UnsyncedConnection
from crashing import check, in_a_child, when_free

INSTANTS = ("dispatcher", "sent", "at work", "answered")
VERIFY = "sleep 0.2; cat value.txt src/part.txt | paste -sd+ | bc"
_WORDS = {"dispatcher": b"parallel.dispatcher", "node": b"submitit.core._submit", "worker": b"ray::work_for_ray"}
"""What is in the command of a part that is a process of its own."""
PATIENCE_S = 180.0
"""How long a session may take, and what was killed may take to be gone, in seconds."""


class Site:
    """A repository with an open session, and what is at work for it on this machine."""

    def __init__(self, folder: Path, project: Project) -> None:
        self.folder, self.project = folder, project

    def seen(self, instant: str) -> set[str]:
        """Return what tells of an instant: a process or a file."""
        match instant:
            case "dispatcher":
                return {str(pid) for pid in self.processes("dispatcher")}
            case "sent":
                jobs = (*self.processes("node"), *self.processes("worker"))
                return {*map(str, jobs), *map(str, self.folder.glob("shared/*/run-*/order"))}
            case "at work":
                return set(map(str, self._alive()))
            case _:
                return set(map(str, self.folder.glob("shared/*/run-*/answer")))

    def processes(self, part: str) -> list[int]:
        """Return the processes of a part that live now."""
        if part == "supervisor":
            with suppress(OSError):
                return [int(text) for file in self._alive() if (text := file.read_text())]
            return []
        if part not in _WORDS:
            return []
        own = b"" if part == "worker" else os.environ[VARIABLE].split()[1].partition("=")[2].encode()
        return [pid for pid, line in _lines() if _WORDS[part] in line and own in line]

    def _alive(self) -> list[Path]:
        return [*self.folder.glob("cache/*/nodes/*/*/places/*/runs/*/alive")]


def _lines() -> Iterator[tuple[int, bytes]]:
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            yield int(entry), Path(f"/proc/{entry}/cmdline").read_bytes()


def work_off(project: Project) -> None:
    """Hand in what is not there yet, and work all of it off."""
    hand_in(project)
    crew_of(project.lab, "", refuse_hiding).work()


def killed(
    site: Site, draw: random.Random, instant: str, parts: tuple[str, ...], more: Callable[[str], None]
) -> list[str]:
    """Work off, and kill one or two parts when an instant has come for the first, second or third time; return which were."""
    server = os.fork()
    if server == 0:
        with suppress(BaseException):  # a refusal is an end like another
            work_off(site.project)
        os._exit(0)
    left, known, until = 1 if instant == "dispatcher" else draw.randint(1, 3), set[str](), time.monotonic() + PATIENCE_S
    while left > 0:
        new = site.seen(instant) - known
        known, left = known | new, left - len(new)
        if os.waitpid(server, os.WNOHANG)[0]:
            return []
        if time.monotonic() > until:
            break
        time.sleep(0.002)
    time.sleep(draw.choice((0, 0, 0.05, 0.3)))
    living = {"server": [server]} | {part: found for part in parts if (found := site.processes(part))}
    hit = draw.sample(sorted({*living, *({"raylet"} & {*parts})}), 1 + (draw.random() < 1 / 3 and len(living) > 1))
    for part in hit:
        more(part)
        for pid in living.get(part, [])[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + PATIENCE_S
    while not os.waitpid(server, os.WNOHANG)[0]:
        if time.monotonic() > until:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)
            return [*hit, "HUNG"]
        time.sleep(0.01)
    return hit


def broken_after(site: Site, crash: bool) -> str:
    """Let another server go on, and say what does not hold then; one `crash` does where a supervisor was killed."""
    project = site.project
    project.restart()
    in_a_child(lambda: when_free(lambda: work_off(project)))
    project.restart()
    in_a_child(lambda: project.try_value(50, "an idea"))  # makes up for what is missing
    project.restart()
    try:
        check(project)
        _, *rows = project.statuses()
        missing = Counter(("discard", "discard", "keep")) - Counter(rows)
        assert not missing or (crash and missing.total() == rows.count("crash") == 1), rows
        assert len(rows) == 3, rows
        ran = [event.subject for _, event in board_events(project) if isinstance(event, LaneRan)]
        assert len(set(ran)) == len(ran), ran
        until = time.monotonic() + 30
        while (left := left_running(site.folder / "cache")) and time.monotonic() < until:
            time.sleep(0.1)
        assert not left, left
    except AssertionError as error:
        return f"{error}".partition("\n")[0] or "a check"
    return ""


@contextmanager
def engine(name: str, folder: Path) -> Iterator[tuple[Callable[[random.Random], str], Callable[[str], None]]]:
    """Give what the variable is to be, and what kills a node."""
    if name == "slurm":
        shared = folder / "shared"
        shared.mkdir()
        yield (
            lambda draw: f"slurm folder={shared} cluster={draw.choice(('debug', 'debug', 'debug', 'local'))} workers=2",
            lambda part: None,
        )
        return
    with ray_nodes() as (address, kill, add):

        def another(part: str) -> None:
            if part == "raylet":
                kill()
                add()

        yield lambda draw: f"ray address={address} workers=2 CPU=1", another


def main() -> int:
    """Kill until enough have died; the exit status tells whether something broke."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("engine", choices=("slurm", "ray"))
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no other session after so many")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.engine == "ray":
        alone(sys.argv)
    # A kill loses nothing that was not synchronised: nobody waits for the disk.
    os.fsync = lambda descriptor: None  # type: ignore[assignment]
    sqlite3.connect = partial(sqlite3.connect, factory=UnsyncedConnection)  # type: ignore[assignment]
    cli.SETTINGS = (*cli.SETTINGS, "core.fsync=none")  # type: ignore[assignment]
    draw, hits, broken = random.Random(options.seed), Counter[str](), list[str]()
    parts = ("server", "dispatcher", "supervisor", *(("node",) if options.engine == "slurm" else ("worker", "raylet")))
    until = time.monotonic() + options.seconds
    with tempfile.TemporaryDirectory(prefix="ar") as name:
        folder = Path(name).resolve()
        os.environ.update(own_git(folder))
        with engine(options.engine, folder) as (variable, more):
            template = Project(folder / "template", verify=VERIFY, guards=())
            template.write("src/part.txt", "20\n").commit("a part").start()
            assert len(HANDED_IN) == 2
            while hits.total() < options.kills and time.monotonic() < until:
                os.environ[VARIABLE] = where = variable(draw)
                site = Site(folder, template.copied(folder / "repo"))
                instant = draw.choice(INSTANTS if options.engine == "slurm" else INSTANTS[:-1])
                hit = killed(site, draw, instant, parts, more)
                hits.update(f"{instant}: {part}" for part in hit)
                print(f"{options.engine}, {instant}: {hit}", file=sys.stderr, flush=True)
                if problem := broken_after(site, "supervisor" in hit):
                    broken.append(f"{where.split()[0]}, {instant}, {hit}: {problem[:400]}")
                    print(broken[-1], file=sys.stderr, flush=True)
                shutil.rmtree(folder / "repo")
                for rest in folder.glob("shared/*"):
                    shutil.rmtree(rest, ignore_errors=True)
    for point, count in sorted(hits.items()):
        print(f"{point:24} {count:5}")
    print(f"{hits.total()} kills; broken: {len(broken)}")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
