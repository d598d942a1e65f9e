"""Blocks of Go and of TypeScript or JavaScript: whether what they import from this repository, call and set of it is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from ..code_text import blanked, closing, wrong_bracket
from ..foreign import ForeignNames, GoPackage, ScriptPackage, arguments
from ..repository import Repository
from .claim import Claim, Document, DocumentFault, blocks, nearest

_GO = ("go", "golang")
_SCRIPTS = ("ts", "typescript", "js", "javascript", "mjs", "mts")
_GO_IMPORT = re.compile(r"^\s*(?:import\s+)?(?:(\w+|\.)\s+)?\"([^\"\s]+)\"\s*$", re.MULTILINE)
_GO_STEP = re.compile(
    r"(?:\b(?P<made>\w+)(?:, *\w+)* *:?= *&?)?(?<![\w.\"/])(?P<head>[A-Za-z_]\w*)\.(?P<name>[A-Z]\w*)"
    r"|(?<=[(,]) *(?P<parameter>\w+) \*?(?:(?P<of>\w+)\.)?(?P<kind>\w+) *(?=[,)])"
)
_GO_CHAINED = re.compile(r"\s*\.\s*([A-Z]\w*)")
_GO_ASSIGNED = re.compile(r"\b(\w+(?:, *\w+)*) *:=|\bvar (\w+)|[(,] *(\w+) \*?[\w.]+ *(?=[,)])")
"""Names that a piece of code gives to something itself."""
_GO_LITERAL = re.compile(r"\b(\w+)\.([A-Z]\w*)\{")
_KEY = re.compile(r"[()\[\]{}]|(?<![\w.\"])([A-Za-z_]\w*)\s*:(?![:=])")
_IMPORTED = re.compile(r"\bimport\s+(?:type\s+)?(?:([\w$]+)\s*,?\s*)?(?:\{([^}]*)\}\s*)?from\s*['\"]([^'\"]+)['\"]")
_REQUIRED = re.compile(r"\b(?:const|let|var)\s*()\{([^}]*)\}\s*=\s*require\(\s*['\"]([^'\"]+)['\"]")
_MEMBER = re.compile(r"(?<![\w.$])([A-Za-z_$][\w$]*)\.([A-Za-z_$][\w$]*)")
_NEW = re.compile(r"\b(?:const|let|var)\s+([\w$]+)\s*=\s*(?:new\s+([\w$]+)\b)?")
_PREFIX = re.compile(r"^(?:max|min|default|initial|use|no|is|set)(?=[A-Z])")
_CAMEL = re.compile(r"[a-z]+(?:[A-Z][a-z]+)+")


Made = tuple[GoPackage, str]
"""An object that a package of this module made: the package, and its type."""


def check_go(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield every import of this module's packages, and every name that is asked of them or of what they return."""
    module, foreign = repository.code.manifests.go_module, repository.foreign
    # A piece of code needs no import of what the document is about.
    bound = {package.name: package for package in foreign.go.values() if not package.folder and package.name != "main"}
    made: dict[str, Made] = {}
    for block in blocks(document, _GO):
        if fault := wrong_bracket(block.text):
            yield _fault(document, block.line, fault, "Go")
        for at, text in enumerate(block.text.split("\n")):
            match = _GO_IMPORT.match(text)
            if match:
                made.pop(match[1] or match[2].rpartition("/")[2], None)
            if not match or not module or not (match[2] == module or match[2].startswith(f"{module}/")):
                continue
            folder = match[2].removeprefix(module).strip("/")
            package = foreign.go.get(folder)
            known = package is not None or folder not in repository.folders
            why = "" if package else f"there is no package in {folder}" + nearest(folder, foreign.go)
            yield Claim(DocumentFault.IMPORT, block.line + at, match[2], why, folder if package else "", known)
            if package:
                bound[match[1] or package.name] = package
        plain = blanked(block.text)
        taken = {name for names in _GO_ASSIGNED.findall(plain) for name in re.split(r"\W+", "".join(names))}
        here = {name: one for name, one in bound.items() if name not in taken}
        yield from _selected(block.line, plain, here, made)
        yield from _literals(block.line, plain, here)


def _fault(document: Document, first: int, fault: tuple[int, str], language: str) -> Claim:
    line = first + fault[0] - 1
    return Claim(DocumentFault.SYNTAX, line, document.said(line).strip()[:80], f"it is no {language}: {fault[1]}")


def _selected(first: int, plain: str, bound: Mapping[str, GoPackage], made: dict[str, Made]) -> Iterator[Claim]:
    """Yield what is asked of packages and of what they made; `made` goes on from block to block."""
    for match in _GO_STEP.finditer(plain):
        line = first + plain.count("\n", 0, match.end() - 1)
        if match["parameter"]:
            package = bound.get(match["of"] or "")
            made.pop(match["parameter"], None)
            if package and match["kind"] in package.members:
                made[match["parameter"]] = (package, match["kind"])
            continue
        head, name, kind = match["head"], match["name"], ""
        if head in made:
            package, kind = made[head]
            yield _lacks(line, f"{head}.{name}", made[head], name)
            kind = package.returns.get(f"{kind}.{name}", "")
        elif head in bound:
            package = bound[head]
            names = package.names | set(package.members)
            why = "" if name in names else f"the package {package.name} has no {name}{nearest(name, names)}"
            yield Claim(DocumentFault.SYMBOL, line, f"{head}.{name}", why, package.folder)
            yield from _called(line, plain.split("\n")[line - first], head, name, package)
            kind = name if name in package.members else package.returns.get(name, "")
        else:
            package = None
        end = match.end()
        while package and kind in package.members and plain[end : end + 1] == "(":
            end = closing(plain, end) + 1
            follows = _GO_CHAINED.match(plain, end) if end else None
            if not follows:
                break
            line = first + plain.count("\n", 0, follows.start(1))
            yield _lacks(line, f"{kind}.{follows[1]}", (package, kind), follows[1])
            kind, end = package.returns.get(f"{kind}.{follows[1]}", ""), follows.end()
        if match["made"]:
            made.pop(match["made"], None)
            if package and kind:
                made[match["made"]] = (package, kind)


def _lacks(line: int, text: str, one: Made, name: str) -> Claim:
    """Return whether a type has a member."""
    package, kind = one
    why = "" if package.has(kind, name) else f"{kind} has no {name}{nearest(name, package.members.get(kind, ()))}"
    return Claim(DocumentFault.SYMBOL, line, text, why, package.folder, kind in package.members)


def _called(line: int, text: str, head: str, name: str, package: GoPackage) -> Iterator[Claim]:
    """Yield a call that stands on one line, against the number of arguments that the function takes."""
    takes = package.arity.get(name)
    found = re.search(rf"\b{head}\.{name}\(((?:[^()]|\([^()]*\))*)\)", text)
    if takes is not None and found:
        given = arguments(found[1])
        spread = any("..." in one or one.endswith(")") for one in given)
        why = "" if len(given) == takes or spread else f"{name} takes {takes} arguments, not {len(given)}"
        yield Claim(DocumentFault.SIGNATURE, line, " ".join(found[0].split()), why, package.folder)


def _literals(first: int, plain: str, bound: Mapping[str, GoPackage]) -> Iterator[Claim]:
    """Yield the fields that are set where a struct of a package is written out."""
    for match in _GO_LITERAL.finditer(plain):
        package, kind = bound.get(match[1]), match[2]
        if package and kind in package.embedded:
            for at, key in _keys(plain, match.end() - 1):
                why = "" if package.has(kind, key) else f"{kind} has no {key}{nearest(key, package.members[kind])}"
                yield Claim(
                    DocumentFault.OPTION, first + plain.count("\n", 0, at), f"{kind}.{key}", why, package.folder
                )


def _keys(plain: str, opening: int) -> Iterator[tuple[int, str]]:
    """Yield the keys of a bracket, those within further brackets aside, each with its place."""
    depth = 0
    for match in _KEY.finditer(plain, opening):
        if match[1]:
            if depth == 1:
                yield match.start(), match[1]
            continue
        depth += 1 if match[0] in "([{" else -1
        if not depth:
            return


def check_scripts(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield every name that TypeScript or JavaScript imports from a package of this repository, what is asked of it, and the
    options that it is given.
    """
    foreign: ForeignNames = repository.foreign
    bound: dict[str, ScriptPackage] = {}
    instances: dict[str, tuple[ScriptPackage, str]] = {}
    for block in blocks(document, _SCRIPTS):
        if fault := wrong_bracket(block.text):
            yield _fault(document, block.line, fault, "JavaScript")
        for match in (*_IMPORTED.finditer(block.text), *_REQUIRED.finditer(block.text)):
            package = foreign.imported(match[3])
            if package is None:
                continue
            line = block.line + block.text.count("\n", 0, match.start())
            bound |= {match[1]: package} if match[1] else {}
            for word in (match[2] or "").split(","):
                name, _, other = re.sub(r"\s+as\s+|\s*:\s*", " ", word.strip().removeprefix("type ")).partition(" ")
                if re.fullmatch(r"[\w$]+", name):
                    bound[other.strip() or name] = package
                    why = (
                        ""
                        if name in package.exports
                        else f"{match[3]} exports no {name}{nearest(name, package.exports)}"
                    )
                    yield Claim(DocumentFault.IMPORT, line + _lines_to(match[2], word), f"import {name}", why)
        plain = blanked(block.text)
        for name, made in _NEW.findall(plain):
            instances.pop(name, None)
            if made in bound:
                instances[name] = (bound[made], made if made in bound[made].members else "default")
        for match in _MEMBER.finditer(plain):
            if claim := _asked(block.line + plain.count("\n", 0, match.start()), match[0], bound, instances):
                yield claim
        yield from _options(block.line, plain, bound)
    shown = [(one.line, one.text) for one in document.page.spans]
    for line, text in (*shown, *((one.line, one.text) for one in document.page.headings)):
        found = _MEMBER.match(text.strip())
        if found and not re.search(r"[^\w.$(){}?, ]", text) and (claim := _asked(line, found[0], bound, instances)):
            yield claim


def _asked(
    line: int, text: str, bound: Mapping[str, ScriptPackage], instances: Mapping[str, tuple[ScriptPackage, str]]
) -> Claim | None:
    """Return whether what is asked of an instance is a member of its class, and whether a name that is asked of something
    imported stands anywhere in the package's own code; None for anything else.
    """
    head, _, name = text.partition(".")
    package, made = instances.get(head) or (bound.get(head), "")
    if not package or (made and package.members.get(made) is None):
        return None
    there = package.members[made] or frozenset() if made else package.words
    owner = "what is given away" if made == "default" else made or package.name
    why = "" if name in there else f"{owner} has no {name}{nearest(name, there if made else package.properties)}"
    return Claim(DocumentFault.SYMBOL, line, text, why)


def _options(first: int, plain: str, bound: Mapping[str, ScriptPackage]) -> Iterator[Claim]:
    """Yield the options that a call of something imported is given, as far as they are spelled nearly like a property."""
    packages = {bound[name].name: bound[name] for name in bound if re.search(rf"(?<![\w.$]){re.escape(name)}\b", plain)}
    for package in packages.values():
        for match in _KEY.finditer(plain):
            key = match[1] or ""
            if _CAMEL.fullmatch(key) and key not in package.words:
                near = get_close_matches(key, [one for one in package.properties if one[0] == key[0]], 1, 0.75)
                near += [one for one in package.properties if _PREFIX.sub("", key).lower() == one.lower()]
                why = f"{package.name} knows no option {key}" + (f"; there is {near[0]}" if near else "")
                yield Claim(
                    DocumentFault.OPTION, first + plain.count("\n", 0, match.start()), key, why, known=bool(near)
                )


def _lines_to(names: str, word: str) -> int:
    """Return how many lines below the beginning of a list of names one of them stands."""
    lead = len(word) - len(word.lstrip())
    return names.count("\n", 0, names.index(word) + lead)
