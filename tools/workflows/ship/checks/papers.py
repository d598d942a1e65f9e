"""What a paper needs: citations that are in the bibliography, and a part that says where its results end."""

from __future__ import annotations

import re

from .places import FoundPlace, Texts, lines_of

_CITED = re.compile(
    r"\\(?:[a-z]*cite[a-z]*\*?|nocite)(?:\[[^\]]*\])*\{(?P<tex>[^}]+)\}|(?<![\w@\\])@(?P<markdown>[A-Za-z][\w:.-]*\w)(?=[\];, ])"
)
_ENTRY = re.compile(r"@\w+\s*[{(]\s*(?P<key>[^,\s]+)\s*,|\\bibitem(?:\[[^\]]*\])?\{(?P<item>[^}]+)\}")
_LIMITS = re.compile(r"limitation|threats to validity|caveats|scope and limits", re.IGNORECASE)
_PAPER = (".tex", ".md", ".Rmd", ".qmd", ".rst")


def lost_citations(texts: Texts) -> tuple[FoundPlace, ...]:
    """Citations of keys that no bibliography here has; nothing where there is no bibliography."""
    known = {match["key"] or match["item"] for text in texts.values() for match in _ENTRY.finditer(text)}
    if not known:
        return ()
    papers = {path: text for path, text in texts.items() if path.endswith(_PAPER)}
    cited = ((line, match) for line in lines_of(papers) for match in _CITED.finditer(line.text))
    keys = ((line, key.strip()) for line, match in cited for key in (match["tex"] or match["markdown"]).split(","))
    return tuple(
        FoundPlace(line.path, line.number, f"cites {key}") for line, key in keys if key != "*" and key not in known
    )


def cites(texts: Texts) -> bool:
    """Whether anything is cited."""
    return any(_CITED.search(text) for path, text in texts.items() if path.endswith(_PAPER))


def tells_its_limits(texts: Texts) -> bool:
    """Whether a heading or a sentence speaks of limits."""
    return any(_LIMITS.search(text) for path, text in texts.items() if path.endswith(_PAPER))
