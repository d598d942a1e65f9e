"""Whether a person agreed that a plan's commands run on this machine. What the agent says is not consent."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..diagnostics.inspection import inspection_of
from ..errors import Code, Refusal
from ..git.repo import Repo
from ..plan.checks import load_plan, missing, statements
from ..plan.model import PLAN_FILE, Plan
from ..storage.disk import write_atomically

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
        message = f"No plan was given and {PLAN_FILE} does not exist. Pass the plan's fields, or write that file."
        raise Refusal(Code.BAD_PLAN, message)
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refusal(Code.BAD_PLAN, f"{PLAN_FILE} is not valid TOML: {error}. Correct that place.") from error


class Consent:
    """The statements that a person agreed to in one repository, and the commands that wait for it."""

    def __init__(self, repo: Repo, allow_commands: bool) -> None:
        self._repo = repo
        self._allow_commands = allow_commands
        self._file = repo.own_folder / "approvals.json"
        self._wanted = repo.own_folder / "wanted.json"

    def missing(self, plan: Plan) -> tuple[str, ...]:
        """Return what the plan asks for and nobody agreed to; empty when all may run."""
        if self._allow_commands:
            return ()
        agreed = self._approved() | set(self._checked_in())
        return missing(plan, lambda statement: _covers(agreed, statement))

    def approve(self, said: Sequence[str]) -> None:
        """Remember a person's yes to exactly these statements, in this repository."""
        self._repo.own_folder.mkdir(parents=True, exist_ok=True)
        agreed = sorted(self._approved() | {_fingerprint(statement) for statement in said})
        write_atomically(self._file, json.dumps(agreed, indent=1))

    def agreed_to(self, command: str) -> bool:
        """Return whether a single command may run: it was agreed to as it stands, without a sandbox."""
        agreed = self._approved() | set(self._checked_in())
        return self._allow_commands or _covers(agreed, command)

    def want(self, command: str) -> None:
        """Note a command that a workflow would run, for a person to look at with `approve`."""
        self._repo.own_folder.mkdir(parents=True, exist_ok=True)
        listed = [one for one in self.wanted() if one != command]
        write_atomically(self._wanted, json.dumps([*listed, command][-MOST_WANTED:], indent=1))

    def wanted(self) -> tuple[str, ...]:
        """Return the commands that were wanted and nobody agreed to yet."""
        return tuple(command for command in _texts_in(self._wanted) if not self.agreed_to(command))

    def _approved(self) -> set[str]:
        return set(_texts_in(self._file))

    def _checked_in(self) -> tuple[str, ...]:
        """Return what the plan file asks for, if it stands as it was committed."""
        file = self._repo.root / PLAN_FILE
        if not file.is_file() or file.is_symlink() or not self._as_committed(file):
            return ()
        plan = load_plan(read_plan_file(self._repo.root))
        return _safe_statements(plan) if isinstance(plan, Plan) else ()

    def _as_committed(self, file: Path) -> bool:
        committed = self._repo.content("HEAD", PLAN_FILE)
        return committed is not None and _newlines(committed) == _newlines(file.read_bytes())


def _covers(agreed: set[str], statement: str) -> bool:
    """Return whether a statement was agreed to, or only counts errors with commands that all were: our script adds flags that say
    how to report, and starts nothing else.
    """
    if statement in agreed or _fingerprint(statement) in agreed:
        return True
    inspection = inspection_of(statement)
    return inspection is not None and all(_covers(agreed, command) for command in inspection.commands)


def _texts_in(file: Path) -> list[str]:
    """Return the list in a file of ours; where something else stands there, nobody agreed to anything."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []


def _newlines(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n")


def _safe_statements(plan: Plan) -> tuple[str, ...]:
    try:
        return statements(plan)
    except ValueError:
        return ()


def _fingerprint(statement: str) -> str:
    return hashlib.sha256(statement.encode()).hexdigest()
