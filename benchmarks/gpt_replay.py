"""How many runs a decision takes where the GPT harness trains on a processor, and which of its keeps are false.

    python benchmarks/gpt_replay.py [--sessions 400] [--record [--seeds 8] [--budget "40000 tokens"] [--jobs 2]]

With `--record` it trains variants of train.py by the harness itself, all on the same seeds, and writes the scores to
`gpt_replay.json`, going on where it was broken off; needs the extra `gpt`, and about 25 minutes on two busy cores. Without,
it replays the recording through the product's own rule, seeds and variants in many random orders, each variant against
what was kept last. What is true of a change is its mean difference over all seeds. A try that asks for more seeds than
were recorded stays open, and counts with the keeps as one that takes more runs than any.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from autoresearch_mcp.tools.decision.calibration import NOISY_RUNS, judge_from, nature
from autoresearch_mcp.tools.decision.judging import NO_THRESHOLD, Arm, Judge, Step
from autoresearch_mcp.tools.decision.measured import read_trained
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.project.harness import EVALUATE, HARNESS, Size, create_harness, with_values

RECORDING = Path(__file__).with_suffix(".json")
DEFAULT = "the default"
NEUTRAL = ("a variable renamed", "the gate by tanh", "weights drawn anew")
"""Change nothing: not one bit, only what rounding makes of it, only the luck of the first weights."""
Values = Mapping[str, Mapping[int, float]]
"""val_bpb of each variant on each seed."""

CONSTANTS: dict[str, dict[str, object]] = {
    "EMBEDDING_LR x 3": {"EMBEDDING_LR": 0.6},
    "HEAD_LR x 1.25": {"HEAD_LR": 0.005},
    "MATRIX_LR x 1.25": {"MATRIX_LR": 0.05},
    "MATRIX_LR x 5": {"MATRIX_LR": 0.2},
    "WEIGHT_DECAY 0.1": {"WEIGHT_DECAY": 0.1},
    "width x 1.5": {"ASPECT": 48},
}
_SIGMOID = "2 * torch.sigmoid(F.linear(x[..., :HEAD_WIDTH], self.value_gate))"
_QKV = 'spread(f"{layer}.qkv", 3, width, width)'
EDITS: dict[str, tuple[str, str]] = {
    "a variable renamed": ("squashed", "capped"),
    "the gate by tanh": (_SIGMOID, "1 + torch.tanh(F.linear(x[..., :HEAD_WIDTH], self.value_gate) / 2)"),
    "weights drawn anew": ("torch.manual_seed(run.seed)", "torch.manual_seed(run.seed + 1_000_000)"),
    "queries begin half as large": (_QKV, f"{_QKV} * 0.5"),
}


def variants() -> dict[str, str]:
    """train.py of each variant.

    Raises:
        ValueError: if an edit does not fit the file any more.
    """
    plain = (HARNESS / "train.py").read_text(encoding="utf-8")
    made = {DEFAULT: plain} | {name: plain.replace(*edit) for name, edit in EDITS.items()}
    made |= {name: with_values(plain, constants, quote=False) for name, constants in CONSTANTS.items()}
    if len(set(made.values())) < len(made):
        raise ValueError("An edit of gpt_replay.py does not fit train.py any more.")
    return made


def record(seeds: int, budget: str, jobs: int) -> None:
    """Train and score every variant on seeds 1, 2, ...; what was recorded with the same settings is not made again."""
    import torch

    settings = {
        "budget": budget,
        "everything else": "as `init gpt` makes it for a processor",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, shared",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    codes = variants()
    known = json.loads(RECORDING.read_text(encoding="utf-8")) if RECORDING.exists() else {}
    values = known["val_bpb"] if known.get("settings") == settings else {name: {} for name in codes}
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(jobs) as pool:
        folders = {}
        for place, (name, code) in enumerate(codes.items()):
            folders[name] = create_harness(Path(scratch) / str(place), sys.executable, Size({"budget": budget}))
            (folders[name] / "train.py").write_text(code, encoding="utf-8")
        left = [(name, str(at)) for at in range(1, seeds + 1) for name in codes if str(at) not in values[name]]
        found = pool.map(lambda run: _score(folders[run[0]], run[1]), left)
        for (name, seed), value in zip(left, found, strict=True):
            values[name][seed] = value
            print(f"  {name}, seed {seed}: {value:.4f}", file=sys.stderr)
            RECORDING.write_text(json.dumps({"settings": settings, "val_bpb": values}, indent=1) + "\n", "utf-8")


def _score(folder: Path, seed: str) -> float:
    command = [sys.executable, str(EVALUATE), str(folder), "--seed", seed]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    trained = read_trained(said)
    assert trained is not None, said
    return float(trained.facts["val_bpb"])


@dataclass
class Tries:
    """What became of all tries of one variant, or of all of a kind: runs of each that was kept, and of each that was not."""

    kept: list[int] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    open: int = 0

    def __add__(self, other: Tries) -> Tries:
        return Tries(self.kept + other.kept, self.dropped + other.dropped, self.open + other.open)


@dataclass
class Replay:
    """One session after another on recorded scores.

    `tries` holds those of each pair of incumbent and change. `open` ones asked for more seeds than were recorded.
    """

    values: Values
    tries: dict[tuple[str, str], Tries] = field(default_factory=dict)

    def session(self, rng: Random) -> list[tuple[str, str]]:
        """Run a session on a random order of seeds and variants, and return the pairs that ended in a keep."""
        seeds = rng.sample(sorted(self.values[DEFAULT]), len(self.values[DEFAULT]))
        first = [seeds[0], *seeds[: NOISY_RUNS - 1]]
        judge = judge_from(Plan(), [self.values[DEFAULT][seed] for seed in first], first)
        incumbent, kept = DEFAULT, []
        for change in rng.sample([name for name in self.values if name != DEFAULT], len(self.values) - 1):
            judge, step, runs = self._one(judge.open(NO_THRESHOLD), incumbent, change, seeds)
            tries = self.tries.setdefault((incumbent, change), Tries())
            if step is Step.BETTER:
                tries.kept.append(runs)
                kept.append((incumbent, change))
            elif step in {Step.NOT_BETTER, Step.INCONCLUSIVE}:
                tries.dropped.append(runs)
            else:
                tries.open += 1
            better = step is Step.BETTER
            judge, incumbent = judge.close(better), change if better else incumbent
        return kept

    def _one(self, judge: Judge, incumbent: str, change: str, seeds: Sequence[int]) -> tuple[Judge, Step, int]:
        runs, used, known = 0, set[int](), {seed for seed, _ in getattr(judge, "cache", ())}
        while not (found := judge.finding()).step.decided:
            fresh = (seed for seed in seeds if seed not in used | known)
            seed = next(fresh, None) if found.seed is None else found.seed
            if seed is None:
                return judge, found.step, runs
            code, arm = (change, Arm.CANDIDATE) if found.step is Step.CANDIDATE else (incumbent, Arm.INCUMBENT)
            used.add(seed)
            judge, runs = judge.see(arm, self.values[code][seed], seed), runs + 1
        return judge, found.step, runs


def together(tries: Iterable[Tries]) -> Tries:
    """All of a kind."""
    return sum(tries, Tries())


def differences(values: Values, incumbent: str, change: str) -> list[float]:
    """What a change gains on each seed, in bits per byte."""
    return [values[incumbent][seed] - value for seed, value in sorted(values[change].items())]


def show_variants(values: Values, tries: Mapping[tuple[str, str], Tries]) -> None:
    """Print what was recorded of each change beside the default, and what became of it."""
    plain = [value for _, value in sorted(values[DEFAULT].items())]
    print(f"{DEFAULT}: {statistics.fmean(plain):.4f}, sd of a run {statistics.stdev(plain):.4f}\n")
    print("| change | gain | sd of a run | sd of a difference | correlation | kept | runs, kept | runs, not | open |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in (name for name in values if name != DEFAULT):
        own, gains, found = (
            [v for _, v in sorted(values[name].items())],
            differences(values, DEFAULT, name),
            tries[DEFAULT, name],
        )
        count = len(found.kept) + len(found.dropped) + found.open
        cells = (
            name,
            f"{statistics.fmean(gains):+.4f}",
            f"{statistics.stdev(own):.4f}",
            f"{statistics.stdev(gains):.4f}",
            f"{statistics.correlation(plain, own):.3f}",
            f"{100 * len(found.kept) / count:.0f} %",
            _runs(found.kept),
            _runs(found.dropped),
            f"{100 * found.open / count:.0f} %",
        )
        print(f"| {' | '.join(cells)} |")


def _runs(of: Sequence[int]) -> str:
    if not of:
        return "-"
    return f"{statistics.median(of):g} ({statistics.fmean(of):.1f}; {max(of)} at most)"


def show(values: Values, sessions: int) -> None:
    """Replay, and print."""
    replay, rng = Replay(values), Random(7)
    kept = [replay.session(rng) for _ in range(sessions)]
    show_variants(values, replay.tries)
    means = {name: statistics.fmean(found.values()) for name, found in values.items()}
    clear = {pair for pair in replay.tries if max(differences(values, *pair)) < 0}
    everything = together(replay.tries.values())
    late = statistics.median([*everything.kept, *itertools.repeat(math.inf, everything.open)])
    print(f"\nin {sessions} sessions, each of {len(values) - 1} tries:")
    print(f"runs a keep: {_runs(everything.kept)}, median {late:g} with the open ones; {len(everything.kept)} keeps")
    print(f"runs a discard: {_runs(everything.dropped)}; {len(everything.dropped)} discards")
    print(f"of these what loses on every seed: {_runs(together(replay.tries[pair] for pair in clear).dropped)}")
    print(f"open: {everything.open}")
    print(f"sessions that kept what changes nothing: {sum(any(_nothing(pair) for pair in of) for of in kept)}")
    wrong = [pair for of in kept for pair in of if means[pair[1]] >= means[pair[0]] and not _nothing(pair)]
    print(f"keeps of what is worse in the mean of all seeds: {len(wrong)} {sorted(set(wrong)) if wrong else ''}")


def _nothing(pair: tuple[str, str]) -> bool:
    """Whether neither of the two differs from the default in what it can learn."""
    return {*pair} <= {DEFAULT, *NEUTRAL}


def main() -> None:
    """Record if asked, and replay."""
    parser = argparse.ArgumentParser(description="Runs a decision by the GPT harness takes.")
    parser.add_argument("--sessions", type=int, default=400)
    parser.add_argument("--record", action="store_true", help=f"train first, and write {RECORDING.name}")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--budget", default="40000 tokens")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    if options.record:
        record(options.seeds, options.budget, options.jobs)
    recorded = json.loads(RECORDING.read_text(encoding="utf-8"))
    values = {name: {int(seed): value for seed, value in found.items()} for name, found in recorded["val_bpb"].items()}
    print(", ".join(recorded["settings"].values()))
    some = sorted(values[DEFAULT])[: NOISY_RUNS - 1]
    print(f"told by the baseline: {nature([values[DEFAULT][seed] for seed in (some[0], *some)])}")
    print(f"a new name of a variable changes no digit: {values['a variable renamed'] == values[DEFAULT]}")
    show(values, options.sessions)


if __name__ == "__main__":
    main()
