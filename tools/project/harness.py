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
    plan: Mapping[str, object] = field(default_factory=dict)
    why: str = "the default for a processor: 1,000 gigaops, some ten seconds of it a run"


def size_for(devices: tuple[ComputeDevice, ...], data: str = "") -> Size:
    """Choose the size for the best device there is. A GPU gets five minutes a run, and rows by its memory.

    Raises:
        Refusal: if the data is no source of text.
    """
    if data and not _SOURCES.fullmatch(data):
        known = "stdlib, files:GLOB,..., climbmix:SHARDS, tinystories"
        raise Refusal(Code.BAD_ARGUMENT, f"{data} is no source of text. Use one of: {known}.")
    text = {"data": data} if data else {}
    gpu = next((device for device in devices if device.kind is DeviceKind.CUDA), None)
    if gpu is not None:
        return _for_gpu(gpu, text)
    if any(device.kind is DeviceKind.MPS for device in devices):
        spec = {"budget": "300 seconds", "start_seconds": 120, **text}
        constants = {"DEPTH": 4, "BATCH_ROWS": 16, "DEVICE_ROWS": 16}
        return Size(spec, constants, why="an Apple GPU: five minutes a run, depth 4")
    return Size(text)


@dataclass(frozen=True)
class GpuPreset:
    """What suits cards of at least so many GiB: blocks, their width, channels of a head, tokens of context, rows a step."""

    least_gib: int
    depth: int
    width: int
    head: int
    length: int
    batch: int


_PRESETS = (
    GpuPreset(76, 8, 512, 128, 2048, 128),  # H100, H200, B200; A100 with 80 GB
    GpuPreset(38, 8, 512, 128, 2048, 64),  # A100 with 40 GB, L40S, A6000
    GpuPreset(20, 6, 384, 128, 2048, 32),  # 3090, 4090, A10, L4
    GpuPreset(11, 6, 384, 64, 1024, 32),  # T4, V100, 3060
    GpuPreset(0, 4, 256, 64, 512, 32),  # of a laptop
)
"""The published setting of autoresearch is the first one, with half of its batch. Of a slower card's five minutes the smaller
models and steps make as many steps."""
_SOURCES = re.compile(r"stdlib|files:.+|climbmix(:.*)?|tinystories")
_GIB_A_ROW = 0.5 / (8 * 512 * 2048)
"""For each block, channel and token, in bfloat16: an estimate, above the 45 GB of 128 rows that were published."""
_BEFORE_AMPERE = re.compile(r"\b(?:T4|V100|P100|P40|GTX|TITAN|Quadro|RTX 20\d\d)\b")


def _for_gpu(gpu: ComputeDevice, text: Mapping[str, object]) -> Size:
    """Choose by memory and architecture. A card of before Ampere has no units for bfloat16: twice the memory for each row."""
    preset = next(one for one in _PRESETS if gpu.memory_bytes >= one.least_gib * _GIB)
    old = bool(_BEFORE_AMPERE.search(gpu.name))
    each = _GIB_A_ROW * preset.depth * preset.width * preset.length * (2 if old else 1)
    fitting = max(1, int((0.9 * gpu.memory_bytes / _GIB - 1) / each))
    rows = min(preset.batch, 2 ** (fitting.bit_length() - 1))
    spec: dict[str, object] = {
        "data": "climbmix:10",
        "vocabulary": 8192 if preset.least_gib else 4096,
        "sequence_length": preset.length,
        "budget": "300 seconds",
        "start_seconds": 300,
        "evaluation_tokens": 2_097_152 if preset.least_gib >= 20 else 524_288,
        **text,
    }
    constants: dict[str, object] = {
        "DEPTH": preset.depth,
        "ASPECT": preset.width // preset.depth,
        "HEAD_WIDTH": preset.head,
        "SQUARED_RELU": True,
        "WINDOWS": '"L"' if old else '"SSSSL"',
        "SOFTCAP": 15.0,
        "ROTARY_BASE": 100_000,
        "BATCH_ROWS": preset.batch,
        "DEVICE_ROWS": rows,
        "MUON": True,
        "MATRIX_LR": 0.04,
        "EMBEDDING_LR": 0.9,
        "HEAD_LR": 0.005,
        "WEIGHT_DECAY": 0.2,
        "WARM_DOWN": 0.7,
        "FINAL_LR": 0.05,
        "THREADS": 8,
    }
    if spec["data"] == "stdlib":
        spec |= {"vocabulary": 4096, "sequence_length": min(1024, preset.length), "evaluation_tokens": 131_072}
    why = f"{gpu.name}: five minutes a run, depth {preset.depth}, width {preset.width}, {rows} rows at a time"
    return Size(spec, constants, {"gpus": 1}, why)


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
        lambda text: with_values(
            text.replace("{python}", shlex.quote(python)).replace("{evaluate}", shlex.quote(str(EVALUATE))),
            size.plan,
            quote=True,
        ),
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
