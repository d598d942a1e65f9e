"""The end of fixing: the same count once more, of what git has and nothing else, and what the changes hide and reach."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ...decision.measured import Measurement, Place
from ...diagnostics.inspection import Tally
from ...git.paired_checkout import PairedCheckout
from ...git.untracked import changed_below, changed_since
from ...lab.context import CLEAN, RepoContext
from ...measurement.meter import Meter
from ...measurement.ruler import ruler_now
from ...measurement.runs import RunNumbers, RunSpec
from ...plan.model import Plan
from ...text.redaction import redactor
from ..ledger.pages import lines
from ..ledger.state import Ledger
from .queue import ChangedFile, ErrorsAtEnd, last_detected, remaining
from .suppressions import hidden

LONGEST_S = 3600.0
"""Seconds that one count may take."""


def counted_at_end(context: RepoContext, ledger: Ledger) -> tuple[ErrorsAtEnd, Tally | None]:
    """Count once more in a clean checkout of HEAD, so that no file which git does not have decides; return what was seen
    and the count, None where there is none.

    What git does not have comes along as it was when the ledger was opened; the dependencies that the commands read are
    linked, so what changed in them since is named.
    """
    head = context.repo.head()
    unseen = changed_since(context.repo, ledger.at)
    clean = PairedCheckout(context.repo, CLEAN, ledger.at, pristine=True)
    found = _counted(context, last_detected(ledger).plan, clean, head)
    tally = None if found.tampered else found.tally
    hiding = hidden(context.repo.diff(ledger.commit, head))
    shared = [path for path in clean.untracked_paths().shared if not path.endswith(".gradle")]
    seen = ErrorsAtEnd(
        count=tally.count if tally else None,
        ids=tally.ids if tally else None,
        before=len(remaining(ledger)),
        problem="" if tally else f"not counted again: {_why(found)}",
        unseen=unseen,
        linked=changed_below(context.repo, shared, ledger.at),
        suppressions=dict(Counter(one.kind.value for one in hiding)),
        hidden=tuple(redactor()(one.description) for one in hiding[:50]),
        changed=_changed_files(context, ledger.commit),
    )
    return seen, tally


def _counted(context: RepoContext, handed_out: Mapping[str, Any], clean: PairedCheckout, commit: str) -> Measurement:
    plan = Plan.model_validate(handed_out)
    if context.consent.missing(plan):
        return Measurement(problem="nobody agrees to the commands any more")
    tree = context.repo.tree(commit)
    spec = RunSpec(Place.CLEAN, clean.folder, commit, tree, RunNumbers(), commit, clean, context.untracked)
    return Meter(context.runs, plan, ruler_now(context.repo, plan)).verify(spec, LONGEST_S)


def _why(found: Measurement) -> str:
    tampered = found.tampered and f"the commands changed {', '.join(found.tampered[:5])}"
    return " ".join(lines(tampered or found.problem or found.failure, redactor()(found.tail[-300:])))


MOST_CHANGED = 60
"""Files whose dependents are counted, each with one search of the tracked files."""


def _changed_files(context: RepoContext, since: str) -> tuple[ChangedFile, ...]:
    """Return the files that differ from the start, with how many others import them."""
    stat = context.repo.diffstat(since, context.repo.head())
    found = dependents(context, stat.files)
    return tuple(ChangedFile(path=path, dependents=found.get(path, 0)) for path in stat.files[:MOST_CHANGED])


_FAMILIES = tuple(
    tuple(words.split()) for words in ("py pyi", "js jsx mjs cjs ts tsx mts cts vue svelte", "c h cc cpp cxx hpp hh")
)


def dependents(context: RepoContext, paths: Sequence[str]) -> dict[str, int]:
    """How many tracked files import each of these, by the lines that say so: cheap, and blind to anything dynamic."""
    found = {}
    for path in list(dict.fromkeys(paths))[:MOST_CHANGED]:
        folder, _, base = path.rpartition("/")
        stem, _, ending = base.rpartition(".")
        family = next((family for family in _FAMILIES if ending in family), ())
        name = folder.rpartition("/")[2] if stem in {"__init__", "index"} else stem
        if not (name and family):
            continue
        pattern = rf"^[[:space:]]*(from|import|export|#[[:space:]]*include|const|let|var)\b.*\b{re.escape(name)}\b"
        answer = context.repo.git.ask("grep", "-lIE", "-e", pattern)
        others = [line for line in answer.text.splitlines() if line != path and line.rpartition(".")[2] in family]
        found[path] = len(others)
    return {path: count for path, count in found.items() if count}
