"""`autoresearch-mcp install --client NAME`: writes, prints or takes out the entry of a client's configuration."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import Namespace
from pathlib import Path

from ...tools.doctor.clients import REGISTRATIONS, Client, Registration, Unwritable, added, removed, snippet
from ...tools.storage.disk import write_atomically


def run(root: Path, options: Namespace) -> int:
    """Do it; returns the exit status."""
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


def _say(text: str, status: int) -> int:
    (sys.stderr if status else sys.stdout).write(text if text.endswith("\n") else f"{text}\n")
    return status
