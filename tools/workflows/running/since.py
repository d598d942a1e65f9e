"""What became of the files since a ledger was closed."""

from __future__ import annotations

from ...lab.context import RepoContext
from ...text.redaction import redactor
from ..ledger.rules import rules_of
from ..ledger.state import Ledger
from .store import Ledgers, files_of


def edited_since(context: RepoContext, ledger: Ledger) -> str:
    """Return, in words, what is not committed, and which of the files that a closed ledger wrote are not as it gives them."""
    if ledger.closed is None:
        return ""
    redact, folder = redactor(), context.repo.root / ledger.folder
    texts = files_of(ledger, rules_of(ledger.workflow), Ledgers(context).handoff(ledger)).items()
    edited = [
        name
        for name, text in texts
        if (folder / name).is_file() and (folder / name).read_text("utf-8", "replace") != redact(text)
    ]
    dirty = [change.path for change in context.repo.changes() if change.tracked]
    said = (("not committed", dirty), ("not as the ledger gives it", edited))
    return "".join(f"; {what}: {', '.join(names[:5])}" for what, names in said if names)
