"""What was wrong and is not said any more: mended, or only out of sight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from .checks.claim import DocumentFault, contains
from .validation import CLAIMED, Contradiction, DocumentProblem, ReadDocument, Validation


def vanished(
    documents: Mapping[str, ReadDocument], before: Validation, contradictions: Sequence[Contradiction]
) -> Iterator[DocumentProblem]:
    """Yield what the last look found wrong and nobody can check any more: its words are gone, and neither what they should be
    nor another claim of their kind that holds stands in the document now. A document that is gone is named once, with how much was wrong in it.
    """
    should_say = {one.id: one.should_say for one in contradictions}
    gained = {path: _gained(path, one, before) for path, one in documents.items()}
    yield from (was for was in before.unchecked if was.fault is DocumentFault.MISSING and was.path not in documents)
    wrong = Counter(was.path for was in before.problems if was.fault in {*CLAIMED, DocumentFault.CONTRADICTION})
    for path, count in wrong.items():
        if path not in documents:
            why = f"it is gone with {count} wrong claims"
            yield DocumentProblem(path=path, fault=DocumentFault.MISSING, why=why)
    for was in (*before.unchecked, *before.problems):
        if (one := documents.get(was.path)) is None:
            continue
        if was.fault is DocumentFault.CONTRADICTION:
            said = should_say.get(was.why.partition(":")[0], "")
            if not contains(was.text, one.text) and not (said and contains(said, one.text)):
                yield was
        elif was.fault in CLAIMED and (was.fault, was.text) not in _said(one):
            if gained[was.path][was.fault] <= 0:
                yield was
            gained[was.path][was.fault] -= 1


def _said(one: ReadDocument) -> set[tuple[DocumentFault, str]]:
    return {(claim.kind, claim.text) for claim in one.claims}


def _gained(path: str, one: ReadDocument, before: Validation) -> Counter[str]:
    """Return how many more claims of each kind hold than at the last look."""
    held = Counter[str](claim.kind for claim in one.claims if claim.known and not claim.why)
    held.subtract(next((dict(seen.kinds) for seen in before.documents if seen.path == path), {}))
    return held
