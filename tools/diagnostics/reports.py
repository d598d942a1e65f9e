"""The reports that checkers and test runners write: JSON in each one's own shape, JUnit XML, and SARIF 2.1.0 (OASIS).

They come from code under experiment: entities of XML are refused, and another shape is unreadable, wherever that shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from .compilers import in_source, read_cargo, read_go_test, read_go_vet
from .diagnostic import (
    Diagnostic,
    Reader,
    ReaderResult,
    ToolOutput,
    ToolRequest,
    Trouble,
    Unreadable,
    document,
    documents,
    found_in,
    shaped,
)
from .tracebacks import blamed, first_line, reason


def _unparsed(message: str) -> dict[str, Any]:
    """Return what a file that cannot be parsed is, whichever checker says so."""
    return {"trouble": Trouble.BUILD, "hides": in_source(message, severe=True)}


@shaped
def read_ruff(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """`ruff check --output-format json`."""

    def one(row: Mapping[str, Any]) -> Diagnostic:
        code = row.get("code") or "invalid-syntax"
        broken = _unparsed(row["message"]) if code in {"invalid-syntax", "E999"} else {}
        place = {"line": row["location"]["row"], "column": row["location"]["column"]}
        return found_in(request, row["filename"], row["message"], code=code, **place, **broken)

    return ReaderResult(tuple(map(one, document(output))))


@shaped
def read_mypy(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """`mypy --output json`: one object a line."""
    rows = [row for row in documents(output.stdout) if "severity" in row]
    if not rows and output.exit_code:
        raise ValueError("no errors in JSON")
    return ReaderResult(tuple(_of_mypy(row, request) for row in rows if row["severity"] == "error"))


def _of_mypy(row: Mapping[str, Any], request: ToolRequest) -> Diagnostic:
    code = row.get("code") or ""
    broken = _unparsed(row["message"]) if code == "syntax" else {}
    line, column = max(0, row["line"]), max(0, row["column"] + 1)
    return found_in(request, row["file"], row["message"], code=code, line=line, column=column, **broken)


@shaped
def read_pyright(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """`pyright --outputjson`."""

    def one(row: Mapping[str, Any]) -> Diagnostic:
        warning = {"trouble": Trouble.WARNING} if row["severity"] == "warning" else {}
        at = row.get("range", {}).get("start", {"line": -1, "character": -1})
        place = {"line": at["line"] + 1, "column": at["character"] + 1}
        return found_in(request, row["file"], row["message"], code=row.get("rule", ""), **place, **warning)

    rows = document(output)["generalDiagnostics"]
    return ReaderResult(tuple(one(row) for row in rows if row["severity"] != "information"))


@shaped
def read_eslint(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """`eslint --format json`."""

    def one(file: str, row: Mapping[str, Any]) -> Diagnostic:
        broken = _unparsed(row["message"]) if row.get("fatal") else {}
        mild = {"trouble": Trouble.WARNING} if row["severity"] == 1 else {}
        place = {"line": row.get("line") or 0, "column": row.get("column") or 0}
        return found_in(request, file, row["message"], code=row.get("ruleId") or "", **place, **(broken or mild))

    return ReaderResult(tuple(one(file["filePath"], row) for file in document(output) for row in file["messages"]))


@shaped
def read_jest(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """`jest --json`."""
    files = document(output)["testResults"]
    tests = [(file, test) for file in files for test in file["assertionResults"]]
    lost = [file for file in files if file["status"] == "failed" and not file["assertionResults"]]
    failed = (_of_jest(file["name"], test, request) for file, test in tests if test["status"] == "failed")
    ran = sum(test["status"] in {"passed", "failed"} for _, test in tests)
    return ReaderResult((*(_lost(file["name"], file.get("message", ""), request) for file in lost), *failed), ran)


def _of_jest(file: str, test: Mapping[str, Any], request: ToolRequest) -> Diagnostic:
    text = "\n".join(test.get("failureMessages") or ())
    path = request.here(file)
    places = re.findall(r"([^\s()]{1,300}):(\d{1,7}):\d+\)?", text[:20_000])
    line = next((int(number) for place, number in places if request.here(place) == path), 0)
    name, blames = f"{path}::{test['fullName']}", blamed(text, request.here)
    return found_in(request, file, first_line(text), name=name, line=line, blames=blames)


def _lost(file: str, text: str, request: ToolRequest) -> Diagnostic:
    """Make a finding of a test file that could not be loaded: its tests are hidden."""
    hides = in_source(text, severe="SyntaxError" in text)
    message = next((line for line in text.splitlines() if "Error" in line), first_line(text)).strip()
    more = {"blames": blamed(text, request.here), "hides": hides}
    return found_in(request, file, message, name=request.here(file), trouble=Trouble.CRASH, **more)


@shaped
def read_phpstan(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """`phpstan --error-format=json`."""
    report = document(output)
    files = report["files"] or {}  # PHP writes an empty table as a list
    rows = [(file, row) for file, one in files.items() for row in one["messages"]]
    found = [
        found_in(request, file, row["message"], code=row.get("identifier") or "", line=row.get("line") or 0)
        for file, row in rows
    ]
    return ReaderResult((*found, *(found_in(request, "", text) for text in report.get("errors", ()))))


@shaped
def read_phpcs(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """`phpcs --report=json`."""

    def one(file: str, row: Mapping[str, Any]) -> Diagnostic:
        mild = {"trouble": Trouble.WARNING} if row["type"] == "WARNING" else {}
        place = {"line": row["line"], "column": row["column"]}
        return found_in(request, file, row["message"], code=row["source"], **place, **mild)

    files = document(output)["files"] or {}  # PHP writes an empty table as a list
    return ReaderResult(tuple(one(file, row) for file, found in files.items() for row in found["messages"]))


@shaped
def read_rubocop(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """`rubocop --format json`."""

    def one(file: str, row: Mapping[str, Any]) -> Diagnostic:
        broken = _unparsed(row["message"]) if row["cop_name"] == "Lint/Syntax" else {}
        at = row["location"]
        place = {"line": at["start_line"], "column": at["start_column"]}
        return found_in(request, file, row["message"], code=row["cop_name"], **place, **broken)

    return ReaderResult(tuple(one(file["path"], row) for file in document(output)["files"] for row in file["offenses"]))


@shaped
def read_rspec(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """`rspec --format json`."""
    report = document(output)
    failed = [row for row in report["examples"] if row["status"] == "failed"]
    ran = sum(row["status"] in {"passed", "failed"} for row in report["examples"])
    outside = report["summary"].get("errors_outside_of_examples_count", 0)
    messages = report.get("messages", ())[: max(outside, 0)]
    lost = (found_in(request, "", text.strip()[:200], trouble=Trouble.CRASH, hides=1) for text in messages)
    found = (
        found_in(
            request,
            row["file_path"].removeprefix("./"),
            first_line((row.get("exception") or {}).get("message", "")),
            name=row["full_description"],
            line=row["line_number"],
        )
        for row in failed
    )
    return ReaderResult((*lost, *found), ran)


READERS: Mapping[str, Reader] = {
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


_DEEPEST = 50
_RUNNERS = frozenset({"", "pytest", "(empty)"})
"""Suites that are named after nothing but who ran them."""
_PLACE = re.compile(r"(?:file://)?(?P<path>[\w./@+-][\w./@+ -]{0,300}?\.\w{1,6}):(?P<line>\d{1,7})")
_NOT_LOADED = re.compile(r"collection failure|Test suite failed to run|ERR_MODULE_NOT_FOUND|Cannot find module")
_SYNTAX = re.compile(r"^E?\s*(?:\w+\.)*(?:SyntaxError|IndentationError|TabError)\b", re.MULTILINE)


def read_junit(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """Return the tests that failed, by their whole name, and how many ran.

    Raises:
        Unreadable: if there is no report, or it is none.
    """
    text = output.report or output.stdout
    cases = [case for root in _documents(text) for case in _cases(root, ())]
    found = tuple(one for names, case in cases if (one := _failed(names, case, request)) is not None)
    lost = sum(one.trouble is Trouble.CRASH for one in found)
    return ReaderResult(found, sum(case.find("skipped") is None for _, case in cases) - lost)


def _documents(text: str) -> Iterator[Element]:
    """Yield every document of a text that holds one or several, one after the other, as a folder of reports does."""
    parts = [part for part in re.split(r"(?=<\?xml )", text) if "<test" in part]
    if not parts:
        raise Unreadable("no JUnit report")
    for part in parts:
        yield _parsed(part[part.index("<") :])


def _parsed(text: str) -> Element:
    """Parse a document; refuse entities of its own, which could make it endless or read files."""
    parser, builder, depth = expat.ParserCreate(), TreeBuilder(), 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise Unreadable("a report that is nested too deep")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse(*_: object) -> None:
        raise Unreadable("a report with entities of its own")

    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = builder.data, refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise Unreadable(f"no XML: {error}") from error
    return builder.close()


def _cases(node: Element, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Element]]:
    """Yield every test case, with the names of the suites around it; one that only names the runner is left out."""
    name = node.get("name", "") if node.tag == "testsuite" else ""
    inner = (*names, name) if name not in _RUNNERS else names
    for child in node:
        if child.tag == "testcase":
            yield inner, child
        elif child.tag in {"testsuite", "testsuites"}:
            yield from _cases(child, inner)


def _failed(names: tuple[str, ...], case: Element, request: ToolRequest) -> Diagnostic | None:
    failure = next((found for tag in ("failure", "error") if (found := case.find(tag)) is not None), None)
    if failure is None:
        return None
    text = f"{failure.get('message', '')}\n{failure.text or ''}"
    name, owner = case.get("name", ""), case.get("classname", "")
    number = case.get("line", "")
    printed = f"{text}\n{case.findtext('system-out', '')}"
    path, line = _place(
        case.get("file", ""), int(number) if number.isdecimal() and len(number) < 8 else 0, printed, request
    )
    lost = _NOT_LOADED.search(text) is not None or bool(request.here(name))
    parts = (*names, "" if owner in {"test", name} else owner, request.here(name) or name)
    whole = "::".join(dict.fromkeys(part for part in parts if part))
    return Diagnostic(
        trouble=Trouble.CRASH if lost else Trouble.TEST,
        tool=request.tool,
        name=whole,
        message=reason(text),
        path=path or request.here(name) or request.here(f"{name.replace('.', '/')}.py"),
        line=line,
        blames=blamed(text, request.here),
        hides=(2 if _SYNTAX.search(text) else in_source("")) if lost else 0,
    )


def _place(file: str, line: int, text: str, request: ToolRequest) -> tuple[str, int]:
    """Return where a test failed: the last place that the text names in its own file, else the first in the repository."""
    named = [(request.here(match["path"]), int(match["line"])) for match in _PLACE.finditer(text[:20_000])]
    own = request.here(file) if file else ""
    if own:
        return own, next((number for path, number in reversed(named) if path == own), line)
    return next(((path, number) for path, number in named if path), ("", 0))


def read_sarif(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """Read the results of every run that are not suppressed; notes are left out.

    Raises:
        Unreadable: if it is no SARIF.
    """
    text = output.report or output.stdout
    try:
        log = json.loads(text[text.index("{") :])
        return ReaderResult(tuple(one for run in log["runs"] for one in _results(run, request)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(f"no SARIF: {error}") from error


def is_sarif(text: str) -> bool:
    """Tell whether a text looks like a SARIF log."""
    return text.lstrip().startswith("{") and '"runs"' in text and '"results"' in text


def _results(run: Mapping[str, Any], request: ToolRequest) -> Iterator[Diagnostic]:
    driver = run["tool"]["driver"]
    levels = {rule["id"]: rule.get("defaultConfiguration", {}).get("level", "") for rule in driver.get("rules") or ()}
    for result in run.get("results") or ():
        rule = str(result.get("ruleId", ""))
        level = result.get("level") or levels.get(rule) or "warning"
        if level in {"note", "none"} or result.get("suppressions") or result.get("kind", "fail") != "fail":
            continue
        place = (result.get("locations") or [{}])[0].get("physicalLocation", {})
        region = place.get("region", {})
        uri = str(place.get("artifactLocation", {}).get("uri", ""))
        yield Diagnostic(
            trouble=Trouble.WARNING if level == "warning" and request.trouble is Trouble.BUILD else request.trouble,
            tool=str(driver.get("name", request.tool)),
            code=rule,
            message=str(result.get("message", {}).get("text", "")) or rule,
            path=request.here(unquote(urlsplit(uri).path if uri.startswith("file:") else uri)),
            line=int(region.get("startLine", 0)),
            column=int(region.get("startColumn", 0)),
        )
