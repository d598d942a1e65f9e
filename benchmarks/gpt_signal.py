"""What a change of the harness's default is worth beside its noise, and how often an early stop would be wrong.

    python benchmarks/gpt_signal.py [--seeds 5] [--repository DIR] [--keep FILE]

Trains variants of train.py, each with a few seeds, by the harness itself: half a minute a run on a processor. Prints the
mean and the scatter of val_bpb, the difference from the default in standard deviations of one run, and, over all pairs
of recorded runs, what the rule of early stopping would have done. Needs the extra `gpt`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autoresearch_mcp.tools.decision.measured import read_trained
from autoresearch_mcp.tools.project.harness import EVALUATE, HARNESS, create_harness, with_values

sys.path.insert(0, str(HARNESS))
from curves import EarlyStop, RecordedRun, tally

VARIANTS: dict[str, dict[str, object]] = {
    "the default": {},
    "MATRIX_LR x 3": {"MATRIX_LR": 0.12},
    "DEPTH 3": {"DEPTH": 3},
    "HEAD_LR x 2.5": {"HEAD_LR": 0.01},
    "EMBEDDING_LR x 3": {"EMBEDDING_LR": 0.6},
    "twice the batch": {"BATCH_ROWS": 16, "DEVICE_ROWS": 16},
    "half the batch": {"BATCH_ROWS": 4, "DEVICE_ROWS": 4},
    "MATRIX_LR x 1.5": {"MATRIX_LR": 0.06},
    "warm-down over 80 %": {"WARM_DOWN": 0.8},
}
LEAST_SEEDS = 2
"""For variants beyond the first three, which only tell how curves cross."""


@dataclass(frozen=True)
class Recorded:
    """A variant, its scores in bits per byte, training seconds, and curves, one a seed."""

    name: str
    scores: tuple[float, ...]
    seconds: tuple[float, ...]
    curves: tuple[tuple[tuple[float, float], ...], ...]


def record(name: str, constants: dict[str, object], folder: Path, seeds: int) -> Recorded:
    """Train and score a variant with seeds 1, 2, ..."""
    train = (HARNESS / "train.py").read_text(encoding="utf-8")
    (folder / "train.py").write_text(with_values(train, constants, quote=False), encoding="utf-8")
    scores, seconds, curves = [], [], []
    for seed in range(1, seeds + 1):
        command = [sys.executable, str(EVALUATE), str(folder), "--seed", str(seed)]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        trained = read_trained(said)
        assert trained is not None, said
        scores.append(float(trained.facts["val_bpb"]))
        seconds.append(float(trained.facts["training_seconds"]))
        curves.append(trained.curve)
        print(f"  {name}, seed {seed}: {scores[-1]:.4f} in {seconds[-1]:.0f} s", file=sys.stderr)
    return Recorded(name, tuple(scores), tuple(seconds), tuple(curves))


def show(found: Sequence[Recorded]) -> None:
    """Print the table and the tally."""
    base = found[0]
    mean, spread = statistics.fmean(base.scores), statistics.stdev(base.scores)
    print(f"{'variant':<22}{'val_bpb':>9}{'sd':>8}{'seeds':>7}{'difference':>12}{'in sd':>8}{'seconds':>9}")
    for one in found:
        here = statistics.fmean(one.scores)
        sd = statistics.stdev(one.scores) if len(one.scores) > 1 else 0.0
        gap = here - mean
        row = f"{one.name:<22}{here:>9.4f}{sd:>8.4f}{len(one.scores):>7}{gap:>+12.4f}{gap / spread:>+8.1f}"
        print(f"{row}{statistics.median(one.seconds):>9.1f}")
    runs = [RecordedRun(curve, score) for one in found for curve, score in zip(one.curves, one.scores, strict=True)]
    pairs = [(mine, theirs) for mine in runs for theirs in runs if mine is not theirs]
    print(f"\nEarly stop: {tally(EarlyStop(), pairs)}")
    to_default = [(mine, theirs) for mine in runs for theirs in runs[: len(base.scores)] if mine is not theirs]
    print(f"Early stop against the default: {tally(EarlyStop(), to_default)}")


def main() -> None:
    """Record, or read what was recorded, and show."""
    parser = argparse.ArgumentParser(description="Signal and noise of the GPT harness.")
    parser.add_argument("--seeds", type=int, default=5, help="of the default, the wrong and the better setting")
    parser.add_argument("--keep", metavar="FILE", help="write what was recorded there; read it instead if it exists")
    options = parser.parse_args()
    kept = Path(options.keep) if options.keep else None
    if kept and kept.exists():
        found = [Recorded(**one) for one in json.loads(kept.read_text(encoding="utf-8"))]
    else:
        with tempfile.TemporaryDirectory() as scratch:
            folder = create_harness(Path(scratch) / "lab", sys.executable)
            found = [
                record(name, constants, folder, options.seeds if place < 3 else min(options.seeds, LEAST_SEEDS))
                for place, (name, constants) in enumerate(VARIANTS.items())
            ]
        if kept:
            kept.write_text(json.dumps([vars(one) for one in found]), encoding="utf-8")
    show(found)


if __name__ == "__main__":
    main()
