"""What a person does once on a machine: look for what is in the way, make a repository to practise on."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import shtab
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...tools.doctor.checks import DoctorCheck, examine
from ...tools.errors import Refusal
from ...tools.project.harness import EVALUATE, HARNESS_FILES, create_harness, size_for
from ...tools.project.scan import devices
from ..main import make_parser
from .example_commands import make_example
from .fish import fish_completion
from .plan_commands import write_plan

_MARKS = {True: ("ok", "green"), False: ("WRONG", "bold red"), None: ("", "")}


def doctor(root: Path, options: Namespace) -> int:
    """Show what stands in the way on this machine, with the cure for each; returns the exit status."""
    looked = examine(root)
    status = int(any(one.passed is False for one in looked))
    if options.json:
        sys.stdout.write(json.dumps({"status": status, "looked": [asdict(one) for one in looked]}) + "\n")
        return status
    if sys.stdout.isatty():
        Console().print(_table(looked))
    else:  # whole words for whoever reads the pipe
        rows = ((_MARKS[one.passed][0] or "-", one.name, one.seen, one.cure) for one in looked)
        sys.stdout.write("".join("\t".join(" ".join(cell.split()) for cell in row).rstrip() + "\n" for row in rows))
    sys.stdout.write("Something is wrong: the cures stand beside it.\n" if status else "Nothing is wrong.\n")
    return status


def _table(looked: list[DoctorCheck]) -> Table:
    table = Table("", "what", "as it is", "cure", show_lines=False, box=None, padding=(0, 1))
    for one in looked:
        word, style = _MARKS[one.passed]
        table.add_row(Text(word, style=style), Text(one.name), Text(one.seen), Text(one.cure))
    return table


def init(root: Path, options: Namespace) -> int:
    """Write a plan for the project here, or make a repository to practise on; returns the exit status."""
    if options.example:
        return make_example(Path(*options.words[:1]).expanduser().resolve(), options.example, as_json=options.json)
    if options.words[:1] != ["gpt"]:
        return write_plan(root, " ".join(options.words), as_json=options.json)
    if len(options.words) != 2:
        sys.stderr.write("Name the folder to make: autoresearch-mcp init gpt DIR\n")
        return 2
    place = Path(options.words[1]).expanduser().resolve()
    try:
        size = size_for(devices(), options.data)
        create_harness(place, sys.executable, size)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 2
    if options.json:
        made = {"folder": str(place), "files": list(HARNESS_FILES), "sized": size.why, "settings": dict(size.spec)}
        sys.stdout.write(json.dumps({**made, "torch": find_spec("torch") is not None}) + "\n")
        return 0
    out = [
        f"Made {place}: a git repository with {', '.join(HARNESS_FILES)}.",
        f"Sized for this machine ({size.why}). Data: {size.spec.get('data', 'stdlib')}. Both stand in gpt.toml and train.py.",
    ]
    if find_spec("torch") is None:
        out.append(
            "Training needs torch, which this Python lacks: install with the extra, `uv tool install '.[gpt]'` in a clone."
        )
    out += [
        f"Train and score once by hand: cd {place} && {sys.executable} {EVALUATE}",
        "Read program.md, change it to your taste and commit it. Then open the folder in your agent and say:",
        '  "Use the autoresearch playbook. Lower val_bpb."',
    ]
    sys.stdout.write("\n".join(out) + "\n")
    return 0


def completion(root: Path, options: Namespace) -> int:
    """Print the script that completes commands and options in a shell."""
    parser = make_parser()
    fish = options.shell == "fish"
    sys.stdout.write(fish_completion(parser, parser.commands) if fish else shtab.complete(parser, options.shell) + "\n")
    return 0


def show_help(root: Path, options: Namespace) -> int:
    """Print how to use the command line, or one command."""
    make_parser().parse_args([options.about, "--help"] if options.about else ["--help"])
    return 0


def show_version(root: Path, options: Namespace) -> int:
    """Print the version."""
    make_parser().parse_args(["--version"])
    return 0
