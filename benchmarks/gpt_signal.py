"""What each part of the harness's default is worth beside its noise, and how often an early stop would be wrong.

    python benchmarks/gpt_signal.py [--keep FILE]
    python benchmarks/gpt_signal.py --show FILE

Trains train.py without one part after the other, three seeds each, by the harness itself: 13 s of a processor for a run.
Results are appended to a file of JSON lines, and what stands there is not run again. Prints, for each variant, the mean and
scatter of val_bpb and of the difference from the default with the same seed; and, over all pairs of recorded runs, what the
rule of early stopping would have done. Needs the extra `gpt`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from pathlib import Path

from autoresearch_mcp.tools.decision.measured import read_trained
from autoresearch_mcp.tools.project.harness import EVALUATE, HARNESS, create_harness

sys.path.insert(0, str(HARNESS))
from curves import Curve, EarlyStop

DEFAULT = "the default"
SEEDS = 3

Edits = Mapping[str, str]
MUON = {"MUON = False": "MUON = True", "MATRIX_LR = 0.01": "MATRIX_LR = 0.04"}
MIXED = "x + self.recall * first + self.pair * pairs"
PARTS: dict[str, Edits] = {
    "the table of pairs": {
        '        self.pairs = table("pairs", PAIR_ROWS * shape.vocabulary, width, 0.0)\n': "",
        "self.pairs(pair_rows(tokens, self.pairs.num_embeddings))": "x",
        "        self.pair = nn.Parameter(torch.tensor(0.1))\n": "",
        MIXED: "x + self.recall * first",
    },
    "rates by width": {"LR_WIDTH = 768": "LR_WIDTH = DEPTH * ASPECT"},
    "value embeddings": {"(DEPTH - 1 - layer) % VALUE_EMBEDDING_EVERY == 0": "False"},
    "projections that begin at zero": {
        "torch.zeros(width, width)": 'spread(f"{layer}.out", width, width)',
        "torch.zeros(MLP_RATIO * width, width)": 'spread(f"{layer}.down", MLP_RATIO * width, width) / MLP_RATIO**0.5',
    },
    "AdamW for the matrices (Muon)": MUON,
    "a warm-down over half the run (over a fifth)": {"WARM_DOWN = 0.5": "WARM_DOWN = 0.2"},
    "normalised queries and keys": {"rotate(norm(part), cos, sin)": "rotate(part, cos, sin)"},
    "the embedding once more in each block": {
        "        self.recall = nn.Parameter(torch.tensor(0.1))\n": "",
        MIXED: "x + self.pair * pairs",
    },
    "GELU (squared ReLU)": {"SQUARED_RELU = False": "SQUARED_RELU = True"},
    "value embeddings in the last block alone (in both)": {"VALUE_EMBEDDING_EVERY = 2": "VALUE_EMBEDDING_EVERY = 1"},
    "free logits (a soft-cap of 15)": {"SOFTCAP = 0.0": "SOFTCAP = 15.0"},
    "eight rows a step (sixteen)": {"BATCH_ROWS = 8 ": "BATCH_ROWS = 16 ", "DEVICE_ROWS = 8 ": "DEVICE_ROWS = 16 "},
    "two blocks (three)": {"DEPTH = 2 ": "DEPTH = 3 "},
}
"""What is left out of train.py (or what stands in its place), and by which edits."""


@dataclass(frozen=True)
class Signal:
    """A run of a variant: its score in bits per byte, training seconds, steps and curve."""

    name: str
    seed: int
    score: float
    seconds: float
    steps: int
    curve: Curve


def edited(edits: Edits) -> str:
    """train.py with replacements, each of which has to be possible exactly once.

    Raises:
        SystemExit: if one is not, as train.py has changed.
    """
    text = (HARNESS / "train.py").read_text(encoding="utf-8")
    for old, new in edits.items():
        if text.count(old) != 1:
            raise SystemExit(f"train.py has {text.count(old)} times {old!r}: bring PARTS up to date")
        text = text.replace(old, new)
    return text


def run(name: str, train: str, seed: int, folder: Path) -> Signal:
    """Train and score one variant with one seed."""
    (folder / "train.py").write_text(train, encoding="utf-8")
    command = [sys.executable, str(EVALUATE), str(folder), "--seed", str(seed)]
    trained = read_trained(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    assert trained is not None
    facts = trained.facts
    score, seconds = float(facts["val_bpb"]), float(facts["training_seconds"])
    return Signal(name, seed, score, seconds, int(facts["num_steps"]), trained.curve)


def wanted() -> list[tuple[str, str, int]]:
    """Name, text and seed of each run, seed by seed, so that what is broken off has whole rounds."""
    texts = {DEFAULT: edited({}), **{name: edited(edits) for name, edits in PARTS.items()}}
    return [(name, text, seed) for seed in range(1, SEEDS + 1) for name, text in texts.items()]


def read(file: Path) -> list[Signal]:
    """What was recorded; nothing if there is no file."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    told = map(json.loads, lines)
    return [Signal(**{**one, "curve": tuple(map(tuple, one["curve"]))}) for one in told]


def show(runs: Sequence[Signal]) -> None:
    """Print the table and the tally."""
    base = {one.seed: one.score for one in runs if one.name == DEFAULT}
    print(f"{'variant':<50}{'val_bpb':>9}{'sd':>8}{'steps':>7}{'seconds':>9}  differences from the default, by seed")
    for name in dict.fromkeys(one.name for one in runs):
        here = [one for one in runs if one.name == name]
        scores = [one.score for one in here]
        sd = statistics.stdev(scores) if len(scores) > 1 else 0.0
        gaps = [one.score - base[one.seed] for one in here if one.seed in base]
        mean = f"  mean {statistics.fmean(gaps):+.4f} ± {statistics.stdev(gaps):.4f}" if len(gaps) > 1 else ""
        row = (
            f"{name:<50}{statistics.fmean(scores):>9.4f}{sd:>8.4f}{statistics.median(one.steps for one in here):>7.0f}"
        )
        print(
            f"{row}{statistics.median(one.seconds for one in here):>9.1f}  {' '.join(f'{gap:+.4f}' for gap in gaps)}{mean}"
        )
    pairs = list(permutations(runs, 2))
    print(f"\nEarly stop: {tally(pairs)}")
    print(f"Early stop against the default: {tally([pair for pair in pairs if pair[1].name == DEFAULT])}")


def tally(pairs: Sequence[tuple[Signal, Signal]]) -> str:
    """What the rule would have done to the first run of each pair beside the second one, its incumbent."""
    ended = [(mine.score < theirs.score, stopped_at(mine.curve, theirs.curve)) for mine, theirs in pairs]
    stopped = [(wrong, share) for wrong, share in ended if share is not None]
    saved = sum(1 - share for _, share in stopped) / max(1, len(ended))
    wrongly = sum(wrong for wrong, _ in stopped)
    return f"{len(ended)} pairs: {len(stopped)} stopped, {wrongly} of them wrongly; {100 * saved:.0f} % of the budget saved"


def stopped_at(candidate: Curve, incumbent: Curve) -> float | None:
    """The share of the budget at which a whole run would have been ended; None if not at all."""
    whole = [candidate[: place + 1] for place in range(len(candidate))]
    return next((part[-1][0] for part in whole if EarlyStop().stops(part, incumbent)), None)


def main() -> None:
    """Record what is wanted and was not, and show all."""
    parser = argparse.ArgumentParser(description="Signal and noise of the GPT harness.")
    parser.add_argument("--keep", type=Path, default=Path("gpt-signal.jsonl"), help="where results are appended")
    parser.add_argument("--show", type=Path, help="print the table of what was recorded there, and leave")
    options = parser.parse_args()
    if options.show:
        return show(read(options.show))
    runs = read(options.keep)
    known = {(one.name, one.seed) for one in runs}
    with tempfile.TemporaryDirectory() as scratch:
        folder = create_harness(Path(scratch) / "lab", sys.executable)
        for name, train, seed in wanted():
            if (name, seed) not in known:
                runs.append(run(name, train, seed, folder))
                with options.keep.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(runs[-1])) + "\n")
    return show(runs)


if __name__ == "__main__":
    main()
