"""`autoresearch-mcp evals`: a results file analysed, for a terminal or a script."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from ...tools.errors import Code, Refusal
from ...tools.evals.pages import as_lines, as_page
from ...tools.evals.reading import Evaluated, evaluate, evaluate_file
from ...tools.evals.rows import ResultsFormat
from ...tools.lab.access import Lab


def run(root: Path, options: Namespace) -> int:
    """Analyse a results file and print what it tells; returns the exit status."""
    try:
        told = _evaluated(root, options.file, options.window, options.direction)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 2
    text = {
        "json": told.analysis.model_dump_json(indent=1),
        "md": as_page(told.analysis, told.source),
        "text": "\n".join([f"{told.source}:", *as_lines(told.analysis)]),
    }[options.format]
    sys.stdout.write(text.rstrip("\n") + "\n")
    return 2 if told.analysis.format == ResultsFormat.UNKNOWN else 0


def _evaluated(root: Path, file: str, window: int, direction: str) -> Evaluated:
    """In a repository, with what its journal and its commits tell; a file anywhere else, by itself."""
    given = Path(file).expanduser() if file else None
    place = given.resolve() if given and given.exists() else None
    try:
        context = Lab(root).for_reading()
    except Refusal as refusal:
        if refusal.code is not Code.NOT_A_REPOSITORY:
            raise
        return evaluate_file(place or root / file, window, direction)
    top = context.repo.root.resolve()
    if place and not place.is_relative_to(top):
        return evaluate_file(place, window, direction)
    return evaluate(context, str(place.relative_to(top)) if place else file, window, direction)
