"""The tools for people and scripts: the same verbs, printed. One function a command."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from ...tools.errors import Refusal
from ...tools.lab.access import Lab
from ...tools.lab.answers import Answer
from ...tools.lab.jobs import PROGRESS
from ...tools.text.hygiene import hygiene
from ...tools.text.tidy import tidied_data
from ...tools.verbs.review import Review
from ...tools.verbs.sessions import Sessions
from ...tools.verbs.training import Training
from ...tools.verbs.workflows import Workflows


def status(root: Path, options: Namespace) -> int:
    """How the session stands."""
    return _told(options.json, lambda: Sessions(Lab(root)).status())


def history(root: Path, options: Namespace) -> int:
    """Rows, or one iteration in full."""
    filters = (options.status, options.search, options.limit, options.before, options.iteration)
    return _told(options.json, lambda: Review(Lab(root)).history(*filters))


def report(root: Path, options: Namespace) -> int:
    """The whole session."""
    return _told(options.json, lambda: Review(Lab(root)).report(options.format, options.imported))


def workflow(root: Path, options: Namespace) -> int:
    """The ledger of a workflow."""
    lab = Lab(root, allow_commands=options.allow_commands)
    given = {key: _value(value) for key, _, value in (pair.partition("=") for pair in options.pairs)}
    return _told(options.json, lambda: Workflows(lab, {}).workflow(options.name, options.action, given))


def train(root: Path, options: Namespace) -> int:
    """One trial run; 1 without a score."""
    lab = Lab(root, allow_commands=options.allow_commands)
    scored: list[bool] = []

    def ask() -> Answer:
        answer = Training(lab).train(options.budget, options.device)
        scored.append(answer.val_bpb is not None)
        return answer

    return _told(options.json, ask) or (0 if scored == [True] else 1)


def _value(text: str) -> object:
    """What was typed: a number, a truth, a list or an object where it reads as JSON; else words."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _told(as_json: bool, ask: Callable[[], Answer]) -> int:
    """Print an answer, in words without the line for agents, or as JSON; a refusal goes to standard error."""
    tidy = hygiene()
    token = PROGRESS.set(_heard)
    try:
        answer = ask()
    except Refusal as refusal:
        sys.stderr.write(f"{tidy(refusal.message)}\n")
        if as_json:
            _print_json({"code": refusal.code, "message": tidy(refusal.message)})
        return 2
    finally:
        PROGRESS.reset(token)
    if as_json:
        _print_json(tidied_data(answer.model_dump(mode="json"), tidy))
    else:
        sys.stdout.write(tidy("\n".join(answer.lines())) + "\n")
    return 0


def _heard(seconds: float, line: str) -> None:
    """How a command goes, on one line of a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{seconds:.0f} s  {hygiene()(line)[:100]}")
        sys.stderr.flush()


def _print_json(data: object) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
