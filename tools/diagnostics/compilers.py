"""What compilers, linters and test runners print, one finding a line; and what cargo and go write as JSON.

Every pattern is tried on one bounded line, and none repeats a repetition: the text is written by code under experiment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .diagnostic import Diagnostic, ReaderResult, ToolOutput, ToolRequest, Trouble, documents, found_in, shaped

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


@shaped
def read_cargo(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
    """`cargo --message-format=json`, and behind it what the test programs print."""
    rows = [row for row in documents(output.stdout) if "reason" in row]
    if not rows:
        raise ValueError("no messages of cargo")
    messages = [row["message"] for row in rows if row["reason"] == "compiler-message"]
    compiled = tuple(one for message in messages if (one := _of_rustc(message, asked)) is not None)
    return ReaderResult((*compiled, *_rust_tests(output.stdout, asked)), _rust_ran(output.stdout))


def _of_rustc(message: Mapping[str, Any], asked: ToolRequest) -> Diagnostic | None:
    level, spans = message["level"], [span for span in message["spans"] if span["is_primary"]]
    if level not in {"error", "warning", "error: internal compiler error"} or not spans:
        return None  # "aborting due to 2 errors", "1 warning emitted"
    code = (message.get("code") or {}).get("code", "")
    at = spans[0]
    place = {"code": code, "line": at["line_start"], "column": at["column_start"]}
    linted = code.startswith("clippy::")
    if level == "warning" or linted:
        return found_in(
            asked, at["file_name"], message["message"], trouble=Trouble.LINT if linted else Trouble.WARNING, **place
        )
    hides = in_source(message["message"], code, severe=not code)
    return found_in(asked, at["file_name"], message["message"], trouble=Trouble.BUILD, hides=hides, **place)


_RUST_FAILED = re.compile(r"^test (?P<name>\S+)(?: - should panic)? \.\.\. FAILED$", re.MULTILINE)
_RUST_PANIC = re.compile(
    r"^---- (?P<name>\S+) stdout ----\n(?:.*\n){0,4}?.*?panicked at (?P<place>[^\n]+?)(?::\n(?P<message>[^\n]*))?$",
    re.MULTILINE,
)
_RUST_PLACE = re.compile(r"(?P<path>[^\s':]+\.rs):(?P<line>\d+):\d+")


def _rust_tests(text: str, asked: ToolRequest) -> Iterator[Diagnostic]:
    panics = {match["name"]: match for match in _RUST_PANIC.finditer(text)}
    for match in _RUST_FAILED.finditer(text):
        panic = panics.get(match["name"])
        place = _RUST_PLACE.search(panic["place"]) if panic else None
        message = (panic["message"] or panic["place"]) if panic else "failed"
        line = int(place["line"]) if place else 0
        file = place["path"] if place else ""
        yield found_in(asked, file, message, name=match["name"], line=line, trouble=Trouble.TEST)


def _rust_ran(text: str) -> int | None:
    results = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed;", text, re.MULTILINE)
    return sum(int(passed) + int(failed) for passed, failed in results) if results else None


@shaped
def read_go_test(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
    """`go test -json`; packages that do not compile are told in plain lines."""
    rows = list(documents(output.stdout))
    told: dict[tuple[str, str], str] = {}
    for row in rows:
        key = (row.get("Package", ""), row.get("Test", ""))
        told[key] = told.get(key, "") + row.get("Output", "")
    failed = [(row["Package"], row["Test"]) for row in rows if row["Action"] == "fail" and row.get("Test")]
    leaves = [key for key in failed if not any(other[1].startswith(f"{key[1]}/") for other in failed if other != key)]
    ran = sum(row["Action"] in {"pass", "fail"} and bool(row.get("Test")) for row in rows)
    built = read_lines(
        ToolOutput(0, "\n".join(told.values()), output.text), ToolRequest("go", Trouble.BUILD, asked.here)
    )
    broken = (one for one in built.found if one.column)
    return ReaderResult((*broken, *(_of_go(key, told[key], asked) for key in leaves)), ran)


def _of_go(key: tuple[str, str], text: str, asked: ToolRequest) -> Diagnostic:
    places = re.findall(r"^\s+(\S+?_test\.go):(\d+): (.*)$", text, re.MULTILINE)
    package = key[0].split("/")
    for file, line, message in places:
        folders = ("/".join(package[depth:]) for depth in range(len(package) + 1))
        if path := next((found for folder in folders if (found := asked.here(f"{folder}/{file}".lstrip("/")))), ""):
            return found_in(asked, path, message, name=".".join(key), line=int(line), trouble=Trouble.TEST)
    panic = re.search(r"^panic: (.*)$", text, re.MULTILINE)
    return found_in(asked, "", panic[1] if panic else "failed", name=".".join(key), trouble=Trouble.TEST)


@shaped
def read_go_vet(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
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
                found += [_vetted(name, row, asked) for row in rows if isinstance(row, dict)]
    plain = re.sub(r"^vet: ", "", output.text, flags=re.MULTILINE)
    broken = read_lines(ToolOutput(0, plain, ""), ToolRequest("go", Trouble.BUILD, asked.here)).found
    return ReaderResult((*(one for one in broken if one.column), *found))


def _vetted(name: str, row: Mapping[str, Any], asked: ToolRequest) -> Diagnostic:
    file, line, column = row["posn"].rsplit(":", 2)
    return found_in(asked, file, row["message"], code=name, line=int(line), column=int(column), trouble=Trouble.LINT)
