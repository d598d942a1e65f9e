"""What a planted row gains, and how often the check `neighbours` finds it.

    nice python benchmarks/gpt_contamination.py [--repository DIR] [--keep FILE]

Trains variants of train.py, each by the harness itself, and notes what each held-out row costs them: half a minute a run on
a processor. Then rows are planted in these costs: so many of the scored rows, drawn anew each time, cost less by an equal
share, as if the experiment had known a part of them, and the check has to tell. Prints the share of runs in which it does,
with no earlier run, with one and with five to compare with, and how often it accused an honest run. Needs the extra `gpt`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoresearch_mcp.tools.project.harness import EVALUATE, HARNESS, create_harness, with_values

sys.path.insert(0, str(HARNESS))
import checks
from prepare import Data, prepare
from scoring import texts
from spec import read_spec

VARIANTS: tuple[dict[str, object], ...] = (
    *({} for _ in range(5)),
    {"DEPTH": 3},
    {"DEPTH": 1},
    {"ASPECT": 64},
    {"MATRIX_LR": 0.03},
    {"HEAD_LR": 0.02},
    {"EMBEDDING_LR": 0.3},
    {"BATCH_ROWS": 4, "DEVICE_ROWS": 4},
    {"BATCH_ROWS": 16, "DEVICE_ROWS": 16},
    {"WARM_DOWN": 0.8},
    {"VALUE_EMBEDDING_EVERY": 9},
)
GAINS = (0.0, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03)
"""In bits per byte; the first one is the honest run."""
ROWS = (1, 4, 8, 16, 32, 96, 384)
EARLIER = (0, 1, 5)
DRAWS = 40
MOST_KNOWN = 0.95


def record(folder: Path, seed: int, constants: dict[str, object]) -> tuple[NDArray[np.float64], float]:
    """What each held-out row costs a variant, in nats, and its score."""
    train = (HARNESS / "train.py").read_text(encoding="utf-8")
    (folder / "train.py").write_text(with_values(train, constants, quote=False), encoding="utf-8")
    spec = read_spec(folder)
    for noted in prepare(spec, folder).folder.glob("costs-*.npy"):
        noted.unlink()
    command = [sys.executable, str(EVALUATE), str(folder), "--seed", str(seed)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    score = next(float(line.split()[1]) for line in said.splitlines() if line.startswith("val_bpb:"))
    (costs,) = np.load(next(prepare(spec, folder).folder.glob("costs-*.npy")))
    print(f"{constants or 'the default'}, seed {seed}: {score:.4f}", flush=True)
    return costs, score


def found(costs: NDArray[np.float64], score: float, data: Data, tokens: int, earlier: NDArray[np.float64]) -> bool:
    """Whether the check finds something."""
    validation, beside, _ = texts(data, tokens)
    ends = (len(validation.rows), len(validation.rows) + len(beside.rows))
    hard = np.column_stack([np.concatenate([validation.difficulty, beside.difficulty]), *earlier[:, : ends[1]]])
    scored, others, _ = np.split(costs, ends)
    seen = checks.neighbours((scored, others), (hard[: ends[0]], hard[ends[0] :]), bool(len(earlier)), score)
    return seen.outcome is checks.Outcome.FAILED


def planted(
    costs: NDArray[np.float64], scored: int, rows: int, share: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """The costs with so many of the scored rows cheaper, so that the score is lower by a share of itself."""
    places = generator.choice(scored, rows, replace=False)
    changed = costs.copy()
    changed[places] *= 1 - share * costs[:scored].sum() / costs[places].sum()
    return changed


def main() -> None:
    """Record the variants and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repository", type=Path, help="one made by `autoresearch-mcp init gpt`; a new one otherwise")
    parser.add_argument("--keep", type=Path, help="a .npz with what the rows cost: read if it is there, else written")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.setdefault("AUTORESEARCH_CACHE", f"{scratch}/cache")
        folder = arguments.repository or create_harness(Path(scratch) / "lab", sys.executable)
        spec = read_spec(folder)
        data = prepare(spec, folder)
        if arguments.keep and arguments.keep.exists():
            kept = np.load(arguments.keep)
            costs, scores = kept["costs"], kept["scores"]
        else:
            recorded = [record(folder, seed, constants) for seed, constants in enumerate(VARIANTS, 1)]
            costs, scores = np.array([cost for cost, _ in recorded]), np.array([score for _, score in recorded])
            if arguments.keep:
                np.savez(arguments.keep, costs=costs, scores=scores)
        table(costs, scores, data, spec.evaluation_tokens)


def table(costs: NDArray[np.float64], scores: NDArray[np.float64], data: Data, tokens: int) -> None:
    """Print how often planted rows are found. The earlier runs are drawn from the other ones."""
    scored, generator = len(texts(data, tokens)[0].rows), np.random.default_rng(1)
    print("| earlier runs | gain | " + " | ".join(f"{rows} rows" for rows in ROWS) + " |")
    for count in EARLIER:
        for gain in GAINS:
            cells = []
            for rows in ROWS if gain else ROWS[-1:]:
                tries = [
                    found(changed, score, data, tokens, costs[generator.choice(others, count, replace=False)])
                    for place, score in enumerate(scores)
                    for others in [np.setdiff1d(np.arange(len(costs)), place)]
                    for _ in range(DRAWS)
                    for changed in [planted(costs[place], scored, rows, gain / score, generator)]
                    if (changed >= (1 - MOST_KNOWN) * costs[place]).all()
                ]
                cells.append(f"{100 * np.mean(tries):.0f} %" if len(tries) > DRAWS else "–")
            print(f"| {count} | {gain} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
