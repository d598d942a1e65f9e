"""What compilers, linters and test runners print, one finding a line; and what cargo and go write as JSON.

Every pattern is tried on one bounded line, and none repeats a repetition: the text is written by code under experiment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .diagnostic import Diagnostic, ReaderResult, ToolOutput, ToolRequest, Trouble, documents, found_in, shaped
from .tracebacks import blamed

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


def read_lines(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """Return every line that names a place in the repository, and what a linker and make say without one."""
    return ReaderResult(tuple(_lines(output.text, request)))


def read_tap(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """Read the output of a test command of any kind: compilers' errors, and failures in the Test Anything Protocol."""
    failed, ran = [], 0
    for line in _plain(output.text):
        ran += _TAP_OK.match(line) is not None
        if (match := _TAP.match(line)) and not match["directive"]:
            name = match["name"].strip() or line
            failed.append(Diagnostic(trouble=Trouble.TEST, tool=request.tool, name=name, message="failed"))
    built = (one for one in _lines(output.text, request, severe=True) if one.trouble is Trouble.BUILD)
    return ReaderResult((*built, *failed), ran or None)


def in_source(message: str, code: str = "", *, severe: bool = False) -> int:
    """Return how much a compiler's error may hide: 2 if the rest of its file could not be looked at, else 1."""
    if code.startswith("E0") and len(code) == 5:
        return 1 if code in _LATE_IN_RUST else 2
    return 2 if severe or _SYNTAX.search(message) else 1


def _plain(text: str) -> Iterator[str]:
    return (_COLOURS.sub("", line[:_LONGEST]).strip() for line in text.splitlines())


def _lines(text: str, request: ToolRequest, *, severe: bool = False) -> Iterator[Diagnostic]:
    for line in _plain(text):
        if match := _NO_RULE.match(line):
            yield Diagnostic(trouble=Trouble.BUILD, tool=request.tool, message=match["message"], hides=2)
        elif match := _LINKER.search(line):
            yield Diagnostic(
                trouble=Trouble.BUILD,
                tool=request.tool,
                message=match["message"],
                path=request.here(match["path"]),
                hides=1,
            )
        elif found := next((match for form in _FORMS if (match := form.fullmatch(line))), None):
            yield from _placed(found.groupdict(), request, severe=severe)


def _placed(parts: dict[str, str | None], request: ToolRequest, *, severe: bool) -> Iterator[Diagnostic]:
    path = request.here((parts["path"] or "").strip())
    severity = (parts.get("severity") or "").lower()
    if not path or severity in {"note", "info", "remark", "help", "hint"} or (severe and not severity):
        return
    message, code = _coded((parts["message"] or "").strip(), parts.get("code") or "")
    trouble = Trouble.WARNING if severity == "warning" else Trouble.BUILD if severe else request.trouble
    fatal = severity in {"fatal error", "parse"}
    if trouble is not Trouble.WARNING and (syntax := _is_syntax(message, code, request)):
        trouble, fatal = Trouble.BUILD, syntax
    hides = in_source(message, code, severe=fatal) if trouble is Trouble.BUILD else 0
    yield Diagnostic(
        trouble=trouble,
        tool=request.tool,
        message=message,
        path=path,
        line=int(parts["line"] or 0),
        column=int(parts.get("column") or 0),
        code=code,
        hides=hides,
    )


def _is_syntax(message: str, code: str, request: ToolRequest) -> bool:
    """Tell whether a checker could not even read the file."""
    if request.tool == "tsc":
        return re.fullmatch(r"TS1\d{3}", code) is not None
    return code in {"syntax", "E999", "E902", "typecheck"} or message.startswith(("SyntaxError", "syntax error"))


def _coded(message: str, code: str) -> tuple[str, str]:
    """Return a message and its code, taken out of the message where it stands in it."""
    if code:
        return message, code
    if match := _CODE.fullmatch(message):
        return match["message"], match["last"] or match["linter"]
    if match := _FIRST_CODE.fullmatch(message):
        return match["message"], match["code"]
    return message, ""


@shaped
def read_cargo(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """`cargo --message-format=json`, and behind it what the test programs print."""
    rows = [row for row in documents(output.stdout) if "reason" in row]
    if not rows:
        raise ValueError("no messages of cargo")
    messages = [row["message"] for row in rows if row["reason"] == "compiler-message"]
    compiled = tuple(one for message in messages if (one := _of_rustc(message, request)) is not None)
    return ReaderResult((*compiled, *_rust_tests(output.stdout, request)), _rust_ran(output.stdout))


def _of_rustc(message: Mapping[str, Any], request: ToolRequest) -> Diagnostic | None:
    level, spans = message["level"], [span for span in message["spans"] if span["is_primary"]]
    if level not in {"error", "warning", "error: internal compiler error"} or not spans:
        return None  # "aborting due to 2 errors", "1 warning emitted"
    code = (message.get("code") or {}).get("code", "")
    at = spans[0]
    place = {"code": code, "line": at["line_start"], "column": at["column_start"]}
    linted = code.startswith("clippy::")
    if level == "warning" or linted:
        return found_in(
            request, at["file_name"], message["message"], trouble=Trouble.LINT if linted else Trouble.WARNING, **place
        )
    hides = in_source(message["message"], code, severe=not code)
    return found_in(request, at["file_name"], message["message"], trouble=Trouble.BUILD, hides=hides, **place)


_RUST_FAILED = re.compile(r"^test (?P<name>\S+)(?: - should panic)? \.\.\. FAILED$", re.MULTILINE)
_RUST_PANIC = re.compile(
    r"^---- (?P<name>\S+) stdout ----\n(?:.*\n){0,4}?.*?panicked at (?P<place>[^\n]+?)(?::\n(?P<message>[^\n]*))?$",
    re.MULTILINE,
)
_RUST_PLACE = re.compile(r"(?P<path>[^\s':]+\.rs):(?P<line>\d+):\d+")


def _rust_tests(text: str, request: ToolRequest) -> Iterator[Diagnostic]:
    panics = {match["name"]: match for match in _RUST_PANIC.finditer(text)}
    for match in _RUST_FAILED.finditer(text):
        panic = panics.get(match["name"])
        place = _RUST_PLACE.search(panic["place"]) if panic else None
        message = (panic["message"] or panic["place"]) if panic else "failed"
        line = int(place["line"]) if place else 0
        file = place["path"] if place else ""
        yield found_in(request, file, message, name=match["name"], line=line, trouble=Trouble.TEST)


def _rust_ran(text: str) -> int | None:
    results = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed;", text, re.MULTILINE)
    return sum(int(passed) + int(failed) for passed, failed in results) if results else None


@shaped
def read_go_test(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """`go test -json`; packages that do not compile are told in plain lines."""
    rows = list(documents(output.stdout))
    outputs: dict[tuple[str, str], str] = {}
    for row in rows:
        key = (row.get("Package", ""), row.get("Test", ""))
        outputs[key] = outputs.get(key, "") + row.get("Output", "")
    failed = [(row["Package"], row["Test"]) for row in rows if row["Action"] == "fail" and row.get("Test")]
    leaves = [key for key in failed if not any(other[1].startswith(f"{key[1]}/") for other in failed if other != key)]
    ran = sum(row["Action"] in {"pass", "fail"} and bool(row.get("Test")) for row in rows)
    built = read_lines(
        ToolOutput(0, "\n".join(outputs.values()), output.text), ToolRequest("go", Trouble.BUILD, request.here)
    )
    broken = (one for one in built.found if one.column)
    return ReaderResult((*broken, *(_of_go(key, outputs[key], request) for key in leaves)), ran)


def _of_go(key: tuple[str, str], text: str, request: ToolRequest) -> Diagnostic:
    places = re.findall(r"^\s+(\S+?_test\.go):(\d+): (.*)$", text, re.MULTILINE)
    package = key[0].split("/")
    for file, line, message in places:
        folders = ("/".join(package[depth:]) for depth in range(len(package) + 1))
        if path := next((found for folder in folders if (found := request.here(f"{folder}/{file}".lstrip("/")))), ""):
            return found_in(request, path, message, name=".".join(key), line=int(line), trouble=Trouble.TEST)
    panic = re.search(r"^panic: (.*)$", text, re.MULTILINE)
    more = {"name": ".".join(key), "trouble": Trouble.TEST, "blames": blamed(text, request.here)}
    return found_in(request, "", panic[1] if panic else "failed", **more)


@shaped
def read_go_vet(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """`go vet -json`: one object a package, between lines that name it; what does not compile is in plain lines."""
    found = []
    decoder, text, place = json.JSONDecoder(), output.text, 0
    while (start := text.find("{", place)) >= 0:
        try:
            packages, place = decoder.raw_decode(text, start)
        except json.JSONDecodeError:
            place = start + 1
            continue
        for analyzers in packages.values():
            for name, rows in analyzers.items():
                found += [_vetted(name, row, request) for row in rows if isinstance(row, dict)]
    plain = re.sub(r"^vet: ", "", output.text, flags=re.MULTILINE)
    broken = read_lines(ToolOutput(0, plain, ""), ToolRequest("go", Trouble.BUILD, request.here)).found
    return ReaderResult((*(one for one in broken if one.column), *found))


def _vetted(name: str, row: Mapping[str, Any], request: ToolRequest) -> Diagnostic:
    file, line, column = row["posn"].rsplit(":", 2)
    return found_in(request, file, row["message"], code=name, line=int(line), column=int(column), trouble=Trouble.LINT)
