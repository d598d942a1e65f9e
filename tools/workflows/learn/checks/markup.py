"""Links, and what reStructuredText may name: documents, labels, files and symbols; and what its form does not allow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import dirname, normpath

from ....text.markdown import RoleText, link_fault, resolved
from ....text.restructured import is_restructured
from ..repository import Repository
from .claim import Claim, Document, DocumentFault, nearest
from .spans import named, of_dotted, of_symbol

_PYTHON_ROLES = frozenset(("", "auto", *"mod func data const class meth attr exc obj type".split()))
_GIVEN_LABELS = frozenset(("genindex", "modindex", "search", "py-modindex"))
_GENERATED = re.compile(r"(?:^|[/_])(?:api|apidoc|modules|autosummary|generated|reference)(?:/|$)|/")
"""Documents that Sphinx's extensions make of the code."""
_SETTING = re.compile(r"^(?:rst_prolog|rst_epilog)\s*=", re.MULTILINE)


def check_links(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield every link within the repository."""
    rst = is_restructured(document.path)
    for link in document.page.links:
        place = resolved(document.path, link.target)
        if place is None or (rst and place.endswith(".html")):
            continue
        why = link_fault(document.path, link.target, repository.page, repository.exists)
        yield Claim(DocumentFault.LINK, link.line, link.target, why, place if place in repository.files else "")


def check_markup(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield what reStructuredText names, and what docutils objects to."""
    if not is_restructured(document.path):
        return
    substituted = any(map(_SETTING.search, repository.sphinx.values()))
    for fault in document.page.faults:
        known = not (substituted and "substitution" in fault.why.lower())
        yield Claim(DocumentFault.MARKUP, fault.line, fault.text, fault.why, known=known)
    for file in document.page.files:
        yield _file(document, file, repository)
    for role in document.page.roles:
        if role.role == "ref":
            yield _label(role, repository)
        elif role.role in {"doc", "download"}:
            yield _file(document, role, repository)


def check_roles(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield every symbol of Python that reStructuredText points to."""
    for role in document.page.roles:
        if role.role.removeprefix("py:") in _PYTHON_ROLES and (claim := _symbol(role, repository)):
            yield claim


def _file(document: Document, one: RoleText, repository: Repository) -> Claim:
    """A document without its suffix, or a file: from the document, from the root of the documentation, or from the top."""
    if re.match(r"\w+://|data:", one.target):
        return Claim(DocumentFault.LINK, one.line, one.target, known=False)
    bare = one.role in {"doc", "toctree"}
    suffixes = ("", ".rst", ".md", ".ipynb", ".txt") if bare else ("",)
    roots = [dirname(document.path), *repository.documentation]
    starts = repository.documentation or ["."] if one.target.startswith("/") else roots
    places = [normpath(f"{start or '.'}/{one.target.lstrip('/')}{suffix}") for start in starts for suffix in suffixes]
    # That git would ignore a guessed name, such as any notebook, does not say that something makes it.
    asked = places[:: len(suffixes)]
    place = next(
        (path for path in places if path in repository.files or (path in asked and repository.exists(path))), ""
    )
    why = "" if place else f"there is no {places[0]}{nearest(places[0], repository.files, 0.7)}"
    made = any("autosummary" in text or "apidoc" in text for text in repository.sphinx.values())
    generated = made and _GENERATED.search(one.target) is not None
    return Claim(DocumentFault.LINK, one.line, one.target, why, place, known=not (bare and generated))


def _label(role: RoleText, repository: Repository) -> Claim:
    """A label of any document; one of another project's where the documentation links to some, unless nearly one of ours."""
    name = re.sub(r"\s+", " ", role.target.lower())
    labels = repository.labels | _GIVEN_LABELS
    why = "" if name in labels else f"no document has the label {role.target}{nearest(name, labels)}"
    settings = "\n".join(repository.sphinx.values())
    elsewhere = ":" in name or "autosectionlabel" in settings
    elsewhere = elsewhere or ("intersphinx_mapping" in settings and not nearest(name, labels))
    return Claim(DocumentFault.LINK, role.line, role.target, why, known=not why or not elsewhere)


def _symbol(role: RoleText, repository: Repository) -> Claim | None:
    """A symbol of Python: as it stands, or in the module that the document is about."""
    name = role.target.rstrip("()")
    if not re.fullmatch(r"[A-Za-z_][\w.]*", name) or not repository.code.complete:
        return None
    api = repository.code.python
    within = [f"{role.module}.{name}"] if role.module and name not in api else []
    found = [one for dotted in (*within, name) if "." in dotted and (one := of_dotted(dotted, api))]
    if not found:
        # The default role may show any word, or several of a kind.
        shown = not role.role and named(name) and name.removesuffix("s") not in repository.code.words
        return of_symbol(role.line, role.target, name, repository) if shown else None
    why, path, known = next((one for one in found if not one[0]), found[-1])
    if role.role == "auto":
        path = ""  # what is written from the code does not fall behind it
    # A bare word may be another project's.
    return Claim(DocumentFault.SYMBOL, role.line, role.target, why, path, known and ("." in name or not why))
