"""What output goes through before it is stored or answered: harmless characters, no secrets of this process."""

from __future__ import annotations

import os
from collections.abc import Callable

from .cleaning import cleaned
from .masking import Masker

WINDOW = 64 * 1024
"""Characters looked at for an end of a few thousand: room for a secret or a progress bar that begins before it."""


def hygiene() -> Callable[[str], str]:
    """The change for one call; it knows the secrets that the environment holds now."""
    mask = Masker(os.environ)
    # Clean first: a zero-width character inside a secret must not save it from being recognised.
    return lambda text: mask(cleaned(text))


def clean_end(text: str, length: int) -> str:
    """The end of an output. It is cleaned before it is cut, because half a secret is not recognised."""
    if len(text) > WINDOW:
        text = text[-WINDOW:].partition("\n")[2] or text[-WINDOW:]
    return hygiene()(text)[-length:]
