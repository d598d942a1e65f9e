"""Results files found, read and analysed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..decision.decide import Status
from ..errors import Code, Refusal
from ..lab.context import RepoContext
from ..plan.model import Direction
from ..session.events import Row
from ..session.results import RESULTS_FILE
from .analysis import Analysis, analyse
from .formats import MOST_BYTES, read_results
from .rows import Results, ResultsFormat, ResultsLine, RowFate, fate_of

_LOGS = ("autoresearch.jsonl", ".auto/log.jsonl", "log.jsonl")


def find_results(root: Path, name: str = "") -> Path:
    """Return the results file that is meant: the one named, else the newest of those that are there.

    Raises:
        Refusal: if there is none, or it lies outside the root, or is no file that can be read.
    """
    if not name:
        found = sorted(set(_candidates(root)), key=lambda file: file.stat().st_mtime)
        if not found:
            wanted = f"{RESULTS_FILE}, *-results.tsv, results.tsv or {_LOGS[0]}, here or in autoresearch/*/"
            raise Refusal(Code.BAD_ARGUMENT, f"No results file was found ({wanted}). Name one with `file`.")
        own = root / RESULTS_FILE
        return own if own in found else found[-1]
    file = (root / name).resolve()
    if not file.is_relative_to(root.resolve()):
        raise Refusal(Code.BAD_ARGUMENT, f"{name} lies outside {root}. Copy it into the repository, or name one there.")
    if not file.is_file():
        there = ", ".join(str(one.relative_to(root)) for one in sorted(set(_candidates(root)))[:8])
        raise Refusal(Code.BAD_ARGUMENT, f"There is no file {name}. {f'There are: {there}.' if there else ''}".strip())
    return file


def read_file(file: Path) -> Results:
    """Read a results file.

    Raises:
        Refusal: if it is too large to be one.
    """
    if file.stat().st_size > MOST_BYTES:
        raise Refusal(Code.BAD_ARGUMENT, f"{file.name} has {file.stat().st_size:,} bytes: that is no results file.")
    return read_results(file.read_text(encoding="utf-8", errors="replace"))


@dataclass(frozen=True)
class Evaluated:
    """An analysis, the file that it is of, and the iteration numbers that its rows have."""

    source: str
    numbers: tuple[int, ...]
    analysis: Analysis


def evaluate(context: RepoContext, name: str = "", direction: str = "") -> Evaluated:
    """Analyse a results file of a repository by its path there. Of the session's own file the journal knows more."""
    own = context.session
    if own is not None and name in {"", RESULTS_FILE}:
        plan = own.plan
        way = "lower" if plan.better is Direction.LOWER else "higher"
        found = Results(ResultsFormat.JOURNAL, tuple(map(_line, context.rows())), way, plan.metric, plan.unit)
        return Evaluated(RESULTS_FILE, _numbers(found), analyse(found, direction=way, goal=plan.target_value))
    file = find_results(context.repo.root, name)
    found = read_file(file)
    measured = {row.commit[:7]: row.metric for row in context.rows() if row.commit and row.metric is not None}
    source = str(file.relative_to(context.repo.root.resolve()))
    return Evaluated(source, _numbers(found), analyse(found, _in_git(context, found), direction, measured=measured))


def evaluate_file(file: Path, direction: str = "") -> Evaluated:
    """Analyse a results file by itself, where there is no repository around it; in a folder, the newest one.

    Raises:
        Refusal: if it cannot be found or read.
    """
    found_at = find_results(file) if file.is_dir() else find_results(file.parent, file.name)
    found = read_file(found_at)
    return Evaluated(found_at.name, _numbers(found), analyse(found, direction=direction))


def _in_git(context: RepoContext, found: Results) -> frozenset[str]:
    """Return the commits of the rows that git has."""
    names = list(dict.fromkeys(row.commit for row in found.rows if row.commit))
    asked = "".join(f"{name}^{{commit}}\n" for name in names).encode()
    said = os.fsdecode(context.repo.git.run("cat-file", "--batch-check", stdin=asked)).splitlines() if names else []
    return frozenset(name for name, line in zip(names, said, strict=True) if line.split()[1] == "commit")


def _numbers(found: Results) -> tuple[int, ...]:
    """What a person calls the rows: their iteration, or, where the file has none, the line they stand on."""
    return tuple(row.line if row.number is None else row.number for row in found.rows)


def _candidates(root: Path) -> Iterator[Path]:
    for folder in (root, *sorted((root / "autoresearch").glob("*/"))):
        names = [*folder.glob("*-results.tsv"), folder / "results.tsv", *(folder / log for log in _LOGS)]
        yield from (file for file in names if file.is_file())


def _line(row: Row) -> ResultsLine:
    fate = RowFate.DISCARD if row.status is Status.TAMPERED else fate_of(row.status)
    return ResultsLine(
        line=row.iteration,
        number=row.iteration,
        commit=row.commit,
        metric=row.metric,
        guard=row.guard,
        fate=fate,
        status=row.status,
        description=row.description,
    )
