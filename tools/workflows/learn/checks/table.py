"""The kinds of claims, and what looks for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ....text.markdown import resolved
from ..repository import Repository
from .claim import Check, Claim, Document
from .commands import check_commands
from .counts import check_counts
from .data import check_data
from .markup import check_links, check_markup, check_roles
from .options import check_options
from .other_code import check_go, check_scripts
from .python_code import check_python
from .spans import check_settings, check_spans
from .versions import check_versions

CHECKS: tuple[Check, ...] = (
    check_links,
    check_markup,
    check_roles,
    check_spans,
    check_settings,
    check_commands,
    check_options,
    check_data,
    check_python,
    check_go,
    check_scripts,
    check_counts,
    check_versions,
)
"""Each looks at a document and the repository, and yields what it finds."""


OF_FORM: tuple[Check, ...] = (check_links, check_markup)
"""What a document is checked for that tells of the past."""


def claims(document: Document, repository: Repository, checks: Sequence[Check] = CHECKS) -> tuple[Claim, ...]:
    """Return every claim of a document, by line; one that two checks make stands once."""
    found = dict.fromkeys(claim for check in checks for claim in check(document, repository))
    return tuple(sorted(found, key=lambda claim: claim.line))


def spoken_of(document: Document, found: Iterable[Claim], repository: Repository) -> frozenset[str]:
    """Return the files and folders that a document speaks of."""
    links = (resolved(document.path, link.target) for link in document.page.links if not link.image)
    linked = {place for place in links if place and place != document.path and repository.exists(place)}
    return frozenset({claim.path for claim in found if claim.path} | linked)
