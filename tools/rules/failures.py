"""What kind of failure a command's end was, and what that means for the next try."""

from __future__ import annotations

import re
from enum import StrEnum


class FailureClass(StrEnum):
    """The classes of failure that call for different answers."""

    SYNTAX = "syntax"
    RUNTIME = "runtime"
    RESOURCE = "resource"
    HANG = "hang"
    EXTERNAL = "external"
    HOOK = "hook"


_KILLED = {-9, 137}
"""SIGKILL, as Python and as a shell report it: on Linux nearly always the out-of-memory killer."""

_RESOURCE = re.compile(
    r"out of memory|\bMemoryError\b|cannot allocate memory|std::bad_alloc|heap out of memory|OutOfMemoryError"
    r"|no space left on device|disk quota exceeded|too many open files|CUDA error: out of memory",
    re.IGNORECASE,
)
_SYNTAX = re.compile(
    r"^\s*(?:SyntaxError|IndentationError|TabError)\b|\bSyntaxError:|: (?:fatal )?error: expected|error\[E\d+\]"
    r"|error TS1\d{3}:|syntax error|: error: .*(?:undeclared|expected)|cannot find symbol|ParseError|Parse error",
    re.IGNORECASE | re.MULTILINE,
)
_EXTERNAL = re.compile(
    r"could not resolve host|name or service not known|temporary failure in name resolution|getaddrinfo"
    r"|connection (?:refused|reset|timed out)|ECONNREFUSED|ENOTFOUND|ETIMEDOUT|network is unreachable"
    r"|certificate verify failed|SSLError|too many requests|service unavailable|bad gateway|HTTP(?:/\d\.\d)? (?:429|5\d\d)",
    re.IGNORECASE,
)


def classify(exit_code: int | None, timed_out: bool, output: str) -> FailureClass:
    """The class of a failed run, from how it ended and what it printed. A missing program or module is `runtime`."""
    if timed_out or exit_code is None:
        return FailureClass.HANG
    if _RESOURCE.search(output) or exit_code in _KILLED:
        return FailureClass.RESOURCE
    if _SYNTAX.search(output):
        return FailureClass.SYNTAX
    return FailureClass.EXTERNAL if _EXTERNAL.search(output) else FailureClass.RUNTIME


def advice(failure: FailureClass) -> str:
    """What a class of failure means for the next try, in a sentence for the agent."""
    return _ADVICE[failure]


_ADVICE = {
    FailureClass.SYNTAX: "The code does not parse or compile: fix that place and try again.",
    FailureClass.RUNTIME: "The program ran and failed: read the output, fix the cause, or revert if the idea itself is wrong.",
    FailureClass.RESOURCE: "Memory or disk ran out: revert, and try a smaller variant.",
    FailureClass.HANG: "It did not end in time: revert, and avoid this approach.",
    FailureClass.EXTERNAL: "A network or service failed, which says nothing of the idea: try again later, or go another way.",
    FailureClass.HOOK: "A hook of the repository rejected the commit: do what it asks; it is never bypassed.",
}
