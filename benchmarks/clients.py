"""Drives the real clients from npm against a scripted model, without a network, and looks at what the journal then says.

Run it from a clone, with the Python that the package is installed in: `python benchmarks/clients.py`, or for some clients and
scenes: `python benchmarks/clients.py --clients claude codex --scenes legs`. Linux only; needs npm once, and 2 GB.

legs     three legs (stops early, hangs, is killed), then a fourth, to twelve iterations
turns    two clients in one run, leg by leg, to its end
limit    a usage limit in the second leg: the next begins when it is over, or the run says why it does not wait
login    nobody is logged in, then the client is not there: the cure, at once
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripted_model import Asked, Call, Failure, Move, Say, ScriptedModel, reading, writing

from autoresearch_mcp.tools.driver.agents import AGENTS

PLACE = Path(sys.prefix) / "clients"
"""In nobody else's reach: Gemini reads no settings of ours below a folder like /tmp."""
PACKAGES = {
    "claude": "@anthropic-ai/claude-code",
    "codex": "@openai/codex",
    "gemini": "@google/gemini-cli",
    "opencode": "opencode-ai",
}
ITERATIONS = 12
PLAN = """
goal = "a smaller number"
scope = ["value.txt"]
metric = "value"
direction = "lower"
verify = "cat value.txt"
read = "last"
noise = "none"
iterations = ITERATIONS
"""
MODELS = {"claude": "", "codex": "", "gemini": "gemini-2.5-pro", "opencode": "fake/fake"}


@dataclass(frozen=True)
class Here:
    """A repository with a plan, a home for the client, and the variables with which it finds the model."""

    root: Path
    home: Path
    variables: dict[str, str]
    iterations: int

    def command(self, *words: str) -> list[str]:
        """Return the command line of ours in this repository."""
        return [sys.executable, "-m", "autoresearch_mcp.server", "--root", str(self.root), *words]

    def ours(self, *words: str, seconds: float = 900) -> subprocess.CompletedProcess[str]:
        """Run a command of ours."""
        return subprocess.run(
            self.command(*words),
            env=self.variables,
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )

    def made(self) -> int:
        """Return how many iterations have a row."""
        file = self.root / "autoresearch-results.tsv"
        lines = file.read_text().splitlines() if file.exists() else []
        return max(0, sum(line[:1].isdigit() for line in lines) - 1)

    def legs(self) -> list[dict[str, Any]]:
        """Return the legs of the session."""
        return list(json.loads(self.ours("run", "--status", "--json").stdout)["legs"])

    def left(self) -> list[int]:
        """Return what of a leg still lives here."""
        return [pid for pid, _ in of_a_leg(self.root)]


def of_a_leg(root: Path) -> Iterator[tuple[int, bool]]:
    """Yield each process of a leg in a repository, and whether it is the client that a keeper started."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            known = Path(f"/proc/{entry}/environ").read_bytes()
            above = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1]
            if b"AUTORESEARCH_LEG=" in known and f"HOME={root.parent}/home\0".encode() in known + b"\0":
                yield int(entry), b"driver.keeper" in Path(f"/proc/{above}/cmdline").read_bytes()


def homes(url: str) -> dict[str, Any]:
    """Return the files by which each client finds a model of ours, with a key to it."""
    provider: dict[str, Any] = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{url}/v1", "apiKey": "test"},
    }
    provider["models"] = {"fake": {"name": "fake", "tool_call": True, "limit": {"context": 200000, "output": 8000}}}
    gemini = {"security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": False}}
    opencode = {"autoupdate": False, "share": "disabled", "provider": {"fake": provider}}
    codex = (
        'model = "fake"\nmodel_provider = "fake"\ncheck_for_update_on_startup = false\n[analytics]\nenabled = false\n'
    )
    codex += f'[model_providers.fake]\nname = "fake"\nbase_url = "{url}/v1"\nwire_api = "responses"\n'
    return {
        "home/.config/opencode/opencode.json": opencode,
        "home/.gemini/settings.json": {**gemini, "general": {"disableAutoUpdate": True, "disableUpdateNag": True}},
        "home/.codex/config.toml": codex,
    }


def make(name: str, url: str, key: str = "test", iterations: int = ITERATIONS) -> Here:
    """Make a repository of its own with homes in which each client is logged in, at a model of ours."""
    place = PLACE / "runs" / name
    shutil.rmtree(place, ignore_errors=True)
    root, home = place / "repo", place / "home"
    files: dict[str, Any] = {
        "repo/value.txt": "100\n",
        "repo/autoresearch.toml": PLAN.replace("ITERATIONS", str(iterations)),
        "tmp/.keep": "",
    }
    files |= homes(url) if key else {}
    for path, content in files.items():
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
    for words in ("init -q", "config user.name A", "config user.email a@b", "add -A", "commit -qm start"):
        subprocess.run(["git", *words.split()], cwd=root, check=True)
    programs = [str(PLACE / one / "node_modules/.bin") for one in ("node", *PACKAGES)]
    variables = {
        "PATH": ":".join([*programs, os.path.dirname(sys.executable), "/usr/local/bin:/usr/bin:/bin"]),
        "HOME": str(home),
        "TMPDIR": str(place / "tmp"),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        **{f"OPENCODE_DISABLE_{one}": "1" for one in ("AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "DEFAULT_PLUGINS")},
        "ANTHROPIC_BASE_URL": url,
        "GOOGLE_GEMINI_BASE_URL": url,
    }
    return Here(root, home, variables | ({"ANTHROPIC_API_KEY": key, "GEMINI_API_KEY": key} if key else {}), iterations)


def edit(here: Here, asked: Asked) -> Move:
    """Take one off the number."""
    file = here.root / "value.txt"
    return writing(asked, file, f"{int(file.read_text()) - 1}\n")


def working(here: Here, asked: Asked, most: int, then: Callable[[], Move]) -> Move:
    """Make so many iterations in this conversation, unless the session ends before; then do what comes then."""
    if asked.turn < 2:
        return reading(asked, here.root / "value.txt") if asked.turn else Call("status")
    if (asked.turn - 2) // 2 >= most or here.made() >= here.iterations:
        return then()
    return Call("iterate", {"description": f"one less, turn {asked.turn}"}) if asked.turn % 2 else edit(here, asked)


def leg_of(text: str) -> int:
    """Return the number of the leg, as its text says."""
    found = re.search(r"unattended, leg (\d+)", text)
    return int(found[1]) if found else 0


def killed(here: Here) -> Move:
    """Kill the client, and never answer."""
    for pid, is_client in of_a_leg(here.root):
        if is_client:
            os.kill(pid, signal.SIGKILL)
    return None


def legs(client: str) -> list[str]:
    """Stop early, hang, be killed; then go on to the end."""

    def script(asked: Asked) -> Move:
        ends: dict[int, Callable[[], Move]] = {
            1: lambda: Say("Shall I go on?"),
            2: lambda: None,
            3: lambda: killed(here),
        }
        leg = leg_of(asked.text)
        return working(here, asked, 2 if leg in ends else ITERATIONS, ends.get(leg, lambda: Say("It is done.")))

    model = ScriptedModel(script)
    here = make(f"legs-{client}", model.url)
    done = drive(here, [client], "--patience", "1.5" if client == "opencode" else "0.5")
    model.close()
    made = here.legs()
    endings = [leg["ending"] for leg in made]
    return wrong(
        done,
        {
            "twelve iterations": here.made() == ITERATIONS,
            "the legs": [leg["iterations"] for leg in made] == [2, 2, 2, 6],
            "how they ended": endings[:2] == ["ended by itself", "no progress"] and made[2]["code"] in {137, 1, 143},
            "no orphan": not here.left(),
        },
    )


def turns(client: str) -> list[str]:
    """Two clients in one run: this one and the next, leg by leg."""
    other = list(PACKAGES)[(list(PACKAGES).index(client) + 1) % len(PACKAGES)]
    model = ScriptedModel(lambda asked: working(here, asked, 3, lambda: Say("Shall I go on?")))
    here = make(f"turns-{client}", model.url)
    done = drive(here, [client, other])
    model.close()
    agents = [leg["agent"].split()[0] for leg in here.legs()]
    return wrong(done, {"in turn": agents == [client, other] * 2, "no orphan": not here.left()})


def limit(client: str) -> list[str]:
    """Meet a usage limit in the second leg."""
    over: list[float] = []

    def fail(text: str) -> Failure | None:
        if leg_of(text) > 1 and not over:
            over.append(time.time() + 60)
        if not over or time.time() >= over[0]:
            return None
        at = int(over[0])
        unified = {"status": "rejected", "reset": at, "representative-claim": "five_hour", "overage-status": "rejected"}
        headers = {f"anthropic-ratelimit-unified-{name}": value for name, value in unified.items()}
        violations = [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]
        details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations}]
        error = {"type": "usage_limit_reached", "message": "You exceeded your current quota"}
        more = {"plan_type": "pro", "resets_at": at} if client == "codex" else {"code": 429, "details": details}
        return 429, headers, {"type": "error", "error": {**error, **more, "status": "RESOURCE_EXHAUSTED"}}

    model = ScriptedModel(lambda asked: working(here, asked, 6, lambda: Say("Shall I go on?")), fail)
    here = make(f"limit-{client}", model.url)
    if client == "claude":  # a subscription says when it ends, a key does not
        del here.variables["ANTHROPIC_API_KEY"]
        here.variables["CLAUDE_CODE_OAUTH_TOKEN"] = "sk-ant-oat01-test"
    done = drive(here, [client], "--hours", "0.3")
    model.close()
    made = here.legs()
    limited = [leg for leg in made if leg["problem"] == "usage limit"]
    if client == "gemini":  # it does not say when it ends
        told = "The usage limit lasts longer than the hours of this run." in done.stdout
        return wrong(done, {"it says why it does not wait": told, "one leg met it": len(limited) == 1}, status=1)
    if client == "opencode":  # it asks again by itself
        return wrong(done, {"to the end": here.made() == ITERATIONS, "it waits": made[-1]["ended"] > over[0]})
    waited = made[-1]["began"] - over[0] if over else 0.0
    return wrong(
        done,
        {"it was met": bool(limited), "the next leg waits": -60 < waited < 90, "to the end": here.made() == ITERATIONS},
    )


def login(client: str) -> list[str]:
    """Drive a client in which nobody is logged in, then one that is not there."""
    model = ScriptedModel(lambda asked: Say("ok"))
    here = make(f"login-{client}", model.url, key="")
    done = here.ours("run", "--agent", client)
    cure = AGENTS[client].login.split(",")[0]
    here.variables["PATH"] = f"{os.path.dirname(sys.executable)}:/usr/bin:/bin"
    missing = here.ours("run", "--agent", client)
    model.close()
    absent = f"npm install -g {PACKAGES[client]}@latest" in missing.stderr and missing.returncode == 2
    return wrong(
        done, {"the cure": cure in done.stdout + done.stderr, "how to install it": absent}, status=done.returncode or -1
    )


def drive(here: Here, agents: Sequence[str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run agents to the end."""
    asked = [word for one in agents for word in ("--agent", one)]
    models = [word for one in agents for word in ("--model", MODELS[one])] if any(MODELS[one] for one in agents) else []
    return here.ours("run", *asked, *models, *words)


def wrong(done: subprocess.CompletedProcess[str], holds: Mapping[str, bool], status: int = 0) -> list[str]:
    """Return what does not hold, with what was printed; nothing where all does."""
    failed = [name for name, held in {"exit status": done.returncode == status, **holds}.items() if not held]
    return [*failed, f"(exit {done.returncode}) {done.stdout}{done.stderr}"] if failed else []


SCENES: Mapping[str, Callable[[str], list[str]]] = {
    "legs": legs,
    "turns": turns,
    "limit": limit,
    "login": login,
}


def install(package: str, name: str) -> None:
    """Install a package of npm, if it is not there."""
    place = PLACE / name
    if (place / "whole").exists():
        return
    place.mkdir(parents=True, exist_ok=True)
    quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(place)]
    path = f"{PLACE}/node/node_modules/.bin:{os.environ['PATH']}"
    subprocess.run(["npm", "install", *quiet, package], check=True, env={**os.environ, "PATH": path})
    (place / "whole").touch()


def without_network() -> None:
    """Go on in a network of its own, with nothing in it but this machine."""
    if os.environ.get("CLIENTS_ALONE") != "1":
        os.environ["CLIENTS_ALONE"] = "1"
        os.execvp("unshare", ["unshare", "-n" if os.geteuid() == 0 else "-rn", sys.executable, *sys.argv])
    with socket.socket() as one:
        fcntl.ioctl(one, 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # the loopback interface is up


def main(scenes: Mapping[str, Callable[[str], list[str]]], what: str) -> int:
    """Go through the scenes; the exit status tells whether something does not hold."""
    parser = argparse.ArgumentParser(description=what, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", nargs="*", default=list(PACKAGES), choices=PACKAGES)
    parser.add_argument("--scenes", nargs="*", default=list(scenes), choices=scenes)
    options = parser.parse_args()
    if os.environ.get("CLIENTS_ALONE") != "1":
        for package, name in (("node@24", "node"), *((f"{PACKAGES[one]}@latest", one) for one in PACKAGES)):
            install(package, name)
    without_network()
    failed = 0
    for scene in options.scenes:
        for client in options.clients:
            if scene == "chat" and client != "claude":
                continue
            began, problems = time.monotonic(), scenes[scene](client)
            failed += bool(problems)
            print(
                f"{scene} {client}: {'FAILS: ' + ', '.join(problems) if problems else 'holds'}, {time.monotonic() - began:.0f} s",
                flush=True,
            )
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(SCENES, __doc__ or ""))
