"""Registering this server with a client, by the client's own command or in its configuration file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ...tools.doctor.clients import NAME, REGISTRATIONS, ROOT, USUALLY, Client, Registration, state_folder
from ...tools.doctor.configuration import Unwritable, put, taken_out, value_at, without_empty
from ...tools.errors import Refusal
from ...tools.lab.access import Lab
from ...tools.plan.model import PLAN_FILE
from ...tools.storage.disk import write_atomically
from ...tools.vocabulary import Phase

Entry = Mapping[str, Any]
PATIENCE_S = 60.0
"""For a client's own command."""
_CACHE = "archive-v0"
"""The folder of uv's cache in which `uvx` keeps an environment for a while."""
_PASSING = "This server runs from uv's cache, which may be emptied: run `uv tool install` and install again from there."


def run(root: Path, options: Namespace) -> int:
    """Write, print or take out the entry of a client's configuration, or its hooks; returns the exit status."""
    if options.hooks:
        from .install_hooks import run as run_hooks

        return run_hooks(root, options)
    registration = REGISTRATIONS[Client(options.client)]
    place = _place(registration, root, options.file)
    old: Entry = {}

    def entry() -> dict[str, Any]:
        return registration.merged(old, program(), str(root), named=bool(options.root), allow=options.allow_commands)

    if options.print:
        return say(f"# {place.file}\n{place.snippet(entry())}", 0)
    try:
        text = place.text()
        old = place.entry(text)
        wanted = {} if options.remove else entry()
        new = _without(place, text, old, options.client) if options.remove else place.with_entry(text, old, wanted)
    except (Unwritable, OSError, UnicodeDecodeError) as reason:
        by_hand = "Take the entry out by hand." if options.remove else f"Write by hand:\n{place.snippet(entry())}"
        why = reason.strerror if isinstance(reason, OSError) else reason
        return say(f"{place.file} was left as it is: {why}. {by_hand}", 1)
    elsewhere = _elsewhere(registration, root, place)
    if new == text:
        return say("\n".join([f"{place.file}: nothing to change.", *elsewhere]), 0)
    was_there = place.file.exists()
    copy = backup(place.file, options.client)
    kept = [f"The file as it was: {copy}"] if copy else []
    if not options.file and shutil.which(registration.command):
        if failed := _by_own_command(registration.command, root, old, wanted):
            return say("\n".join([failed, "Nothing else was tried.", *kept]), 1)
    elif failed := write(place.file, new):
        return say(f"{place.file} was left as it is: {failed}.", 1)
    done = f"{'Taken out of' if options.remove else 'Written to'} {place.file}."
    then = [] if options.remove else _then(registration, root, place.file, was_there)
    return say("\n".join([done, *_changes(old, wanted), *kept, *elsewhere, *then]), 0)


def _then(registration: Registration, root: Path, file: Path, was_there: bool) -> list[str]:
    """What to know of a new entry, and what to say to the agent."""
    words = program()
    plan = "Check the plan, start the session, and make five iterations."
    return [
        *shared_in_git(root, file, was_there),
        *([_PASSING] if _CACHE in Path(words[0]).parts else []),
        *([registration.note.replace("COMMAND", " ".join(words))] if registration.note else []),
        f"Now start your agent in this project and say: Use the autoresearch playbook. {plan}"
        if (root / PLAN_FILE).exists()
        else "Now start your agent in this project and say what should get better, for example: Use the autoresearch playbook. "
        "Make this function faster. (Or: Make the bundle smaller. Or: Make the tests faster.)",
    ]


@dataclass(frozen=True)
class _Place:
    """Our entry's place: the file, and the keys in it."""

    file: Path
    keys: tuple[str, ...]

    @property
    def toml(self) -> bool:
        return self.file.suffix == ".toml"

    def text(self) -> str:
        return self.file.read_bytes().decode() if self.file.exists() else ""

    def entry(self, text: str) -> dict[str, Any]:
        """What stands there; empty where nothing does. Raises `Unwritable` where it is no entry."""
        old = value_at(text, self.keys, toml=self.toml) or {}
        if not isinstance(old, dict):
            raise Unwritable("our entry is not a table there")
        return old

    def with_entry(self, text: str, old: Entry, entry: Entry) -> str:
        """The text with the entry in it; of one that is there, only what changes."""
        if not old:
            return put(text, self.keys, entry, toml=self.toml)
        for key, value in entry.items():
            if old.get(key) != value:
                text = put(text, (*self.keys, key), value, toml=self.toml)
        return text

    def snippet(self, entry: Entry) -> str:
        """What a person would write by hand."""
        return put("", self.keys, entry, toml=self.toml)


def _place(registration: Registration, root: Path, file: str) -> _Place:
    """The file that somebody named, else the client's first that exists, else its first that can be."""
    if file:
        above = (
            registration.path[registration.path.index(ROOT) + 1 :] if ROOT in registration.path else registration.path
        )
        return _Place(Path(file).expanduser(), above)
    places = [place for name in registration.places if (place := expanded(name, root))]
    keys = tuple(str(_project(root)) if key == ROOT else key for key in registration.path)
    return _Place(next((place for place in places if place.exists()), _likeliest(places)), keys)


def _project(root: Path) -> Path:
    """What Claude Code calls the project: the repository's own folder, for its worktrees and folders too."""
    with suppress(Refusal):
        shared = Lab(root).for_reading().repo.common_dir
        return shared.parent if shared.name == ".git" else root
    return root


def expanded(name: str, root: Path) -> Path | None:
    """Return a place of a client's as a path, as `Registration` writes them; None where this system has no such place."""
    if "Library/" in name and sys.platform != "darwin":
        return None
    if name.startswith("$"):
        variable, _, rest = name[1:].partition("/")
        return Path(os.environ.get(variable) or USUALLY[variable], rest).expanduser()
    return Path(name).expanduser() if name.startswith("~") else root / name


def _likeliest(places: list[Path]) -> Path:
    """Of files that are not there yet: plain JSON rather than JSON with comments."""
    return next((place for place in places if place.suffix != ".jsonc"), places[0])


def program() -> list[str]:
    """The command that starts this server, by absolute path: clients have a PATH of their own."""
    script = shutil.which(sys.argv[0]) or shutil.which("autoresearch-mcp")
    return [os.path.abspath(script)] if script else [sys.executable, "-m", "autoresearch_mcp.server"]


def _without(place: _Place, text: str, old: Entry, client: str) -> str:
    """The text without our entry: as it was before, byte for byte, where nothing but the entry came since."""
    last = ""
    for backup in sorted((state_folder() / "backups").glob(f"{client}-*"), reverse=True):
        before = backup.read_bytes().decode()
        with suppress(Unwritable):
            if not value_at(before, place.keys, toml=place.toml):
                if place.with_entry(before, {}, old) == text:
                    return before
                last = last or before
    new = taken_out(text, place.keys, toml=place.toml)
    return new if place.toml or new == text else without_empty(new, place.keys[:-1], last)


def write(file: Path, text: str) -> str:
    """Write the file, with the mode that it had; returns what stood in the way."""
    target = file.resolve()  # a link to where somebody keeps such files stays one
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0
        write_atomically(target, text)
        if mode:
            target.chmod(mode)
    except OSError as error:
        return str(error)
    return ""


def _by_own_command(program: str, root: Path, old: Entry, entry: Entry) -> str:
    """Let the client change its own file, which it may be writing just now; returns what it said if it would not."""
    steps = [["remove", "--scope", "local", NAME]] if old else []
    steps += [["add-json", "--scope", "local", NAME, json.dumps(entry)]] if entry else []
    for step in steps:
        try:
            done = subprocess.run(
                [program, "mcp", *step], cwd=root, capture_output=True, text=True, check=False, timeout=PATIENCE_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"`{program} mcp {step[0]}` failed: {error}"
        if done.returncode:
            return f"`{program} mcp {step[0]}` failed: {(done.stderr or done.stdout).strip()}"
    return ""


def backup(file: Path, client: str) -> Path | None:
    """Keep a copy of the file, for its owner alone: such files hold keys."""
    if not file.exists():
        return None
    folder = state_folder() / "backups"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy = folder / f"{client}-{datetime.now():%Y%m%d-%H%M%S-%f}{file.suffix}"
    write_atomically(copy, file.read_bytes())
    copy.chmod(0o600)
    return copy


def _changes(old: Entry, new: Entry) -> list[str]:
    """What became of an entry that was there."""
    if not old or not new:
        return []
    changed = [
        f"  {key}: {json.dumps(old.get(key))} -> {json.dumps(new[key])}" for key in new if old.get(key) != new[key]
    ]
    kept = [key for key in old if old[key] == new.get(key)]
    return [*changed, *([f"  kept: {', '.join(kept)}"] if kept else [])]


def shared_in_git(root: Path, file: Path, was_there: bool) -> list[str]:
    """A project's file names a path of this machine: a new one is kept out of git, one that git has is told of."""
    with suppress(Refusal, ValueError):
        context = Lab(root).for_reading()
        name = file.relative_to(context.repo.root).as_posix()
        if context.repo.git.ask("ls-files", "--error-unmatch", "--", name).code == 0:
            return [f"{name} is in git, and now names a path of this machine: look before you commit it."]
        ignored = context.repo.git.ask("check-ignore", "--quiet", "--", name).code == 0
        if not was_there and not ignored and context.phase is Phase.NO_SESSION:
            context.repo.exclude(f"/{name}")
            return [f"{name} names a path of this machine: .git/info/exclude keeps it out of git."]
    return []


def _elsewhere(registration: Registration, root: Path, place: _Place) -> list[str]:
    """Another file that the client reads, with an entry of ours."""
    with suppress(Unwritable, OSError, UnicodeDecodeError):
        other = expanded(registration.shared, root) if registration.shared else None
        if other and other != place.file and value_at(other.read_bytes().decode(), ("mcpServers", NAME), toml=False):
            return [f"{other} has an entry of ours as well. To take it out: --file {other} --remove"]
    return []


def say(text: str, status: int) -> int:
    """Tell a person, on standard error where it is a failure; returns the exit status."""
    (sys.stderr if status else sys.stdout).write(text if text.endswith("\n") else f"{text}\n")
    return status
