"""The engines that move orders to other machines and find room there. What they say of a job is a hint; only a sealed answer counts.

Each is given orders and says what came back; none tries anything again, because a try is counted before it begins.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..storage.disk import write_atomically
from .node_run import work

REACH_S = 15.0
_ORDER, _ANSWER = "order", "answer"


@dataclass(frozen=True)
class Came:
    """What became of a job: the node that worked it off and its sealed answer, empty where it was lost, for the reason in `why`."""

    node: str = ""
    answer: bytes = b""
    why: str = ""


Job = TypeVar("Job")


class Engine(Protocol[Job]):
    """Where orders can be worked off."""

    def begin(self, given: bytes, node: str, but: Sequence[str]) -> Job:
        """Send an order to a node; where none is named, to any but those. Return the job.

        Raises:
            ValueError: if there is no other one.
        """

    def came(self, job: Job) -> Came | None:
        """Return what became of a job; None while it goes on. What it raises is the reason why there is no answer."""

    def end(self, job: Job) -> None:
        """End a job, and on its node what belongs to it."""


class Ray:
    """A running Ray cluster. Ray tries nothing again by itself: it cannot know whether a try has run."""

    def __init__(self, options: dict[str, str]) -> None:
        """Join the cluster at `address`; what else is named are resources for each run.

        Raises:
            OSError: if nobody listens there.
            ValueError: if no node has such resources.
        """
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        host, _, port = options.pop("address").rpartition(":")
        socket.create_connection((host, int(port)), REACH_S).close()  # Ray itself waits for ever
        ray.init(address=f"{host}:{port}", log_to_driver=False, configure_logging=False)
        self._ray: Any = ray
        self._wanted = {name: float(value) for name, value in options.items()}
        self._refuse_without(())
        usual = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory"}
        own = {name: amount for name, amount in self._wanted.items() if name not in usual}
        known = {usual[name]: amount for name, amount in self._wanted.items() if name in usual}
        self._on = NodeAffinitySchedulingStrategy
        self._work, self._options = ray.remote(work_for_ray), {**known, "resources": own, "max_retries": 0}

    def begin(self, given: bytes, node: str, but: Sequence[str]) -> object:
        where: dict[str, Any] = {}
        if node:
            where = {"scheduling_strategy": self._on(node, soft=False)}
        elif but:
            self._refuse_without(but)
            where = {"label_selector": {"ray.io/node-id": f"!in({','.join(but)})"}}
        return self._work.options(**self._options, **where).remote(given)

    def came(self, job: object) -> Came | None:
        if not self._ray.wait([job], timeout=0)[0]:
            return None
        node, answer = self._ray.get(job)
        return Came(node, answer)

    def end(self, job: object) -> None:
        self._ray.cancel(job, force=True)

    def _refuse_without(self, but: Sequence[str]) -> None:
        """Refuse what Ray would wait for without an end: resources that no node has, except on some."""
        there = [node["Resources"] for node in self._ray.nodes() if node["Alive"] and node["NodeID"] not in but]
        for name, amount in (self._wanted or {"CPU": 1.0}).items():
            if (most := max((node.get(name, 0) for node in there), default=0)) < amount:
                other = "other node" if but else "node"
                raise ValueError(f"no {other} of the cluster has {name}={amount:g}; the most that one has is {most:g}")


def work_for_ray(given: bytes) -> tuple[str, bytes]:
    """Work an order off in a process of Ray's."""
    import ray

    return ray.get_runtime_context().get_node_id(), work(given)


@dataclass(frozen=True)
class SlurmJob:
    """A job of submitit's, and the folder in which its order and its answer stand."""

    place: Path
    submitted: Any


class Slurm:
    """A Slurm cluster by way of submitit, through a folder that all machines see; without Slurm processes of this machine."""

    def __init__(self, options: dict[str, str]) -> None:
        """Use the folder `folder`; `cluster` is as submitit takes it, what else is named are parameters of its jobs.

        Raises:
            OSError: if there is no such folder.
        """
        import submitit

        self._folder = Path(tempfile.mkdtemp(prefix="autoresearch-", dir=options.pop("folder")))
        self._executor = submitit.AutoExecutor(folder=self._folder / "jobs", cluster=options.pop("cluster", None))
        self._executor.update_parameters(**{name: _typed(value) for name, value in options.items()})

    def begin(self, given: bytes, node: str, but: Sequence[str]) -> SlurmJob:
        if not node and _node() in but:
            raise ValueError("there is no other node")
        place = Path(tempfile.mkdtemp(prefix="run-", dir=self._folder))
        (place / _ORDER).write_bytes(given)  # the folder is ours alone: an order holds the secret of its seal
        if self._executor.cluster == "slurm":
            where = {"nodelist": node} if node else {"exclude": ",".join(but)} if but else {}
            self._executor.update_parameters(slurm_additional_parameters=where)
        return SlurmJob(place, self._executor.submit(work_in_folder, str(place)))

    def came(self, job: SlurmJob) -> Came | None:
        over = job.submitted.done()  # asked first: whoever is over has answered before
        if (job.place / _ANSWER).exists():
            node, _, answer = (job.place / _ANSWER).read_bytes().partition(b"\n")
            shutil.rmtree(job.place, ignore_errors=True)
            return Came(node.decode(), answer)
        return Came(why=f"job {job.submitted.job_id}: {job.submitted.state}") if over else None

    def end(self, job: SlurmJob) -> None:
        job.submitted.cancel()


def work_in_folder(place: str) -> None:
    """Work the order in a folder off, and write the answer beside it."""
    given = (Path(place) / _ORDER).read_bytes()
    (Path(place) / _ORDER).unlink()  # nothing that runs may read it
    write_atomically(Path(place) / _ANSWER, _node().encode() + b"\n" + work(given))


def _node() -> str:
    """Return the name of this machine as Slurm has it, else its own."""
    return os.environ.get("SLURMD_NODENAME") or socket.gethostname()


def engine(name: str, options: Mapping[str, str]) -> Engine[Any]:
    """Return the engine of a name, ready for orders."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    return Ray(dict(options)) if name == "ray" else Slurm(dict(options))


def _typed(value: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def short(error: Exception) -> str:
    """Say in a line what an engine's library raised."""
    return f"{type(error).__name__}: {error}".partition("\n")[0][:300]
