"""Which paths a list of globs covers. Linear in the path, whatever the pattern: path names come from the agent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby

_MOST_CHARACTERS = 2000
_MOST_CHOICES = 256
"""Twenty braces of two choices would be a million patterns."""

# `[..]` is one piece, in which a first `]`, braces and commas are ordinary.
_CLASS = r"\[[!^]?\]?[^\]/]*\]"
_BRACE_PIECES = re.compile(rf"{_CLASS}|[^\[\]{{}},]+|.", re.DOTALL)
_NAME_PIECES = re.compile(rf"{_CLASS}|\*+|.", re.DOTALL)
_CLASS_ITEMS = re.compile(r"(.)-(.)|(.)", re.DOTALL)
_ROOT = (".", "./")


class _BadGlob(ValueError):
    """Says what is wrong with a glob."""


class Scope:
    """An ordered list of globs anchored at the repository root.

    `*`, `?` and `[..]` stay within one folder, `**` crosses them, braces nest, names with a leading dot are
    ordinary, a path without wildcards in its last name covers its subtree, and of the globs that match, the last one
    decides: `!` takes a path out again. What `check_glob` refuses stands for the path of just that name.
    """

    def __init__(self, globs: Sequence[str], ignore_case: bool = False) -> None:
        self._rules = _rules(tuple(globs), ignore_case)

    def matches(self, path: str) -> bool:
        """Tell whether a path, relative to the root and with `/`, is covered."""
        return next((included for included, rule in self._rules if rule.fullmatch(path)), False)


@lru_cache(maxsize=128)
def _rules(globs: tuple[str, ...], ignore_case: bool) -> tuple[tuple[bool, re.Pattern[str]], ...]:
    """Compile the globs, the last first; neighbours that decide the same are one pattern."""
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    runs = groupby(reversed(globs), lambda glob: not glob.startswith("!"))
    return tuple(
        (included, re.compile("|".join(f"(?:{_tolerant(glob)})" for glob in run), flags)) for included, run in runs
    )


def literal_glob(path: str) -> str:
    """Return a path as a glob: globs know no escapes, so a character with a meaning becomes `?`, any one character."""
    return re.sub(r"[*?\[\]{}!\\]", "?", path)


def check_glob(glob: str) -> str:
    """Return what is wrong with a glob; empty when it can be used."""
    body = glob.removeprefix("!")
    if not body.strip():
        return "an empty glob"
    if "\\" in body:
        return "write `/` between folders"
    if re.match(r"~(?:/|$)|[A-Za-z]:/", body):
        return "a place on the machine; write the path from the repository root"
    try:
        re.compile(_expression(body))
    except _BadGlob as problem:
        return str(problem)
    except re.error as error:
        return f"not a glob: {error}"
    return ""


def _tolerant(glob: str) -> str:
    body = glob.removeprefix("!")
    try:
        re.compile(expression := _expression(body))
    except (_BadGlob, re.error):
        return re.escape(body)
    return expression


def _expression(body: str) -> str:
    return f"(?:{'|'.join(map(_path_expression, _choices(body)))})"


def _choices(body: str) -> list[str]:
    """Return every path that nested `{a,b}` stand for."""
    if len(body) > _MOST_CHARACTERS:
        raise _BadGlob(f"longer than {_MOST_CHARACTERS} characters; write several globs")
    outside: list[tuple[list[str], list[str]]] = []
    complete: list[str] = []
    current = [""]
    for piece in _BRACE_PIECES.findall(body):
        if piece == "{":
            outside.append((complete, current))
            complete, current = [], [""]
        elif piece == "," and outside:
            complete, current = complete + current, [""]
        elif piece == "}" and outside:
            inside = complete + current
            complete, current = outside.pop()
            current = _products(current, inside)
        else:
            current = [text + _closed(piece) for text in current]
    if outside:
        raise _BadGlob("a brace is not closed")
    return current


def _products(heads: list[str], tails: list[str]) -> list[str]:
    if len(heads) * len(tails) > _MOST_CHOICES:
        raise _BadGlob(f"its braces make more than {_MOST_CHOICES} paths; write several globs")
    return [head + tail for head in heads for tail in tails]


def _closed(piece: str) -> str:
    if piece in {"[", "}"}:
        raise _BadGlob("a bracket is not closed" if piece == "[" else "a brace is closed that was never opened")
    return piece


def _path_expression(path: str) -> str:
    names = [name for name in path.split("/") if name not in {"", "."}]
    if ".." in names:
        raise _BadGlob("`..` leads out of the repository")
    if not names and path not in _ROOT:
        raise _BadGlob("an empty glob")
    if not names:
        return ".*"
    subtree = path.endswith("/") or not re.search(r"[*?\[]", names[-1])
    return _segments(names) + ("(?:/.*)?" if subtree else "")


def _segments(names: Sequence[str]) -> str:
    """Translate path segments. `**` becomes a lazy run of folders inside an atomic group up to the next segment run.

    The first place where the segments between two `**` fit is as good as any later one, so an atomic group may
    commit to it; that is what keeps matching linear.
    """
    groups: list[list[str]] = [[]]
    for name in names:
        if name == "**":
            groups.append([])
        else:
            groups[-1].append(_segment(name))
    return _joined(["/".join(group) for group in groups])


def _joined(groups: list[str]) -> str:
    first, rest = groups[0], groups[1:]
    if not rest:
        return first
    head = f"{first}/" if first else ""
    middle = "".join(f"(?>(?:[^/]+/)*?{group}/)" for group in rest[:-1] if group)
    last = rest[-1]
    # The last run is tied to the end of the path, so it must be free to try every place.
    return f"{head}{middle}(?:.*/)?{last}" if last else f"{head}{middle}.+"


def _segment(name: str) -> str:
    """Translate one folder or file name. Text before a `*` commits to its first place, for the same reason as above."""
    runs = [""]
    for piece in _NAME_PIECES.findall(name):
        if piece[0] == "*":
            runs.append("")
        else:
            runs[-1] += _character(piece)
    if len(runs) == 1:
        return runs[0]
    middle = "".join(f"(?>[^/]*?{run})" for run in runs[1:-1])
    some = "" if name.strip("*") else "(?=[^/])"
    return f"{runs[0]}{middle}{some}[^/]*{runs[-1]}"


def _character(piece: str) -> str:
    if piece == "?":
        return "[^/]"
    return _class(piece[1:-1]) if len(piece) > 1 else re.escape(piece)


def _class(body: str) -> str:
    negated = body.startswith(("!", "^"))
    items = _CLASS_ITEMS.findall(body[1:] if negated else body)
    return f"(?!/)[{'^' if negated else ''}{''.join(_items(items))}]"


def _items(items: Iterable[tuple[str, str, str]]) -> Iterable[str]:
    for first, last, single in items:
        yield re.escape(single) if single else f"{re.escape(first)}-{re.escape(last)}"
