"""The examples for CI, step by step on this machine: what is not ours stands in for, every `run:` is run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

OURS = Path(sys.executable).with_name("autoresearch-mcp")
SOURCE = "git+https://forge.example/them/autoresearch-mcp@" + "0" * 40
PINNED = """case "$*" in *git+https://*@????????????????????????????????????????) ;; *) echo "not pinned: $*" >&2; exit 1 ;; esac"""
STANDS_IN = {
    "pipx": f'#!/bin/sh\n{PINNED}\nln -sf {OURS} "$(dirname "$0")/autoresearch-mcp"\n',
    "pip": '#!/bin/sh\ntest "$*" = "install . pytest"\n',
    "python": f"""#!/bin/sh
[ "$1 $2" = "-m venv" ] || exec {sys.executable} "$@"
mkdir -p "$3/bin" && ln -s {OURS} "$3/bin/autoresearch-mcp"
printf '%s\\n' '#!/bin/sh' '{PINNED}' > "$3/bin/pip" && chmod +x "$3/bin/pip"
""",
    "npm": "#!/bin/sh\n",
    "apt-get": "#!/bin/sh\n",
    "gh": '#!/bin/sh\necho "$@" >> "$HOME/gh.log"\n',
    "claude": f"#!{sys.executable}\n"
    + '''"""An agent that follows a script, over the configuration that it is given."""
import json, pathlib, subprocess, sys

asked = sys.argv[sys.argv.index("--print") + 1]  # options that take several values would swallow what stands behind them
told = json.loads(pathlib.Path(sys.argv[sys.argv.index("--mcp-config") + 1]).read_text())["mcpServers"]["autoresearch"]
server = subprocess.Popen([told["command"], *told["args"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def request(number, method, **params):
    server.stdin.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\\n")
    server.stdin.flush()
    while (answer := json.loads(server.stdout.readline())).get("id") != number:
        pass
    return answer["result"]


def call(tool, **arguments):
    result = request(tool, "tools/call", name=tool, arguments=arguments)
    print(result["content"][0]["text"])
    assert not result.get("isError"), tool


request("hello", "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "scripted", "version": "1"})
server.stdin.write('{"jsonrpc": "2.0", "method": "notifications/initialized"}\\n')
if "playbook security" in asked:
    call("workflow", name="security", action="open", options={"depth": "shallow"})
    call("workflow", name="security", action="close", options={"why": "nothing was looked at"})
else:
    call("check_plan")
    call("start_session")
    file = pathlib.Path("inventory.py")
    file.write_text(file.read_text().replace("import os\\n", ""))
    call("iterate", description="drop an import that nobody uses")
    call("finish_session")
server.stdin.close()
server.wait()
''',
}


@dataclass(frozen=True)
class StepsRun:
    """The commands of a job that ran, the exit status of the last, and all that was printed."""

    commands: tuple[str, ...]
    status: int
    said: str


def machine(folder: Path) -> dict[str, str]:
    """Return the environment of a fresh machine: an empty home, the stand-ins, and the programs of the system."""
    programs = folder / "programs"
    programs.mkdir(parents=True)
    for name, text in STANDS_IN.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (folder / "home").mkdir()
    kept = {name: value for name, value in os.environ.items() if name.startswith(("LANG", "GIT_CONFIG_NOSYSTEM"))}
    runner = {"RUNNER_TEMP": str(folder), "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    return {**kept, **runner, "PATH": f"{programs}:/usr/bin:/bin", "HOME": str(folder / "home")}


def github_commands(file: Path, expressions: Mapping[str, str]) -> list[tuple[str, dict[str, str]]]:
    """Return what the only job of a workflow runs, each with the variables of its step."""
    (job,) = yaml.safe_load(file.read_text())["jobs"].values()
    found = []
    for step in job["steps"]:
        if "run" in step:
            given = {name: _filled(value, expressions) for name, value in step.get("env", {}).items()}
            found.append((step["run"], given))
    return found


def _filled(value: str, expressions: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{\s*([\w.]+)\s*\}\}", lambda found: expressions[found[1]], value)


class _Loader(yaml.SafeLoader):
    """YAML with GitLab's references, which stay lists of names."""


def _names(loader: yaml.SafeLoader, node: Any) -> tuple[str, ...]:  # noqa: ANN401 - whatever the library hands over
    return tuple(loader.construct_sequence(node))


_Loader.add_constructor("!reference", _names)


def gitlab_commands(file: Path, job: str) -> list[tuple[str, dict[str, str]]]:
    """Return what a job runs, with what it takes from those that it extends."""
    jobs = yaml.load(file.read_text(), _Loader)
    return [(line, {}) for part in ("before_script", "script") for line in _lines(jobs, job, part)]


def _lines(jobs: Mapping[str, Any], job: str, part: str) -> list[str]:
    found: list[str] = []
    for line in jobs[job].get(part, ()):
        found += _lines(jobs, line[0], line[1]) if isinstance(line, tuple) else [line]
    return found if part in jobs[job] or "extends" not in jobs[job] else _lines(jobs, jobs[job]["extends"], part)


def run_steps(commands: list[tuple[str, dict[str, str]]], folder: Path, environment: Mapping[str, str]) -> StepsRun:
    """Run each command as the runner's shell does, until one fails."""
    ran, said = [], ""
    for command, given in commands:
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", command], cwd=folder, env={**environment, **given}, capture_output=True, text=True, check=False
        )  # fmt: skip
        ran.append(command)
        said += f"$ {command}\n{done.stdout}{done.stderr}"
        if done.returncode:
            return StepsRun(tuple(ran), done.returncode, said)
    return StepsRun(tuple(ran), 0, said)
