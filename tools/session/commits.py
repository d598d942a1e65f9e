"""What our commits say, and fingerprints of their changes, so that the same idea is known again whatever its spacing."""

from __future__ import annotations

import hashlib
import posixpath
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..decision.decide import Trial
from ..plan.model import Direction
from .events import Row
from .results import flat, metric_of
from .state import Session
from .telling import effect_of_gain

_SUBJECT_LENGTH = 100
JOURNAL_TRAILER, SESSION_TRAILER, ITERATION_TRAILER = (
    "Autoresearch-Journal",
    "Autoresearch-Session",
    "Autoresearch-Iteration",
)
NO_JOURNAL = "none"
"""What a commit of the user's names in place of a record, to go on where the journal was lost."""
EXPERIMENT = "experiment"


def experiment_message(
    session: Session, number: int, description: str, hypothesis: str, paths: Sequence[str], journal: str
) -> str:
    """`experiment(<scope>): <description>`, or in the plan's own style, with the hypothesis and the iteration below.

    `journal` is the digest of the journal's last record: who rewrites the journal would have to rewrite git as well.
    """
    trial = session.trial
    kind = ("rework - " if trial.guard_failures else "fix - ") if trial and trial.commit else ""
    subject = _subject(session.plan.commit_style, paths, f"{kind}{description}")
    body = [textwrap.fill(flat(hypothesis), 72)] if flat(hypothesis) else []
    return _message(subject, body, session, number, journal)


def revert_message(session: Session, trial: Trial) -> str:
    """git's own form for a revert, with the reason below."""
    subject = f'Revert "{_subject(session.plan.commit_style, trial.files, trial.description)}"'
    verdict = session.verdict
    why = f"{verdict.status}: {verdict.why}" if verdict else ""
    body = [f"This reverts commit {trial.commit}.", textwrap.fill(flat(why), 72)]
    return _message(subject, body, session, trial.number)


def handover_message(session: Session, row: Row) -> str:
    """Return the message of a keep's commit on another branch: what was changed, why, and what was measured of it."""
    style, plan = session.plan.commit_style, session.plan
    subject = flat(row.description) if style == EXPERIMENT else _subject(style, row.files, row.description)
    found = effect_of_gain(plan.better is Direction.LOWER, row.gain or 0.0, row.low, row.high)
    measured = f"{plan.metric} {metric_of(row)} in {row.runs} runs: {found.words}, against the best before it."
    where = f"Iteration {row.iteration} of autoresearch session {session.id}."
    body = [flat(row.hypothesis), f"{measured} {where}"]
    return _in_lines(subject, [textwrap.fill(text, 72) for text in body if text])


def squash_message(session: Session, rows: Sequence[Row], there: str) -> str:
    """Return the message of one commit of several keeps; `there` says what was measured on its branch."""
    kept = "\n".join(textwrap.fill(f"- {flat(row.description)}", 72, subsequent_indent="  ") for row in rows)
    return _in_lines(flat(session.plan.goal) or "Kept changes", [kept, textwrap.fill(there, 72)])


def _in_lines(subject: str, body: Sequence[str]) -> str:
    short = textwrap.shorten(subject, _SUBJECT_LENGTH, placeholder="…")
    rest = [textwrap.fill(subject, 72)] if short != subject else []
    return "\n\n".join([short, *rest, *body]) + "\n"


def sample_message(style: str, paths: Sequence[str]) -> str:
    """Return a message such as an experiment's commit would have, to try a repository's hooks with."""
    trailers = f"{SESSION_TRAILER}: s1\n{ITERATION_TRAILER}: 1\n{JOURNAL_TRAILER}: {'0' * 64}"
    subject = _subject(style, paths, "Try whether hooks let an experiment's commit pass.")
    return f"{subject}\n\nThe hypothesis of the experiment stands here.\n\n{trailers}\n"


def _subject(style: str, paths: Sequence[str], text: str) -> str:
    if style == EXPERIMENT:
        return f"experiment({area(paths)}): {text}"
    # Hooks that want conventional commits want no sentence: a small letter, and no full stop.
    plain = text.rstrip(". ")
    if plain[1:2].islower() or plain[1:2] == " ":
        plain = plain[:1].lower() + plain[1:]
    return f"{style.removesuffix(':')}: {plain or text}"


def area(paths: Sequence[str]) -> str:
    """Return a short name of what was touched: the file, or the folder that holds all of it."""
    if len(paths) == 1:
        return posixpath.basename(paths[0])
    common = posixpath.commonpath([posixpath.dirname(path) for path in paths]) if paths else ""
    return common or "repo"


def _message(subject: str, body: Sequence[str], session: Session, number: int, journal: str = "") -> str:
    plain = session.plan.commit_style != EXPERIMENT
    if len(subject) <= _SUBJECT_LENGTH:
        short = subject
    else:  # a hook may count bytes, or see a full stop
        short = (
            textwrap.shorten(subject, _SUBJECT_LENGTH, placeholder="")
            if plain
            else subject[: _SUBJECT_LENGTH - 1] + "…"
        )
    whole = textwrap.fill(flat(subject), 72) if plain else flat(subject)
    rest = [whole, *body] if short != subject else list(body)
    trailers = f"{SESSION_TRAILER}: {session.id}\n{ITERATION_TRAILER}: {number}"
    trailers += f"\n{JOURNAL_TRAILER}: {journal}" if journal else ""
    return "\n\n".join([short, *rest, trailers]) + "\n"


_MODES = {"-": re.compile(r"(?:old|deleted file) mode (\d+)"), "+": re.compile(r"new (?:file )?mode (\d+)")}
_NUMBER = re.compile(r"\d+(?:[._]\d+)*(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class ChangeFingerprints:
    """A difference as it is, turned round, and with every number taken out; each SHA-256 in hexadecimal."""

    change: str
    inverse: str
    shape: str


MADE_BEFORE = "'s change again."
"""How the note of an attempt ends that repeats an earlier one."""


def resemblance(change: ChangeFingerprints, latest: Callable[[str, str], int | None]) -> str:
    """Return which earlier iteration a new change makes again, turns round, or differs from in numbers only.

    `latest` gives the last iteration with a fingerprint of a kind; None without one.
    """
    if (earlier := latest("change", change.change)) is not None:
        return f"This is iteration {earlier}{MADE_BEFORE}"
    if (earlier := latest("change", change.inverse)) is not None:
        return f"This turns iteration {earlier}'s change round."
    if (earlier := latest("shape", change.shape)) is not None:
        return f"This differs from iteration {earlier}'s change in numbers only."
    return ""


def fingerprints(diff: str) -> ChangeFingerprints:
    """Return the fingerprints of a patch as git prints it; white space within lines and empty lines do not count, nor how far a
    line is indented, but that it is more or less than the lines around it.
    """
    removed, added = _lines(diff, "-"), _lines(diff, "+")
    return ChangeFingerprints(_digest(removed, added), _digest(added, removed), _digest(_bare(removed), _bare(added)))


def _lines(diff: str, sign: str) -> list[str]:
    """Return what one side of a patch has, or what stands for it: a mode, or the blob of a file that git shows no lines of."""
    found, name, blobs = [], "", [""]
    hunk: list[tuple[bool, str]] | None = None
    for line in (*diff.split("\n"), "diff --git  b/"):
        if line.startswith(("diff --git ", "@@")):
            found += [f"{name}\t{told}" for told in _indented(hunk or [])]
            name, hunk = (name, []) if line.startswith("@@") else (line.rpartition(" b/")[2], None)
        elif hunk is not None and line[1:].strip() and line[0] in f" {sign}":
            hunk.append((line[0] == sign, line[1:].expandtabs()))
        elif hunk is None and line.startswith("index "):
            blobs = line.split()[1].split("..")
        elif hunk is None and line.startswith("Binary files "):
            found.append(f"{name}\t{blobs[0 if sign == '-' else -1]}")
        elif hunk is None and (mode := _MODES[sign].match(line)):
            found.append(f"{name}\t{mode[1]}")
    return found


def _indented(hunk: Sequence[tuple[bool, str]]) -> Iterator[str]:
    """Yield the lines that are not only context, each with how it is indented against the one before and the one behind it."""
    depths = [len(text) - len(text.lstrip()) for _, text in hunk]
    for place, (changed, text) in enumerate(hunk):
        if changed:
            near = (*depths[max(place - 1, 0) : place], *depths[place + 1 : place + 2])
            yield "".join("<=>"[1 + (depths[place] > at) - (depths[place] < at)] for at in near) + " ".join(
                text.split()
            )


def _bare(lines: list[str]) -> list[str]:
    return [_NUMBER.sub("#", line) for line in lines]


def _digest(removed: list[str], added: list[str]) -> str:
    return hashlib.sha256("\0".join((*removed, "\1", *added)).encode(errors="surrogateescape")).hexdigest()
