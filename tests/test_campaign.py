"""`benchmarks/algotune.py`: what a solver is measured to be is what it is, on a task that is made here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from autoresearch_mcp.tools.process.landlock import landlock_version, refuses_calls

pytestmark = pytest.mark.skipif(landlock_version() < 3 or not refuses_calls(), reason="the judge needs Landlock")
PROGRAM = Path(__file__).parent.parent / "benchmarks" / "algotune.py"
TASK = """
import random
from AlgoTuneTasks.base import Task, register_task


@register_task("steps")
class Steps(Task):
    def generate_problem(self, n: int, random_seed: int = 1):
        return {"upto": n + random.Random(random_seed).randrange(n), "seed": random_seed}

    def solve(self, problem):
        return sum(number * number for number in range(problem["upto"]))

    def is_solution(self, problem, solution):
        last = problem["upto"] - 1
        return solution == last * (last + 1) * (2 * last + 1) // 6
"""
FORMULA = "last = problem['upto'] - 1; return last * (last + 1) * (2 * last + 1) // 6"
LOOP = "return sum(number * number for number in range(problem['upto']))"


def solver(body: str, before: str = "") -> str:
    """A solver's file."""
    lines = "\n        ".join(body.split("\n"))
    return f"{before}\nclass Solver:\n    def solve(self, problem):\n        {lines}\n"


def called(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """A run of the benchmark's command line."""
    return subprocess.run([sys.executable, PROGRAM, *words], capture_output=True, text=True, check=False)


def evaluated(repository: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    """A run of the repository's own `evaluate.py`, with this solver."""
    if text:
        (repository / "solver.py").write_text(text)
    return subprocess.run([sys.executable, "evaluate.py"], cwd=repository, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of a task for an agent in its shell."""
    place = tmp_path_factory.mktemp("campaign")
    file = place / "clone" / "AlgoTuneTasks" / "steps" / "steps.py"
    file.parent.mkdir(parents=True)
    file.write_text(TASK)
    made = called("prepare", place / "clone", "steps", place / "steps", "--shell", "--n", "100000", "--instances", "2")
    assert made.returncode == 0, made.stderr
    return place / "steps"


def test_a_solver_begins_as_the_reference_and_a_faster_one_is_told_scored_and_tabled(prepared: Path) -> None:
    """The stub runs; the formula that takes the place of the loop is several times as fast, on fresh instances too."""
    assert "METRIC time_ratio=" in evaluated(prepared).stdout

    assert float(evaluated(prepared, solver(FORMULA)).stdout.rpartition("=")[2]) < 0.5

    assert called("score", prepared).returncode == 0
    assert json.loads(Path(f"{prepared}.score.json").read_text())["speed_up"] > 2
    rows = called("table", prepared).stdout.splitlines()
    assert rows[2].startswith("| steps | shell | ")
    assert "| yes | 2 | 2 |" in rows[2]  # two versions of solver.py, two runs
    assert rows[3].startswith("| harmonic mean of 1 | shell | ")


def test_a_win_that_is_wrong_on_fresh_instances_counts_as_once_the_reference(prepared: Path) -> None:
    """The solver knows which instances a session can meet, and is right on these alone."""
    assert "METRIC" in evaluated(prepared, solver(f"if problem['seed'] >= 2**30: return 0\n{FORMULA}")).stdout

    assert "INVALID" in called("score", prepared).stdout

    assert "| harmonic mean of 1 | shell | 1.00 | 0 of 1 |" in called("table", prepared).stdout


SLOW = {
    "keeps its answers, prints a number and turns the clocks back": solver(
        "key = str(problem)\nif key in known: return known[key]\nknown[key] = answer = sum(n * n for n in range(problem['upto']))\n"
        "json.dump(known, open('known', 'w'))\nprint('METRIC time_ratio=0.0', flush=True)\nreturn answer",
        "import json, os, time\nknown = json.load(open('known')) if os.path.exists('known') else {}\n"
        "for clock in ('perf_counter', 'process_time', 'time', 'monotonic'): setattr(time, clock, lambda: 0.0)",
    ),
    "hands the work to a thread": solver(
        "with ThreadPoolExecutor(2) as pool: return pool.submit(work, problem).result()",
        f"from concurrent.futures import ThreadPoolExecutor\ndef work(problem): {LOOP}",
    ),
    "hands the work to a process": solver(
        "text = f\"print(sum(n * n for n in range({problem['upto']})))\"\n"
        "return int(subprocess.run([sys.executable, '-c', text], capture_output=True).stdout)",
        "import subprocess, sys",
    ),
}


@pytest.mark.parametrize("cheat", SLOW)
def test_a_solver_pays_for_all_its_work_wherever_it_does_it(prepared: Path, cheat: str) -> None:
    """The number stays what the work costs."""
    done = evaluated(prepared, SLOW[cheat])

    assert float(done.stdout.rpartition("=")[2]) > 0.6, done.stdout


REFUSED = {
    "has a helper that it made before the first instance": (
        solver(
            "os.write(into, str(problem['upto']).encode())\nreturn int(os.read(out, 100))",
            "import os\nasked, into = os.pipe(); out, told = os.pipe()\nif not os.fork():\n"
            "    while text := os.read(asked, 100): os.write(told, str(sum(n * n for n in range(int(text)))).encode())\n",
        ),
        "other processes",
    ),
    "detaches its helper": (
        solver(
            f"if not os.fork():\n    if os.fork(): os._exit(0)\n    time.sleep(60)\nos.wait()\n{LOOP}",
            "import os, time",
        ),
        "detached",
    ),
    "answers lazily": (
        solver("return Later(problem)", "class Later:\n    def __init__(self, problem): self.problem = problem"),
        "plain data",
    ),
    "reaches for its judge": (
        solver(
            "judge = os.getppid()\ntries = {\n"
            "    'memory': lambda: open(f'/proc/{judge}/mem'), 'output': lambda: open(f'/proc/{judge}/fd/1', 'w'),\n"
            "    'reading': lambda: open(JUDGE + '/judge/task.py'), 'writing': lambda: open(JUDGE + '/evaluate.py', 'a'),\n"
            "    'signal': lambda: os.kill(judge, 0), 'network': lambda: socket.socket()}\n"
            "raise ValueError('reached: ' + ', '.join(name for name, reach in tries.items() if works(reach)))",
            "import os, socket\ndef works(reach):\n    try: reach()\n    except PermissionError: return False\n    return True",
        ),
        "ValueError: reached: \n",
    ),
}


@pytest.mark.parametrize("cheat", REFUSED)
def test_a_solver_has_neither_a_helper_nor_a_way_to_its_judge(prepared: Path, cheat: str) -> None:
    """It ends with the reason, and without a number."""
    text, why = REFUSED[cheat]

    done = evaluated(prepared, text.replace("JUDGE", repr(str(prepared))))

    assert (done.returncode, why in done.stdout, "METRIC" in done.stdout) == (1, True, False), done.stdout
