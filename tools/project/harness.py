"""A repository to practise on: the GPT harness, sized to the machine, committed, and ready for its first session."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ..errors import Code, Refusal
from ..git.repo import create_repository
from ..plan.model import PLAN_FILE, Plan
from .measurement_inputs import steps
from .scan import ComputeDevice, DeviceKind

HARNESS = Path(__file__).parent.parent.parent / "gpt_harness"
EVALUATE = HARNESS / "evaluate.py"
SPEC_FILE = "gpt.toml"
HARNESS_FILES = ("train.py", "program.md", SPEC_FILE, PLAN_FILE)
"""What an experiment's repository holds. What judges stays in the package, where no experiment writes."""
_IGNORED = "__pycache__/\n*.log\n*.safetensors\n"
_GIB = 2**30


@dataclass(frozen=True)
class Size:
    """What is written over the defaults of the harness: keys of `gpt.toml`, constants of `train.py`, keys of the plan."""

    spec: Mapping[str, object] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)
    why: str = "the default for a processor: 400,000 tokens, half a minute a run"


def size_for(devices: tuple[ComputeDevice, ...], data: str = "") -> Size:
    """Choose the size for the best device there is. A GPU gets five minutes a run, and rows by its memory."""
    text = {"data": data} if data else {}
    gpu = next((device for device in devices if device.kind is DeviceKind.CUDA), None)
    if gpu is not None:
        return _for_gpu(gpu, text)
    if any(device.kind is DeviceKind.MPS for device in devices):
        spec = {"budget": "300 seconds", "start_seconds": 120, **text}
        return Size(
            spec, {"DEPTH": 4, "BATCH_ROWS": 16, "DEVICE_ROWS": 16}, "an Apple GPU: five minutes a run, depth 4"
        )
    return Size(text)


def _for_gpu(gpu: ComputeDevice, text: Mapping[str, object]) -> Size:
    """Take the published setting of autoresearch on one H100, with fewer rows at a time or a smaller model for less memory."""
    big = gpu.memory_bytes >= 20 * _GIB
    rows = _rows(gpu, _GIB * (0.62 if big else 0.25))
    spec: dict[str, object] = {
        "data": "climbmix:10",
        "vocabulary": 8192,
        "sequence_length": 2048 if big else 1024,
        "budget": "300 seconds",
        "start_seconds": 300,
        "evaluation_tokens": 2_097_152,
        **text,
    }
    constants: dict[str, object] = {
        "DEPTH": 8 if big else 6,
        "ASPECT": 64,
        "HEAD_WIDTH": 128 if big else 64,
        "WINDOWS": '"SSSSL"',
        "VALUE_EMBEDDING_EVERY": 2,
        "ROTARY_BASE": 100_000,
        "BATCH_ROWS": 128,
        "DEVICE_ROWS": rows,
        "EMBEDDING_LR": 0.9,
        "HEAD_LR": 0.005,
        "WEIGHT_DECAY": 0.2,
        "WARM_DOWN": 0.7,
        "FINAL_LR": 0.05,
        "THREADS": 8,
    }
    if spec["data"] == "stdlib":
        spec |= {"vocabulary": 4096, "sequence_length": 1024, "evaluation_tokens": 131_072}
    return Size(spec, constants, f"{gpu.name}: five minutes a run, depth {constants['DEPTH']}, {rows} rows at a time")


def _rows(gpu: ComputeDevice, each: float) -> int:
    """Return how many rows fit at a time, a power of two."""
    fitting = max(1, int(gpu.memory_bytes / each))
    return int(2 ** min(7, fitting.bit_length() - 1))


def create_harness(folder: Path, python: str, size: Size | None = None) -> Path:
    """Make a git repository of the harness in a new or empty folder. `python` is the interpreter that will train.

    Raises:
        Refusal: if the folder holds anything.
    """
    size = size or Size()
    require_empty(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in HARNESS_FILES:
        shutil.copyfile(HARNESS / name, folder / name)
    _write(
        folder / PLAN_FILE,
        lambda text: text.replace("{python}", shlex.quote(python)).replace("{evaluate}", shlex.quote(str(EVALUATE))),
    )
    _write(folder / SPEC_FILE, lambda text: with_values(text, size.spec, quote=True))
    _write(folder / "train.py", lambda text: with_values(text, size.constants, quote=False))
    (folder / ".gitignore").write_text(_IGNORED, encoding="utf-8")
    create_repository(folder, "A small GPT to improve")
    return folder


def with_values(text: str, values: Mapping[str, object], *, quote: bool) -> str:
    """Set other values in a file of `name = value  # comment` lines.

    Raises:
        KeyError: if a name has no line.
    """
    for name, value in values.items():
        shown = f'"{value}"' if quote and isinstance(value, str) else str(value)
        line = re.compile(rf"^({name} = )([^#\n]*?)( *)(#.*)?$", re.MULTILINE)
        text, count = line.subn(partial(_set, shown), text, count=1)
        if not count:
            raise KeyError(name)
    return text


def _set(shown: str, line: re.Match[str]) -> str:
    """Set another value in a line; its comment stays where it is, if there is room."""
    name, old, space, comment = line.groups(default="")
    return f"{name}{shown}{' ' * max(2, len(old + space) - len(shown)) if comment else ''}{comment}"


def trains(plan: Plan) -> bool:
    """Tell whether a plan's verify is the evaluation of this package."""
    return any(str(EVALUATE) in step.words for step in steps(plan.verify))


def _write(file: Path, change: Callable[[str], str]) -> None:
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")


def require_empty(folder: Path) -> None:
    """Refuse to make anything in a folder that holds something.

    Raises:
        Refusal: naming the folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refusal(Code.BAD_ARGUMENT, f"{folder} exists and is not empty. Name a folder that does not exist yet.")
