"""What became of each test in a run of a test command: which commands can tell, and how what they write is read.

A report is what a program under test wrote: it is parsed within bounds, and XML with a document type or entities is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from xml.parsers import expat

REPORT = "AUTORESEARCH_RESULTS"
"""The variable that names the file a command writes its report to."""
CHOSEN = "AUTORESEARCH_TESTS"
"""The variable with the test files to run, where not all are."""
MOST_TESTS = 200_000
LONGEST_ID = 400


class ReportForm(StrEnum):
    """How a command tells what became of each test."""

    JUNIT = "junit"
    JEST = "jest"
    GO = "go"
    CARGO = "cargo"
    TAP = "tap"
    RSPEC = "rspec"
    NONE = "none"


class CaseOutcome(StrEnum):
    """What became of a test."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Test:
    """One test in one run. `broken` stands for a whole file that could not be loaded, so that none of its tests ran."""

    __test__ = False

    id: str
    outcome: CaseOutcome
    path: str = ""
    line: int = 0
    message: str = ""
    broken: bool = False


@dataclass(frozen=True)
class Reporting:
    """A command that tells by id how each test fared, or just itself. `chooses`: it can be told which files to run."""

    command: str
    form: ReportForm
    chooses: bool = False


class _UnreadableReport(Exception):
    """The report is not what its form says."""


# what starts a runner; what is put right after it; what is put at the end; the form. `%` stands for the report's file.
_RUNNERS: tuple[tuple[str, str, str, ReportForm], ...] = (
    ("(?:py[.]test|pytest)", f' -o junit_family=xunit1 --junitxml="%" ${CHOSEN}', "", ReportForm.JUNIT),
    ("vitest run", ' --reporter=json --outputFile="%"', "", ReportForm.JEST),
    ("jest", ' --json --outputFile="%"', "", ReportForm.JEST),
    ("go test", " -json -count=1", ' > "%"', ReportForm.GO),
    ("cargo test", " --no-fail-fast", ' > "%" 2>&1', ReportForm.CARGO),
    ("node --test", ' --test-reporter=tap --test-reporter-destination="%"', "", ReportForm.TAP),
    ("ctest", ' --output-junit "%"', "", ReportForm.JUNIT),
    ("phpunit", ' --log-junit "%"', "", ReportForm.JUNIT),
    ("rspec", ' --format json --out "%"', "", ReportForm.RSPEC),
)
_FOLDER = r"(?:(?<=\s)|^)(?:[\w./-]*/)?"
_TAKEN = re.compile(r"--junit-?xml|--outputFile|--json\b|-json\b|--test-reporter|--log-junit|--output-junit|--out\b")


def reporting(command: str) -> Reporting:
    """Return the command with what makes it write a report; the command as it is where no known runner stands in it just once."""
    for pattern, after, end, form in _RUNNERS:
        found = list(re.finditer(rf"{_FOLDER}{pattern}(?=\s|$)", command))
        if len(found) != 1:
            continue
        head, tail = command[: found[0].end()], command[found[0].end() :]
        if _TAKEN.search(tail) or re.search(r"[|<>;&\n`]", tail):
            break
        file = f"${REPORT}"
        made = head + after.replace("%", file) + tail + end.replace("%", file)
        plain = re.sub(r"\s-[pkmocnW]\s+\S+", " ", tail)
        return Reporting(made, form, f"${CHOSEN}" in made and all(word.startswith("-") for word in plain.split()))
    return Reporting(command, ReportForm.NONE)


def read_tests(form: ReportForm, text: str) -> Mapping[str, Test] | None:
    """Read how every test fared, by its id; None if there is no report, or it cannot be read. A repeated id gets a number."""
    if not text.strip() or form is ReportForm.NONE:
        return None
    found: dict[str, Test] = {}
    try:
        for test in _READERS[form](text):
            name, number = test.id, 1
            while name in found:
                number += 1
                name = f"{test.id} #{number}"
            found[name] = test if name == test.id else Test(name, test.outcome, test.path, test.line, test.message)
            if len(found) > MOST_TESTS:
                return None
    except (_UnreadableReport, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found or None


def _id(*parts: str) -> str:
    """Parts as one line without control characters."""
    plain = ("".join(letter if letter.isprintable() else " " for letter in part).strip() for part in parts)
    return "::".join(part for part in plain if part)[:LONGEST_ID]


def _junit(text: str) -> Iterator[Test]:
    """JUnit XML, as pytest, CTest, PHPUnit and others write it."""
    cases: list[dict[str, str]] = []
    inside: list[str] = []

    def start(tag: str, given: dict[str, str]) -> None:
        inside.append(tag)
        if tag == "testcase":
            cases.append({**given, "outcome": CaseOutcome.PASSED})
        elif cases and "testcase" in inside and tag in {"failure", "error", "skipped"}:
            outcome = CaseOutcome.SKIPPED if tag == "skipped" else CaseOutcome.FAILED
            cases[-1] |= {
                "outcome": outcome,
                "message": given.get("message", ""),
                "error": "1" if tag == "error" else "",
            }

    def refuse(*_: object) -> None:
        raise _UnreadableReport("a document type or an entity has no place in a report")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, lambda tag: inside.pop()
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text.encode(errors="replace") if "encoding=" not in text[:100] else _reencoded(text), True)
    except expat.ExpatError as error:
        raise _UnreadableReport(str(error)) from error
    for case in cases:
        group, name = case.get("classname", ""), case.get("name", "")
        status = case.get("status", "")  # CTest
        outcome = CaseOutcome(case["outcome"]) if status not in {"fail", "notrun", "disabled"} else _CTEST[status]
        line = case.get("line", "")
        yield Test(
            id=_id(group, name) or "unnamed",
            outcome=outcome,
            path=case.get("file", ""),
            line=int(line) + 1 if line.isdigit() else 0,
            message=case.get("message", "")[:500],
            broken=not group and bool(case.get("error")) and outcome is CaseOutcome.FAILED,
        )


_CTEST = {"fail": CaseOutcome.FAILED, "notrun": CaseOutcome.FAILED, "disabled": CaseOutcome.SKIPPED}


def _reencoded(text: str) -> bytes:
    """The text as UTF-8 with a declaration that says so: it was decoded already."""
    return re.sub(r"^\s*<\?xml[^>]*\?>", '<?xml version="1.0" encoding="utf-8"?>', text, count=1).encode(
        errors="replace"
    )


def _jest(text: str) -> Iterator[Test]:
    """The JSON of Jest and Vitest."""
    for file in json.loads(text)["testResults"]:
        path = str(file.get("name", ""))
        cases = file.get("assertionResults", [])
        if not cases and file.get("status") == "failed":
            yield Test(_id(path), CaseOutcome.FAILED, path, 0, str(file.get("message", ""))[:500], broken=True)
        for case in cases:
            title = " > ".join([*case.get("ancestorTitles", []), str(case.get("title", ""))])
            place = case.get("location") or {}
            said = "; ".join(map(str, case.get("failureMessages") or []))[:500]
            yield Test(
                _id(path, title),
                _WORDS.get(case["status"], CaseOutcome.SKIPPED),
                path,
                int(place.get("line") or 0),
                said,
            )


_WORDS = {
    "passed": CaseOutcome.PASSED,
    "failed": CaseOutcome.FAILED,
    "pass": CaseOutcome.PASSED,
    "fail": CaseOutcome.FAILED,
}


def _go(text: str) -> Iterator[Test]:
    """`go test -json`: one object a line, and a plain line for a package that does not build."""
    failed: set[str] = set()
    packages: list[str] = []
    for event in _objects(text.splitlines()):
        action, package, name = event.get("Action"), str(event.get("Package", "")), event.get("Test")
        if action not in {"pass", "fail", "skip"}:
            continue
        if name:
            failed |= {package} if action == "fail" else set()
            yield Test(_id(package, str(name)), _WORDS.get(action, CaseOutcome.SKIPPED))
        elif action == "fail":
            packages.append(package)
    packages += re.findall(r"^FAIL\t(\S+) \[(?:build|setup) failed\]", text, re.MULTILINE)
    alone = dict.fromkeys(package for package in packages if package not in failed)
    yield from (Test(_id(package), CaseOutcome.FAILED, broken=True) for package in alone)


def _objects(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.startswith("{"):
            found = json.loads(line)
            if isinstance(found, dict):
                yield found


def _cargo(text: str) -> Iterator[Test]:
    """The text of `cargo test`: a line a test, under the program that it belongs to."""
    program = ""
    for line in text.splitlines():
        if started := re.match(r"\s*(?:Running (?:unittests )?(\S+)|Doc-tests (\S+))", line):
            program = started[1] or f"doc {started[2]}"
        elif found := re.match(r"test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)\b", line):
            yield Test(
                _id(program, found[1]),
                {"ok": CaseOutcome.PASSED, "FAILED": CaseOutcome.FAILED}.get(found[2], CaseOutcome.SKIPPED),
            )


def _tap(text: str) -> Iterator[Test]:
    """TAP as Node writes it: subtests are indented and come before the line of their parent; only leaves count."""
    above: list[str] = []
    for line in text.splitlines():
        if named := re.match(r"( *)# Subtest: (.*)", line):
            depth = len(named[1]) // 4
            above[depth:] = [named[2]]
        elif found := re.match(r"( *)(not )?ok \d+(?: - (.*?))?(?: # (SKIP|TODO)\b.*)?$", line):
            depth = len(found[1]) // 4
            parent, above[depth + 1 :] = len(above) > depth + 1, []
            if parent:
                continue
            outcome = CaseOutcome.SKIPPED if found[4] else CaseOutcome.FAILED if found[2] else CaseOutcome.PASSED
            name = found[3] or "unnamed"
            file = depth == 0 and outcome is CaseOutcome.FAILED and re.search(r"\.[cm]?[jt]s$", name) is not None
            yield Test(_id(*above[:depth], name), outcome, name if file else "", broken=file)


def _rspec(text: str) -> Iterator[Test]:
    """The JSON of RSpec."""
    for case in json.loads(text)["examples"]:
        path = str(case.get("file_path", "")).removeprefix("./")
        said = str((case.get("exception") or {}).get("message", ""))[:500]
        outcome = _WORDS.get(str(case["status"]), CaseOutcome.SKIPPED)
        yield Test(_id(path, str(case["full_description"])), outcome, path, int(case.get("line_number") or 0), said)


_READERS: Mapping[ReportForm, Callable[[str], Iterator[Test]]] = {
    ReportForm.JUNIT: _junit,
    ReportForm.JEST: _jest,
    ReportForm.GO: _go,
    ReportForm.CARGO: _cargo,
    ReportForm.TAP: _tap,
    ReportForm.RSPEC: _rspec,
}
