"""Kills apply, undo and ablate at named points and at random instants, on copies of a session of ten keeps; looks what broke.

Run it from a clone, with the Python that the package and its test tools are installed in: `python benchmarks/kill_taking.py
--kills 60 --seed 1`. Without `--session REPOSITORY`, a repository with an open session of keeps that repeat exactly, it makes one
whose keeps write the same lines in part. `--onto BRANCH` names a branch that has gone on since, on which some keeps do not fit.
Every fourth recovery is killed as well. After each kill the branch has all of it or nothing; the call made again ends as one that
nobody killed: the same rows, tree, branch and races; files, HEAD and index are the user's; nothing lives on. Linux only.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from kill9 import own_git
from ten_keeps import beside, with_ten_keeps

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.git.experiment import Staged
from autoresearch_mcp.tools.iteration.keeps import replayed, standing, without
from autoresearch_mcp.tools.verbs.taking import Taking
from conftest import Project
from crashing import check, killed_after, killed_at, points, when_free


@dataclass(frozen=True)
class Act:
    """Something that a person does with a session: what it does, which branch it moves, and whether it is refused by itself."""

    name: str
    do: Callable[[Project], object]
    branch: str = ""
    rows: int = 0
    refused: bool = False


@dataclass
class Seen:
    """How a repository stands after an act."""

    rows: list[str]
    tree: str
    branch: tuple[str, ...]
    races: dict[int, int]
    user: dict[str, object]

    @classmethod
    def of(cls, project: Project, act: Act) -> Seen:
        there = act.branch and project.git("for-each-ref", f"refs/heads/{act.branch}")
        span = f"{project.git('merge-base', act.branch, 'HEAD')}..{act.branch}" if there else ""
        branch = (
            [project.git("rev-parse", f"{act.branch}^{{tree}}"), project.git("log", "--format=%s", span)]
            if there
            else []
        )
        with closing(sqlite3.connect(project.root / ".git/autoresearch/journal.db")) as journal:
            query = "SELECT iteration, count(*) FROM event WHERE kind = 'ablated' GROUP BY iteration"
            races = dict(journal.execute(query).fetchall())
        user = {
            name: value for name, value in project.picture().items() if name in {"files", "staged"} and not act.rows
        }
        return cls(project.statuses(), project.git("rev-parse", "HEAD^{tree}"), tuple(branch), races, user)


def main() -> int:
    """Kill until enough have died; the exit status tells whether something broke."""
    options = _options()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(own_git(Path(folder)))
        place = Path(folder) / "repo"
        template = _session(Path(folder) / "template", options.session)
        acts = [act for act in _acts(template, options.onto or "main", draw) if options.act in {"", act.name}]
        whole = {act.name: _unkilled(template.copied(place), act) for act in acts}
        named = {act.name: cycle(_points(template.copied(place), act, draw)) for act in acts}
        hits: Counter[tuple[str, str]] = Counter()
        broken: list[str] = []
        for act in cycle(acts):
            if sum(hits.values()) >= options.kills:
                break
            (before, after, seconds), project = whole[act.name], template.copied(place)
            point = next(named[act.name]) if draw.random() < 1 / 2 else ""
            within = draw.random() * seconds
            do = lambda project=project, act=act: _quietly(lambda: act.do(project))
            died = killed_at(point, do, act.name) if point else killed_after(within, do)
            hits[act.name, "named point" if point else "random instant"] += died
            problem = _broken_after(project, act, before, after, draw)
            if problem:
                broken.append(f"{act.name}, {point or f'after {within:.2f} s'}: {problem}")
            _remove(place)
            print(f"{sum(hits.values())} kills, {len(broken)} broken", file=sys.stderr, flush=True)
    for (name, how), count in sorted(hits.items()):
        print(f"{name:24} {how:15} {count:4} kills")
    print(f"{sum(hits.values())} kills, broken: {len(broken)}")
    print("\n".join(f"  {one[:400]}" for one in broken))
    return bool(broken)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--act", default="", help="this one alone, as the figures name it")
    parser.add_argument("--session", type=Path, help="a repository with an open session, which is copied")
    parser.add_argument("--onto", default="", help="a branch of it that went on since the session began")
    return parser.parse_args()


def _session(place: Path, given: Path | None) -> Project:
    if given is None:
        return beside(with_ten_keeps(place), "src/a.txt", "99\n")
    shutil.copytree(given, place, symlinks=True)
    project = Project.__new__(Project)
    project.root, project.now = place, time.time()
    project.restart()
    return project


def _acts(project: Project, onto: str, draw: random.Random) -> Sequence[Act]:
    """Return what can be done with the keeps of this session, each kind once."""
    context = project.lab.for_reading()
    keeps = standing(context)
    unfit = {keep.row.iteration for keep in replayed(context, context.repo.commit(onto), keeps)[1]}
    fit = [keep.row.iteration for keep in keeps if keep.row.iteration not in unfit]
    alone = {keep.row.iteration: isinstance(without(context, keeps, keep), Staged) for keep in keeps}
    free = draw.choice([number for number, is_alone in alone.items() if is_alone])
    needed = [number for number, is_alone in alone.items() if not is_alone]
    print(f"{len(keeps)} keeps; needed by later ones: {needed}; on {onto} {sorted(unfit)} do not fit")
    acts = [
        Act("apply", lambda project: Taking(project.lab).apply(), f"{context.branch}-kept"),
        Act("apply some", lambda project: Taking(project.lab).apply(onto, fit), onto),
        Act("undo", lambda project: project.loop.undo(free), rows=1),
        Act("undo --force", lambda project: project.loop.undo(free, force=True), rows=1),
        Act("ablate", lambda project: Taking(project.lab).ablate(60)),
    ]
    if unfit:
        acts.append(Act("apply with conflicts", lambda project: Taking(project.lab).apply(onto), onto, refused=True))
    if needed:
        acts.append(Act("undo of a needed keep", lambda project: project.loop.undo(needed[0]), refused=True))
    return acts


def _unkilled(project: Project, act: Act) -> tuple[Seen, Seen, float]:
    """Return how it stands before an act that nobody kills and after it, and how long that takes."""
    before, began = Seen.of(project, act), time.monotonic()
    refused = _quietly(lambda: act.do(project))
    seconds, after = time.monotonic() - began, Seen.of(project, act)
    assert bool(refused) == act.refused, refused
    assert (before.rows == after.rows) == (not act.rows), after.rows
    print(f"{act.name}: {refused or f'done in {seconds:.1f} s'}")
    _remove(project.root)
    return before, after, seconds


def _points(project: Project, act: Act, draw: random.Random) -> list[str]:
    """Return the points that an act passes, in any order."""
    names = points(lambda: _quietly(lambda: act.do(project)), act.name)
    _remove(project.root)
    print(f"{act.name}: {len(names)} points")
    return draw.sample(names, len(names))


def _quietly(call: Callable[[], object]) -> str:
    """Call, and return how it was refused."""
    try:
        call()
    except Refusal as refusal:
        return f"refused: {refusal.message[:160]}"
    return ""


def _broken_after(project: Project, act: Act, before: Seen, after: Seen, draw: random.Random) -> str:
    """Make the call again, one time in four through another kill; return what does not hold then, in words."""
    project.restart()
    try:
        seen = Seen.of(project, act)
        assert seen.branch in (before.branch, after.branch), f"half a branch: {seen.branch}"
        if draw.random() < 1 / 4:
            killed_at(draw.randint(1, 12), lambda: _again(project, act, before))
            project.restart()
        _again(project, act, before)
        seen = Seen.of(project, act)
        for name in ("rows", "tree", "branch", "races", "user"):
            assert getattr(seen, name) == getattr(after, name), f"{name}: {getattr(seen, name)!s:.200}"
        check(project)
        assert not (left := _living(project.root)), f"processes live on: {left}"
    except (AssertionError, OSError, Refusal) as error:
        return f"{type(error).__name__} {error}"
    return ""


def _again(project: Project, act: Act, before: Seen) -> None:
    """Make the call again; it may be refused where what it would do is done, or as the first was."""
    logged = act.rows and project.sessions.status().iterations >= len(before.rows)
    try:
        when_free(lambda: act.do(project))
    except Refusal as refusal:
        if not (act.refused or logged or refusal.code is Code.REPEAT):
            raise


def _living(root: Path) -> list[str]:
    """Return the processes that stand in a repository, or in a second checkout of it."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError):
            if int(entry) != os.getpid() and os.readlink(f"/proc/{entry}/cwd").startswith(str(root.parent)):
                found.append(Path(f"/proc/{entry}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:80])
    return found


def _remove(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    shutil.rmtree(place.parent / "cache", ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
