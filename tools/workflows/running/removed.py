"""Whether code that showed a fault is there no more: neither where it stood, nor moved, nor written otherwise."""

from __future__ import annotations

from ...lab.context import RepoContext
from .stand_ins import CitedCode, words_around, words_of
from .trials import text_at

STILL_THERE = 0.5
"""Share of the words of a function or file that no other of its kind may have."""


def removed(context: RepoContext, commit: str, path: str, quote: str, near: int) -> bool:
    """Tell whether the function (in Python) or the file in which a quote stood at a commit is gone: no function or file of its
    kind that git has at HEAD holds half of its words. What looks like it stays open.
    """
    repo, ending = context.repo, path.rpartition(".")[2]
    code = CitedCode(path, text_at(context, commit, path), quote, near)
    if not code.line:
        return False
    words = words_around(code)
    alike = [one for one in repo.tracked() if one.rpartition(".")[2] == ending]
    now = ((name, data.decode("utf-8", "replace")) for name, data in repo.contents(repo.head(), alike).items())
    there = (part for name, text in now for part in words_of(name, text))
    return bool(words) and not any(len(words & part) >= STILL_THERE * len(words) for part in there)
