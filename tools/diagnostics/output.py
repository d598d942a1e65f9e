"""What a tool left behind when it ran, and what a reader makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .diagnostic import Diagnostic, Trouble

Here = Callable[[str], str]
"""A path as a tool writes it, as a path from the repository's root; empty where it is no file of the repository."""


@dataclass(frozen=True)
class ToolOutput:
    """A tool's run: its texts, and the report that it was told to write (empty if it wrote none)."""

    exit_code: int
    stdout: str
    stderr: str
    report: str = ""

    @property
    def text(self) -> str:
        """Both streams."""
        return f"{self.stdout}\n{self.stderr}"


@dataclass(frozen=True)
class ToolRequest:
    """What was wanted of a tool: its name, the kind of trouble that it finds, and how its paths are read."""

    tool: str
    trouble: Trouble
    here: Here


@dataclass(frozen=True)
class ReaderResult:
    """What a reader found. `ran` counts the tests that ran, skipped ones left out; None where that is not told."""

    found: tuple[Diagnostic, ...] = ()
    ran: int | None = None

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """What is more than a warning."""
        return tuple(one for one in self.found if one.trouble is not Trouble.WARNING)


class Unreadable(Exception):
    """A report that is not what its tool writes."""


Reader = Callable[[ToolOutput, ToolRequest], ReaderResult]
"""Reads one tool's output.

Raises:
    Unreadable: if it is not what this tool writes.
"""
