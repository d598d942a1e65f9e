"""Our train.py beside a plain GPT in the way of nanoGPT: same data, tokenizer, budget, device, and the same judge.

    python benchmarks/gpt.py                                  # here, on a processor: two arms, three seeds
    python benchmarks/gpt.py --budget "12 seconds"            # the same at equal time instead of equal tokens
    python benchmarks/gpt.py --preset gpu --arm ours --seed 1 # one arm of the GPU comparison, under ten minutes
    python benchmarks/gpt.py --preset gpu --show FILE         # the table of what was recorded

Arms take turns. Each result is appended to a file of JSON lines (`--record`, by default `gpt-benchmark.jsonl` here), so that the
arms of the GPU comparison can be run in commands of their own, and `--show` prints one table of all. Needs the extra
`gpt`. The GPU preset is the data shape of Karpathy's autoresearch on one H100: 2,048 tokens of context, a vocabulary of
8,192, five minutes; his published setting trains about 500 M tokens in 300 s at an MFU of 39.8 %.
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

PLAIN = Path(__file__).parent / "gpt_plain" / "train.py"
ARMS = ("ours", "plain")
GPU = ComputeDevice(DeviceKind.CUDA, "preset", memory_bytes=80 * 2**30)
PLAIN_ON_GPU = {
    "DEPTH": 8,
    "WIDTH": 512,
    "HEADS": 4,
    "BATCH_ROWS": 128,
    "DEVICE_ROWS": 64,
    "LEARNING_RATE": 1e-3,
    "WARM_UP": 0.05,
    "THREADS": 8,
}
NUMBERS = (
    "val_bpb",
    "total_tokens_M",
    "tokens_per_second",
    "mfu_percent",
    "peak_vram_mb",
    "training_seconds",
    "evaluation_seconds",
)
PUBLISHED = {"tokens_per_second": 499.6e6 / 300.1, "mfu_percent": 39.8, "val_bpb": 0.9979}


def run(arm: str, seed: int, options: argparse.Namespace) -> dict[str, object]:
    """Train and score one arm with one seed, and tell what the judge printed."""
    size = size_for((GPU,) if options.preset == "gpu" else (), options.data)
    constants = size.constants if arm == "ours" else PLAIN_ON_GPU if options.preset == "gpu" else {}
    train = (HARNESS / "train.py" if arm == "ours" else PLAIN).read_text(encoding="utf-8")
    spec = {**size.spec, **({"budget": options.budget} if options.budget else {})}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "train.py").write_text(with_values(train, constants, quote=False), encoding="utf-8")
        text = (HARNESS / SPEC_FILE).read_text(encoding="utf-8")
        (folder / SPEC_FILE).write_text(with_values(text, spec, quote=True), encoding="utf-8")
        command = [sys.executable, str(EVALUATE), str(folder), "--seed", str(seed)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    trained = read_trained(done.stdout)
    if done.returncode or trained is None:
        raise SystemExit(f"{arm}, seed {seed}: the run failed, see above")
    return {"arm": arm, "preset": options.preset, **trained.facts, "seed": seed}


def show(rows: list[dict[str, object]]) -> None:
    """Means over the seeds, side by side, and what one arm is to the other."""
    print(f"{'':<20}" + "".join(f"{arm:>22}" for arm in ARMS))
    means: dict[tuple[str, str], float] = {}
    for name in NUMBERS:
        cells = []
        for arm in ARMS:
            found = [float(str(row[name])) for row in rows if row["arm"] == arm]
            if not found:
                cells.append("not run")
                continue
            means[arm, name] = statistics.fmean(found)
            sd = f" ± {statistics.stdev(found):.4g}" if len(found) > 1 else ""
            cells.append(f"{means[arm, name]:.6g}{sd}")
        print(f"{name:<20}" + "".join(f"{cell:>22}" for cell in cells))
    seeds = {arm: sorted({str(row["seed"]) for row in rows if row["arm"] == arm}) for arm in ARMS}
    print(f"{'seeds':<20}" + "".join(f"{','.join(seeds[arm]):>22}" for arm in ARMS))
    print()
    for arm in ARMS:
        if (arm, "val_bpb") in means:
            share = means[arm, "evaluation_seconds"] / means[arm, "training_seconds"]
            print(f"evaluation of {arm}, all checks among it: {100 * share:.1f} % of the training")
    if all((arm, "val_bpb") in means for arm in ARMS):
        speed = means["ours", "tokens_per_second"] / means["plain", "tokens_per_second"]
        gap = means["ours", "val_bpb"] - means["plain", "val_bpb"]
        print(f"ours to plain: {speed:.2f}x the tokens a second, val_bpb {gap:+.4f}")
    if any(str(row["preset"]) == "gpu" for row in rows) and ("ours", "tokens_per_second") in means:
        ratio = means["ours", "tokens_per_second"] / PUBLISHED["tokens_per_second"]
        print(f"ours to the published setting of autoresearch on an H100: {ratio:.2f}x the tokens a second")


def recorded(file: Path, preset: str) -> Iterator[dict[str, object]]:
    """What was recorded of a preset."""
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["preset"] == preset:
            yield row


def main() -> None:
    """Run the arms in turn, record, and show."""
    parser = argparse.ArgumentParser(description="Ours beside a plain GPT.")
    parser.add_argument("--preset", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument("--arm", choices=ARMS, help="only this one")
    parser.add_argument("--seed", type=int, action="append", help="default: 1, 2, 3")
    parser.add_argument("--data", default="", help="instead of the preset's, e.g. stdlib or files:texts/**/*.txt")
    parser.add_argument("--budget", default="", help='instead of the preset\'s, e.g. "120 seconds"')
    parser.add_argument("--record", type=Path, default=Path("gpt-benchmark.jsonl"), help="where results are appended")
    parser.add_argument("--show", type=Path, help="print the table of what was recorded there, and leave")
    options = parser.parse_args()
    if options.show:
        return show(list(recorded(options.show, options.preset)))
    rows = []
    for seed in options.seed or (1, 2, 3):
        for arm in (options.arm,) if options.arm else ARMS:
            rows.append(run(arm, seed, options))
            with options.record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    return show(rows)


if __name__ == "__main__":
    main()
