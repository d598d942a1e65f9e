"""`autoresearch-mcp init gpt DIR`"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from ..tools.errors import Refusal
from ..tools.training import HARNESS_FILES, create_harness


def init_gpt(folder: str) -> int:
    """Make the repository and say what to do with it; returns the exit status."""
    place = Path(folder).expanduser().resolve()
    try:
        create_harness(place, sys.executable)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 1
    out = [f"Made {place}: a git repository with {', '.join(HARNESS_FILES)}."]
    if find_spec("torch") is None:
        out.append("Training needs torch, which this Python lacks: install the extra `gpt` (see the README).")
    out += [
        f"Train once by hand: cd {place} && {sys.executable} train.py",
        "Read program.md, change it to your taste and commit it. Then open the folder in your agent and say:",
        '  "Use the autoresearch playbook. Lower val_bpb."',
    ]
    sys.stdout.write("\n".join(out) + "\n")
    return 0
