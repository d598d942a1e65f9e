"""Results of other tools, kept as they came, so that reports can draw them."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import Code, Refusal
from ..lab.context import RepoContext
from ..report.gathering import write_beside
from ..report.picture import Chapter, picture
from ..storage.disk import write_atomically
from .brought import chapter_of_results, name_of
from .findings import analyse
from .foreign import read_results
from .foreign_rows import Results, ResultsFormat
from .pages import as_lines
from .reading import read_file

DIRECTIONS = ("lower", "higher")
KNOWN_BY_NAME = {"val_bpb": "lower"}
"""Karpathy's files do not say which way is better, but bits per byte leave no doubt."""


def bring_in(context: RepoContext, file: Path, direction: str = "") -> tuple[str, Results]:
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
    """What was imported under a name, and as a chapter of a picture.

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
    """Imported results, analysed, in words."""
    found, chapter = imported(context, name)
    told = analyse(found, direction=str(chapter.plan.better))
    return "\n".join([f"{chapter.name}, imported: nothing of it was measured here.", *as_lines(told)])


def draw_imported(context: RepoContext, name: str) -> tuple[bytes, str, str]:
    """Draw imported results and write the picture beside the repository's own; returns it as PNG, in words, and its file."""
    from ..report import plot  # matplotlib takes half a second to import

    _, chapter = imported(context, name)
    words = f"{len(chapter.rows)} rows of {chapter.name}, imported: nothing of it was measured here"
    png = plot.draw(picture([chapter]), words, f"imported from {chapter.name}")
    file = f"autoresearch-imported-{name_of(name)}.png"
    write_beside(context, file, png)
    return png, words, file
