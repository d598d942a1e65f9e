"""Our script that counts errors, as a command of this installation."""

from __future__ import annotations

import sys
from pathlib import Path

from .inspection import SCRIPT, Inspection, inspection_of

_FILE = Path(__file__).parent / SCRIPT


def typed(inspection: Inspection) -> str:
    """The shell command that makes this inspection with this installation of ours."""
    return inspection.typed(sys.executable, str(_FILE))


def inspects(command: str) -> Inspection | None:
    """The inspection that a command makes, if it is exactly what `typed` gives; None otherwise."""
    return inspection_of(command, sys.executable, str(_FILE))
