"""Kills a server at every named point of commit, undo, log, start and candidates in turn, and at system calls; looks whether anything broke.

Run it from a clone, with the Python that the package and its test tools are installed in:
`python benchmarks/kill9.py --kills 2000 --seed 1`. The points are the checkpoints of `tests/crashing.py`: before and after each
git command that writes, each record of the journal, each rename and removal. Where `strace` is there, every fourth kill is by
system call, of the server, its git or the supervisor, whoever makes it. Every eighth is of a
supervisor, every other time with its server; of candidates these are their workers' too. `--only candidates` kills nothing else. Every fourth recovery is killed as well. It prints for
each point how many kills hit it, and how many broke an invariant; those of `tests/crashing.py`. Linux only.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.parallel.board import board_of
from autoresearch_mcp.tools.parallel.crew import crew_of
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.verbs.parallel import Parallel
from autoresearch_mcp.tools.vocabulary import Phase
from autoresearch_mcp.tools.workflows.fix.hooks import refuse_hiding
from conftest import Project
from crashing import check, iterate, killed_at, points, when_free

VALUES = {"keep": "5\n", "discard": "50\n", "metric-error": "none\n"}
"""What an idea writes, by how it ends; `start` is none."""
ACTS = (*VALUES, "undo", "start", "candidates")
HANDED_IN = {"value.txt": (10, 12), "src/part.txt": (20, 19)}
"""What the candidates change: each a number of a file."""
ENDS = {
    "start": ["keep"],
    "undo": ["keep", "keep", "keep (undo)", "discard"],
    "candidates": ["discard", "discard", "keep"],
}
"""The rows behind the baseline, where it is not the act's own alone."""
CALLS = ("rename", "unlink", "link", "openat", "write", "fdatasync", "pwrite64", "mkdir")
PLAN = "plan.json"
"""Where a process that is started anew finds the plan, beside the repository."""
LATEST = 40
"""A system call is killed at one of its first so many times, in whichever process counts so far."""


def main() -> int:
    """Kill until enough have died; the exit status tells whether something broke."""
    options = _options()
    if options.act:
        _act(_opened(Path(options.root)), options.act)
        return 0
    draw = random.Random(options.seed)
    hits: Counter[str] = Counter()
    broken: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(own_git(Path(folder)))
        acts = [options.only] if options.only else ACTS
        templates = {act: _template(Path(folder) / act, act) for act in acts}
        (Path(folder) / PLAN).write_text(templates.get("start", templates[acts[-1]]).plan.model_dump_json())
        named = _all_points(templates, Path(folder))
        draw.shuffle(named)
        turns = cycle(named)
        strace = shutil.which("strace")
        for number in range(4 * options.kills):
            if hits.total() >= options.kills:
                break
            by_call, watcher = strace and number % 4 == 3, number % 8 == 1
            act, point = (draw.choice(acts), draw.choice(CALLS)) if by_call or watcher else next(turns)
            place = Path(folder) / "repo"
            project = templates[act].copied(place)
            _edit(project, act)
            if by_call:
                name, died = f"{act}: system call {point}", _killed_in_call(project, act, point, draw)
            elif watcher:
                name, died = f"{act}: supervisor", _killed_supervisor(project, act, draw)
            else:
                name, died = f"{act}, {point}", _killed_at_point(project, act, point)
            hits[name] += died
            if problem := _broken_after(project, act, draw, crash=bool(by_call or watcher)):
                broken.setdefault(name, []).append(problem)
            shutil.rmtree(place)
            if number % 50 == 49:
                print(f"{hits.total()} kills, {sum(map(len, broken.values()))} broken", file=sys.stderr, flush=True)
    _tell(hits, broken, [f"{act}, {point}" for act, point in named])
    return bool(broken)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=ACTS, default="", help="kill in this act alone")
    parser.add_argument("--act", choices=ACTS, default="", help="do this in --root and end: the process that is killed")
    parser.add_argument("--root", default="")
    return parser.parse_args()


def own_git(folder: Path) -> dict[str, str]:
    """Variables for a git that knows nothing of this machine."""
    config = folder / "gitconfig"
    config.write_text("[user]\n name = Ada\n email = ada@example.org\n[init]\n defaultBranch = main\n")
    return {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "GIT_CONFIG_GLOBAL": str(config)}


def _template(place: Path, act: str) -> Project:
    if act == "candidates":
        project = Project(
            place, verify="sleep 0.05; cat value.txt src/part.txt | paste -sd+ | bc", guards=(), workers=2
        )
        return project.write("src/part.txt", "20\n").commit("a part").start()
    smallest = " src/* | sort -n | head -1" if act == "undo" else ""
    project = Project(place, verify=f"sleep 0.05; cat value.txt{smallest}", guards=())
    if act == "undo":  # the second keep makes the first one needless
        project.write("src/part.txt", "20\n").commit("a part").start().try_value(9)
        project.write("src/part.txt", "8\n").loop.iterate("a smaller part")
        return project
    return project if act == "start" else project.start()


def _opened(root: Path) -> Project:
    """A project that stands there already, as another process finds it."""
    project = Project.__new__(Project)
    project.root, project.now = root, 1_700_000_000.0
    project.plan = Plan.model_validate_json((root.parent / PLAN).read_bytes())
    project.restart()
    return project


def _edit(project: Project, act: str) -> None:
    project.git("update-index", "--refresh")
    if act in VALUES:
        project.write("value.txt", VALUES[act]).write("src/new.txt", "new\n" * 100)
        (project.root / "app.txt").unlink()


def _act(project: Project, act: str) -> None:
    if act == "undo":
        if project.sessions.status().iterations == 2:
            project.loop.undo(1)
    elif act == "candidates":
        hand_in(project)
        crew_of(project.lab, "", refuse_hiding).work()
    elif act != "start":
        iterate(project, "an idea")
    elif project.sessions.status().phase is Phase.NO_SESSION:
        project.start()


def hand_in(project: Project) -> None:
    """Hand in what the board does not have yet."""
    there = {one.description for one in board_of(project.lab.for_reading()).candidates.values()}
    for file, (old, new) in HANDED_IN.items():
        if f"another {file}" not in there:
            patch = f"diff --git a/{file} b/{file}\n--- a/{file}\n+++ b/{file}\n@@ -1 +1 @@\n-{old}\n+{new}\n"
            Parallel(project.lab).submit(f"another {file}", patch=patch)


def _all_points(templates: dict[str, Project], folder: Path) -> list[tuple[str, str]]:
    """Every named point of each act, as one that is not killed passes them."""
    found = []
    for act, template in templates.items():
        project = template.copied(folder / "points")
        _edit(project, act)
        found += [(act, point) for point in points(lambda p=project, a=act: _act(p, a), _first_step(act))]  # type: ignore[misc]
        shutil.rmtree(project.root)
    return found


def _first_step(act: str) -> str:
    return "start" if act == "start" else "commit"


def _killed_at_point(project: Project, act: str, point: str) -> bool:
    return killed_at(point, lambda: _act(project, act), _first_step(act))


def _killed_in_call(project: Project, act: str, call: str, draw: random.Random) -> bool:
    """Do it under strace, which kills whichever process comes to the n-th such call; whether one did."""
    seen = project.root.parent / "strace"
    inject = f"inject={call}:signal=KILL:when={draw.randint(1, LATEST)}"
    words = ["strace", "-f", "-qq", "-o", str(seen), "-e", f"trace={call}", "-e", inject, sys.executable, __file__]
    done = [*words, "--act", act, "--root", str(project.root)]
    subprocess.run(done, capture_output=True, check=False, timeout=120)
    return "killed by SIGKILL" in seen.read_text(errors="replace")


def _killed_supervisor(project: Project, act: str, draw: random.Random) -> bool:
    """Do it, and kill the supervisor of one of its first runs, every other time the server with it; whether one was killed."""
    child = os.fork()
    if child == 0:
        with suppress(BaseException):  # a refusal is an end like another
            _act(project, act)
        os._exit(0)
    left, seen = draw.randint(1, 3), set[int]()
    while left and not os.waitpid(child, os.WNOHANG)[0]:
        for pid in _supervisors(project) - seen:
            seen.add(pid)
            left -= 1
            if not left:
                for victim in (pid, *([child] if draw.random() < 1 / 2 else [])):
                    with suppress(ProcessLookupError):
                        os.kill(victim, signal.SIGKILL)
                os.waitpid(child, 0)
                return True
        time.sleep(0.002)
    return False


def _supervisors(project: Project) -> set[int]:
    """The supervisors at work; none while a run's folder goes away."""
    with suppress(OSError):
        own = project.root / ".git" / "autoresearch"
        files = (*own.glob("runs/*/alive"), *own.glob("lanes/*/runs/*/alive"))
        return {int(text) for file in files if (text := file.read_text())}
    return set()


def _broken_after(project: Project, act: str, draw: random.Random, crash: bool) -> str:
    """Bring what was killed to its end, one time in four through another kill; what does not hold then, in words.

    A `crash` is a right end where a supervisor was killed and its server was not.
    """
    again: Callable[[], object] = lambda: when_free(lambda: _act(project, act))
    project.restart()
    if draw.random() < 1 / 4:
        killed_at(draw.randint(1, 12), again)
        project.restart()
    try:
        again()
        if act in ENDS:  # the next call that writes makes up for what is missing
            project.try_value(5 if act == "start" else 50, "an idea")
        if project.sessions.status().phase in {Phase.FIX, Phase.REWORK}:
            project.loop.revert()
            project.loop.log()
        check(project)
        first, *ended = project.statuses()
        usual = ENDS.get(act, [act])
        if act == "candidates":
            assert len(ended) == len(usual), project.statuses()
            ended = sorted(ended)  # which comes first is a matter of lanes
            if crash and "crash" in ended:
                ended = usual
        own = {"start": "keep", "undo": "keep (undo)"}.get(act, act)
        right = [usual, *([["crash" if row == own else row for row in usual]] if crash else [])]
        assert first == "baseline", project.statuses()
        assert ended in right, project.statuses()
    except (AssertionError, OSError, Refusal) as error:
        return f"{type(error).__name__} at `{traceback.extract_tb(error.__traceback__)[-1].line}` {error}"
    return ""


def _tell(hits: Counter[str], broken: dict[str, list[str]], named: list[str]) -> None:
    width = max(map(len, [*hits, *broken]), default=0)
    print(f"{'point':{width}}  kills  broken")
    for name in sorted({*hits, *broken}):
        print(f"{name:{width}}  {hits[name]:5}  {len(broken.get(name, ())):6}")
    steps = Counter({step: 0 for step in ("commit", "undo", "log", "start")})
    for name, count in hits.items():
        act, _, point = name.partition(", ")
        step = point.partition(":")[0] or name.partition(": ")[2].partition(" call")[0]
        steps[{"keep": "log"}.get(act, "undo") if step == "decide" else step] += count
    print("by step: " + ", ".join(f"{step} {count}" for step, count in sorted(steps.items())))
    never = sorted(set(named) - {name for name, count in hits.items() if count})
    print(f"{hits.total()} kills at {len(+hits)} points, {len(never)} of {len(named)} named ones were not hit")
    print(f"broken invariants: {sum(map(len, broken.values()))}")
    for name, problems in broken.items():
        for problem in problems[:5]:
            print(f"  {name}: {problem[:300]}")


if __name__ == "__main__":
    sys.exit(main())
