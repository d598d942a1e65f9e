"""Numbers that are no measurements, and measurements that do not compare, are said and not summed up."""

from __future__ import annotations

import pytest
from test_evals import told

from autoresearch_mcp.tools.evals.analysis import Analysis, analyse
from autoresearch_mcp.tools.evals.formats import read_results


@pytest.mark.parametrize(
    "sentinel", ["-999", "-9999", "999999", "-99999.0", "1e9", "1000000000", "1e+99", "2147483647"]
)
@pytest.mark.parametrize("direction", ["lower", "higher"])
def test_a_stand_in_is_no_baseline_and_no_record(sentinel: str, direction: str) -> None:
    for rows in (
        [f"{sentinel} baseline", "90 keep", "85 keep", "95 discard"],
        ["90 baseline", f"{sentinel} keep", "85 keep", "95 discard"],
        ["90 baseline", f"{sentinel} discard", "85 keep", "95 discard"],
    ):
        found = told(*rows, direction=direction)

        assert (found.baseline, found.final) == (90, 85)
        assert found.best == (85 if direction == "lower" else 90)
        assert found.measured <= 3
        assert any("stands for no measurement" in one for one in found.anomalies)


@pytest.mark.parametrize(
    "rows",
    [
        ["1003 baseline", "999 keep", "998 keep"],
        ["-1001 baseline", "-999 keep"],
        ["1e9 baseline", "990000000 keep"],
        ["999 baseline", "999 keep"],
        ["5 baseline", "2 keep", "0 keep"],
        ["0 baseline", "-1 keep", "-2 keep"],
    ],
)
def test_a_number_with_others_near_it_is_a_measurement(rows: list[str]) -> None:
    found = told(*rows)

    assert found.baseline == float(rows[0].split()[0])
    assert found.final == float(rows[-1].split()[0])
    assert not any("stands for" in one for one in found.anomalies)


def test_a_first_zero_is_none_where_nothing_lower_could_be_kept() -> None:
    found = told("0 baseline", "90 keep", "80 keep")
    raised = told("0 baseline", "80 keep", "90 keep", direction="higher")

    assert (found.baseline, found.improvement) == (90, 10)
    assert "#0: 0 stands for no measurement; taken as missing." in found.anomalies
    assert (raised.baseline, raised.improvement) == (0, 90)


def table(*rows: str, column: str = "machine") -> Analysis:
    header = f"iteration\tcommit\tmetric\tstatus\t{column}\tdescription\n"
    lines = [f"{number}\tabc{number:04}\t" + "\t".join(row.split("|")) + "\n" for number, row in enumerate(rows)]
    return analyse(read_results("# metric_direction: lower_is_better\n" + header + "".join(lines)))


def test_a_zero_that_says_it_crashed_is_no_measurement() -> None:
    found = table("90|baseline|a|start", "0|discard|a|timed out", "80|keep|a|no crash any more", "0|other|a|OOM")

    assert (found.best, found.measured) == (80, 1)
    assert "#1, #3: 0 stands for no measurement; taken as missing." in found.anomalies


@pytest.mark.parametrize("column", ["machine", "host", "hostname", "gpu"])
def test_of_several_machines_the_last_one_is_analysed_and_the_others_are_named(column: str) -> None:
    found = table(
        "100|baseline|old|start",
        "90|keep|old|a",
        "50|baseline|new|start",
        "45|keep|new|b",
        "48|discard||c",
        column=column,
    )

    assert (found.baseline, found.best, found.improvement, found.iterations_run) == (50, 45, 5, 2)
    assert any("2 rows of other machines (old) are not part" in one for one in found.anomalies)
    assert not any("not used" in one and column in one for one in found.anomalies)


def test_one_machine_is_no_anomaly() -> None:
    assert not any("machine" in one for one in table("100|baseline|a|start", "90|keep|a|b").anomalies)
