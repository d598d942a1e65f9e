"""A person's own command that hears of an event: what it is told stands on its standard input."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from .runner import CommandRun, CommandSpec

ANNOUNCE_S = 30.0
"""Seconds after which such a command is ended, with all that it started."""


def announce(
    run: Callable[[CommandSpec], CommandRun],
    command: str,
    event: str,
    told: str,
    root: Path,
    folder: Path,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run a command at the root, with a text on its standard input and the event in AUTORESEARCH_EVENT; the text stands in a
    `folder` of ours meanwhile. Returns what went wrong, in words; empty where it exited with 0.
    """
    file = folder / f"{event}-{secrets.token_hex(4)}"
    named = {**(variables or {}), "AUTORESEARCH_EVENT": event}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(told, encoding="utf-8")
        ran = run(CommandSpec(f"{{\n{command}\n}} <{shlex.quote(str(file))}", root, ANNOUNCE_S, named))
    except OSError as problem:
        return f"could not be run: {problem}"
    finally:
        file.unlink(missing_ok=True)
    if ran.exit_code == 0:
        return ""
    how = f"took longer than {ANNOUNCE_S:.0f} s" if ran.timed_out else f"ended with exit status {ran.exit_code}"
    last = (ran.stderr.strip() or ran.stdout.strip()).splitlines()[-1:]
    return f"{how}{f': {last[0][:200]}' if last else ''}"
