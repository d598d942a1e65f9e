"""What is wrong with documents, as far as it can be seen: links, claims, sizes, secrets, and what is missing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import ClassVar, NamedTuple

from pydantic import Field

from ...session.events import Record
from ...text.markdown import DocumentPage, read_page
from ..ledger.state import LedgerFacts
from .checks.claim import Claim, Document, DocumentFault, contains, line_of
from .checks.spans import NAME
from .checks.table import CHECKS, OF_FORM, claims, spoken_of
from .codemap import areas, is_document
from .documents import DueDocument, holds, is_history
from .repository import Repository

MOST_PROBLEMS = 300
MOST_UNKNOWN = 100
_SAMPLE_PASSWORD = re.compile(
    r"(?<=:)(?:[\w-]*(?:password|passwd|pass|pwd|secret|token)[\w-]*|x{3,}|\*+|<[^<>]+>)(?=@)"
    r"|(?<=[=:\"' ])(?:password|passwd|pass|secret|secure|changeme|example)\d*(?=[\"'&\s`,)}]|$)",
    re.IGNORECASE,
)
"""A password that says itself that it is none."""
_NEEDS_NO_CODE = frozenset(("readme", "changelog", "project overview", "deployment guide"))


_WEAK = ("[masked: assigned secret]", "[masked: password in a URL]")
CLAIMED = frozenset(DocumentFault) - {
    DocumentFault.MISSING,
    DocumentFault.SECRET,
    DocumentFault.CONTRADICTION,
    DocumentFault.EMPTY,
}
"""What the server may take for a claim though it is none: an agent can say so."""


class DocumentProblem(Record):
    """One thing that is wrong: in which document, at which line (0: the whole of it), what stands there, and why it is wrong."""

    path: str
    line: int = 0
    fault: DocumentFault
    text: str = ""
    why: str

    @property
    def place(self) -> str:
        """Where it is."""
        return f"{self.path}:{self.line}" if self.line else self.path


def may_be_exempted(problem: DocumentProblem) -> bool:
    """Return whether an agent may say that something is none of what it was taken for: a claim, or a password that is
    an example. What has the form of a real token is not for an agent to wave through.
    """
    if problem.fault is not DocumentFault.SECRET:
        return problem.fault in CLAIMED
    return problem.text.count("[masked:") == sum(map(problem.text.count, _WEAK))


class DocumentSeen(Record):
    """One document as it was seen: its claims that were checked, those that hold, and those that could not be checked.
    `kinds` are those that hold by their kind, `changed` files that it describes and that changed since it was written: what to read first, and no fault by itself.
    """

    path: str
    digest: str
    lines: int
    claims: int
    held: int
    unknown: int = 0
    problems: int
    kinds: Mapping[str, int] = Field(default_factory=dict)
    changed: tuple[str, ...] = ()


class DueSeen(NamedTuple):
    """A document that should be there, as it was seen. One that is `core` cannot be skipped."""

    name: str
    path: str
    there: bool
    core: bool


class Validation(LedgerFacts):
    """Everything that one look at the documents found. `unknown` are claims that may be wrong and cannot be checked;
    `exempted` claims were said to be none; `contradictions` are the ids of those that were looked for; `unchecked` was wrong at
    an earlier look and is not said any more, and nothing that holds came in its place.
    """

    what: ClassVar[str] = "validated"

    documents: tuple[DocumentSeen, ...] = ()
    problems: tuple[DocumentProblem, ...] = ()
    more_problems: int = 0
    unknown: tuple[DocumentProblem, ...] = ()
    exempted: int = 0
    contradictions: tuple[str, ...] = ()
    unchecked: tuple[DocumentProblem, ...] = ()
    due: tuple[DueSeen, ...] = ()
    areas_described: int = 0
    undescribed: tuple[str, ...] = ()
    symbols_known: bool = True

    @property
    def wrong(self) -> int:
        """How many problems there are."""
        return len(self.problems) + self.more_problems

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each document."""
        return {one.path: one.digest for one in self.documents}


@dataclass(frozen=True)
class ReadDocument:
    """A document, read."""

    text: str
    claims: tuple[Claim, ...]
    spoken_of: frozenset[str] = frozenset()

    @property
    def files(self) -> tuple[str, ...]:
        """The files and folders that it describes, other documents aside."""
        return tuple(sorted(path for path in self.spoken_of if not is_document(path)))


@dataclass(frozen=True)
class Contradiction:
    """Words of a document that code contradicts: wrong as long as they stand there."""

    id: str
    path: str
    says: str
    should_say: str = ""


@dataclass(frozen=True)
class DocumentFacts:
    """What is known beside the documents: what should be there, and what was said about them."""

    due: Sequence[DueDocument] = ()
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exempt: Collection[tuple[str, str]] = ()
    contradictions: Sequence[Contradiction] = ()


def read_documents(
    texts: Mapping[str, str],
    repository: Repository,
    ran: Mapping[str, tuple[Claim, ...]],
    before: Sequence[DocumentProblem] = (),
) -> dict[str, ReadDocument]:
    """Return each document with what it claims; `ran` are the claims of examples that were run, `before` what the last look
    found wrong, which is no less wrong without its backticks.
    """
    wrong = {path: [one for one in before if one.path == path and one.fault in _SPANS] for path in texts}
    return {path: _read(path, text, repository, ran.get(path, ()), wrong[path]) for path, text in texts.items()}


def _read(
    path: str, text: str, repository: Repository, ran: tuple[Claim, ...], before: Sequence[DocumentProblem]
) -> ReadDocument:
    document = Document(path, text, repository.page(path) or DocumentPage())
    past = is_history(path, repository.code.manifests.major)
    found = claims(document, repository, OF_FORM if past else CHECKS)
    again = _still_said(document, found, before, repository)
    return ReadDocument(text, (*found, *again, *ran), spoken_of(document, found, repository))


_SPANS = frozenset({DocumentFault.FILE, DocumentFault.LINE, DocumentFault.SYMBOL, DocumentFault.KEY})


def _still_said(
    document: Document, found: Sequence[Claim], before: Sequence[DocumentProblem], repository: Repository
) -> Iterator[Claim]:
    """Yield the claims that were wrong between backticks and stand there otherwise, whole or by the name that they end with; those
    that hold now aside.
    """
    known = {(claim.kind, claim.text) for claim in found}
    for kind, text, why in dict.fromkeys((one.fault, one.text, one.why) for one in before):
        name = re.split(r"[^\w]+", text.partition("(")[0])[-1]
        tried = "|".join(map(re.escape, [text, name] if NAME.fullmatch(name) else [text]))
        stands = re.search(rf"(?<![\w./-])(?:{tried})(?![\w/-]|\.\w)", document.text)
        if (kind, text) in known or not stands:
            continue
        alone = Document(f"{document.path}.md", f"`{text}`", read_page(f"`{text}`"))
        if not any(claim.known and not claim.why for claim in claims(alone, repository)):
            yield Claim(kind, document.text.count("\n", 0, stands.start()) + 1, text, why)


def validated(
    documents: Mapping[str, ReadDocument], repository: Repository, asked: DocumentFacts, masked: Callable[[str], str]
) -> Validation:
    """Return everything that is wrong with these documents, the worst first."""
    found = [
        *_missing(asked.due),
        *(problem for path, one in documents.items() for problem in _problems_of(path, one, asked, masked)),
    ]
    ranked = sorted(found, key=lambda one: (list(DocumentFault).index(one.fault), one.path, one.line))
    exempted = sum(
        (path, claim.text) in asked.exempt for path, one in documents.items() for claim in one.claims if claim.wrong
    )
    touched = {path for one in documents.values() for path in one.spoken_of}
    parts = areas(repository.code)
    left = tuple(area.name for area in parts if not _speaks_of(area.name, touched))
    return Validation(
        documents=tuple(_seen(path, one, ranked, asked) for path, one in sorted(documents.items())),
        problems=tuple(ranked[:MOST_PROBLEMS]),
        more_problems=len(ranked[MOST_PROBLEMS:]),
        unknown=_unknown(documents),
        exempted=exempted,
        contradictions=tuple(one.id for one in asked.contradictions),
        due=tuple(DueSeen(one.name, one.path, one.there, one.core) for one in asked.due),
        areas_described=len(parts) - len(left),
        undescribed=left,
        symbols_known=repository.code.complete,
    )


def _speaks_of(area: str, touched: Collection[str]) -> bool:
    """Return whether any of the files and folders spoken of lies in an area; `.` are the files at the top."""
    if area == ".":
        return any("/" not in path for path in touched)
    return any(path == area or path.startswith(f"{area}/") for path in touched)


def _seen(path: str, one: ReadDocument, problems: Sequence[DocumentProblem], asked: DocumentFacts) -> DocumentSeen:
    return DocumentSeen(
        path=path,
        digest=sha256(one.text.encode()).hexdigest(),
        lines=len(one.text.splitlines()),
        claims=sum(claim.known for claim in one.claims),
        held=sum(claim.known and not claim.why for claim in one.claims),
        unknown=sum(not claim.known for claim in one.claims),
        problems=sum(problem.path == path for problem in problems),
        kinds=Counter(str(claim.kind) for claim in one.claims if claim.known and not claim.why),
        changed=asked.changed.get(path, ()),
    )


def _missing(wanted: Sequence[DueDocument]) -> Iterator[DocumentProblem]:
    for one in wanted:
        if not one.there:
            what = f" ({holds(one.name)})" if holds(one.name) else ""
            yield DocumentProblem(path=one.path, fault=DocumentFault.MISSING, why=f"due, {one.why}: {one.name}{what}")


def _problems_of(
    path: str, one: ReadDocument, asked: DocumentFacts, masked: Callable[[str], str]
) -> Iterator[DocumentProblem]:
    """Yield what is wrong with one document by itself."""
    yield from (_problem(path, claim) for claim in one.claims if claim.wrong and (path, claim.text) not in asked.exempt)
    yield from (one for one in _secrets(path, one.text, masked) if (path, one.text) not in asked.exempt)
    yield from _contradictions(path, one.text, asked.contradictions)
    kind = next((due.name for due in asked.due if due.path == path), "")
    if kind and kind not in _NEEDS_NO_CODE and not one.files and not any(claim.known for claim in one.claims):
        yield DocumentProblem(
            path=path,
            fault=DocumentFault.EMPTY,
            why="it names nothing of the code, so nothing in it can be checked",
        )


def _problem(path: str, claim: Claim) -> DocumentProblem:
    return DocumentProblem(path=path, line=claim.line, fault=claim.kind, text=claim.text, why=claim.why)


def _unknown(documents: Mapping[str, ReadDocument]) -> tuple[DocumentProblem, ...]:
    """Return the claims that may be wrong and cannot be checked, for a reader to look at."""
    found = (_problem(path, claim) for path, one in documents.items() for claim in one.claims if not claim.known)
    return tuple(problem for problem in found if problem.why)[:MOST_UNKNOWN]


def _secrets(path: str, text: str, masked: Callable[[str], str]) -> Iterator[DocumentProblem]:
    if masked(text) == text or "[masked:" not in masked(text):
        return
    for line, spelled in enumerate(text.splitlines(), 1):
        words = _SAMPLE_PASSWORD.sub("", spelled)
        if masked(words).count("[masked:") > words.count("[masked:"):
            yield DocumentProblem(
                path=path,
                line=line,
                fault=DocumentFault.SECRET,
                text=masked(words).strip()[:200],
                why="it holds what looks like a secret",
            )


def _contradictions(path: str, text: str, contradictions: Sequence[Contradiction]) -> Iterator[DocumentProblem]:
    for one in contradictions:
        if one.path == path and contains(one.says, text):
            yield contradicted(one, line_of(one.says, text))


def contradicted(one: Contradiction, line: int = 0) -> DocumentProblem:
    """Return the problem that a contradiction is while its words stand there."""
    why = f"{one.id}: the code says otherwise"
    return DocumentProblem(path=one.path, line=line, fault=DocumentFault.CONTRADICTION, text=one.says[:200], why=why)
