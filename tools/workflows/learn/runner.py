"""Learning a code base: the server maps the code, decides which documents are due, and holds them against the code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ...errors import Code, Refusal
from ...git.repo import Repo
from ...lab.context import RepoContext
from ...project.projects import recognise
from ...project.scan import is_installed, local_tools, read_texts, scan
from ...text.redaction import redactor
from ..ledger.items import Item
from ..ledger.state import Ledger, Observed
from ..running.proofs import NOBODY, run_agreed
from ..running.runner import WorkflowRunner, observed, saw
from ..running.store import Ledgers
from . import codemap
from .checks.claim import Claim, contains
from .codemap import CodeMap, is_document
from .documents import FOLDER, due, is_checked, is_history
from .items import (
    CodeSummary,
    LearnMode,
    LearnOptions,
    Mismatch,
    contradictions,
    exempted,
    improved,
    last_validation,
    mode_of,
    validations,
)
from .repository import Repository
from .rules import Learn
from .sessions import SESSIONS_TIMEOUT_S, has_sessions, not_run, session_claims, session_command
from .validation import DocumentFacts, Validation, read_documents, validated
from .vanished import vanished

_SYMBOLS = 200
_LARGEST = 15


@dataclass(frozen=True)
class CheckoutFiles:
    """The checkout as it is now: all files that git has or would add, their text, and what that says of the code."""

    files: tuple[str, ...]
    texts: Mapping[str, str]
    code: CodeMap


_ONLY = {LearnMode.SUMMARIZE: "codebase summary", LearnMode.WIKI: "wiki/index.md"}
"""What is due in modes that write one thing."""


class LearnRunner(WorkflowRunner):
    """Never writes a document: it maps, and looks."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        checkout = _checkout_files(context)
        code = _map(context, ledger, checkout)
        found = _validate(context, ledger, checkout)
        return saw(context, code), _observed(context, found)

    def checked(self, context: RepoContext, ledger: Ledger, item: Item) -> Item:
        if isinstance(item, Mismatch):
            text = read_texts(context.repo.root, [item.document])[0].get(item.document, "")
            if not contains(item.says, text):
                problem = f"{item.document} does not say that." if text else f"There is no {item.document}."
                raise Refusal(
                    Code.EVIDENCE, f"{problem} Give `says` word for word as it stands there; whitespace may differ."
                )
        return item

    def run(self, context: RepoContext, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[Observed]:
        rules = Learn()
        if rules.bounded(ledger):
            why = "all repairs are made" if improved(ledger) else "the last repair left as much wrong as there was"
            raise Refusal(Code.INCOMPLETE, f"{ledger.id} takes no further repair: {why}. Close it.")
        return self._look(context, ledger)

    def closing(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        looked = mode_of(ledger) is LearnMode.CHECK or len(validations(ledger)) > 1
        return self._look(context, ledger) if looked else ()

    def as_of_now(self, context: RepoContext, ledger: Ledger) -> Ledger:
        if ledger.closed is None:
            return ledger
        found = _validate(context, ledger, _checkout_files(context), run=False)
        return Ledgers(context).moved_on(ledger, [_observed(context, found)])

    def _look(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        """A look at the documents; none where nothing has changed since the last one, so that a repeated call costs no round."""
        found = _validate(context, ledger, _checkout_files(context))
        is_the_first = len(validations(ledger)) < 2 and mode_of(ledger) is not LearnMode.CHECK
        if found == last_validation(ledger) and not is_the_first:
            return ()
        return (_observed(context, found),)


def _observed(context: RepoContext, found: Validation) -> Observed:
    """Return a look at the documents with all of its fields, also those that hold their default."""
    return observed(context, found.what, **found.model_dump(mode="json"))


def _checkout_files(context: RepoContext) -> CheckoutFiles:
    others = (change.path for change in context.repo.changes() if not change.tracked)
    files = tuple(sorted({*context.repo.tracked(), *others}))
    texts, complete = read_texts(context.repo.root, files)
    gone = {
        change.path
        for change in context.repo.changes()
        if change.tracked and not (context.repo.root / change.path).exists()
    }
    return CheckoutFiles(tuple(file for file in files if file not in gone), texts, CodeMap(texts, complete))


def _map(context: RepoContext, ledger: Ledger, checkout: CheckoutFiles) -> CodeSummary:
    """Return what the code consists of, and the mode that `auto` comes to."""
    options, code = ledger.opts(LearnOptions), checkout.code
    documented = any(path.startswith(f"{FOLDER}/") and is_document(path) for path in checkout.files)
    mode = options.mode if options.mode is not LearnMode.AUTO else LearnMode.UPDATE if documented else LearnMode.INIT
    projects = recognise(checkout.files, scan(context.repo.root, checkout.files))
    public = [symbol for symbol in code.python.symbols if "." not in symbol.name and not symbol.name.startswith("_")]
    named = [symbol for symbol in public if symbol.kind in {"class", "function"}]
    return CodeSummary(
        mode=mode,
        files=len(checkout.files),
        languages=codemap.languages(code),
        areas=[(area.name, area.files, area.lines) for area in codemap.areas(code)],
        entries=codemap.entry_points(code),
        largest=codemap.largest(code, _LARGEST),
        commands=[(one.kind, one.text, one.source) for project in projects for one in project.commands][:20],
        symbols=[(f"{symbol.path}:{symbol.line}", symbol.name, symbol.kind) for symbol in named[:_SYMBOLS]],
        symbol_count=len(named),
    )


def _validate(context: RepoContext, ledger: Ledger, checkout: CheckoutFiles, *, run: bool = True) -> Validation:
    options = ledger.opts(LearnOptions)
    asked_for = options.file or _ONLY.get(options.mode, "")
    wanted = due(checkout.files, checkout.texts, only=asked_for)
    named = {one.path for one in wanted}
    texts = {path: text for path, text in checkout.texts.items() if (path in named if asked_for else is_checked(path))}
    if options.mode is LearnMode.WIKI:
        texts = {path: text for path, text in checkout.texts.items() if path.startswith("wiki/") and is_checked(path)}
    repository = Repository(
        checkout.code,
        frozenset(checkout.files),
        ignored=cache(lambda path: context.repo.git.ask("check-ignore", "--quiet", "--no-index", "--", path).code == 0),
        installed=is_installed,
    )
    ran = _sessions(context, checkout, texts, run=run and options.run_sessions)
    documents = read_documents(texts, repository, ran, last_validation(ledger).problems)
    described = {path: [file for file in one.files if file in repository.files] for path, one in documents.items()}
    edited = {change.path for change in context.repo.changes()}
    asked = DocumentFacts(
        due=wanted,
        changed={
            path: changed_since(context.repo, path, files) for path, files in described.items() if path not in edited
        },
        exempt=exempted(ledger),
        contradictions=contradictions(ledger),
    )
    found = validated(documents, repository, asked, redactor())
    gone = vanished(documents, last_validation(ledger), asked.contradictions)
    return found.model_copy(update={"unchecked": tuple(gone)})


def _sessions(
    context: RepoContext, checkout: CheckoutFiles, texts: Mapping[str, str], *, run: bool
) -> dict[str, tuple[Claim, ...]]:
    """Return what became of the Python sessions of documents that tell of now, run with the project's own Python where that
    was asked for.
    """
    shown = [
        path
        for path, text in texts.items()
        if has_sessions(text) and not is_history(path, checkout.code.manifests.major)
    ]
    if not run:
        return {path: not_run(texts[path], "not run: open with `run_sessions`") for path in shown}
    tools = local_tools(context.repo.root, scan(context.repo.root, checkout.files))
    found = {}
    for path in shown:
        ended = run_agreed(context, session_command(tools.pythons.get("", "python3"), path), SESSIONS_TIMEOUT_S)
        found[path] = session_claims(ended.stdout, texts[path]) if ended else not_run(texts[path], NOBODY)
    return found


_MOST_COMMITS = 5000


def changed_since(repo: Repo, document: str, files: Sequence[str]) -> tuple[str, ...]:
    """Return which of these files changed in a commit after a document's last one, the newest first, at most 20; none of one
    that git does not have.
    """
    last = repo.git.ask("log", "-1", "--format=%H", "--", document).text.strip()
    if not last or not files:
        return ()
    plain = ("-c", "core.quotePath=false")  # names as they are, not between quotes
    form = (f"-{_MOST_COMMITS}", "--format=", "--name-only", "--no-renames")
    names = repo.git.ask(*plain, "log", *form, "HEAD", f"^{last}", "--", *files).text.splitlines()
    return tuple(dict.fromkeys(name for name in names if name in set(files)))[:20]
