"""Findings written as text, one a line: what compilers, linters and test runners print when nobody asks for more.

Every pattern is tried on one bounded line, and none repeats a repetition: the text is written by code under experiment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .diagnostic import Diagnostic, Trouble
from .output import ReaderResult, ToolOutput, ToolRequest

_LONGEST = 2000
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SEVERITY = r"(?P<severity>fatal error|error|warning|note|info|remark|help|hint)"
_PATH = r"(?P<path>[^\s:()\[\]'\"`][^:()\n]{0,300}?)"
_FORMS = tuple(
    re.compile(form)
    for form in (
        # maven: [ERROR] /src/A.java:[10,5] ';' expected
        r"\[(?P<severity>ERROR|WARNING)\] " + _PATH + r":\[(?P<line>\d+),(?P<column>\d+)\] (?P<message>.+)",
        # tsc, msbuild: src/a.ts(3,5): error TS2322: ...
        _PATH
        + r"\((?P<line>\d+),(?P<column>\d+)\): "
        + _SEVERITY
        + r" (?P<code>[A-Z]+\d+): (?P<message>[^\[\n]+)(?:\[[^\]]*\])?",
        # gcc, clang, mypy, javac, ruff: a.c:3:5: error: ...
        _PATH + r":(?P<line>\d+)(?::(?P<column>\d+))?: " + _SEVERITY + r"(?:\[(?P<code>[\w-]+)\])?: (?P<message>.+)",
        # go, flake8, golangci-lint, ruby: ./a.go:3:5: ...
        _PATH + r":(?P<line>\d+)(?::(?P<column>\d+))?:? (?P<message>.+)",
        # php: PHP Parse error:  syntax error, ... in a.php on line 3
        r"PHP (?P<severity>Parse|Fatal) error: +(?P<message>.+) in (?P<path>\S+) on line (?P<line>\d+)",
    )
)
_LINKER = re.compile(r"(?P<path>[^\s:]+):\(\.text[^)]*\): (?P<message>undefined reference to .+)")
_NO_RULE = re.compile(r"make(?:\[\d+\])?: \*\*\* (?P<message>No rule to make target .+?)\.?(?: +Stop\.)?$")
_CODE = re.compile(r"(?P<message>.*?) +(?:\[(?P<last>[\w.:@/=-]+)\]|\((?P<linter>[a-z][\w-]+)\))$")
_FIRST_CODE = re.compile(r"(?P<code>[A-Z]{1,5}\d{2,5}) (?P<message>.+)")
_TAP = re.compile(r"not ok \d+(?: -)? ?(?P<name>[^#\n]*)(?P<directive># *(?:TODO|SKIP).*)?", re.IGNORECASE)
_TAP_OK = re.compile(r"(?:not )?ok \d+\b(?![^\n]*# *SKIP)", re.IGNORECASE)
_SYNTAX = re.compile(r"syntax error|SyntaxError|invalid syntax|IndentationError|unexpected|expected\b.*\b(before|token)|' expected|"
                     r"unterminated|parse error|Parsing error|unclosed|reached end of file", re.IGNORECASE)  # fmt: skip
_LATE_IN_RUST = frozenset(
    "E0373 E0381 E0382 E0384 E0499 E0501 E0502 E0503 E0505 E0506 E0507 E0515 E0521 E0594 E0596 E0597 E0713 E0716".split()
)
"""What the borrow checker says, which it says only once everything before it is right."""


def read_lines(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
    """Every line that names a place in the repository, and what a linker and make say without one."""
    return ReaderResult(tuple(_lines(output.text, asked)))


def read_tap(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
    """A test command of any kind: compilers' errors, and what fails in the Test Anything Protocol."""
    failed, ran = [], 0
    for line in _plain(output.text):
        ran += _TAP_OK.match(line) is not None
        if (match := _TAP.match(line)) and not match["directive"]:
            name = match["name"].strip() or line
            failed.append(Diagnostic(trouble=Trouble.TEST, tool=asked.tool, name=name, message="failed"))
    built = (one for one in _lines(output.text, asked, severe=True) if one.trouble is Trouble.BUILD)
    return ReaderResult((*built, *failed), ran or None)


def in_source(message: str, code: str = "", *, severe: bool = False) -> int:
    """How much a compiler's error may hide: 2 if the rest of its file could not be looked at, else 1."""
    if code.startswith("E0") and len(code) == 5:
        return 1 if code in _LATE_IN_RUST else 2
    return 2 if severe or _SYNTAX.search(message) else 1


def _plain(text: str) -> Iterator[str]:
    return (_COLOURS.sub("", line[:_LONGEST]).strip() for line in text.splitlines())


def _lines(text: str, asked: ToolRequest, *, severe: bool = False) -> Iterator[Diagnostic]:
    for line in _plain(text):
        if match := _NO_RULE.match(line):
            yield Diagnostic(trouble=Trouble.BUILD, tool=asked.tool, message=match["message"], hides=2)
        elif match := _LINKER.search(line):
            yield Diagnostic(
                trouble=Trouble.BUILD,
                tool=asked.tool,
                message=match["message"],
                path=asked.here(match["path"]),
                hides=1,
            )
        elif found := next((match for form in _FORMS if (match := form.fullmatch(line))), None):
            yield from _placed(found.groupdict(), asked, severe=severe)


def _placed(parts: dict[str, str | None], asked: ToolRequest, *, severe: bool) -> Iterator[Diagnostic]:
    path = asked.here((parts["path"] or "").strip())
    severity = (parts.get("severity") or "").lower()
    if not path or severity in {"note", "info", "remark", "help", "hint"} or (severe and not severity):
        return
    message, code = _coded((parts["message"] or "").strip(), parts.get("code") or "")
    trouble = Trouble.WARNING if severity == "warning" else Trouble.BUILD if severe else asked.trouble
    fatal = severity in {"fatal error", "parse"}
    if trouble is not Trouble.WARNING and (syntax := _is_syntax(message, code, asked)):
        trouble, fatal = Trouble.BUILD, syntax
    hides = in_source(message, code, severe=fatal) if trouble is Trouble.BUILD else 0
    yield Diagnostic(
        trouble=trouble,
        tool=asked.tool,
        message=message,
        path=path,
        line=int(parts["line"] or 0),
        column=int(parts.get("column") or 0),
        code=code,
        hides=hides,
    )


def _is_syntax(message: str, code: str, asked: ToolRequest) -> bool:
    """Whether a checker could not even read the file."""
    if asked.tool == "tsc":
        return re.fullmatch(r"TS1\d{3}", code) is not None
    return code in {"syntax", "E999", "E902", "typecheck"} or message.startswith(("SyntaxError", "syntax error"))


def _coded(message: str, code: str) -> tuple[str, str]:
    """A message and its code, taken out of the message where it stands in it."""
    if code:
        return message, code
    if match := _CODE.fullmatch(message):
        return match["message"], match["last"] or match["linter"]
    if match := _FIRST_CODE.fullmatch(message):
        return match["message"], match["code"]
    return message, ""
