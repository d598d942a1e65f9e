"""The Python sessions of documents: the command that runs them, and what became of each."""

from __future__ import annotations

import json
import shlex

from .checks.claim import Claim, DocumentFault

SESSIONS_TIMEOUT_S = 300.0
_SCRIPT = f"{__file__.rpartition('/')[0]}/run_sessions.py"


def has_sessions(text: str) -> bool:
    """Return whether a document shows a Python session."""
    return ">>> " in text


def session_command(python: str, path: str) -> str:
    """Return the command that runs the sessions of a document, at the repository's root."""
    return shlex.join([python, _SCRIPT, path])


def session_claims(output: str, text: str) -> tuple[Claim, ...]:
    """Return what became of each example, from what the command printed last."""
    try:
        rows = json.loads(output.strip().rpartition("\n")[2])
        return tuple(
            Claim(DocumentFault.EXAMPLE, row["line"], _short(row["typed"]), _why(row["shown"], row["answered"]))
            for row in rows
        )
    except (ValueError, TypeError, KeyError):
        return not_run(text, f"they ended without an answer: {_short(output)}")


def not_run(text: str, why: str) -> tuple[Claim, ...]:
    """Return the one claim of sessions that were not run."""
    first = text[: text.index(">>> ")].count("\n") + 1
    return (Claim(DocumentFault.EXAMPLE, first, "the Python sessions", why, known=False),)


def _why(shown: str, answered: str) -> str:
    return "" if shown == answered else f"it answers {_short(answered) or 'nothing'}, not {_short(shown) or 'nothing'}"


def _short(text: str) -> str:
    return " ".join(text.split())[:120]
