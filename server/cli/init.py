"""`autoresearch-mcp init gpt DIR`"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path

from ...tools.errors import Refusal
from ...tools.project.harness import EVALUATE, HARNESS_FILES, create_harness, size_for
from ...tools.project.scan import devices


def run(root: Path, options: Namespace) -> int:
    """Make the repository and say what to do with it; returns the exit status."""
    place = Path(options.folder).expanduser().resolve()
    size = size_for(devices(), options.data)
    try:
        create_harness(place, sys.executable, size)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 1
    if options.json:
        told = {"folder": str(place), "files": list(HARNESS_FILES), "sized": size.why, "settings": dict(size.spec)}
        sys.stdout.write(json.dumps({**told, "torch": find_spec("torch") is not None}) + "\n")
        return 0
    out = [
        f"Made {place}: a git repository with {', '.join(HARNESS_FILES)}.",
        f"Sized for this machine ({size.why}). Data: {size.spec.get('data', 'stdlib')}. Both stand in gpt.toml and train.py.",
    ]
    if find_spec("torch") is None:
        out.append("Training needs torch, which this Python lacks: install the extra `gpt` (see the README).")
    out += [
        f"Train and score once by hand: cd {place} && {sys.executable} {EVALUATE}",
        "Read program.md, change it to your taste and commit it. Then open the folder in your agent and say:",
        '  "Use the autoresearch playbook. Lower val_bpb."',
    ]
    sys.stdout.write("\n".join(out) + "\n")
    return 0
