"""Blocks of Go and of TypeScript or JavaScript: whether what they import from this repository, and call of it, is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from ..foreign import ForeignNames, GoPackage, arguments
from ..repository import Repository
from .claim import Claim, ClaimKind, Document, blocks

_GO_IMPORT = re.compile(r"^\s*(?:import\s+)?(?:(\w+|\.)\s+)?\"([^\"\s]+)\"\s*$", re.MULTILINE)
_GO_MADE = re.compile(r"(\w+)(?:, *\w+)* *:?= *&?(\w+)\.(\w+)\(?")
_GO_PARAMETER = re.compile(r"[(,] *(\w+) \*?[\w.]+ *(?=[,)])")
_GO_ASSIGNED = re.compile(rf"\b(\w+(?:, *\w+)*) *:=|\bvar (\w+)|{_GO_PARAMETER.pattern}")
"""Names that a piece of code gives to something itself."""
_SELECTED = re.compile(r"(?<![\w.\"/])([A-Za-z_]\w*)\.([A-Z]\w*)")
_STRING = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|`[^`]*`|//[^\n]*")
_IMPORTED = re.compile(r"\bimport\s+(?:type\s+)?(?:[\w$]+\s*,\s*)?\{([^}]*)\}\s*from\s*['\"]([^'\"]+)['\"]")
_REQUIRED = re.compile(r"\b(?:const|let|var)\s*\{([^}]*)\}\s*=\s*require\(\s*['\"]([^'\"]+)['\"]")
_VERSION = re.compile(r"/v\d+$")


def check_go(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield every import of this module's packages, and every name that is asked of them or of what they return."""
    module, foreign = repository.code.manifests.go_module, repository.foreign
    # A piece of code needs no import of what the document is about.
    bound = {package.name: package for package in foreign.go.values() if not package.folder and package.name != "main"}
    for block in blocks(document, ("go", "golang")):
        lines = block.text.split("\n")
        for at, text in enumerate(lines):
            match = _GO_IMPORT.match(text)
            if not match or not module or not (match[2] == module or match[2].startswith(f"{module}/")):
                continue
            folder = match[2].removeprefix(module).strip("/")
            package = foreign.go.get(folder)
            known = package is not None or folder not in repository.folders
            why = "" if package else f"there is no package in {folder}" + _near(folder, foreign.go)
            yield Claim(ClaimKind.IMPORT, block.line + at, match[2], why, folder if package else "", known)
            if package:
                bound[match[1] or package.name] = package
        taken = {name for names in _GO_ASSIGNED.findall(block.text) for name in re.split(r"\W+", "".join(names))}
        yield from _selected(block.line, lines, {name: one for name, one in bound.items() if name not in taken})


def _selected(first: int, lines: list[str], bound: dict[str, GoPackage]) -> Iterator[Claim]:
    made: dict[str, tuple[GoPackage, str]] = {}
    for at, text in enumerate(lines):
        plain = _STRING.sub('""', text)
        for name in _GO_PARAMETER.findall(plain) if "func" in plain else ():
            made.pop(name, None)
        for head, name in _SELECTED.findall(plain):
            if head in made:
                package, kind = made[head]
                near = _near(name, package.members.get(kind, ()))
                why = "" if package.has(kind, name) else f"{kind} has no {name}{near}"
                yield Claim(
                    ClaimKind.SYMBOL, first + at, f"{head}.{name}", why, package.folder, kind in package.members
                )
            elif head in bound:
                names = bound[head].names | set(bound[head].members)
                why = "" if name in names else f"the package {bound[head].name} has no {name}{_near(name, names)}"
                yield Claim(ClaimKind.SYMBOL, first + at, f"{head}.{name}", why, bound[head].folder)
                yield from _called(first + at, plain, head, name, bound[head])
        for name, head, function in _GO_MADE.findall(plain):
            made.pop(name, None)
            returned = bound[head].returns.get(function) if head in bound else None
            if returned:
                made[name] = (bound[head], returned)


def _called(line: int, text: str, head: str, name: str, package: GoPackage) -> Iterator[Claim]:
    """Yield a call that stands on one line, against the number of arguments that the function takes."""
    takes = package.arity.get(name)
    found = re.search(rf"\b{head}\.{name}\(((?:[^()]|\([^()]*\))*)\)", text)
    if takes is not None and found:
        given = arguments(found[1])
        spread = any("..." in one or one.endswith(")") for one in given)
        why = "" if len(given) == takes or spread else f"{name} takes {takes} arguments, not {len(given)}"
        yield Claim(ClaimKind.SIGNATURE, line, found[0], why, package.folder)


def check_scripts(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield every name that TypeScript or JavaScript imports from a package of this repository."""
    foreign: ForeignNames = repository.foreign
    for block in blocks(document, ("ts", "tsx", "typescript", "js", "jsx", "javascript", "mjs", "mts")):
        for pattern in (_IMPORTED, _REQUIRED):
            for match in pattern.finditer(block.text):
                exported = foreign.exported(match[2])
                line = block.line + block.text.count("\n", 0, match.start())
                for word in match[1].split(","):
                    name = next(iter(re.split(r"\s+as\s+|\s*:\s*", word.strip().removeprefix("type "))), "").strip()
                    if name and exported is not None and re.fullmatch(r"[\w$]+", name):
                        why = "" if name in exported else f"{match[2]} exports no {name}{_near(name, exported)}"
                        yield Claim(ClaimKind.IMPORT, line + _lines_to(match[1], word), f"import {name}", why)


def _lines_to(names: str, word: str) -> int:
    """Return how many lines below the beginning of a list of names one of them stands."""
    lead = len(word) - len(word.lstrip())
    return names.count("\n", 0, names.index(word) + lead)


def _near(name: str, names: object) -> str:
    near = get_close_matches(name, sorted(map(str, names)), 1, 0.6)  # type: ignore[call-overload]
    return f"; there is {near[0]}" if near else ""
