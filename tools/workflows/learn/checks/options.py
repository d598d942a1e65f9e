"""Options of the repository's own programs and scripts, in commands and in code spans, against those that the code declares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ....text.markdown import SHELLS
from ..codemap import is_document
from ..repository import Repository
from .claim import Claim, Document, DocumentFault, matches, nearest
from .commands import commands
from .programs import EVERYWHERE, WELL_KNOWN

_OPTION = re.compile(r"(--?)([A-Za-z][\w.-]*)(?:[= ].*)?")


_IN_PROSE = re.compile(r"(?<![\w`=/.*~-])--([a-z][\w-]+)(?![\w`])")


def check_options(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield every option that a document gives to a program or script of this repository, or names in a code span."""
    offered = repository.code.manifests
    declared = repository.options()
    for shown in commands(document, repository):
        if shown.program in offered.programs and not shown.program.startswith("npm"):
            yield from _of_command(shown.line, shown.words[1:], declared, shown.program)
        elif script := _script(document, shown.words, repository):
            word, path = script
            yield from _of_command(shown.line, _behind(shown.words, word), repository.options(path), path)
    for span in document.page.spans:
        match = _OPTION.fullmatch(span.text.strip())
        if match and match[1] == "--" and (offered.programs or _family(match[2], declared)) and declared:
            why = _unknown(match[2], declared)
            known = not why or not (
                _speaks_of_another(document.said(span.line), span.text, repository) or _shown(f"--{match[2]}", document)
            )
            yield Claim(DocumentFault.OPTION, span.line, f"--{match[2]}", why, known=known)
    for line, match in matches(_IN_PROSE, document) if offered.programs else ():
        why = _unknown(match[1], declared)
        if any(match[0] in span.text for span in document.page.spans):
            continue
        if "there is" in why or (declared and not why):  # another word may be another project's
            other = _speaks_of_another(document.said(line), match[0], repository)
            yield Claim(DocumentFault.OPTION, line, match[0], why, known=not (why and other))


def _of_command(line: int, words: Sequence[str], declared: frozenset[str], program: str) -> Iterator[Claim]:
    for word in words:
        if word == "--":
            return
        match = _OPTION.fullmatch(word)
        clustered = match and match[1] == "-" and set(match[2]) <= declared
        if match and declared and not clustered and (len(match[2]) > 1 or not _clusters(declared)):
            why = _unknown(match[2], declared)
            yield Claim(DocumentFault.OPTION, line, f"{program} {match[1]}{match[2]}", why)


def _family(name: str, declared: frozenset[str]) -> bool:
    """Return whether several declared options begin with the same word, as those of a plugin do."""
    first = name.partition("-")[0]
    return "-" in name and first != "no" and sum(one.startswith(f"{first}-") for one in declared) > 1


def _clusters(declared: frozenset[str]) -> bool:
    return any(len(name) == 1 for name in declared)


def _unknown(name: str, declared: frozenset[str]) -> str:
    """Return why an option is not declared; `--no-x` stands for `x`, and case and hyphens do not matter."""
    plain = _plain(name)
    names = {_plain(one) for one in declared}
    stars = [one.rstrip("*").rstrip(".") for one in names if one.endswith("*")]
    forms = {plain, plain.removeprefix("no"), f"no{plain}"}
    if (
        forms & names
        or name in EVERYWHERE
        or name.isupper()
        or plain.partition(".")[0] in stars
        or plain.partition(".")[0] in names
    ):
        return ""
    return f"no option {name} is declared{nearest(name, declared)}"


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def _script(document: Document, words: Sequence[str], repository: Repository) -> tuple[str, str] | None:
    """Return the word of a command that is a script of this repository, and its file."""
    if words[0] not in {"python", "python3", "node", "bash", "sh"} and "/" not in words[0]:
        return None
    for word in words[1:] if "/" not in words[0] else words[:1]:
        if word == "-m":
            name = next(iter(words[words.index("-m") + 1 :]), "")
            path = repository.code.python.module_path(name) if name in repository.code.python else ""
            return (name, path) if path else None
        if not word.startswith("-"):
            place = repository.place(document.path, word)
            return (word, place) if place in repository.code.texts and place and not is_document(place) else None
    return None


def _behind(words: Sequence[str], word: str) -> Sequence[str]:
    return words[list(words).index(word) + 1 :]


def _shown(option: str, document: Document) -> bool:
    """Return whether a document declares an option itself, in an example."""
    return any(option in block.text for block in document.page.blocks if block.language not in SHELLS)


_COMMON = frozenset("code time find open type less which make diff head just fly go sort node env".split())
"""Programs whose names are words."""


def _speaks_of_another(line: str, option: str, repository: Repository) -> bool:
    """Return whether the last program that a line names before an option, or right behind it, is another project's."""
    before, _, behind = line.partition(option)
    ours = repository.code.manifests.programs
    owner = re.match(r"`*\s+(?:option |flag )?(?:of|for|from) `*([\w.-]+)", behind)
    named = [word for word in re.findall(r"[A-Za-z][\w.-]*", before) if word.lower() in (WELL_KNOWN - _COMMON) | ours]
    last = owner[1] if owner else named[-1] if named else ""
    return last.lower() in WELL_KNOWN - _COMMON and last not in ours
