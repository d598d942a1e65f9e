"""A run of processor time is several executions: which of them counts, and what has to hold of all."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from autoresearch_mcp.tools.decision.executions import as_one_run, executions_for, executions_of, only_at_best
from autoresearch_mcp.tools.decision.failures import FailureClass
from autoresearch_mcp.tools.decision.measured import Measurement, Place, Receipt
from autoresearch_mcp.tools.plan.model import Plan

RECEIPT = Receipt(
    id="", tree="", plan="", protected="", machine="", command="", place=Place.ARENA, seed=7, at=0.0, output=""
)
INCUMBENT = ((1.00, 1.30, 1.01, 1.12, 1.05), (1.01, 1.04, 1.25, 1.02, 1.10))


def executed(value: float | None, seconds: float = 2.0) -> Measurement:
    """One execution."""
    failure = FailureClass.RUNTIME if value is None else None
    return Measurement(value=value, failure=failure, seconds=seconds, receipt=RECEIPT)


def run(values: Sequence[float]) -> Measurement:
    """One run of such executions."""
    return as_one_run([executed(value) for value in values])


@pytest.mark.parametrize(
    ("read", "noise", "cpu_s", "seconds", "executions"),
    [
        ("cpu", "auto", 0.05, 0.1, 5),
        ("cpu", "auto", 1.0, 1.0, 3),
        ("cpu", "auto", 1.6, 1.6, 1),
        ("cpu", "auto", 0.1, 6.0, 2),
        ("cpu", "none", 0.05, 0.1, 1),
        ("wall", "auto", 0.05, 0.1, 1),
        ("auto", "auto", 0.05, 0.1, 1),
    ],
)
def test_only_short_runs_of_processor_time_are_several_executions(
    read: str, noise: str, cpu_s: float, seconds: float, executions: int
) -> None:
    assert executions_for(Plan(read=read, noise=noise), executed(cpu_s, seconds)) == executions


def test_the_least_of_them_counts_and_the_receipt_has_all() -> None:
    one = run([1.3, 1.0, 1.1])

    assert (one.value, one.seconds) == (1.0, 6.0)
    assert one.receipt is not None
    assert one.receipt.executions == (1.3, 1.0, 1.1)
    assert executions_of([executed(1.4), one]) == 3
    assert executions_of([executed(1.4)]) == 1


def test_one_that_fails_is_the_runs_result() -> None:
    failed = as_one_run([executed(1.0), executed(None)])

    assert (failed.value, failed.failure, failed.seconds) == (None, FailureClass.RUNTIME, 4.0)


def test_a_change_that_is_only_quick_at_times_gains_nothing() -> None:
    quick_at_times = [(0.80, 1.40, 1.45, 0.81, 1.38), (1.42, 0.80, 1.39, 1.44, 0.82)]
    quicker = [tuple(0.9 * value for value in values) for values in INCUMBENT]
    incumbent = [run(values) for values in INCUMBENT]

    assert "only in the best" in only_at_best([run(values) for values in quick_at_times], incumbent)
    assert only_at_best([run(values) for values in quicker], incumbent) == ""
    assert only_at_best([executed(0.8)], incumbent) == "", "single executions have no other mean"
