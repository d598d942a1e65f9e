"""Kills servers, their git processes and the supervisors of their runs at random, and looks whether anything broke.

Run it from a clone, with the Python that the package and its test tools are installed in:
`python benchmarks/kill9.py --kills 1000 --seed 1`. It prints how many kills hit which phase, by victim, and how many
invariants were broken; those of `tests/crashing.py`. Linux only.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.session.intent import read_intent
from conftest import Project
from crashing import check, iterate, when_free

VICTIMS = ("server", "server and its git", "supervisor", "server and supervisor")
LONGEST_S = 0.7


def main() -> int:
    """Kill until enough have died; the exit status tells whether something broke."""
    options = _options()
    draw = random.Random(options.seed)
    hits: Counter[tuple[str, str]] = Counter()
    broken: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(_own_git(Path(folder)))
        project = _begin(Path(folder) / "0")
        rounds = 0
        while hits.total() < options.kills:
            rounds += 1
            if rounds % 50 == 0:  # a long journal makes each look at it slower
                project = _begin(Path(folder) / str(rounds))
            broken += _round(project, draw, hits, rounds)
    _tell(hits, broken, rounds)
    return bool(broken)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _own_git(folder: Path) -> dict[str, str]:
    config = folder / "gitconfig"
    config.write_text("[user]\n name = Ada\n email = ada@example.org\n[init]\n defaultBranch = main\n")
    return {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "GIT_CONFIG_GLOBAL": str(config)}


def _begin(place: Path) -> Project:
    guards = ("sleep 0.03; ! grep -q bad app.txt",)
    return Project(place, verify="sleep 0.05; cat value.txt", guards=guards).start()


def _round(project: Project, draw: random.Random, hits: Counter[tuple[str, str]], number: int) -> list[str]:
    """One idea, killed one to three times on its way, then brought to its end and looked at."""
    best = project.sessions.status().best or 0.0
    project.write("value.txt", f"{best + draw.choice([-1, 1]) * (1 + number / 1000):.4f}\n")
    project.write("app.txt", f"line {number} {draw.choice(['good', 'good', 'bad'])}\n")
    words = f"idea {number}"
    for _ in range(draw.randint(1, 3)):
        victim = draw.choice(VICTIMS)
        if _killed(project, words, victim, draw.uniform(0.01, LONGEST_S)):
            hits[victim, _where(project)] += 1
        project.restart()
    try:
        when_free(lambda: iterate(project, words))
        _tidied(project)
        check(project)
    except (AssertionError, Refusal) as error:
        return [f"round {number}: {type(error).__name__} {error}"]
    return []


def _killed(project: Project, words: str, victim: str, seconds: float) -> bool:
    """Iterate in a child and kill the victim after some time; false if there was nothing left to kill."""
    child = os.fork()
    if child == 0:
        os.setsid()
        try:
            iterate(project, words)
        except BaseException:  # noqa: BLE001 - a refusal is an end like another
            os._exit(0)
        os._exit(0)
    time.sleep(seconds)
    hit = _kill(_supervisors(project)) if "supervisor" in victim else False
    if victim == "server and its git":
        hit = _kill_group(child) or hit
    elif victim.startswith("server"):
        hit = _kill([child]) or hit
    _, status = os.waitpid(child, 0)
    return hit and (os.WIFSIGNALED(status) or victim == "supervisor")


def _kill(processes: Iterable[int]) -> bool:
    hit = False
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
            hit = True
        except ProcessLookupError:
            continue
    return hit


def _kill_group(leader: int) -> bool:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _supervisors(project: Project) -> list[int]:
    files = (project.root / ".git" / "autoresearch" / "runs").rglob("alive")
    return [int(file.read_text()) for file in files if file.read_text()]


def _where(project: Project) -> str:
    """Which moment was hit, as what is on the disk tells."""
    project.restart()
    status = project.sessions.status()
    intent = read_intent(project.root / ".git/autoresearch")
    if intent:
        return "in the revert" if intent.base else "in the commit"
    return f"phase {status.phase}"


def _tidied(project: Project) -> None:
    """Bring an iteration that waits for the agent to its end."""
    if project.sessions.status().phase in {"fix", "rework"}:
        project.loop.revert()
        project.loop.log()
    project.git("checkout", "--", ".")


def _tell(hits: Counter[tuple[str, str]], broken: list[str], rounds: int) -> None:
    moments = sorted({moment for _, moment in hits})
    width = max(map(len, moments), default=0)
    print(f"{hits.total()} kills in {rounds} iterations")
    print(" " * width, *(f"{victim:>22}" for victim in VICTIMS))
    for moment in moments:
        print(f"{moment:{width}}", *(f"{hits[victim, moment]:>22}" for victim in VICTIMS))
    print(f"broken invariants: {len(broken)}")
    for line in broken[:20]:
        print(" ", line)


if __name__ == "__main__":
    sys.exit(main())
