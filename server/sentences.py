"""A sentence behind a prompt's name: clients cut it at its spaces, and here it becomes one again."""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping
from pathlib import Path

from ..prompts import Prompt
from ..tools.verbs.workflows import known_values

_PATH = re.compile(r".*[/*.{].*")
_NUMBER = re.compile(r"\d+(\.\d+)?%?")
_SWITCH = frozenset(("true", "false", "yes", "no", "on", "off"))


def whole(prompt: Prompt, given: Mapping[str, str], root: Path) -> dict[str, str]:
    """Return a prompt's arguments, joined into its goal (or its first argument) where they are one sentence that was cut.

    They are if they fill the first arguments in turn, a word each, and a word after the first is nothing that its argument
    takes: no path, number, switch or known value. Words in a form's own fields stay apart unless they look just like that.
    """
    values = [given.get(name, "").strip() for name in prompt.arguments]
    words = [value for value in values if value]
    in_turn = values[: len(words)] == words and len(words) > 1
    if not in_turn or any(re.search(r"\s", word) for word in words):
        return dict(given)
    rest = list(zip(prompt.arguments, words, strict=False))[1:]
    if all(_fits(prompt.name, name, word, root) for name, word in rest):
        return dict(given)
    return {"goal" if "goal" in prompt.arguments else next(iter(prompt.arguments)): " ".join(words)}


_MORE = "(as far as the client passed it on: where the person typed more behind the command, all of that is meant)"


def told(prompt: Prompt, given: Mapping[str, str], said: Mapping[str, str]) -> dict[str, str]:
    """Return the joined arguments as they are shown: clients drop the words for which a prompt has no argument left."""
    full = len(said) == 1 < len(given) == len(prompt.arguments)
    return {name: f"{value} {_MORE}" if full else value for name, value in said.items()}


def _fits(prompt: str, argument: str, word: str, root: Path) -> bool:
    known = known_values(prompt, argument)
    if known:
        return all(part in known for part in word.split(",") if part)
    if _PATH.fullmatch(word) or _NUMBER.fullmatch(word) or word.lower() in _SWITCH:
        return True
    return os.path.exists(root / word)  # also for a word that is too long for a file's name
