"""Running a project's own tools and counting what they say is broken. The number is right, or there is none."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path

from ..plan.scope import Scope
from .diagnostic import Diagnostic, ReaderResult, ToolOutput, ToolRequest, Trouble, Unreadable, identified
from .forms import REPORT, ToolForm, form_of, known, read, read_plain
from .inspection import Bug, Detection, Inspection, Tally, metric_line, parse, tallied, unable_line, written

CHANNEL = "AUTORESEARCH_CHANNEL"
UNABLE = 3
"""Exit status when something could not be run: then there is no number."""
MOST_BYTES = 64 * 2**20
SHOWN = 60
ABSENT = re.compile(
    r"^\S*python[\d.]*: No module named [\w.]+$|no such command: `|is not installed for the toolchain|: (?:command )?not found$|"
    r"could not determine executable to run|canceled due to missing packages|Could not open input file: vendor/|"
    r"\*\*\* \[[^\]\n]*\] Error 12[67]$|PluginResolutionException|[Mm]issing script: |command not found: ",
    re.MULTILINE,
)
"""What is printed where a tool is not there."""


class Unable(Exception):
    """A command could not be run, so that nothing is known."""


def main(arguments: Sequence[str]) -> int:
    """Count, and say every error; returns the exit status: 0 with a number, 3 without one."""
    inspection = parse(arguments)
    tally, unable = Counting(Path.cwd()).count(inspection)
    for number, why in unable:
        print(unable_line(number, why), file=sys.stderr)  # noqa: T201 - a script
    if unable:
        return UNABLE
    if channel := os.environ.get(CHANNEL, ""):
        Path(channel).write_text(written(tally, inspection.name), encoding="utf-8")
    print("\n".join([*_report(tally), metric_line(tally, inspection.name)]))  # noqa: T201 - a script
    return 0


def _report(tally: Tally) -> list[str]:
    left = tally.count - min(tally.count, SHOWN)
    return [
        *(one.line_of_text for one in tally.first[:SHOWN]),
        *([f"… and {left} more"] if left else []),
        *(f"masked: `{command}`" for command in tally.masked),
        f"{tally.count} errors" + (f", {tally.ran} tests ran" if tally.ran is not None else ""),
    ]


@dataclass
class _Sum:
    """What was seen so far."""

    found: list[Diagnostic] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)
    unable: list[tuple[int, str]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    ran: int | None = None

    def add(self, seen: ReaderResult, folder: str) -> None:
        """Add what one command said."""
        self.found += seen.found
        self.ran = self.ran if seen.ran is None else (self.ran or 0) + seen.ran
        if any(one.hides for one in seen.found):
            self.broken.add(folder)


class Counting:
    """Counts in one checkout."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def count(self, inspection: Inspection) -> tuple[Tally, tuple[tuple[int, str], ...]]:
        """Count everything that is inspected; return the tally, and which commands could not be run, and why."""
        whole = _Sum()
        checks = [
            *(partial(self._check, one) for one in inspection.detections),
            *(partial(self._reproduce, one) for one in inspection.bugs),
        ]
        for number, check in enumerate(checks):
            try:
                check(whole)
            except Unable as why:
                whole.unable.append((number, f"`{inspection.commands[number]}`: {why}"))
        scope = Scope(inspection.scope or ("**",))
        found = [*_kept(whole.found, inspection, scope), *_too_few(whole, inspection.tests)]
        return tallied(identified(found, self._line), whole.ran, whole.masked), tuple(whole.unable)

    def _check(self, detection: Detection, whole: _Sum) -> None:
        folder = _folder(detection.command)
        seen, exit_code = self._seen(detection, folder)
        if exit_code and not _explained(seen, detection.trouble):
            if folder in whole.broken:
                whole.masked.append(detection.command)
            else:
                seen = ReaderResult((*seen.found, _unexplained(detection, exit_code)), seen.ran)
        whole.add(seen, folder)

    def _seen(self, detection: Detection, folder: str) -> tuple[ReaderResult, int]:
        """Return what a command finds: by the form that a machine reads, else as its tool speaks by itself."""
        form = form_of(detection.command, detection.script)
        request = ToolRequest(form.tool or detection.command, detection.trouble, self._here(folder))
        if known(form):
            output = self._run(form.with_flags(detection.command), form, folder)
            try:
                seen = read(form, output, request)
                return seen, 0 if _without_tests(form, output) else output.exit_code
            except Unreadable:
                if output.exit_code == 0 and form.flags:
                    raise Unable(f"{form.tool} ended well and wrote no report") from None
        output = self._run(detection.command, form, folder)
        try:
            return read_plain(output, request), output.exit_code
        except Unreadable as why:
            raise Unable(str(why)) from None

    def _reproduce(self, bug: Bug, whole: _Sum) -> None:
        commands = (bug.command, bug.control) if bug.control else (bug.command,)
        if any(self._run(command, form_of(""), "").exit_code for command in commands):
            path, _, line = bug.place.partition(":")
            number = int(line.partition("-")[0]) if line.partition("-")[0].isdecimal() else 0
            found = Diagnostic(Trouble.BUG, "reproduction", bug.title, self._here("")(path), number)
            whole.found.append(replace(found, severity=bug.severity, name=bug.title))

    def _run(self, command: str, form: ToolForm, folder: str) -> ToolOutput:
        """Run one command, with a file to report into. Its own report is read only if this run wrote it."""
        own = Path(tempfile.mkdtemp(prefix="autoresearch-count-"))
        report = own / "report"
        environment = {name: value for name, value in os.environ.items() if name != CHANNEL}
        self._forget(form, folder)
        try:
            with (own / "out").open("wb") as out, (own / "err").open("wb") as err:
                done = subprocess.run(
                    [shutil.which("bash") or "/bin/sh", "-c", command],
                    cwd=self._root,
                    env={**environment, REPORT: str(report)},
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    check=False,
                )
            texts = [_text(file) for file in (own / "out", own / "err", report)]
            texts[2] += "\n".join(_text(file) for file in self._reports(form, folder))
        finally:
            shutil.rmtree(own, ignore_errors=True)
        output = ToolOutput(done.returncode, *texts)
        if done.returncode < 0 or done.returncode in {126, 127, 137, 143}:
            raise Unable(f"exit {done.returncode}: {_last(output.text)}")
        if done.returncode and (absent := ABSENT.search(output.text)):
            raise Unable(absent[0].strip())
        return output

    def _reports(self, form: ToolForm, folder: str) -> list[Path]:
        """Return the files that a tool writes by itself; those that git tracks are no run's."""
        found = sorted((self._root / folder).glob(form.reports)) if form.reports else []
        return [file for file in found if str(file.relative_to(self._root)) not in self._files]

    def _forget(self, form: ToolForm, folder: str) -> None:
        for file in self._reports(form, folder):
            file.unlink(missing_ok=True)

    @cached_property
    def _files(self) -> frozenset[str]:
        """Every file of the checkout that git does not ignore."""
        command = ["git", "-c", "core.fsmonitor=false", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        done = subprocess.run(command, cwd=self._root, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        return frozenset(done.stdout.decode(errors="replace").split("\0")) - {""}

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        named: dict[str, list[str]] = {}
        for file in self._files:
            named.setdefault(file.rpartition("/")[2], []).append(file)
        return named

    def _here(self, folder: str) -> Callable[[str], str]:
        """Read paths as a tool writes them: absolute, from where it ran, from the root, or only the end of one."""

        @cache
        def here(written: str) -> str:
            path = written.removeprefix("file://").strip()
            if path.startswith("/"):
                inside = os.path.relpath(os.path.realpath(path), self._root)
                return inside if inside in self._files else ""
            for start in dict.fromkeys((folder, "")):
                if (joined := os.path.normpath(os.path.join(start, path))) in self._files:
                    return joined
            plain = path.removeprefix("./")
            ends = [file for file in self._by_name.get(plain.rpartition("/")[2], ()) if file.endswith(f"/{plain}")]
            return ends[0] if len(ends) == 1 else ""

        return here

    def _line(self, path: str, number: int) -> str:
        lines = self._lines(path)
        return lines[number - 1] if 0 < number <= len(lines) else ""

    @lru_cache(maxsize=512)  # noqa: B019 - lives as long as the script
    def _lines(self, path: str) -> list[str]:
        try:
            return (self._root / path).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []


def _folder(command: str) -> str:
    """Return the project's folder that a command enters first; empty for the root."""
    if not command.startswith("cd "):
        return ""
    words = shlex.split(command.partition("&&")[0])
    return words[1] if len(words) == 2 else ""


def _explained(seen: ReaderResult, trouble: Trouble) -> bool:
    """Tell whether what was read says why a command failed; a linter may fail for warnings alone."""
    return bool(seen.found if trouble in {Trouble.LINT, Trouble.TYPES} else seen.errors)


def _without_tests(form: ToolForm, output: ToolOutput) -> bool:
    """Tell whether pytest failed only because it found no tests: no error by itself, but there are then too few."""
    return form.tool == "pytest" and output.exit_code == 5


def _unexplained(detection: Detection, exit_code: int) -> Diagnostic:
    """Make a finding of a command that failed without a word that we can read: of tests no more is known; any other tool crashed."""
    opaque = detection.trouble is Trouble.TEST and not known(form_of(detection.command, detection.script))
    message = f"`{detection.command}` ends with exit {exit_code} and names no place"
    if opaque:
        return Diagnostic(trouble=Trouble.TEST, tool=detection.command, name=detection.command, message=message)
    return Diagnostic(trouble=Trouble.CRASH, tool=detection.command, message=message, hides=3)


def _kept(found: Sequence[Diagnostic], inspection: Inspection, scope: Scope) -> list[Diagnostic]:
    """Keep some kinds, of some files; what hides others always counts, as do tests and bugs anywhere."""
    anywhere = {Trouble.TEST, Trouble.BUG, Trouble.CRASH, Trouble.BUILD}
    wanted = [one for one in found if one.hides or not inspection.only or one.trouble in inspection.only]
    return [one for one in wanted if one.trouble in anywhere or one.hides or not one.path or scope.matches(one.path)]


def _too_few(whole: _Sum, tests: int) -> list[Diagnostic]:
    """Make an error of each test that ran at the start and runs no more: one that is gone or skipped does not pass."""
    if whole.ran is None and whole.masked:
        return []
    missing = max(0, tests - (whole.ran or 0))
    message = f"fewer tests ran than the {tests} at the start"
    return [
        Diagnostic(trouble=Trouble.TEST, tool="tests", name=f"missing test {number} of {tests}", message=message)
        for number in range(1, missing + 1)
    ]


def _text(file: Path) -> str:
    if not file.is_file():
        return ""
    if file.stat().st_size > MOST_BYTES:
        raise Unable(f"it wrote more than {MOST_BYTES} bytes")
    return file.read_text(encoding="utf-8", errors="replace")


def _last(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")[:300]
