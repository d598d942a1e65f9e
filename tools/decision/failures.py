"""What kind of failure a command's end was, and what that means for the next try."""

from __future__ import annotations

import re
from enum import StrEnum

_SEEN = 64 * 1024
"""Characters at each end: a compiler's first error stands at the top, a crash at the bottom."""


class FailureClass(StrEnum):
    """The classes of failure that call for different answers."""

    SYNTAX = "syntax"
    RUNTIME = "runtime"
    RESOURCE = "resource"
    HANG = "hang"
    EXTERNAL = "external"
    LOST = "lost"
    HOOK = "hook"
    CANCELLED = "cancelled"
    REFUSED = "refused"


_ENDS = {
    9: FailureClass.RESOURCE,  # SIGKILL: on Linux nearly always the out-of-memory killer
    14: FailureClass.HANG,  # SIGALRM
    24: FailureClass.HANG,  # SIGXCPU
    25: FailureClass.RESOURCE,  # SIGXFSZ
}
_TIMED_OUT = 124
"""What `timeout` exits with."""

# All patterns are linear: no two repetitions of the same characters in a row, and short ones between fixed texts.
_RESOURCE = re.compile(
    r"out of memory|cannot allocate memory|unable to allocate \d|memory allocation of \d+ bytes failed|bad_alloc"
    r"|^(?:[\w.]{1,80}\.)?_?\w{0,40}MemoryError(?::|[ \t]*$)|\bOutOfMemoryError\b|\bOOM-?Killed\b|\boom-kill"
    r"|\bcudaErrorMemoryAllocation\b|\bCUBLAS_STATUS_ALLOC_FAILED\b|\bRESOURCE_EXHAUSTED\b"
    r"|no space left on device|disk quota exceeded|too many open files|\b(?:ENOSPC|ENOMEM|EMFILE)\b",
    re.IGNORECASE | re.MULTILINE,
)
_SYNTAX = re.compile(
    r"\b(?:SyntaxError|IndentationError|TabError):(?!.{0,200}\bJSON\b)"  # `JSON.parse` on bad data compiles well
    r"|\.(?:c|cc|cpp|cxx|h|hh|hpp|cu|m|f90|java|swift|kt):\d+:(?:\d+:)? (?:fatal )?error:"
    r"|\bld returned \d|\blinker command failed|\bcould not compile `|^error(?:\[E\d+\])?: (?:expected|cannot find)"
    r"|^error\[E\d+\]|\berror TS\d+:|\berror CS\d+:|\.go:\d+:\d+: |^\S{1,200}: line \d+: syntax error"
    r"|\b(?:syntax|parse) error(?::| near|, unexpected)|\bcannot find symbol\b",
    re.IGNORECASE | re.MULTILINE,
)
_REFUSED = re.compile(r"^check [a-z][a-z-]{1,40}: failed \(", re.MULTILINE)
_EXTERNAL = re.compile(
    r"could not resolve|couldn't resolve|name or service not known|temporary failure (?:in name resolution|resolving)"
    r"|nodename nor servname|no such host|\bgetaddrinfo\b|\bEAI_AGAIN\b|\bENOTFOUND\b|\bECONN(?:REFUSED|RESET)\b"
    r"|\bETIMEDOUT\b|connection (?:was )?(?:refused|reset|timed out|aborted)|network is unreachable|no route to host"
    r"|max retries exceeded|failed to establish a new connection|\bi/o timeout\b|TLS handshake|SSLError\b|\bSSL_ERROR"
    r"|certificate (?:verify failed|has expired|signed by unknown)|self[- ]signed certificate"
    r"|too many ?requests|service unavailable|bad gateway|gateway time-?out|rate limit exceeded"
    r"|\bHTTP(?:/\d(?:\.\d)?)?(?: Error| status)?:? (?:429|5\d\d)\b|\bstatus(?: code)?:? (?:429|5\d\d)\b"
    r"|\b5\d\d Server Error\b|returned error: (?:429|5\d\d)\b|\bcode E(?:429|5\d\d)\b"
    r"|unable to update registry|spurious network error|could not read from remote repository",
    re.IGNORECASE,
)


def classify(exit_code: int | None, timed_out: bool, output: str) -> FailureClass:
    """Classify a failed run, from how it ended and what it printed.

    What stopped the run comes first: a check that refused it, running out of something, then code that does not compile, then the world
    outside. A missing program or module (exit 127, `ModuleNotFoundError`) is `runtime`: it was there at the baseline,
    so that the change is to blame and trying again later would not help. No exit code at all means that the run never
    ended by itself.
    """
    if timed_out or exit_code is None:
        return FailureClass.HANG
    text = output if len(output) <= 2 * _SEEN else f"{output[:_SEEN]}\n{output[-_SEEN:]}"
    found = (kind for kind, pattern in _PRINTED.items() if pattern.search(text))
    return _ended(exit_code) or next(found, FailureClass.RUNTIME)


def _ended(exit_code: int) -> FailureClass | None:
    """Classify by the exit code alone; a signal is negative, or, through a shell, 128 more."""
    if exit_code == _TIMED_OUT:
        return FailureClass.HANG
    return _ENDS.get(-exit_code if exit_code < 0 else exit_code - 128)


def advice(failure: FailureClass) -> str:
    """Say what a class of failure means for the next try, in a sentence for the agent."""
    return _ADVICE[failure]


_PRINTED = {
    FailureClass.REFUSED: _REFUSED,
    FailureClass.RESOURCE: _RESOURCE,
    FailureClass.SYNTAX: _SYNTAX,
    FailureClass.EXTERNAL: _EXTERNAL,
}
_ADVICE = {
    FailureClass.SYNTAX: "The code does not parse or compile: fix that place and try again.",
    FailureClass.RUNTIME: "The command failed: read the output, fix the cause, or revert if the idea itself is wrong.",
    FailureClass.REFUSED: "The evaluation refused the model by a named check, so there is no score: take out what the check names, or revert.",
    FailureClass.CANCELLED: "The run was cancelled: change what made it not worth its time.",
    FailureClass.RESOURCE: "Memory or disk ran out: revert, and try a smaller variant.",
    FailureClass.HANG: "It did not end in time: revert, and avoid this approach.",
    FailureClass.EXTERNAL: "A network or service failed, which says nothing of the idea: try again later, or go another way.",
    FailureClass.LOST: "The run was killed from outside, or the process that watches over a run was killed and the run with it, each time that it was made, which says nothing of the idea: find out what kills it, then try again.",
    FailureClass.HOOK: "A hook of the repository rejected the commit: do what it asks; it is never bypassed.",
}
