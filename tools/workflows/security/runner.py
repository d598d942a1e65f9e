"""The server's part in a security audit: the surface, the last audit, that nothing is changed, and the commands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...errors import Code, Refusal
from ...lab.context import RepoContext
from ...project.scan import scan
from ...text.redaction import redactor
from ..ledger.evidence import line_of
from ..ledger.items import Item, Workflow, split_location
from ..ledger.state import Ledger, Observed
from ..running.inspection import run_checks, texts_of
from ..running.proofs import prove, run_pending
from ..running.runner import Scoped, files_in_scope, observed, saw
from ..running.store import Ledgers
from ..running.trials import cited_code, text_at
from .findings import (
    PLACES,
    RERUN,
    CommandSeen,
    DependencyAudits,
    Known,
    LastAudit,
    Surface,
    earlier,
    left_open,
    surface_of,
)
from .items import Cleared, SecurityOptions

MOST_LISTED = 40
TELLING = 20
"""Characters from which on a quote found in another file is taken for the same code."""
_TOOLS = {
    "pip-audit": "pip-audit",
    "govulncheck": "govulncheck ./...",
    "cargo-audit": "cargo audit",
    "bundler-audit": "bundle exec bundle-audit check",
}
"""Tools that a project names in a manifest, and how each is run."""


class SecurityRunner(Scoped):
    """Sees the surface and the last audit at the opening; `run` runs reproductions and dependency audits."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        super().opening(context, ledger)
        files = files_in_scope(context, ledger)
        last = _last_audit(context, ledger, files)
        return (saw(context, last), *_rerun(context, last.known), saw(context, _surface(context, files)))

    def checked(self, context: RepoContext, ledger: Ledger, item: Item) -> Item:
        _nothing_changed(context, ledger)
        if isinstance(item, Cleared) and (none := cited_code(context, item).no_place("")):
            raise Refusal(Code.EVIDENCE, f"{item.location} is {none}, which stops nobody. Quote the line that does.")
        return item

    def run(self, context: RepoContext, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[Observed]:
        files = context.repo.tracked()
        commands = audit_commands(files, scan(context.repo.root, files))
        audits = [{"kind": "dependency audit", "command": command} for command in commands]
        seen = tuple(map(CommandSeen.model_validate, run_checks(context, audits)))
        return (
            *run_pending(context, ledger),
            *_rerun(context, earlier(ledger)),
            saw(context, DependencyAudits(commands=seen)),
        )

    def closing(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        known = earlier(ledger)
        now = {one.name: _stands(context, one) for one in known}
        moved = any(one.stands != now[one.name] for one in known)
        return (*([observed(context, PLACES, **now)] if moved else []), *_rerun(context, known))


def _rerun(context: RepoContext, known: Iterable[Known]) -> list[Observed]:
    """Run the proofs of earlier findings that the server once saw shown: whether they are over is not for anybody to say."""
    ran = {one.name: prove(context, one.proof, mends=one.path) for one in known if one.proof.command}
    seen = {name: what.model_dump(mode="json", exclude_defaults=True) for name, what in ran.items()}
    return [observed(context, RERUN, **seen)] if seen else []


def _last_audit(context: RepoContext, ledger: Ledger, files: Sequence[str]) -> LastAudit:
    """Return what the last audit on this branch or in its history left open, and what changed since in the files that this one looks at."""
    ledgers = Ledgers(context)
    audits = (one for one in ledgers.of(Workflow.SECURITY) if one.closed and ledgers.belongs_here(one))
    last = next(audits, None)
    wants_diff = ledger.opts(SecurityOptions).diff
    if last is None or last.closed is None:
        warning = "There is no earlier audit on this branch to compare with: this one looks at everything."
        return LastAudit(warning=warning) if wants_diff else LastAudit()
    found = LastAudit(
        ledger=last.id,
        commit=last.closed.commit,
        known=tuple(one.model_copy(update={"stands": _stands(context, one)}) for one in left_open(last)),
    )
    if not wants_diff:
        return found
    changed = context.repo.changed_paths(last.closed.commit, context.repo.head())
    if changed is None:
        gone = f"The commit of the last audit, {last.closed.commit[:7]}, is gone: this one looks at everything."
        return found.model_copy(update={"warning": gone})
    return found.model_copy(update={"changed": tuple(path for path in files if path in changed)})


def _stands(context: RepoContext, known: Known) -> str:
    """Where the quote of an earlier finding stands at HEAD: in its file, else in another one; empty where it stands no more."""
    elsewhere = (
        context.repo.holding(max(known.quote.splitlines(), key=len).strip()) if len(known.quote) >= TELLING else ()
    )
    near = split_location(known.stands)[1] if known.stands else 0
    for path in (known.path, *elsewhere[:MOST_LISTED]):
        if line := line_of(known.quote, text_at(context, context.repo.head(), path), redactor(), near):
            return f"{path}:{line}"
    return ""


def _surface(context: RepoContext, files: Sequence[str]) -> Surface:
    """Return where secrets may stand, and what already differed from HEAD."""
    texts, redact = texts_of(context, files), redactor()
    secrets = [place for path, text in texts.items() for place in _masked_lines(path, text, redact(text))]
    return Surface(secrets=tuple(secrets[:MOST_LISTED]), dirty=tuple(_dirty(context)))


def _masked_lines(path: str, text: str, shown: str) -> list[str]:
    if shown.count("[masked:") <= text.count("[masked:"):
        return []
    marks = [place for place, line in enumerate(shown.splitlines(), 1) if "[masked:" in line]
    same = len(shown.splitlines()) == len(text.splitlines())  # a private key takes several lines
    return [f"{path}:{place}" for place in (marks if same else marks[:1])]


def _dirty(context: RepoContext) -> list[str]:
    return sorted({change.path for change in context.repo.changes() if change.tracked})


def _nothing_changed(context: RepoContext, ledger: Ledger) -> None:
    edited = [path for path in _dirty(context) if path not in surface_of(ledger).dirty]
    if not edited:
        return
    problem = f"This audit only reads, and these files were edited since it was opened: {', '.join(edited[:8])}."
    cure = "Take your edits back; if they are a person's, wait until they are committed. To mend is for `fix`."
    raise Refusal(Code.OUT_OF_ORDER, f"{problem} {cure}")


def audit_commands(files: Sequence[str], texts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the dependency audits that the project itself offers, as typed at the repository's root: a script or target named audit,
    a tool that a manifest names, and what comes with a package manager whose lock file is there.
    """
    named = "\n".join(texts.values())
    tools = [command for name, command in _TOOLS.items() if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", named)]
    return tuple(dict.fromkeys([*_targets(texts), *tools, *_of_locks(files)]))


def _targets(texts: Mapping[str, str]) -> Iterable[str]:
    for file, text in texts.items():
        folder, _, name = file.rpartition("/")
        if name in {"Makefile", "makefile", "GNUmakefile"} and re.search(r"^audit[ \t]*:", text, re.MULTILINE):
            yield _in(folder, "make audit")
        if name == "package.json" and re.search(r'"audit"\s*:\s*"', text):
            yield _in(folder, "npm run audit")


def _of_locks(files: Iterable[str]) -> Iterable[str]:
    for file in files:
        folder, _, name = file.rpartition("/")
        if name == "package-lock.json" and "node_modules" not in folder.split("/"):
            yield _in(folder, "npm audit")


def _in(folder: str, command: str) -> str:
    return f"cd {shlex.quote(folder)} && {command}" if folder else command
