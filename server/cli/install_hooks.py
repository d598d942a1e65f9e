"""Hooks of a client's chats, each of which calls `autoresearch-mcp hook`: written where the client looks for them, and taken out."""

from __future__ import annotations

import json
import shlex
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...tools.doctor.clients import Client
from ...tools.doctor.configuration import Unwritable, put, taken_out, value_at
from . import install

PATIENCE_S = 60


@dataclass(frozen=True)
class ChatHooks:
    """Where a client keeps hooks, for which of its events it is given ours, and in what its time limits are counted."""

    place: str
    events: Sequence[str]
    second: int = 1
    note: str = ""


_UNATTENDED = "A chat that nobody attends goes on with the session if it is started with AUTORESEARCH_UNATTENDED=1."
HOOKS: Mapping[Client, ChatHooks] = {
    Client.CLAUDE_CODE: ChatHooks(
        ".claude/settings.local.json",
        ("SessionStart", "PreCompact", "Stop"),
        note="The plugin brings the same hooks: have one or the other. `claude -p` goes on with the session by itself.",
    ),
    Client.CODEX: ChatHooks(
        "$CODEX_HOME/hooks.json",
        ("SessionStart", "Stop"),
        note=f"Codex asks for them when you start it next: Trust all and continue. {_UNATTENDED}",
    ),
    Client.GEMINI: ChatHooks("~/.gemini/settings.json", ("SessionStart", "AfterAgent"), 1000, _UNATTENDED),
    Client.OPENCODE: ChatHooks(
        "$XDG_CONFIG_HOME/opencode/plugin/autoresearch.js",
        (),
        note="It tells chats how the session stands; nothing keeps opencode from stopping.",
    ),
}
_PLUGIN = """\
// Written by `autoresearch-mcp install --client opencode --hooks`; `--remove` beside it takes it out.
import { execFile } from "node:child_process"

const [program, ...words] = WORDS

const ask = (event, session, cwd) =>
  new Promise((answer) => {
    const child = execFile(program, words, { cwd, timeout: PATIENCE }, (failed, out) => answer(failed ? "" : out.trim()))
    child.stdin.on("error", () => {})
    child.stdin.end(JSON.stringify({ hook_event_name: event, session_id: session }))
  })

export const Autoresearch = async ({ directory }) => {
  const begun = new Map()
  return {
    "experimental.chat.system.transform": async ({ sessionID }, output) => {
      if (!begun.has(sessionID)) begun.set(sessionID, await ask("SessionStart", sessionID, directory))
      const told = begun.get(sessionID)
      if (told) output.system.push(JSON.parse(told).hookSpecificOutput.additionalContext)
    },
    "experimental.session.compacting": async ({ sessionID }, output) => {
      begun.delete(sessionID)
      const told = await ask("PreCompact", sessionID, directory)
      if (told) output.context.push(told)
    },
  }
}
"""


def run(root: Path, options: Namespace) -> int:
    """Write, print or take out the hooks of a client's chats; returns the exit status."""
    hooks = HOOKS.get(Client(options.client))
    if hooks is None:
        return install.say(f"No hooks of ours for {options.client}. There are some for: {', '.join(HOOKS)}.", 1)
    found = Path(options.file).expanduser() if options.file else install.expanded(hooks.place, root)
    assert found is not None, "no place of a hook is of one system alone"
    words = [*install.program(), "hook"]
    if options.print:
        return install.say(f"# {found}\n{_with(hooks, '', words)}", 0)
    was_there = found.exists()
    try:
        old = found.read_bytes().decode() if was_there else ""
        new = _without(hooks, old) if options.remove else _with(hooks, _without(hooks, old), words)
    except (Unwritable, OSError, UnicodeDecodeError) as reason:
        by_hand = "Take the hooks out by hand." if options.remove else f"Write by hand:\n{_with(hooks, '', words)}"
        why = reason.strerror if isinstance(reason, OSError) else reason
        return install.say(f"{found} was left as it is: {why}. {by_hand}", 1)
    if new == old:
        return install.say(f"{found}: nothing to change.", 0)
    backup = install.backup(found, options.client)
    if failed := install.write(found, new) if new or hooks.events else _removed(found):
        return install.say(f"{found} was left as it is: {failed}.", 1)
    told = [f"{'Taken out of' if options.remove else 'Written to'} {found}."]
    told += [f"The file as it was: {backup}"] if backup else []
    told += [] if options.remove else [*install.shared_in_git(root, found, was_there), hooks.note]
    return install.say("\n".join(told), 0)


def _with(hooks: ChatHooks, text: str, words: Sequence[str]) -> str:
    if not hooks.events:
        return _PLUGIN.replace("WORDS", json.dumps(words)).replace("PATIENCE", str(PATIENCE_S * 1000))
    own = {"type": "command", "command": shlex.join(words), "timeout": PATIENCE_S * hooks.second}
    for event in hooks.events:
        text = put(text, ("hooks", event), [*_groups(text, event), {"hooks": [own]}], toml=False)
    return text


def _without(hooks: ChatHooks, text: str) -> str:
    """The text without what we wrote into it."""
    if not hooks.events:
        return ""
    for event in hooks.events:
        groups = _groups(text, event)
        others = [group for group in groups if not _ours(group)]
        if others and others != groups:
            text = put(text, ("hooks", event), others, toml=False)
        elif groups and not others:
            text = taken_out(text, ("hooks", event), toml=False)
    return text if value_at(text, ("hooks",), toml=False) else taken_out(text, ("hooks",), toml=False)


def _removed(file: Path) -> str:
    file.unlink(missing_ok=True)
    return ""


def _groups(text: str, event: str) -> list[Any]:
    found = value_at(text, ("hooks", event), toml=False) or []
    if not isinstance(found, list):
        raise Unwritable(f"the hooks of {event} are not a list there")
    return found


def _ours(group: object) -> bool:
    """Return whether a group is one that we wrote: a single command of ours."""
    listed = group.get("hooks") if isinstance(group, dict) else None
    commands = [one.get("command") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return len(commands) == 1 and str(commands[0]).endswith(" hook") and "autoresearch" in str(commands[0])
