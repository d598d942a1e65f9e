"""The practice ground: text becomes rows, rows a model, a model a score, and each is what it says."""

from __future__ import annotations

import contextlib
import math
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="torch is not installed: the extra `gpt`")

import gpu
import torch
import torch.nn.functional as F
from torch import Tensor

import checks
import prepare
import scoring
import train
from autoresearch_mcp.tools.plan.checks import load_plan, problems
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.project.harness import (
    HARNESS,
    HARNESS_FILES,
    Size,
    create_harness,
    size_for,
    trains,
    with_values,
)
from autoresearch_mcp.tools.project.scan import ComputeDevice, DeviceKind
from clocks import TRIED_GIGAOPS, ProcessorSpeed, longest
from files import Files
from harness import TRAIN, Judged, edited, evaluated, judge, prepared_cache
from optimizer import AdamW
from players import Host, JobFolders, PlayerError
from rows import Bigrams, pack
from run import Shape, fail_with_what_fits
from run_folders import run_folder
from spec import Budget, Spec, SpecError, Unit, checked, read_spec
from splits import SourceError, Split
from tokenizer import Tokenizer, learn
from work import work_counter

torch.set_num_threads(1)  # a second one would mostly wait, and does that by counting
SMALL = "".join(f"def f{n}(x):\n    return x + {n}  # größer\n" for n in range(400))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of the real corpus for every training of these tests."""
    return prepared_cache(tmp_path_factory)


# --- Spec ------------------------------------------------------------------------------------------------------------


def test_the_spec_file_of_the_harness_is_the_default() -> None:
    assert read_spec(HARNESS) == Spec(evaluation_tokens=49_152)


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("400000 tokens", Budget(400_000, Unit.TOKENS)),
        ("400_000 tokens", Budget(400_000, Unit.TOKENS)),
        ("1_000 gigaops", Budget(1_000, Unit.GIGAOPS)),
        ("2.5 seconds", Budget(2.5, Unit.SECONDS)),
    ],
)
def test_a_budget_is_gigaops_tokens_or_seconds(text: str, budget: Budget) -> None:
    assert Budget.parse(text) == budget
    assert Budget.parse(str(budget)) == budget


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"budget": "5 minutes"}, "not understood"),
        ({"budget": "0 tokens"}, "not understood"),
        ({"budget": "390 steps"}, "not understood"),
        ({"vocabulary": 100}, "256 for bytes"),
        ({"vocabulary": 70_000}, "256 for bytes"),
        ({"vocabulary": "1024"}, "a int is needed"),
        ({"sequence_length": True}, "a int is needed"),
        ({"evaluation_tokens": 10}, "at least one sequence"),
        ({"learning_rate": 1.0}, "has no key 'learning_rate'"),
    ],
)
def test_a_spec_that_cannot_be_is_refused_by_its_key(keys: dict[str, object], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        checked(keys)


# --- Tokenizer and rows ----------------------------------------------------------------------------------------------


def test_the_tokenizer_knows_every_byte_and_loses_nothing() -> None:
    tokenizer = learn([SMALL], 300)

    assert tokenizer.size == 300
    assert tokenizer.tokens[:256] == tuple(bytes([value]) for value in range(256))
    for text in (SMALL, "\x00\x7f tabs\t\r\n", "日本語 🎉 ½", "12345 a_b  \n\n", "<|start|>"):
        tokens = tokenizer.encoding.encode_ordinary(text)
        assert tokenizer.encoding.decode(tokens) == text
        assert tokenizer.byte_lengths[tokens].sum() == len(text.encode())
    assert len(tokenizer.encoding.encode_ordinary(SMALL)) < len(SMALL.encode()) / 2
    assert Tokenizer.load(tokenizer.dump()) == tokenizer


def test_bytes_need_no_learning() -> None:
    tokenizer = learn([], 256)

    assert (tokenizer.size, tokenizer.start) == (257, 256)
    assert tokenizer.encoding.encode_ordinary("größer") == list("größer".encode())
    assert tokenizer.byte_lengths.tolist() == [1] * 256 + [0]


def _documents(seed: int, count: int, longest: int) -> list[list[int]]:
    generator = np.random.default_rng(seed)
    return [generator.integers(0, 50, generator.integers(1, longest)).tolist() for _ in range(count)]


@pytest.mark.parametrize("longest", [5, 40, 300])
def test_every_row_is_full_begins_with_a_start_and_nothing_is_lost_but_the_end(longest: int) -> None:
    documents = _documents(1, 400, longest)
    rows = list(pack(documents, 99, 16))

    assert all(len(row) == 17 and row[0] == 99 for row in rows)
    kept = Counter(token for row in rows for token in row.tolist() if token != 99)
    whole = Counter(token for document in documents for token in document)
    assert not kept - whole
    assert (whole - kept).total() <= 2 * 17


def test_rows_are_the_same_as_a_plain_search_makes() -> None:
    documents = _documents(2, 300, 30)
    naive: list[list[int]] = []
    waiting = [document[begin : begin + 16] for document in documents for begin in range(0, len(document), 16)]
    while sum(len(piece) + 1 for piece in sorted(waiting, key=len)[:17]) >= 17:
        row: list[int] = []
        while len(row) < 17:
            space = 17 - len(row)
            fitting = [piece for piece in waiting if len(piece) < space]
            row.append(99)
            if fitting:
                longest = max(map(len, fitting))
                chosen = [piece for piece in fitting if len(piece) == longest][-1]
                waiting = _without(waiting, chosen)
                row += chosen
            elif space > 1:
                shortest = min(map(len, waiting))
                chosen = next(piece for piece in waiting if len(piece) == shortest)
                waiting = [*_without(waiting, chosen), chosen[space - 1 :]]
                row += chosen[: space - 1]
        naive.append(row)

    assert [row.tolist() for row in pack(documents, 99, 16)] == naive


def _without(pieces: list[list[int]], chosen: list[int]) -> list[list[int]]:
    return [piece for piece in pieces if piece is not chosen]


def test_the_bigram_table_agrees_with_counting_by_hand() -> None:
    rows = np.array([[9, 1, 2, 1], [9, 1, 1, 2]], dtype=np.uint16)
    table = Bigrams.learn(rows, 10)

    share = {token: (count + 1) / (6 + 10) for token, count in {1: 4, 2: 2, 3: 0}.items()}
    assert table.nats(np.array([[1, 2]], np.uint16)) == pytest.approx(-math.log((2 + 5 * share[2]) / (3 + 5)))
    assert table.nats(np.array([[1, 3]], np.uint16)) == pytest.approx(-math.log((0 + 5 * share[3]) / (3 + 5)))
    assert table.nats(np.array([[7, 1]], np.uint16)) == pytest.approx(-math.log(share[1]))
    assert sum(math.exp(-table.nats(np.array([[1, t]], np.uint16))[0, 0]) for t in range(10)) == pytest.approx(1)


# --- The cache -------------------------------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with text of its own and a spec for it."""
    monkeypatch.setenv("AUTORESEARCH_CACHE", str(tmp_path / "cache"))
    generator = np.random.default_rng(3)
    for place in range(80):
        words = " ".join(map(str, generator.integers(0, 10**6, 300)))
        (tmp_path / f"{place}.txt").write_text(words)
    (tmp_path / "gpt.toml").write_text('data = "files:*.txt"\nvocabulary = 300\nsequence_length = 32\n')
    return tmp_path


def test_the_rows_are_the_text_and_the_canaries_are_none_of_it(small: Path) -> None:
    data = prepare.prepare(read_spec(small), small)

    text = data.tokenizer.encoding
    source = Files("files:*.txt", ("*.txt",), small)
    for split, rows in zip(Split, (data.train, data.validation, data.test), strict=True):
        ordinary = np.delete(rows, data.canaries, 0) if split is Split.VALIDATION else rows
        words = {word for document in source.documents(split) for word in document.split()}
        seen = text.decode([token for row in ordinary.tolist() for token in row[1:] if token != data.tokenizer.start])
        assert len(words & set(seen.split())) > 0.7 * len(words)
    assert len(data.canaries) == 16
    assert data.difficulty(Split.VALIDATION).shape == (len(data.validation), 3)


def test_the_cache_is_built_once_and_nobody_else_may_read_what_is_kept_back(small: Path) -> None:
    folder = prepare.prepare(read_spec(small), small).folder
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}

    assert prepare.prepare(read_spec(small), small).folder == folder
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == before
    assert {(folder / f"{split}.bin").stat().st_mode & 0o777 for split in Split} == {0o600}


def test_other_text_is_another_cache(small: Path) -> None:
    folder = prepare.prepare(read_spec(small), small).folder
    (small / "0.txt").write_text("other words " * 400)

    assert prepare.prepare(read_spec(small), small).folder != folder


@pytest.mark.parametrize("damage", ["train.bin", "done.json"])
def test_a_cache_that_is_not_whole_is_built_again(small: Path, damage: str) -> None:
    folder = prepare.prepare(read_spec(small), small).folder
    size = (folder / damage).stat().st_size
    os.truncate(folder / damage, 10)

    prepare.prepare(read_spec(small), small)

    assert (folder / damage).stat().st_size == pytest.approx(size, rel=0.1)
    assert _finished(folder.parent) == [folder]


def test_two_processes_that_build_at_once_end_with_one_whole_cache(small: Path) -> None:
    command = [sys.executable, str(HARNESS / "prepare.py")]
    both = [subprocess.Popen(command, cwd=small, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]

    assert said[0] == said[1]
    assert "validation: " in said[0]
    assert len(_finished(small / "cache" / "gpt")) == 1


def _finished(cache: Path) -> list[Path]:
    """Every folder of a cache that holds rows, drafts among them."""
    return [path for path in cache.iterdir() if path.is_dir() and path.name != "stamps"]


def test_too_little_text_is_refused_with_a_cure(small: Path) -> None:
    (small / "gpt.toml").write_text('data = "files:*.txt"\nvocabulary = 300\nsequence_length = 1024\n')

    with pytest.raises(SourceError, match="too little text for"):
        prepare.prepare(read_spec(small), small)


# --- Scoring ---------------------------------------------------------------------------------------------------------


def _nats(model: object, rows: NDArray[np.uint16], at_a_time: int = 4) -> NDArray[np.float64]:
    def ask(tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        logits: Tensor = model(torch.from_numpy(tokens))  # type: ignore[operator]
        return logits.detach().float().numpy().copy()

    return scoring.Scorer(ask, at_a_time).nats(rows, rows[:, 1:])


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> train.GPT:
    """A model with weights that do something, at 40 tokens and 12 places."""
    monkeypatch.setattr(train, "SHORT_WINDOW", 1 / 4)
    torch.manual_seed(0)
    model = train.GPT(Shape(40, 12, "cpu")).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


ROWS = np.random.default_rng(5).integers(0, 40, (11, 13)).astype(np.uint16)
LENGTHS = np.array([*range(1, 40), 0])


def test_the_score_agrees_with_a_naive_computation(tiny: train.GPT) -> None:
    nats, size = 0.0, 0
    for row in ROWS.astype(np.int64):
        logits = tiny(torch.from_numpy(row[None, :-1])).double()[0]
        for place, target in enumerate(row[1:]):
            chances = [math.exp(value) for value in logits[place].tolist()]
            if LENGTHS[target]:
                nats -= math.log(chances[target] / sum(chances))
                size += int(LENGTHS[target])

    score = scoring.bits_per_byte(_nats(tiny, ROWS), ROWS, LENGTHS)

    assert score == pytest.approx(nats / math.log(2) / size, abs=1e-4)


def test_a_uniform_model_scores_what_arithmetic_says() -> None:
    counted = LENGTHS[ROWS[:, 1:]]
    expected = math.log2(40) * (counted > 0).sum() / counted.sum()

    nats = _nats(lambda tokens: torch.zeros(*tokens.shape, 40), ROWS)

    assert scoring.bits_per_byte(nats, ROWS, LENGTHS) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("shift", [-1e4, 50.0, 1e4])
def test_logits_that_are_not_normalised_gain_nothing(tiny: train.GPT, shift: float) -> None:
    assert _nats(lambda tokens: tiny(tokens).double() + shift, ROWS) == pytest.approx(_nats(tiny, ROWS), abs=2e-3)


@pytest.mark.parametrize("at_a_time", [1, 3, 11, 50])
def test_how_many_rows_are_asked_at_a_time_does_not_matter(tiny: train.GPT, at_a_time: int) -> None:
    assert _nats(tiny, ROWS, at_a_time) == pytest.approx(_nats(tiny, ROWS), abs=1e-5)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_logits_that_are_no_numbers_are_refused(bad: float) -> None:
    with pytest.raises(PlayerError, match="not finite"):
        _nats(lambda tokens: torch.full((*tokens.shape, 40), bad), ROWS)


def test_the_gpu_s_arithmetic_is_the_processor_s(tiny: train.GPT) -> None:
    logits = tiny(torch.from_numpy(ROWS[:, :-1].astype(np.int64))).detach().numpy()
    targets = ROWS[:, 1:].astype(np.int64)

    there, sums = scoring._cost_by_torch("cpu")(logits.copy(), targets)
    here, others = scoring.cost(logits.copy(), targets)

    assert there == pytest.approx(here, abs=1e-5)
    assert sums == pytest.approx(others)


# --- Checks ----------------------------------------------------------------------------------------------------------


def _row_costs(strength: float, lead: float, rows: int = 96) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What rows cost a model between two simple ones, `strength` from 0 to 1, and how hard they are."""
    generator = np.random.default_rng(rows)
    alone = generator.normal(700, 90, rows)
    pairs = alone * generator.normal(0.7, 0.03, rows)
    hard = np.stack([np.full(rows, 120.0), alone, pairs], axis=1)
    costs = (1 - strength) * alone + strength * pairs - 30 * strength + generator.normal(0, 12, rows)
    return costs * (1 - lead), hard


@pytest.mark.parametrize("strength", [0.1, 0.5, 1.0, 1.3])
@pytest.mark.parametrize(("lead", "good"), [(0.0, True), (0.015, True), (0.06, False), (-0.2, True)])
def test_a_validation_score_that_leads_too_far_is_not_believed(strength: float, lead: float, good: bool) -> None:
    (seen, hard), (secret, hard_secret) = _row_costs(strength, lead, 384), _row_costs(strength, 0.0)

    found = checks.test_split((seen, secret), (hard, hard_secret))

    assert (found.outcome is checks.Outcome.PASSED) is good
    assert not re.search(r"\d", found.seen), "the secret number is told to nobody"


def test_a_text_that_is_easier_in_itself_is_no_lead() -> None:
    seen, hard = _row_costs(0.8, 0.0, 384)
    seen, hard = seen * 0.8, hard * [1.0, 0.8, 0.8]

    found = checks.test_split((seen, _row_costs(0.8, 0.0)[0]), (hard, _row_costs(0.8, 0.0)[1]))

    assert found.outcome is checks.Outcome.PASSED


def test_a_few_secret_rows_judge_nobody() -> None:
    costs, hard = _row_costs(0.5, 0.0, 8)

    assert checks.test_split((costs / 2, costs), (hard, hard)).outcome is checks.Outcome.SKIPPED


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("planted", "cheaper", "good"),
    [(384, 0.0, True), (384, 0.001, True), (384, 0.02, False), (8, 0.5, False), (8, 0.02, True), (40, 0.1, False)],
)
def test_scored_rows_that_are_cheaper_than_the_rows_beside_them_were_known(
    planted: int, cheaper: float, good: bool, known: bool
) -> None:
    costs, hard = _row_costs(0.8, 0.0, 768)
    costs[:planted] *= 1 - cheaper

    found = checks.neighbours((costs[:384], costs[384:]), (hard[:384], hard[384:]), known, 2.0)

    assert (found.outcome is checks.Outcome.PASSED) is good
    told = re.search(r"a gain of (0\.\d{3}) bits per byte", found.seen)
    assert bool(told) is good
    assert told is None or 0.01 < float(told[1]) < 0.03


def test_what_earlier_runs_paid_tells_a_smaller_gain() -> None:
    costs, hard = _row_costs(0.8, 0.0, 768)
    again = costs * np.random.default_rng(9).normal(1, 0.01, 768)
    again[:8] *= 0.95

    def outcome(hard: NDArray[np.float64], known: bool) -> str:
        return checks.neighbours((again[:384], again[384:]), (hard[:384], hard[384:]), known, 2.0).outcome

    assert outcome(hard, False) == checks.Outcome.PASSED
    assert outcome(np.column_stack([hard, costs]), True) == checks.Outcome.FAILED


def test_too_few_rows_to_tell_a_known_one_from_an_odd_one_accuse_nobody() -> None:
    costs, hard = _row_costs(0.8, 0.0, 448)
    costs[:64] *= 0.5

    found = checks.neighbours((costs[:64], costs[64:]), (hard[:64], hard[64:]), False, 2.0)

    assert found.outcome is checks.Outcome.SKIPPED
    assert "raise evaluation_tokens" in found.seen


def test_a_run_that_repeats_an_earlier_one_is_no_cheat() -> None:
    costs, hard = _row_costs(0.8, 0.0, 768)
    both = np.column_stack([hard, costs, costs])

    found = checks.neighbours((costs[:384], costs[384:]), (both[:384], both[384:]), True, 2.0)

    assert found.outcome is checks.Outcome.PASSED


@pytest.mark.parametrize(("gain", "good"), [(0.0, True), (0.1, True), (1.0, False)])
def test_canaries_that_are_known_give_training_on_them_away(gain: float, good: bool) -> None:
    generator = np.random.default_rng(0)
    known, control = (7 + generator.normal(0, 1, (16, 64)) for _ in range(2))

    assert (checks.canaries(known - gain, control).outcome is checks.Outcome.PASSED) is good


@pytest.mark.parametrize("place", [0, 7])
def test_one_cost_that_differs_is_enough_to_fail(place: int) -> None:
    whole = np.zeros((1, 9))
    other = whole.copy()
    other[0, place] = 0.02

    assert checks.causality(whole, other, [8], checks.EXACT).outcome is checks.Outcome.FAILED
    assert checks.causality(whole, other, [place or 8], checks.EXACT).outcome is not (
        checks.Outcome.FAILED if place else checks.Outcome.PASSED
    )
    assert checks.independence(whole, other, checks.EXACT).outcome is checks.Outcome.FAILED


def test_code_that_quotes_the_held_out_text_is_a_store_of_answers() -> None:
    held_out = " ".join(f"the {n * 7919 % 1000} words of a text" for n in range(200)).encode()
    quoting = f"# {held_out[500:1200].decode()}\n"

    assert checks.source(TRAIN.encode(), held_out).outcome is checks.Outcome.PASSED
    assert checks.source((TRAIN + quoting).encode(), held_out).outcome is checks.Outcome.FAILED


@pytest.mark.parametrize("raw", [b"\x00\x01", b"\xff", b"x = (", b"-" * 90_000 + b"1"])
def test_what_cannot_be_read_as_python_is_no_program(raw: bytes) -> None:
    assert checks.source(raw, b"").outcome is checks.Outcome.FAILED


# --- The model -------------------------------------------------------------------------------------------------------


def test_the_model_does_not_see_the_future(tiny: train.GPT) -> None:
    tokens = torch.randint(0, 40, (2, 12))
    changed = tokens.clone()
    changed[:, 7:] = (changed[:, 7:] + 1) % 40

    with torch.no_grad():
        before, after = tiny(tokens), tiny(changed)

    assert torch.equal(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7:], after[:, 7:], atol=1e-2)


@pytest.mark.parametrize("window", [1, 3, 12, 99])
def test_attention_agrees_with_a_naive_one(window: int) -> None:
    query, key, value = torch.randn(3, 2, 4, 12, 8, generator=torch.Generator().manual_seed(1)).double()
    expected = torch.zeros_like(value)
    for row in range(2):
        for head in range(4):
            for here in range(12):
                seen = range(max(0, here - window + 1), here + 1)
                scores = torch.stack([query[row, head, here] @ key[row, head, there] / 8**0.5 for there in seen])
                weights = torch.softmax(scores, 0)
                expected[row, head, here] = sum(
                    (w * value[row, head, there] for w, there in zip(weights, seen, strict=True)), torch.zeros(8)
                )

    assert torch.allclose(train.attend(query, key, value, window), expected, atol=1e-12)


def test_the_last_block_sees_everything_whatever_the_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "DEPTH", 5)
    monkeypatch.setattr(train, "WINDOWS", "SSL")

    assert [train.window(layer, 64) for layer in range(5)] == [8, 8, 64, 8, 64]


@pytest.mark.parametrize("seed", [1, 2**63 - 1])
def test_a_change_of_the_shape_leaves_the_first_weights_of_all_else(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    torch.manual_seed(seed)
    before = train.GPT(Shape(40, 12, "cpu")).state_dict()
    monkeypatch.setattr(train, "MLP_RATIO", 2)
    after = train.GPT(Shape(40, 12, "cpu")).state_dict()

    resized = {name for name in before if before[name].shape != after[name].shape}
    assert resized == {name for name in before if name.endswith((".up", ".down"))}
    assert all(torch.equal(before[name], after[name]) for name in before.keys() - resized)


def test_rotation_depends_on_distance_only() -> None:
    cos, sin = train.rotary_table(20, 8)
    query, key = torch.randn(2, 1, 1, 1, 8)
    at = [
        float((train.rotate(query, cos[i : i + 1], sin[i : i + 1]) * train.rotate(key, cos[j : j + 1], sin[j : j + 1])).sum())
        for i, j in ((5, 2), (15, 12), (5, 5))
    ]  # fmt: skip

    assert at[0] == pytest.approx(at[1], abs=1e-4)
    assert at[2] == pytest.approx(float((query * key).sum()), abs=1e-4)


@pytest.mark.parametrize(("at_a_time", "cap"), [(3, 15.0), (100, 15.0), (3, 0.0)])
def test_the_loss_and_its_gradients_are_those_of_plain_cross_entropy(
    monkeypatch: pytest.MonkeyPatch, at_a_time: int, cap: float
) -> None:
    monkeypatch.setattr(train, "LOSS_TOKENS", at_a_time)
    monkeypatch.setattr(train, "SOFTCAP", cap)
    generator = torch.Generator().manual_seed(4)
    x, head = (torch.randn(size, generator=generator, requires_grad=True) for size in ((10, 6), (7, 6)))
    targets = torch.randint(0, 7, (10,), generator=generator)

    plain = F.cross_entropy(train.softcapped(5 * x @ head.T), targets)
    expected = torch.autograd.grad(3 * plain, (x, head))
    ours = train.HeadLoss.apply(5 * x, head, targets)  # type: ignore[no-untyped-call]
    found = torch.autograd.grad(3 * ours, (x, head))

    assert float(ours.detach()) == pytest.approx(float(plain.detach()), rel=1e-6)
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


# --- The optimizer ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(3, 8, 8), (2, 16, 4), (1, 4, 16)])
def test_the_polar_step_makes_singular_values_alike(size: tuple[int, int, int]) -> None:
    matrices = torch.randn(size, generator=torch.Generator().manual_seed(2))
    values = torch.linalg.svdvals(train.orthogonal(matrices))
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)

    assert values.min() > 0.7
    assert values.max() < 1.3
    assert (
        torch.nn.functional.cosine_similarity(train.orthogonal(matrices).flatten(1), (left @ right).flatten(1)).min()
        > 0.98
    )


@pytest.mark.parametrize("decay", [0.0, 0.2])
def test_muon_updates_stacked_matrices_as_it_would_each_by_itself(
    decay: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "WEIGHT_DECAY", decay)
    generator = torch.Generator().manual_seed(3)
    starts = [torch.randn(6, 4, generator=generator) for _ in range(2)] + [torch.randn(3, 5, 5, generator=generator)]
    gradients = [[torch.randn(start.shape, generator=generator) for start in starts] for _ in range(3)]
    parameters = [torch.nn.Parameter(start.clone()) for start in starts]
    muon = train.Muon(parameters, 0.1)
    for some in gradients:
        for parameter, gradient in zip(parameters, some, strict=True):
            parameter.grad = gradient.clone()
        muon.step()

    for place, start in enumerate(starts):
        stack = [start] if start.ndim == 2 else list(start)
        for layer, weights in enumerate(stack):
            mine = [some[place] if start.ndim == 2 else some[place][layer] for some in gradients]
            expected = _naive_muon(weights.clone(), mine, 0.1)
            found = parameters[place].detach() if start.ndim == 2 else parameters[place].detach()[layer]
            assert torch.allclose(found, expected, atol=1e-5)


def _naive_muon(weights: Tensor, gradients: list[Tensor], lr: float) -> Tensor:
    mean = torch.zeros_like(weights)
    along = 1 if weights.size(0) >= weights.size(1) else 0
    sizes = torch.zeros_like(weights.mean(along, keepdim=True))
    for step, gradient in enumerate(gradients):
        momentum = train.FIRST_MOMENTUM + (train.MOMENTUM - train.FIRST_MOMENTUM) * step / train.MOMENTUM_STEPS
        mean = momentum * mean + (1 - momentum) * gradient
        nesterov = (1 - momentum) * gradient + momentum * mean
        update = train.orthogonal(nesterov[None])[0]
        whole = update.norm()
        sizes = train.UPDATE_MEMORY * sizes + (1 - train.UPDATE_MEMORY) * update.square().mean(along, keepdim=True)
        update = update / (sizes + 1e-10).sqrt()
        update = update * whole / update.norm()
        agrees = (update > 0) == (weights > 0)
        update = update + train.WEIGHT_DECAY * torch.where(agrees, weights, 0.0)
        weights = weights - lr * max(1.0, weights.size(0) / weights.size(1)) ** 0.5 * update
    return weights


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adamw_is_torch_s_to_the_last_bit(decay: float) -> None:
    generator = torch.Generator().manual_seed(3)
    first = [torch.randn(size, generator=generator) for size in ((5, 7), (3,))]
    gradients = [[torch.randn(one.shape, generator=generator) for one in first] for _ in range(4)]
    found = []
    for kind in (AdamW, partial(torch.optim.AdamW, fused=True)):
        weights = [torch.nn.Parameter(one.clone()) for one in first]
        optimizer = kind([{"params": weights, "lr": 0.1}], betas=(0.8, 0.95), eps=1e-10, weight_decay=decay)
        for step, some in enumerate(gradients):
            for weight, gradient in zip(weights, some, strict=True):
                weight.grad = gradient.clone() if step != 1 or weight.ndim > 1 else None
            optimizer.step()
        optimizer.zero_grad()
        assert all(weight.grad is None for weight in weights)
        found.append(torch.cat([weight.detach().flatten() for weight in weights]))

    assert torch.equal(found[0], found[1])


@pytest.mark.parametrize("muon", [False, True])
def test_every_parameter_has_one_optimizer(tiny: train.GPT, muon: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "MUON", muon)
    owned = [p for optimizer in train.optimizers(tiny) for group in optimizer.param_groups for p in group["params"]]

    assert sorted(map(id, owned)) == sorted(map(id, tiny.parameters()))


@pytest.mark.parametrize(("final", "rates"), [(0.0, [1, 1, 0.5, 0]), (0.1, [1, 1, 0.55, 0.1])])
def test_learning_rates_follow_the_progress(monkeypatch: pytest.MonkeyPatch, final: float, rates: list[float]) -> None:
    monkeypatch.setattr(train, "FINAL_LR", final)

    assert [train.rate(progress) for progress in (0.0, 0.3, 0.75, 1.0)] == pytest.approx(rates)


def test_small_batches_add_up_to_a_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for rows in (8, 2):
        monkeypatch.setattr(train, "DEVICE_ROWS", rows)
        torch.manual_seed(0)
        trainer = train.Trainer(Shape(40, 12, "cpu"))
        batch = torch.randint(0, 40, (8, 13), generator=torch.Generator().manual_seed(1))
        losses = [float(trainer.step(batch, 0.0)) for _ in range(3)]
        found.append((losses, trainer.model.head.detach().clone()))

    assert found[0][0] == pytest.approx(found[1][0], abs=1e-3)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-3)


def test_training_in_bfloat16_learns_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = {}
    batch = torch.randint(0, 40, (8, 13), generator=torch.Generator().manual_seed(1))
    for precision in ("fp32", "bf16"):
        monkeypatch.setattr(train, "PRECISION", precision)
        torch.manual_seed(0)
        trainer = train.Trainer(Shape(40, 12, "cpu"))
        losses[precision] = [float(trainer.step(batch, 0.0)) for _ in range(20)]

    assert losses["bf16"][-1] < losses["bf16"][0] - 1
    assert losses["bf16"] != losses["fp32"]
    assert losses["bf16"][-1] == pytest.approx(losses["fp32"][-1], abs=0.2)


def test_warming_up_changes_nothing() -> None:
    torch.manual_seed(0)
    fresh = train.Trainer(Shape(40, 12, "cpu"))
    torch.manual_seed(0)
    warm = train.Trainer(Shape(40, 12, "cpu"))
    warm.warm_up()
    batch = torch.randint(0, 40, (8, 13), generator=torch.Generator().manual_seed(1))

    for trainer in (fresh, warm):
        for _ in range(3):
            trainer.step(batch, 0.0)

    for one, other in zip(fresh.model.parameters(), warm.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_only_parts_with_a_window_shorter_than_the_context_leave_blocks_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DEPTH": 2, "WINDOWS": "SL", "SHORT_WINDOW": 1 / 4}.items():
        monkeypatch.setattr(train, name, value)
    model = train.GPT(Shape(40, 256, "cpu"))
    gpu.leave_out_blocks(model, 256, "cpu")

    short, whole = (part.blocks for part in model.modules() if isinstance(part, train.Attention))

    assert short is not None
    assert short.sparsity() > 0
    assert whole is None


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_of_one_is_used() -> None:
    assert not gpu.has_bfloat16("cpu")


COMPILERS = pytest.mark.parametrize(
    "compiler",
    [
        "aot_eager",
        pytest.param(
            "inductor",
            marks=[
                pytest.mark.slow,
                pytest.mark.skipif(not shutil.which("g++"), reason="it compiles for a processor with a C++ compiler"),
            ],
        ),
    ],
)
"""What torch captures, and what it makes of that: only the second needs a compiler, and 20 s."""


@COMPILERS
@pytest.mark.filterwarnings("ignore")  # torch's compiler has its own
def test_what_a_gpu_compiles_is_what_a_processor_does_step_by_step(
    monkeypatch: pytest.MonkeyPatch, compiler: str
) -> None:
    monkeypatch.setattr(train, "WEIGHT_DECAY", 0.2)
    generator = torch.Generator().manual_seed(4)
    query, key, value = torch.randn(3, 2, 2, 256, 32, generator=generator)
    weights, gradients = torch.randn(2, 2, 8, 16, generator=generator)

    def update(function: Callable[..., Tensor]) -> Tensor:
        dials = torch.tensor((0.1, 0.9, 0.2))
        return function(weights, gradients, torch.zeros(2, 8, 16), torch.zeros(2, 1, 16), dials, torch.float32)

    blocks = gpu.blocks_in_sight(256, 32, "cpu")
    in_blocks = torch.compile(train.attend, dynamic=False, backend=compiler)(query, key, value, 32, blocks)
    assert torch.allclose(in_blocks, train.attend(query, key, value, 32), atol=1e-5)
    compiled = update(torch.compile(train.muon_update, dynamic=False, backend=compiler))
    assert torch.allclose(compiled, update(train.muon_update), atol=1e-5)


@COMPILERS
@pytest.mark.filterwarnings("ignore")
def test_the_compiled_loss_has_the_gradients_of_the_plain_one(tiny: train.GPT, compiler: str) -> None:
    rows = torch.from_numpy(ROWS.astype(np.int64))
    losses = []
    for loss in (tiny.loss, torch.compile(tiny.loss, dynamic=False, backend=compiler)):
        tiny.zero_grad()
        losses.append(loss(rows))
        losses[-1].backward()  # type: ignore[no-untyped-call]
        losses.append(torch.cat([p.grad.flatten() for p in tiny.parameters() if p.grad is not None]))

    assert torch.allclose(losses[0], losses[2], atol=1e-5)
    assert torch.allclose(losses[1], losses[3], atol=1e-5)


def test_a_run_without_room_says_what_would_have_fitted() -> None:
    def attempt(rows: int) -> None:
        if rows > 16:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB\nmore words")

    with pytest.raises(SystemExit, match=r"Out of memory with 128 rows at a time; 16 would have fitted\. \(CUDA out"):
        fail_with_what_fits(torch.OutOfMemoryError("CUDA out of memory."), 128, attempt)
    with pytest.raises(RuntimeError, match="shapes"):
        fail_with_what_fits(RuntimeError("shapes"), 128, attempt)


# --- Training --------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_number_and_training_lowers_it(tmp_path: Path, cache: Path) -> None:
    once, again = (judge(tmp_path / name, cache, anew=anew) for name, anew in (("once", True), ("again", False)))
    hardly = judge(tmp_path / "hardly", cache, budget="1024 tokens")

    assert once.score == again.score
    assert once.score < hardly.score - 0.2
    assert _curve(once) == _curve(again)


def _curve(run: Judged) -> str:
    """The last loss: the points before it fall where the clock happens to be."""
    return run.out.rsplit(":", 1)[1]


def test_equal_work_is_bought_by_an_equal_budget_without_the_time_that_the_compiler_takes_to_load(
    tmp_path: Path, cache: Path
) -> None:
    step = "        run.tell(trainer.step(batch, run.progress))\n"
    variants = {
        "plain": TRAIN,
        "again": edited(
            ("    run.hand_over(", "    assert 'torch._dynamo' not in __import__('sys').modules\n    run.hand_over(")
        ),
        "twice": edited((step, step + step)),
        "deeper": edited(("DEPTH = 2 ", "DEPTH = 4 "), ("ASPECT = 32 ", "ASPECT = 16 ")),
    }

    ran = {name: judge(tmp_path / name, cache, train, budget="10 gigaops") for name, train in variants.items()}

    steps = {name: int(re.findall(r"^num_steps: +(\d+)$", run.out, re.MULTILINE)[0]) for name, run in ran.items()}
    assert ran["plain"].score == ran["again"].score
    assert steps["plain"] == steps["again"]
    assert steps["twice"] == pytest.approx(steps["plain"] / 2, abs=1)
    assert steps["deeper"] < steps["plain"]


def test_work_is_counted_with_the_backward_pass_and_views_are_free() -> None:
    left, right = torch.randn(8, 16, requires_grad=True), torch.randn(16, 32)

    def counted(work: Callable[[], object]) -> float:
        with work_counter() as counter:
            work()
        return float(counter.gigaops) * 1e9

    forward = counted(lambda: left @ right)
    assert forward == 2 * 8 * 16 * 32 + 64 * 8 * 32 + 300_000
    assert counted(lambda: torch.autograd.grad((left @ right).sum(), left)) > 2 * forward
    assert counted(lambda: left.view(16, 8).T) == 0


@pytest.mark.filterwarnings("ignore")  # torch's compiler has its own
def test_the_compiler_lets_the_counter_alone() -> None:
    given = torch.randn(64, 64)
    compiled = torch.compile(lambda one: (one @ one).relu().square().sum(), backend="eager")
    compiled(given)
    before = torch._dynamo.utils.counters["frames"]["total"]

    with work_counter() as counter:
        compiled(given)

    assert counter.gigaops > 2 * 64**3 / 1e9
    assert torch._dynamo.utils.counters["frames"]["total"] == before


@pytest.mark.parametrize(
    ("budget", "on_cpu", "seconds"),
    [
        ("300 seconds", False, 306),
        ("10 seconds", True, 12),
        ("9 tokens", False, 120),
        ("9 gigaops", True, 36),
        ("1000 gigaops", True, 120),
    ],
)
def test_a_run_is_ended_when_its_budget_and_its_grace_are_over(budget: str, on_cpu: bool, seconds: float) -> None:
    slow = ProcessorSpeed([2 * TRIED_GIGAOPS])

    assert longest(Spec(budget=budget, most_seconds=120), on_cpu, slow) == pytest.approx(seconds)


def test_the_summary_can_be_grepped(tmp_path: Path, cache: Path) -> None:
    run = judge(tmp_path, cache)

    names = re.findall(r"^(\w+): ", run.out.partition("---\n")[2], re.MULTILINE)
    assert names[:9] == [
        "val_bpb",
        "training_seconds",
        "total_seconds",
        "peak_vram_mb",
        "mfu_percent",
        "total_tokens_M",
        "num_steps",
        "num_params_M",
        "depth",
    ]
    assert re.search(r"^total_tokens_M: +0\.006$", run.out, re.MULTILINE)
    assert re.search(r"^num_steps: +11$", run.out, re.MULTILINE)
    limit = re.search(r"^detectable_gain: +(0\.\d{3})$", run.out, re.MULTILINE)
    assert limit is not None, run.out
    assert f"a gain of {limit[1]} bits per byte by knowing them would show" in run.out


def test_a_diverging_run_fails_fast_and_says_so(tmp_path: Path, cache: Path) -> None:
    run = judge(tmp_path, cache, edited(("HEAD_LR = 0.004", "HEAD_LR = 1e6")))

    assert run.status == 1
    assert re.search(r"^Training diverged: loss \S+ at step \d+\. Try a lower learning rate\.$", run.err, re.MULTILINE)
    assert "val_bpb" not in run.out


def test_a_model_that_cannot_be_asked_leaves_its_checkpoint(tmp_path: Path, cache: Path) -> None:
    run = judge(tmp_path, cache, edited(("    return model.eval()\n", "    raise KeyError('broken')\n")), seed=77)

    assert run.status == 1
    assert "KeyError: 'broken'" in run.err
    kept = re.search(r"The model could not be asked: .* What was trained is kept in (\S+)\.$", run.err, re.MULTILINE)
    assert kept is not None
    assert Path(kept[1]).is_file()


def test_a_long_run_keeps_its_folder_while_short_ones_come_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTORESEARCH_CACHE", str(tmp_path))
    with run_folder() as long:
        for _ in range(5):
            with run_folder() as short:
                pass
        assert long.code.parent.is_dir()
    with run_folder() as last:
        pass

    assert not long.code.parent.exists()
    assert short.code.parent.is_dir()
    assert last.code.parent.is_dir()


def test_before_the_data_nobody_pays_for_the_time_that_others_have_the_processor(tmp_path: Path, cache: Path) -> None:
    waiting = edited(("    run: Run = join()\n", "    run: Run = join()\n    import time\n    time.sleep(3)\n"))

    run = judge(tmp_path, cache, waiting, budget="2048 tokens", start_seconds=2)

    assert run.status == 0, run.err


def test_a_loop_that_does_no_counted_work_is_told_what_would_end_its_budget(tmp_path: Path, cache: Path) -> None:
    idle = edited(("        run.tell(trainer.step(batch, run.progress))\n", "        run.tell(7.0)\n"))

    run = judge(tmp_path, cache, idle, budget="20 gigaops")

    assert run.status == 3
    assert "Only what torch does in the loop of run.batches" in run.err


def test_a_host_that_ends_before_it_reads_is_told_of_with_the_next_step(tmp_path: Path) -> None:
    place = JobFolders(tmp_path / "train.py", tmp_path, tmp_path)
    with Host() as host:
        host.start("train", place, [], None)
        host._process.kill()
        host._process.wait()

        with pytest.raises(PlayerError, match="Does this Python have torch"):
            host.result()


JUDGE = """
import socket, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from players import Host, JobFolders
folder, (ours, theirs) = Path(sys.argv[2]), socket.socketpair()
shape = {"vocabulary": 9, "sequence_length": 9, "device": "cpu"}
with Host() as host:
    place = JobFolders(folder / "train.py", folder, folder)
    host.start("train", place, [theirs.fileno()], None, shape=shape, seed=1, budget="1 tokens")
    print(host._process.pid, flush=True)
    host.result()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel has to do it")
def test_an_experiment_ends_though_judge_and_host_are_killed_at_the_same_moment(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pid")
    waits = "import os, signal\nopen('pid', 'w').write(str(os.getpid()))\nsignal.pause()\n"
    (tmp_path / "train.py").write_text(waits)
    command = [sys.executable, "-c", JUDGE, str(HARNESS), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as judge:
        assert judge.stdout is not None
        host, experiment = int(judge.stdout.readline()), int((tmp_path / "pid").read_text())
        end = os.pidfd_open(experiment)
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in (host, judge.pid):
                os.kill(pid, number)
        ended = select.select([end], [], [], 60)[0]
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(end, signal.SIGKILL)
    os.close(end)

    assert ended


def test_every_file_that_judges_is_in_the_digest(tmp_path: Path) -> None:
    for folder in ("gpt_harness", "tools/process"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(HARNESS.parent / folder, tmp_path / folder, ignore=ignored)
    command = [sys.executable, "-c", "import evaluate; print(evaluate.harness_digest())"]

    def digest() -> str:
        return subprocess.run(command, cwd=tmp_path / "gpt_harness", capture_output=True, text=True, check=True).stdout

    digests = [digest()]
    for file in ("gpt_harness/scoring.py", "tools/process/landlock.py", "tools/process/processes.py"):
        (tmp_path / file).write_text((tmp_path / file).read_text() + "\n")
        digests.append(digest())

    assert len({*digests}) == 4


def test_a_copy_without_the_walls_says_which_file_is_missing(tmp_path: Path, cache: Path) -> None:
    lab = tmp_path / "copied"
    shutil.copytree(HARNESS, lab, ignore=shutil.ignore_patterns("__pycache__"))

    run = judge(tmp_path, cache, budget="2048 tokens", harness=lab)

    assert run.status == 0, run.out + run.err
    missing = tmp_path / "tools" / "process" / "landlock.py"
    assert f"check isolation: skipped (the harness was copied without {missing}" in run.out
    assert "copy that file there" in run.out


def test_text_may_stand_in_thousands_of_files(tmp_path: Path, cache: Path) -> None:
    words = np.random.default_rng(5).integers(0, 10**6, (1500, 40))
    for place, some in enumerate(words):
        (tmp_path / f"{place:0100}.txt").write_text(" ".join(map(str, some)))
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "gpt.toml").write_text(
        'data = "files:*.txt"\nvocabulary = 300\nsequence_length = 64\nbudget = "2048 tokens"\n'
        'evaluation_tokens = 4096\ndevice = "cpu"\n'
    )

    run = evaluated(tmp_path, cache)

    assert run.status == 0, run.err


def test_a_run_far_behind_the_incumbent_is_stopped_early_and_scored(tmp_path: Path, cache: Path) -> None:
    shutil.copytree(HARNESS, tmp_path / "lab", ignore=shutil.ignore_patterns("__pycache__"))
    spec = (tmp_path / "lab/gpt.toml").read_text()
    values = {"vocabulary": 512, "sequence_length": 64, "budget": "60000 tokens", "evaluation_tokens": 8192}
    (tmp_path / "lab/gpt.toml").write_text(
        with_values(spec, {**values, "early_stop": "true"}, quote=True).replace('"true"', "true")
    )
    incumbent = " ".join(f"{share / 50:.2f}:{2 - share / 100:.3f}" for share in range(1, 51))

    run = evaluated(tmp_path / "lab", cache, AUTORESEARCH_INCUMBENT_CURVE=incumbent)

    assert re.search(r"^stopped_early: +[3-8]\d %$", run.out, re.MULTILINE), run.out
    assert run.score > 2


# --- A repository of one's own ---------------------------------------------------------------------------------------


def test_the_plan_file_is_a_plan_without_problems(tmp_path: Path) -> None:
    create_harness(tmp_path / "lab", sys.executable)
    plan = load_plan(tomllib.loads((tmp_path / "lab/autoresearch.toml").read_text()))

    assert isinstance(plan, Plan)
    assert problems(plan) == ()
    assert trains(plan)
    assert not trains(plan.model_copy(update={"verify": "python train.py"}))


CPU_ONLY = (ComputeDevice(DeviceKind.CPU, "cpu"),)


def card(name: str, mebibytes: int) -> tuple[ComputeDevice, ...]:
    return (*CPU_ONLY, ComputeDevice(DeviceKind.CUDA, name, memory_bytes=mebibytes * 2**20))


SIZES: dict[str, tuple[tuple[ComputeDevice, ...], dict[str, object], dict[str, object]]] = {
    "a processor": (CPU_ONLY, {}, {}),
    "an H200": (
        card("NVIDIA H200", 143_771),
        {"budget": "300 seconds", "sequence_length": 2048, "vocabulary": 8192},
        {"DEPTH": 8, "BATCH_ROWS": 128, "DEVICE_ROWS": 128},
    ),
    "an H100": (card("NVIDIA H100 80GB HBM3", 81_559), {}, {"DEPTH": 8, "DEVICE_ROWS": 128}),
    "an A100": (card("NVIDIA A100-SXM4-40GB", 40_960), {}, {"DEPTH": 8, "BATCH_ROWS": 64, "DEVICE_ROWS": 64}),
    "a 4090": (
        card("NVIDIA GeForce RTX 4090", 24_564),
        {"budget": "300 seconds", "sequence_length": 2048},
        {"DEPTH": 6, "DEVICE_ROWS": 32, "WINDOWS": '"SSSSL"'},
    ),
    "a T4": (
        card("Tesla T4", 15_360),
        {"sequence_length": 1024},
        {"DEPTH": 6, "DEVICE_ROWS": 32, "WINDOWS": '"L"'},
    ),
    "a laptop": (
        card("NVIDIA GeForce RTX 3050 Laptop GPU", 4096),
        {"sequence_length": 512, "vocabulary": 4096},
        {"DEPTH": 4, "DEVICE_ROWS": 32},
    ),
    "an Apple": ((*CPU_ONLY, ComputeDevice(DeviceKind.MPS, "M3")), {"budget": "300 seconds"}, {"DEPTH": 4}),
}


@pytest.mark.parametrize("machine", SIZES)
def test_the_defaults_fit_the_machine_and_the_files_take_them(machine: str, tmp_path: Path) -> None:
    devices, spec, constants = SIZES[machine]
    size = size_for(devices, "stdlib" if machine == "a T4" else "")
    create_harness(tmp_path / "lab", sys.executable, size)

    assert {name: size.spec.get(name) for name in spec} == spec
    assert {name: size.constants.get(name) for name in constants} == constants
    read = read_spec(tmp_path / "lab")
    assert all(getattr(read, name) == value for name, value in size.spec.items())
    gpus = int(any(device.kind is DeviceKind.CUDA for device in devices))
    assert f"\ngpus = {gpus}\n" in (tmp_path / "lab/autoresearch.toml").read_text()
    written = (tmp_path / "lab/train.py").read_text()
    compile(written, "train.py", "exec")
    assert all(re.search(rf"^{name} = {re.escape(str(value))}\b", written, re.MULTILINE) or name == "WINDOWS" for name, value in size.constants.items())  # fmt: skip


def test_what_an_experiment_can_reach_is_no_part_of_the_judge(tmp_path: Path) -> None:
    create_harness(tmp_path / "lab", sys.executable, Size())

    assert {file.name for file in (tmp_path / "lab").iterdir()} == {*HARNESS_FILES, ".gitignore", ".git"}
