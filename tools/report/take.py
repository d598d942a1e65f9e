"""How to take what a session kept: commands, each with what it does. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from ..session.state import Session
from ..session.summary import count_of


@dataclass(frozen=True)
class TakeLine:
    """A command that takes the result, and what it does."""

    command: str
    words: str


def take_lines(session: Session, base: str, kept: str, in_place: int, *, on_trunk: bool) -> tuple[TakeLine, ...]:
    """Return the commands that take what was kept, from commit `base` to commit `kept`, the usual one first; `on_trunk` says that
    the session ran on a branch that is merged into no other, and `in_place` how many commits it left there, 0 where it has them no more.
    """
    branch, base = session.start.branch, base[:10]
    look = TakeLine(f"git diff {base} {kept[:10]}", "Look at all of it first")
    clean = shlex.quote(f"{branch}-kept")
    if in_place:
        return (*_in_place(session, base, in_place, clean), look)
    # A branch's tip may be a try that is not decided yet, and a finished session's branch may have gone on.
    tip = shlex.quote(branch) if session.trial is None and not session.finished else kept[:10]
    lines = []
    if session.squashed:
        lines.append(
            TakeLine(
                f"git merge {shlex.quote(session.squashed)}",
                f"On another branch than {branch}: all kept changes as one commit",
            )
        )
    if not on_trunk:
        lines += [
            TakeLine(f"git merge {tip}", f"On another branch than {branch}: all of it, with every try and its undo"),
            TakeLine(f"git merge --squash {tip}", "The same as one change, for you to commit"),
        ]
    what = (
        "The kept changes alone, a commit each, on a new branch or another that nobody stands on; measured there first"
    )
    lines.append(TakeLine(f"autoresearch-mcp apply {clean}", what))
    return (*lines, look)


def _in_place(session: Session, base: str, commits: int, clean: str) -> tuple[TakeLine, TakeLine]:
    """Say that the branch has it already, and where it is one commit."""
    kept = count_of(len(session.headline.standing), "kept change")
    has = f"{session.start.branch} has it already: {kept} among {count_of(commits, 'commit')}, of tries and their undo"
    there = TakeLine(f"git log --oneline {base}..{session.head[:10]}", has)
    if session.squashed:
        words = f"The same files as one commit on {base}, where the session began, to push or to go on from"
        return there, TakeLine(f"git switch {shlex.quote(session.squashed)}", words)
    words = "All of it as one commit on a new branch from where the session began, measured there first; without --squash a commit each"
    return there, TakeLine(f"autoresearch-mcp apply {clean} --squash", words)
