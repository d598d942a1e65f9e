"""Results files of other tools, read as they are found in the wild."""

from __future__ import annotations

import json

import pytest

from autoresearch_mcp.tools.evals.formats import read_results
from autoresearch_mcp.tools.evals.rows import Results, ResultsFormat, RowFate, fate_of, number_in


def table(header: str, *rows: str, separator: str = "\t") -> str:
    return "\n".join(separator.join(line.split("|")) for line in (header, *rows)) + "\n"


LOOP_7 = "iteration|commit|metric|delta|guard|status|description"
LOOP_8 = "iteration|commit|metric|delta|guard|guard-metric|status|description"
LOOP_9 = "iteration|timestamp|commit|metric|delta|guard|guard-metric|status|description"

# a file, then its format, its metric's column, and of the first row: number, commit, metric, guard, fate
FORMATS = {
    "karpathy": (
        table("commit|val_bpb|memory_gb|status|description", "39d586d|0.998100|44.0|keep|baseline"),
        (ResultsFormat.KARPATHY, "val_bpb", None, "39d586d", 0.9981, "-", RowFate.KEEP),
    ),
    "karpathy with another metric": (
        table("commit|val_rmse|status|description", "c2450ad|343.88|keep|baseline"),
        (ResultsFormat.KARPATHY, "val_rmse", None, "c2450ad", 343.88, "-", RowFate.KEEP),
    ),
    "seven columns": (
        "# metric_direction: higher_is_better\n" + table(LOOP_7, "0|a1b2c3d|85.2|0.0|pass|baseline|start"),
        (ResultsFormat.LOOP, "metric", 0, "a1b2c3d", 85.2, "pass", RowFate.BASELINE),
    ),
    "eight columns": (
        table(LOOP_8, "4|74780cc727|98500|-15348|pass|-|keep|13% better"),
        (ResultsFormat.LOOP, "metric", 4, "74780cc727", 98500.0, "pass", RowFate.KEEP),
    ),
    "nine columns": (
        table(LOOP_9, "1|2026-03-01T10:00:00Z|-|9.5|+0.1|fail|12|discard|worse"),
        (ResultsFormat.LOOP, "metric", 1, "", 9.5, "fail", RowFate.DISCARD),
    ),
    "columns in another order": (
        table("iteration|commit|metric|delta|status|guard|description", "1|f5bc22d|1002|-59.0|keep|pass|switches"),
        (ResultsFormat.LOOP, "metric", 1, "f5bc22d", 1002.0, "pass", RowFate.KEEP),
    ),
    "no header": (
        table("6|9788b69a0|9546|-1924|pass*|keep|flat event"),
        (ResultsFormat.LOOP, "metric", 6, "9788b69a0", 9546.0, "pass", RowFate.KEEP),
    ),
    "a metric by another name": (
        table("iteration|error_count|status", "1|12|keep"),
        (ResultsFormat.TABLE, "error_count", 1, "", 12.0, "-", RowFate.KEEP),
    ),
    "its own words for statuses": (
        table("experiment|val_bpb|bytes|status|timestamp", "3|1.5128|12227825|KEPT|2026-03-19T01:18:29-04:00"),
        (ResultsFormat.TABLE, "val_bpb", 3, "", 1.5128, "-", RowFate.KEEP),
    ),
    "before and after": (
        table(
            "iteration|change|metric_before|metric_after|guard|result|commit",
            "2|score|0.9|0.975|93 passed|keep|abc1234",
        ),
        (ResultsFormat.TABLE, "metric_after", 2, "abc1234", 0.975, "pass", RowFate.KEEP),
    ),
    "commas": (
        table(LOOP_7, '1|abc1234|5|-1|pass|keep|"one, two"', separator=","),
        (ResultsFormat.LOOP, "metric", 1, "abc1234", 5.0, "pass", RowFate.KEEP),
    ),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_known_by_its_columns(name: str) -> None:
    text, expected = FORMATS[name]

    found = read_results(text)
    row = found.rows[0]

    assert (found.format, found.metric, row.number, row.commit, row.metric, row.guard, row.fate) == expected
    assert found.skipped == ()


def pi(*entries: object) -> Results:
    return read_results("\n".join(entry if isinstance(entry, str) else json.dumps(entry) for entry in entries))


def test_a_log_of_pi_autoresearch_has_segments_and_lines_that_are_no_runs() -> None:
    found = pi(
        {"type": "config", "name": "a", "metricName": "total_ms", "metricUnit": "ms", "bestDirection": "lower"},
        {"run": 1, "commit": "aaaaaaa", "metric": 9, "status": "keep", "description": "x", "timestamp": 1773348490227},
        {"type": "hook", "name": "before"},
        {"run": 2, "commit": "bbbbbbb", "metric": 8, "status": "checks_failed", "description": "y"},
        {"type": "config", "name": "b", "metricName": "acc", "bestDirection": "higher"},
        {"run": 3, "commit": "ccccccc", "metric": 0.5, "metrics": {"extra": 2}, "status": "keep"},
        "{ half a line",
    )

    assert (found.format, found.direction, found.metric) == (ResultsFormat.PI, "higher", "acc")
    assert [(row.number, row.metric, row.fate, row.guard, row.segment) for row in found.rows] == [
        (1, 9.0, RowFate.KEEP, "-", 0),
        (2, 8.0, RowFate.DISCARD, "fail", 0),
        (3, 0.5, RowFate.KEEP, "-", 1),
    ]
    assert found.rows[2].cells == {"extra": "2"}
    assert [(one.line, one.why) for one in found.skipped] == [(3, "a hook line, not a run"), (7, "no JSON object")]


@pytest.mark.parametrize(
    "text",
    [
        table("commit|val_bpb|memory_gb|status|description", "a1b2c3d|0.998|44|keep|baseline", "a1b2c3e|0.000000|0.0|crash|OOM"),
        table(LOOP_7, "0|a1b2c3d|5|0|pass|baseline|-", "1|-|0.0|-|-|crash|boom"),
        '{"type":"config","metricName":"m","bestDirection":"lower"}\n{"run":1,"metric":5,"status":"keep"}\n{"run":2,"metric":0,"status":"crash"}',
    ],
)  # fmt: skip
def test_a_crash_that_was_logged_as_zero_is_no_measurement(text: str) -> None:
    found = read_results(text)

    assert [row.metric is None for row in found.rows] == [False, True]
    assert found.notes == (
        "Crashes and the like that carry a number: 1, of which 0: 1. No measurement; taken as missing.",
    )


def test_what_cannot_be_read_is_named_with_its_line() -> None:
    text = table(LOOP_7, "1|abc1234|5|-1|pass|keep|ok", "torn", "2|abc1235|4|-1|pass|keep") + "# a remark\n\n"

    found = read_results(text)

    assert [row.number for row in found.rows] == [1, 2]
    assert [(one.line, one.why) for one in found.skipped] == [(3, "1 cells under 7 columns")]
    assert found.notes == ("1 rows have fewer cells than the header; the last ones are taken as missing.",)


def test_a_tab_in_a_description_stays_in_the_description() -> None:
    found = read_results(table(LOOP_7, "1|abc1234|5|-1|pass|keep|one|two"))

    assert found.rows[0].description == "one two"


def test_a_second_header_begins_a_segment() -> None:
    text = table(LOOP_7, "0|abc1234|5|0|pass|baseline|a") + table(LOOP_8, "0|abc1235|9|0|pass|3|baseline|b")

    found = read_results(text)

    assert [(row.segment, row.metric, row.description) for row in found.rows] == [(0, 5.0, "a"), (1, 9.0, "b")]


@pytest.mark.parametrize("text", ["", "\n\n", "hello\nworld\n", "{}", "[1, 2]", "\x00\x01", "a\tb\tc\n1\t2\t3\n"])
def test_what_is_no_results_file_has_no_rows(text: str) -> None:
    assert read_results(text).rows == ()


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("61ms", 61.0), ("87.5%", 87.5), ("1,061", 1061.0), ("+0.5", 0.5), ("-3e-4", -0.0003), (".5", 0.5), ("3,818 µs", 3818.0),
        ("-", None), ("", None), ("FAILED", None), ("nan", None), ("1e999", None), ("1.2.3", None), ("12 34", None),
    ],
)  # fmt: skip
def test_a_cell_is_a_number_or_missing(cell: str, value: float | None) -> None:
    assert number_in(cell) == value


def test_a_column_is_in_the_unit_of_its_first_row() -> None:
    text = table(
        LOOP_7, *(f"{n}|abc1234|{cell}|-|pass|keep|x" for n, cell in enumerate(("263.4 ms", "1.281 s", "3 MB", "250")))
    )

    assert [row.metric for row in read_results(text).rows] == [263.4, 1281.0, None, 250.0]


@pytest.mark.parametrize(
    ("word", "fate"),
    [
        ("KEPT", RowFate.KEEP), ("keep (reworked)", RowFate.KEEP), ("reverted_worse", RowFate.DISCARD), ("checks_failed", RowFate.DISCARD),
        ("FAILED", RowFate.CRASH), ("no-op", RowFate.NO_OP), ("hook_blocked", RowFate.HOOK_BLOCKED), ("metric-error", RowFate.METRIC_ERROR),
        ("FINAL", RowFate.OTHER), ("", RowFate.OTHER),
    ],
)  # fmt: skip
def test_statuses_come_down_to_one_vocabulary(word: str, fate: RowFate) -> None:
    assert fate_of(word) is fate
