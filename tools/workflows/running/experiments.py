"""Whether a command can show anything at all, by its words."""

from __future__ import annotations

import re

from ...process.screen import ONLY_READ
from ...process.shell import SimpleCommand, scripts

_NO_OPS = frozenset("true false : echo printf exit return sleep cd export read pwd date ls seq env printenv".split())
"""Programs whose end says nothing of a project, whatever has become of it."""
_SAYS_NOTHING = ONLY_READ | _NO_OPS
"""Programs that fail or print words without running any code of a project."""
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh"})
_TRIED_BY_GIT = frozenset("push merge merge-tree rebase cherry-pick revert apply am archive bundle commit".split())
"""What git does that ships something, or can rehearse it."""
_PASSES_ON = frozenset("cat tee head tail sort uniq tr cut wc sed".split())
"""Programs that go well whatever is piped into them."""


def no_experiment(command: str) -> str:
    """Return why a command cannot show a fault of any code; empty where it may. Whether it does, its runs tell."""
    programs = [part for script in scripts(command) for part in script if part.words]
    if all(one.name in _SAYS_NOTHING or (one.name in _SHELLS and "-c" in one.words) for one in programs):
        return "runs no code: it only says, ends or searches something. Run the code that is at fault, with an input"
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
    if one.name in {"exit", "return"}:
        return one.words[1:] == ("0",)
    return one.name != "false" and (_is_no_op(one) or (one.piped and one.name in _PASSES_ON))
