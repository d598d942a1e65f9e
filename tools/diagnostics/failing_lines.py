"""The lines of a command's output that name what failed, whichever test runner or checker printed them."""

from __future__ import annotations

import re

_NAMES = r"""\s{0,8}(?:
    (?:FAILED|FAIL|ERROR)\b:?\s+(?!\()\S # pytest, unittest, jest, vitest
  | ---\ FAIL:                           # go
  | not\ ok\ \d                          # TAP
  | [✕✗✖×●]\s*\S                         # jest, mocha, node --test, vitest
  | \[\s{1,4}FAILED\s{1,4}\]\s           # googletest
  | rspec\s\./                           # rspec
  | \d{1,4}\)\s\S                        # mocha, PHPUnit
  | \[ERROR\]\s                          # Maven
)"""
_RAN = r".{1,200}\ \.\.\.\s(?:FAILED|FAIL|ERROR)\s*$ # cargo"
_PLACES = r"[^\s:]{1,200}(?::\d{1,7}|\(\d{1,7},\d{1,7}\))(?::\d{1,7})?:\s # compilers and checkers"
_FORMS = [re.compile(form, re.VERBOSE) for form in (_NAMES, _RAN, _PLACES)]
_SUMMARY = re.compile(r"^(?:=+ )?(?P<counts>\d.{1,200}) in \d[\d.]*s\b")  # pytest
LINE_CHARACTERS = 160


def failing_lines(output: str, most: int) -> list[str]:
    """Return the first lines that name a failure, at most so many, and how many more there are; where no line is known to be
    one, the last that are not empty. An output may be cut in front: what pytest's own summary counts goes before the lines found.
    """
    lines = list(dict.fromkeys(line.strip()[:LINE_CHARACTERS] for line in output.splitlines() if line.strip()))
    for form in _FORMS:
        if named := [line for line in lines if form.match(line)]:
            more = (_counted(lines) or len(named)) - len(named[:most])
            return [*named[:most], *([f"and {more} more"] if more > 0 else [])]
    return lines[-most:]


def _counted(lines: list[str]) -> int:
    """Return how many failed by pytest's last summary; 0 without one."""
    found = next((found["counts"] for line in reversed(lines) if (found := _SUMMARY.match(line))), "")
    return sum(int(count) for count in re.findall(r"(\d+) (?:failed|errors?)\b", found))
