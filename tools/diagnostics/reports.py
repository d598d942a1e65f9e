"""The JSON that checkers and test runners write, each in its own shape; one reader a tool."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .compilers import read_cargo, read_go_test, read_go_vet
from .diagnostic import Diagnostic, Trouble
from .lines import in_source
from .output import ReaderResult, ToolOutput, ToolRequest
from .shapes import document, documents, found_in, shaped


def _unparsed(message: str) -> dict[str, Any]:
    """What a file that cannot be parsed is, whichever checker says so."""
    return {"trouble": Trouble.BUILD, "hides": in_source(message, severe=True)}


@shaped
def read_ruff(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
    """`ruff check --output-format json`."""

    def one(row: Mapping[str, Any]) -> Diagnostic:
        code = row.get("code") or "invalid-syntax"
        broken = _unparsed(row["message"]) if code in {"invalid-syntax", "E999"} else {}
        at = row["location"]
        return found_in(
            asked, row["filename"], row["message"], code=code, line=at["row"], column=at["column"], **broken
        )

    return ReaderResult(tuple(map(one, document(output))))


@shaped
def read_mypy(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
    """`mypy --output json`: one object a line."""
    rows = [row for row in documents(output.stdout) if "severity" in row]
    if not rows and output.exit_code:
        raise ValueError("no errors in JSON")
    return ReaderResult(tuple(_of_mypy(row, asked) for row in rows if row["severity"] == "error"))


def _of_mypy(row: Mapping[str, Any], asked: ToolRequest) -> Diagnostic:
    code = row.get("code") or ""
    broken = _unparsed(row["message"]) if code == "syntax" else {}
    line, column = max(0, row["line"]), max(0, row["column"] + 1)
    return found_in(asked, row["file"], row["message"], code=code, line=line, column=column, **broken)


@shaped
def read_pyright(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
    """`pyright --outputjson`."""

    def one(row: Mapping[str, Any]) -> Diagnostic:
        warning = {"trouble": Trouble.WARNING} if row["severity"] == "warning" else {}
        at = row.get("range", {}).get("start", {"line": -1, "character": -1})
        place = {"line": at["line"] + 1, "column": at["character"] + 1}
        return found_in(asked, row["file"], row["message"], code=row.get("rule", ""), **place, **warning)

    rows = document(output)["generalDiagnostics"]
    return ReaderResult(tuple(one(row) for row in rows if row["severity"] != "information"))


@shaped
def read_eslint(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
    """`eslint --format json`."""

    def one(file: str, row: Mapping[str, Any]) -> Diagnostic:
        broken = _unparsed(row["message"]) if row.get("fatal") else {}
        mild = {"trouble": Trouble.WARNING} if row["severity"] == 1 else {}
        place = {"line": row.get("line") or 0, "column": row.get("column") or 0}
        return found_in(asked, file, row["message"], code=row.get("ruleId") or "", **place, **(broken or mild))

    return ReaderResult(tuple(one(file["filePath"], row) for file in document(output) for row in file["messages"]))


@shaped
def read_jest(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
    """`jest --json`."""
    files = document(output)["testResults"]
    tests = [(file, test) for file in files for test in file["assertionResults"]]
    lost = [file for file in files if file["status"] == "failed" and not file["assertionResults"]]
    failed = (_of_jest(file["name"], test, asked) for file, test in tests if test["status"] == "failed")
    ran = sum(test["status"] in {"passed", "failed"} for _, test in tests)
    return ReaderResult((*(_lost(file["name"], file.get("message", ""), asked) for file in lost), *failed), ran)


def _of_jest(file: str, test: Mapping[str, Any], asked: ToolRequest) -> Diagnostic:
    text = "\n".join(test.get("failureMessages") or ())
    path = asked.here(file)
    places = re.findall(r"([^\s()]{1,300}):(\d{1,7}):\d+\)?", text[:20_000])
    line = next((int(number) for place, number in places if asked.here(place) == path), 0)
    return found_in(asked, file, _first_line(text), name=f"{path}::{test['fullName']}", line=line)


def _lost(file: str, text: str, asked: ToolRequest) -> Diagnostic:
    """A test file that could not be loaded: its tests are hidden."""
    hides = in_source(text, severe="SyntaxError" in text)
    told = next((line for line in text.splitlines() if "Error" in line), _first_line(text)).strip()
    return found_in(asked, file, told, name=asked.here(file), trouble=Trouble.CRASH, hides=hides)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "failed")


@shaped
def read_phpstan(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
    """`phpstan --error-format=json`."""
    report = document(output)
    files = report["files"] or {}  # PHP writes an empty table as a list
    rows = [(file, row) for file, one in files.items() for row in one["messages"]]
    found = [
        found_in(asked, file, row["message"], code=row.get("identifier") or "", line=row.get("line") or 0)
        for file, row in rows
    ]
    return ReaderResult((*found, *(found_in(asked, "", text) for text in report.get("errors", ()))))


@shaped
def read_phpcs(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
    """`phpcs --report=json`."""

    def one(file: str, row: Mapping[str, Any]) -> Diagnostic:
        mild = {"trouble": Trouble.WARNING} if row["type"] == "WARNING" else {}
        return found_in(asked, file, row["message"], code=row["source"], line=row["line"], column=row["column"], **mild)

    files = document(output)["files"]
    rows = [(file, row) for file, one in files.items() for row in one["messages"]] if files else []
    return ReaderResult(tuple(one(file, row) for file, row in rows))


@shaped
def read_rubocop(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
    """`rubocop --format json`."""

    def one(file: str, row: Mapping[str, Any]) -> Diagnostic:
        broken = _unparsed(row["message"]) if row["cop_name"] == "Lint/Syntax" else {}
        at = row["location"]
        place = {"line": at["start_line"], "column": at["start_column"]}
        return found_in(asked, file, row["message"], code=row["cop_name"], **place, **broken)

    return ReaderResult(tuple(one(file["path"], row) for file in document(output)["files"] for row in file["offenses"]))


@shaped
def read_rspec(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
    """`rspec --format json`."""
    report = document(output)
    failed = [row for row in report["examples"] if row["status"] == "failed"]
    ran = sum(row["status"] in {"passed", "failed"} for row in report["examples"])
    outside = report["summary"].get("errors_outside_of_examples_count", 0)
    lost = [
        found_in(asked, "", f"{text.strip()[:200]}", trouble=Trouble.CRASH, hides=1)
        for text in report.get("messages", ())
    ]
    found = (
        found_in(
            asked,
            row["file_path"].removeprefix("./"),
            _first_line((row.get("exception") or {}).get("message", "")),
            name=row["full_description"],
            line=row["line_number"],
        )
        for row in failed
    )
    return ReaderResult((*(lost[: max(outside, 0)]), *found), ran)


READERS: Mapping[str, Callable[[ToolOutput, ToolRequest], ReaderResult]] = {
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
