"""What cargo and go write as JSON, with the tests that they run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .diagnostic import Diagnostic, Trouble
from .lines import in_source, read_lines
from .output import ReaderResult, ToolOutput, ToolRequest
from .shapes import documents, found_in, shaped


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
