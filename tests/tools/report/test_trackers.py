"""A session in the stores of experiment trackers, read back by their own libraries."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.verbs.loop import Loop
from conftest import Project


@pytest.fixture
def session(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A keep, a discard and a keep; commands are typed in its folder."""
    project.start()
    for value in (9, 12, 4):
        project.write("value.txt", f"{value}\n")
        Loop(project.lab).iterate(f"try {value}", hypothesis="less")
    monkeypatch.chdir(project.root)
    return project


def export(tracker: str, place: Path) -> int:
    return main(["export", "--to", tracker, "--into", str(place)])


def test_tensorboard_reads_each_number_at_its_iteration(session: Project, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    for _ in range(2):  # a second export takes the place of the first
        assert export("tensorboard", tmp_path / "board") == 0

    (folder,) = (tmp_path / "board").iterdir()
    read = accumulator.EventAccumulator(str(folder)).Reload()
    assert [(one.step, one.value) for one in read.Scalars("value")] == [(0, 10), (1, 9), (2, 12), (3, 4)]
    assert [one.value for one in read.Scalars("kept")] == [0, 1, 0, 1]
    assert b"try 12" in read.Tensors("try")[2].tensor_proto.string_val[0]


def test_mlflow_has_a_run_an_iteration_with_its_patch(session: Project, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")

    for _ in range(2):  # a second export adds what is new, and nothing here is
        assert export("mlflow", tmp_path / "store.db") == 0

    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 'store.db'}")
    group = client.get_experiment_by_name(f"{session.root.name}: {session.plan.goal}").experiment_id
    top, *runs = sorted(client.search_runs([group]), key=lambda run: run.data.tags["autoresearch.iteration"])
    assert top.data.params["scope"] == str(list(session.lab.for_reading().active.plan.scope))
    assert [run.data.metrics["value"] for run in runs] == [10, 9, 12, 4]
    assert [run.data.tags["status"] for run in runs] == ["baseline", "keep", "discard", "keep"]
    assert {run.data.tags["mlflow.parentRunId"] for run in runs} == {top.info.run_id}
    patch = Path(client.download_artifacts(runs[3].info.run_id, "change.patch")).read_text()
    assert "-9\n+4" in patch
    assert [file.path for file in client.list_artifacts(top.info.run_id)] == ["autoresearch-report.html"]


def test_wandb_has_an_offline_run_an_iteration(session: Project, tmp_path: Path) -> None:
    pytest.importorskip("wandb")

    assert export("wandb-offline", tmp_path / "runs") == 0
    assert export("wandb-offline", tmp_path / "runs") == 0, "and once more, in place of the first"

    assert len([*(tmp_path / "runs" / "wandb").glob("offline-run-*/run-*.wandb")]) == 4


def test_a_place_that_cannot_be_written_is_said(
    session: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tensorboard")
    (tmp_path / "board").write_text("a file\n")

    assert export("tensorboard", tmp_path / "board") == 2
    assert "did not take it" in capsys.readouterr().err


def test_a_library_that_is_missing_is_named_with_its_cure(
    session: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)

    assert export("mlflow", tmp_path / "store.db") == 2
    assert "pip install 'mlflow'" in capsys.readouterr().err
    assert not (tmp_path / "store.db").exists()
