"""The server's part in a security audit: the surface, the last audit, that nothing is changed, and the commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import Code, Refusal
from ...lab.context import RepoContext
from ...project.projects import CommandKind
from ...project.scan import scan
from ...text.redaction import redactor
from ..ledger.evidence import line_of
from ..ledger.items import Item, Severity, Workflow
from ..ledger.ledger import Ledger, Observed
from ..running.inspection import WEAKNESSES, checks_of, looked_through, projects_of, run_checks, run_pending, texts_of
from ..running.runner import Scoped, files_in_scope, observed
from ..running.store import Ledgers
from .auditing import audit_commands, manifests_of, pipelines_of
from .comparison import Known
from .findings import AUDITED, DEPENDENCIES, STANDING, SURFACE, TESTS, earlier, left_open, open_findings
from .items import Remedy, SecurityOptions

MOST_LISTED = 40
TELLING = 20
"""Characters from which on a quote found in another file is taken for the same code."""
MOST_AUDITS = 10
"""Earlier audits whose numbers are shown."""


class Audit(Scoped):
    """Sees the surface and the last audit at the opening; `run` runs reproductions, dependency audits and tests."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        scope = super().opening(context, ledger)
        files = files_in_scope(context, ledger)
        last = _last_audit(context, ledger, files)
        if (changed := last.get("changed")) is not None:
            scope = (observed(context, "scope", files=len(changed)),)
        surface = observed(context, SURFACE, **_surface(context, files))
        # Whoever may mend has to know how the tests stood before.
        return (*scope, observed(context, AUDITED, **last), surface, *_tests(context, ledger))

    def checked(self, context: RepoContext, ledger: Ledger, item: Item) -> Item:
        if not ledger.opts(SecurityOptions).fix:
            _nothing_changed(context, ledger)
        if isinstance(item, Remedy):
            _committed_since(context, ledger, item)
        return item

    def run(self, context: RepoContext, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[Observed]:
        files = context.repo.tracked()
        audits = [
            {"kind": "dependency audit", "command": one}
            for one in audit_commands(files, scan(context.repo.root, files))
        ]
        return (
            *run_pending(context, ledger),
            *([observed(context, DEPENDENCIES, commands=run_checks(context, audits))] if audits else []),
            *_tests(context, ledger),
        )

    def closing(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        known = earlier(ledger)
        now = {one.name: _stands(context, one) for one in known}
        return () if all(one.stands == now[one.name] for one in known) else (observed(context, STANDING, **now),)


def _tests(context: RepoContext, ledger: Ledger) -> list[Observed]:
    """The project's tests, in an audit that may mend."""
    if not ledger.opts(SecurityOptions).fix:
        return []
    return [
        observed(context, TESTS, commands=run_checks(context, checks_of(projects_of(context), (CommandKind.TEST,))))
    ]


def _last_audit(context: RepoContext, ledger: Ledger, files: Sequence[str]) -> dict[str, Any]:
    """What the last audit on this branch left open, and what changed since in the files that this one looks at."""
    last = next((one for one in Ledgers(context).closed_ones() if one.workflow is Workflow.SECURITY), None)
    wants_diff = ledger.opts(SecurityOptions).diff
    if last is None or last.closed is None:
        return (
            {"warning": "There is no earlier audit on this branch to compare with: this one looks at everything."}
            if wants_diff
            else {}
        )
    known = [one.model_copy(update={"stands": _stands(context, one)}) for one in left_open(last)]
    found = {
        "ledger": last.id,
        "commit": last.closed.commit,
        "known": [one.model_dump(mode="json") for one in known],
        "history": [*last.latest(AUDITED).get("history", ()), _numbers(last)][-MOST_AUDITS:],
    }
    if not wants_diff:
        return found
    changed = context.repo.changed_paths(last.closed.commit, context.repo.head())
    if changed is None:
        return {
            **found,
            "warning": f"The commit of the last audit, {last.closed.commit[:7]}, is gone: this one looks at everything.",
        }
    return {**found, "changed": [path for path in files if path in changed]}


def _numbers(ledger: Ledger) -> dict[str, Any]:
    counts = {
        str(severity): sum(one.item.severity is severity for one in open_findings(ledger)) for severity in Severity
    }
    return {"ledger": ledger.id, **counts}


def _stands(context: RepoContext, known: Known) -> str:
    """Where the quote of an earlier finding stands at HEAD: in its file, else in another one; empty where it stands no more."""
    elsewhere = (
        context.repo.holding(max(known.quote.splitlines(), key=len).strip()) if len(known.quote) >= TELLING else ()
    )
    for path in (known.path, *elsewhere[:MOST_LISTED]):
        content = context.repo.content(context.repo.head(), path)
        text = "" if content is None else content.decode("utf-8", errors="replace")
        if line := line_of(known.quote, text, redactor()):
            return f"{path}:{line}"
    return ""


def _surface(context: RepoContext, files: Sequence[str]) -> dict[str, Any]:
    """What is there to attack, as far as file names and patterns tell; and what already differed from HEAD."""
    texts, redact = texts_of(context, files), redactor()
    secrets = [place for path, text in texts.items() for place in _masked_lines(path, text, redact(text))]
    return {
        "manifests": list(manifests_of(files))[:MOST_LISTED],
        "pipelines": list(pipelines_of(files))[:MOST_LISTED],
        "hints": looked_through(texts, WEAKNESSES),
        "secrets": secrets[:MOST_LISTED],
        "tests": [glob for project in projects_of(context) for glob in project.tests],
        "dirty": _dirty(context),
        "read": len(texts),
    }


def _masked_lines(path: str, text: str, shown: str) -> list[str]:
    if shown.count("[masked:") <= text.count("[masked:"):
        return []
    marks = [place for place, line in enumerate(shown.splitlines(), 1) if "[masked:" in line]
    same = len(shown.splitlines()) == len(text.splitlines())  # a private key takes several lines
    return [f"{path}:{place}" for place in (marks if same else marks[:1])]


def _dirty(context: RepoContext) -> list[str]:
    return sorted({change.path for change in context.repo.changes() if change.tracked})


def _nothing_changed(context: RepoContext, ledger: Ledger) -> None:
    edited = [path for path in _dirty(context) if path not in ledger.latest(SURFACE).get("dirty", ())]
    if not edited:
        return
    told = f"This audit only reads, and these files were edited since it was opened: {', '.join(edited[:8])}."
    cure = "Take your edits back; if they are a person's, wait until they are committed. To mend here, open an audit with `fix: true`."
    raise Refusal(Code.OUT_OF_ORDER, f"{told} {cure}")


def _committed_since(context: RepoContext, ledger: Ledger, item: Remedy) -> None:
    found = ledger.find(item.finding)
    if found is not None and found.commit == context.repo.head():
        told = f"Nothing was committed since {item.finding} was recorded. Commit the change first: a remedy is what git has."
        raise Refusal(Code.EVIDENCE, told)
