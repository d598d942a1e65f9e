"""Output longer than what is kept: the METRIC lines in its middle are read, half lines are not, and the cut is said."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.process.bounded_output import HEAD_BYTES, KEPT_LINES, LINE_BYTES, TAIL_BYTES, BoundedOutput
from conftest import PYTHON, Project

FILL = b"filling words of a long log\n" * 20_000


def kept(*parts: bytes, chunk: int = 65_536) -> tuple[list[bytes], BoundedOutput]:
    """The lines that are kept of a stream that arrives in chunks."""
    output, text = BoundedOutput(), b"".join(parts)
    for start in range(0, len(text), chunk):
        output.add(text[start : start + chunk])
    return output.kept().split(b"\n"), output


def metrics(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if b"METRIC" in line]


@pytest.mark.parametrize("chunk", [97, 4096, 65_536, 300_000])
def test_metric_lines_in_the_middle_are_kept_in_order(chunk: int) -> None:
    first, second = b"METRIC value=12.5\n", b"METRIC other = 3\r\n"
    lines, output = kept(FILL, first, FILL, second, FILL, chunk=chunk)

    assert metrics(lines) == [b"METRIC value=12.5", b"METRIC other = 3"]
    assert output.left_out > 3 * len(FILL) - HEAD_BYTES - TAIL_BYTES - chunk - 1000


@pytest.mark.parametrize("where", range(0, 40, 3))
def test_a_line_that_the_head_ends_in_is_not_read_in_half(where: int) -> None:
    lines, _ = kept(b"x\n" * ((HEAD_BYTES - where) // 2), b"METRIC value=123456789\n", FILL, FILL)

    assert metrics(lines) == [b"METRIC value=123456789"]


@pytest.mark.parametrize("where", [0, 1, 15, 16, 17, 22, 23, 39])  # at 16 the tail begins with METRIC
def test_a_line_that_the_tail_begins_in_is_not_read_in_half(where: int) -> None:
    output = BoundedOutput()
    output.add(FILL[:-100])
    for byte in FILL[-100:] + b"not a METRIC value=1\n":
        output.add(bytes([byte]))
    output.add(b"y" * (TAIL_BYTES - where) + b"\n")
    lines = output.kept().split(b"\n")

    assert [found for found in lines if found.startswith(b"METRIC")] == []
    assert b"left out" in b"\n".join(lines)


def test_what_a_progress_bar_wrote_over_is_not_kept() -> None:
    lines, _ = kept(FILL, b"METRIC value=1\rMETRIC value=2\rMETRIC value=3\n", FILL)

    assert metrics(lines) == [b"METRIC value=3"]


def test_their_number_and_length_are_bounded_and_a_repeated_one_counts_once() -> None:
    many = b"".join(b"METRIC value=%d\n" % number for number in range(10 * KEPT_LINES))
    long = b"METRIC value=" + b"1" * LINE_BYTES + b"\n"
    lines, output = kept(FILL, b"METRIC same=1\n" * 1000, many, long, FILL)

    assert metrics(lines).count(b"METRIC same=1") == 1
    assert len(metrics(lines)) == KEPT_LINES
    assert metrics(lines)[-1] == b"METRIC value=%d" % (10 * KEPT_LINES - 1)
    assert len(output.kept()) < HEAD_BYTES + 2 * TAIL_BYTES + (1 << 16)


def test_one_endless_line_is_kept_at_both_ends() -> None:
    lines, output = kept(b"begin", b"z" * 2_000_000, b"end")

    assert lines[0].startswith(b"begin")
    assert lines[-1].endswith(b"end")
    assert sum(map(len, lines)) < HEAD_BYTES + 2 * TAIL_BYTES
    assert output.left_out


def test_verify_reads_a_metric_in_the_middle_and_says_what_was_cut(project: Project) -> None:
    fill = f"{PYTHON} -c \"[print('a word ' * 20) for _ in range(9000)]\""
    project.plan = project.plan.model_copy(
        update={"verify": f"{fill}; echo METRIC value=$(cat value.txt); {fill}; {fill}", "guards": ()}
    )
    project.start()

    answer = project.try_value(8)

    assert (answer.status, answer.metric) == (Status.KEEP, 8.0)


def test_the_end_of_a_failed_runs_output_says_what_was_cut(project: Project) -> None:
    flood = "yes a long line of words | head -c 5000000; echo"
    project.plan = project.plan.model_copy(
        update={"verify": f"{flood}; cat value.txt; test $(cat value.txt) != 7", "guards": ()}
    )
    project.start()

    answer = project.try_value(7)

    assert answer.status is None or answer.status is Status.CRASH
    assert "bytes in the middle of standard output were left out" in answer.output
