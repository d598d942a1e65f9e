"""The tool `train`: a trial run outside a session, the verify step inside, and what the loop makes of a model's number."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

pytest.importorskip("torch", reason="torch is not installed: the extra `gpt`")

import torch

from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.decision.failures import FailureClass
from autoresearch_mcp.tools.decision.measured import Trained, TrainingTold
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.lab.jobs import PROGRESS
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.project.harness import EVALUATE, create_harness
from autoresearch_mcp.tools.verbs.loop import Loop
from autoresearch_mcp.tools.verbs.review import Review
from autoresearch_mcp.tools.verbs.sessions import Sessions
from autoresearch_mcp.tools.verbs.training import Training
from autoresearch_mcp.tools.vocabulary import Phase, Tool
from conftest import Project
from harness import asking, prepared_cache

SPEC = """\
data = "stdlib"
vocabulary = 512
sequence_length = 64
budget = "20000 tokens"
evaluation_tokens = 4096
device = "cpu"
early_stop = {early_stop}
"""
EXPERIMENT = """\
import torch
from run import join

LOSS = 7.0
LOGIT = 0.0


def predictor(weights, shape):
    def logits(tokens):
        first = torch.zeros(shape.vocabulary)
        first[32] = weights["logit"]  # the byte of a space
        return first.expand(*tokens.shape, shape.vocabulary)
    return logits


if __name__ == "__main__":
    run = join()
    for batch in run.batches(2):
        run.tell(LOSS - run.progress)
    run.hand_over({"logit": torch.tensor(LOGIT)}, depth=1)
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared_cache(tmp_path_factory)


@pytest.fixture
def lab(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A harness repository whose experiment is quick, whose text is small, and whose number repeats."""
    monkeypatch.setenv("AUTORESEARCH_CACHE", str(cache))
    folder = create_harness(tmp_path / "lab", sys.executable)
    (folder / "train.py").write_text(EXPERIMENT)
    (folder / "gpt.toml").write_text(SPEC.format(early_stop="false"))
    plan = (folder / "autoresearch.toml").read_text().replace('noise = "auto"', 'noise = "none"')
    (folder / "autoresearch.toml").write_text(plan.replace(str(EVALUATE), asking() + str(EVALUATE)))
    subprocess.run(["git", "commit", "-qam", "small"], cwd=folder, check=True)
    return folder


def edit(folder: Path, old: str, new: str) -> None:
    text = (folder / "train.py").read_text()
    assert text.count(old) == 1
    (folder / "train.py").write_text(text.replace(old, new))


def test_without_a_session_train_is_a_trial_run_that_leaves_no_trace(lab: Path) -> None:
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=lab, capture_output=True, text=True, check=True).stdout

    ran = Training(Lab(lab)).train()

    assert ran.val_bpb is not None
    assert 2.5 < ran.val_bpb < 6
    assert (ran.counts, ran.iteration, ran.phase) == (False, None, Phase.NO_SESSION)
    assert {check.name for check in ran.checks} >= {"causality", "independence", "budget", "canaries", "test-split"}
    assert {check.outcome for check in ran.checks} <= {"passed", "skipped"}
    assert ran.curve[-1] == pytest.approx((1.0, 6.0), abs=0.02)
    assert ran.training is not None
    assert ran.training.facts["tokens_per_second"] > 0
    assert ran.receipt is not None
    assert ran.device == "cpu"
    assert ran.receipt.device.name == "cpu"
    assert ran.receipt.device.seconds > ran.training.facts["training_seconds"]
    now = subprocess.run(["git", "rev-parse", "HEAD"], cwd=lab, capture_output=True, text=True, check=True).stdout
    status = subprocess.run(["git", "status", "--porcelain"], cwd=lab, capture_output=True, text=True, check=True)
    assert (now, status.stdout) == (head, "")
    assert len(ran.text()) < 10_000
    assert len(ran.model_dump_json()) < 10_000


def test_a_trial_run_may_be_shorter_and_is_of_the_files_as_they_are(lab: Path) -> None:
    edit(lab, "LOGIT = 0.0", "LOGIT = 3.0")

    ran = Training(Lab(lab)).train(budget_s=1, device="cpu")

    assert ran.training is not None
    assert ran.training.facts["training_seconds"] == pytest.approx(1, abs=0.5)
    assert ran.receipt is not None
    assert ran.receipt.tree.startswith("uncommitted ")
    assert ran.receipt.command.endswith("--budget '1 seconds' --device cpu")


def test_a_run_tells_how_it_goes_while_it_goes_in_the_seconds_of_its_report(lab: Path) -> None:
    edit(lab, "    run = join()\n", "    import time\n    run = join()\n")
    edit(
        lab,
        "        run.tell(",
        "        time.sleep(0 if run._steps else 6)  # others have the processor\n        run.tell(",
    )
    heard: list[str] = []
    told = PROGRESS.set(lambda seconds, line: heard.append(line))
    try:
        ran = Training(Lab(lab)).train(budget_s=3)
    finally:
        PROGRESS.reset(told)

    line = r"step \d+/\d+ \(\d+ %\) loss \d\.\d{3} ([\d,]+) tokens/s \d+ s left"
    speeds = [int(found[1].replace(",", "")) for said in heard if (found := re.fullmatch(line, said))]
    assert ran.training is not None
    assert speeds[-1] == pytest.approx(ran.training.facts["tokens_per_second"], rel=0.4)


@pytest.mark.anyio
async def test_a_trial_run_of_an_edited_file_is_another_run(lab: Path) -> None:
    async with Client(build_server(Lab(lab, patience_s=0.05))) as client:

        async def call(name: str, **arguments: str) -> dict[str, Any]:
            told: dict[str, Any] | None = (await client.call_tool(name, arguments)).structured_content
            assert told is not None
            return told

        first = await call("train")
        with anyio.fail_after(60):
            while (await call("status"))["phase"] == "running":
                await anyio.sleep(0.1)
        edit(lab, "LOGIT = 0.0", "LOGIT = 3.0")
        second = await call("train")
        with anyio.fail_after(60):
            while second["phase"] == "running":
                second = await call("wait", run=second["run"])
        of_the_first = await call("wait", run=first["run"])

    assert first["phase"] == "running"
    assert second["val_bpb"] < of_the_first["val_bpb"]


@pytest.mark.parametrize("device", ["cpu; rm -rf /", "cuda 1", "$HOME"])
def test_a_device_is_a_name_and_no_command(lab: Path, device: str) -> None:
    with pytest.raises(Refusal, match="is no device"):
        Training(Lab(lab)).train(device=device)


def test_a_run_that_fails_says_how_it_ended(lab: Path) -> None:
    edit(lab, "    run = join()\n", "    run = join()\n    raise MemoryError('no room')\n")

    ran = Training(Lab(lab)).train()

    assert ran.val_bpb is None
    assert "Training failed with exit 1" in ran.why
    assert ran.receipt is not None
    assert ran.receipt.device.seconds > 0, "what failed had its device, too"
    assert "MemoryError: no room" in ran.output


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, and torch can use it")
def test_a_gpu_that_torch_cannot_use_is_named_with_the_cure_and_stands_in_the_receipt(
    lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin/nvidia-smi"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho '0, GPU-0123-4567, NVIDIA H100 80GB HBM3, 81559, Default'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)

    ran = Training(Lab(lab)).train(device="cuda")

    assert ran.val_bpb is None
    assert "cannot use cuda:0" in ran.output
    assert ran.receipt is not None
    assert ran.receipt.device.name == "GPU-0123-4567"


def test_nobody_s_agreement_no_trial_run(lab: Path) -> None:
    plan = lab / "autoresearch.toml"
    plan.write_text(plan.read_text().replace("iterations = 0", "iterations = 9"))

    with pytest.raises(Refusal) as refusal:
        Training(Lab(lab)).train()

    assert refusal.value.code is Code.CONSENT_NEEDED


def test_a_harness_of_another_installation_is_told_what_stands_here_in_its_place(lab: Path) -> None:
    plan = lab / "autoresearch.toml"
    plan.write_text(
        re.sub(r"^verify = .*", 'verify = "/opt/lab/python /opt/lab/evaluate.py"', plan.read_text(), flags=re.MULTILINE)
    )

    with pytest.raises(Refusal, match="is not the evaluation of this installation") as refusal:
        Training(Lab(lab)).train()

    assert f"Put `{sys.executable} {EVALUATE}` in its place" in refusal.value.message


def test_another_project_has_nothing_to_train(project: Project) -> None:
    project.start().write("value.txt", "9\n").loop.commit("less")

    with pytest.raises(Refusal, match="init gpt"):
        Training(project.lab).train()


def test_in_a_session_train_is_the_verify_step_and_nothing_else(lab: Path) -> None:
    server = Lab(lab)
    Sessions(server).start_session(Plan())
    training, loop = Training(server), Loop(server)

    with pytest.raises(Refusal) as refusal:
        training.train()
    assert refusal.value.code is Code.OUT_OF_ORDER
    assert Tool.ITERATE in refusal.value.message

    edit(lab, "LOGIT = 0.0", "LOGIT = 3.0")
    loop.commit("expect spaces")
    with pytest.raises(Refusal, match="sealed in a session"):
        training.train(budget_s=5)
    ran = training.train()

    assert (ran.counts, ran.iteration, ran.phase, ran.verdict) == (True, 1, Phase.JUDGED, "keep")
    assert loop.log().status is Status.KEEP
    receipt = Review(server).history(iteration=1).receipts[0]
    assert {check.name for check in receipt.checks} >= {"causality", "canaries"}


def test_a_model_that_a_check_refuses_is_a_crash_of_its_own_class(lab: Path) -> None:
    server = Lab(lab)
    Sessions(server).start_session(Plan())
    edit(lab, "        return first.expand", "        first = first + 9 * torch.nn.functional.one_hot(tokens, shape.vocabulary).roll(-1, 1)\n        return first.expand")  # fmt: skip

    answer = Loop(server).iterate("look at the next token")

    assert (answer.status, answer.phase, answer.metric) == (None, Phase.FIX, None)
    assert "causality" in answer.why
    assert FailureClass.REFUSED in answer.why
    Loop(server).revert()
    assert Loop(server).log().status is Status.CRASH


def test_running_out_of_memory_is_told_apart_with_what_would_fit(lab: Path) -> None:
    server = Lab(lab)
    Sessions(server).start_session(Plan())
    edit(
        lab,
        "    run = join()\n",
        "    run = join()\n    from run import fail_with_what_fits\n\n    def attempt(rows):\n        torch.empty(rows, 2**40)\n\n"
        "    try:\n        attempt(64)\n    except RuntimeError as error:\n        fail_with_what_fits(error, 64, attempt)\n",
    )

    answer = Loop(server).iterate("far too wide")

    assert FailureClass.RESOURCE in answer.why
    assert "Out of memory with 64 rows at a time; not even one fits" in answer.output


def test_what_is_told_of_a_run_says_which_gain_by_cheating_would_show() -> None:
    told = TrainingTold.of(Trained(facts={"detectable_gain": "0.021"}))

    assert told is not None
    assert told.words() == "a gain above 0.021 by knowing scored rows would show"


def test_a_training_that_was_killed_from_outside_is_made_again(lab: Path, tmp_path: Path) -> None:
    plan, killed = lab / "autoresearch.toml", tmp_path / "killed"
    verify = f'verify = "test -e {killed} || {{ touch {killed}; kill -TERM $$; }}; '
    plan.write_text(plan.read_text().replace('verify = "', verify))
    subprocess.run(["git", "commit", "-qam", "killed once"], cwd=lab, check=True)

    ran = Training(Lab(lab)).train()

    assert killed.exists()
    assert ran.val_bpb is not None, ran.why


def test_the_report_lays_the_curves_of_the_tries_over_the_incumbent_s(lab: Path) -> None:
    server = Lab(lab)
    Sessions(server).start_session(Plan())
    edit(lab, "LOSS = 7.0", "LOSS = 8.0")
    answer = Loop(server).iterate("a worse loss")

    assert answer.training is not None
    told, losses = answer.training.lines()
    assert re.fullmatch(r"Reported by the harness: [\d.]+ s, [\d,]+ tokens/s, [\d,]+ MB, \d+ steps\.", told)
    assert re.search(r"[▁-█]{10} 7\.7\d\d 7\.4\d\d 7\.0\d\d; incumbent [▁-█]{10} 6\.7\d\d 6\.4\d\d 6\.0\d\d\.$", losses)
    assert told in answer.text()
    again = Review(server).history(iteration=1)
    assert again.training == answer.training
    assert losses in again.text()
    assert "Output:" not in again.text()

    report = Review(server).report().report.splitlines()

    place = report.index("Learning curves, loss in nats a token by share of the budget:")
    assert report[place + 2].split()[0] == "incumbent"
    assert report[place + 2].split()[-1].startswith("6.0")
    assert report[place + 3].split()[0] == "#1"
    assert report[place + 3].split()[-1].startswith("7.0")
    assert report[place + 5].split()[0] == "#1"
    assert report[place + 5].endswith(" steps")


def test_the_incumbent_s_curve_can_end_a_hopeless_run_early(lab: Path) -> None:
    (lab / "gpt.toml").write_text(SPEC.format(early_stop="true"))
    subprocess.run(["git", "commit", "-qam", "stop early"], cwd=lab, check=True)
    server = Lab(lab)
    Sessions(server).start_session(Plan())
    edit(lab, "LOSS = 7.0", "LOSS = 12.0")
    # Steps that take a while, as real ones do: the judge has to have the time to say stop.
    edit(lab, "        run.tell(", "        torch.randn(900, 900) @ torch.randn(900, 900)\n        run.tell(")
    Loop(server).commit("a hopeless loss")

    ran = Training(server).train()

    assert ran.stopped_early.endswith("%")
    assert ran.curve[-1][0] < 0.9
    assert ran.verdict == "discard"


def test_another_evaluator_than_the_baseline_s_is_tampering(lab: Path, tmp_path: Path) -> None:
    """The harness stands outside the repository, so its digest is part of the ruler."""
    import shutil

    own = tmp_path / "site"
    shutil.copytree(EVALUATE.parent, own / "gpt_harness", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(EVALUATE.parent.parent / "tools" / "process", own / "tools" / "process")
    plan = lab / "autoresearch.toml"
    evaluate = own / "gpt_harness" / "evaluate.py"
    plan.write_text(plan.read_text().replace(asking() + str(EVALUATE), str(evaluate)))
    subprocess.run(["git", "commit", "-qam", "another place"], cwd=lab, check=True)
    server = Lab(lab)
    Sessions(server).start_session(Plan())
    scoring = own / "gpt_harness" / "scoring.py"
    honest = "return float(row_nats"
    assert honest in scoring.read_text()
    scoring.write_text(scoring.read_text().replace(honest, "return 0.9 * float(row_nats"))
    edit(lab, "LOSS = 7.0", "LOSS = 6.0")

    with pytest.raises(Refusal, match=scoring.name) as refusal:
        Loop(server).iterate("nothing at all, with a kinder ruler")

    assert refusal.value.code is Code.MACHINE_CHANGED


def test_a_number_of_its_own_on_the_output_is_not_the_score(lab: Path) -> None:
    server = Lab(lab)
    Sessions(server).start_session(Plan())
    edit(
        lab,
        "    run.hand_over",
        "    print('---\\nval_bpb: 0.1\\ncheck budget: passed (yes)', flush=True)\n    run.hand_over",
    )

    answer = Loop(server).iterate("say a better number")

    assert answer.metric is not None
    assert answer.metric > 2
    assert answer.status is Status.DISCARD
