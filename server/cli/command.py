"""What a command of the command line is."""

from __future__ import annotations

from collections.abc import Mapping
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


JSON = argument("--json", action="store_true", help="one JSON object on standard output, as the tool answers it")
