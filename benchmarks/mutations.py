"""Whether any test notices: one small change to the core at a time, and the tests of that module.

    .venv/bin/python benchmarks/mutations.py --sample 60 --seed 1
    .venv/bin/python benchmarks/mutations.py --only race --only exact
    .venv/bin/python benchmarks/mutations.py --only commit --list

Run it with the Python that the package is installed in, from the checkout that was installed. A mutant is written into a
copy of the installed package that stands first on the path; the tests named in `TESTS` run on it, up to the first that
fails. First they run on the copy as it is, because a mutant is only found by a test that passes without it. Ends with 1 if a
mutant survived that `EXPLAINED` does not name.

Why not a tool that is there already: mutmut (3.8.1) and cosmic-ray (8.7.0), both of 2026, are well kept. mutmut takes a
module's name from its path in the checkout; ours is another one when it is installed, so that it "could not find any test
case for any mutant". cosmic-ray would run on a copy, but has no operator that leaves a statement out, and a step left out is
what our tests missed; it knows one command of tests for all modules, and brings twenty packages.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "autoresearch_mcp"
SLOWER, AT_LEAST_S = 2.0, 30.0
"""A mutant may take so many times as long as the tests did without it, and some seconds more, before it counts as found."""

RULES, DECIDE = "decision/test_rules_of_decision.py", "decision/test_decide.py"
LOOP, GATES = "iteration/test_loop.py", "iteration/test_gates.py"
SEQUENCES, RECOVERY, JOBS = "iteration/test_sequences.py", "lab/test_recovery.py", "lab/test_jobs.py"
RED_FOR_BOTH = "decision/test_noise.py::test_a_guard_that_is_red_for_the_incumbent_too_is_no_reason_to_discard"
NOTHING_TO_READ = "test_a_description_with_nothing_to_read_is_refused"
GOES_ON = "iteration/test_taking_back.py::test_killed_between_a_red_guard_and_the_end_the_same_call_goes_on_to_the_end"
COSTS_NO_GIT = "lab/test_missing_records.py::test_the_look_costs_no_git_while_head_is_where_the_session_left_it"
CHEATS = "../adversary/test_cheats_"
TESTS: dict[str, tuple[str, ...]] = {
    "decision/decide.py": (DECIDE, RULES),
    "decision/race.py": (RULES, "decision/test_moving_machine.py"),
    "decision/following.py": (RULES, "decision/test_moving_machine.py"),
    "decision/exact.py": (RULES, SEQUENCES),
    "iteration/commit.py": (f"{RECOVERY}::{NOTHING_TO_READ}", GOES_ON, SEQUENCES, LOOP, GATES),
    "iteration/run.py": (SEQUENCES, LOOP),
    "lab/recovery.py": (COSTS_NO_GIT, RECOVERY, f"{CHEATS}books.py"),
    "plan/scope.py": ("plan/test_scope.py",),
    "iteration/commit_checks.py": (GATES, f"{CHEATS}files.py", SEQUENCES, LOOP),
    "session/fold.py": ("decision/test_moving_machine.py", "session/test_books.py", SEQUENCES, LOOP, JOBS),
    "iteration/measure.py": (RED_FOR_BOTH, SEQUENCES, LOOP, f"{CHEATS}runs.py", JOBS),
}
"""The modules of the core below `tools`, and the tests below `tests/tools` that are to notice; the quick ones first."""

_ROUND = "a round number for how much text is kept; any near it would do"
_NEVER_EQUAL = "both sides are roots and logarithms of what was measured, which no runs make equal"
EXPLAINED: dict[tuple[str, str], str] = {
    (
        "iteration/commit.py",
        "(row for row in context.journal.rows(session.id, (2), before=earlier + 1) if row.iteration == earlier), None",
    ): "one row more is read, and passed over",
    ("plan/scope.py", "return runs[(-1)]"): "there is one run, so that the last is the first",
    ("decision/race.py", "return low or (max(hoped, plain) <= smallest)"): _NEVER_EQUAL,
    (
        "decision/race.py",
        "if gain >= smallest and theirs and ((sure and self._ahead_in_turn()) or (self._in_pairs() > self.bar + PAIRED)):",
    ): _NEVER_EQUAL,
    ("decision/following.py", "if (abs(value - doubted) >= SURPRISE * math.sqrt(2) * self.bank.sigma):"): _NEVER_EQUAL,
    ("iteration/commit.py", "HOOK_OUTPUT_CHARACTERS = (3001)"): _ROUND,
    ("iteration/commit.py", "HOOK_OUTPUT_CHARACTERS = (2999)"): _ROUND,
}
"""Survivors that are no hole: the module and the lines as they were changed; and why nobody can notice."""


@dataclass(frozen=True)
class Mutant:
    """One change: the bytes of a module from `start` to `end` are replaced."""

    module: str
    line: int
    operator: str
    start: int
    end: int
    before: str
    after: str

    def applied(self, source: bytes) -> bytes:
        """The module with this change."""
        return source[: self.start] + self.after.encode() + source[self.end :]


NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.Lt: ast.GtE,
    ast.Gt: ast.LtE,
    ast.Is: ast.IsNot,
    ast.In: ast.NotIn,
}
NEGATED |= {after: before for before, after in NEGATED.items()}
NEIGHBOUR: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
REMOVED = (ast.Raise, ast.AugAssign, ast.If, ast.For, ast.While, ast.Expr)
LEFT = (ast.JoinedStr, ast.Assert, ast.Import, ast.ImportFrom, ast.MatchValue)
"""What is left as it is: text, what only the type checker reads, and patterns."""


class Mutants(ast.NodeVisitor):
    """Every mutant of a module."""

    def __init__(self, module: str, source: bytes) -> None:
        self.module, self.source, self.found = module, source, list[Mutant]()
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self.visit(ast.parse(source))

    def _add(self, operator: str, node: ast.expr | ast.stmt, after: str) -> None:
        assert node.end_lineno is not None, "the parser says where a node ends"
        assert node.end_col_offset is not None, "the parser says where a node ends"
        start = self._lines[node.lineno - 1] + node.col_offset
        end = self._lines[node.end_lineno - 1] + node.end_col_offset
        before = self.source[start:end].decode()
        self.found.append(Mutant(self.module, node.lineno, operator, start, end, before, after))

    def _put(self, operator: str, node: ast.expr, other: ast.expr) -> None:
        self._add(operator, node, f"({ast.unparse(other)})")

    def generic_visit(self, node: ast.AST) -> None:
        """Look into a node, except for what is left as it is."""
        if isinstance(node, LEFT) or _only_for_types(node):
            return
        if isinstance(node, REMOVED) and not _says_nothing(node):
            self._add("remove a statement", node, "pass")
        for name, value in ast.iter_fields(node):
            if name not in {"annotation", "returns", "decorator_list"}:
                for child in value if isinstance(value, list) else [value]:
                    if isinstance(child, ast.AST):
                        self.visit(child)

    def visit_Compare(self, node: ast.Compare) -> None:
        """Turn a comparison round, and move its boundary."""
        for operator, others in (("negate a comparison", NEGATED), ("move a boundary", NEIGHBOUR)):
            if len(node.ops) == 1 and (other := others.get(type(node.ops[0]))):
                self._put(operator, node, ast.Compare(node.left, [other()], node.comparators))
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        """Drop a `not`."""
        if isinstance(node.op, ast.Not):
            self._put("drop `not`", node, node.operand)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """Swap `and` with `or`, and leave one of the conditions out."""
        self._put("swap and/or", node, ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values))
        for place in range(len(node.values)):
            rest = [*node.values[:place], *node.values[place + 1 :]]
            self._put("leave a condition out", node, rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """A number one more and one less; true for false."""
        if isinstance(node.value, bool):
            self._add("flip a constant", node, str(not node.value))
        elif isinstance(node.value, int | float):
            for step in (1, -1):
                self._add("move a constant", node, f"({node.value + step})")

    def visit_Return(self, node: ast.Return) -> None:
        """Return nothing."""
        if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self._add("return None", node, "return None")
        self.generic_visit(node)


def _says_nothing(node: ast.stmt) -> bool:
    """A docstring, or the body of a protocol."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


# --- Running -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant."""

    mutant: Mutant
    killed: bool
    by: str
    seconds: float


class Bench:
    """Copies of the installed package, one for each run at a time."""

    def __init__(self, jobs: int, folder: Path) -> None:
        spec = find_spec(f"{PACKAGE}.tools.errors")
        assert spec is not None, "the package is installed where this runs"
        assert spec.origin is not None, "it is a file"
        installed = Path(spec.origin).parents[1]
        self._copies: queue.Queue[Path] = queue.Queue()
        for number in range(jobs):
            copy = folder / str(number)
            shutil.copytree(installed, copy / PACKAGE)
            self._copies.put(copy)
        self._usual_s: dict[str, float] = {}
        self.tools = installed / "tools"

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """A copy that nobody else uses meanwhile."""
        copy = self._copies.get()
        try:
            yield copy
        finally:
            self._copies.put(copy)

    def usual(self, tests: str) -> float:
        """Run some tests as they are; the seconds that they take.

        Raises:
            SystemExit: if they do not pass: then nothing can be told.
        """
        with self.copy() as copy:
            code, output, self._usual_s[tests] = _pytest(copy, (tests,), 3600)
        if code:
            raise SystemExit(f"{tests} does not pass by itself:\n{output[-3000:]}")
        return self._usual_s[tests]

    def judged(self, mutant: Mutant) -> Outcome:
        """Run the tests on a mutant."""
        with self.copy() as copy:
            file = copy / PACKAGE / "tools" / mutant.module
            source = file.read_bytes()
            _write(file, mutant.applied(source))
            try:
                limit_s = AT_LEAST_S + SLOWER * sum(self._usual_s[test] for test in TESTS[mutant.module])
                code, output, seconds = _pytest(copy, TESTS[mutant.module], limit_s)
            finally:
                _write(file, source)
        return Outcome(mutant, code != 0, _killer(code, output), seconds)


def _write(file: Path, source: bytes) -> None:
    """Python takes a compiled file for fresh by its size and second: it goes."""
    file.write_bytes(source)
    for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
        compiled.unlink()


def _pytest(copy: Path, tests: Sequence[str], limit_s: float) -> tuple[int, str, float]:
    """The exit code of some tests on a copy, their output, and the seconds they took; a time-out is a code as well."""
    files = [os.path.normpath(ROOT / "tests/tools" / test) for test in tests]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=no", "-p", "no:cacheprovider", *files]
    names = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        run = subprocess.Popen(
            command, cwd=ROOT, env=names, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            code = run.wait(limit_s)
        except subprocess.TimeoutExpired:
            code = -signal.SIGALRM
        finally:
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
            run.wait()
        output.seek(0)
        return code, output.read(), time.monotonic() - began


def _killer(code: int, output: str) -> str:
    if code == -signal.SIGALRM:
        return "a time-out"
    named = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return named[0].split(" - ")[0].split("::", 1)[-1] if named else f"exit {code}"


def difference(mutant: Mutant, source: bytes) -> list[str]:
    """The lines that a mutant changes, as they were and as they are."""
    before, after = source.decode().splitlines(), mutant.applied(source).decode().splitlines()
    return list(difflib.unified_diff(before, after, lineterm="", n=0))[3:]


def judgement(outcome: Outcome, changed: Sequence[str]) -> tuple[str, str]:
    """What became of a mutant in a word, and what found it or why nobody can."""
    if outcome.killed:
        return "killed", f"by {outcome.by} in {outcome.seconds:.0f} s"
    now = " ".join(" ".join(line[1:] for line in changed if line.startswith("+")).split())
    why = EXPLAINED.get((outcome.mutant.module, now), "")
    return ("explained" if why else "SURVIVED"), why


def chosen(only: Sequence[str]) -> list[str]:
    """The modules that are meant: named by their path below `tools`, or by its last word.

    Raises:
        SystemExit: for a name that is none of them.
    """
    if unknown := [name for name in only if not any(name in {module, Path(module).stem} for module in TESTS)]:
        raise SystemExit(f"No such module: {', '.join(unknown)}. There are {', '.join(TESTS)}.")
    return [module for module in TESTS if not only or module in only or Path(module).stem in only]


def main() -> int:
    """Judge all mutants, or a sample of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=0, help="how many mutants; 0 for all")
    parser.add_argument("--seed", type=int, default=0, help="which sample")
    parser.add_argument(
        "--only", action="append", default=[], metavar="MODULE", help="a module, such as race; repeat it"
    )
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--list", action="store_true", help="name the mutants and run nothing")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        bench = Bench(asked.jobs, Path(folder))
        sources = {module: (bench.tools / module).read_bytes() for module in chosen(asked.only)}
        mutants = [mutant for module, source in sources.items() for mutant in Mutants(module, source).found]
        if asked.sample and asked.sample < len(mutants):
            picked = set(random.Random(asked.seed).sample(range(len(mutants)), asked.sample))
            mutants = [mutant for place, mutant in enumerate(mutants) if place in picked]
        if asked.list:
            for one in mutants:
                print(f"tools/{one.module}:{one.line}  {one.operator}: {' '.join(one.before.split())} -> {one.after}")
            return 0
        tests = tuple(dict.fromkeys(test for mutant in mutants for test in TESTS[mutant.module]))
        found: Counter[str] = Counter()
        with ThreadPoolExecutor(asked.jobs) as pool:
            for name, seconds in zip(tests, pool.map(bench.usual, tests), strict=True):
                print(f"{seconds:6.1f} s  {name}", flush=True)
            for outcome in pool.map(bench.judged, mutants):
                one, changed = outcome.mutant, difference(outcome.mutant, sources[outcome.mutant.module])
                word, why = judgement(outcome, changed)
                print(f"{word:9} tools/{one.module}:{one.line}  {one.operator}  {why}".rstrip(), flush=True)
                if not outcome.killed:
                    print("\n".join(f"          {line}" for line in changed), flush=True)
                found[word] += 1
    print(f"{len(mutants)} mutants: {', '.join(f'{count} {word}' for word, count in found.items())}")
    return 1 if found["SURVIVED"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
