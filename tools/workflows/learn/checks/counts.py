"""Numbers of things that a document gives: of files in a folder, of lines in a file, of what a manifest lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import dirname, normpath

from ..codemap import language_of
from ..repository import Repository
from .claim import Claim, Document, DocumentFault, matches

_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty".split()
)
_NUMBER = rf"(?<![\w.,$-])(?P<number>\d{{1,6}}|{'|'.join(_WORDS[2:])})"
_THINGS = (
    r"(?P<kind>(?:[\w.*`-]+ ){0,2}?(?:files?|modules?|packages?|tests|scripts|workflows|plugins|commands|documents|pages|examples|"
    r"drivers|components|tools|benchmarks|templates|migrations|folders|directories|dockerfiles|fixtures|handlers|models|routes))"
)
_TICKS = r"`{0,2}(?P<{0}>\.?[\w@/+-]+(?:\.[\w@/+-]+)*/?)`{0,2}"
_IN_FOLDER = re.compile(
    rf"{_NUMBER}\s+{_THINGS}(?:\s+(?:named|called|like|matching)\s+`+(?P<glob>[^`\s]+)`+)?[^.!?\n`]{{0,30}}?\s+"
    rf"(?:in|under|inside|within)\s+(?:the\s+)?(?:folder\s+|directory\s+)?{_TICKS.replace('{0}', 'folder')}",
    re.IGNORECASE,
)
_HOLDS = re.compile(
    rf"{_TICKS.replace('{0}', 'folder')}\s+(?:has|holds|contains|consists of)\s+{_NUMBER}\s+{_THINGS}", re.IGNORECASE
)
_LONG = re.compile(
    rf"{_TICKS.replace('{0}', 'file')}(?:\s+(?:has|is|with|of)\s+|\s*\(){_NUMBER}\s+lines", re.IGNORECASE
)
_LISTED = re.compile(
    rf"{_NUMBER}\s+(?:(?:runtime|direct|required|console|optional)\s+)?(?P<kind>dependencies|executables|binaries|entry points|"
    r"console scripts|extras|(?:npm|package) scripts|peer dependencies|dev(?:elopment)? dependencies|make(?:file)? targets|"
    r"(?:tox )environments)\b",
    re.IGNORECASE,
)
_SAME = {
    "binaries": "executables",
    "entry points": "executables",
    "console scripts": "executables",
    "npm scripts": "scripts",
    "package scripts": "scripts",
    "development dependencies": "dev dependencies",
}
_ROUGH = re.compile(
    r"(?:about|around|over|more than|at least|up to|nearly|almost|some|roughly|than|~|≈|>|<)\s*$", re.IGNORECASE
)


def check_counts(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield every number of things that can be counted; one that is said to be rough is none."""
    if not repository.code.complete:
        return
    for pattern in (_IN_FOLDER, _HOLDS):
        for line, match in matches(pattern, document):
            place = repository.place(document.path, match["folder"])
            glob = match["glob"] if "glob" in match.groupdict() else None
            if place is not None and place in repository.folders and not _rough(document, match):
                yield _counted(line, match, _files(place, glob or "", match["kind"], repository), place)
    for line, match in matches(_LONG, document):
        place = repository.place(document.path, match["file"])
        if place and place in repository.code.texts and not _rough(document, match):
            yield _counted(line, match, {"lines": repository.code.lines(place)}, place)
    for line, match in matches(_LISTED, document):
        counted = _offered(match["kind"].lower(), repository)
        if counted and not _rough(document, match):
            yield _counted(line, match, {counted[1]: counted[0]}, "")


def _rough(document: Document, match: re.Match[str]) -> bool:
    return _ROUGH.search(document.prose[: match.start("number")][-20:]) is not None


def _counted(line: int, match: re.Match[str], there: dict[str, int], path: str) -> Claim:
    word = match["number"].lower()
    number = _WORDS.index(word) if word in _WORDS else int(word)
    shown = ", ".join(f"{count} ({what})" for what, count in there.items())
    where = f"{path}: " if path else ""
    text = " ".join(match[0].split())[:120]
    skipped = document_line(match, line)
    return Claim(
        DocumentFault.COUNT, skipped, text, "" if number in there.values() else f"counted {where}{shown}", path
    )


def document_line(match: re.Match[str], line: int) -> int:
    """Return the line of the number itself."""
    return line + match[0].count("\n", 0, match.start("number") - match.start())


def _files(folder: str, glob: str, kind: str, repository: Repository) -> dict[str, int]:
    """Return every number that may be meant by the files of a folder: those in it, below it, those of code, its folders."""
    inside = [path for path in repository.files if not folder or path.startswith(f"{folder}/")]
    if re.search(r"folders?$|director", kind):
        names = {one for one in repository.folders if one and dirname(one) == normpath(folder).removeprefix(".")}
        return {"folders": len(names)}
    if glob:
        pattern = re.compile(re.escape(glob.rpartition("/")[2]).replace(r"\*", "[^/]*"))
        inside = [path for path in inside if pattern.fullmatch(path.rpartition("/")[2])]
    near = [path for path in inside if dirname(path) == folder]
    found = {"files in it": len(near), "with those below": len(inside)}
    if not glob:
        suffixes = {path.rpartition(".")[2] for path in near}
        found |= {f".{suffix}": sum(path.endswith(f".{suffix}") for path in near) for suffix in sorted(suffixes)}
        code = [path for path in near if language_of(path) not in {"", "markdown"}]
        found["of code"] = len(code)
        plain = [path for path in code if not path.rpartition("/")[2].startswith("_")]
        found["of code without those that begin with _"] = len(plain)
        found["folders"] = len(
            {path.removeprefix(f"{folder}/").partition("/")[0] for path in inside}
            - {p.rpartition("/")[2] for p in near}
        )
    return {what: count for what, count in found.items() if count} or {"files": 0}


def _offered(kind: str, repository: Repository) -> tuple[int, str] | None:
    """Return how many of something the outermost manifest lists, and what counts; None where it lists none."""
    offered = repository.code.manifests
    if kind.endswith("targets"):
        return (len(offered.targets), "targets of makefiles") if offered.targets else None
    if kind.endswith("environments"):
        return (len(offered.tox), "environments of tox") if offered.tox else None
    name = _SAME.get(kind, kind)
    if name not in offered.counts:
        return None
    count, file = offered.counts[name]
    return count, f"{name} in {file}"
