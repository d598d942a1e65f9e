"""What the server adds to an iteration, against a shell script that does the same by hand with the same git.

`python benchmarks/overhead.py` prints medians of interleaved runs and counts of git processes for repositories of 50 and
of 100,000 files, the CPU that thousands of protected, ignored, untracked and tracked files add, how many more tries four
repositories make on one server than one, how long `status` and `history` take on long journals, and how a server process
grows. Name parts to run only those: `iterations`, `crowds`, `several`, `journal`, `memory`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from mcp import Client, StdioServerParameters

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.decision.measured import Measurement
from autoresearch_mcp.tools.git.cli import GitCli
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.session.events import Committed, Event, Logged, Reverted, Row, Verified
from autoresearch_mcp.tools.session.journal import Journal
from autoresearch_mcp.tools.verbs.loop import Loop
from autoresearch_mcp.tools.verbs.review import Review
from autoresearch_mcp.tools.verbs.sessions import Sessions

FILES = (50, 100_000)
ROWS = (100, 10_000, 100_000)
ROUNDS = {50: 15, 100_000: 7}
ITERATIONS = 1000
CROWD_ROUNDS = 5
CROWDS = ((10_000, "protected"), (50_000, "ignored"), (10_000, "untracked"))
STATUSES = ("keep", "discard")
MOST_OF_PLAIN, MOST_OF_SCRIPT = 2.0, 1.3
SEVERAL, SEVERAL_ROUNDS, SLEEP_S, SEVERAL_LIMIT = 4, 8, 1.0, 3.0
PLAN = {
    "goal": "a smaller number",
    "scope": ["value.txt"],
    "protected": ["check.sh"],
    "metric": "value",
    "direction": "lower",
    "verify": "cat value.txt",
}
# What a careful person types: every change is looked for, so that nothing is left out of the commit.
SCRIPT = r"""
now() { echo "${EPOCHREALTIME/./}"; }
began=$(now)
git add --all && git commit --quiet -m "experiment: $1"
committed=$(now)
value=$(cat value.txt)
measured=$(now)
status=keep
if [ "$value" -ge "$2" ]; then status=discard; git revert --no-edit HEAD >/dev/null; fi
ended=$(now)
printf '%s\t%s\t%s\t%s\n' "$1" "$(git rev-parse --short HEAD)" "$value" "$status" >> .git/results.tsv
done=$(now)
echo $(( committed - began + ended - measured + done - ended ))
"""


def main(parts: list[str]) -> None:
    """Run the named parts, or all."""
    known: dict[str, Callable[[], None]] = {
        "iterations": iterations,
        "crowds": crowds,
        "several": several,
        "journal": journal,
        "memory": memory,
    }
    for part in parts or known:
        with own_git():
            known[part]()


@contextmanager
def own_git() -> Iterator[None]:
    """A git that knows nothing of this machine."""
    home = Path(tempfile.mkdtemp(prefix="overhead-"))
    (home / "gitconfig").write_text("[user]\n name = Ada\n email = ada@example.org\n[init]\n defaultBranch = main\n")
    names = {"HOME": home, "XDG_CACHE_HOME": home / "cache", "GIT_CONFIG_GLOBAL": home / "gitconfig"}
    os.environ |= {name: str(path) for name, path in names.items()} | {"GIT_CONFIG_NOSYSTEM": "1"}
    try:
        yield
    finally:
        shutil.rmtree(home)


def repository(files: int) -> Path:
    """A committed checkout of many small files, made from one stream."""
    root = Path(tempfile.mkdtemp(prefix=f"files-{files}-", dir=os.environ["HOME"]))
    git(root, "init", "--quiet")
    names = [f"pkg{number // 100:04d}/mod{number % 100:02d}.py" for number in range(files - 2)]
    texts = {"value.txt": "1000000\n", "check.sh": "true\n", **{name: f"x = '{name}'\n" for name in names}}
    head = "commit refs/heads/main\ncommitter Ada <ada@example.org> 1700000000 +0000\ndata 5\nstart\n"
    stream = head + "".join(f"M 100644 inline {name}\ndata {len(text)}\n{text}\n" for name, text in texts.items())
    subprocess.run(["git", "fast-import", "--quiet"], cwd=root, input=stream.encode(), check=True)
    git(root, "reset", "--quiet", "--hard")
    return root


def git(root: Path, *arguments: str) -> None:
    """One git command."""
    subprocess.run(["git", *arguments], cwd=root, check=True)


def iterations() -> None:
    """Server and script in turn: a keep and a discard each."""
    for files in FILES:
        ours, theirs = repository(files), repository(files)
        lab = Lab(ours, allow_commands=True)
        Sessions(lab).start_session(Plan.model_validate(PLAN))
        loop = Loop(lab)
        for status in ("keep", "discard"):
            server, script = [], []
            for turn in range(ROUNDS[files] + 1):
                value = number_for(status, turn)
                server.append(by_server(loop, ours, value, status))
                script.append(by_script(theirs, value, status))
            count = processes(lambda: by_server(loop, ours, number_for(status, 99), status))  # noqa: B023
            told(files, status, server[1:], script[1:], count)


def number_for(status: str, turn: int) -> int:
    """A value that was not tried before, better than all or worse than all."""
    return 900_000 - turn if status == "keep" else 2_000_000 + turn


def by_server(loop: Loop, root: Path, value: int, status: str) -> float:
    """Seconds of one iteration, verify not counted."""
    (root / "value.txt").write_text(f"{value}\n")
    began = time.perf_counter()
    answer = loop.iterate(f"try {value}")
    seconds = time.perf_counter() - began
    assert answer.status == status, answer
    measured = Journal(root / ".git" / "autoresearch").rows(loop._lab.for_reading().active.id, 1)[0].seconds
    return seconds - measured


def by_script(root: Path, value: int, status: str) -> float:
    """Seconds that the script spends in git."""
    (root / "value.txt").write_text(f"{value}\n")
    best = "2000000" if status == "discard" else "1000000"
    command = ["bash", "-c", SCRIPT, "script", str(value), best]
    return int(subprocess.run(command, cwd=root, capture_output=True, check=True).stdout) / 1e6


def processes(call: Callable[[], object]) -> int:
    """How many git processes a call starts."""
    ask, count = GitCli._execute, 0

    def counted(self: GitCli, *arguments: Any, **named: Any) -> tuple[int, bytes, str]:  # noqa: ANN401
        nonlocal count
        count += 1
        return ask(self, *arguments, **named)

    GitCli._execute = counted  # type: ignore[method-assign, assignment]
    try:
        call()
    finally:
        GitCli._execute = ask  # type: ignore[method-assign]
    return count


def told(files: int, status: str, server: list[float], script: list[float], count: int) -> None:
    """One line of the table."""
    ours, theirs = 1000 * statistics.median(server), 1000 * statistics.median(script)
    limit = 2.0 * theirs + 50 if files < 1000 else 1.3 * theirs
    verdict = "within" if ours <= limit else "OVER"
    print(
        f"{files:>7} files, {status:<7}: server {ours:7.0f} ms with {count:2} git processes, script {theirs:6.0f} ms in git, "
        f"ratio {ours / theirs:.2f}; limit {limit:.0f} ms: {verdict}"
    )


def crowds() -> None:
    """CPU of a keep and of a discard: beside thousands of files of a kind against 50 files, and in 100,000 against the script."""
    plain, turns = crowd(0, ""), itertools.count()
    for count, kind in CROWDS:
        theirs, few, many = crowd(count, kind), Spent({}, {}), Spent({}, {})
        for turn in range(CROWD_ROUNDS + 1):
            for status in STATUSES:
                few.add(status, turn, cpu(plain, next(turns), status))
                many.add(status, turn, cpu(theirs, turn, status))
        compared(f"{count:>7} {kind} files", "with 50 files", many, few, MOST_OF_PLAIN)
        shutil.rmtree(theirs[1])
    ours, script = session(repository(FILES[1]), PLAN), repository(FILES[1])
    server, hand = Spent({}, {}), Spent({}, {})
    for turn in range(CROWD_ROUNDS + 1):
        for status in STATUSES:
            server.add(status, turn, cpu(ours, turn, status))
            value = number_for(status, turn)
            hand.add(status, turn, spent(lambda: by_script(script, value, status)))  # noqa: B023
    compared(f"{FILES[1]:>7} tracked files", "of the script", server, hand, MOST_OF_SCRIPT)


class Spent(NamedTuple):
    """CPU seconds of keeps and of discards; the first round warms up and does not count."""

    warm: dict[str, float]
    measured: dict[str, list[float]]

    def add(self, status: str, turn: int, seconds: float) -> None:
        """Take one in."""
        if turn:
            self.measured.setdefault(status, []).append(seconds)
        else:
            self.warm[status] = seconds

    def median(self, status: str) -> float:
        """Return the median of one status."""
        return statistics.median(self.measured[status])


def compared(what: str, to_what: str, ours: Spent, theirs: Spent, limit: float) -> None:
    """Print ratios of medians, and whether a discard and a keep together are within the limit."""
    ratios = [ours.median(status) / theirs.median(status) for status in STATUSES]
    both = sum(map(ours.median, STATUSES)) / sum(map(theirs.median, STATUSES))
    print(
        f"{what}: {both:.2f} times the CPU of a try {to_what} ({1000 * sum(map(theirs.median, STATUSES)):.0f} ms for a keep "
        f"and a discard; keep {ratios[0]:.2f}, discard {ratios[1]:.2f}); limit {limit}: {'within' if both <= limit else 'OVER'}"
    )


def crowd(count: int, kind: str) -> tuple[Loop, Path]:
    """A session beside many files of one kind."""
    root, plan = repository(FILES[0]), PLAN
    if kind == "ignored":
        (root / ".gitignore").write_text("*.bin\n")
    for number in range(count):
        file = root / "data" / f"{number // 100:04d}" / f"{number % 100:02d}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{number}\n")
    if kind == "protected":
        plan = {**PLAN, "protected": ["check.sh", "data/**"]}
    if kind in {"protected", "ignored"}:
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "-m", "data")
    return session(root, plan)


def session(root: Path, plan: dict[str, Any]) -> tuple[Loop, Path]:
    """Start one."""
    lab = Lab(root, allow_commands=True)
    Sessions(lab).start_session(Plan.model_validate(plan))
    return Loop(lab), root


def cpu(place: tuple[Loop, Path], turn: int, status: str) -> float:
    """CPU seconds of one try: ours, and of the git processes that it started."""
    return spent(lambda: by_server(*place, number_for(status, turn), status))


def spent(call: Callable[[], object]) -> float:
    """CPU seconds of a call and of the processes that it waited for."""
    before = _cpu_so_far()
    call()
    return _cpu_so_far() - before


def _cpu_so_far() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def several() -> None:
    """Tries a minute of one repository and of four, each with a client that makes one call after the other."""
    alone, together = tries_a_minute(1), tries_a_minute(SEVERAL)
    ratio = together / alone
    verdict = "within" if ratio >= SEVERAL_LIMIT else "OVER"
    print(
        f"{SEVERAL} repositories on one server: {together:.0f} tries a minute, one {alone:.0f}, ratio {ratio:.2f}; "
        f"limit {SEVERAL_LIMIT}: {verdict}"
    )


def tries_a_minute(count: int) -> float:
    """Of `count` repositories together. A refused call ends the measurement."""
    top = Path(tempfile.mkdtemp(prefix="several-", dir=os.environ["HOME"]))
    lab = Lab(top, allow_commands=True)
    plan = Plan.model_validate({**PLAN, "verify": f"sleep {SLEEP_S}; cat value.txt"})
    for number in range(count):
        shutil.move(repository(FILES[0]), top / str(number))
        Sessions(lab).start_session(plan, repo=str(number))

    def one_after_the_other(repo: str) -> None:
        for turn in range(SEVERAL_ROUNDS):
            (top / repo / "value.txt").write_text(f"{number_for('keep', turn)}\n")
            Loop(lab).iterate(f"try {turn}", repo=repo)

    began = time.perf_counter()
    with ThreadPoolExecutor(count) as clients:
        list(clients.map(one_after_the_other, map(str, range(count))))
    return 60 * count * SEVERAL_ROUNDS / (time.perf_counter() - began)


def journal() -> None:
    """Times of `status` and `history`, in a server that has run for a while and in a fresh one."""
    for rows in ROWS:
        root = repository(FILES[0])
        lab = Lab(root, allow_commands=True)
        Sessions(lab).start_session(Plan.model_validate(PLAN))
        fill(lab, rows)
        asked: dict[str, Callable[[Lab], object]] = {
            "status": lambda lab: Sessions(lab).status(),
            "history": lambda lab: Review(lab).history(),
            "history of keeps": lambda lab: Review(lab).history(status="keep"),
            "detect_stuck": lambda lab: Review(lab).detect_stuck(),
        }
        first = timed(lambda: Sessions(lab).status())  # noqa: B023
        parts = [f"first after filling {1000 * first:.0f} ms"]
        for name, ask in asked.items():
            warm = statistics.median(timed(lambda: ask(lab)) for _ in range(15))  # noqa: B023
            cold = statistics.median(timed(lambda: ask(Lab(root, allow_commands=True))) for _ in range(5))  # noqa: B023
            parts.append(f"{name} {1000 * warm:.1f} ms (fresh process {1000 * cold:.1f})")
        print(f"{rows:>7} rows: " + ", ".join(parts))


def timed(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def fill(lab: Lab, rows: int) -> None:
    """Many iterations, as a session writes them down, 64 in one transaction."""
    context = lab.for_reading()
    for first in range(1, rows + 1, 64):
        events: list[Event] = []
        for number in range(first, min(first + 64, rows + 1)):
            events += iteration(number, keep=number % 10 == 0)
        context.record(*events)
        context.save_snapshot()
    context.write_results()


def iteration(number: int, keep: bool) -> list[Event]:
    """The events of one iteration."""
    value = 1_000_000.0 - number if keep else 1_000_000.0
    name = f"{number:040x}"
    row = Row(
        iteration=number, commit=name, metric=value, delta=-10.0 if keep else 1.0 + number % 97, gain=10.0 if keep else -1.0,
        status=Status.KEEP if keep else Status.DISCARD, description=f"try number {number}", learned="some words on what was learnt",
        files=("value.txt",), added=1, removed=1, why="Better by 10." if keep else "Worse by 1.", samples=(value,),
    )  # fmt: skip
    made = Committed(
        iteration=number, commit=name, tree=f"{number:040x}", description=row.description, files=row.files, added=1,
        removed=1, change=f"{number:064x}", inverse=f"{number:063x}a", shape=f"{number:063x}b",
    )  # fmt: skip
    run = Verified(iteration=number, measurement=Measurement(value=value, seconds=1.0, tail=f"{value}\n"))
    undone = [] if keep else [Reverted(iteration=number, commit=f"{number:039x}c")]
    return [made, run, *undone, Logged(iteration=number, row=row)]


def memory() -> None:
    """Resident memory of a real server before and after many iterations."""
    asyncio.run(_memory())


async def _memory() -> None:
    root = repository(FILES[0])
    arguments = ["-m", "autoresearch_mcp.server", "--root", str(root), "--allow-commands"]
    async with Client(StdioServerParameters(command=sys.executable, args=arguments, env=dict(os.environ))) as client:
        await client.call_tool("start_session", PLAN)
        sizes = {}
        for number in range(1, ITERATIONS + 1):
            (root / "value.txt").write_text(f"{number_for('discard' if number % 3 else 'keep', number)}\n")
            await client.call_tool("iterate", {"description": f"try {number}"})
            if number in (1, 10, 100, ITERATIONS):
                sizes[number] = resident(root)
    growth = sizes[ITERATIONS] - sizes[1]
    shown = ", ".join(f"{size:.1f} MB after {number}" for number, size in sizes.items())
    print(
        f"memory of a server: {shown} iterations; grown by {growth:.1f} MB ({'within' if growth <= 20 else 'OVER'} 20 MB)"
    )


def resident(root: Path) -> float:
    """Megabytes of the server process that works in a folder."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"autoresearch_mcp.server" in words and os.fsencode(root) in words:
                pages = int((process / "statm").read_text().split()[1])
                return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        except OSError:
            continue
    return 0.0


if __name__ == "__main__":
    main(sys.argv[1:])
