"""Clients: how each wants a server written down, adding that to its file, and which variables it passed on by name."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..storage.disk import write_atomically

NAME = "autoresearch"
MOST = 8
"""Clients remembered."""


class Client(StrEnum):
    """Clients whose configuration we know."""

    CLAUDE_CODE = "claude-code"
    CLAUDE_DESKTOP = "claude-desktop"
    CODEX = "codex"
    CURSOR = "cursor"
    VSCODE = "vscode"
    GEMINI = "gemini"
    OPENCODE = "opencode"


class Unwritable(Exception):
    """A file that we would have to change in ways that we do not understand; it stays as it is."""


@dataclass(frozen=True)
class Registration:
    """Where a client's file is, and what goes in it.

    `places` are tried in order, with `~` for the home folder, `$` names for variables and no mark for the repository's
    root; the first that exists is used, else the first. `path` is where our entry stands in the file.
    """

    places: tuple[str, ...]
    path: tuple[str, ...]
    entry: Callable[[Sequence[str]], dict[str, Any]]
    needs_root: bool = False
    note: str = ""

    @property
    def is_toml(self) -> bool:
        """Whether the file is TOML rather than JSON."""
        return self.places[0].endswith(".toml")


def _usual(command: Sequence[str]) -> dict[str, Any]:
    return {"command": command[0], "args": list(command[1:])}


REGISTRATIONS: Mapping[Client, Registration] = {
    Client.CLAUDE_CODE: Registration(
        (".mcp.json",),
        ("mcpServers", NAME),
        _usual,
        note="For all your projects instead: claude mcp add --scope user autoresearch -- COMMAND",
    ),
    Client.CLAUDE_DESKTOP: Registration(
        (
            "~/Library/Application Support/Claude/claude_desktop_config.json",
            "~/.config/Claude/claude_desktop_config.json",
        ),
        ("mcpServers", NAME),
        _usual,
        needs_root=True,
        note="Start Claude Desktop anew. It needs a second server that edits files, allowed for the same folder.",
    ),
    Client.CODEX: Registration(
        ("$CODEX_HOME/config.toml", "~/.codex/config.toml"),
        ("mcp_servers", NAME),
        lambda command: {**_usual(command), "required": True, "tool_timeout_sec": 300},
        note="Codex passes few variables on: what your commands need goes into [mcp_servers.autoresearch.env].",
    ),
    Client.CURSOR: Registration(("~/.cursor/mcp.json",), ("mcpServers", NAME), _usual, needs_root=True),
    Client.VSCODE: Registration(
        (".vscode/mcp.json",), ("servers", NAME), lambda command: {"type": "stdio", **_usual(command)}
    ),
    Client.GEMINI: Registration(
        ("~/.gemini/settings.json",),
        ("mcpServers", NAME),
        _usual,
        note='Gemini shows its tools to headless runs only with "trust": true in that entry.',
    ),
    Client.OPENCODE: Registration(
        ("~/.config/opencode/opencode.jsonc", "~/.config/opencode/opencode.json"),
        ("mcp", NAME),
        lambda command: {"type": "local", "command": list(command), "enabled": True},
    ),
}


def added(text: str, registration: Registration, entry: Mapping[str, Any]) -> str:
    """The file's text with our entry in it, in place of an earlier one; all else means what it meant.

    Raises:
        Unwritable: if the file is not what it should be, or holds comments that would be lost.
    """
    if registration.is_toml:
        return _toml(removed(text, registration), registration.path, entry)
    data = _json(text)
    place = data
    for name in registration.path[:-1]:
        place = place.setdefault(name, {})
        if not isinstance(place, dict):
            raise Unwritable(f"`{name}` is not a table there")
    place[registration.path[-1]] = dict(entry)
    return _json_text(data, text)


def removed(text: str, registration: Registration) -> str:
    """The file's text without our entry; the same text where there is none.

    Raises:
        Unwritable: as `added`.
    """
    if registration.is_toml:
        return _without_toml(text, registration.path)
    data = _json(text)
    *above, last = registration.path
    place: Any = data
    for name in above:
        place = place.get(name, {})
    if not isinstance(place, dict) or last not in place:
        return text
    del place[last]
    return _json_text(data, text)


def snippet(registration: Registration, entry: Mapping[str, Any]) -> str:
    """What a person would write by hand."""
    if registration.is_toml:
        return _toml("", registration.path, entry)
    whole: dict[str, Any] = dict(entry)
    for name in reversed(registration.path):
        whole = {name: whole}
    return json.dumps(whole, indent=2) + "\n"


def _json(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        data = json.loads(text)
    except ValueError as error:
        raise Unwritable(f"it is not plain JSON ({error}); comments would be lost") from error
    if not isinstance(data, dict):
        raise Unwritable("it is no JSON object")
    return data


def _json_text(data: Mapping[str, Any], before: str) -> str:
    """The object as text, indented as it was."""
    found = re.search(r"\n([ \t]+)\"", before)
    indent: str | int = found[1] if found else 2
    return json.dumps(data, indent=indent, ensure_ascii=False) + "\n"


def _toml(text: str, path: Sequence[str], entry: Mapping[str, Any]) -> str:
    lines = [f"[{'.'.join(path)}]", *(f"{key} = {json.dumps(value)}" for key, value in entry.items())]
    gap = "" if not text.strip() else "\n" if text.endswith("\n") else "\n\n"
    new = text + gap + "\n".join(lines) + "\n"
    expected = _parsed(text)
    place = expected
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = dict(entry)
    if _parsed(new) != expected:
        raise Unwritable("our table cannot be added at its end without changing something else")
    return new


def _without_toml(text: str, path: Sequence[str]) -> str:
    whole = _parsed(text)
    place: Any = whole
    for name in path[:-1]:
        place = place.get(name, {})
    if path[-1] not in place:
        return text
    del place[path[-1]]
    header = re.escape(".".join(path))
    new = re.sub(rf"(?ms)^\[{header}(\.[^\]\n]*)?\][^\n]*\n.*?(?=^\[|\Z)", "", text)
    new = re.sub(r"\n{3,}", "\n\n", new).rstrip("\n")
    new = new + "\n" if new.strip() else ""
    if _pruned(_parsed(new)) != _pruned(whole):
        raise Unwritable("our table cannot be told from what stands around it")
    return new


def _pruned(data: Any) -> Any:  # noqa: ANN401 - any TOML
    """The data without tables that hold nothing: whether those stand there means nothing."""
    if not isinstance(data, dict):
        return data
    return {key: kept for key, value in data.items() if (kept := _pruned(value)) != {}}


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unwritable(f"it is not valid TOML: {error}") from error


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
