"""Clients: how each wants a server written down, and which variables each passed on by name."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePath
from typing import Any

from ..storage.disk import write_atomically

NAME = "autoresearch"
OURS = frozenset({"autoresearch-mcp", "autoresearch_mcp.server", "autoresearch_mcp.server.main"})
"""Words by which a command line starts this server; what follows is for us."""
ROOT = "$ROOT"
"""Stands for the folder of the project."""
WORKSPACE = "${workspaceFolder}"
"""What editors replace by the project that is open, so that a copied file never names another project."""
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


@dataclass(frozen=True)
class Registration:
    """Where a client keeps its servers, and what it wants of one.

    `places` are tried in order, with `~` for the home folder, `$NAME` for a variable and no mark for the project's root;
    the first that exists is used, else the first. `path` is where our entry stands in the file. `root` is what `--root` is
    given unless somebody names a folder; nothing where the client starts a server in the project. `command` is the client's
    own program, `shared` a file that it reads as well. `extras` is what an entry has beside the command.
    """

    places: tuple[str, ...]
    path: tuple[str, ...]
    root: str = ""
    command: str = ""
    shared: str = ""
    extras: Mapping[str, Any] = field(default_factory=dict)
    one_list: bool = False
    note: str = ""

    def words(self, entry: Mapping[str, Any]) -> list[str]:
        """Return the command line of an entry."""
        command = entry.get("command")
        found = command if isinstance(command, list) else [command or "", *(entry.get("args") or ())]
        return [str(word) for word in found]

    def entry(self, words: Sequence[str]) -> dict[str, Any]:
        """Return the keys of an entry that hold its command line."""
        return {"command": list(words)} if self.one_list else {"command": words[0], "args": list(words[1:])}

    def merged(
        self, old: Mapping[str, Any], program: Sequence[str], root: str, *, named: bool, allow: bool
    ) -> dict[str, Any]:
        """Return the entry that starts `program`, with all else that the old one has: its options, variables and limits.

        `root` is the project, `named` whether somebody named it, `allow` whether to add `--allow-commands`.
        """
        options = _options(self.words(old))
        wanted = root if named or self.root == ROOT else "" if "--root" in options else self.root
        if wanted:
            if "--root" in options:
                at = options.index("--root")
                del options[at : at + 2]
            options = ["--root", wanted, *options]
        if allow and "--allow-commands" not in options:
            options.append("--allow-commands")
        command = self.entry([*program, *options])
        return {**command, **self.extras, **old, **command}


def _options(words: Sequence[str]) -> list[str]:
    """What a command line of ours says after the name of the server, `--root=DIR` in two words."""
    at = max((place for place, word in enumerate(words) if PurePath(word).name in OURS), default=len(words))
    return [part for word in words[at + 1 :] for part in (word.split("=", 1) if word.startswith("--root=") else [word])]


_STDIO = {"type": "stdio"}

REGISTRATIONS: Mapping[Client, Registration] = {
    Client.CLAUDE_CODE: Registration(
        ("$CLAUDE_CONFIG_DIR/.claude.json",),
        ("projects", ROOT, "mcpServers", NAME),
        command="claude",
        shared=".mcp.json",
        extras=_STDIO,
        note="Yours alone, in this project. For all your projects: claude mcp add --scope user autoresearch -- COMMAND",
    ),
    Client.CLAUDE_DESKTOP: Registration(
        (
            "~/Library/Application Support/Claude/claude_desktop_config.json",
            "$XDG_CONFIG_HOME/Claude/claude_desktop_config.json",
        ),
        ("mcpServers", NAME),
        root=ROOT,
        note="Start Claude Desktop anew. It needs a second server that edits files, allowed for the same folder.",
    ),
    Client.CODEX: Registration(
        ("$CODEX_HOME/config.toml",),
        ("mcp_servers", NAME),
        extras={"required": True, "tool_timeout_sec": 300},
        note="Codex passes few variables on: what your commands need goes into [mcp_servers.autoresearch.env].",
    ),
    Client.CURSOR: Registration(
        (".cursor/mcp.json",), ("mcpServers", NAME), root=WORKSPACE, shared="~/.cursor/mcp.json"
    ),
    Client.VSCODE: Registration((".vscode/mcp.json",), ("servers", NAME), root=WORKSPACE, extras=_STDIO),
    Client.GEMINI: Registration(
        ("~/.gemini/settings.json",),
        ("mcpServers", NAME),
        note='Gemini shows its tools to headless runs only with "trust": true in that entry.',
    ),
    Client.OPENCODE: Registration(
        ("$XDG_CONFIG_HOME/opencode/opencode.jsonc", "$XDG_CONFIG_HOME/opencode/opencode.json"),
        ("mcp", NAME),
        extras={"type": "local", "enabled": True},
        one_list=True,
    ),
}
USUALLY = {"CLAUDE_CONFIG_DIR": "~", "CODEX_HOME": "~/.codex", "XDG_CONFIG_HOME": "~/.config"}
"""Where the folders are that variables may name."""


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
    return state_folder() / "clients.json"


def state_folder() -> Path:
    """Return the folder in the user's home for what the server keeps there."""
    home = os.environ.get("XDG_STATE_HOME", "") or "~/.local/state"
    return Path(home).expanduser() / "autoresearch-mcp"


def _parent() -> str:
    """The program that started this one, by its name; the kernel cuts names, so it is completed from the command line."""
    with suppress(OSError):
        kernel = Path("/proc", str(os.getppid()))
        name = (kernel / "comm").read_text(encoding="utf-8").strip()
        words = (kernel / "cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
        named = (PurePath(word).name for word in words)
        return next((word for word in named if name and word.startswith(name)), name) or "a client"
    return "a client"
