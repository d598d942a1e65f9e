"""A number is read the same way everywhere, or refused with a cure."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.rules.metrics import check_read, read_metric

READ = {
    "a bare number": ("42\n", "auto", "", 42),
    "a negative number": ("-3.5", "auto", "", -3.5),
    "a plus sign": ("+3", "auto", "", 3),
    "no digit before the point": (".5", "auto", "", 0.5),
    "no digit after the point": ("5.", "auto", "", 5),
    "an exponent": ("1.5e-05", "auto", "", 1.5e-5),
    "a capital exponent": ("2E3", "last", "", 2000),
    "a number in words": ("loss went to 0.25", "auto", "", 0.25),
    "a number behind an equals sign": ("total=17", "auto", "", 17),
    "a number in brackets": ("coverage (87.5)", "auto", "", 87.5),
    "a number before a full stop": ("It took 12.", "auto", "", 12),
    "the same number twice": ("5\n5\n", "auto", "", 5),
    "log lines before the number": ("step 1 of 3\nstep 2 of 3\n7.25\n", "auto", "", 7.25),
    "blank lines behind the number": ("7.25\n\n  \n", "auto", "", 7.25),
    "windows line ends": ("warming up\r\n7.25\r\n", "auto", "", 7.25),
    "colours": ("\x1b[1;32m7.25\x1b[0m\n", "auto", "", 7.25),
    "a coloured name": ("\x1b[36mscore\x1b[0m: \x1b[1m9\x1b[0m", "key", "", 9),
    "a window title": ("\x1b]0;building 3 files\x077.25", "auto", "", 7.25),
    "a progress bar": ("10%|#\r50%|##\r100%|###\n7.25\n", "auto", "", 7.25),
    "a progress bar over the number": ("1\r2\r3", "auto", "", 3),
    "a percent sign that is named": ("87.5%", "auto", "%", 87.5),
    "a unit that is named": ("342ms", "auto", "ms", 342),
    "a unit behind a space": ("took 342 ms", "auto", "ms", 342),
    "a unit in a key line": ("score: 342 ms", "key", "ms", 342),
    "a METRIC line": ("METRIC score=3\n", "auto", "", 3),
    "a METRIC line with spaces": ("METRIC score = 3\n", "line", "", 3),
    "a METRIC line among others": ("METRIC other=9\nMETRIC score=3\nMETRIC third=4\n", "auto", "", 3),
    "a METRIC line before a key line": ("score: 4\nMETRIC score=3\n", "auto", "", 3),
    "a key line before the last number": ("score: 4\n17 files\n", "auto", "", 4),
    "a key line with a margin": ("   score:   4\n", "key", "", 4),
    "a key line of the same value twice": ("score: 4\nscore: 4.0\n", "key", "", 4),
    "the last number": ("1 2 3\n4 and 5\nbye\n", "last", "", 5),
    "no versions, dates, paths or names": ("v1.2.3 2026-11-23 a/1/b file2.py 0x1f 3f2a 6", "last", "", 6),
    "a group of a pattern": ("TOTAL 100 20 80%\n", r"regex:TOTAL.* (\d+)%", "", 80),
    "a whole match of a pattern": ("in 12 files", r"regex:\d+", "", 12),
    "matches that agree": ("n=3 n=3", r"regex:n=(\d)", "", 3),
    "a path into JSON": ('{"a": {"b": [1, {"c": 2.5}]}}', "json:a.b[1].c", "", 2.5),
    "a path that starts with a place": ("[4, 5]", "json:[1]", "", 5),
    "JSON behind other lines": ('loading\n{"score": 1e3}\n', "json:score", "", 1000),
    "a JSON text with the named unit": ('{"score": "87.5 %"}', "json:score", "%", 87.5),
    "the same key twice with one value": ('{"a": 1, "a": 1}', "json:a", "", 1),
}


@pytest.mark.parametrize("case", READ)
def test_a_number_is_read(case: str) -> None:
    output, read, unit, value = READ[case]

    reading = read_metric(output, read, "score", unit)

    assert (reading.value, reading.problem) == (value, "")


REFUSED = {
    "nothing": ("", "auto", "", "printed nothing"),
    "only white space": (" \n\t\n", "last", "", "printed nothing"),
    "only words": ("all good\n", "auto", "", "no number"),
    "no number at all": ("all good\n", "last", "", "no number"),
    "two numbers on the last line": ("12 passed in 3\n", "auto", "", "more than one number"),
    "two bare lines": ("3\n4\n", "auto", "", "Several lines are bare numbers"),
    "a percent sign": ("87.5%", "auto", "", "name it in the plan's `unit`"),
    "a unit": ("342ms", "last", "", "name it in the plan's `unit`"),
    "another unit than the named one": ("342s", "auto", "ms", "not in the plan's unit, 'ms'"),
    "a unit in a key line": ("score: 342 ms", "key", "", "name it in the plan's `unit`"),
    "nan": ("nan\n", "auto", "", "not a finite number"),
    "nan in a METRIC line": ("METRIC score=NaN", "line", "", "not a finite number"),
    "infinity": ("score: -inf", "key", "", "not a finite number"),
    "a number too large": ("1e999", "auto", "", "outside the range of a float"),
    "thousands separators": ("1,234", "auto", "", "thousands separators"),
    "thousands separators in a key line": ("score: 1,234.5", "key", "", "thousands separators"),
    "thousands separators of a pattern": ("x 1_000", r"regex:x (\S+)", "", "thousands separators"),
    "two values for one METRIC name": ("METRIC score=1\nMETRIC score=2\n", "auto", "", "ifferent values for"),
    "two values for one key": ("score: 1\nscore: 2\n", "key", "", "ifferent values for"),
    "two matches that differ": ("n=3 n=4", r"regex:n=(\d)", "", "ifferent values for"),
    "no match": ("nothing", r"regex:n=(\d)", "", "No line has a match"),
    "a METRIC line in the middle of a line": ("see METRIC score=3", "line", "", "No line has"),
    "another name": ("METRIC points=3", "line", "", "No line has `METRIC score=value`"),
    "no JSON": ("score 3", "json:score", "", "not JSON"),
    "a missing JSON key": ('{"points": 3}', "json:score", "", "its keys are 'points'"),
    "a place beyond the list": ("[1]", "json:[3]", "", "nothing at"),
    "a JSON truth": ('{"score": true}', "json:score", "", "Make it a number"),
    "a JSON text": ('{"score": "3"}', "json:score", "", "Make it a number"),
    "a JSON null": ('{"score": null}', "json:score", "", "Make it a number"),
    "a JSON NaN": ('{"score": NaN}', "json:score", "", "not a finite number"),
    "a JSON key with two values": ('{"score": 1, "score": 2}', "json:score", "", "two different values"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_clear_number_is_refused_with_a_cure(case: str) -> None:
    output, read, unit, words = REFUSED[case]

    reading = read_metric(output, read, "score", unit)

    assert reading.value is None
    assert words in reading.problem
    assert reading.problem.endswith((".", "`unit`."))


HOSTILE = {
    "digits": "9" * 1_000_000,
    "escapes": "\x1b[" * 500_000,
    "titles": "\x1b]" * 500_000,
    "blanks": " " * 1_000_000,
    "commas": "1," * 500_000,
    "words": "METRIC " * 140_000,
    "returns": "\r1" * 500_000,
    "keys": "score:" * 160_000,
    "braces": "{" * 100_000,
    "numbers": "1 " * 500_000,
}


@pytest.mark.parametrize("output", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("read", ["auto", "last", "json:a"])
def test_a_hostile_megabyte_is_read_to_its_end(output: str, read: str) -> None:
    reading = read_metric(output, read, "score", "ms")

    assert (reading.value is None) == bool(reading.problem)


@pytest.mark.parametrize("read", ["auto", "last", "line", "key", r"regex:(\d+)", "json:a.b[0]", "json:[0].x"])
def test_ways_to_read_are_accepted(read: str) -> None:
    assert check_read(read) == ""


@pytest.mark.parametrize("read", ["", "guess", "regex:", "regex:(", "json:", "json:a..b", "json:a[", "auto:x"])
def test_other_words_are_no_way_to_read(read: str) -> None:
    assert check_read(read)
