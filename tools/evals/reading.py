"""Results files found, read and analysed: those of a repository, and those of other tools that were imported into it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..decision.decide import Status
from ..errors import Code, Refusal
from ..lab.context import RepoContext
from ..plan.model import Direction, Plan
from ..report.picture import Chapter, picture
from ..report.writing import write_beside
from ..session.events import Row
from ..session.fold import standing_of
from ..session.results import COLUMNS, RESULTS_FILE
from ..storage.disk import write_atomically
from .analysis import WINDOW, Analysis, analyse
from .formats import MOST_BYTES, read_results
from .pages import as_lines
from .rows import Results, ResultsFormat, ResultsLine, RowFate, fate_of

_LOGS = ("autoresearch.jsonl", ".auto/log.jsonl", "log.jsonl")
DIRECTIONS = ("lower", "higher")
KNOWN_BY_NAME = {"val_bpb": "lower"}
"""Karpathy's files do not say which way is better, but bits per byte leave no doubt."""


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


def evaluate(context: RepoContext, name: str = "", window: int = WINDOW, direction: str = "") -> Evaluated:
    """Analyse a results file of a repository by its path there. Of the session's own file the journal knows more."""
    own = context.session
    if own is not None and name in {"", RESULTS_FILE}:
        plan = own.plan
        way = "lower" if plan.better is Direction.LOWER else "higher"
        found = Results(
            ResultsFormat.JOURNAL, tuple(map(_line, context.rows())), way, plan.metric, plan.unit, columns=COLUMNS
        )
        return Evaluated(RESULTS_FILE, _numbers(found), analyse(found, window, direction=way, goal=plan.target_value))
    file = find_results(context.repo.root, name)
    found = read_file(file)
    kept = {RowFate.KEEP, RowFate.BASELINE}
    files = files_of_commits(context, [row.commit for row in found.rows if row.commit and row.fate in kept])
    measured = {row.commit[:7]: row.metric for row in context.rows() if row.commit and row.metric is not None}
    source = str(file.relative_to(context.repo.root.resolve()))
    return Evaluated(source, _numbers(found), analyse(found, window, files, direction, measured=measured))


def evaluate_file(file: Path, window: int = WINDOW, direction: str = "") -> Evaluated:
    """Analyse a results file by itself, where there is no repository around it; in a folder, the newest one.

    Raises:
        Refusal: if it cannot be found or read.
    """
    found_at = find_results(file) if file.is_dir() else find_results(file.parent, file.name)
    found = read_file(found_at)
    return Evaluated(found_at.name, _numbers(found), analyse(found, window, None, direction))


def files_of_commits(context: RepoContext, commits: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the files that each of these commits changed; those that git does not have are left out."""
    names = list(dict.fromkeys(commits))
    if not names:
        return {}
    asked = "".join(f"{name}^{{commit}}\n" for name in names).encode()
    said = os.fsdecode(context.repo.git.run("cat-file", "--batch-check", stdin=asked)).splitlines()
    full = {words[0]: name for name, words in zip(names, map(str.split, said), strict=True) if words[1] == "commit"}
    out = context.repo.git.run(
        "diff-tree", "--stdin", "--root", "-r", "-m", "--first-parent", "--name-only", "-z", "--no-renames",
        stdin="".join(f"{commit}\n" for commit in full).encode(),
    )  # fmt: skip
    found: dict[str, list[str]] = {}
    current = ""
    for part in os.fsdecode(out).split("\0"):
        head = part.split("\n")[0].split(" ")[0]
        if head in full:
            current = full[head]
        elif part and current:
            found.setdefault(current, []).append(part)
    return {name: tuple(paths) for name, paths in found.items()}


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
        delta=row.delta,
        guard=row.guard,
        fate=fate,
        status=row.status,
        description=row.description,
        files=row.files,
    )


def keep_results(context: RepoContext, file: Path, direction: str = "") -> tuple[str, Results]:
    """Keep a results file beside the journal; returns the name that it has here, and what was read.

    Raises:
        Refusal: if it cannot be read as results, or does not say which way is better and nobody else does.
    """
    if not file.is_file():
        raise Refusal(Code.BAD_ARGUMENT, f"There is no file {file}. Name a results file.")
    found = read_file(file)
    if found.format is ResultsFormat.UNKNOWN or not found.rows:
        why = "; ".join(found.notes) or "it has no rows that are known"
        raise Refusal(
            Code.BAD_ARGUMENT, f"{file.name} was not imported: {why}. Known are ours and three other tools' files."
        )
    way = direction or found.direction or KNOWN_BY_NAME.get(found.metric, "")
    if way not in DIRECTIONS:
        raise Refusal(Code.BAD_ARGUMENT, f"{file.name} does not say which way is better. Say it: lower or higher.")
    name = name_of(file.name)
    folder = _folder(context)
    folder.mkdir(parents=True, exist_ok=True)
    text = file.read_text(encoding="utf-8", errors="replace")
    write_atomically(folder / f"{name}.json", json.dumps({"file": file.name, "direction": way, "text": text}))
    return name, found


def imported(context: RepoContext, name: str) -> tuple[Results, Chapter]:
    """Return what was imported under a name, also as a chapter of a picture.

    Raises:
        Refusal: if nothing was.
    """
    file = _folder(context) / f"{name_of(name)}.json"
    if not file.is_file():
        there = sorted(one.stem for one in _folder(context).glob("*.json"))
        known = f"There are: {', '.join(there)}." if there else "A person can, with `autoresearch-mcp import FILE`."
        raise Refusal(Code.BAD_ARGUMENT, f"Nothing was imported as {name!r}. {known}")
    kept = json.loads(file.read_text(encoding="utf-8"))
    found = read_results(kept["text"])
    return found, chapter_of_results(found, kept["file"], kept["direction"])


def _folder(context: RepoContext) -> Path:
    return context.repo.own_folder / "imported"


def as_words(context: RepoContext, name: str) -> str:
    """Analyse imported results, in words."""
    found, chapter = imported(context, name)
    analysis = analyse(found, direction=str(chapter.plan.better))
    return "\n".join([f"{chapter.name}, imported.", *as_lines(analysis)])


def draw_imported(context: RepoContext, name: str) -> tuple[bytes, str, str]:
    """Draw imported results and write the picture beside the repository's own; returns it as PNG, in words, and its file."""
    from ..report import plot  # where nobody asks for a picture its library is not loaded

    _, chapter = imported(context, name)
    words = f"{len(chapter.rows)} rows of {chapter.name}, imported: nothing of it was measured here"
    png = plot.draw(picture([chapter]), words, f"imported from {chapter.name}")
    file = f"autoresearch-imported-{name_of(name)}.png"
    write_beside(context, file, png)
    return png, words, file


_STATUS = {
    RowFate.BASELINE: Status.BASELINE,
    RowFate.KEEP: Status.KEEP,
    RowFate.DISCARD: Status.DISCARD,
    RowFate.CRASH: Status.CRASH,
    RowFate.METRIC_ERROR: Status.METRIC_ERROR,
    RowFate.HOOK_BLOCKED: Status.HOOK_BLOCKED,
    RowFate.NO_OP: Status.NO_OP,
    RowFate.OTHER: Status.DISCARD,
}


def chapter_of_results(found: Results, name: str, direction: str) -> Chapter:
    """Return a results file as a chapter of a picture: its rows in their order, a missing number missing."""
    plan = Plan.model_validate(
        {
            "metric": found.metric or "metric",
            "direction": direction,
            "unit": found.unit,
            "goal": f"imported from {name}",
        }
    )
    rows = tuple(_row(place, line) for place, line in enumerate(found.rows))
    return Chapter(name, plan, rows, frozenset(standing_of(rows)))


def _row(place: int, line: ResultsLine) -> Row:
    return Row(
        iteration=place,
        commit=line.commit,
        metric=line.metric if line.fate.measured else None,
        status=_STATUS[line.fate],
        description=line.description or line.status or "-",
    )


def name_of(file: str) -> str:
    """Make a short name of a file, fit for a file name of ours."""
    return re.sub(r"[^\w.-]+", "-", file).strip("-.")[:80] or "results"
