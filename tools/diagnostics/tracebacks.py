"""Tracebacks: which place in a project's own code a failing test leads to; and what Python's unittest prints."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .diagnostic import Diagnostic, Here, ReaderResult, ToolOutput, ToolRequest, Trouble, Unreadable

TEST_FILE = re.compile(
    r"(^|/)(tests?|specs?|__tests__|__snapshots__|testdata)/|(^|/)(test_[^/]*|conftest\.py)$|[._-](test|spec)\.\w+$|Tests?\.\w+$"
)
"""Files that hold tests, or what they are compared with, by their names."""
_FRAME = re.compile(
    r"^(?:E\s+)?\s*(?:File \"(?P<python>[^\"\n]{1,300})\", line (?P<at>\d{1,7})"
    r"|at (?:[^\n(]{1,200}\()?(?:file://)?(?P<script>[^\s():]{1,300}):(?P<row>\d{1,7}):\d{1,7}\)?$"
    r"|(?P<path>[\w./@+-]{1,300}\.\w{1,6}):(?P<line>\d{1,7})(?=:|\s|$))",
    re.MULTILINE,
)
_LONGEST = 20_000


def blamed(text: str, here: Here) -> str:
    """Return the innermost place of a traceback that is in the project and in no test, as `path:line`; empty without one.

    Python prints the innermost frame last, all others print it first.
    """
    found = []
    for match in _FRAME.finditer(text[-_LONGEST:]):
        path = here(match["python"] or match["script"] or match["path"])
        if path and not TEST_FILE.search(path):
            found.append(f"{path}:{match['at'] or match['row'] or match['line']}")
    return "" if not found else found[-1] if found[-1].partition(":")[0].endswith(".py") else found[0]


def first_line(text: str) -> str:
    """Return the first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "failed")


def reason(text: str) -> str:
    """Return the line that says why: the last one that pytest marks, else the first."""
    marked = [line[1:].strip() for line in text.splitlines() if re.match(r"E\s{2,}\S", line)]
    first = first_line(text)
    return marked[-1] if marked and first in {"collection failure", "failed"} else first


_BLOCK = re.compile(
    r"^={70}\n(FAIL|ERROR): (.+?)\n(?:.*\n)??-{70}\n(.*?)(?=^={70}$|^-{70}\nRan )", re.MULTILINE | re.DOTALL
)
_RAN = re.compile(r"^Ran (\d{1,7}) tests? in .*\n\n(.*)$", re.MULTILINE)
_SKIPPED = re.compile(r"\bskipped=(\d{1,7})")
_TEST = re.compile(r"(?P<method>\S+)(?: \((?P<place>[\w.]+)\))?")


def read_unittest(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """Return the tests that failed under `python -m unittest`, and how many ran.

    Raises:
        Unreadable: if it is not what unittest prints.
    """
    ran = list(_RAN.finditer(output.text))
    if not ran:
        raise Unreadable("no count of unittest")
    found = tuple(_failures(output.text, request))
    skipped = sum(int(number) for one in ran for number in _SKIPPED.findall(one[2]))
    lost = sum(one.trouble is Trouble.CRASH for one in found)
    return ReaderResult(found, sum(int(one[1]) for one in ran) - skipped - lost)


def _failures(text: str, request: ToolRequest) -> Iterator[Diagnostic]:
    for _, title, told in _BLOCK.findall(text):
        match = _TEST.match(title)
        method, place = (match["method"], match["place"] or "") if match else (title, "")
        lost = "_FailedTest" in place
        whole = method if lost or not place else place if place.endswith(f".{method}") else f"{place}.{method}"
        frames = [(request.here(one["python"]), int(one["at"])) for one in _FRAME.finditer(told) if one["python"]]
        path, line = next(((path, line) for path, line in reversed(frames) if TEST_FILE.search(path)), ("", 0))
        reasons = [
            line for line in told.splitlines() if re.match(r"\w[\w.]*(?:Error|Exception|Exit|Interrupt)\b", line)
        ]
        yield Diagnostic(
            trouble=Trouble.CRASH if lost else Trouble.TEST,
            tool=request.tool,
            name=whole,
            message=reasons[-1] if reasons else "failed",
            path=path,
            line=line,
            blames=blamed(told, request.here),
            hides=int(lost),
        )
