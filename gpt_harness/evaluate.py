"""Trains an experiment and scores it: `python evaluate.py [FOLDER]`. Fixed, and never run from where an experiment writes.

The experiment hands over weights and code, never a number. Here is who has the held-out text, the clock and the seed;
the experiment's code runs in other processes, behind walls. What is printed on standard output is all ours; whatever
the experiment prints goes to standard error.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import checks
import compiled
import devices
from checks import Check, Name, Outcome, found
from curves import EarlyStop, parse_curve, render_curve
from host import LANDLOCK, PROCESSES, beside
from messages import shown
from players import HERE, Host, JobFolders, PlayerError, Walls
from prepare import Data, cache_home, prepare
from run_folders import run_folder
from scoring import Scored, WeightsJudge, texts
from sources import open_source
from spec import Spec, SpecError, checked, read_spec
from splits import SourceError
from telemetry import DeviceMeter, Telemetry
from training import FinishedRun, Hopeless, RunningTraining, budget_check, survivors_check, tell

SEED = "AUTORESEARCH_SEED"
INCUMBENT_CURVE = "AUTORESEARCH_INCUMBENT_CURVE"
EXPERIMENT = "train.py"
SHORTEST_ASKING_S = 30.0
REFUSED = 3
"""Exit status of a run that a check refused."""


@dataclass(frozen=True)
class RunVerdict:
    """All that is known of a run."""

    ready: Ready
    seed: int
    trained: FinishedRun
    scored: Scored
    checks: tuple[Check, ...]
    telemetry: Telemetry
    total_seconds: float
    evaluation_seconds: float


def evaluate(spec: Spec, folder: Path, seed: int) -> RunVerdict:
    """Train what stands in a folder and score it.

    Raises:
        PlayerError, SourceError, SpecError, DeviceError: with what is wrong, and the next step.
    """
    began = time.monotonic()
    with (
        run_folder() as place,
        _ready(spec, folder, place) as ready,
        DeviceMeter(ready.device, {os.getpid()}) as meter,
    ):
        training = RunningTraining(spec, ready.data, seed, place, _early_stop(spec))
        trained = training.run(ready.host, ready.shape, ready.walls)
        compiled.keep(place, ready.device, cache_home())
        require_tensors(trained.weights)
        judged = time.monotonic()
        try:
            scored = _judge(ready, place, trained).score()
        except PlayerError as error:
            raise PlayerError(f"{error} What was trained is kept in {trained.weights}.") from error
        told = (
            ready.isolation,
            budget_check(spec, trained, ready.device.kind is devices.Kind.CPU),
            survivors_check(trained),
            *_looked_over(ready, place, trained.weights),
            *scored.checks,
        )
        if all(check.outcome is not Outcome.FAILED for check in told):
            ready.data.remember(spec.evaluation_tokens, scored.costs)
        now = time.monotonic()
    return RunVerdict(ready, seed, trained, scored, told, meter.telemetry(), now - began, now - judged)


@dataclass(frozen=True)
class Ready:
    """What a run needs: the device it has, the text, and the process that runs the experiment's code."""

    spec: Spec
    device: devices.Device
    data: Data
    host: Host
    shape: dict[str, Any]
    walls: Walls | None
    isolation: Check


@contextmanager
def _ready(spec: Spec, folder: Path, place: JobFolders) -> Iterator[Ready]:
    device = devices.show_alone(devices.choose(spec.device))
    if missing := devices.wake(device):
        tell(missing)
    leases = devices.lease(device, cache_home() / "leases", str(folder), wait_s=spec.start_seconds)
    with Host() as host, leases, _timed(device):
        data = prepare(spec, folder)  # after the host, which is to know nothing
        shutil.copyfile(folder / EXPERIMENT, place.code)
        compiled.lend(place, device, cache_home())
        walls, isolation = _walls(spec, folder, place)
        shape = {
            "vocabulary": data.tokenizer.size,
            "sequence_length": spec.sequence_length,
            "device": device.torch_name,
        }
        yield Ready(spec, device, data, host, shape, walls, isolation)


@contextmanager
def _timed(device: devices.Device) -> Iterator[None]:
    """Say how long a device was held, however the run ends: who pays for it wants to know."""
    began = time.monotonic()
    try:
        yield
    finally:
        print(f"device {device.uuid}: held for {time.monotonic() - began:.1f} s", flush=True)


def _judge(ready: Ready, place: JobFolders, trained: FinishedRun) -> WeightsJudge:
    return WeightsJudge(
        ready.host,
        place,
        ready.walls,
        trained.weights,
        ready.spec,
        ready.data,
        ready.shape,
        limit_s=max(SHORTEST_ASKING_S, trained.seconds),
        trained_s=trained.seconds,
        shared=not ready.device.exclusive,
    )


def _looked_over(ready: Ready, place: JobFolders, weights: Path) -> tuple[Check, ...]:
    """The checks that need no answers."""
    return (
        found(Name.WEIGHTS, True, f"{weights.stat().st_size} bytes of tensors and nothing else"),
        checks.source(place.code.read_bytes(), _held_out(ready.spec, ready.data)),
        found(Name.DATA, True, f"data {ready.data.digest[:16]}, harness {harness_digest()[:16]}"),
    )


def _walls(spec: Spec, folder: Path, place: JobFolders) -> tuple[Walls | None, Check]:
    """What keeps the experiment from the held-out text, and from the next run."""
    if not (version := _landlock_version()):
        missing = f"the harness was copied without {LANDLOCK}, which sets up its walls: copy that file there"
        why = "this system has no Landlock" if LANDLOCK.is_file() else missing
        words = f"{why}, so an experiment may read what you may and leave things behind"
        return None, Check(Name.ISOLATION, Outcome.SKIPPED, words)
    hidden = open_source(spec.data, folder, cache_home() / "downloads").held_out_files()
    words = f"Landlock {version}: it reads its own files and writes its own folder; {_beyond_paths(version)}"
    return place.walls([], [*hidden, cache_home()]), found(Name.ISOLATION, True, words)


def _beyond_paths(version: int) -> str:
    """What becomes of an experiment's reach for what is no file."""
    if beside("landlock").refuses_calls():
        return "sockets, shared memory, queues, keyrings and io_uring are refused"
    tcp = "TCP" if version >= 4 else "nothing"
    return f"of the network {tcp} is refused: UDP, sockets that are files and shared memory stay open to it"


def _landlock_version() -> int:
    """The kernel's version of Landlock, 0 without it."""
    try:
        return int(beside("landlock").landlock_version())
    except (OSError, AttributeError):
        return 0


def require_tensors(weights: Path) -> None:
    """Look that a checkpoint holds tensors, and nothing that could run.

    Raises:
        PlayerError: if it is anything else.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="np") as opened:
            names = list(opened.keys())
    except (OSError, SafetensorError) as error:
        words = shown(str(error))
        raise PlayerError(f"check weights: failed (not a safetensors file: {words}). Use run.hand_over.") from error
    if not names:
        raise PlayerError("check weights: failed (no tensors in it). Hand over model.state_dict().")


def _held_out(spec: Spec, data: Data) -> bytes:
    tokens = [*data.tokenizer.tokens, *[b""] * data.tokenizer.specials]
    rows = np.concatenate([text.rows for text in texts(data, spec.evaluation_tokens)])
    return b"".join(map(tokens.__getitem__, rows.ravel().tolist()))


def _early_stop(spec: Spec) -> Hopeless:
    """Whether to go on, by the incumbent's curve, if there is one and the spec asks for it."""
    told = os.environ.get(INCUMBENT_CURVE, "") if spec.early_stop else ""
    incumbent, rule = parse_curve(told), EarlyStop()
    return lambda curve: bool(incumbent) and rule.stops(curve, incumbent)


def harness_digest() -> str:
    """SHA-256 over the files that judge."""
    whole = hashlib.sha256()
    for file in [*sorted(HERE.glob("*.py")), *filter(Path.is_file, [LANDLOCK, PROCESSES])]:
        if file.name != EXPERIMENT:
            whole.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


def summary(verdict: RunVerdict) -> str:
    """The block that ends a run: one `name: value` a line, then the checks, then the learning curve."""
    trained, facts, telemetry = verdict.trained, verdict.trained.facts, verdict.telemetry
    speed = trained.tokens / max(trained.seconds, 1e-9)
    flops = speed * float(facts["flops_per_token"])
    peak = max(int(facts["peak_bytes"]), telemetry.peak_bytes or 0) or trained.ended.peak_bytes
    lines = {
        "val_bpb": f"{verdict.scored.val_bpb:.6f}",
        "training_seconds": f"{trained.seconds:.2f}",
        "total_seconds": f"{verdict.total_seconds:.1f}",
        "peak_vram_mb": f"{peak / 2**20:.1f}",
        "mfu_percent": f"{100 * flops / verdict.ready.device.peak_flops if verdict.ready.device.peak_flops else 0:.2f}",
        "total_tokens_M": f"{trained.tokens / 1e6:.3f}",
        "num_steps": f"{facts['steps']}",
        "num_params_M": f"{facts['parameters'] / 1e6:.3f}",
        "depth": f"{facts['depth']}",
        "tokens_per_second": f"{speed:.0f}",
        "evaluation_seconds": f"{verdict.evaluation_seconds:.1f}",
        "seed": f"{verdict.seed}",
        "device": verdict.ready.device.uuid,
        "data": verdict.ready.data.digest[:16],
        "harness": harness_digest()[:16],
    }
    if telemetry.energy_joules is not None:
        lines["energy_joules"] = f"{telemetry.energy_joules:.0f}"
    if telemetry.contended:
        lines["contended"] = telemetry.contended
    for limit in (check.limit for check in verdict.checks if check.limit is not None):
        lines["detectable_gain"] = f"{limit:.3f}"
    if trained.stopped_early:
        lines["stopped_early"] = f"{100 * trained.curve[-1][0]:.0f} %"
    block = [f"{name + ':':<20}{value}" for name, value in lines.items()]
    return "\n".join(["---", *block, *map(str, verdict.checks), f"curve: {render_curve(trained.curve)}"])


def main() -> int:
    """Evaluate a folder; returns the exit status."""
    parser = argparse.ArgumentParser(description="Train an experiment and score it in bits per byte.")
    parser.add_argument("folder", nargs="?", default=".", help="where train.py and gpt.toml stand")
    parser.add_argument("--seed", type=int, default=None, help=f"default: {SEED}, else one drawn for this run")
    parser.add_argument("--budget", default="", help='for a trial run, instead of the one in gpt.toml: "30 seconds"')
    parser.add_argument("--device", default="", help="for a trial run, instead of the one in gpt.toml")
    arguments = parser.parse_args()
    folder = Path(arguments.folder).resolve()
    seed = arguments.seed if arguments.seed is not None else int(os.environ.get(SEED, "") or secrets.randbelow(2**31))
    given = {name: value for name in ("budget", "device") if (value := getattr(arguments, name))}
    try:
        spec = checked({**asdict(read_spec(folder)), **given})
        verdict = evaluate(spec, folder, seed)
    except (PlayerError, SourceError, SpecError, devices.DeviceError) as error:
        tell(str(error))
        return REFUSED if str(error).startswith("check ") else 1
    if failed := [check for check in verdict.checks if check.outcome is Outcome.FAILED]:
        tell("\n".join(map(str, verdict.checks)))
        tell(f"Refused by {', '.join(check.name for check in failed)}: this is no score.")
        return REFUSED
    print(summary(verdict))
    return 0


if __name__ == "__main__":
    sys.exit(main())
