"""The JSON that checkers and test runners write, each in its own shape; one reader a tool."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any

from .diagnostic import Diagnostic, Trouble
from .lines import in_source, read_lines
from .output import Asked, Output, Reader, Seen, Unreadable


def _shaped(reader: Reader) -> Reader:
    """A report of another shape is unreadable, wherever that shows."""

    @wraps(reader)
    def read(output: Output, asked: Asked) -> Seen:
        try:
            return reader(output, asked)
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise Unreadable(f"not what {asked.tool} writes: {type(error).__name__} {error}") from error

    return read


def _document(output: Output) -> Any:  # noqa: ANN401 - any JSON
    """The first JSON value that begins a line; package managers print a banner before it."""
    text = output.report or output.stdout
    for start in re.finditer(r"^[ \t]*(?=[\[{])", text, re.MULTILINE):
        try:
            return json.JSONDecoder().raw_decode(text, start.end())[0]
        except json.JSONDecodeError:
            continue
    raise ValueError("no JSON")


def _documents(text: str) -> Iterator[Any]:
    """Every line that is a JSON object."""
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue


def _found(asked: Asked, file: object, message: object, **more: Any) -> Diagnostic:  # noqa: ANN401
    fields = {"trouble": asked.trouble, **more}
    return Diagnostic(tool=asked.tool, path=asked.here(str(file)), message=str(message), **fields)


def _unparsed(message: str) -> dict[str, Any]:
    """What a file that cannot be parsed is, whichever checker says so."""
    return {"trouble": Trouble.BUILD, "hides": in_source(message, severe=True)}


@_shaped
def read_ruff(output: Output, asked: Asked) -> Seen:
    """`ruff check --output-format json`."""

    def one(row: Mapping[str, Any]) -> Diagnostic:
        code = row.get("code") or "invalid-syntax"
        broken = _unparsed(row["message"]) if code in {"invalid-syntax", "E999"} else {}
        at = row["location"]
        return _found(asked, row["filename"], row["message"], code=code, line=at["row"], column=at["column"], **broken)

    return Seen(tuple(map(one, _document(output))))


@_shaped
def read_mypy(output: Output, asked: Asked) -> Seen:
    """`mypy --output json`: one object a line."""
    rows = [row for row in _documents(output.stdout) if "severity" in row]
    if not rows and output.exit_code:
        raise ValueError("no errors in JSON")
    return Seen(tuple(_of_mypy(row, asked) for row in rows if row["severity"] == "error"))


def _of_mypy(row: Mapping[str, Any], asked: Asked) -> Diagnostic:
    code = row.get("code") or ""
    broken = _unparsed(row["message"]) if code == "syntax" else {}
    line, column = max(0, row["line"]), max(0, row["column"] + 1)
    return _found(asked, row["file"], row["message"], code=code, line=line, column=column, **broken)


@_shaped
def read_pyright(output: Output, asked: Asked) -> Seen:
    """`pyright --outputjson`."""

    def one(row: Mapping[str, Any]) -> Diagnostic:
        warning = {"trouble": Trouble.WARNING} if row["severity"] == "warning" else {}
        at = row.get("range", {}).get("start", {"line": -1, "character": -1})
        place = {"line": at["line"] + 1, "column": at["character"] + 1}
        return _found(asked, row["file"], row["message"], code=row.get("rule", ""), **place, **warning)

    rows = _document(output)["generalDiagnostics"]
    return Seen(tuple(one(row) for row in rows if row["severity"] != "information"))


@_shaped
def read_eslint(output: Output, asked: Asked) -> Seen:
    """`eslint --format json`."""

    def one(file: str, row: Mapping[str, Any]) -> Diagnostic:
        broken = _unparsed(row["message"]) if row.get("fatal") else {}
        mild = {"trouble": Trouble.WARNING} if row["severity"] == 1 else {}
        place = {"line": row.get("line") or 0, "column": row.get("column") or 0}
        return _found(asked, file, row["message"], code=row.get("ruleId") or "", **place, **(broken or mild))

    return Seen(tuple(one(file["filePath"], row) for file in _document(output) for row in file["messages"]))


@_shaped
def read_jest(output: Output, asked: Asked) -> Seen:
    """`jest --json`."""
    files = _document(output)["testResults"]
    tests = [(file, test) for file in files for test in file["assertionResults"]]
    lost = [file for file in files if file["status"] == "failed" and not file["assertionResults"]]
    failed = (_of_jest(file["name"], test, asked) for file, test in tests if test["status"] == "failed")
    ran = sum(test["status"] in {"passed", "failed"} for _, test in tests)
    return Seen((*(_lost(file["name"], file.get("message", ""), asked) for file in lost), *failed), ran)


def _of_jest(file: str, test: Mapping[str, Any], asked: Asked) -> Diagnostic:
    text = "\n".join(test.get("failureMessages") or ())
    path = asked.here(file)
    places = re.findall(r"([^\s()]{1,300}):(\d{1,7}):\d+\)?", text[:20_000])
    line = next((int(number) for place, number in places if asked.here(place) == path), 0)
    return _found(asked, file, _first_line(text), name=f"{path}::{test['fullName']}", line=line)


def _lost(file: str, text: str, asked: Asked) -> Diagnostic:
    """A test file that could not be loaded: its tests are hidden."""
    hides = in_source(text, severe="SyntaxError" in text)
    told = next((line for line in text.splitlines() if "Error" in line), _first_line(text)).strip()
    return _found(asked, file, told, name=asked.here(file), trouble=Trouble.CRASH, hides=hides)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "failed")


@_shaped
def read_cargo(output: Output, asked: Asked) -> Seen:
    """`cargo --message-format=json`, and behind it what the test programs print."""
    rows = [row for row in _documents(output.stdout) if "reason" in row]
    if not rows:
        raise ValueError("no messages of cargo")
    messages = [row["message"] for row in rows if row["reason"] == "compiler-message"]
    compiled = tuple(one for message in messages if (one := _of_rustc(message, asked)) is not None)
    return Seen((*compiled, *_rust_tests(output.stdout, asked)), _rust_ran(output.stdout))


def _of_rustc(message: Mapping[str, Any], asked: Asked) -> Diagnostic | None:
    level, spans = message["level"], [span for span in message["spans"] if span["is_primary"]]
    if level not in {"error", "warning", "error: internal compiler error"} or not spans:
        return None  # "aborting due to 2 errors", "1 warning emitted"
    code = (message.get("code") or {}).get("code", "")
    at = spans[0]
    place = {"code": code, "line": at["line_start"], "column": at["column_start"]}
    linted = code.startswith("clippy::")
    if level == "warning" or linted:
        return _found(
            asked, at["file_name"], message["message"], trouble=Trouble.LINT if linted else Trouble.WARNING, **place
        )
    hides = in_source(message["message"], code, severe=not code)
    return _found(asked, at["file_name"], message["message"], trouble=Trouble.BUILD, hides=hides, **place)


_RUST_FAILED = re.compile(r"^test (?P<name>\S+)(?: - should panic)? \.\.\. FAILED$", re.MULTILINE)
_RUST_PANIC = re.compile(
    r"^---- (?P<name>\S+) stdout ----\n(?:.*\n){0,4}?.*?panicked at (?P<place>[^\n]+?)(?::\n(?P<message>[^\n]*))?$",
    re.MULTILINE,
)
_RUST_PLACE = re.compile(r"(?P<path>[^\s':]+\.rs):(?P<line>\d+):\d+")


def _rust_tests(text: str, asked: Asked) -> Iterator[Diagnostic]:
    panics = {match["name"]: match for match in _RUST_PANIC.finditer(text)}
    for match in _RUST_FAILED.finditer(text):
        panic = panics.get(match["name"])
        place = _RUST_PLACE.search(panic["place"]) if panic else None
        message = (panic["message"] or panic["place"]) if panic else "failed"
        line = int(place["line"]) if place else 0
        file = place["path"] if place else ""
        yield _found(asked, file, message, name=match["name"], line=line, trouble=Trouble.TEST)


def _rust_ran(text: str) -> int | None:
    results = re.findall(r"^test result: \w+\. (\d+) passed; (\d+) failed;", text, re.MULTILINE)
    return sum(int(passed) + int(failed) for passed, failed in results) if results else None


@_shaped
def read_go_test(output: Output, asked: Asked) -> Seen:
    """`go test -json`; packages that do not compile are told in plain lines."""
    rows = list(_documents(output.stdout))
    told: dict[tuple[str, str], str] = {}
    for row in rows:
        key = (row.get("Package", ""), row.get("Test", ""))
        told[key] = told.get(key, "") + row.get("Output", "")
    failed = [(row["Package"], row["Test"]) for row in rows if row["Action"] == "fail" and row.get("Test")]
    leaves = [key for key in failed if not any(other[1].startswith(f"{key[1]}/") for other in failed if other != key)]
    ran = sum(row["Action"] in {"pass", "fail"} and bool(row.get("Test")) for row in rows)
    built = read_lines(Output(0, "\n".join(told.values()), output.text), Asked("go", Trouble.BUILD, asked.here))
    broken = (one for one in built.found if one.column)
    return Seen((*broken, *(_of_go(key, told[key], asked) for key in leaves)), ran)


def _of_go(key: tuple[str, str], text: str, asked: Asked) -> Diagnostic:
    places = re.findall(r"^\s+(\S+?_test\.go):(\d+): (.*)$", text, re.MULTILINE)
    package = key[0].split("/")
    for file, line, message in places:
        folders = ("/".join(package[depth:]) for depth in range(len(package) + 1))
        if path := next((found for folder in folders if (found := asked.here(f"{folder}/{file}".lstrip("/")))), ""):
            return _found(asked, path, message, name=".".join(key), line=int(line), trouble=Trouble.TEST)
    panic = re.search(r"^panic: (.*)$", text, re.MULTILINE)
    return _found(asked, "", panic[1] if panic else "failed", name=".".join(key), trouble=Trouble.TEST)


@_shaped
def read_go_vet(output: Output, asked: Asked) -> Seen:
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
    broken = read_lines(Output(0, plain, ""), Asked("go", Trouble.BUILD, asked.here)).found
    return Seen((*(one for one in broken if one.column), *found))


def _vetted(name: str, row: Mapping[str, Any], asked: Asked) -> Diagnostic:
    file, line, column = row["posn"].rsplit(":", 2)
    return _found(asked, file, row["message"], code=name, line=int(line), column=int(column), trouble=Trouble.LINT)


@_shaped
def read_phpstan(output: Output, asked: Asked) -> Seen:
    """`phpstan --error-format=json`."""
    report = _document(output)
    files = report["files"] or {}  # PHP writes an empty table as a list
    rows = [(file, row) for file, one in files.items() for row in one["messages"]]
    found = [
        _found(asked, file, row["message"], code=row.get("identifier") or "", line=row.get("line") or 0)
        for file, row in rows
    ]
    return Seen((*found, *(_found(asked, "", text) for text in report.get("errors", ()))))


@_shaped
def read_phpcs(output: Output, asked: Asked) -> Seen:
    """`phpcs --report=json`."""

    def one(file: str, row: Mapping[str, Any]) -> Diagnostic:
        mild = {"trouble": Trouble.WARNING} if row["type"] == "WARNING" else {}
        return _found(asked, file, row["message"], code=row["source"], line=row["line"], column=row["column"], **mild)

    files = _document(output)["files"]
    rows = [(file, row) for file, one in files.items() for row in one["messages"]] if files else []
    return Seen(tuple(one(file, row) for file, row in rows))


@_shaped
def read_rubocop(output: Output, asked: Asked) -> Seen:
    """`rubocop --format json`."""

    def one(file: str, row: Mapping[str, Any]) -> Diagnostic:
        broken = _unparsed(row["message"]) if row["cop_name"] == "Lint/Syntax" else {}
        at = row["location"]
        place = {"line": at["start_line"], "column": at["start_column"]}
        return _found(asked, file, row["message"], code=row["cop_name"], **place, **broken)

    return Seen(tuple(one(file["path"], row) for file in _document(output)["files"] for row in file["offenses"]))


@_shaped
def read_rspec(output: Output, asked: Asked) -> Seen:
    """`rspec --format json`."""
    report = _document(output)
    failed = [row for row in report["examples"] if row["status"] == "failed"]
    ran = sum(row["status"] in {"passed", "failed"} for row in report["examples"])
    outside = report["summary"].get("errors_outside_of_examples_count", 0)
    lost = [
        _found(asked, "", f"{text.strip()[:200]}", trouble=Trouble.CRASH, hides=1)
        for text in report.get("messages", ())
    ]
    found = (
        _found(
            asked,
            row["file_path"].removeprefix("./"),
            _first_line((row.get("exception") or {}).get("message", "")),
            name=row["full_description"],
            line=row["line_number"],
        )
        for row in failed
    )
    return Seen((*(lost[: max(outside, 0)]), *found), ran)


READERS: Mapping[str, Callable[[Output, Asked], Seen]] = {
    "ruff": read_ruff,
    "mypy": read_mypy,
    "pyright": read_pyright,
    "eslint": read_eslint,
    "jest": read_jest,
    "cargo": read_cargo,
    "go-test": read_go_test,
    "go-vet": read_go_vet,
    "phpstan": read_phpstan,
    "phpcs": read_phpcs,
    "rubocop": read_rubocop,
    "rspec": read_rspec,
}
