"""The values that a red test tries, and which of them a change writes into the code: it may know the test, and mend nothing else."""

from __future__ import annotations

import ast
import re

from ...diagnostics.diagnostic import Trouble
from ...diagnostics.tracebacks import TEST_FILE
from ...lab.context import RepoContext
from ..ledger.state import Ledger
from ..running.suppressions import runs_of
from ..running.trials import text_at
from .items import Broken

_LITERAL = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"|(?<![\w.])(\d[\w.]*)")


def values_in(text: str) -> set[str]:
    """Return the texts and numbers that stand in code, also those inside of a text."""
    found = {next(filter(None, groups), "") for groups in _LITERAL.findall(text)}
    return found | {inner for one in found if re.search(r"['\"]", one) for inner in values_in(one)}


def first_witness(context: RepoContext, ledger: Ledger, error: Broken) -> str:
    """Return the command that showed a bug, or the Python test that failed; empty where it cannot be told from its file."""
    if error.check:
        return error.check
    text = text_at(context, ledger.commit, error.found.path)
    name = re.split(r"\W+", error.found.name.partition("[")[0].strip())[-1]
    try:
        nodes = ast.walk(ast.parse(text)) if error.found.path.endswith(".py") else ()
        functions = (one for one in nodes if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
        return next((ast.unparse(one) for one in functions if one.name == name), "")
    except (SyntaxError, ValueError):
        return ""


def added_to_the_code(patch: str) -> str:
    """Return the lines that a patch adds outside of tests."""
    return "\n".join(line for run in runs_of(patch) if not TEST_FILE.search(run.path) for _, line in run.added)


def written_from_tests(context: RepoContext, ledger: Ledger, since: str, patch: str) -> tuple[str, ...]:
    """Return the values of red tests and shown bugs that a patch writes into code which did not have them."""
    errors = [one for one in ledger.items(Broken) if one.found.trouble in {Trouble.TEST, Trouble.BUG}]
    tried = {it for one in errors for it in values_in(f"{first_witness(context, ledger, one)}\n{one.found.message}")}
    paths = sorted({run.path for run in runs_of(patch) if not TEST_FILE.search(run.path)})
    before = "\n".join(text_at(context, since, path) for path in paths)
    new = sorted(it for it in values_in(added_to_the_code(patch)) if re.search(r"\w{2}", it) and it not in before)
    return tuple(repr(it) for it in new if any(_stands_in(it, other) for other in tried))


def _stands_in(value: str, other: str) -> bool:
    return re.search(rf"(?:(?<!\w)|(?!\w)){re.escape(value)}(?:(?!\w)|(?<!\w))", other) is not None
