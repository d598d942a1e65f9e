"""Whether a command can show a fault of the project at all, by its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...lab.context import RepoContext
from ...process.screen import ONLY_READ
from ...process.shell import SimpleCommand, scripts

LARGEST_SCRIPT = 256 * 1024

_SAYS_NOTHING = ONLY_READ | frozenset({"false", ":", "exit", "return", "sleep", "cd", "export", "read"})
"""Programs that fail or print words without running any code of a project."""
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh"})


def no_experiment(context: RepoContext, command: str) -> str:
    """Return why a command cannot show a fault of the project; empty where it may. What a script that it names holds counts,
    comments and prose do not.
    """
    programs = [part for script in scripts(command) for part in script if part.words]
    if all(one.name in _SAYS_NOTHING or (one.name in _SHELLS and "-c" in one.words) for one in programs):
        return "runs no code: it only says, ends or searches something. Run the code that is at fault, with an input"
    parts = {part for file in context.repo.tracked() for part in file.lower().split("/")}
    names = parts | {part.rpartition(".")[0] for part in parts}
    texts = [*_spoken(command, programs), *map(_code, _scratch(context, programs))]
    text = "\n".join(texts).lower()
    if names.isdisjoint(re.findall(r"[\w-]+(?:\.\w+)*|\w+", f"{text} {text.replace('.', ' ')}")):
        return "names nothing of this repository. Name the file, module or test that it runs"
    return ""


def _scratch(context: RepoContext, programs: Sequence[SimpleCommand]) -> Iterator[str]:
    """Yield the text of the scripts elsewhere that a command names."""
    for word in (word for one in programs for word in one.words if word.startswith("/")):
        file = context.repo.root / word
        if file.is_file() and file.stat().st_size <= LARGEST_SCRIPT:
            yield file.read_text("utf-8", "replace")


def _spoken(command: str, programs: Sequence[SimpleCommand]) -> Iterator[str]:
    """Yield what a command tells its programs, without comments and prose in the code among it."""
    for one in programs:
        yield from one.assigned
        yield from (_code(word) if re.search(r"\s", word) else word for word in one.words)
    _, fed, here_document = command.partition("<<")
    if fed:
        yield _code(here_document)


def _code(text: str) -> str:
    """Return code without its comments, and without quoted text in which several words stand."""
    text = re.sub(r"\'{3}.*?\'{3}|\"{3}.*?\"{3}", " ", text, flags=re.DOTALL)
    text = re.sub(r"'[^'\n]*'|\"[^\"\n]*\"", lambda quoted: " " if re.search(r"\s", quoted[0]) else quoted[0], text)
    return re.sub(r"(?:^|(?<=\s))(?:#|//).*$", " ", text, flags=re.MULTILINE)
