"""Which tool a command starts, and how that tool is asked to write what a machine can read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from .compilers import read_lines, read_tap
from .diagnostic import Diagnostic, Reader, ReaderResult, ToolOutput, ToolRequest, Trouble
from .reports import READERS, is_sarif, read_junit, read_sarif
from .tracebacks import read_unittest

REPORT = "AUTORESEARCH_REPORT"
"""The variable that names the file for a report."""
_FILE = f'"${REPORT}"'


@dataclass(frozen=True)
class ToolForm:
    """One tool: the words that start it, what is added so that its output can be read, and who reads it.

    `reports` are globs of files that it writes by itself; `builds` that it says all that a build would say.
    """

    tool: str
    starts: str
    flags: str
    reader: Reader
    reports: str = ""
    builds: bool = False

    def with_flags(self, command: str) -> str:
        """Return the command as it is run: with the flags behind the tool's name, or passed on by a package manager."""
        if not self.flags:
            return command
        before, joint, last = command.rpartition("&&")
        if match := re.search(rf"(?<![\w.-])(?:{self.starts})(?![\w.-])", last):
            return f"{before}{joint}{last[: match.end()]} {self.flags}{last[match.end() :]}"
        return f"{command}{_passing(last)} {self.flags}"


_FORMS = (
    ToolForm("pytest", r"pytest|py\.test", f"-p no:cacheprovider --continue-on-collection-errors -o junit_family=xunit1 --junitxml={_FILE}", read_junit),
    ToolForm("unittest", r"python[\d.]* -m unittest", "", read_unittest),
    ToolForm("ruff", r"ruff check", "--no-cache --output-format json", READERS["ruff"]),
    ToolForm("mypy", r"mypy", "--output json --cache-dir /dev/null --no-error-summary", READERS["mypy"]),
    ToolForm("pyright", r"pyright", "--outputjson", READERS["pyright"]),
    ToolForm("flake8", r"flake8", "", read_lines),
    ToolForm("jest", r"jest", f"--json --outputFile={_FILE}", READERS["jest"]),
    ToolForm("vitest", r"vitest(?: run)?", f"--reporter=junit --outputFile={_FILE}", read_junit),
    ToolForm("node", r"node --test", f"--test-reporter=junit --test-reporter-destination={_FILE}", read_junit),
    ToolForm("eslint", r"eslint", "--format json", READERS["eslint"]),
    ToolForm("tsc", r"tsc", "--pretty false", read_lines),
    ToolForm("cargo", r"cargo test", "--no-fail-fast --message-format=json", READERS["cargo"], builds=True),
    ToolForm("clippy", r"cargo clippy", "--message-format=json", READERS["cargo"], builds=True),
    ToolForm("cargo", r"cargo (?:build|check)", "--message-format=json", READERS["cargo"]),
    ToolForm("go test", r"go test", "-json", READERS["go-test"]),
    ToolForm("go vet", r"go vet", "-json", READERS["go-vet"]),
    ToolForm("go", r"go build", "", read_lines),
    ToolForm("golangci-lint", r"golangci-lint run", "", read_lines),
    ToolForm("ctest", r"ctest", f"--output-junit {_FILE}", read_junit, builds=True),
    ToolForm("maven", r"(?:\./)?mvnw? -B test", "", read_junit, "**/target/surefire-reports/TEST-*.xml", builds=True),
    ToolForm("gradle", r"(?:\./)?gradlew? .*\btest", "", read_junit, "**/build/test-results/test/TEST-*.xml", builds=True),
    ToolForm("phpunit", r"phpunit", f"--log-junit {_FILE}", read_junit),
    ToolForm("pest", r"pest", f"--log-junit {_FILE}", read_junit),
    ToolForm("phpstan", r"phpstan analyse", "--error-format=json --no-progress", READERS["phpstan"]),
    ToolForm("phpcs", r"phpcs", "--report=json", READERS["phpcs"]),
    ToolForm("rspec", r"rspec", f"--format json --out {_FILE}", READERS["rspec"]),
    ToolForm("rubocop", r"rubocop", "--format json", READERS["rubocop"]),
)  # fmt: skip
_NO_FORM = ToolForm("", "", "", read_lines)
_COMPOUND = re.compile(r"[;|&`\n]|\$\(")


def form_of(command: str, script: str = "") -> ToolForm:
    """Return the tool that a command starts, read off the script behind it where that is all it names; else none of ours.

    Of several steps the last one is the tool, provided that they are joined by `&&`: flags go to the end.
    """
    last = (script or command).rpartition("&&")[2].strip()
    if _COMPOUND.search(last):
        return _NO_FORM
    return next(
        (form for form in _FORMS if re.search(rf"(?<![\w./-])(?:{form.starts})(?![\w.-])", _bare(last))), _NO_FORM
    )


def known(form: ToolForm) -> bool:
    """Tell whether this is a tool of which we know more than that it prints lines."""
    return bool(form.tool)


def read(form: ToolForm, output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """Return what a tool found, together with compilers' lines around it.

    Raises:
        Unreadable: if it did not write what it should have.
    """
    if form.reader is not read_lines and form.reader is not read_tap and is_sarif(output.stdout):
        return read_sarif(output, request)
    seen = form.reader(output, request)
    if not form.builds or seen.errors:
        return seen
    built = tuple(_compiled(output, request))
    return ReaderResult((*built, *seen.found), seen.ran)


def read_plain(output: ToolOutput, request: ToolRequest) -> ReaderResult:
    """Return what a command says that is no tool of ours: a report if it prints one, else lines."""
    if is_sarif(output.stdout):
        return read_sarif(output, request)
    if "<testsuite" in output.stdout:
        return read_junit(output, request)
    return read_tap(output, request) if request.trouble is Trouble.TEST else read_lines(output, request)


def _compiled(output: ToolOutput, request: ToolRequest) -> Iterator[Diagnostic]:
    found = read_lines(output, ToolRequest(request.tool, Trouble.BUILD, request.here)).found
    return (one for one in found if one.trouble is Trouble.BUILD)


def _bare(command: str) -> str:
    """Return a command with the folders of its programs left out: `vendor/bin/phpunit` is phpunit."""
    return re.sub(r"(?<!\S)(?:[\w.@-]+/)+(?=[\w-]+(?:\s|$))", "", command)


def _passing(command: str) -> str:
    words = shlex.split(command)
    runs = words[:1] == ["npm"] and words[1:2] in (["run"], ["test"], ["run-script"])
    return " --" if runs and "--" not in words else ""
