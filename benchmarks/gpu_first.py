"""What `gpu_first.sh` does: three short runs by the harness on whatever GPU there is, and a table of what they showed.

The first compiles from nothing and fills the cache, the second has a copy of it and repeats the seed, the third is an
experiment that tries what it must not. Needs the extra `gpt`, and no network.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from autoresearch_mcp.tools.decision.measured import CheckSeen, Trained, read_checks, read_trained
from autoresearch_mcp.tools.project.harness import EVALUATE, Size, create_harness, size_for
from autoresearch_mcp.tools.project.scan import DeviceKind, devices

SECONDS, ON_A_PROCESSOR = 60.0, 0.5
"""Of training in the first two runs."""
PROBE = """
def _tried(name, attempt):
    import sys
    try:
        attempt()
        said = "open"
    except OSError as error:
        said = f"closed ({error.strerror})"
    print(f"probe {name}: {said}", file=sys.stderr)


def _probe():
    import os, socket
    _tried("read the cache", lambda: os.listdir(CACHE))
    _tried("write beside the run", lambda: open(os.path.join(os.path.dirname(os.getcwd()), "left"), "w"))
    _tried("read other processes", lambda: os.listdir("/proc/1/fd"))
    _tried("open a socket", socket.socket)


if __name__ == "__main__":
    _probe()
"""


@dataclass(frozen=True)
class TriedRun:
    """One run of the harness: what it printed, and how long it took in all."""

    exit: int
    seconds: float
    said: str
    errors: str
    checks: tuple[CheckSeen, ...]
    trained: Trained = field(default_factory=lambda: Trained(facts={}))

    def number(self, name: str) -> float:
        """What the summary says of a name; 0 where there is none."""
        return self.trained.number(name) or 0.0

    @property
    def start_seconds(self) -> float:
        """Everything that is neither training nor evaluation: imports, text, building, compiling."""
        return self.seconds - self.number("training_seconds") - self.number("evaluation_seconds")


def run(folder: Path, seconds: float, device: str) -> TriedRun:
    """Train and score what stands in a folder, with seed 1."""
    options = ["--seed", "1", "--budget", f"{seconds:g} seconds", *(["--device", device] if device else [])]
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(EVALUATE), str(folder), *options], capture_output=True, text=True, check=False
    )
    told = read_trained(done.stdout) or Trained(facts={})
    checks = read_checks(done.stdout + done.stderr)
    return TriedRun(done.returncode, time.monotonic() - began, done.stdout, done.stderr, checks, told)


def rows(cold: TriedRun, warm: TriedRun, probe: TriedRun) -> Mapping[str, str]:
    """The table, a row a name."""
    share = warm.number("evaluation_seconds") / max(warm.number("training_seconds"), 1e-9)
    closed = [line.removeprefix("probe ") for line in probe.errors.splitlines() if line.startswith("probe ")]
    scores = [f"{one.number('val_bpb'):.6f}" for one in (cold, warm)]
    return {
        "device": f"{warm.trained.facts.get('device', '?')}; torch {version('torch')}, Python {platform.python_version()}",
        "start from nothing, with the cache (s)": f"{cold.start_seconds:.1f}, {warm.start_seconds:.1f}",
        "tokens a second": f"{warm.number('tokens_per_second'):,.0f}",
        "MFU (%)": f"{warm.number('mfu_percent'):.1f}",
        "parameters (M), steps": f"{warm.number('num_params_M'):.3f}, {warm.number('num_steps'):.0f}",
        "peak memory (MB)": f"{warm.number('peak_vram_mb'):,.0f}",
        "energy (J)": f"{warm.number('energy_joules'):,.0f}",
        "evaluation, share of training": f"{100 * share:.1f} % ({warm.number('evaluation_seconds'):.1f} s)",
        "`val_bpb`, twice the same seed": " ".join(scores),
        "checks": ", ".join(f"{check.name} {check.outcome}" for check in warm.checks),
        "walls": "; ".join(closed) or "not tried",
    }


def wrong(tried: Mapping[str, TriedRun], on_gpu: bool) -> list[str]:
    """What did not go as it should, each with what was seen."""
    found = [
        f"the {name} run ended with exit {one.exit}:\n{one.errors[-2000:]}" for name, one in tried.items() if one.exit
    ]
    found += [f"an open wall: {line}" for line in tried["probing"].errors.splitlines() if line.endswith(": open")]
    if on_gpu and not found and tried["warm"].start_seconds > 0.7 * tried["cold"].start_seconds:
        found.append("the compile cache saved less than a third of the start")
    return found


def main() -> int:
    """Make the runs and print the table; returns 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description="The first look at a GPU.")
    parser.add_argument(
        "--cpu", action="store_true", help="try this script on a processor: a small model, a few seconds"
    )
    options = parser.parse_args()
    there = devices()
    if not options.cpu and not any(device.kind is DeviceKind.CUDA for device in there):
        print("There is no GPU that `nvidia-smi` lists. --cpu tries the script itself.", file=sys.stderr)
        return 1
    size = Size({"evaluation_tokens": 8192, "vocabulary": 256}) if options.cpu else size_for(there, "stdlib")
    seconds = ON_A_PROCESSOR if options.cpu else SECONDS
    with tempfile.TemporaryDirectory() as scratch:
        folder = create_harness(Path(scratch) / "lab", sys.executable, size)
        os.environ["AUTORESEARCH_CACHE"] = str(Path(scratch) / "cache")  # nothing of before is in it
        subprocess.run([sys.executable, str(EVALUATE.with_name("prepare.py"))], cwd=folder, check=True)
        device = "cpu" if options.cpu else ""
        tried = {"cold": run(folder, seconds, device), "warm": run(folder, seconds, device)}
        code, cache = (folder / "train.py").read_text(encoding="utf-8"), str(Path(scratch) / "cache")
        begin = code.index('if __name__ == "__main__":')
        probing = f"{code[:begin]}CACHE = {cache!r}\n{PROBE}\n{code[begin:]}"
        (folder / "train.py").write_text(probing, encoding="utf-8")
        tried["probing"] = run(folder, seconds / 6, device)
    print(f"{size.why}\n\n| what | measured |\n|---|---|")
    for name, value in rows(*tried.values()).items():
        if value.strip("0."):
            print(f"| {name} | {value} |")
    problems = wrong(tried, not options.cpu)
    print("\n" + ("\n".join(f"WRONG: {problem}" for problem in problems) or "Nothing was wrong."))
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
