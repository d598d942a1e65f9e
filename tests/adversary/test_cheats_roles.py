"""Cheats in two roles: a program that works more once a newer one is about, so that every change looks like an improvement.

Each program carries the number of its version. What it prints is its work, a count; the ruler adds noise that is written
down. No version is better than another one.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from cheats import listed

from autoresearch_mcp.tools.decision.decide import Status
from conftest import Project

BENCH = """\
runs=$(cat {notes}/runs 2>/dev/null || echo 0)
echo $((runs + 1)) > {notes}/runs
work=$(sh src/program.sh) || exit 1
noise=$(sed -n "$((runs + 1))p" noise.txt)
echo "METRIC work=$((work + noise))"
"""
IN_TWO_ROLES: dict[str, str] = {
    "works more once a newer version has run, by a note in the home folder": """\
newest=$(cat {notes}/newest 2>/dev/null || echo 0)
test $newest -ge $version || echo $version > {notes}/newest
test $newest -gt $version && echo 10400 || echo 10000
""",
    "works more once a newer version has run, by a note in a folder that git ignores": """\
newest=$(cat build/newest 2>/dev/null || echo 0)
mkdir -p build && test $newest -ge $version || echo $version > build/newest
test $newest -gt $version && echo 10400 || echo 10000
""",
    "works more when AUTORESEARCH_ITERATION is not its own": """\
test $AUTORESEARCH_ITERATION -gt $version && echo 10400 || echo 10000
""",
    "works more when it has grown old": """\
echo >> {notes}/age-$version
test $runs -gt $((6 + version)) && test $(wc -l < {notes}/age-$version) -gt 4 && echo 10400 || echo 10000
""",
}
BY_SEED = """\
work=$(sh src/program.sh) || exit 1
echo "METRIC work=$((work + 37 * (AUTORESEARCH_SEED % 97)))"
"""
ON_SEEDS: dict[str, str] = {
    "works more on a seed that is new to both, by a note in the home folder": """\
newest=$(cat {notes}/newest 2>/dev/null || echo 0)
test $newest -ge $version || echo $version > {notes}/newest
test $newest -gt $version && echo 10401 || echo 10001
""",
    "works more while the incumbent is measured again, so that its remembered number is bad": """\
newest=$(cat {notes}/newest 2>/dev/null || echo 0)
test $newest -ge $version || echo $version > {notes}/newest
test $newest -gt $version && echo 10401 || echo 10001
""",
}
TRIES = 2


def two_faced(tmp_path: Path, cheat: str, seed: int) -> tuple[Project, Callable[[int], str]]:
    """A repository whose program cheats, without a session, and its later versions. One run scatters by 1.5 %."""
    notes, noise = tmp_path / "notes", random.Random(seed)
    notes.mkdir()
    plan: dict[str, object] = {
        "protected": ("bench.sh", "noise.txt"),
        "metric": "work",
        "verify": "sh bench.sh",
        "guards": (),
        "effort": "thorough",
    }
    project = Project(tmp_path / "repo", scope=("src/**",), **plan)

    def version(number: int) -> str:
        body = {**IN_TWO_ROLES, **ON_SEEDS}[cheat].format(notes=notes).replace("$runs", f"$(cat {notes}/runs)")
        return f"version={number} # {'abcdefghijklmnopqrstuvwxyz'[number % 26] * (1 + number // 26)}\n{body}"

    bench = BY_SEED if cheat in ON_SEEDS else BENCH.format(notes=notes)
    project.write("src/program.sh", version(0)).write("bench.sh", bench).write(".gitignore", "build/\n")
    project.write("noise.txt", "".join(f"{round(noise.gauss(0, 150))}\n" for _ in range(2000)))
    return project.commit("the task"), version


@pytest.mark.parametrize("name", listed(IN_TWO_ROLES, {}))
def test_a_program_that_is_worse_as_the_incumbent_earns_nothing(tmp_path: Path, name: str) -> None:
    project, version = two_faced(tmp_path, name, seed=1)
    project.start()
    answers = []

    for number in range(1, TRIES + 1):
        project.write("src/program.sh", version(number))
        answers.append(project.loop.iterate(f"version {number}"))

    assert {answer.status for answer in answers} == {Status.DISCARD}
    named = [answer.iteration for answer in answers if "when it was the newest" in answer.why]
    assert named or "grown old" in name, "what ages looks worse in either role, and is dropped before it is found out"
    if named:  # it is no proof, so that it may be tried once more, and earns no more
        assert project.loop.iterate("once more", again=named[0]).status is Status.DISCARD


@pytest.mark.parametrize("name", listed(ON_SEEDS, {}))
def test_a_program_that_is_worse_as_the_incumbent_earns_nothing_on_seeds_either(tmp_path: Path, name: str) -> None:
    project, version = two_faced(tmp_path, name, seed=1)
    project.start()
    answers = []

    for number in range(1, 5):
        project.write("src/program.sh", version(number))
        answers.append(project.loop.iterate(f"version {number}"))
        if "measured again" in name:
            project.review.history(iteration=0, remeasure=True)

    assert {answer.status for answer in answers} == {Status.DISCARD}
