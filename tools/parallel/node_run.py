"""A run on another machine: the order that travels there, the work, and the sealed answer that comes back.

An order is a line of JSON and, behind it, a pack of git's: what the node lacks of the commit, beyond the one that the session began
at. The node keeps a repository for each session, so that all but its first order are small. The run is the one of a lane at home:
the same checkout, meter and supervisor; it ends with the process that works the order off.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from itertools import count
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ..decision.calibration import baseline_runs
from ..decision.measured import Measurement, Place
from ..git.cli import GitCli
from ..git.linked_checkout import cache_folder
from ..git.paired_checkout import PairedCheckout
from ..git.repo import Repo
from ..iteration.clean_runs import meter_for
from ..measurement.machine import MISSING, fingerprint
from ..measurement.runs import RunNumbers, RunService, RunSpec, has_sandbox
from ..process.gpus import VISIBLE
from ..process.runner import KILLED
from ..session.events import Started
from ..session.fold import advance
from ..session.state import Session
from ..storage.disk import held_lock, take_lock

VERSION = version("autoresearch-mcp")
PATIENCE_S = 600.0
"""How long an order waits for another one that brings the same repository to the node, in seconds."""
KEPT_S = 7 * 86400.0
"""How long a node keeps a session's repository after its last run, in seconds."""


class Order(BaseModel):
    """What to run: verify at a commit, once for a candidate. The best (`candidate` 0) is run as often as a baseline takes; twice of
    a metric that repeats, to see whether it does so there. So is the best at the commit `best` in place of a candidate on a node whose
    kind is none of those that are `fit`, on which a best gave its number before.
    """

    model_config = ConfigDict(frozen=True)

    session: str
    name: str
    start: Started
    started_at: float
    candidate: int
    incumbent: int
    commit: str
    best: str
    fit: tuple[str, ...]
    seed: int
    secret: str
    version: str = VERSION


class NodeRuns(BaseModel):
    """What a node made of an order: runs of the candidate or, in its place, `of_best`. `kind` is a digest of hardware and programs,
    `hardware` the same in words. It `lacks` the commit that the session began at, or says in `problem` why it can measure nothing.
    """

    model_config = ConfigDict(frozen=True)

    kind: str = ""
    hardware: str = ""
    runs: tuple[Measurement, ...] = ()
    of_best: bool = False
    lacks: bool = False
    problem: str = ""


def packed(repo: Repo, order: Order, whole: bool) -> bytes:
    """Return an order with its pack; `whole` has the history before the session too."""
    wanted = order.commit if whole else f"{order.commit}\n^{order.start.base}"
    if whole:
        wanted += f"\n{order.start.base}"
    pack = repo.git.run("pack-objects", "--revs", "--thin", "--stdout", "-q", stdin=f"{wanted}\n".encode())
    return order.model_dump_json().encode() + b"\n" + pack


def opened(sealed: bytes, secret: str) -> NodeRuns | None:
    """Return what a node answered; None if that does not bear the seal of the order's secret."""
    seal, _, body = sealed.partition(b"\n")
    if not hmac.compare_digest(seal, _seal(secret, body)):
        return None
    try:
        return NodeRuns.model_validate_json(body)
    except ValueError:
        return NodeRuns(problem="the node has another build of autoresearch-mcp, whose answer cannot be read here")


def _seal(secret: str, body: bytes) -> bytes:
    return hmac.digest(secret.encode(), body, "sha256").hex().encode()


def work(given: bytes) -> bytes:
    """Work an order off in this process, and return the sealed answer."""
    head, _, pack = given.partition(b"\n")
    order = Order.model_validate_json(head)
    body = _answer(order, pack).model_dump_json().encode()
    return _seal(order.secret, body) + b"\n" + body


def _answer(order: Order, pack: bytes) -> NodeRuns:
    if order.version != VERSION:
        return NodeRuns(problem=f"the node has version {VERSION} of autoresearch-mcp, the session {order.version}")
    plan = order.start.plan
    if plan.sandbox == "on" and not has_sandbox(plan):
        return NodeRuns(problem="the plan wants a sandbox, and the node has none")
    home = cache_folder() / "nodes" / socket.gethostname() / order.session
    _forget_others(home)
    with _place(home) as (number, place):
        repo = _repository(home, order, pack)
        if repo is None:
            return NodeRuns(lacks=True)
        machine = fingerprint(plan.commands, repo.root)
        machine.pop(
            VISIBLE, None
        )  # which of several equal devices an engine gave a run says nothing about its kind of node
        kind = hashlib.sha256(json.dumps(sorted(machine.items())).encode()).hexdigest()[:12]
        hardware = (
            f"{machine['cpu']}, {machine['usable cpus']} processors, {machine['memory']}, GPUs: {machine['gpus']}"
        )
        missing = [name for name, found in machine.items() if found == MISSING != order.start.machine.get(name)]
        order = order.model_copy(update={"start": order.start.model_copy(update={"machine": machine})})
        is_tried = order.candidate > 0 and kind not in order.fit
        if is_tried:
            order = order.model_copy(update={"candidate": 0, "commit": order.best})
        session = advance(None, order.start, order.started_at, order.session)
        runs = _runs(order, session, repo, number, place)
        if not order.candidate and KILLED.problem in {run.problem for run in runs}:
            raise ProcessLookupError(KILLED.problem)  # nobody knows what it was: to the session the order is lost
        problem = _unfit(session, runs, missing) if is_tried else ""
        return NodeRuns(kind=kind, hardware=hardware, runs=runs, of_best=order.candidate == 0, problem=problem)


def _unfit(session: Session, runs: tuple[Measurement, ...], missing: Sequence[str]) -> str:
    """Say why a node on which the best was run so is of no use to the session; empty where it is."""
    failed = next((run for run in runs if run.value is None or run.tampered), None)
    if failed:
        seen = " ".join(
            (failed.problem or f"{', '.join(failed.tampered)} is not as sealed", *failed.tail.split()[-30:])
        )
        told = f" (missing there: {', '.join(name.partition(':')[2] for name in missing)})" if missing else ""
        return f"the best gives no number there{told}: {seen}"
    values = {run.value for run in runs}
    if not session.noisy and len(values) > 1:
        return f"a number that repeats here does not there: {', '.join(map(str, values))}"
    return ""


def _forget_others(home: Path) -> None:
    """Take away what sessions left on this node that had no run here for days."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.utime(home)
    for other in home.parent.iterdir():
        with suppress(FileNotFoundError):  # another run takes it away at the same time
            if other.stat().st_mtime < time.time() - KEPT_S:
                for root in (git.parent for git in other.glob("*/.git")):
                    for place in (other / "places").iterdir():
                        PairedCheckout(Repo(root), f"place-{place.name}").remove()
                shutil.rmtree(other, ignore_errors=True)


@contextmanager
def _place(home: Path) -> Iterator[tuple[int, Path]]:
    """Hold the first of the node's places that is free; whatever runs there ends with this process."""
    for number in count(1):
        place = home / "places" / str(number)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (lock := take_lock(place / "owner")) is not None:
            try:
                yield number, place
            finally:
                os.close(lock)
            return


def _repository(home: Path, order: Order, pack: bytes) -> Repo | None:
    """Return the session's repository on this node with the order's commit; None where the pack rests on what is not there."""
    root = home / order.name
    with held_lock(home / "turn", PATIENCE_S):
        root.mkdir(exist_ok=True)
        git = GitCli(root, root / ".git")
        if not (root / ".git").is_dir():
            git.run("init", "--quiet")
        if git.ask("index-pack", "--stdin", "--fix-thin", stdin=pack).code != 0:
            return None
        return Repo(root) if git.ask("cat-file", "-e", f"{order.start.base}^{{tree}}").code == 0 else None


def _runs(order: Order, session: Session, repo: Repo, number: int, place: Path) -> tuple[Measurement, ...]:
    plan, checkout = session.plan, PairedCheckout(repo, f"place-{number}", order.started_at)
    service = RunService(
        repo, time.time, lambda: order.secret, lambda seconds, line: None, lambda: False, place, place / "owner"
    )
    service.clear()
    meter, found = meter_for(session, service), list[Measurement]()
    wanted = 1
    while len(found) < wanted:
        seed = order.seed if len(found) < 2 or not session.seeds_vary else secrets.randbelow(2**31)
        numbers, tree = RunNumbers(order.candidate, len(found) + 1, seed), repo.tree(order.commit)
        spec = RunSpec(Place.ARENA, checkout.folder, order.commit, tree, numbers, order.start.base, checkout)
        found.append(meter.verify(spec, order.start.verify_timeout_s))
        values = [plan.signed(run.value) for run in found if run.value is not None]
        enough = baseline_runs(plan.noise, values) if session.noisy else min(2, baseline_runs(plan.noise, values))
        wanted = 1 if order.candidate or len(values) < len(found) else enough
    service.clear()
    return tuple(found)
