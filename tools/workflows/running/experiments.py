"""Whether a command can show anything of the project at all, by its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...lab.context import RepoContext
from ...process.screen import ONLY_READ
from ...process.shell import SimpleCommand, scripts

LARGEST_SCRIPT = 256 * 1024

_NO_OPS = frozenset("true false : echo printf exit return sleep cd export read pwd date ls seq env printenv".split())
"""Programs whose end says nothing of a project, whatever has become of it."""
_SAYS_NOTHING = ONLY_READ | _NO_OPS
"""Programs that fail or print words without running any code of a project."""
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh"})
_TRIED_BY_GIT = frozenset("push merge merge-tree rebase cherry-pick revert apply am archive bundle commit".split())
"""What git does that ships something, or can rehearse it."""
_PASSES_ON = frozenset("cat tee head tail sort uniq tr cut wc sed".split())
"""Programs that go well whatever is piped into them."""


def no_experiment(context: RepoContext, command: str) -> str:
    """Return why a command cannot show a fault of the project; empty where it may. What a script that it names holds counts,
    comments and prose do not.
    """
    programs = [part for script in scripts(command) for part in script if part.words]
    if all(one.name in _SAYS_NOTHING or (one.name in _SHELLS and "-c" in one.words) for one in programs):
        return "runs no code: it only says, ends or searches something. Run the code that is at fault, with an input"
    parts = {part for file in context.repo.tracked() for part in file.lower().split("/")}
    names = parts | {part.rpartition(".")[0] for part in parts}
    texts = [*_spoken(command, programs), *map(_code, scratch(context, programs).values())]
    text = "\n".join(texts).lower()
    if names.isdisjoint(re.findall(r"[\w-]+(?:\.\w+)*|\w+", f"{text} {text.replace('.', ' ')}")):
        return "names nothing of this repository. Name the file, module or test that it runs"
    return ""


def unheard(command: str, *, rehearses: bool = False) -> str:
    """Return why the exit status of a command says nothing; empty where it may. One that `rehearses` has to start more than what
    reads and compares.
    """
    programs = [part for script in scripts(command) for part in script if part.words]
    ends_badly = "!" not in command and any(_ends_badly(one) for one in programs)
    if not ends_badly and all(_is_no_op(one) or (rehearses and _only_reads(one)) for one in programs):
        return "starts nothing that could fail"
    parts = [part for part in scripts(command)[0] if part.words]
    if any(one.words[:1] == ("set",) and {"-e", "errexit", "-eu", "-euo"} & set(one.words) for one in parts):
        return ""
    start = max((place for place, one in enumerate(parts) if re.search(r"[;\n]|\|\|", one.before)), default=0)
    deciding = [one for one in parts[start:] if not one.after.endswith("|") or one.after.endswith("||")]
    excused = "||" in parts[start].before or not any(map(_ends_badly, parts))
    if excused and all(_goes_well(one) for one in deciding):
        return f"goes well whatever comes of `{parts[max(start - 1, 0)].name}`. Let it fail where that fails"
    return ""


def _is_no_op(one: SimpleCommand) -> bool:
    told = {"--version", "--help", "-V", "version", "help"} & set(one.words[1:2])
    return one.name in _NO_OPS or bool(told) or (one.name in _SHELLS and "-c" in one.words)


def _ends_badly(one: SimpleCommand) -> bool:
    return one.name == "false" or (one.name in {"exit", "return"} and not _goes_well(one))


def _only_reads(one: SimpleCommand) -> bool:
    return one.name in ONLY_READ - {"curl"} and not (one.name == "git" and _TRIED_BY_GIT & set(one.words))


def _goes_well(one: SimpleCommand) -> bool:
    """Tell whether a program ends with exit 0 in any case."""
    if one.name in _SHELLS and "-c" in one.words:
        return bool(unheard(" ".join(one.words[one.words.index("-c") + 1 :][:1])))
    if one.name in {"exit", "return"}:
        return one.words[1:] == ("0",)
    return one.name != "false" and (_is_no_op(one) or (one.piped and one.name in _PASSES_ON))


def scratch(context: RepoContext, programs: Sequence[SimpleCommand]) -> dict[str, str]:
    """Return the scripts elsewhere that a command names, with their text."""
    words = {word for one in programs for word in one.words[1:] if word.startswith("/")}
    files = {word: Path(word) for word in sorted(words) if not Path(word).is_relative_to(context.repo.root)}
    there = {word: file for word, file in files.items() if file.is_file() and file.stat().st_size <= LARGEST_SCRIPT}
    return {word: file.read_text("utf-8", "replace") for word, file in there.items()}


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
