"""What commands print, and the number that is read from it, or the reason why none is."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.plan.metrics import Reading, check_read, read_metric

NUMBERS = {
    "an integer": ("3", 3),
    "a fraction": ("3.25", 3.25),
    "no digit before the point": (".5", 0.5),
    "no digit after the point": ("5.", 5),
    "a plus": ("+3", 3),
    "a minus": ("-3", -3),
    "an exponent": ("1e-5", 1e-5),
    "a large exponent": ("2E+3", 2000),
    "spaces around": ("  7  ", 7),
    "zero": ("0.0", 0),
    "zero with an exponent": ("0e-999", 0),
    "many digits": (f"{1e149:f}", 1e149),
}
NO_NUMBERS = {
    "nothing": ("", "not a bare number"),
    "not a number": ("nan", "not a finite number"),
    "infinity": ("-Infinity", "not a finite number"),
    "overflow": ("1e400", "outside the range"),
    "a number whose square is none": ("-1e308", "outside the range"),
    "underflow, which would win": ("1e-400", "outside the range"),
    "thousands with commas": ("1,234", "separators"),
    "thousands with underscores": ("1_000", "separators"),
    "thousands with spaces": ("1 234", "separators"),
    "thousands with narrow spaces": ("1\u202f234.5", "separators"),
    "a decimal comma": ("0,95", "separators"),
    "a percent sign": ("85%", "'%' is its unit"),
    "a unit": ("12ms", "'ms' is its unit"),
    "a unit after a space": ("12 ms", "'ms' is its unit"),
    "a word": ("none", "not a bare number"),
    "a version": ("1.2.3", "not a bare number"),
    "a date": ("2026-11-23", "not a bare number"),
    "hexadecimal": ("0x1f", "not a bare number"),
    "digits of another script": ("٣", "not a bare number"),
    "more digits than a float has": ("1" * 401, "not a bare number"),
}
WAYS = {
    "line": ("line", "noise\nMETRIC loss={}\nmore 9"),
    "key": ("key", "noise 1\n  loss: {}\nmore 9"),
    "regex": ("regex:^got <(.*)>$", "noise 1\ngot <{}>\nmore 9"),
    "auto, named": ("auto", "METRIC other=5\nMETRIC loss={}\nloss: 9\n8"),
    "auto, key": ("auto", "noise 1\nloss: {}\n8"),
}


@pytest.mark.parametrize(("read", "output"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(("text", "value"), NUMBERS.values(), ids=NUMBERS)
def test_a_number_is_read_the_same_way_everywhere(text: str, value: float, read: str, output: str) -> None:
    assert read_metric(output.format(text), read, "loss") == Reading(value)


@pytest.mark.parametrize(("read", "output"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(("text", "problem"), NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_what_is_no_number_is_refused_everywhere(text: str, problem: str, read: str, output: str) -> None:
    reading = read_metric(output.format(text), read, "loss")

    assert reading.value is None
    assert problem in reading.problem


@pytest.mark.parametrize("read", ["auto", "last"])
@pytest.mark.parametrize(("text", "value"), NUMBERS.values(), ids=NUMBERS)
def test_the_last_lines_number_is_read_in_the_same_grammar(text: str, value: float, read: str) -> None:
    assert read_metric(f"noise\nresult is {text}\n\n", read, "loss") == Reading(value)


UNITS = {
    "named and glued": ("12.5ms", "ms", 12.5),
    "named, after a space": ("12 ms", "ms", 12),
    "named and left out": ("12", "ms", 12),
    "a percent sign": ("85 %", "%", 85),
    "a unit with a slash": ("3.5 MB/s", "MB/s", 3.5),
    "another unit": ("12 s", "ms", None),
    "a unit that ends like the named one": ("12ms", "s", None),
    "two spaces": ("12  ms", "ms", None),
    "a unit that is a digit is no part of the number": ("35", "5", 35),
}


@pytest.mark.parametrize("output", ["METRIC t={}", "t: {}"])
@pytest.mark.parametrize(("text", "unit", "value"), UNITS.values(), ids=UNITS)
def test_only_the_named_unit_is_stripped(text: str, unit: str, value: float | None, output: str) -> None:
    assert read_metric(output.format(text), "auto", "t", unit).value == value


FREE_TEXT = {
    "last of several": ("last", "1 of 2\nmean 3.5, 4 runs\ndone", "", 4),
    "last, in brackets": ("last", "best (3.5).", "", 3.5),
    "last, after an equals sign": ("last", "loss=3.5", "", 3.5),
    "last, after a colon": ("last", "5\nloss:3.5", "", 3.5),
    "last, an earlier unit is no matter": ("last", "85% done: 7", "", 7),
    "last, with the named unit": ("last", "took 12 ms", "ms", 12),
    "last, in a table": ("last", "| a | 1 | 234 |", "", 234),
    "last, not inside a word": ("last", "7\nv1.2.3 sha 3f2a 2026-11-23 file2.py 10:32 x86 3/5 train.py:12", "", 7),
    "last, not an ordinal": ("last", "7\nthe 2nd run", "", 7),
    "last, nothing": ("last", "no\nnumber", "", "no number in the output"),
    "last, an unnamed unit is not skipped": ("last", "5\ntook 12 ms", "", "'ms' is its unit"),
    "last, bytes are no hash": ("last", "5\nsize 512B", "", "'B' is its unit"),
    "last, a separator is not skipped": ("last", "10\nloss 0,95", "", "separators"),
    "last, thousands are not cut": ("last", "total 1 234", "", "separators"),
    "last, not a number is not skipped": ("last", "5\nloss nan", "", "not a finite number"),
    "last, a rate is not dropped": ("last", "5\n1.1 GB/s", "", "'GB/s' is its unit"),
    "last, a scale is not dropped": ("last", "took 12 k", "", "'k' is its unit"),
    "last, a time in parts is not skipped": ("last", "5\nreal\t1m23.4s", "", "not a bare number"),
    "what timeit calls its units": ("auto", "4.87 usec per loop", "", "'usec' is its unit"),
    "a word that begins with a digit is no unit": ("auto", "12 frames of a 3d scene", "", 12),
    "only number of the last line": ("auto", "took 3 tries\nFound 12 errors.\n", "", 12),
    "same number twice on the last line": ("auto", "5 of 5", "", 5),
    "two numbers on the last line": ("auto", "5 of 6", "", "more than one number"),
    "two numbers without spaces": ("auto", "a=1;b=2", "", "more than one number"),
    "no number on the last line": ("auto", "5\ndone", "", "no number"),
    "several bare lines": ("auto", "5\n6", "", "Several lines"),
    "several bare lines with units": ("auto", "5%\n6 %", "%", "Several lines"),
    "the same bare line twice": ("auto", "5\n5.0", "", 5),
    "the METRIC of another name": ("auto", "METRIC other=5", "", "Print `METRIC loss=value`"),
}


@pytest.mark.parametrize(("read", "output", "unit", "expected"), FREE_TEXT.values(), ids=FREE_TEXT)
def test_free_text_gives_a_number_only_when_it_is_clear_which(
    read: str, output: str, unit: str, expected: float | str
) -> None:
    reading = read_metric(output, read, "loss", unit)

    if isinstance(expected, str):
        assert expected in reading.problem
    else:
        assert reading == Reading(expected)


NAMES = {
    "case matters": ("key", "Loss: 1", None),
    "a longer name": ("key", "val_loss: 1", None),
    "a longer name behind": ("key", "loss_2: 1", None),
    "a name in the middle of a line": ("key", "the loss: 1", None),
    "a space before the colon": ("key", "\tloss : 1", 1),
    "a METRIC line is not indented": ("line", " METRIC loss=1", None),
    "a METRIC line of another name": ("line", "METRIC val_loss=1", None),
    "a METRIC line in two": ("line", "METRIC\nloss=1", None),
    "a METRIC line in lower case": ("line", "metric loss=1", None),
    "text behind the number": ("line", "METRIC loss=1 (best)", None),
    "the same value twice": ("line", "METRIC loss=1\nMETRIC loss=1.0", 1),
    "two values": ("line", "METRIC loss=1\nMETRIC loss=2", None),
    "two values by key": ("key", "loss: 1\nloss: 2", None),
    "a value that cannot be read beside one that can": ("key", "loss: 1\nloss: none", None),
}


@pytest.mark.parametrize(("read", "output", "value"), NAMES.values(), ids=NAMES)
def test_a_named_line_has_exactly_the_name_and_one_value(read: str, output: str, value: float | None) -> None:
    assert read_metric(output, read, "loss").value == value


def test_a_name_may_hold_characters_that_regular_expressions_know() -> None:
    assert read_metric("METRIC p(99).{x}=1\nMETRIC p(99)a{x}=2", "line", "p(99).{x}").value == 1


REGEXES = {
    "the whole match without a group": (r"\d+", "a 12 b", 12),
    "the first of two groups": (r"(\d+)-(\d+)", "12-13", 12),
    "a group that takes no part": (r"(\d+)?x", "x", None),
    "matches that agree": (r"n=(\d+)", "n=1 n=1\nn=1", 1),
    "matches that do not": (r"n=(\d+)", "n=1 n=2", None),
    "each line begins and ends": (r"^(\d+)$", "a 1\n2\n3 b", 2),
    "lines are not joined": (r"a\s(\d+)", "a\n1", None),
    "no match": (r"n=(\d+)", "m=1", None),
}


@pytest.mark.parametrize(("pattern", "output", "value"), REGEXES.values(), ids=REGEXES)
def test_all_matches_of_a_regular_expression_agree(pattern: str, output: str, value: float | None) -> None:
    assert read_metric(output, f"regex:{pattern}", "loss").value == value


JSONS = {
    "a key": ("a", '{"a": 1}', 1),
    "a path": ("a.b[1].c", '{"a": {"b": [0, {"c": 2.5}]}}', 2.5),
    "a list at the top": ("[0].a", '[{"a": 1}]', 1),
    "over several lines": ("a", '{\n  "a": 1\n}\n', 1),
    "the last line that is JSON": ("a", '{"a": 1}\nlog\n{"a": 2}\n[done]\nlog', 2),
    "a line separator inside a text": ("a", 'log\n{"t": "x\u2028y", "a": 1}', 1),
    "an exponent": ("a", '{"a": 1e-5}', 1e-5),
    "the same key twice": ("a", '{"a": 1, "a": 1}', 1),
    "a text with the named unit": ("a", '{"a": "5 ms"}', 5),
    "two values for a key": ("a", '{"a": 1, "a": 2}', "two different values for 'a'"),
    "true and 1 are two values": ("a", '{"a": true, "a": 1}', "two different values"),
    "a text": ("a", '{"a": "5"}', "Make it a number"),
    "a truth value": ("a", '{"a": true}', "Make it a number"),
    "null": ("a", '{"a": null}', "Make it a number"),
    "a list": ("a", '{"a": [1]}', "Make it a number"),
    "not a number": ("a", '{"a": NaN}', "not a finite number"),
    "infinity": ("a", '{"a": -Infinity}', "not a finite number"),
    "a number of 5000 digits": ("a", f'{{"a": {"1" * 5000}}}', "not a finite number"),
    "a key that is missing": ("a.c", '{"a": {"b": 1}}', "'c' is not there, its keys are 'b'"),
    "an index that is missing": ("a[1]", '{"a": [1]}', "1 is not there"),
    "a key of a list": ("a.b", '{"a": [1]}', "'b' is not there"),
    "no JSON": ("a", "a: 1", "not JSON"),
    "nesting without end": ("a", "[" * 100_000, "not JSON"),
}


@pytest.mark.parametrize(("path", "output", "expected"), JSONS.values(), ids=JSONS)
def test_a_json_path_leads_to_one_number(path: str, output: str, expected: float | str) -> None:
    reading = read_metric(output, f"json:{path}", "loss", "ms")

    if isinstance(expected, str):
        assert expected in reading.problem
    else:
        assert reading == Reading(expected)


TERMINALS = {
    "colours": "\x1b[1;32mMETRIC loss=5\x1b[0m",
    "a colour inside": "METRIC loss=\x1b[31m5\x1b[0m",
    "tput": "\x1b(B\x1b[mMETRIC loss=5\x1b(B",
    "a title": "\x1b]0;epoch 9\x07METRIC loss=5",
    "a link": "METRIC loss=\x1b]8;;http://x/9\x1b\\5\x1b]8;;\x1b\\",
    "a title without an end": "\x1b]METRIC loss=5\x1b[0m\nMETRIC loss=5",
    "a progress bar": "10% 1/9\r50% 4/9\rMETRIC loss=5",
    "a progress bar that is wiped": "METRIC loss=5\r\x1b[K\r",
    "a progress bar that counts": "METRIC loss=9\rMETRIC loss=5",
    "line ends of Windows": "x\r\nMETRIC loss=5\r\nx\r\n",
    "doubled carriage returns": "METRIC loss=5\r\r\n",
    "a byte order mark": "\ufeffMETRIC loss=5",
}


@pytest.mark.parametrize("read", ["auto", "line"])
@pytest.mark.parametrize("output", TERMINALS.values(), ids=TERMINALS)
def test_what_a_terminal_would_show_last_is_read(output: str, read: str) -> None:
    assert read_metric(output, read, "loss") == Reading(5)


@pytest.mark.parametrize("read", ["auto", "last", "line", "key", "regex:x", "json:x"])
@pytest.mark.parametrize("output", ["", " \n\r\n", "\x1b[0m"])
def test_an_empty_output_says_what_to_print(output: str, read: str) -> None:
    assert read_metric(output, read, "loss") == Reading(
        None,
        "The command printed nothing. Let the command print `METRIC name=value`, or set `read` to say where the number is.",
    )


@pytest.mark.parametrize("read", ["last", "line", "key", "regex:x=1", "json:x"])
def test_a_missing_number_shows_how_the_output_ended(read: str) -> None:
    problem = read_metric("start\n" + "noise " * 100 + "\nall\ndone\n", read, "loss").problem

    assert "all done'" in problem
    assert "start" not in problem
    assert "METRIC" in problem or "JSON" in problem


@pytest.mark.parametrize("read", ["auto", "last", "line", "key", "regex:^(.*)$", "json:x"])
def test_a_problem_is_short_and_one_line_whatever_was_printed(read: str) -> None:
    problem = read_metric("METRIC loss=\x00" + "x\u2028y" * 9999 + "\n{" + '"\ud800z' * 9999, read, "loss").problem

    assert 20 < len(problem) < 600
    assert problem.isprintable()


@pytest.mark.parametrize("read", ["auto", "last", "line", "key", "regex:m=([0-9.]+)", "json:a.b[0]"])
def test_a_rule_that_can_be_used_is_accepted(read: str) -> None:
    assert check_read(read) == ""


RULES = {
    "an unknown word": ("guess", "not a way"),
    "nothing": ("", "not a way"),
    "a word with a rule it does not take": ("last:3", "not a way"),
    "a word with an empty rule": ("last:", "not a way"),
    "no pattern": ("regex:", "not a way"),
    "no path": ("json", "not a way"),
    "a group without an end": ("regex:(", "not a regular expression"),
    "a repetition too large": ("regex:a{99999999999999}", "not a regular expression"),
    "a repeated repetition": (r"regex:^(\d+)*x", "take for ever"),
    "a path with a gap": ("json:a..b", "not a path"),
    "a path with an open bracket": ("json:a[0", "not a path"),
    "a path with a word as index": ("json:a[b]", "not a path"),
}


@pytest.mark.parametrize(("read", "problem"), RULES.values(), ids=RULES)
def test_a_rule_that_cannot_be_used_is_refused_at_the_door(read: str, problem: str) -> None:
    assert problem in check_read(read)


HOSTILE = [
    "1",
    "1.",
    "1,",
    "1e",
    "nan ",
    "a:",
    "1 ",
    "\x1b]",
    "\x1b[0",
    "a\r",
    "[",
    '{"a":',
    "METRIC",
    "loss\t",
    "'",
    "=",
]


@pytest.mark.parametrize("read", ["auto", "last", "line", "json:a"])
@pytest.mark.parametrize("unit", HOSTILE)
def test_an_output_made_to_be_slow_is_read_all_the_same(unit: str, read: str) -> None:
    """A pattern that tries again at each place would take minutes here; so there is no clock to be flaky."""
    output = unit * (200_000 // len(unit)) + "_"

    assert isinstance(read_metric(output, read, "loss", "ms"), Reading)


HYPERFINE = "  Time (mean \u00b1 \u03c3):  {}    [User: 1 ms, System: 2 ms]\n"
MEAN = r"regex:Time \(mean[^:]*:\s+([\d.]+)"


@pytest.mark.parametrize(
    ("output", "before", "value", "unit"),
    [
        (HYPERFINE.format("263.4 ms"), None, 263.4, "ms"),
        (HYPERFINE.format("1.281 s"), "ms", 1281.0, "ms"),
        (HYPERFINE.format("900.0 \u00b5s"), "ms", 0.9, "ms"),
        (HYPERFINE.format("2.5 min"), "s", 150.0, "s"),
        (HYPERFINE.format("263.4"), "", 263.4, ""),
        (HYPERFINE.format("900.0\u202f\u00b5s"), "ms", 0.9, "ms"),
        (HYPERFINE.format("1.02 msec"), "usec", 1020.0, "usec"),
        (HYPERFINE.format("1.1 GB/s"), "MB/s", 1100.0, "MB/s"),
        (HYPERFINE.format("5 Gbits/sec"), "Mbits/sec", 5000.0, "Mbits/sec"),
        (HYPERFINE.format("1.5 GFLOPS"), "MFLOPS", 1500.0, "MFLOPS"),
        (HYPERFINE.format("7 req/s"), None, 7.0, "req/s"),
    ],
)
def test_a_captured_number_stays_in_the_unit_of_the_baseline(
    output: str, before: str | None, value: float, unit: str
) -> None:
    reading = read_metric(output, MEAN, "time", before=before)

    assert (reading.problem, reading.unit) == ("", unit)
    assert reading.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("before", "text", "told"),
    [
        ("ms", "12 kB", "'kB'"),
        ("ms", "12", "no unit"),
        ("", "12 ms", "no unit"),
        ("x", "12 ms", "in x"),
        ("it/s", "12 s/it", "s/it"),
        ("Kelem/s", "12 Melem/s", "Melem/s"),
        ("MB/s", "12 MB/min", "MB/min"),
    ],
)
def test_a_captured_number_in_another_kind_of_unit_is_refused(before: str, text: str, told: str) -> None:
    reading = read_metric(f"took {text}\n", r"regex:took ([\d.]+)", "time", before=before)

    assert reading.value is None
    assert told.strip("'") in reading.problem


def test_the_plan_s_unit_wins_over_what_stands_behind_a_capture() -> None:
    assert read_metric("took 1.5 s\n", r"regex:took ([\d.]+)", "time", "ms").value == 1500
    assert "kB" in read_metric("took 12 kB\n", r"regex:took ([\d.]+)", "time", "ms").problem


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (r"bench:\s+([\d.]+)", "bench: 1.5e-05 s"),
        (r"bench:\s+([\d.]+)", "bench: 3e9"),
        (r"bench:\s+([\d.]+)", "bench: 1,234"),
        (r"bench:\s+(\d+)", "bench: 12.34"),
        (r"bench:\s+(\d{2})", "bench: 1234"),
        (r"bench:\s+([\d.]+)", "bench: 12furlongs"),
        (r"bench:.*?([\d.]+)$", "bench: -5"),
        (r"(\d+) ms", "bench: 12.5 ms"),
        (r"(\d+)$", "bench: 1e-05"),
        (r",(\d+)$", "bench: 12,345"),
        (r"(\d+)$", "bench: 12\u202f345"),
        (r"bench: (\d+)", "bench: 12\u202f345"),
        (r"(\d+)$", "bench: \u22125"),
        (r"bench: ([\d.]+)", "bench: 1.5 \u00d7 10\u00b3"),
        (r"m([\d.]+)s", "real 1m1.281s"),
        (r"([\d.]+) s$", "bench: 1 min 3 s"),
        (r"bench: (\d+)", "bench: 1 h 20 min"),
        (r"([\d.]+) elapsed", "1:01.28 elapsed"),
        (r"bench: (\d+)", "bench: 12:30"),
    ],
)
def test_a_capture_that_is_a_part_of_a_number_is_refused(pattern: str, line: str) -> None:
    assert "only a part" in read_metric(f"{line}\n", f"regex:{pattern}", "bench").problem


@pytest.mark.parametrize(
    ("pattern", "line", "value", "unit"),
    [
        (r"([\d.]+)x faster", "2.31x faster", 2.31, "x"),
        (r"bench:\s+([\d.]+)", "bench: 12.34k", 12.34, "k"),
        (r"pages 3-(\d+)", "pages 3-5", 5, ""),
        (r"row,(\d+),(?:\d+)", "row,7,8", 7, ""),
        (r"ok (\d+) tests", "ok 12 tests", 12, ""),
        (r"total: ([\d.]+) %", "total: 93.5 %", 93.5, "%"),
        (r"took (\S+)", "took 12", 12, ""),
        (r"real\s+0m([\d.]+)", "real\t0m1.281s", 1.281, "s"),
        (r"([\d.]+) elapsed", "0:01.28 elapsed", 1.28, ""),
        (r"time: \[([\d.]+)", "time: [1.2 ms 1.3 ms 1.4 ms]", 1.2, "ms"),
        (r"took ([\d.]+)", "took 2 h, 30 runs", 2, "h"),
    ],
)
def test_a_whole_number_is_captured_with_what_stands_behind_it(
    pattern: str, line: str, value: float, unit: str
) -> None:
    reading = read_metric(f"{line}\n", f"regex:{pattern}", "bench")

    assert (reading.value, reading.unit, reading.problem) == (value, unit, "")
