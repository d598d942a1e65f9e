"""Turns tasks of AlgoTune (https://github.com/oripress/AlgoTune) into sessions, to compare an agent with the lab and without.

    python benchmarks/algotune.py prepare CLONE TASK OUT [--lab | --shell] [--n N] [--instances 10] [--ms 100]
    python benchmarks/algotune.py score OUT ...
    python benchmarks/algotune.py table OUT ...

Run it with a Python that has what the tasks need, such as numpy, scipy, networkx, numba: commands of the repositories that
it makes run with it as well. CLONE is a clone of AlgoTune, of which nothing is kept here.

`prepare` makes a git repository: `solver.py`, which begins as the task's reference; `TASK.md`, which says what is asked and
how it is measured; `evaluate.py` with `judge/`, which measure (`algotune_judge.py` says how). With `--lab` there is a plan,
`autoresearch.toml`, too, and the agent works through the server; with `--shell` it runs `python evaluate.py` itself. All
else is equal. The size N is the benchmark's own, made smaller until the reference takes `--ms` here; give the second arm the
first one's. What is not the agent's lies beside the repository: `OUT.task.json`, `OUT.runs.jsonl` (every measurement),
`OUT.times` (the agent's start and end, seconds since 1970, a line each), `OUT.score.json`.

`score` measures `solver.py` as it stands three times in a fresh folder, with the judge of this folder and the task of the
clone, on instances that no run of the session can have met, and notes the median speed-up. A wrong answer there is an
invalid win: it counts as 1x, as in the benchmark, and so does a solver that is slower than the reference.

`table` prints Markdown: a line for each task and arm, and the harmonic mean of the speed-ups of each arm.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import algotune_judge as judge

HERE = Path(__file__).resolve().parent
LANDLOCK = HERE.parent / "tools" / "process" / "landlock.py"
LAB, SHELL = "lab", "shell"
TASK = """# {task}

{description}

## What is asked

Make `Solver.solve` in `solver.py` as fast as you can; it begins as the reference. Its answers have to pass `is_solution` in
`judge/task.py`, which also makes the instances (`generate_problem`, n = {n}). Change `solver.py` only. What is imported has to
be installed here: {python} runs it. `Solver()` is made once before the first instance, and that instance warms up: neither
counts. A solver has one process (threads are counted together) and may write only to its temporary folder.

## How it is measured

`{python} evaluate.py` draws {instances} new instances, lets reference and solver answer them in turn, and prints the solver's
processor time over the reference's (`METRIC time_ratio`, lower is better), or says what was wrong and exits 1.
`{python} evaluate.py --check` looks at the answers to other instances only.
"""
PLAN = """goal = "Make Solver.solve of the task in TASK.md as fast as possible; its answers have to stay valid."
scope = ["solver.py"]
protected = ["evaluate.py", "judge/**", "TASK.md"]
metric = "time_ratio"
direction = "lower"
verify = {verify}
read = "line"
guards = [{check}]
effort = "quick"
min_effect = "2%"
iterations = {tries}
minutes = {minutes}
"""


def stub(source: str) -> str:
    """Return a task's file as a solver: the same lines, without the benchmark's class, generator and check."""
    tree = ast.parse(source)
    lines: list[str | None] = list(source.splitlines())
    task = next(n for n in tree.body if isinstance(n, ast.ClassDef) and any(ast.unparse(b) == "Task" for b in n.bases))
    cut: list[ast.stmt] = [
        n for n in tree.body if isinstance(n, ast.ImportFrom) and str(n.module).startswith("AlgoTuneTasks")
    ]
    cut += [n for n in task.body if isinstance(n, ast.FunctionDef) and n.name in {"generate_problem", "is_solution"}]
    spans = [
        (min(n.lineno, *(d.lineno for d in getattr(n, "decorator_list", [])), n.lineno), n.end_lineno) for n in cut
    ]
    spans += [(d.lineno, d.end_lineno) for d in task.decorator_list]
    for first, last in spans:
        lines[first - 1 : last] = [None] * (last - first + 1)
    lines[task.lineno - 1] = "class Solver:"
    text = "\n".join(line for line in lines if line is not None)
    text = text.replace("super().__init__(**kwargs)", "super().__init__()")
    named = any(isinstance(node, ast.Name) and node.id == task.name for node in ast.walk(tree))
    alias = f"\n\n\n{task.name} = Solver\n" if named else "\n"
    return re.sub(r"\n{4,}", "\n\n\n", text.rstrip()) + alias


def fitting_size(file: Path, largest: int, ms: float) -> int:
    """Return the largest size, found by steps of 0.8 down from `largest`, whose reference takes at most `ms` of processor time."""
    os.environ |= judge.ONE_THREAD
    task, size = judge.load_task(file), largest
    while True:
        task.solve(task.generate_problem(n=size, random_seed=1))
        times = []
        for seed in (2, 3, 4):
            problem = task.generate_problem(n=size, random_seed=seed)
            before = time.process_time()
            task.solve(problem)
            times.append(time.process_time() - before)
        if statistics.median(times) * 1e3 <= ms or size == 1:
            return size
        size = max(1, int(size * 0.8))


def _file_of(clone: Path, task: str) -> Path:
    return clone / "AlgoTuneTasks" / task / f"{task}.py"


def lay_out(folder: Path, clone: Path, task: str, settings: dict[str, Any]) -> None:
    """Write what measures a task into a folder."""
    (folder / "judge").mkdir(parents=True)
    (folder / "evaluate.py").write_bytes((HERE / "algotune_judge.py").read_bytes())
    (folder / "judge" / "landlock.py").write_bytes(LANDLOCK.read_bytes())
    (folder / "judge" / "task.py").write_bytes(_file_of(clone, task).read_bytes())
    (folder / "judge" / "settings.json").write_text(json.dumps(settings) + "\n", encoding="utf-8")


def beside(out: Path, kind: str) -> Path:
    """Return the file of a kind that goes with a prepared repository, outside of it."""
    return out.with_name(f"{out.name}.{kind}")


def prepare(options: argparse.Namespace) -> None:
    """Make the repository of one task for one arm."""
    clone, out = Path(options.clone).resolve(), Path(options.out).resolve()
    source = _file_of(clone, options.task)
    sizes = clone / "reports" / "generation.json"
    largest = json.loads(sizes.read_text(encoding="utf-8"))[options.task]["n"] if sizes.exists() else 1000
    n = options.n or fitting_size(source, largest, options.ms)
    settings = {"n": n, "instances": options.instances, "log": str(beside(out, "runs.jsonl"))}
    lay_out(out, clone, options.task, settings)
    (out / "solver.py").write_text(stub(source.read_text(encoding="utf-8")), encoding="utf-8")
    python = shlex.quote(sys.executable)
    described = source.with_name("description.txt")
    description = described.read_text(encoding="utf-8").strip() if described.exists() else ""
    words = {"task": options.task, "description": description, "n": n, "python": python, "instances": options.instances}
    (out / "TASK.md").write_text(TASK.format(**words), encoding="utf-8")
    if options.arm == LAB:
        commands = {"verify": json.dumps(f"{python} evaluate.py"), "check": json.dumps(f"{python} evaluate.py --check")}
        plan = PLAN.format(**commands, tries=options.tries, minutes=options.minutes)
        (out / "autoresearch.toml").write_text(plan, encoding="utf-8")
    record = {"clone": str(clone), "task": options.task, "arm": options.arm, "settings": {**settings, "log": ""}}
    beside(out, "task.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
    who = ("-c", "user.name=AlgoTune", "-c", "user.email=algotune@localhost")
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), (*who, "commit", "-q", "-m", f"Begin {options.task}")):
        subprocess.run(["git", "-C", str(out), *command], check=True)
    print(f"{out}: {options.task}, n = {n}, {options.arm}")


def score(options: argparse.Namespace) -> None:
    """Measure solvers as they stand on fresh seeds."""
    for name in options.outs:
        out = Path(name).resolve()
        record = json.loads(beside(out, "task.json").read_text(encoding="utf-8"))
        seeds, ratios, problem = [], [], ""
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place, "judged")
            lay_out(folder, Path(record["clone"]), record["task"], record["settings"])
            (folder / "solver.py").write_bytes((out / "solver.py").read_bytes())
            for _ in range(options.runs):
                try:
                    seed, timing = judge.measure(folder, judge.FRESH_SEEDS)
                    seeds.append(seed)
                    ratios.append(timing.ratio)
                except judge.WrongError as error:
                    problem = str(error)
                    break
        found = {
            "speed_up": 0.0 if problem else 1 / statistics.median(ratios),
            "valid": not problem,
            "problem": problem,
        }
        beside(out, "score.json").write_text(
            json.dumps({**found, "ratios": ratios, "seeds": seeds}) + "\n", encoding="utf-8"
        )
        print(f"{out.name} ({record['arm']}): " + (f"INVALID: {problem}" if problem else f"{found['speed_up']:.2f}x"))


def counted(found: dict[str, Any]) -> float:
    """Return the speed-up that counts: 1 for a solver that is invalid or slower than the reference."""
    return max(1.0, found["speed_up"]) if found["valid"] else 1.0


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []


def table(options: argparse.Namespace) -> None:
    """Print what was scored."""
    print("| task | arm | speed-up | valid | versions | runs | minutes |\n| --- | --- | --- | --- | --- | --- | --- |")
    arms: dict[str, list[tuple[float, bool, int, float]]] = {}
    for out in sorted((Path(name).resolve() for name in options.outs), key=lambda out: (out.name, str(out))):
        record = json.loads(beside(out, "task.json").read_text(encoding="utf-8"))
        found = json.loads(beside(out, "score.json").read_text(encoding="utf-8"))
        runs = [json.loads(line) for line in _lines(beside(out, "runs.jsonl"))]
        times = [int(line) for line in _lines(beside(out, "times"))] or [run["at"] for run in runs]
        minutes = (max(times) - min(times)) / 60 if times else 0.0
        arms.setdefault(record["arm"], []).append((counted(found), found["valid"], len(runs), minutes))
        versions = len({run["version"] for run in runs})
        cells = (f"{found['speed_up']:.2f}", "yes" if found["valid"] else "no", versions, len(runs), f"{minutes:.1f}")
        print(f"| {record['task']} | {record['arm']} | " + " | ".join(map(str, cells)) + " |")
    for arm, rows in sorted(arms.items()):
        mean, valid = statistics.harmonic_mean([row[0] for row in rows]), sum(row[1] for row in rows)
        totals = f"{sum(row[2] for row in rows)} | {sum(row[3] for row in rows):.1f}"
        print(f"| harmonic mean of {len(rows)} | {arm} | {mean:.2f} | {valid} of {len(rows)} | | {totals} |")


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    one = verbs.add_parser("prepare")
    for name in ("clone", "task", "out"):
        one.add_argument(name)
    arm = one.add_mutually_exclusive_group()
    arm.add_argument("--lab", dest="arm", action="store_const", const=LAB, default=LAB)
    arm.add_argument("--shell", dest="arm", action="store_const", const=SHELL)
    for name, default in (("n", 0), ("instances", 10), ("ms", 100), ("tries", 8), ("minutes", 12)):
        one.add_argument(f"--{name}", type=int, default=default)
    one.set_defaults(call=prepare)
    for name, call in (("score", score), ("table", table)):
        many = verbs.add_parser(name)
        many.add_argument("outs", nargs="+")
        many.set_defaults(call=call, runs=3)
    options = parser.parse_args(arguments)
    options.call(options)


if __name__ == "__main__":
    main()
