"""Training that cheats: each is caught by a named check, or scored as what it is."""

from __future__ import annotations

import base64
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

import pytest

from harness import Judged, edited, judge, prepared_cache
from prepare import open_cache
from scoring import texts
from training_cheats import (
    DENIED,
    END,
    HAND_OVER,
    JOIN,
    KEEP_VALIDATION,
    KNOW_A_FEW,
    LINK,
    LOAD,
    LOOK_UP,
    PREDICT,
    REFUSED,
    SCORED,
    TOUCHED,
    TRAIN_ON_VALIDATION,
    TRY_ALL,
    UNNORMALISED,
)

# Not imported here: every worker of the suite would pay for it.
pytestmark = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed: the extra `gpt`")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared_cache(tmp_path_factory)


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Judged:
    return judge(tmp_path_factory.mktemp("honest"), cache)


def test_an_honest_run_passes_every_check(honest: Judged) -> None:
    assert 2 < honest.score < 4
    assert honest.out.count(": passed (") == 13
    assert ": failed (" not in honest.out


LIKE_OTHERS = (
    "attention that sees the future",
    "the next token added to its logit",
    "a convolution over what follows",
    "a price of its own",
    "a debt that it takes back",
    "a budget of its own",
    "counters turned off",
    "training at one question",
    "training at every question",
    "a folder for a checkpoint",
)
"""What another cheat does as well: a look ahead at one token in seven, a counter that sees nothing, passes out of its sight,
training before the first answer, a memory of what it was asked, a pipe for a checkpoint.
"""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LIKE_OTHERS else []) for name in REFUSED]
)
def test_a_cheat_is_refused_by_the_check_that_is_for_it(name: str, tmp_path: Path, cache: Path) -> None:
    check, edits, options = REFUSED[name]

    run = judge(tmp_path, cache, edited(*edits), **options)  # type: ignore[arg-type]

    assert run.status == 3, run.out + run.err
    assert "val_bpb" not in run.out
    assert run.outcome(check) == "failed", run.err
    assert not list(tmp_path.rglob("pwned"))


def test_cheats_that_change_no_answer_are_scored_as_what_they_are(tmp_path: Path, cache: Path, honest: Judged) -> None:
    """All at once: if one of them won, the score would be another."""
    run = judge(tmp_path, cache, edited(*(edit for name in SCORED if name != UNNORMALISED for edit in SCORED[name])))

    assert run.score == honest.score
    assert {folder.name for folder in cache.glob("gpt/runs/*/*")} == {"code"}


def test_logits_that_are_not_normalised_are_scored_as_what_they_are(
    tmp_path: Path, cache: Path, honest: Judged
) -> None:
    run = judge(tmp_path, cache, edited(*SCORED[UNNORMALISED]))

    assert run.score == pytest.approx(honest.score, abs=2e-3)


def test_behind_walls_nothing_forbidden_succeeds(tmp_path: Path, cache: Path, honest: Judged) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server, TemporaryDirectory(dir="/tmp") as disk:
        # below /dev, where tests may lie in memory, names can be listed
        cache, tmp_path = copytree(cache, Path(disk, "cache")), Path(disk, "lab")
        tmp_path.mkdir()
        validation, tokenizer = next(cache.rglob("validation.bin")), next(cache.rglob("tokenizer.json"))
        words = {
            "cache": str(cache),
            "validation": str(validation),
            "tokenizer": str(tokenizer),
            "folder": str(tmp_path),
        }
        attempts = TRY_ALL.format(**words, port=server.getsockname()[1])
        train = edited(
            (END, attempts + END),
            (JOIN, "    try_everything()\n" + JOIN),
            (PREDICT, "    try_everything()\n" + PREDICT),
        )
        run = judge(tmp_path, cache, train, anew=True)

    if "check isolation: skipped" in run.out:
        pytest.skip("this system has no Landlock")
    assert "SUCCEEDED" not in run.err
    assert run.err.count("denied: ") == len(DENIED) * 3
    assert run.score == honest.score


@pytest.mark.usefixtures("honest")
def test_a_link_to_another_checkpoint_is_none(tmp_path: Path, cache: Path) -> None:
    better = next(cache.glob("gpt/runs/*/code/weights.safetensors"))

    run = judge(tmp_path, cache, edited((HAND_OVER, LINK.format(better=str(better)) + HAND_OVER)))

    assert run.status == 3, run.out
    assert run.outcome("weights") == "failed"


def test_a_seed_of_ones_own_buys_no_number_that_stays(tmp_path: Path, cache: Path) -> None:
    shopping = edited(("    torch.manual_seed(run.seed)\n", "    torch.manual_seed(137)\n"))

    scores = {judge(tmp_path / str(seed), cache, shopping, budget="1024 tokens", seed=seed).score for seed in (1, 2)}

    assert len(scores) == 2


@pytest.mark.usefixtures("honest")
def test_without_walls_training_on_the_validation_text_is_noticed(tmp_path: Path, cache: Path) -> None:
    theft = TRAIN_ON_VALIDATION.format(validation=str(next(cache.rglob("validation.bin"))))

    run = judge(tmp_path, cache, edited(("DEPTH = 2 ", "DEPTH = 1 "), (HAND_OVER, theft + HAND_OVER)), walls=False)

    assert run.status == 3, run.out
    assert run.outcome("isolation") == "skipped"
    assert "failed" in {run.outcome("canaries"), run.outcome("test-split")}


@pytest.mark.usefixtures("honest")
def test_without_walls_answers_in_the_weights_are_noticed(tmp_path: Path, cache: Path) -> None:
    theft = KEEP_VALIDATION.format(validation=str(next(cache.rglob("validation.bin"))))

    run = judge(
        tmp_path,
        cache,
        edited((HAND_OVER, theft + HAND_OVER), (LOAD + PREDICT, LOOK_UP)),
        walls=False,
    )

    assert run.status == 3, run.out
    assert run.outcome("canaries") == "failed"
    assert run.outcome("test-split") == "failed"


@pytest.mark.usefixtures("honest")
def test_a_few_rows_in_a_blob_are_noticed_by_the_rows_beside_them(tmp_path: Path, cache: Path) -> None:
    scored = texts(open_cache(next(cache.rglob("validation.bin")).parent), 8192)[0].rows
    blob = base64.b85encode(scored[::16].tobytes()).decode()

    run = judge(tmp_path, cache, edited((PREDICT, KNOW_A_FEW.format(blob=blob))))

    assert len(scored[::16]) == 8
    assert run.status == 3, run.out
    assert run.outcome("source") == "passed"
    assert run.outcome("neighbours") == "failed"


@pytest.mark.usefixtures("honest")
@pytest.mark.parametrize("file", TOUCHED)
def test_files_that_the_score_rests_on_may_not_change(file: str, tmp_path: Path, cache: Path) -> None:
    touched = next(cache.rglob(file))
    good = touched.read_bytes()
    touched.write_bytes(good[:-3] + bytes([good[-3] ^ 1]) + good[-2:])
    try:
        run = judge(tmp_path, cache)
    finally:
        touched.write_bytes(good)

    assert run.status == 1
    assert f"{file} was changed after it was made" in run.err
