"""Answers on a terminal: as lines for people or as JSON, with nothing secret in them, and how a command goes meanwhile."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

from ...tools.errors import Refusal
from ...tools.lab.answers import Answer
from ...tools.lab.jobs import PROGRESS
from ...tools.text.redaction import redact_json, redactor
from .wording import for_people

AnswerKind = TypeVar("AnswerKind", bound=Answer)


def print_answer(
    as_json: bool, ask: Callable[[], AnswerKind], lines: Callable[[AnswerKind], Sequence[str]] | None = None
) -> int:
    """Print an answer as `lines`, by default its own for people, or as JSON; a refusal goes to standard error."""
    redact = redactor()
    token = PROGRESS.set(_show_progress)
    try:
        try:
            answer = ask()
        finally:
            PROGRESS.reset(token)
            if sys.stderr.isatty():
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
    except Refusal as refusal:
        sys.stderr.write(f"{redact(for_people(refusal.message))}\n")
        if as_json:
            print_json({"code": refusal.code, "message": redact(refusal.message)})
        return 2
    if as_json:
        print_json(redact_json(answer.model_dump(mode="json"), redact))
    else:
        told = lines(answer) if lines else map(for_people, answer.lines())
        sys.stdout.write(redact("\n".join(told)) + "\n")
    return 0


def _show_progress(seconds: float, line: str) -> None:
    """Show how a command goes, on one line of a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{seconds:.0f} s  {redactor()(line)[:100]}")
        sys.stderr.flush()


def print_json(data: object) -> None:
    """Print something as JSON on one line."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
