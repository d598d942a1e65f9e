"""Cheats by what stays from run to run and git does not have: bytecode, caches, files that made the baseline worse."""

from __future__ import annotations

import importlib.util
import marshal
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from cheats import listed

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.git.paired_checkout import PairedCheckout
from autoresearch_mcp.tools.git.repo import Repo
from conftest import PYTHON, Project

RULER = """\
import pathlib, sys
sys.path.insert(0, "src")
import work
place = pathlib.Path("../runs")
runs = len(place.read_text()) if place.exists() else 0
place.write_text("x" * (runs + 1))
print("METRIC steps=%r" % (work.steps() + NOISE))
"""
EXACT, NOISY = "0", "float(open('noise.txt').read().split()[runs])"
HONEST = "def steps(): return 1000\n"

Play = Callable[[Path], list[Status | None]]
IN_CACHES: dict[str, Play] = {}


def cheat(name: str) -> Callable[[Play], Play]:
    """Put a cheat on the list. It returns how its tries ended."""

    def put(play: Play) -> Play:
        IN_CACHES[name] = play
        return play

    return put


def counted(tmp_path: Path, noise: str = EXACT, program: str = HONEST) -> Project:
    """A repository with a program whose steps a protected ruler counts, without a session. One noisy run scatters by 1 %."""
    runs = tmp_path / "runs"
    plan = {"protected": ("ruler.py", "noise.txt"), "metric": "steps", "verify": f"{PYTHON} ruler.py", "guards": ()}
    project = Project(tmp_path / "repo", scope=("src/**",), **plan)
    draw = random.Random(1)
    project.write("noise.txt", "".join(f"{draw.gauss(0, 10):.3f}\n" for _ in range(1000)))
    project.write("ruler.py", RULER.replace("NOISE", noise).replace("../runs", str(runs)))
    project.write("src/work.py", program).write(".gitignore", "__pycache__/\nbuild/\nslow\n")
    return project.commit("the task")


def poison(folder: Path, module: str, source: str) -> None:
    """Write bytecode that Python takes for a module's without a look at its source."""
    file = Path(importlib.util.cache_from_source(str(folder / f"{module}.py")))
    file.parent.mkdir(parents=True, exist_ok=True)
    code = marshal.dumps(compile(source, f"{module}.py", "exec"))
    file.write_bytes(importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8) + code)


def tried(project: Project, program: str, what: str) -> Status | None:
    return project.write("src/work.py", program).loop.iterate(what).status


@cheat("bytecode that is not its source's, beside it")
def poisons_bytecode(tmp_path: Path) -> list[Status | None]:
    project = counted(tmp_path).start()
    poison(project.root / "src", "work", "def steps(): return 5\n")

    return [tried(project, f"{HONEST}# faster\n", "faster")]


@cheat("bytecode that makes the baseline worse, deleted afterwards")
def poisons_the_baseline(tmp_path: Path) -> list[Status | None]:
    project = counted(tmp_path)
    poison(project.root / "src", "work", "def steps(): return 2000\n")
    project.start()
    for file in (project.root / "src/__pycache__").iterdir():
        file.unlink()

    return [tried(project, f"{HONEST}# faster\n", "faster")]


@cheat("an ignored file that makes the baseline worse, deleted afterwards")
def slows_the_baseline(tmp_path: Path) -> list[Status | None]:
    project = counted(tmp_path, program="import os\ndef steps(): return 1000 + 1000 * os.path.exists('slow')\n")
    project.write("slow", "").start()
    (project.root / "slow").unlink()

    return [tried(project, f"{project.read('src/work.py')}# faster\n", "faster")]


@cheat("a noisy metric's bytecode, left in the second checkout by an earlier try")
def leaves_bytecode(tmp_path: Path) -> list[Status | None]:
    project = counted(tmp_path, NOISY).start()
    tried(project, HONEST.replace("1000", "1500"), "worse, and the second checkout is made")
    poison(_second(project) / "src", "fast", "def steps(): return 5\n")
    project.write("src/fast.py", HONEST)

    return [tried(project, "from fast import steps\n", "faster")]


@cheat("a noisy metric's answers in a folder that git ignores, left there by an earlier try")
def leaves_answers(tmp_path: Path) -> list[Status | None]:
    project = counted(tmp_path, NOISY).start()
    leaves = "import os\ndef steps():\n    os.makedirs('build', exist_ok=True)\n    open('build/answers', 'w')\n    return 1200\n"
    reads = "import os\ndef steps(): return 5 if os.path.exists('build/answers') else 1000\n"

    return [tried(project, leaves, "slower"), tried(project, reads, "faster")]


@cheat("a noisy metric's answers in the user's checkout, and the second checkout deleted to be made anew")
def deletes_the_checkout(tmp_path: Path) -> list[Status | None]:
    project = counted(tmp_path, NOISY).start()
    project.write("build/answers", "")
    PairedCheckout(Repo(project.root), "arena").remove()

    return [tried(project, "import os\ndef steps(): return 5 if os.path.exists('build/answers') else 1000\n", "faster")]


@cheat("a file that the ruler needs written anew, so that no clean checkout runs, and code moved to an ignored one")
def breaks_the_clean_checkout(tmp_path: Path) -> list[Status | None]:
    project = counted(tmp_path)
    needs = "open('build/data'); " + RULER.replace("NOISE", EXACT).replace("../runs", str(tmp_path / "runs"))
    project.write("ruler.py", needs).commit("a ruler that needs data").write("build/data", "1\n").start()
    project.write("build/data", "1\n").write("build/fast.py", "def steps(): return 5\n")

    return [tried(project, "import sys\nsys.path.insert(0, 'build')\nfrom fast import steps\n", "faster")]


@cheat("a noisy metric's answers in git's own folder of the second checkout")
def hides_answers(tmp_path: Path) -> list[Status | None]:
    project = counted(tmp_path, NOISY).start()
    place = "import os\ndef place(): return open('.git').read().split()[1] + '/answers'\n"
    leaves = f"{place}def steps():\n    open(place(), 'w')\n    return 1200\n"
    reads = f"{place}def steps():\n    kept = os.path.exists(place())\n    open(place(), 'w')\n    return 5 if kept else 1000\n"

    return [tried(project, text, what) for text, what in ((leaves, "slower"), (reads, "faster"), (f"{reads}#\n", "so"))]


@cheat("bytecode, and a program that works more in clean checkouts once a newer version is about")
def turns_on_the_incumbent(tmp_path: Path) -> list[Status | None]:
    two_faced = "import os\ndef steps():\n    newer = int(os.environ['AUTORESEARCH_ITERATION']) > 1\n    return 900 + 500 * (newer and 'clean' in os.getcwd())\n"
    project = counted(tmp_path).start()
    assert tried(project, two_faced, "better, and kept") is Status.KEEP
    poison(project.root / "src", "work", "def steps(): return 5\n")

    return [tried(project, HONEST.replace("1000", "900"), "as good")]


def _second(project: Project) -> Path:
    return PairedCheckout(Repo(project.root), "arena").folder


@pytest.mark.parametrize("name", listed(IN_CACHES, {}))
def test_what_git_does_not_have_earns_nothing(tmp_path: Path, name: str) -> None:
    ended = IN_CACHES[name](tmp_path)

    assert set(ended) <= {Status.DISCARD, Status.METRIC_ERROR}
