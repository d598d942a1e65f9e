"""What is looked for in texts: what should not be left in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ....text.masking import Masker
from .markup import prose
from .material import FileLine, FoundPlace, Texts, found, lines_of

ALLOWED = ("pragma: allowlist secret", "gitleaks:allow")
"""Marks by which detect-secrets and gitleaks let a line pass: whoever uses these has looked at it."""

_DOCUMENTED = re.compile(r"AKIAIOSFODNN7EXAMPLE|wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
"""What Amazon's own documents show as keys."""
NOTES = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
_CONFLICT = re.compile(r"^(?:<{7}|>{7}|\|{7})(?: .*)?$")
DEBUGGING = re.compile(
    r"^\s*(?:debugger;?\s*$|breakpoint\(\)|import i?pdb\b|(?:from|import) pudb\b|i?pdb\.set_trace\(|binding\.(?:pry|irb)\b"
    r"|dbg!\(|console\.(?:log|debug)\(|var_dump\(|dd\()|\b(?:describe|it|test|context)\.only\("
)
"""Debuggers, prints for debugging, and tests that switch the others off."""
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
PERHAPS, MARKED = ", perhaps", ", marked as none"
_UNSURE = frozenset({"[masked: assigned secret]", "[masked: password in a URL]", "[masked: authorization]"})


def conflicts(texts: Texts) -> tuple[FoundPlace, ...]:
    """Marks that a merge left behind. A row of `=` alone is none: it underlines titles."""
    return found(
        lines_of({path: text for path, text in texts.items() if "<<<<<<<" in text or ">>>>>>>" in text}), _CONFLICT
    )


def stand_ins(texts: Texts) -> tuple[FoundPlace, ...]:
    """Text that stands in for text, and pictures that stand in for pictures; code in Markdown is left out."""
    return found((line for path, text in texts.items() for line in prose(path, text)), _STANDS_IN)


def secrets(lines: Sequence[FileLine]) -> tuple[FoundPlace, ...]:
    """Lines with something that has the form of a credential; never the credential itself. A mark lets pass what only may be one."""
    mask = Masker({})
    shown = ((line, mask(_DOCUMENTED.sub("", line.text))) for line in lines)
    places = [
        (FoundPlace(line.path, line.number, _mark(line.text, masked)), any(mark in line.text for mark in ALLOWED))
        for line, masked in shown
        if masked.count("[masked:") > line.text.count("[masked:")
    ]
    sure = [(one, let) for one, let in places if not (let and (one.what in _UNSURE or one.what.endswith(PERHAPS)))]
    return tuple(replace(one, what=f"{one.what}{MARKED}") if let else one for one, let in sure)


def secrets_in(texts: Texts) -> tuple[FoundPlace, ...]:
    """Return the same in whole files; most files are done with one look."""
    mask = Masker({})
    return secrets([line for line in lines_of({path: text for path, text in texts.items() if mask(text) != text})])


def may_be_made_up(place: FoundPlace) -> bool:
    """Return whether this may be no secret: a plain word, what somebody marked, or in a test and told by what stands around it,
    not by a form that only keys have.
    """
    return place.what.endswith((PERHAPS, MARKED)) or bool(_TESTS.search(place.path) and place.what in _UNSURE)


def secret_files(paths: Iterable[str]) -> tuple[FoundPlace, ...]:
    """Files whose names say that they hold credentials."""
    return tuple(FoundPlace(path, 0, "is a file for credentials") for path in paths if _FILES.search(path))


def _mark(text: str, masked: str) -> str:
    """Return what stands in a secret's place. A plain word may be the name of something, as in `SECRET = "secret"`."""
    before, _, rest = masked.partition("[masked: ")
    name, _, after = rest.partition("]")
    plain = re.fullmatch(r"[a-z_-]+|[A-Z_-]+", text[len(before) : len(text) - len(after)])
    return f"[masked: {name}]{PERHAPS if plain else ''}"
