"""Code of the family of C as text: without what its strings and comments say, and whether its brackets match."""

from __future__ import annotations

import re

_LITERAL = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?\*/)"
    r"|(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)"
    r"|(?<=[(,=:\[!&|?{};\n])(?P<space>[ \t]*)(?P<pattern>/(?![/*])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/)",
    re.DOTALL,
)
_CLOSES = {")": "(", "]": "[", "}": "{"}


def blanked(text: str, *, strings: bool = True) -> str:
    """Return code with spaces in place of its comments, and of what stands in its strings and patterns unless `strings` is
    false, so that every other letter is at its place.
    """

    def blank(match: re.Match[str]) -> str:
        whole = match[0]
        if match["comment"] is None and not strings:
            return whole
        empty = re.sub(r"[^\n]", " ", whole)
        return empty if match["comment"] is not None or len(whole) < 2 else f'"{empty[1:-1]}"'

    return _LITERAL.sub(blank, text)


def wrong_bracket(text: str) -> tuple[int, str] | None:
    """Return the line (from 1) of a bracket that is closed by one of another kind, or not before its statement ends, and why
    that is wrong; None without one.

    A piece of code may begin or break off anywhere, so what is not closed at its end, or was not opened, is no fault.
    """
    opened: list[tuple[str, int]] = []
    for match in re.finditer(r"(?:\bfor(?: await)?\s*)?[()\[\]{};]", blanked(text)):
        sign, line = match[0][-1], text.count("\n", 0, match.end()) + 1
        if sign in "([{":
            opened.append(("for" if match[0] != sign else sign, line))
        elif opened and (sign != ";" or opened[-1][0] in "(["):
            one, at = opened.pop()
            if sign == ";":
                return at, f"the bracket {one} is not closed"
            if one[0] not in (_CLOSES[sign], "f"):
                return at, f"the bracket {one} is closed by {sign}"
    return None


def closing(text: str, opening: int) -> int:
    """Return where the bracket that stands at a place is closed; -1 where it is not. The text is blanked."""
    depth = 0
    for match in re.compile(r"[()\[\]{}]").finditer(text, opening):
        depth += 1 if match[0] in "([{" else -1
        if not depth:
            return match.start()
    return -1
