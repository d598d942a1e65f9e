"""Candidates that run on other machines: what travels, what counts, and what a node that is unlike the others may say."""

from __future__ import annotations

import hmac
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import Pipe
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.parallel import crew, dispatcher
from autoresearch_mcp.tools.parallel.board import Board, board_of
from autoresearch_mcp.tools.parallel.crew import crew_of
from autoresearch_mcp.tools.parallel.engines import Came
from autoresearch_mcp.tools.parallel.events import LaneRan, LaneTaken
from autoresearch_mcp.tools.parallel.executor import VARIABLE, Executor, setting
from autoresearch_mcp.tools.parallel.node_run import NodeRuns, Order, opened, packed, work
from autoresearch_mcp.tools.parallel.screening import run_elsewhere
from autoresearch_mcp.tools.process.processes import descendants
from autoresearch_mcp.tools.workflows.fix.hooks import refuse_hiding
from candidates import SUM, handed_in, summed, with_own_environment, worked_off, workspace
from conftest import Project
from crashing import check

ON_A_NODE = "case $PWD in *-place-*) {}; esac; "


def order_for(project: Project, **fields: object) -> Order:
    context = project.lab.for_reading()
    session = context.active
    given = {"session": session.id, "name": "repo", "start": session.start, "started_at": session.started_at}
    given |= {"candidate": 1, "incumbent": 0, "commit": project.git("rev-parse", "HEAD"), "seed": 7}
    given |= {"best": session.start.base, "fit": ()}
    return Order.model_validate(given | {"secret": secrets.token_hex(4)} | fields)


def answered(project: Project, order: Order, whole: bool = False) -> NodeRuns:
    found = opened(work(packed(project.lab.for_reading().repo, order, whole)), order.secret)
    assert found is not None
    return found


def test_a_node_that_lacks_the_history_is_sent_it_once(tmp_path: Path) -> None:
    project = summed(tmp_path / "repo")
    order = order_for(project)

    assert answered(project, order).lacks
    best = answered(project, order, whole=True)
    there = answered(project, order_for(project, fit=(best.kind,)))

    assert (best.of_best, [run.value for run in best.runs]) == (True, [30.0, 30.0]), "it repeats there as well"
    assert (there.of_best, [run.value for run in there.runs]) == (False, [30.0])
    assert (there.runs[0].receipt and there.runs[0].receipt.seed, there.kind) == (7, best.kind)
    assert "processors" in there.hardware


def test_what_does_not_bear_the_seal_of_its_order_is_no_answer(tmp_path: Path) -> None:
    project = summed(tmp_path / "repo")
    order = order_for(project)
    answer = work(packed(project.lab.for_reading().repo, order, whole=True))

    assert opened(answer, order.secret)
    assert opened(answer.replace(b"30.0", b"29.0"), order.secret) is None
    assert opened(answer, "another attempt's") is None
    assert opened(b"", order.secret) is None, "it was lost"


class Answering(Executor):
    """An engine that gives what it is told to give, and otherwise what its one node makes of an order."""

    def __init__(self, *first: Callable[[bytes], bytes]) -> None:
        self._first = list(first)
        self.orders: list[bytes] = []
        self.left_out: list[str] = []

    def leave_out(self, node: str, why: str) -> None:
        self.left_out.append(why)

    def run(self, given: bytes, node: str, is_over: Callable[[], bool]) -> Came:
        self.orders.append(given)
        answer = self._first.pop(0) if self._first else work
        return Came("node", answer(given))


def test_only_the_sealed_answer_of_its_own_attempt_is_a_run(tmp_path: Path) -> None:
    project = summed(tmp_path / "repo")
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt=11)
    handed_in(project, name, folder, value_txt=12)
    context, taken = project.lab.for_reading(), [LaneTaken(candidate=one, incumbent=0, lane=1) for one in (1, 2)]
    engine = Answering()
    first = run_elsewhere(context, engine, taken[0], lambda: False)
    another = work(engine.orders[-1])
    wrong = {
        "lost": b"",
        "of another candidate": another,
        "half": another[:-9],
        "bent": another.replace(b"31.0", b"1.0"),
    }

    for what, answer in wrong.items():
        engine = Answering(lambda given, answer=answer: answer)  # type: ignore[misc]
        ran = run_elsewhere(context, engine, taken[1], lambda: False)

        assert (ran.measurement and ran.measurement.value, ran.problem) == (32.0, ""), what
        assert board(project).lanes[taken[1].subject].attempt == 2, "noted before it began"

    engine = Answering(lambda given: max(work(given), work(given)))
    twice = run_elsewhere(context, engine, taken[1], lambda: False)
    nobody = run_elsewhere(context, (engine := Answering()), taken[1], lambda: True)

    assert (first.measurement and first.measurement.value, first.candidate) == (31.0, 1)
    assert (twice.measurement and twice.measurement.value) == 32.0, "an order that is worked off twice gives one answer"
    assert (nobody.measurement, engine.orders) == (None, []), "it was withdrawn, so nothing begins"


def test_an_answer_of_another_build_is_no_run_and_its_node_is_left_out(tmp_path: Path) -> None:
    project = summed(tmp_path / "repo")
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt=11)

    def of_another_build(given: bytes) -> bytes:
        secret = Order.model_validate_json(given.partition(b"\n")[0]).secret.encode()
        body = work(given).partition(b"\n")[2].replace(b'"receipt":{', b'"receipt":{"unheard":1,', 1)
        return hmac.digest(secret, body, "sha256").hex().encode() + b"\n" + body

    engine = Answering(of_another_build)
    ran = run_elsewhere(project.lab.for_reading(), engine, LaneTaken(candidate=1, incumbent=0, lane=1), lambda: False)

    assert engine.left_out == ["the node has another build of autoresearch-mcp, whose answer cannot be read here"]
    assert (ran.measurement and ran.measurement.value) == 31.0


def test_a_run_elsewhere_that_fails_in_a_way_nobody_thought_of_is_made_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes(tmp_path, monkeypatch)
    project = summed(tmp_path / "repo", workers=0)
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt=9)

    def fails(*given: object) -> LaneRan:
        raise KeyError("unheard")

    monkeypatch.setattr(crew, "run_elsewhere", fails)

    assert worked_off(project) == ["keep"]

    assert board(project).runs[(1, 0, "")].problem == "KeyError: 'unheard'"


def test_a_protected_file_that_a_candidate_bent_is_as_sealed_on_a_node(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", verify="sh score.sh", guards=(), protected=("score.sh",))
    project.write("score.sh", "cat src/a.txt\n").write("src/a.txt", "10\n").commit("parts").start()
    project.write("score.sh", "echo 0\n").commit("bent")

    found = answered(project, order_for(project, candidate=0), whole=True)

    assert [run.value for run in found.runs] == [10.0, 10.0]


def test_a_run_ends_with_the_process_that_works_its_order_off(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    verify = ON_A_NODE.format(f"exec 3<>{begun}; echo >&3; exec sleep 600") + SUM
    project = summed(tmp_path / "repo", verify=verify)
    order = order_for(project)
    (tmp_path / "order").write_bytes(packed(project.lab.for_reading().repo, order, whole=True))
    code = "import sys; from autoresearch_mcp.tools.parallel.node_run import work; work(open(sys.argv[1], 'rb').read())"
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "order")])
    with begun.open() as pipe:
        pipe.readline()  # it runs

        other.kill()
        other.wait()

        assert pipe.read() == "", "nobody has the pipe open any more"


@pytest.mark.parametrize("given", ["ray", "ray address=head:6379", "slurm folder=/x workers=0", "dask workers=2"])
def test_a_setting_of_no_known_form_is_refused_with_the_forms(given: str) -> None:
    assert setting({}) is None
    assert setting({VARIABLE: "local"}) is None
    with pytest.raises(Refusal, match="has to be `local`, `ray address="):
        setting({VARIABLE: given})


def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The jobs of one node, made one after the other in the process that speaks to the engine."""
    pytest.importorskip("submitit", reason="jobs go through submitit")
    folder = tmp_path / "shared"
    folder.mkdir()
    monkeypatch.setenv(VARIABLE, f"slurm folder={folder} cluster=debug workers=2")
    return folder


def once(tmp_path: Path, what: str) -> str:
    return f"test -e {tmp_path}/once || {{ touch {tmp_path}/once; {what}; }}; "


def lose(shared: Path) -> str:
    return f"rm -rf {shared}/autoresearch-*/run-*"


def board(project: Project) -> Board:
    return board_of(project.lab.for_reading())


def test_a_candidate_is_held_against_the_best_on_such_nodes_and_a_run_that_was_lost_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = once(tmp_path, lose(nodes(tmp_path, monkeypatch)))
    project = summed(tmp_path / "repo", verify=ON_A_NODE.format(lost + "echo 1000 > src/node.txt") + SUM, workers=0)
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt=11)

    assert worked_off(project) == ["discard"]

    row = project.review.history(iteration=1).rows[0]
    assert (row.metric, row.delta, row.why, len(row.receipts)) == (1031.0, 1.0, "Worse by 1.", 1)
    assert "held against on nodes of one kind (" in row.note
    assert board(project).lanes[(1, 0, "")].attempt == 2
    check(project)


def test_a_candidate_is_never_held_against_the_best_on_another_kind_of_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node with one processor, which adds 1000: against the best on the others, what is better would be far worse there."""
    if os.cpu_count() == 1:
        pytest.skip("a second kind of node has fewer processors")
    nodes(tmp_path, monkeypatch)
    slow = f"test ! -e {tmp_path}/slow || echo 1000 > src/node.txt"
    project = summed(tmp_path / "repo", verify=ON_A_NODE.format(slow) + SUM, workers=0)
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt=11)
    assert worked_off(project) == ["discard"]

    started = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in descendants(os.getpid())}
    (dispatcher,) = [pid for pid, words in started.items() if bytes(tmp_path / "shared") in words]
    os.sched_setaffinity(dispatcher, {min(os.sched_getaffinity(0))})
    (tmp_path / "slow").touch()
    handed_in(project, name, folder, value_txt=9)
    handed_in(project, name, folder, value_txt=12)

    assert sorted(worked_off(project)) == ["discard", "discard", "keep"]
    ran = [run for run in board(project).runs.values() if run.node_kind]
    there = {(run.candidate, run.measurement and run.measurement.value): run.node_kind for run in ran}
    assert there[(1, 31.0)] == there[(0, 30.0)] != there[(0, 1030.0)] == there[(2, 1029.0)] == there[(3, 1032.0)]
    assert 1032.0 in [row.metric for row in project.review.history().rows], "its run there decided"


def test_nodes_that_lack_what_the_command_needs_are_told_of_before_a_candidate_runs_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes(tmp_path, monkeypatch)
    project = with_own_environment(tmp_path / "repo")
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt=9)
    handed_in(project, name, folder, value_txt=8)

    told = why_they_wait(project)

    assert told.startswith(
        f"No node can measure the best: on node {socket.gethostname()} the best gives no number there "
    )
    assert "(missing there: .venv/bin/sh): " in told
    assert not [run for run in board(project).runs.values() if run.candidate]


def test_a_node_on_which_the_best_was_killed_from_outside_is_not_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes(tmp_path, monkeypatch)
    runs = Path(os.environ["XDG_CACHE_HOME"]) / "autoresearch/nodes/*/*/places/*/runs/*/alive"
    (tmp_path / "supervisor.sh").write_text(f"kill -9 $(cat {runs})\n")
    killed = once(tmp_path, f"sh {tmp_path}/supervisor.sh") + "true"
    project = summed(tmp_path / "repo", verify=ON_A_NODE.format(killed) + SUM, workers=0)
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt=11)

    assert worked_off(project) == ["discard"]

    assert board(project).lanes[(1, 0, "")].attempt == 2


def why_they_wait(project: Project) -> str:
    """What an agent is told, before a person ends the session."""
    crew = crew_of(project.lab, "", refuse_hiding)
    crew.wake()
    while not crew.waits:
        time.sleep(0.02)
    project.sessions.finish_session()
    crew.wake()
    for thread in threading.enumerate():
        if thread.name == "candidates":
            thread.join()
    return crew.waits


def test_what_takes_its_node_down_twice_is_measured_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = nodes(tmp_path, monkeypatch)
    project = summed(tmp_path / "repo", verify=ON_A_NODE.format(lose(shared)) + SUM, workers=0)
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt=9)

    assert worked_off(project) == ["keep"]

    assert board(project).runs[(1, 0, "")].problem.startswith("lost 2 times, the last time: ")


def test_candidates_wait_for_a_cluster_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes(tmp_path, monkeypatch)
    monkeypatch.setenv(VARIABLE, f"slurm folder={tmp_path}/nowhere cluster=local workers=2")
    project = summed(tmp_path / "repo", workers=0)
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt=9)
    told = why_they_wait(project)

    assert "slurm cannot be reached: FileNotFoundError" in told


def test_whoever_speaks_to_an_engine_ends_when_nothing_is_to_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("submitit", reason="jobs go through submitit")
    monkeypatch.setattr(dispatcher, "IDLE_S", 0.01)
    ours, theirs = Pipe()

    dispatcher.serve(theirs, "slurm", f"folder={tmp_path}", "cluster=debug")

    assert ours.recv() == (dispatcher.READY, Came())


@pytest.mark.slow
def test_a_node_of_a_ray_cluster_that_dies_loses_nothing_and_doubles_nothing() -> None:
    pytest.importorskip("ray", reason="a cluster of Ray's")
    alone = ["unshare", "--user", "--map-root-user", "--net", "true"]
    if subprocess.run(alone, capture_output=True, check=False).returncode:
        pytest.skip("Ray listens on every address, and a network of its own cannot be had here")
    script = Path(__file__).parents[3] / "benchmarks" / "elsewhere.py"

    told = subprocess.run([sys.executable, script, "ray", "--kill"], capture_output=True, text=True, check=False)

    assert (told.returncode, told.stdout.count("one killed")) == (0, 1), told.stderr
