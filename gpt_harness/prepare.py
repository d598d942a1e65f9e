"""Data for the experiment: text, tokenizer, packed tokens, and the budget. Fixed: an experiment never edits this file.

The text is the standard library of the Python that runs this, so nothing is downloaded. Numbers from different Python
builds must not be compared; the corpus digest tells them apart. `python prepare.py` builds the cache and describes it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import tiktoken
from numpy.typing import NDArray

SEQUENCE_LENGTH = 128  # tokens of context
VOCABULARY = 1024  # tokens the tokenizer knows
TOKEN_BUDGET = 400_000  # training tokens a run may see; fixed, so that every run is compared at equal cost
FORMAT = "1"  # part of the cache key: raise it when the files below change their meaning

# Held out by whole modules, chosen so that hardly any other module quotes them. RESERVE stays unused for now.
VALIDATION = frozenset(
    "mailbox optparse imaplib ftplib smtplib plistlib turtle xmlrpc bdb trace fileinput sched tabnanny".split()
)
RESERVE = frozenset(
    "pydoc wsgiref pdb zoneinfo socketserver webbrowser venv compileall modulefinder poplib cmd getopt filecmp shelve "
    "pyclbr code".split()
)
LEFT_OUT = frozenset("test tests idlelib turtledemo lib2to3 encodings pydoc_data site-packages __pycache__".split())
SHORTEST = 200  # characters; shorter files are mostly empty packages

# Words with a leading space, runs of digits up to two, punctuation, and white space: the usual pre-split of BPE.
_SPLIT = r" ?\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


@dataclass(frozen=True)
class Corpus:
    """Texts by split, in a fixed order."""

    train: tuple[str, ...]
    validation: tuple[str, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over every text, in order, split by split."""
        whole = hashlib.sha256()
        for text in (*self.train, "\0", *self.validation):
            whole.update(hashlib.sha256(text.encode()).digest())
        return whole.hexdigest()


@dataclass(frozen=True)
class Data:
    """What a run works with. Tokens are uint16 arrays mapped from disk."""

    train: NDArray[np.uint16]
    validation: NDArray[np.uint16]
    tokenizer: tiktoken.Encoding
    token_bytes: NDArray[np.int64]
    digest: str


def load() -> Data:
    """The prepared data; built on first use, a minute at most."""
    return open_cache(_ready(read_corpus(Path(sysconfig.get_paths()["stdlib"]))))


def batches(data: Data, rows: int) -> Iterator[NDArray[np.int64]]:
    """Training windows, int64 of shape [rows, SEQUENCE_LENGTH + 1], until the token budget is spent.

    The order is fixed: windows of the training text drawn by a generator with a constant seed, so that runs differ by
    what the experiment changed and by nothing else.
    """
    generator = np.random.default_rng(20)
    offsets = np.arange(SEQUENCE_LENGTH + 1)
    for _ in range(TOKEN_BUDGET // (rows * SEQUENCE_LENGTH)):
        starts = generator.integers(0, len(data.train) - SEQUENCE_LENGTH - 1, rows)
        yield data.train[starts[:, None] + offsets].astype(np.int64)


def steps(rows: int) -> int:
    """How many batches of `rows` windows the budget allows."""
    return TOKEN_BUDGET // (rows * SEQUENCE_LENGTH)


def read_corpus(library: Path) -> Corpus:
    """Every module of a library folder, split by module, each text once."""
    train, validation, seen = [], [], set()
    for file in sorted(library.rglob("*.py")):
        parts = file.relative_to(library).parts
        text = file.read_text(encoding="utf-8", errors="ignore")
        mark = hashlib.sha256(text.encode()).digest()
        if LEFT_OUT & set(parts) or len(text) < SHORTEST or mark in seen:
            continue
        seen.add(mark)
        module = parts[0].removesuffix(".py")
        if module in VALIDATION:
            validation.append(text)
        elif module not in RESERVE:
            train.append(text)
    return Corpus(tuple(train), tuple(validation))


def train_tokenizer(texts: tuple[str, ...], size: int = VOCABULARY) -> dict[bytes, int]:
    """Byte-pair ranks of `size` tokens: the 256 bytes, then merges in the order in which they were learnt."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    learner = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(_SPLIT), "isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    learner.pre_tokenizer = pre_tokenizers.Sequence([split, to_bytes])
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learner.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    )
    byte_of = _byte_of_character()
    learnt = [token for token, _ in sorted(learner.get_vocab().items(), key=lambda item: item[1]) if len(token) > 1]
    merges = [bytes(byte_of[character] for character in token) for token in learnt]
    tokens = [bytes([value]) for value in range(256)] + merges
    return {token: rank for rank, token in enumerate(tokens)}


def _byte_of_character() -> dict[str, int]:
    """The printable stand-ins of byte-level BPE, as GPT-2 introduced them: bytes that print stand for themselves."""
    printing = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [value for value in range(256) if value not in set(printing)]
    return {chr(value): value for value in printing} | {chr(256 + place): value for place, value in enumerate(others)}


def encoding(ranks: dict[bytes, int]) -> tiktoken.Encoding:
    """The ranks as a tiktoken encoding without special tokens."""
    return tiktoken.Encoding("stdlib", pat_str=_SPLIT, mergeable_ranks=ranks, special_tokens={})


def open_cache(folder: Path) -> Data:
    """Open a finished cache folder."""
    ranks = {base64.b64decode(token): rank for token, rank in json.loads((folder / "ranks.json").read_text()).items()}
    lengths = np.zeros(len(ranks), dtype=np.int64)
    for token, rank in ranks.items():
        lengths[rank] = len(token)
    train, validation = (_tokens(folder / f"{split}.bin") for split in ("train", "validation"))
    return Data(train, validation, encoding(ranks), lengths, json.loads((folder / "done.json").read_text())["corpus"])


def _tokens(file: Path) -> NDArray[np.uint16]:
    return np.memmap(file, dtype=np.uint16, mode="r")


def cache_home() -> Path:
    """AUTORESEARCH_CACHE, else the user's cache folder."""
    named = os.environ.get("AUTORESEARCH_CACHE", "")
    cache = os.environ.get("XDG_CACHE_HOME", "") or "~/.cache"
    return Path(named or f"{cache}/autoresearch-mcp").expanduser() / "gpt"


def _ready(corpus: Corpus) -> Path:
    """The cache folder of a corpus, built if it is not there, or not whole."""
    key = hashlib.sha256(f"{FORMAT} {corpus.digest} {VOCABULARY} {_SPLIT}".encode()).hexdigest()[:16]
    folder = cache_home() / key
    if not _whole(folder):
        _build(corpus, folder)
    return folder


def _whole(folder: Path) -> bool:
    """Whether every file has the size that was noted when the folder was finished."""
    try:
        sizes = json.loads((folder / "done.json").read_text())["sizes"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError):
        return False


def _build(corpus: Corpus, folder: Path) -> None:
    """Write beside, then rename: another process sees a whole folder or none, and whoever comes second changes nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=folder.parent))
    try:
        _write(corpus, draft)
        if folder.exists() and not _whole(folder):
            shutil.rmtree(folder)
        if not folder.exists():
            draft.rename(folder)
    except OSError:
        if not _whole(folder):
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write(corpus: Corpus, folder: Path) -> None:
    ranks = train_tokenizer(corpus.train)
    words = {base64.b64encode(token).decode(): rank for token, rank in ranks.items()}
    (folder / "ranks.json").write_text(json.dumps(words))
    coder = encoding(ranks)
    for split in ("train", "validation"):
        tokens = [token for text in coder.encode_ordinary_batch(list(getattr(corpus, split))) for token in text]
        np.array(tokens, dtype=np.uint16).tofile(folder / f"{split}.bin")
    sizes = {file.name: file.stat().st_size for file in folder.iterdir()}
    (folder / "done.json").write_text(json.dumps({"corpus": corpus.digest, "sizes": sizes}))


def main() -> None:
    """Build the cache and say what is in it."""
    data = load()
    for name, tokens in (("train", data.train), ("validation", data.validation)):
        size = int(data.token_bytes[tokens].sum())
        print(f"{name}: {len(tokens)} tokens, {size} bytes, {size / len(tokens):.2f} bytes a token")
    print(f"corpus: {data.digest[:16]}")
    print(f"budget: {TOKEN_BUDGET} tokens a run; cache: {cache_home()}")


if __name__ == "__main__":
    main()
