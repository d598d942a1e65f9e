"""Which ordinary variables each client passed on to the server, by name alone: for `doctor`, which runs in a terminal."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from ..storage.disk import write_atomically

MOST = 8
"""Clients remembered."""


def remember(names: frozenset[str]) -> None:
    """Note the names for the client that started this process. What cannot be noted is not."""
    with suppress(OSError, ValueError):
        known = {client: told for client, told in _read().items() if client != _parent()}
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True)
        newest = dict([*known.items(), (_parent(), sorted(names))][-MOST:])
        write_atomically(file, json.dumps(newest, indent=1))


def remembered() -> dict[str, frozenset[str]]:
    """The names by client, the one started last at the end."""
    with suppress(OSError, ValueError):
        return {client: frozenset(names) for client, names in _read().items()}
    return {}


def _read() -> dict[str, list[str]]:
    file = _file()
    found: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def _file() -> Path:
    home = os.environ.get("XDG_STATE_HOME", "") or "~/.local/state"
    return Path(home).expanduser() / "autoresearch-mcp" / "clients.json"


def _parent() -> str:
    """The program that started this one, by its name."""
    with suppress(OSError):
        return Path(f"/proc/{os.getppid()}/comm").read_text(encoding="utf-8").strip() or "a client"
    return "a client"
