"""What a crash may hide: changed Python files that no longer parse, where the command did not print the error."""

from __future__ import annotations

import ast
import sys
import warnings

from ..decision.decide import Trial
from ..decision.failures import FailureClass
from ..decision.measured import Measurement
from ..git.repo import Repo, shown
from ..text.output_ends import with_headings

_PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"
MOST_FILES = 20
"""Files that are parsed, at most."""


def with_unparsed(repo: Repo, trial: Trial, crashed: Measurement) -> Measurement:
    """Return a crash as one of syntax, with the places, if the change broke files that parsed before.

    Some runners hide what they could not import. A file that this Python could not read before is no witness: the project's may be newer.
    """
    changed = [entry.path for entry in repo.entries(trial.parent, trial.commit) if entry.path.endswith(".py")][
        :MOST_FILES
    ]
    after = repo.contents(trial.commit, changed)
    broken = {path: words for path, data in after.items() if (words := _unparsed(data))}
    before = repo.contents(trial.parent, list(broken))
    told = [f"{shown(path)}:{words}" for path, words in broken.items() if not _unparsed(before.get(path, b""))]
    if not told:
        return crashed
    said = "\n".join([f"What the change left unreadable for {_PYTHON}:", *told])
    tail = with_headings(crashed.tail, "", "", said)
    return crashed.model_copy(update={"failure": FailureClass.SYNTAX, "tail": tail})


def _unparsed(data: bytes) -> str:
    """Return where Python source does not parse and why; empty where it does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(data)
    except SyntaxError as error:
        return f"{error.lineno or 1}: {type(error).__name__}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"1: {type(error).__name__}: {error}"
    return ""
