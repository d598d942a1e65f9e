"""Results of other tools: imported as they came, drawn, and never taken for something that was measured here."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.evals.reading import imported
from autoresearch_mcp.tools.verbs.review import Review
from conftest import Project

KARPATHY = (
    "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n"
    "a1b2c3d\t0.997900\t44.0\tkeep\tbaseline\n"
    "b2c3d4e\t0.993200\t44.2\tkeep\thalve the batch\n"
    "c3d4e5f\t1.005000\t44.0\tdiscard\tuse GeLU\n"
    "d4e5f6a\t0.000000\t0.0\tcrash\tdouble the width\n"
)
CLAUDE = (
    "# metric_direction: higher_is_better\n"
    "iteration\tcommit\tmetric\tdelta\tguard\tstatus\tdescription\n"
    "0\ta1b2c3d\t61.5\t0.0\tpass\tbaseline\tcoverage\n"
    "1\tb2c3d4e\t64.0\t+2.5\tpass\tkeep\ttest the parser\n"
    "2\t-\t0.0\t-64.0\t-\tcrash\tbroken import\n"
)
PI = (
    '{"type":"config","name":"speed","metricName":"seconds","metricUnit":"s","bestDirection":"lower"}\n'
    '{"run":1,"commit":"a1b2c3d","metric":12.5,"metrics":{},"status":"keep","description":"baseline","timestamp":1}\n'
    '{"run":2,"commit":"b2c3d4e","metric":11.0,"metrics":{},"status":"keep","description":"cache","timestamp":2}\n'
)


@pytest.mark.parametrize(
    ("name", "text", "direction", "values"),
    [
        ("results.tsv", KARPATHY, "lower", [0.9979, 0.9932, 1.005, None]),
        ("autoresearch-results.tsv", CLAUDE, "higher", [61.5, 64.0, None]),
        ("autoresearch.jsonl", PI, "lower", [12.5, 11.0]),
    ],
    ids=["Karpathy", "Claude Autoresearch", "pi"],
)
def test_each_tools_results_are_imported_and_drawn(
    project: Project, tmp_path: Path, name: str, text: str, direction: str, values: list[float | None]
) -> None:
    file = tmp_path / name
    file.write_text(text)
    review = Review(project.lab)

    assert main(["--root", str(project.root), "import", str(file)]) == 0
    drawn = review.report("png", imported=name)

    _, chapter = imported(project.lab.for_reading(), name)
    assert [row.metric for row in chapter.rows] == values
    assert chapter.plan.better == direction
    assert (project.root / drawn.file).read_bytes().startswith(b"\x89PNG")
    assert "nothing of it was measured here" in drawn.report
    assert "nothing of it was measured here" in review.report("text", imported=name).report
    assert project.git("status", "--porcelain") == ""


def test_a_crash_that_was_written_as_zero_is_no_record(project: Project, tmp_path: Path) -> None:
    (tmp_path / "results.tsv").write_text(KARPATHY)
    main(["--root", str(project.root), "import", str(tmp_path / "results.tsv")])

    _, chapter = imported(project.lab.for_reading(), "results.tsv")

    assert min(row.metric for row in chapter.rows if row.metric is not None) == 0.9932


def test_what_cannot_be_imported_is_refused_with_a_cure(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "novel.txt").write_text("It was a dark and stormy night.\n")
    (tmp_path / "numbers.tsv").write_text(KARPATHY.replace("val_bpb", "metric"))

    def said(*arguments: str) -> str:
        assert main(["--root", str(project.root), "import", *arguments]) == 2
        return capsys.readouterr().err

    assert "was not imported" in said(str(tmp_path / "novel.txt"))
    assert "There is no file" in said(str(tmp_path / "nothing.tsv"))
    assert "Say it: lower or higher" in said(str(tmp_path / "numbers.tsv"))
    assert main(["--root", str(project.root), "import", str(tmp_path / "numbers.tsv"), "--direction", "lower"]) == 0
    with pytest.raises(Refusal, match=r"There are: numbers\.tsv"):
        Review(project.lab).report("png", imported="other")
    with pytest.raises(Refusal, match="Use `png` or `text`"):
        Review(project.lab).report("html", imported="numbers.tsv")
