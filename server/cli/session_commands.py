"""A session for people: how it stands, what came of it, its end. Each public function runs a command, with the root folder and
the parsed options, and returns the exit status.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from ...tools.errors import Refusal
from ...tools.lab.access import Lab
from ...tools.lab.context import RepoContext
from ...tools.report.as_text import as_lines
from ...tools.report.changes import changed_between
from ...tools.report.morning import MOST_FAILED
from ...tools.report.writing import exported, morning
from ...tools.text.redaction import redactor
from ...tools.verbs.overview import Overview
from ...tools.verbs.review import Review, session_of
from ...tools.verbs.review_answers import HistoryPage, Reported
from ...tools.verbs.session_answers import SessionStatus
from .printing import print_answer
from .wording import for_people

KEPT_IN_STATUS = 5
MOST_PATCHES = 50_000
"""Characters of the patches in Markdown: a forge takes 65,536 in all."""


def status(root: Path, options: Namespace) -> int:
    """Print how the session stands: for people what came of it first."""
    lab = Lab(root)
    return print_answer(options.json, Overview(lab).status, lambda answer: _status_lines(lab, answer))


def _status_lines(lab: Lab, answer: SessionStatus) -> list[str]:
    context = lab.for_reading()
    if context.session is None:
        return [*map(for_people, answer.lines())]
    left = ", ".join(f"{amount:g} {name.replace('_', ' ')}" for name, amount in answer.budget_left.items())
    more = {"Left": left, "Open ledgers": ", ".join(answer.ledgers)}
    return [
        f"{answer.goal} [{answer.metric}, {answer.direction} is better] on {answer.branch}",
        *as_lines(morning(context), KEPT_IN_STATUS),
        "",
        *(f"{name}: {words}." for name, words in more.items() if words),
        *answer.person,
        *map(for_people, filter(None, (answer.open_iteration, answer.running, answer.note))),
    ]


def history(root: Path, options: Namespace) -> int:
    """Print rows, or one iteration in full."""
    filters = (options.status, options.search, options.limit, options.before, options.iteration)
    return print_answer(options.json, lambda: Review(Lab(root), whole=True).history(*filters), _as_recorded)


def report(root: Path, options: Namespace) -> int:
    """Print the whole session."""
    if options.format in {"md", "json", "csv"} and not options.json:
        return _print(root, lambda context: exported(context, options.format, MOST_PATCHES, MOST_FAILED))
    return print_answer(options.json, lambda: Review(Lab(root)).report(options.format), Reported.lines)


def best(root: Path, options: Namespace) -> int:
    """Print the best iteration in full."""
    lab = Lab(root)
    return print_answer(
        options.json, lambda: Review(lab).history(iteration=session_of(lab.for_reading()).best_iteration), _as_recorded
    )


def diff(root: Path, options: Namespace) -> int:
    """Print a change as a patch: all that was kept, one try's, or what lies between two."""
    return _print(root, lambda context: changed_between(context, options.iterations))


def export(root: Path, options: Namespace) -> int:
    """Put the session into a tracker's store, or into a signed file."""
    from ...tools.report.trackers import Tracker
    from ...tools.report.trackers import export as exported_to
    from ...tools.verbs.claims import Claims

    if options.bundle and not (options.to or options.into):
        return print_answer(False, lambda: Claims(Lab(root)).make(Path(options.bundle).expanduser()))
    if not (options.to and options.into) or options.bundle:
        sys.stderr.write("Say --to and --into, or --bundle FILE.\n")
        return 2
    return _print(root, lambda context: exported_to(context, Tracker(options.to), options.into) + "\n")


def finish(root: Path, options: Namespace) -> int:
    """Close the session."""
    from ...tools.verbs.sessions import Sessions  # what it runs is no part of a look

    lab = Lab(root, allow_commands=options.allow_commands)
    return print_answer(
        options.json, lambda: Sessions(lab).finish_session(options.squash, confirm=not options.no_confirm)
    )


def _print(root: Path, make: Callable[[RepoContext], str]) -> int:
    """Print what is made of a session as it is; a refusal goes to standard error."""
    try:
        context = Lab(root).for_reading()
        session_of(context)
        sys.stdout.write(make(context))
    except Refusal as refusal:
        sys.stderr.write(f"{redactor()(for_people(refusal.message))}\n")
        return 2
    return 0


def _as_recorded(page: HistoryPage) -> list[str]:
    """Return the lines of a page, whose rows say what an agent wrote, as it wrote it."""
    return [*page.model_copy(update={"more": for_people(page.more)}).lines()]
