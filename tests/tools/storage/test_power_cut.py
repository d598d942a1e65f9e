"""The power fails at any step of a server, its git and its database: a fresh server goes on from whatever the disk holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from inodes import Told
from outage import ACTS, FAULTS, broken, prepared, recorded
from powercut import Moment, Order, states
from recorded import unavailable

pytestmark = pytest.mark.skipif(bool(unavailable()), reason=unavailable())


@pytest.mark.parametrize("count", [1, pytest.param(30, marks=pytest.mark.slow)])
@pytest.mark.parametrize("act", ACTS)
def test_after_a_power_cut_nothing_that_was_told_is_lost_and_work_goes_on(tmp_path: Path, act: str, count: int) -> None:
    """After each answer nothing is there but what was told, and at some other steps; `benchmarks/powercut.py` tries more."""
    project = prepared(tmp_path / "repo", act)
    recording = recorded(project, act)
    ends = [number for number, step in enumerate(recording.steps, 1) if isinstance(step, Told)]

    assert ends
    for end in ends:
        assert not broken(Moment(recording, end, Order.FOLDER).corners()[0](), act, project.root)
    for order in Order:
        for state in states(recording, order, count, seed=len(act)):
            assert not broken(state, act, project.root)


@pytest.mark.parametrize(
    ("fault", "order"),
    [
        *(
            pytest.param(fault, Order.JOURNAL, marks=pytest.mark.slow)
            for fault in ("nobody waits", "synchronous = OFF", "git waits for nothing")
        ),
        ("folders are not waited for", Order.FOLDER),
    ],
)
def test_a_server_that_does_not_wait_for_the_disk_is_found(tmp_path: Path, fault: str, order: Order) -> None:
    assert fault in FAULTS
    project = prepared(tmp_path / "repo", "discard")
    recording = recorded(project, "discard", fault)
    told = next(number for number, step in enumerate(recording.steps, 1) if isinstance(step, Told))

    assert any(broken(corner(), "discard", project.root) for corner in Moment(recording, told, order).corners())
