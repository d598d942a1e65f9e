"""Our train.py beside Karpathy's: same data, tokenizer, budget, seeds, device, and the same judge.

    git clone https://github.com/karpathy/autoresearch DIR    # his code is no part of this repository
    python benchmarks/gpt.py --against DIR                    # on a processor, five seeds, our default budget
    python benchmarks/gpt.py --against DIR --budget "8 seconds" --size medium
    python benchmarks/gpt.py --preset gpu --seed 1            # ours alone on a GPU, under ten minutes
    python benchmarks/gpt.py --show FILE                      # the table of what was recorded

Arms take turns. Each result is appended to a file of JSON lines (`--record`, by default `gpt-benchmark.jsonl` here), so that
arms can be run in commands of their own, and `--show` prints one table of all with one preset, size and budget. Needs the
extra `gpt`. The GPU preset is the data shape of Karpathy's autoresearch on one H100: 2,048 tokens of context, a vocabulary
of 8,192, five minutes; his published setting trains about 500 M tokens in 300 s at an MFU of 39.8 %.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from autoresearch_mcp.tools.decision.measured import read_trained
from autoresearch_mcp.tools.project.harness import EVALUATE, HARNESS, SPEC_FILE, size_for, with_values
from autoresearch_mcp.tools.project.scan import ComputeDevice, DeviceKind
from gpt_ancestor import adapted

ARMS = ("ours", "his")
DEPTHS = {"small": 2, "medium": 4}
"""Blocks of each size, each with 32 channels for the width of all, in heads of 32."""
GPU = ComputeDevice(DeviceKind.CUDA, "preset", memory_bytes=80 * 2**30)
NUMBERS = (
    "val_bpb",
    "total_tokens_M",
    "num_params_M",
    "tokens_per_second",
    "mfu_percent",
    "peak_vram_mb",
    "training_seconds",
    "evaluation_seconds",
)
PUBLISHED_SPEED = 499.6e6 / 300.1
"""Tokens a second of his published run on an H100."""
Row = dict[str, object]


def run(arm: str, seed: int, options: argparse.Namespace) -> Row:
    """Train and score one arm with one seed, and tell what the judge printed."""
    size = size_for((GPU,) if options.preset == "gpu" else (), options.data)
    depth = DEPTHS[options.size]
    if arm == "his":
        text = (options.against / "train.py").read_text(encoding="utf-8")
        train = adapted(text, {"DEPTH": depth, "ASPECT_RATIO": 32, "HEAD_DIM": 32, "DEVICE_BATCH_SIZE": 8})
    else:
        constants = size.constants if options.preset == "gpu" else {"DEPTH": depth}
        train = with_values((HARNESS / "train.py").read_text(encoding="utf-8"), constants, quote=False)
    spec = {**size.spec, **({"budget": options.budget} if options.budget else {})}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "train.py").write_text(train, encoding="utf-8")
        text = (HARNESS / SPEC_FILE).read_text(encoding="utf-8")
        (folder / SPEC_FILE).write_text(with_values(text, spec, quote=True), encoding="utf-8")
        command = [sys.executable, str(EVALUATE), str(folder), "--seed", str(seed)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    trained = read_trained(done.stdout)
    if done.returncode or trained is None:
        raise SystemExit(f"{arm}, seed {seed}: the run failed, see above")
    return {**kind(options), "arm": arm, **trained.facts, "seed": seed}


def kind(options: argparse.Namespace) -> Row:
    """What runs have to have in common to be compared."""
    return {"preset": options.preset, "size": options.size, "asked": options.budget}


def show(rows: list[Row]) -> None:
    """Means over the seeds, side by side, and the differences of pairs with the same seed."""
    print(f"{'':<20}" + "".join(f"{arm:>22}" for arm in ARMS))
    for name in NUMBERS:
        cells = []
        for arm in ARMS:
            found = [float(str(row[name])) for row in rows if row["arm"] == arm]
            sd = f" ± {statistics.stdev(found):.4g}" if len(found) > 1 else ""
            cells.append(f"{statistics.fmean(found):.6g}{sd}" if found else "not run")
        print(f"{name:<20}" + "".join(f"{cell:>22}" for cell in cells))
    scores = {arm: {str(row["seed"]): float(str(row["val_bpb"])) for row in rows if row["arm"] == arm} for arm in ARMS}
    gaps = [score - scores["his"][seed] for seed, score in scores["ours"].items() if seed in scores["his"]]
    if len(gaps) > 1:
        mean, sd = statistics.fmean(gaps), statistics.stdev(gaps)
        print(
            f"\nval_bpb, ours less his, {len(gaps)} seeds: {mean:+.4f} ± {sd:.4f}, {mean / sd:+.1f} sd of the difference"
        )
    if any(str(row["preset"]) == "gpu" for row in rows):
        speed = statistics.fmean(float(str(row["tokens_per_second"])) for row in rows)
        print(f"ours to his published setting on an H100: {speed / PUBLISHED_SPEED:.2f}x the tokens a second")


def recorded(options: argparse.Namespace) -> Iterator[Row]:
    """What was recorded of one kind."""
    for line in options.show.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if kind(options).items() <= row.items():
            yield row


def main() -> None:
    """Run the arms in turn, record, and show."""
    parser = argparse.ArgumentParser(description="Ours beside Karpathy's.")
    parser.add_argument("--against", type=Path, metavar="DIR", help="a clone of karpathy/autoresearch; processors only")
    parser.add_argument("--preset", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument("--size", choices=list(DEPTHS), default="small", help="of both, on a processor")
    parser.add_argument("--seed", type=int, action="append", help="default: 1 to 5")
    parser.add_argument("--data", default="", help="instead of the preset's, e.g. stdlib or files:texts/**/*.txt")
    parser.add_argument("--budget", default="", help='instead of the preset\'s, e.g. "8 seconds"')
    parser.add_argument("--record", type=Path, default=Path("gpt-benchmark.jsonl"), help="where results are appended")
    parser.add_argument("--show", type=Path, help="print the table of what was recorded there, and leave")
    options = parser.parse_args()
    if options.show:
        return show(list(recorded(options)))
    if options.against and options.preset == "gpu":
        parser.error("his code is adapted to processors only: on a GPU run it as he does")
    rows = []
    for seed in options.seed or (1, 2, 3, 4, 5):
        for arm in ARMS if options.against else ARMS[:1]:
            rows.append(run(arm, seed, options))
            with options.record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    return show(rows)


if __name__ == "__main__":
    main()
