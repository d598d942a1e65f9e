"""What is looked for in texts: what should not be left in them, and citations of what no bibliography has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ....text.masking import Masker
from .markup import HTML, prose
from .material import FileLine, FoundPlace, Texts, found, lines_of

ALLOWED = ("pragma: allowlist secret", "gitleaks:allow")
"""Marks by which detect-secrets and gitleaks let a line pass: whoever uses these has looked at it."""

_DOCUMENTED = re.compile(r"AKIAIOSFODNN7EXAMPLE|wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
"""What Amazon's own documents show as keys."""
_NOTES = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
_CONFLICT = re.compile(r"^(?:<{7}|>{7}|\|{7})(?: .*)?$")
_DEBUGGING = re.compile(
    r"^\s*(?:debugger;?\s*$|breakpoint\(\)|import i?pdb\b|(?:from|import) pudb\b|i?pdb\.set_trace\(|binding\.(?:pry|irb)\b"
    r"|dbg!\(|console\.(?:log|debug)\(|var_dump\(|dd\()|\b(?:describe|it|test|context)\.only\("
)
_STANDS_IN = re.compile(
    r"\blorem ipsum\b|\bdolor sit amet\b|\bTBD\b|\bTK TK\b|\bTKTK\b|\bCHANGE_?ME\b|\bPLACEHOLDER\b|\bX{4,}\b"
    r"|\[(?:your|insert|enter|company|customer|client|recipient|first|last|product|date|name)\b[^\]\n]{0,40}\](?![(\[:])"
    r"|<(?:your|insert)[ _-][^>\n]{1,40}>|\binsert [a-z ]{1,30} here\b"
    r"|(?:via\.placeholder\.com|placehold\.(?:co|it)|placekitten\.com|picsum\.photos|dummyimage\.com)",
    re.IGNORECASE,
)
_FILES = re.compile(
    r"(?:^|/)(?:\.env(?:\.(?:local|production|development|staging))?|id_(?:rsa|dsa|ecdsa|ed25519)|[^/]+\.(?:p12|pfx|jks|keystore)"
    r"|\.netrc|\.git-credentials|\.pypirc|credentials\.(?:json|ya?ml))$"
)


_TESTS = re.compile(
    r"(?:^|/)(?:tests?|specs?|__tests__|fixtures|testdata)/|(?:^|/)(?:test_|conftest)|[._-](?:test|spec)s?\.\w+$"
)
PERHAPS = ", perhaps"
_UNSURE = frozenset({"[masked: assigned secret]", "[masked: password in a URL]", "[masked: authorization]"})


def notes(lines: Iterable[FileLine]) -> tuple[FoundPlace, ...]:
    """Notes to oneself, such as TODO."""
    return found(lines, _NOTES)


def debugging(lines: Iterable[FileLine]) -> tuple[FoundPlace, ...]:
    """Debuggers, prints for debugging, and tests that switch the others off."""
    return found(lines, _DEBUGGING)


def conflicts(texts: Texts) -> tuple[FoundPlace, ...]:
    """Marks that a merge left behind. A row of `=` alone is none: it underlines titles."""
    return found(
        lines_of({path: text for path, text in texts.items() if "<<<<<<<" in text or ">>>>>>>" in text}), _CONFLICT
    )


def stand_ins(texts: Texts) -> tuple[FoundPlace, ...]:
    """Text that stands in for text, and pictures that stand in for pictures; code in Markdown is left out."""
    return found((line for path, text in texts.items() for line in prose(path, text)), _STANDS_IN)


def secrets(lines: Sequence[FileLine]) -> tuple[FoundPlace, ...]:
    """Lines with something that has the form of a credential; never the credential itself."""
    mask = Masker({})
    looked = [line for line in lines if not any(mark in line.text for mark in ALLOWED)]
    shown = ((line, mask(_DOCUMENTED.sub("", line.text))) for line in looked)
    return tuple(
        FoundPlace(line.path, line.number, _mark(line.text, masked))
        for line, masked in shown
        if masked.count("[masked:") > line.text.count("[masked:")
    )


def secrets_in(texts: Texts) -> tuple[FoundPlace, ...]:
    """Return the same in whole files; most files are done with one look."""
    mask = Masker({})
    return secrets([line for line in lines_of({path: text for path, text in texts.items() if mask(text) != text})])


def may_be_made_up(place: FoundPlace) -> bool:
    """Return whether this may be no secret: a plain word, or in a test and told by what stands around it, not by a form
    that only keys have.
    """
    return place.what.endswith(PERHAPS) or bool(_TESTS.search(place.path) and place.what in _UNSURE)


def allowed(lines: Iterable[FileLine]) -> int:
    """Return how many lines are marked as no secret."""
    return sum(any(mark in line.text for mark in ALLOWED) for line in lines)


def secret_files(paths: Iterable[str]) -> tuple[FoundPlace, ...]:
    """Files whose names say that they hold credentials."""
    return tuple(FoundPlace(path, 0, "is a file for credentials") for path in paths if _FILES.search(path))


def _mark(text: str, masked: str) -> str:
    """Return what stands in a secret's place. A plain word may be the name of something, as in `SECRET = "secret"`."""
    before, _, rest = masked.partition("[masked: ")
    name, _, after = rest.partition("]")
    plain = re.fullmatch(r"[a-z_-]+|[A-Z_-]+", text[len(before) : len(text) - len(after)])
    return f"[masked: {name}]{PERHAPS if plain else ''}"


_MOST = {"title": 60, "subject": 60, "description": 160}
"""Characters that search engines and mail programs show. Source of the last two: ancestor."""
_FIELD = re.compile(
    r"^(?P<field>title|subject|description):\s*(?P<said>.*)$|<(?P<tag>title)\b[^>]*>(?P<shown>[^<]*)"
    r"|<meta\s+name=[\"'](?P<meta>description)[\"']\s+content=(?P<quote>[\"'])(?P<content>.*?)(?P=quote)",
    re.IGNORECASE | re.MULTILINE,
)


def too_long(texts: Texts) -> tuple[FoundPlace, ...]:
    """Return titles, subjects and descriptions that are cut off where they are shown: of front matter, mails and HTML."""
    return tuple(place for path, text in texts.items() for place in _cut_off(path, text))


def _cut_off(path: str, text: str) -> Iterator[FoundPlace]:
    headed = text.startswith(("---\n", "+++\n")) or path.endswith((".eml", ".txt"))
    head = "\n\n" if path.endswith((".eml", ".txt")) else f"\n{text[:3]}\n"
    looked = text if path.endswith(HTML) else text.partition(head)[0] if headed else ""
    for match in _FIELD.finditer(looked):
        name = (match["field"] or match["tag"] or match["meta"]).lower()
        said = " ".join((match["said"] or match["shown"] or match["content"] or "").strip(" \"'").split())
        if len(said) > _MOST[name]:
            line = text[: match.start()].count("\n") + 1
            yield FoundPlace(path, line, f"{name} has {len(said)} characters, {_MOST[name]} are shown")


_CITED = re.compile(
    r"\\(?:[a-z]*cite[a-z]*\*?|nocite)(?:\[[^\]]*\])*\{(?P<tex>[^}]+)\}|(?<![\w@\\])@(?P<markdown>[A-Za-z][\w:.-]*\w)(?=[\];, ])"
)
_ENTRY = re.compile(r"@\w+\s*[{(]\s*(?P<key>[^,\s]+)\s*,|\\bibitem(?:\[[^\]]*\])?\{(?P<item>[^}]+)\}")
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
    """Return whether anything is cited."""
    return any(_CITED.search(text) for path, text in texts.items() if path.endswith(_PAPER))
