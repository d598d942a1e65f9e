"""Candidates on other machines: what it gains, what a run there costs more, and whether anything is lost or doubled when a node dies.

Run it with the Python that the package, its test tools, Ray and submitit are installed in. `python benchmarks/elsewhere.py ray` starts
a cluster of three nodes on this machine by Ray's own testing utility, in a network namespace of its own with nothing but a loopback
device, because Ray listens on every address. `slurm` has submitit start its jobs as processes of this machine. Each plays sessions
of tries whose verify sleeps four seconds, for 1, 2 and 4 workers, beside 2 and 4 lanes at home; then one in which a node, or a job, is
killed in the middle. It counts from the record that the first candidate's run begins to the one that the last ended: how many an
hour, the share of the workers' time in verify, and what one took beyond its verify. Each candidate has to have one row, no run may
count twice, and nothing may be left that runs.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from kill9 import own_git

from autoresearch_mcp.tools.parallel.board import stream
from autoresearch_mcp.tools.parallel.crew import crew_of
from autoresearch_mcp.tools.parallel.events import LaneRan, LaneTaken, Submitted, read_board_event
from autoresearch_mcp.tools.parallel.executor import VARIABLE
from autoresearch_mcp.tools.process.processes import descendants
from autoresearch_mcp.tools.verbs.parallel import Parallel
from autoresearch_mcp.tools.workflows.fix.hooks import refuse_hiding
from conftest import Project

WORKERS = (1, 2, 4)
NODES, CPUS = 3, 2
SLEEP_S = 4
BETTER = 5
"""The try that makes the sum smaller."""
_ALONE = "AUTORESEARCH_BENCHMARK_ALONE"


class Timed(Project):
    """A project with the real time."""

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    @now.setter
    def now(self, value: float) -> None:
        """Leave it to the clock."""


def session(root: Path, where: str, workers: int, tries: int, then: Callable[[], None] = lambda: None) -> Project:
    """Play a session; `then` is called once as many runs were begun as half of its tries."""
    os.environ[VARIABLE] = f"{where} workers={workers}" if where else ""
    log = root.parent / f"{root.name}.log"
    project = Timed(
        root,
        verify=f"echo >> {log}; sleep {SLEEP_S}; cat src/* | paste -sd+ | bc",
        guards=(),
        workers=0 if where else workers,
    )
    for number in range(tries):
        project.write(f"src/{number}.txt", "10\n")
    project.commit("parts").start()
    verbs = Parallel(project.lab)
    place = verbs.workspace()
    for number in range(tries):
        (Path(place.path) / f"src/{number}.txt").write_text(f"{5 if number == BETTER else 11}\n")
        verbs.submit(f"try {number}", place.name)
    lines = log.stat().st_size + tries // 2
    threading.Thread(target=_once, args=(log, lines, then), daemon=True).start()
    crew_of(project.lab, "", refuse_hiding).work()
    return project


def _once(log: Path, lines: int, then: Callable[[], None]) -> None:
    while log.stat().st_size < lines:
        time.sleep(0.05)
    then()


def board_events(project: Project) -> list[tuple[float, object]]:
    context = project.lab.for_reading()
    bodies = context.journal.ledger_bodies(stream(context.active.id), 0)
    return [(place.at, read_board_event(body)) for place, body in bodies]


def told(project: Project, name: str, workers: int) -> None:
    """Print a row about a session."""
    events = board_events(project)
    begun = {event.subject: at for at, event in events if isinstance(event, LaneTaken)}
    first = min(at for at, event in events if isinstance(event, LaneTaken) and event.candidate)
    ran = [(at, event) for at, event in events if isinstance(event, LaneRan)]
    counted = [(at, event, event.measurement) for at, event in ran if event.candidate and event.measurement]
    again = sum(isinstance(event, LaneTaken) and event.attempt > 1 for _, event in events)
    beyond = [at - begun[event.subject] - run.seconds for at, event, run in counted]
    took = max(at for at, _, _ in counted) - first
    at_work = sum(run.seconds for _, _, run in counted) / (workers * took)
    statuses = project.statuses()[1:]
    assert len(statuses) == sum(isinstance(event, Submitted) for _, event in events), "each has one row"
    assert len({event.subject for _, event in ran}) == len(ran), "no run counts twice"
    assert statuses.count("keep") == 1, statuses
    for _, event in ran:
        if event.problem:
            print(f"{event.subject}: {event.problem}", file=sys.stderr)
    row = (name, f"{3600 * len(counted) / took:.0f}", f"{at_work:.0%}", f"{statistics.median(beyond):.2f} s", again)
    print(f"| {' | '.join(map(str, row))} | {len(statuses) - len(counted)} |", flush=True)


def left_running(folder: Path) -> list[str]:
    """Return the commands of processes that work in a folder."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if Path(os.readlink(f"/proc/{entry}/cwd")).is_relative_to(folder):
                found.append(Path(f"/proc/{entry}/cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@contextmanager
def ray_nodes() -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """Give the address of a cluster of three nodes, what kills one of them, and what starts another one."""
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    cluster.add_node(num_cpus=0, include_dashboard=False, object_store_memory=100 * 2**20)

    nodes: list[Any] = []

    def add() -> None:  # Ray sets a signal there, so in no thread
        nodes.append(cluster.add_node(num_cpus=CPUS, object_store_memory=100 * 2**20))

    def kill() -> None:
        cluster.remove_node(nodes.pop(0), allow_graceful=False)

    for _ in range(NODES):
        add()
    try:
        yield cluster.address, kill, add
    finally:
        cluster.shutdown()


@contextmanager
def ray_cluster() -> Iterator[tuple[str, Callable[[], None]]]:
    """Give what the variable is to be for a cluster, and what kills a node of it."""
    with ray_nodes() as (address, kill, _):
        yield f"ray address={address} CPU=1", kill


@contextmanager
def slurm_jobs(folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Give a folder for jobs, and what kills one of them."""

    def kill() -> None:
        found = [pid for pid in descendants(os.getpid()) if b"submitit" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(found[-1], signal.SIGKILL)

    yield f"slurm folder={folder} cluster=local", kill


def alone(arguments: list[str]) -> None:
    """Go on in a network namespace in which there is a loopback device and nothing else."""
    if os.environ.get(_ALONE) is None:
        inner = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, *arguments]
        command = ["unshare", "--user", "--map-root-user", "--net", *inner]
        raise SystemExit(subprocess.run(command, env={**os.environ, _ALONE: "1"}, check=False).returncode)
    assert [name for _, name in socket.if_nameindex()] == ["lo"], "nobody else is to reach what Ray opens"


def main() -> None:
    """Measure one engine."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("engine", choices=("ray", "slurm"))
    parser.add_argument("--tries", type=int, default=16)
    parser.add_argument("--kill", action="store_true", help="only the session in which one is killed")
    options = parser.parse_args()
    if options.engine == "ray":
        alone(sys.argv)
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    with tempfile.TemporaryDirectory(prefix="ar") as name:
        folder = Path(name)
        os.environ.update(own_git(folder))
        heads = ("where, workers", "tries an hour", "at work", "beyond verify", "attempts more", "lost")
        print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
        for workers in () if options.kill else WORKERS[1:]:
            told(session(folder / f"home-{workers}", "", workers, options.tries), f"home, {workers}", workers)
        with ray_cluster() if options.engine == "ray" else slurm_jobs(folder) as (where, kill):
            for workers in () if options.kill else WORKERS:
                made = session(folder / f"there-{workers}", where, workers, options.tries)
                told(made, f"{options.engine}, {workers}", workers)
            every = NODES * CPUS  # so that each node has something to do
            made = session(folder / "killed", where, every, options.tries, kill)
            told(made, f"{options.engine}, {every}, one killed", every)
            assert not (left := left_running(folder / "cache")), left


if __name__ == "__main__":
    main()
