"""Whether a person agreed that a plan's commands run on this machine. What the agent says is not consent."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from ..diagnostics.inspection import inspection_of
from ..errors import Code, Refusal
from ..git.repo import LastChange, Repo
from ..plan.checks import load_plan, missing, statements
from ..plan.model import PLAN_FILE, Plan
from ..storage.disk import write_atomically
from ..text.redaction import visible
from .approvals import ApprovalStore, PlanWatch, fingerprint, moment

MOST_WANTED = 20
"""Commands kept for a person to look at; the oldest are forgotten."""


def read_plan_file(root: Path) -> dict[str, Any]:
    """Read the keys of the plan file.

    Raises:
        Refusal: if there is none, or it is not TOML.
    """
    file = root / PLAN_FILE
    if file.exists() and not file.is_file():
        message = f"{PLAN_FILE} is no file. Move what stands there away, then make the same call again."
        raise Refusal(Code.BAD_PLAN, message)
    if not file.is_file():
        message = f"No plan was given, check_plan passed none, and {PLAN_FILE} does not exist. Give check_plan the fields, or write that file."
        raise Refusal(Code.BAD_PLAN, message)
    return _fields(file.read_bytes())


def _fields(content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode().replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
        raise Refusal(Code.BAD_PLAN, f"{PLAN_FILE} is not valid TOML: {why}. Correct that place.") from error


class Consent:
    """The statements that a person agreed to in one repository, and the commands that wait for it."""

    def __init__(self, repo: Repo, allow_commands: bool, plans: PlanWatch) -> None:
        self._repo = repo
        self._allow_commands = allow_commands
        self._approvals = ApprovalStore(repo.own_folder)
        self._plans = plans
        self._wanted = repo.own_folder / "wanted.json"

    def missing(self, plan: Plan) -> tuple[str, ...]:
        """Return what the plan asks for and nobody agreed to; empty when all may run."""
        if self._allow_commands:
            return ()
        agreed = self._agreed()
        return missing(plan, lambda statement: bool(_source(agreed, statement)))

    def told(self, plan: Plan) -> str:
        """Say who agreed to all that this plan asks for, how and when; where something is missing, why the plan file that asks for
        it does not count by itself, and nothing of the rest.
        """
        if self._allow_commands:
            return "nobody was asked: the server was started with --allow-commands, which agrees to every command"
        agreed, sources = self._agreed(), dict[str, None]()

        def covers(statement: str) -> bool:
            found = _source(agreed, statement)
            sources.update(dict.fromkeys(found))
            return bool(found)

        if not (lacking := missing(plan, covers)):
            return "; ".join(sources)
        asked, late = self._committed()
        if late is None or not set(lacking) & set(asked):
            return ""
        return f"{_words(late)} asks for what was not there when a server of ours started, so an agent may have put it there"

    def approve(self, said: tuple[str, ...], how: str) -> None:
        """Remember a person's yes to exactly these statements, in this repository; `how` says where they gave it."""
        self._approvals.add(said, how)

    def agreed_to(self, command: str) -> bool:
        """Return whether a single command may run: it was agreed to as it stands, without a sandbox."""
        return self._allow_commands or bool(_source(self._agreed(), command))

    def want(self, *commands: str) -> None:
        """Note commands that would run, for a person to look at with `approve`."""
        self._repo.own_folder.mkdir(parents=True, exist_ok=True)
        listed = [one for one in self.wanted() if one not in commands]
        write_atomically(self._wanted, json.dumps([*listed, *commands][-MOST_WANTED:], indent=1))

    def wanted(self) -> tuple[str, ...]:
        """Return the commands that were wanted and nobody agreed to yet."""
        listed = () if self._allow_commands else _texts_in(self._wanted)
        agreed = self._agreed() if listed else {}
        return tuple(command for command in listed if not _source(agreed, command))

    def begin(self) -> None:
        """Note what is committed here as a server starts; what comes from now on is no yes by itself."""
        self._plans.begin(self._asked())

    def end(self) -> None:
        """Note the same as it ends."""
        self._plans.end(self._asked())

    def _agreed(self) -> dict[str, str]:
        """Return the digests of what was agreed to, each with who did so, how and when."""
        statements, made = self._committed()
        by_file = {} if made is None else dict.fromkeys(self._plans.counts(statements), _words(made))
        return {**by_file, **{said: yes.words() for said, yes in self._approvals.read().items()}}

    def _committed(self) -> tuple[tuple[str, ...], LastChange | None]:
        """Return what the plan file asks for and the commit that made it so; nothing unless it stands as committed."""
        file = self._repo.root / PLAN_FILE
        if not file.is_file() or file.is_symlink() or not self._as_committed(file):
            return (), None
        asked = self._asked()
        return asked, self._repo.last_change(PLAN_FILE) if asked else None

    def _asked(self) -> tuple[str, ...]:
        """Return what HEAD's plan asks for."""
        try:
            plan = load_plan(_fields(self._repo.content("HEAD", PLAN_FILE) or b""))
            return statements(plan) if isinstance(plan, Plan) else ()
        except (Refusal, ValueError):
            return ()

    def _as_committed(self, file: Path) -> bool:
        committed = self._repo.content("HEAD", PLAN_FILE)
        return committed is not None and _newlines(committed) == _newlines(file.read_bytes())


def _words(made: LastChange) -> str:
    return f"{PLAN_FILE} as committed in {made.commit[:7]} by {visible(made.author)} on {moment(made.at)}"


def _source(agreed: dict[str, str], statement: str) -> tuple[str, ...]:
    """Return by what a statement was agreed to, as it stands; or, if it only counts errors with commands that all were, by
    what those were: our script adds flags that say how to report, and starts nothing else. Empty where nobody agreed.
    """
    if found := agreed.get(fingerprint(statement)):
        return (found,)
    inspection = inspection_of(statement)
    parts = [_source(agreed, command) for command in inspection.commands] if inspection is not None else []
    return tuple(dict.fromkeys(one for part in parts for one in part)) if all(parts) else ()


def _texts_in(file: Path) -> list[str]:
    """Return the list in a file of ours; where something else stands there, nobody agreed to anything."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def _newlines(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")
