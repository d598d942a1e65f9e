"""A session in the stores of experiment trackers, through their own libraries: one run an iteration, all in one group."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ..errors import Code, Refusal
from ..lab.context import RepoContext
from ..lab.masking import as_shown
from ..session.results import PAGE_FILE
from .changes import attempts, shown_patches
from .writing import write_page

ITERATION, SESSION = "autoresearch.iteration", "autoresearch.session"
"""Tags by which MLflow finds a run again, so that a second export adds only what is new."""


class Tracker(StrEnum):
    """Where a session can be exported to."""

    MLFLOW = "mlflow"
    TENSORBOARD = "tensorboard"
    WANDB = "wandb-offline"


@dataclass(frozen=True)
class ExportedTry:
    """One iteration: what a tracker calls its metrics, its parameters, and the patch as an artifact.

    `values` are the runs that gave a number, in order; `numbers` what was decided on.
    """

    number: int
    name: str
    values: Sequence[float]
    numbers: Mapping[str, float]
    words: Mapping[str, str]
    patch: str


@dataclass(frozen=True)
class ExportedSession:
    """A session as a group of runs: the plan's fields as parameters, the page as an artifact, and when it was
    exported, in seconds since the epoch.
    """

    id: str
    name: str
    metric: str
    parameters: Mapping[str, str]
    tries: Sequence[ExportedTry]
    page: Path
    at: float

    @property
    def tags(self) -> dict[str, str]:
        """Return by what a store finds the session again."""
        return {SESSION: self.id}


def export(context: RepoContext, tracker: Tracker, place: str) -> str:
    """Write a session into a tracker's store, a folder or an address; returns where it is and how to look at it.

    Raises:
        Refusal: if the tracker's library is not installed beside this server, or does not take it.
    """
    write_page(context)
    session = _exported(context)
    try:
        return _WRITERS[tracker](session, place)
    except ImportError as error:
        package = tracker.value.removesuffix("-offline")
        cure = f"Install it beside this server: pip install '{package}', or the extra `autoresearch-mcp[{package}]`."
        raise Refusal(Code.BAD_ARGUMENT, f"{error.name or package} is not installed here. {cure}") from error
    except Exception as error:  # each library has errors of its own
        message = f"{tracker} did not take it: {error}. Look at --into, then export again."
        raise Refusal(Code.BAD_ARGUMENT, message) from error


def _exported(context: RepoContext) -> ExportedSession:
    session = as_shown(context, context.active)
    rows = context.rows()
    commits = attempts(context, [row.iteration for row in rows])
    patches = shown_patches(context, context.repo.patches({made[-1]: made[0] for made in commits.values()}))
    plan = session.plan.model_dump(mode="json", exclude_defaults=True)
    return ExportedSession(
        id=session.id,
        name=f"{context.repo.root.name}: {session.plan.goal or session.plan.metric}",
        metric=session.plan.metric or "value",
        parameters={name: str(value) for name, value in plan.items()} | {"branch": session.start.branch},
        tries=[
            ExportedTry(
                row.iteration,
                f"{row.iteration} {row.status}",
                row.samples,
                {
                    name: value
                    for name, value in (
                        ("value", row.metric),
                        ("delta", row.delta),
                        ("seconds", row.seconds),
                        ("kept", float(row.status.kept)),
                    )
                    if value is not None
                },
                {
                    "status": str(row.status),
                    "commit": row.commit,
                    "description": row.description,
                    "hypothesis": row.hypothesis,
                    "learned": row.learned,
                    "why": row.why,
                },
                patches.get(commits[row.iteration][-1], "") if row.iteration in commits else "",
            )
            for row in rows
        ],
        page=context.repo.root / PAGE_FILE,
        at=context.now(),
    )


def _to_mlflow(session: ExportedSession, place: str) -> str:
    from mlflow import MlflowClient

    file = Path(place).absolute()
    address = place if ":" in place else f"sqlite:///{file}"
    client = MlflowClient(tracking_uri=address)
    found = client.get_experiment_by_name(session.name)
    beside = None if ":" in place else file.with_suffix(".artifacts").as_uri()  # its own default is where one stands
    group = found.experiment_id if found else client.create_experiment(session.name, artifact_location=beside)
    there = {
        run.data.tags.get(ITERATION): run.info.run_id
        for run in client.search_runs([group], filter_string=f"tags.`{SESSION}` = '{session.id}'", max_results=50_000)
    }
    top = (
        there.get("") or client.create_run(group, run_name=session.id, tags={**session.tags, ITERATION: ""}).info.run_id
    )
    if "" not in there:
        for name, value in session.parameters.items():
            client.log_param(top, name, value[:6000])
    client.log_artifact(top, str(session.page))
    for one in session.tries:
        if str(one.number) in there:
            continue
        words = {name: told for name, told in one.words.items() if told}
        page = "\n\n".join(words[name] for name in ("description", "hypothesis", "why", "learned") if name in words)
        tags = {
            **session.tags,
            ITERATION: str(one.number),
            "mlflow.parentRunId": top,
            "mlflow.note.content": page[:5000],
            **words,
        }
        run = client.create_run(group, run_name=one.name, tags=tags).info.run_id
        for step, measured in enumerate(one.values):
            client.log_metric(run, session.metric, measured, step=step)
        for name, number in one.numbers.items():
            client.log_metric(run, name, number)
            client.log_metric(top, name, number, step=one.number)
        if one.patch:
            client.log_text(run, one.patch, "change.patch")
        client.set_terminated(run)
    client.set_terminated(top)
    return f"{len(session.tries)} runs in {address}; look with: mlflow ui --backend-store-uri {address}"


def _to_tensorboard(session: ExportedSession, place: str) -> str:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    folder = Path(place).absolute() / session.id
    for old in folder.glob("events.out.tfevents.*"):
        old.unlink()
    writer = EventFileWriter(str(folder))
    plugin = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    for one in session.tries:
        said = "\n\n".join(f"**{name}** {text}" for name, text in one.words.items() if text)
        words = TensorProto(dtype=DT_STRING, string_val=[said.encode()])
        values = [Summary.Value(tag=name, simple_value=value) for name, value in one.numbers.items()]
        values.append(Summary.Value(tag="try", metadata=plugin, tensor=words))
        writer.add_event(Event(step=one.number, wall_time=session.at, summary=Summary(value=values)))
    writer.close()
    return f"{len(session.tries)} steps in {folder}; look with: tensorboard --logdir {folder.parent}"


def _to_wandb(session: ExportedSession, place: str) -> str:
    import wandb

    folder = Path(place).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    settings = wandb.Settings(silent=True, console="off", disable_git=True, disable_code=True)
    for one in session.tries:
        identity = f"{session.id}-{one.number}"
        for old in (folder / "wandb").glob(f"offline-run-*-{identity}"):  # of an export before
            shutil.rmtree(old)
        run = wandb.init(
            id=identity,
            project=session.name.replace("/", "-").replace(":", "")[:100],
            group=session.id,
            name=one.name,
            config={**session.parameters, **one.words, **session.tags, ITERATION: one.number},
            dir=folder,
            mode="offline",
            settings=settings,
        )
        for step, value in enumerate(one.values):
            run.log({session.metric: value}, step=step)
        run.summary.update(dict(one.numbers))
        if one.patch:
            artifact = wandb.Artifact(f"change-{identity}", type="change")
            with artifact.new_file("change.patch") as file:
                file.write(one.patch)
            run.log_artifact(artifact)
        if one.number == 0:
            page = wandb.Artifact(f"page-{session.id}", type="page")
            page.add_file(str(session.page))
            run.log_artifact(page)
        run.finish()
    return f"{len(session.tries)} runs in {folder}; send them with: wandb sync {folder}/wandb/offline-run-*"


_WRITERS: Mapping[Tracker, Callable[[ExportedSession, str], str]] = {
    Tracker.MLFLOW: _to_mlflow,
    Tracker.TENSORBOARD: _to_tensorboard,
    Tracker.WANDB: _to_wandb,
}
