"""Learning curves: told, and held against one another."""

from __future__ import annotations

import math

import pytest

from autoresearch_mcp.tools.decision.measured import overlaid, read_curve, read_trained, written
from curves import Curve, EarlyStop, parse_curve, render, render_curve


def curve(end: float, *, points: int = 100, wobble: float = 0.02, until: float = 1.0) -> Curve:
    """A run that falls from 7 nats to `end`."""
    shares = [(place + 1) / points for place in range(int(points * until))]
    return tuple(
        (s, end + (7 - end) * (1 - s) ** 2 + wobble * math.sin(17.3 * place)) for place, s in enumerate(shares)
    )


def test_a_curve_is_read_as_it_was_written() -> None:
    whole = curve(2.0, points=7)

    assert parse_curve(render_curve(whole)) == tuple((round(s, 3), round(loss, 4)) for s, loss in whole)
    assert parse_curve(written(whole)) == read_curve(written(whole)) != ()
    assert read_curve("1:2:3") == read_curve("a:b") == ()


@pytest.mark.parametrize(
    ("candidate", "stopped"),
    [
        (curve(2.0), False),
        (curve(1.5), False),
        (curve(2.02), False),
        (curve(4.0), True),
        (curve(4.0, until=0.25), False),
        (curve(2.4, wobble=3.0), False),
        (curve(4.0, points=4), False),
        ((), False),
    ],
    ids=["equal", "better", "hardly worse", "far worse", "too early", "too noisy", "too few points", "nothing yet"],
)
def test_only_what_is_far_behind_for_sure_is_stopped(candidate: Curve, stopped: bool) -> None:
    whole = [candidate[:place] for place in range(len(candidate) + 1)]

    assert any(EarlyStop().stops(part, curve(2.0)) for part in whole) is stopped


def test_a_run_that_is_behind_by_less_than_is_still_to_gain_goes_on() -> None:
    behind = tuple((share, loss + 0.6) for share, loss in curve(2.0, until=0.4))

    assert not EarlyStop(patience=0.5).stops(behind, curve(2.0))
    assert EarlyStop(patience=0.1).stops(behind, curve(2.0))


def test_without_a_curve_to_compare_nothing_is_stopped() -> None:
    assert not EarlyStop().stops(curve(5.0, until=0.5), ())


def test_a_line_of_progress_tells_where_a_run_is() -> None:
    assert render(120, 390, 3.2139, 21345.6, 14.2) == "step 120/390 (31 %) loss 3.214 21,346 tokens/s 14 s left"


BLOCK = """\
step 1/2 loss 3
---
val_bpb:            1.980000
training_seconds:   16.9
device:             cpu
check causality: passed (costs differ by at most 0 nats)
check isolation: skipped (no Landlock)
curve: 0.500:4.0000 1.000:3.0000
"""


def test_the_summary_of_a_run_is_facts_and_a_curve() -> None:
    found = read_trained(BLOCK)

    assert found is not None
    assert found.facts == {"val_bpb": "1.980000", "training_seconds": "16.9", "device": "cpu"}
    assert found.curve == ((0.5, 4.0), (1.0, 3.0))
    assert (found.number("training_seconds"), found.number("device")) == (16.9, None)


@pytest.mark.parametrize("text", ["", "val_bpb: 2\n", "---\nval_bpb: 2\n", BLOCK.replace("---", "--")])
def test_other_output_is_no_summary(text: str) -> None:
    assert read_trained(text) is None


def test_curves_lie_over_one_another_by_share_of_the_budget() -> None:
    lines = overlaid([("incumbent", ((0.05, 5.0), (0.1, 4.0), (1.0, 2.0))), ("#12", ((0.95, 3.0),)), ("#13", ())])

    assert lines[0].split() == [word for tenth in range(1, 11) for word in (str(10 * tenth), "%")]
    assert lines[1].split() == ["incumbent", "4.500", *["-"] * 8, "2.000"]
    assert lines[2].split() == ["#12", *["-"] * 9, "3.000"]
    assert len(lines) == 3
