"""Whether code under experiment can end the command that judges it, as if all had gone well.

Such code runs in the judge's own process: it can give the number itself, or leave a guard green before anything was
tested. What cannot be seen of a run can be tried beforehand: a version whose code ends its process at once has to fail.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from ..lab.context import RepoContext
from ..measurement.meter import Meter
from ..measurement.runs import RunNumbers
from ..plan.model import Plan
from ..plan.resources import resource_of
from ..plan.scope import Scope
from ..project.measurement_inputs import measured_in_scope, protected_globs
from .baseline import LONGEST_BASELINE_S, Baseline, longest
from .clean_runs import in_paired_checkout
from .gates import GateRow, listed, row_of

LONGEST_S = 60.0
"""Runs of the baseline that take longer are not tried in this way: one more would be too dear."""
_ENDS = {
    "import os; os._exit(0)": (".py",),
    "process.exit(0);": (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"),
    "exit 0": (".sh", ".bash"),
    "exit!(0)": (".rb",),
}
_END_OF = {suffix: end for end, suffixes in _ENDS.items() for suffix in suffixes}
_UNREAD = "verify gives the same number when code of the scope ends its process at once: it seems to measure none of that code"
_APART = "let it start that code as a process of its own and check what comes back"


def early_end(context: RepoContext, plan: Plan, found: Baseline) -> Iterator[GateRow]:
    """Try which commands pass although the code of the scope ends at once; a warning for those that do.

    What a command names in the scope is warned of elsewhere, and not tried. Compiled languages are not either.
    """
    tracked, scope, protected = context.repo.tracked(), Scope(plan.scope), Scope(protected_globs(plan))
    texts = _ended(context.repo.root, [path for path in tracked if scope.matches(path) and not protected.matches(path)])
    if not texts or longest([*found.runs, *found.guards]) > LONGEST_S:
        return

    def apart(command: str) -> bool:
        return not measured_in_scope(command, tracked, scope, protected)

    head = context.repo.head()
    spec = in_paired_checkout(context, head, head, RunNumbers(seed=found.seed))
    meter = Meter(context.runs, plan, found.ruler, found.runs[0].unit)
    meter.altered(spec, texts)
    try:
        if apart(plan.verify):
            run = meter.verify(spec, plan.verify_timeout_s or LONGEST_BASELINE_S)
            told = resource_of(plan.read) is None
            if run.exit_code == 0 and (run.value is None) is told:
                yield row_of("early end", f"warning: {_verify_words(run.value)}; {_APART}, or add a holdout that does")
            elif told and run.value is not None and run.value == found.runs[0].value:
                yield row_of("early end", f"warning: {_UNREAD}; have it run what the scope may change")
        green = [
            guard
            for guard in plan.guards
            if apart(guard) and not meter.guard_fails(spec, guard, plan.guard_timeout_s or LONGEST_BASELINE_S)
        ]
    finally:
        context.runs.ready_for = None  # the altered files are cleaned away before the next run
    if green:
        cure = "pytest notices it with `-n 1` (pytest-xdist)" if any("pytest" in guard for guard in green) else _APART
        word = "warning: stays green when code of the scope ends its process at once, before anything is tested"
        yield row_of("early end", f"{word}: {listed(green)}; {cure}")


def _verify_words(value: float | None) -> str:
    if value is not None:
        return f"when code of the scope ends its process at once, verify ends well, and that counts as a run of {value:.3g}"
    return "when code of the scope ends its process at once, so does verify, with exit 0: such code could give a number of its own"


def _ended(root: Path, paths: list[str]) -> Mapping[str, str]:
    """Return files with a first statement that ends their process as if all had gone well."""
    found = {}
    for path in paths:
        if (end := _END_OF.get(Path(path).suffix)) and not (root / path).is_symlink():
            with suppress(OSError, UnicodeDecodeError, SyntaxError, ValueError):
                found[path] = _with_first(end, (root / path).read_text(encoding="utf-8"), python=path.endswith(".py"))
    return found


def _with_first(statement: str, text: str, *, python: bool) -> str:
    lines = text.splitlines(keepends=True)
    place = _first_line(text) if python else int(text.startswith("#!"))
    return "".join([*lines[:place], f"{statement}\n", *lines[place:]])


def _first_line(text: str) -> int:
    """Return how many lines of a Python file come before its first statement that may be another one."""
    place = int(text.startswith("#!"))
    for node in ast.parse(text).body:
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not is_text and not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            break
        place = node.end_lineno or place
    return place
