"""What of a command's output names a failure."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.diagnostics.failing_lines import failing_lines

PYTEST = """
____ test_sum ____
>   assert add(1, 1) == 2
test_a.py:3: AssertionError
==== short test summary info ====
FAILED test_a.py::test_sum - assert 3 == 2
FAILED test_a.py::test_less
FAILED test_a.py::test_more
3 failed, 9 passed in 0.10s
"""
CUT = """
less
FAILED test_a.py::test_less
FAILED test_a.py::test_more
==== 19 failed, 889 passed, 1 error in 63.20s (0:01:03) ====
"""
UNITTEST = """
test_sum (test_a.Sums.test_sum) ... FAIL
====
FAIL: test_sum (test_a.Sums.test_sum)
Traceback (most recent call last):
FAILED (failures=1)
"""


@pytest.mark.parametrize(
    ("output", "named"),
    [
        (PYTEST, ["FAILED test_a.py::test_sum - assert 3 == 2", "FAILED test_a.py::test_less", "and 1 more"]),
        (CUT, ["FAILED test_a.py::test_less", "FAILED test_a.py::test_more", "and 18 more"]),
        (UNITTEST, ["FAIL: test_sum (test_a.Sums.test_sum)"]),
        ("--- FAIL: TestSum (0.00s)\n    sum_test.go:5: got 3\nFAIL\n", ["--- FAIL: TestSum (0.00s)"]),
        ("test tests::sum ... FAILED\ntest tests::less ... ok\n", ["test tests::sum ... FAILED"]),
        ("  ✓ less\n  ✕ adds (3 ms)\n", ["✕ adds (3 ms)"]),
        ("TAP version 13\nok 1 - less\nnot ok 2 - adds\n", ["not ok 2 - adds"]),
        ("src/a.ts(3,5): error TS2322: not a number\n", ["src/a.ts(3,5): error TS2322: not a number"]),
        ("lib/a.c:3:5: error: expected ';'\n1 error\n", ["lib/a.c:3:5: error: expected ';'"]),
        ("building\nthe bundle has 3000 bytes\nmore than 2000\n\n", ["the bundle has 3000 bytes", "more than 2000"]),
        ("", []),
    ],
)
def test_the_lines_that_name_what_failed_are_found_else_the_last_ones(output: str, named: list[str]) -> None:
    assert failing_lines(output, 2) == named
