"""What code spans say is there: files, lines of files, symbols, and configuration keys.

What cannot be told from an ordinary word is not taken for a claim: a check that is often wrong is soon ignored.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches

from ....project.python_api import Lookup, PythonApi
from ....text.markdown import CodeText, resolved
from ..codemap import language_of, words_of
from ..repository import Repository
from .claim import Claim, Document, DocumentFault, blocks, nearest
from .programs import WELL_KNOWN

SUFFIXES = frozenset(
    "py pyi ipynb js jsx mjs cjs ts tsx vue svelte go rs java kt cs fs c h cc cpp hpp rb php sh bash ps1 sql html css scss "
    "json yaml yml toml ini cfg lock md rst txt csv tsv xml proto graphql tf png svg jpg gif".split()
)
_PATH = re.compile(
    r"(?!-)(?P<path>(?:\./)?[\w.@+-]+(?:/[\w.@+-]+)*/?)(?::(?:(?P<first>\d+)(?:-(?P<last>\d+))?|[A-Za-z_][\w.]*(?:\(\))?))?"
)
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_CALL = re.compile(r"(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\([^()]*\)")
_TYPED = re.compile(r"([A-Z]\w*) (?:chan|func|map|\*|\[\])\S*.*")
NAME = re.compile(r"_*[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+_*|[A-Z]?[a-z0-9]+(?:[A-Z][a-z0-9]+)+")
_KEY = re.compile(r"(?P<key>[A-Za-z_][\w.-]*)\s*=(?!=)\s*(?P<value>.*)")
_PLACEHOLDER = re.compile(r"[<>{}$*…]|\.\.\.|\bpath/to\b|\byour[-_]", re.IGNORECASE)
_CONFIG_LANGUAGES = ("toml", "ini", "cfg", "properties", "dotenv", "env")
_CONFIG_SUFFIXES = (".toml", ".ini", ".cfg", ".json", ".yaml", ".yml", ".env", ".properties", ".conf")
_MADE = re.compile(
    r"\b(?:generat|output|emit|produc|sav|export|download|your\b|e\.g\.|such as|like\b|example)\w*|\b(?:creates?|writes?|written)\b",
    re.IGNORECASE,
)
"""Words beside a file that say that it is made, or is the reader's."""
_GONE = re.compile(
    r"\bno\b.*\bfound\b|\bnot exist|\bno longer\b|\bremoved\b|\bdeleted\b|\brenamed\b|\bif present\b", re.IGNORECASE
)
"""Words beside a file that say that it is not there."""
_SETTING = re.compile(r"`* (?:option|property|parameter|setting|argument|field|hook|event)\b")
"""Words behind a name that say that it is one of ours to set."""
_STYLES = frozenset(
    "camelcase lowercamel uppercamel snake_case pascalcase screaming_snake_case upper_case easy_install".split()
)
_MADE_FOLDERS = frozenset("dist build out target coverage node_modules .venv venv site _build".split())
_DOCUMENT_NAME = re.compile(r"[A-Z][A-Z_-]+\.(?:md|rst|txt)")
_OTHERS = frozenset(
    "docker git github gitlab npm node aws gcp azure python pip pytest go java ci http https ssh pg mysql kubernetes xdg lc ld".split()
)
"""The first part of environment variables that are another program's."""

_CAMEL = frozenset("go typescript javascript java kotlin c# swift shell css".split())
"""Languages whose names are written with capitals, and not with underscores."""
_DOMAIN = re.compile(r"(?:[\w-]+\.)+(?:com|org|io|net|dev|app|ai|sh|co)")


def check_spans(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield what code spans say is there."""
    named = _files_by_line(document, repository)
    for span in document.page.spans:
        if claim := _of_span(document, span, repository, named):
            yield claim


def check_settings(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield the keys of blocks that show a configuration."""
    for block in blocks(document, _CONFIG_LANGUAGES):
        keys = [
            (block.line + at, match["key"])
            for at, text in enumerate(block.text.splitlines())
            if (match := _KEY.match(text.strip()))
        ]
        yield from (one for line, key in keys if (one := _of_key(line, f"{key} =", key, repository, "")))


def _of_span(document: Document, span: CodeText, repository: Repository, ours: Mapping[int, str]) -> Claim | None:
    """Return the claim that a code span makes, if it makes one; `ours` are files that its line names."""
    text = span.text.strip()
    if not text or _PLACEHOLDER.search(text):
        return None
    if (match := _PATH.fullmatch(text)) and (claim := _of_path(document, span.line, match, repository)):
        return claim
    if (match := _KEY.fullmatch(text)) and " " not in match["key"]:
        beside = ours.get(span.line, "")
        return _of_key(span.line, text, match["key"], repository, beside if beside.endswith(_CONFIG_SUFFIXES) else "")
    call, typed = _CALL.fullmatch(text.removeprefix(".")), _TYPED.fullmatch(text)
    name = named(text)
    if not name:
        return None
    if _DOMAIN.fullmatch(name) or name.lower() in _STYLES:
        return None
    # A heading of its own, or at the top a call or declaration, shows what the project gives away.
    heading = re.fullmatch(rf"#+ +`{re.escape(text)}`", document.said(span.line).strip()) is not None
    shown = heading or ((call or typed) is not None and "/" not in document.path)
    said = document.said(span.line).partition(span.text)[2]
    near = 0.68 if _SETTING.match(said) else 0.78
    claim = of_symbol(span.line, text, name, repository, beside=shown or span.line in ours, near=near)
    if claim and not claim.known and not name.isupper() and _in_company(document, span.line, name, repository):
        claim = of_symbol(span.line, text, name, repository, beside=True)
    if claim and claim.wrong and _is_the_documents(name, text, document):
        return replace(claim, known=False)
    return _called(claim, repository.code.python) if claim and call and not claim.why else claim


def _called(claim: Claim, api: PythonApi) -> Claim:
    """Return the claim of a call with what the code says to its arguments, of which a bare name may be that of a parameter; not to
    be told where it has some, and what it may have is not known.
    """
    try:
        node = ast.parse(claim.text.removeprefix("."), mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return replace(claim, known=False)
    if not isinstance(node, ast.Call) or not (node.args or node.keywords):
        return claim
    name, names = ast.unparse(node.func), [one.id for one in node.args if isinstance(one, ast.Name)]
    head, *rest = name.split(".")
    found = [api.find(name)] if name in api else [api.walked(owner, rest) for owner in api.tops.get(head, ())]
    takes = [known for one in found if not isinstance(one, Lookup) and (known := api.parameters(one))]
    if not takes or len(takes) < len(found) or any(isinstance(one, ast.Starred) for one in node.args):
        return replace(claim, known=False)
    objections, keys = [], [one.arg for one in node.keywords if one.arg]
    for one in takes:
        others = ("self" in names[:1]) + sum(given in one.named - set(one.positional) for given in names)
        objections.append(one.objection(len(node.args) - others, keys))
    why = f"{name} takes {objections[0]}" if all(objections) else ""
    return Claim(DocumentFault.SIGNATURE, claim.line, claim.text, why, claim.path) if why else claim


def named(text: str) -> str:
    """Return the name that a code span is, or calls or declares, without the dot of a method; empty where it is no name."""
    text = text.removeprefix(".")
    call, typed = _CALL.fullmatch(text), _TYPED.fullmatch(text)
    name = call["name"] if call else typed[1] if typed else text
    return name if call or typed or _DOTTED.fullmatch(name) or NAME.fullmatch(name) else ""


def _in_company(document: Document, line: int, name: str, repository: Repository) -> bool:
    """Return whether the paragraph or list in which a name stands names things of the code, and nothing else that is none."""
    first, last = line, line
    while document.said(first - 1).strip():
        first -= 1
    while document.said(last + 1).strip():
        last += 1
    spans = (span.text.strip() for span in document.page.spans if first <= span.line <= last)
    others = {named(text).rpartition(".")[2] for text in spans if "-" not in text} - {name, ""}
    return bool(others) and others <= repository.code.words


def _is_the_documents(name: str, text: str, document: Document) -> bool:
    """Return whether a document itself uses a name, in an example or as a part of something longer, or links with it to
    somewhere else.
    """
    word = re.compile(rf"\b{re.escape(name)}\b")
    shown = [one.text for one in document.page.blocks]
    shown += [one.text for one in document.page.spans if one.text.strip() != text]
    shown += [one.text for one in document.page.headings if one.text != text]
    shown += [one.text for one in document.page.links if resolved(document.path, one.target) is None]
    return any(map(word.search, shown))


def _of_path(document: Document, line: int, match: re.Match[str], repository: Repository) -> Claim | None:
    name = match["path"]
    place = repository.place(document.path, name)
    if place is None and not _meant_for_a_file(name, repository):
        return None
    if place is None:
        why = f"there is no {name}{nearest(name, repository.files, 0.85)}"
        return Claim(DocumentFault.FILE, line, match[0], why, known=not _is_made(name, document.said(line), repository))
    if place in repository.folders and "/" not in name:
        return None  # `docs` may be any word
    if match["first"] and place in repository.code.texts:
        last, there = int(match["last"] or match["first"]), repository.code.lines(place)
        why = f"{place} has {there} lines" if last > there else ""
        return Claim(DocumentFault.LINE, line, match[0], why, place)
    return Claim(DocumentFault.FILE, line, match[0], path=place)


def _is_made(name: str, words: str, repository: Repository) -> bool:
    """Return whether a file that is not there may be one that something makes, or one of the reader's own."""
    plain = name.removeprefix("./")
    first = plain.partition("/")[0]
    hidden = first.startswith(".") and first not in repository.folders
    before = words.partition(name)[0]
    bare = "/" not in plain and not _DOCUMENT_NAME.fullmatch(plain)
    if bare and not get_close_matches(plain, repository.by_name, 1, 0.8):
        return True  # perhaps one of an example
    made = (
        hidden
        or first in _MADE_FOLDERS
        or _GONE.search(words) is not None
        or _MADE.search(re.sub(r"`[^`]*`", "", before)) is not None
    )
    return made or (name.endswith("/") and repository.spelled(plain.rstrip("/")))


def _meant_for_a_file(name: str, repository: Repository) -> bool:
    """Return whether a name that nothing bears was meant for a file or folder of this repository.

    One that code spells out may be an attribute (`answer.json`) or a file that the code writes.
    """
    plain = name.removeprefix("./")
    first, _, rest = plain.partition("/")
    here = bool(rest) and first in repository.folders
    stem, _, suffix = plain.rpartition("/")[2].rpartition(".")
    if stem and suffix in SUFFIXES:
        return here or _DOCUMENT_NAME.fullmatch(plain) is not None or not repository.spelled(plain)
    near = get_close_matches(first, [folder for folder in repository.folders if "/" not in folder], 1, 0.8)
    return name.endswith("/") and (here or (not rest and bool(near)))


def of_symbol(
    line: int, text: str, name: str, repository: Repository, *, beside: bool = False, near: float = 0.78
) -> Claim | None:
    """Return whether a name is defined; None where it is none of this code's, or cannot be told from a word.

    A bare name that is not there, and nearly none that is, may be another project's, unless `beside` it stands a file of
    this one.
    """
    last, code = name.rpartition(".")[2], repository.code
    if not code.complete or hasattr(builtins, name.partition(".")[0]):
        return None
    if "." in name:
        found = of_dotted(name, code.python)
        if found is None and (go := repository.foreign.go_why_not(name)):
            found = (go[0], go[1], True)
        return Claim(DocumentFault.SYMBOL, line, text, found[0], found[1], found[2]) if found else None
    path = code.python.paths_by_name.get(last, "")
    there = bool(path) or last in code.words
    there = there or last.replace("_", "-") in code.words
    other = "" if there else _nearly(last, code.words, near)
    why = "" if there else f"nothing in the code is called {last}" + (f"; there is {other}" if other else "")
    sure = (bool(other) and not last.isupper()) or (beside and _is_native(last, repository))
    return Claim(DocumentFault.SYMBOL, line, text, why, path, there or (sure and not _names_another(last)))


def _nearly(name: str, words: Iterable[str], how: float) -> str:
    """Return a word of the code that a name may have been; empty where there is none. A word that merely stands in the name,
    or begins or ends with it, is none.
    """

    def may_be(word: str) -> bool:
        within = abs(len(name) - len(word)) > 2 and (word in name or name in word)
        return word.startswith(name[0]) and len(word) > 5 and not within

    return next(iter(get_close_matches(name, [*filter(may_be, words)], 1, how)), "")


def _is_native(name: str, repository: Repository) -> bool:
    """Return whether a name is spelled as names of the code's languages are, so that it may well have been one of theirs."""
    if name.isupper():
        return not _is_anothers(name)
    counted = Counter(language_of(path) for path in repository.code.sources if not path.endswith((".sql", ".sh")))
    return "_" not in name.strip("_") or not counted or counted.most_common(1)[0][0] not in _CAMEL


def _names_another(name: str) -> bool:
    """Return whether a program that everybody knows stands in a name."""
    return any(part.lower() in WELL_KNOWN and len(part) > 5 for part in name.split("_"))


def _is_anothers(name: str) -> bool:
    """Return whether an environment variable is one that another program reads."""
    return any(name.lower().startswith(one) for one in _OTHERS) or name.partition("_")[0].lower() in WELL_KNOWN


def of_dotted(name: str, api: PythonApi) -> tuple[str, str, bool] | None:
    """Return why a dotted name of Python is not defined (empty if it is), its file, and whether that can be told; None for
    a name that does not begin with a module or a class of this code.

    Of a name in a module at the top it cannot be told whether an object of that name is meant.
    """
    head, *rest = name.split(".")
    if name in api:
        found = api.find(name)
        if found is Lookup.MISSING:
            at, left = _as_far_as_it_goes(name, api)
            path = api.module_path(at)
            known = len(rest) > 1 or path.endswith("__init__.py") or rest[-1] not in api.words
            return f"{path or at} defines no {left}", path, known
        return "", "" if isinstance(found, Lookup) else api.path_of(found), not isinstance(found, Lookup)
    if owners := [one for one in api.tops.get(head, ()) if one.is_class]:
        walks = [api.walked(owner, rest) for owner in owners]
        fine = any(one is not Lookup.MISSING for one in walks)
        known = not fine or any(not isinstance(one, Lookup) for one in walks)
        path = api.path_of(owners[0])
        return ("" if fine else f"{head} in {path} has no {'.'.join(rest)}"), path, known
    return None


def _as_far_as_it_goes(name: str, api: PythonApi) -> tuple[str, str]:
    """Return the longest beginning of a dotted name that is defined, and the next part."""
    parts = name.split(".")
    depth = next((d for d in range(len(parts) - 1, 0, -1) if not isinstance(api.find(".".join(parts[:d])), Lookup)), 1)
    return ".".join(parts[:depth]), parts[depth]


def _of_key(line: int, text: str, key: str, repository: Repository, beside: str) -> Claim | None:
    """Return whether a setting is known: to the file that the same line names, else to any file that is no document."""
    if not repository.code.complete:
        return None
    last = key.rpartition(".")[2]
    if beside:
        there = last in words_of(repository.code.texts[beside])
        return Claim(DocumentFault.KEY, line, text, "" if there else f"{beside} has no {last}", beside)
    there = last in repository.code.words
    near = "" if there or len(last) < 8 else _nearly(last, repository.code.words, 0.85)
    why = "" if there else f"no file of the code knows the setting {last}" + (f"; there is {near}" if near else "")
    return Claim(DocumentFault.KEY, line, text, why, known=there or (bool(near) and not last.isupper()))


def _files_by_line(document: Document, repository: Repository) -> dict[int, str]:
    """Return the first file of code that each line of the document names, there or not."""
    found: dict[int, str] = {}
    for span in document.page.spans:
        match = _PATH.fullmatch(span.text.strip())
        place = repository.place(document.path, match["path"]) if match else None
        if place and place in repository.code.texts:
            found.setdefault(span.line, place)
        elif match and not place and "/" in match["path"] and _meant_for_a_file(match["path"], repository):
            found.setdefault(span.line, "")
    return found
