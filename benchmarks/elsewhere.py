"""Candidates on other machines: what it gains, what a run there costs more, and whether anything is lost or doubled when a node dies.

Run it with the Python that the package, its test tools, Ray and submitit are installed in. `python benchmarks/elsewhere.py ray` starts
a cluster of three nodes on this machine by Ray's own testing utility, in a network namespace of its own with nothing but a loopback
device, because Ray listens on every address. `slurm` has submitit start its jobs as processes of this machine. Each plays sessions
of tries whose verify sleeps a second, for 1, 2 and 4 workers; then one in which a node, or a job, is killed in the middle.
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
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from kill9 import own_git

from autoresearch_mcp.tools.parallel.board import stream
from autoresearch_mcp.tools.parallel.crew import crew_of
from autoresearch_mcp.tools.parallel.events import LaneRan, LaneTaken, read_board_event
from autoresearch_mcp.tools.parallel.executor import VARIABLE
from autoresearch_mcp.tools.process.processes import descendants
from autoresearch_mcp.tools.verbs.parallel import Parallel
from autoresearch_mcp.tools.workflows.fix.hooks import refuse_hiding
from conftest import Project

WORKERS = (1, 2, 4)
NODES, CPUS = 3, 2
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
        root, verify=f"echo >> {log}; sleep 1; cat src/* | paste -sd+ | bc", guards=(), workers=0 if where else workers
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


def _board(project: Project) -> list[tuple[float, object]]:
    context = project.lab.for_reading()
    bodies = context.journal.ledger_bodies(stream(context.active.id), 0)
    return [(place.at, read_board_event(body)) for place, body in bodies]


def told(project: Project, name: str, tries: int, began: float) -> float:
    """Print a row about a session, and return its seconds."""
    took, events = time.monotonic() - began, _board(project)
    begun = {event.subject: at for at, event in events if isinstance(event, LaneTaken) and event.attempt == 1}
    ran = [(at, event) for at, event in events if isinstance(event, LaneRan)]
    again = sum(isinstance(event, LaneTaken) and event.attempt > 1 for _, event in events)
    of_one = [at - begun[event.subject] for at, event in ran if event.candidate]
    statuses = project.statuses()[1:]
    assert len(statuses) == tries, "each has one row"
    assert len({event.subject for _, event in ran}) == len(ran), "no run counts twice"
    assert statuses.count("keep") == 1, statuses
    lost = sum(bool(event.problem) for _, event in ran)
    for _, event in ran:
        if event.problem:
            print(f"{event.subject}: {event.problem}", file=sys.stderr)
    print(f"| {name} | {3600 * tries / took:.0f} | {statistics.median(of_one):.2f} s | {again} | {lost} |", flush=True)
    return took


@contextmanager
def ray_cluster(folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Give a cluster of three nodes, and what kills one of them."""
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    cluster.add_node(num_cpus=0, include_dashboard=False, object_store_memory=100 * 2**20)
    nodes = [cluster.add_node(num_cpus=CPUS, object_store_memory=100 * 2**20) for _ in range(NODES)]

    def kill() -> None:
        cluster.remove_node(nodes[0], allow_graceful=False)

    try:
        yield f"ray address={cluster.address} CPU=1", kill
    finally:
        cluster.shutdown()


@contextmanager
def slurm_jobs(folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Give a folder for jobs, and what kills one of them."""

    def kill() -> None:
        found = [pid for pid in descendants(os.getpid()) if b"submitit" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        os.kill(found[-1], signal.SIGKILL)

    yield f"slurm folder={folder} cluster=local", kill


def _alone(arguments: list[str]) -> None:
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
    parser.add_argument("--tries", type=int, default=12)
    parser.add_argument("--kill", action="store_true", help="only the session in which one is killed")
    options = parser.parse_args()
    if options.engine == "ray":
        _alone(sys.argv)
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    opened = ray_cluster if options.engine == "ray" else slurm_jobs
    with tempfile.TemporaryDirectory(prefix="ar") as name:
        folder = Path(name)
        os.environ.update(own_git(folder))
        print("| where, workers | tries an hour | one run, median | attempts more | lost |\n|---|---|---|---|---|")
        for workers in () if options.kill else (2, 4):
            began = time.monotonic()
            told(
                session(folder / f"home-{workers}", "", workers, options.tries),
                f"home, {workers}",
                options.tries,
                began,
            )
        with opened(folder) as (where, kill):
            for workers in () if options.kill else WORKERS:
                began = time.monotonic()
                made = session(folder / f"there-{workers}", where, max(workers, 1), options.tries)
                told(made, f"{options.engine}, {workers}", options.tries, began)
            began = time.monotonic()
            made = session(
                folder / "killed", where, NODES * CPUS, options.tries, kill
            )  # so that every node has something to do
            told(made, f"{options.engine}, {NODES * CPUS}, one killed", options.tries, began)


if __name__ == "__main__":
    main()
