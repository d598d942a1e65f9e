"""What a person does once on a machine: register the server, look for what is in the way, make a repository to practise on."""

from __future__ import annotations

import json
import os
import shutil
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
from ...tools.doctor.clients import REGISTRATIONS, Client, Registration, Unwritable, added, removed, snippet
from ...tools.errors import Refusal
from ...tools.project.harness import EVALUATE, HARNESS_FILES, create_harness, size_for
from ...tools.project.scan import devices
from ...tools.storage.disk import write_atomically
from ..main import make_parser

_MARKS = {True: ("ok", "green"), False: ("WRONG", "bold red"), None: ("", "")}


def install(root: Path, options: Namespace) -> int:
    """Write, print or take out the entry of a client's configuration; returns the exit status."""
    registration = REGISTRATIONS[Client(options.client)]
    file = Path(options.file).expanduser() if options.file else _file(registration, root)
    entry = registration.entry(_command(root, options, registration))
    if options.print:
        return _say(f"# {file}\n{snippet(registration, entry)}", 0)
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    try:
        new = removed(text, registration) if options.remove else added(text, registration, entry)
    except Unwritable as reason:
        by_hand = "Take the entry out by hand." if options.remove else f"Write by hand:\n{snippet(registration, entry)}"
        return _say(f"{file} was left as it is: {reason}. {by_hand}", 1)
    if new == text:
        return _say(f"{file}: nothing to change.", 0)
    target = file.resolve()  # a link to where somebody keeps such files stays one
    target.parent.mkdir(parents=True, exist_ok=True)
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
    write_atomically(target, new)
    target.chmod(mode)
    done = "Taken out of" if options.remove else "Written to"
    note = (
        "" if options.remove else registration.note.replace("COMMAND", " ".join(_command(root, options, registration)))
    )
    return _say(f"{done} {file}." + (f"\n{note}" if note else ""), 0)


def _file(registration: Registration, root: Path) -> Path:
    """The first place that exists, else the first that can be."""
    places = [place for name in registration.places if (place := _place(name, root))]
    return next((place for place in places if place.exists()), _likeliest(places))


def _place(name: str, root: Path) -> Path | None:
    if name.startswith("$"):
        variable, _, rest = name[1:].partition("/")
        return Path(os.environ[variable], rest) if os.environ.get(variable) else None
    if "Library/" in name and sys.platform != "darwin":
        return None
    return Path(name).expanduser() if name.startswith("~") else root / name


def _likeliest(places: list[Path]) -> Path:
    """Of files that are not there yet: plain JSON rather than JSON with comments."""
    return next((place for place in places if place.suffix != ".jsonc"), places[0])


def _command(root: Path, options: Namespace, registration: Registration) -> list[str]:
    """The command that starts this server, by absolute path: clients have a PATH of their own."""
    script = shutil.which(sys.argv[0]) or shutil.which("autoresearch-mcp")
    command = [str(Path(script).resolve())] if script else [sys.executable, "-m", "autoresearch_mcp.server"]
    if options.root or registration.needs_root:
        command += ["--root", str(root)]
    return [*command, *(["--allow-commands"] if options.allow_commands else [])]


def doctor(root: Path, options: Namespace) -> int:
    """Show what stands in the way on this machine, with the cure for each; returns the exit status."""
    looked = examine(root)
    status = int(any(one.passed is False for one in looked))
    if options.json:
        sys.stdout.write(json.dumps({"status": status, "looked": [asdict(one) for one in looked]}) + "\n")
        return status
    Console().print(_table(looked))
    sys.stdout.write("Something is wrong: the cures stand beside it.\n" if status else "Nothing is wrong.\n")
    return status


def _table(looked: list[DoctorCheck]) -> Table:
    table = Table("", "what", "as it is", "cure", show_lines=False, box=None, padding=(0, 1))
    for one in looked:
        word, style = _MARKS[one.passed]
        table.add_row(Text(word, style=style), Text(one.name), Text(one.seen), Text(one.cure))
    return table


def init(root: Path, options: Namespace) -> int:
    """Make a repository to practise on, and say what to do with it; returns the exit status."""
    place = Path(options.folder).expanduser().resolve()
    size = size_for(devices(), options.data)
    try:
        create_harness(place, sys.executable, size)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 1
    if options.json:
        made = {"folder": str(place), "files": list(HARNESS_FILES), "sized": size.why, "settings": dict(size.spec)}
        sys.stdout.write(json.dumps({**made, "torch": find_spec("torch") is not None}) + "\n")
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


def completion(root: Path, options: Namespace) -> int:
    """Print the script that completes commands and options in a shell."""
    sys.stdout.write(shtab.complete(make_parser(), shell=options.shell) + "\n")
    return 0


def _say(text: str, status: int) -> int:
    (sys.stderr if status else sys.stdout).write(text if text.endswith("\n") else f"{text}\n")
    return status
