"""Scores, computed by hand."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.workflows.ledger import scores

# --- security --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owasp", "stride", "findings", "value"),
    [
        (0, 0, 0, 0),
        (10, 6, 0, 80),
        (10, 6, 20, 100),
        (10, 6, 500, 100),
        (4, 3, 7, 42),  # a published example claims 48.3 for these
        (11, 7, 0, 80),
    ],
)
def test_the_ancestors_score_for_security_counts_work(owasp: int, stride: int, findings: int, value: float) -> None:
    assert scores.security_ancestor(owasp, stride, findings).value == pytest.approx(value)


@pytest.mark.parametrize(
    ("tested", "cells", "owasp", "proven", "findings", "value"),
    [
        (0, 0, 0, 0, 0, 0),
        (12, 12, 10, 0, 0, 100),
        (12, 12, 10, 3, 3, 100),
        (12, 12, 10, 0, 50, 80),
        (6, 12, 5, 1, 2, 45),  # (35 + 15) x 0.9
        (1, 12, 0, 0, 0, 70 / 12),
    ],
)
def test_the_score_for_security_does_not_reward_the_number_of_findings(
    tested: int, cells: int, owasp: int, proven: int, findings: int, value: float
) -> None:
    score = scores.security_quality(tested, cells, owasp, proven, findings)

    assert score.value == pytest.approx(value)
    assert score.most == 100


# --- debug -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settled", "hypotheses", "reproduced", "findings", "value"),
    [(0, 0, 0, 0, 0), (4, 4, 0, 0, 50), (4, 4, 2, 2, 100), (1, 2, 1, 4, 37.5)],
)
def test_the_score_for_debugging_is_what_was_settled_and_reproduced(
    settled: int, hypotheses: int, reproduced: int, findings: int, value: float
) -> None:
    assert scores.debug_quality(settled, hypotheses, reproduced, findings).value == value


@pytest.mark.parametrize(
    ("findings", "hypotheses", "read", "scope", "techniques", "value"),
    [(0, 0, 0, 0, 0, 0), (2, 5, 3, 12, 7, 65), (0, 0, 99, 12, 7, 50), (10, 0, 0, 10, 0, 150)],
)
def test_the_ancestors_score_for_debugging_has_no_bound(
    findings: int, hypotheses: int, read: int, scope: int, techniques: int, value: float
) -> None:
    score = scores.debug_ancestor(findings, hypotheses, read, scope, techniques)

    assert score.value == pytest.approx(value)
    assert score.most is None
