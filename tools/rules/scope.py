"""Which paths a list of globs covers. Linear in the path, whatever the pattern: path names come from the agent."""

from __future__ import annotations

import re
from collections.abc import Sequence


class Scope:
    """An ordered list of globs anchored at the repository root.

    `*`, `?` and `[..]` stay within one folder, `**` crosses them, braces nest, names with a leading dot are
    ordinary, a path without wildcards covers its subtree, and of the globs that match, the last one decides:
    `!` takes a path out again.
    """

    def __init__(self, globs: Sequence[str], ignore_case: bool = False) -> None:
        flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
        self._rules = [(not glob.startswith("!"), re.compile(_expression(glob), flags)) for glob in globs]

    def matches(self, path: str) -> bool:
        """Whether a path, relative to the root and with `/`, is covered."""
        return next((included for included, rule in reversed(self._rules) if rule.fullmatch(path)), False)


def check_glob(glob: str) -> str:
    """What is wrong with a glob; empty when it can be used."""
    body = _normal(glob)
    if not glob.strip("!/. ") and glob not in {".", "./"}:
        return "an empty glob"
    if ".." in body.split("/"):
        return "`..` leads out of the repository"
    if "\\" in glob:
        return "write `/` between folders"
    if body.count("{") != body.count("}"):
        return "a brace is not closed"
    try:
        re.compile(_expression(glob))
    except re.error as error:
        return f"not a glob: {error}"
    return ""


def _normal(glob: str) -> str:
    body = glob.removeprefix("!")
    while body.startswith(("./", "/")):
        body = body.removeprefix("./").removeprefix("/")
    return "" if body == "." else body


def _expression(glob: str) -> str:
    body = _normal(glob)
    if not body:
        return ".*"
    alternatives = "|".join(_path_expression(choice) for choice in _braces(body))
    return f"(?:{alternatives})"


def _path_expression(path: str) -> str:
    subtree = path.endswith("/") or not re.search(r"[*?\[]", path.rstrip("/").rpartition("/")[2])
    body = _segments(path.rstrip("/").split("/"))
    return f"{body}(?:/.*)?" if subtree else body


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
    """One folder or file name. Text before a `*` commits to its first place, for the same reason as above."""
    runs = [_run(part) for part in re.split(r"\*+", name)]
    if len(runs) == 1:
        return runs[0]
    middle = "".join(f"(?>[^/]*?{run})" for run in runs[1:-1] if run)
    dots = "" if name.strip("*") else "(?=[^/])"
    return f"{runs[0]}{middle}{dots}[^/]*{runs[-1]}"


def _run(text: str) -> str:
    """Characters, `?` and `[..]` without a star."""
    out, place = [], 0
    while place < len(text):
        if text[place] == "?":
            out.append("[^/]")
        elif text[place] == "[" and (end := text.find("]", place + 2)) > 0:
            out.append(_class(text[place + 1 : end]))
            place = end
        else:
            out.append(re.escape(text[place]))
        place += 1
    return "".join(out)


def _class(body: str) -> str:
    negated = body.startswith(("!", "^"))
    listed = re.sub(r"([\\\[\]&~|^])", r"\\\1", body[1:] if negated else body)
    return f"(?!/)[^{listed}]" if negated else f"(?!/)[{listed}]"


def _braces(text: str) -> list[str]:
    """Every choice that nested `{a,b}` stand for."""
    start = text.find("{")
    if start < 0:
        return [text]
    choices, end = _choices(text, start)
    if end < 0:
        return [text]
    return [
        text[:start] + choice + rest for part in choices for choice in _braces(part) for rest in _braces(text[end:])
    ]


def _choices(text: str, start: int) -> tuple[list[str], int]:
    """The parts of the brace that opens at `start`, and the place behind it; -1 if it never closes."""
    depth, parts, begin = 0, [], start + 1
    for place in range(start, len(text)):
        if text[place] == "{":
            depth += 1
        elif text[place] == "," and depth == 1:
            parts.append(text[begin:place])
            begin = place + 1
        elif text[place] == "}":
            depth -= 1
            if depth == 0:
                return [*parts, text[begin:place]], place + 1
    return [], -1
