"""Lines with a secret as the server that met them masks them, for readers in whose environment the secret is not.

Of a line only its digest is kept, so that it is recognised where it is read again, in git for instance.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from ..text.masking import Masker
from .disk import read_or_empty, write_atomically

FILE = "masked.json"
_BEFORE = "+- \t"
"""What a diff puts before a line, and what it is indented by."""


def remember_masked(folder: Path, text: str) -> None:
    """Note the lines of a text that hold a value which only this process knows to be secret."""
    mask = Masker(os.environ)
    if not any(value in text for value in mask.known):
        return
    lines = (line.strip(_BEFORE) for line in text.splitlines())
    found = {_digest(line): mask(line) for line in lines if any(value in line for value in mask.known)}
    stored = _stored(folder)
    if not found.items() <= stored.items():
        write_atomically(folder / FILE, json.dumps({**stored, **found}))


def with_masked(folder: Path, text: str) -> str:
    """Return a text with the lines that were noted as they were masked."""
    stored = _stored(folder)
    return "\n".join(_shown(line, stored) for line in text.split("\n")) if stored else text


def _shown(line: str, stored: dict[str, str]) -> str:
    bare = line.strip(_BEFORE)
    masked = stored.get(_digest(bare))
    return line if masked is None else line.replace(bare, masked)


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode(errors="replace")).hexdigest()


def _stored(folder: Path) -> dict[str, str]:
    try:
        found = json.loads(read_or_empty(folder / FILE) or b"{}")
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}
