"""The practice ground: the data is what it says, the ruler is right, the training trains."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiktoken
import torch

import prepare
from autoresearch_mcp.tools.rules.plan import Plan, load_plan, problems
from evaluate import bits_per_byte, windows
from prepare import SEQUENCE_LENGTH, VOCABULARY, Corpus, Data
from train import GPT

HARNESS = Path(prepare.__file__).parent
SMALL = "".join(f"def f{n}(x):\n    return x + {n}  # größer\n" for n in range(400))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of the real corpus for every training of these tests."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setenv("AUTORESEARCH_CACHE", str(tmp_path))
    return Corpus((SMALL, SMALL[::-1]), (SMALL[:3000],))


# --- Data ------------------------------------------------------------------------------------------------------------


def _library(folder: Path) -> Path:
    long = "x = 1\n" * 100
    files = {
        "alpha.py": long,
        "beta/inner.py": long + "# beta\n",
        "copy_of_alpha.py": long,
        "short.py": "x = 1\n",
        "test/test_alpha.py": long + "# test\n",
        "mailbox.py": long + "# validation\n",
        "xmlrpc/client.py": long + "# validation too\n",
        "pydoc.py": long + "# reserve\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_the_corpus_holds_each_module_once_without_tests_held_out_by_whole_modules(tmp_path: Path) -> None:
    corpus = prepare.read_corpus(_library(tmp_path))

    assert [text.splitlines()[-1] for text in corpus.train] == ["x = 1", "# beta"]
    assert [text.splitlines()[-1] for text in corpus.validation] == ["# validation", "# validation too"]


def test_the_digest_tells_corpora_apart() -> None:
    digests = {
        Corpus(*texts).digest for texts in [(("a",), ("b",)), (("a", "b"), ()), (("b",), ("a",)), (("a",), ("c",))]
    }

    assert len(digests) == 4


def test_the_real_training_text_holds_nothing_of_the_held_out_modules() -> None:
    library = Path(os.__file__).parent
    corpus = prepare.read_corpus(library)
    whole = "".join(corpus.train)

    for name in ("mailbox.py", "turtle.py", "pydoc.py", "zoneinfo/_zoneinfo.py"):
        text = (library / name).read_text(encoding="utf-8")
        assert text not in whole
    assert len(corpus.validation) >= 10
    assert len(whole) > 5_000_000


def test_the_tokenizer_knows_every_byte_and_loses_nothing() -> None:
    ranks = prepare.train_tokenizer((SMALL,), 300)
    coder = prepare.encoding(ranks)

    assert len(ranks) == 300
    assert [ranks[bytes([value])] for value in range(256)] == list(range(256))
    assert sorted(ranks.values()) == list(range(300))
    for text in (SMALL, "\x00\x7f tabs\t\r\n", "日本語 🎉 ½", "12345 a_b  \n\n"):
        assert coder.decode(coder.encode_ordinary(text)) == text
    assert len(coder.encode_ordinary(SMALL)) < len(SMALL.encode()) / 2


def test_the_packed_tokens_are_the_text_and_their_lengths_its_bytes(small: Corpus) -> None:
    data = prepare.open_cache(prepare._ready(small))

    assert data.tokenizer.decode(data.validation.tolist()) == small.validation[0]
    assert data.token_bytes[data.train].sum() == sum(len(text.encode()) for text in small.train)


def test_the_cache_is_built_once(small: Corpus) -> None:
    folder = prepare._ready(small)
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}

    assert prepare._ready(small) == folder
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == before


@pytest.mark.parametrize("damage", ["train.bin", "done.json"])
def test_a_cache_that_is_not_whole_is_built_again(small: Corpus, damage: str) -> None:
    folder = prepare._ready(small)
    good = (folder / damage).read_bytes()
    (folder / damage).write_bytes(good[:10])

    assert (prepare._ready(small) / damage).read_bytes() == good
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_two_processes_that_build_at_once_end_with_one_whole_cache(tmp_path: Path) -> None:
    code = (
        f"import prepare\ntext = {SMALL!r}\nprint(prepare._ready(prepare.Corpus((text, text[::-1]), (text[:3000],))))\n"
    )
    environment = {**os.environ, "AUTORESEARCH_CACHE": str(tmp_path), "PYTHONPATH": str(HARNESS)}
    both = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0].strip() for process in both]

    assert said[0] == said[1]
    assert [str(path) for path in (tmp_path / "gpt").iterdir()] == [said[0]]
    prepare.open_cache(Path(said[0]))


def test_batches_spend_the_budget_and_are_the_same_every_time(small: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "TOKEN_BUDGET", 5_000)
    data = prepare.open_cache(prepare._ready(small))

    first, second = (list(prepare.batches(data, 4)) for _ in range(2))

    assert len(first) == prepare.steps(4) == 5_000 // (4 * SEQUENCE_LENGTH)
    assert all(batch.shape == (4, SEQUENCE_LENGTH + 1) for batch in first)
    assert all((one == other).all() for one, other in zip(first, second, strict=True))


# --- Evaluation ------------------------------------------------------------------------------------------------------


@pytest.fixture
def data() -> Data:
    """Ten tokens of one to ten bytes, and a validation text of a few windows and a rest."""
    ranks = {bytes([value]): value for value in range(256)}
    tokens = np.random.default_rng(1).integers(0, 10, 5 * SEQUENCE_LENGTH + 17).astype(np.uint16)
    return Data(
        tokens,
        tokens,
        tiktoken.Encoding("t", pat_str=".", mergeable_ranks=ranks, special_tokens={}),
        np.arange(1, 11),
        "",
    )


class Table:
    """A model that knows which token follows which, and nothing else."""

    def __init__(self, shift: float = 0.0) -> None:
        self.table = torch.randn(10, 10, generator=torch.Generator().manual_seed(2))
        self.shift = shift

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.table[tokens] + self.shift


def test_the_score_agrees_with_a_naive_reference(data: Data) -> None:
    table = Table().table.double()
    nats, size = 0.0, 0
    for place in range(5 * SEQUENCE_LENGTH):
        token, following = int(data.validation[place]), int(data.validation[place + 1])
        row = [math.exp(float(value)) for value in table[token]]
        nats -= math.log(row[following] / sum(row))
        size += int(data.token_bytes[following])

    assert bits_per_byte(Table(), data) == pytest.approx(nats / math.log(2) / size, rel=1e-6)


def test_a_model_that_knows_nothing_scores_what_arithmetic_says(data: Data) -> None:
    targets = data.validation[1 : 5 * SEQUENCE_LENGTH + 1]
    expected = math.log2(10) * len(targets) / data.token_bytes[targets].sum()

    assert bits_per_byte(lambda tokens: torch.zeros(*tokens.shape, 10), data) == pytest.approx(expected, rel=1e-6)


def test_logits_that_are_not_normalised_gain_nothing(data: Data) -> None:
    assert bits_per_byte(Table(shift=50.0), data) == pytest.approx(bits_per_byte(Table(), data), rel=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 3, 100])
def test_how_many_windows_are_scored_at_a_time_does_not_matter(data: Data, rows: int) -> None:
    assert bits_per_byte(Table(), data, rows=rows) == pytest.approx(bits_per_byte(Table(), data), rel=1e-9)


@pytest.mark.parametrize(
    ("logits", "words"),
    [
        (lambda tokens: torch.zeros(*tokens.shape, 11), "shape"),
        (lambda tokens: torch.full((*tokens.shape, 10), math.nan), "not finite"),
    ],
    ids=["another vocabulary", "not a number"],
)
def test_unusable_logits_are_refused(data: Data, logits: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        bits_per_byte(logits, data)  # type: ignore[arg-type]


def test_every_target_is_scored_once(data: Data) -> None:
    cut = windows(data.validation)

    assert (cut[:, 1:].reshape(-1) == data.validation[1 : 5 * SEQUENCE_LENGTH + 1]).all()


# --- Training --------------------------------------------------------------------------------------------------------


def train(folder: Path, cache: Path, *edits: tuple[str, str, str]) -> subprocess.CompletedProcess[str]:
    """Run the harness with replacements (file, old, new) made in a copy."""
    shutil.copytree(HARNESS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name, old, new in (("prepare.py", "TOKEN_BUDGET = 400_000", "TOKEN_BUDGET = 20_000"), *edits):
        text = (folder / name).read_text()
        assert text.count(old) == 1, old
        (folder / name).write_text(text.replace(old, new))
    environment = {**os.environ, "AUTORESEARCH_CACHE": str(cache)}
    command = [sys.executable, "-W", "error", "train.py"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def score(run: subprocess.CompletedProcess[str]) -> float:
    assert run.returncode == 0, run.stderr
    found = re.findall(r"^val_bpb: (\d\.\d{6})$", run.stdout, re.MULTILINE)
    assert len(found) == 1
    return float(found[0])


def test_the_same_file_gives_the_same_number_and_training_lowers_it(tmp_path: Path, cache: Path) -> None:
    once = score(train(tmp_path / "once", cache))
    again = score(train(tmp_path / "again", cache))
    hardly = score(train(tmp_path / "hardly", cache, ("prepare.py", "TOKEN_BUDGET = 20_000", "TOKEN_BUDGET = 1_024")))

    assert once == again
    assert once < hardly - 0.2


def test_the_summary_can_be_grepped(tmp_path: Path, cache: Path) -> None:
    run = train(tmp_path / "run", cache)

    names = [line.partition(":")[0] for line in run.stdout.partition("---\n")[2].splitlines()]
    assert names == [
        "val_bpb",
        "training_seconds",
        "total_seconds",
        "peak_memory_mb",
        "total_tokens_M",
        "num_steps",
        "num_params_M",
        "depth",
    ]
    assert "total_tokens_M: 0.019" in run.stdout


def test_a_diverging_run_fails_fast_and_says_so(tmp_path: Path, cache: Path) -> None:
    run = train(tmp_path / "run", cache, ("train.py", "HEAD_LR = 0.008", "HEAD_LR = 1e6"))

    assert run.returncode == 1
    assert re.fullmatch(r"Training diverged: loss \S+ at step \d+ of 19\. Try a lower learning rate\.\n", run.stderr)
    assert "val_bpb" not in run.stdout


def test_the_model_does_not_see_the_future() -> None:
    torch.manual_seed(0)
    model = GPT().eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    tokens = torch.randint(0, VOCABULARY, (2, SEQUENCE_LENGTH))
    changed = tokens.clone()
    changed[:, 70:] = torch.randint(0, VOCABULARY, (2, SEQUENCE_LENGTH - 70))

    with torch.no_grad():
        before, after = model(tokens), model(changed)

    assert torch.allclose(before[:, :70], after[:, :70], atol=1e-4)
    assert not torch.allclose(before[:, 70:], after[:, 70:], atol=1e-1)


def test_the_plan_file_is_a_plan_without_problems() -> None:
    import tomllib

    plan = load_plan(tomllib.loads((HARNESS / "autoresearch.toml").read_text().replace("{python}", "python")))

    assert isinstance(plan, Plan)
    assert problems(plan) == ()
    assert json.loads(plan.model_dump_json())["scope"] == ["train.py"]
