"""What a command of the command line is."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Argument:
    """One argument, as `argparse` takes it."""

    names: tuple[str, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True)
class CliCommand:
    """One command. `runs` is `module:function` below `server`, called with the root folder and the parsed options; imported
    when the command is given.
    """

    help: str
    runs: str
    arguments: tuple[Argument, ...] = ()
    says: str = ""
    exits: str = field(default="Exit status: 0 done; 2 refused, with the reason on standard error.")


def argument(*names: str, **options: Any) -> Argument:  # noqa: ANN401 - whatever argparse takes
    return Argument(names, options)


def within(kind: Callable[[str], float], least: float, most: float = math.inf) -> Callable[[str], float]:
    """Return what reads a number of a kind, `int` or `float`, between two bounds, and says of any other what it takes."""
    word = "a whole number" if kind is int else "a number"
    bounds = f"of {least:g} or more" if math.isinf(most) else f"from {least:g} to {most:g}"

    def read(text: str) -> float:
        with suppress(ValueError):
            if least <= (number := kind(text)) <= most and not math.isinf(number):
                return number
        raise argparse.ArgumentTypeError(f"{text} is not {word} {bounds}")

    return read


JSON = argument("--json", action="store_true", help="one JSON object on standard output, as the tool answers it")
