"""Chats with real clients from npm and a scripted model, without a network, with the hooks that `install --hooks` writes.

Run it from a clone, with the Python that the package is installed in: `python benchmarks/client_chats.py`. Linux only; needs npm
once, and 2 GB.

hooks    a chat gets the state; unattended it goes on until the session ends, and not beyond
chat     Claude Code in a terminal: it stops when it would, and waits for the person
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from clients import MODELS, Here, edit, main, make, wrong
from scripted_model import Asked, Call, Move, Say, ScriptedModel, reading

from autoresearch_mcp.tools.driver.agents import AGENTS, AgentSettings


def chat_of(here: Here, client: str) -> list[str]:
    """Return the command line of a chat with our server and our hooks, in a session that is open."""
    name = {"claude": "claude-code"}.get(client, client)
    subprocess.run(
        here.command("install", "--client", name, "--hooks"),
        cwd=here.root,
        env=here.variables,
        check=True,
        capture_output=True,
    )
    begin = "from pathlib import Path\nfrom autoresearch_mcp.tools.lab.access import Lab\n"
    begin += "from autoresearch_mcp.tools.verbs.sessions import Plan, Sessions\nSessions(Lab(Path.cwd())).start_session(Plan())"
    subprocess.run([sys.executable, "-c", begin], cwd=here.root, env=here.variables, check=True)
    call = AGENTS[client].call(AgentSettings(here.command(), str(here.home), MODELS[client]))
    for file, text in call.files.items():
        (here.home / file).write_text(text)
    here.variables.update(call.variables)
    words = [word for word in call.words if word != "--restricted"]  # by which a run keeps a person's own hooks out
    return [*words[:-1], "--dangerously-bypass-hook-trust", "-"] if client == "codex" else words


def one_by_one(here: Here, asked: Asked) -> Move:
    """Make one iteration, then stop, as often as one is told to go on."""
    if asked.turn < 2:
        return reading(asked, here.root / "value.txt") if asked.turn else Call("status")
    step = asked.turn % 3
    if step == 1 or here.made() >= here.iterations:
        return Say(f"Shall I go on? {asked.turn}")
    return Call("iterate", {"description": f"one less, turn {asked.turn}"}) if step == 0 else edit(here, asked)


def hooks(client: str) -> list[str]:
    """Chat without a person, first as if there were one, then unattended, then once the session has ended."""
    model = ScriptedModel(lambda asked: one_by_one(here, asked))
    here = make(f"hooks-{client}", model.url, iterations=4)
    words = chat_of(here, client)
    made, asked = [], []
    for unattended in ("", "1", "1"):
        if client == "claude" and not unattended:
            continue  # nobody ever attends `claude -p`
        before = len(model.asked)
        done = subprocess.run(
            words,
            cwd=here.root,
            env={**here.variables, "AUTORESEARCH_UNATTENDED": unattended},
            input="Go on.",
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
        made.append(here.made())
        asked.append(len(model.asked) - before)
    model.close()
    expected = {"claude": [4, 4], "opencode": [1, 2, 3]}.get(client, [1, 4, 4])
    holds = {
        f"the iterations {made}": made == expected,
        "the state comes in": "An autoresearch session is open here" in model.asked[0].text,
        f"it does not loop at the end, {asked[-1]} requests": client == "opencode" or asked[-1] == 3,
    }
    return wrong(done, holds)


def chat(client: str) -> list[str]:
    """Sit at a terminal: one turn, which ends; then another."""
    model = ScriptedModel(lambda asked: one_by_one(here, asked))
    here = make("chat-claude", model.url, iterations=4)
    known = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
    start = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": ["test"], "rejected": []},
    }
    (here.home / ".claude.json").write_text(json.dumps({**start, "projects": {str(here.root): known}}))
    words = [
        word
        for word in chat_of(here, client)
        if word not in {"-p", "--verbose", "--output-format", "stream-json", "--permission-prompts", "none"}
    ]
    settings, heard, said = here.root / ".claude/settings.local.json", here.home / "heard", here.home / "said"
    settings.write_text(
        re.sub(r'"command": "(.*)"', rf'"command": "tee -a {heard} | \1 | tee -a {said}"', settings.read_text())
    )
    terminal = Terminal(words, here)

    def stops() -> int:
        return heard.read_text().count('"hook_event_name":"Stop"') if heard.exists() else 0

    turns = []
    for number in (1, 2):
        terminal.type(f"Go on, {number}.", until=lambda wanted=number: stops() >= wanted)
        terminal.watch(8)
        turns.append((stops(), here.made()))
    terminal.close()
    model.close()
    told = said.read_text() if said.exists() else ""
    holds = {
        f"one turn for each message {turns}": turns == [(1, 1), (2, 2)],
        "the hook did not block": "block" not in told,
        "state in": "An autoresearch session" in told,
    }
    return [name for name, held in holds.items() if not held] and [
        *(name for name, held in holds.items() if not held),
        terminal.shown[-1500:],
    ]


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, words: Sequence[str], here: Here) -> None:
        self.shown = ""
        self._pid, self._fd = pty.fork()
        if not self._pid:
            os.chdir(here.root)
            os.execvpe(words[0], list(words), dict(here.variables))
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        self.watch(60, lambda: "❯" in self.shown or "? for shortcuts" in self.shown)
        self.watch(5)

    def watch(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Read what it shows, for so long or until something holds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            if select.select([self._fd], [], [], 0.2)[0]:
                with suppress(OSError):
                    self.shown += os.read(self._fd, 65536).decode(errors="replace")

    def type(self, text: str, until: Callable[[], bool]) -> None:
        """Type a message, send it, and watch until something holds."""
        os.write(self._fd, text.encode())
        self.watch(1)
        os.write(self._fd, b"\r")
        self.watch(120, until)

    def close(self) -> None:
        """End it."""
        os.kill(self._pid, signal.SIGTERM)
        self.watch(2)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


SCENES: Mapping[str, Callable[[str], list[str]]] = {"hooks": hooks, "chat": chat}


if __name__ == "__main__":
    sys.exit(main(SCENES, __doc__ or ""))
