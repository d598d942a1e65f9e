"""Text becomes rows of tokens on disk, once, before any training. Fixed: an experiment never edits this file.

`python prepare.py`, in a folder with a `gpt.toml`, builds the cache and says what is in it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from rows import Bigrams, pack
from sources import open_source
from spec import Spec, SpecError, read_spec
from splits import Source, SourceError, Split
from tokenizer import SPLIT, Tokenizer, learn

FORMAT = "4"
"""Part of the cache key: raise it when the files below change their meaning."""
CANARIES = 16
"""Rows of random tokens among the validation rows. No honest model can know them."""
MOST_EARLIER = 5
"""Runs that tell how hard each held-out row is for a model."""
AT_A_TIME = 64
WEIGHED_AT_A_TIME = 100_000
LEARN_BIGRAMS_FROM = 4_000_000
"""Tokens: of documents that are encoded together at most, of rows that are weighed together, and that pairs are counted in."""

Rows = NDArray[np.uint16]
"""Token ids [rows, sequence length + 1]: the last token of a row is only ever a target."""


@dataclass(frozen=True)
class Data:
    """A finished cache folder. Only who judges may open it: it has the text that an experiment must not see."""

    folder: Path
    tokenizer: Tokenizer
    train: Rows
    validation: Rows
    test: Rows
    canaries: tuple[int, ...]
    digest: str
    source: str

    def difficulty(self, split: Split) -> NDArray[np.float64]:
        """How hard each row of a held-out text is, [rows, 3], by simple models."""
        found: NDArray[np.float64] = np.load(self.folder / f"{split}-difficulty.npy")
        return found

    def earlier(self, tokens: int, rows: int) -> NDArray[np.float64]:
        """What the rows of an evaluation cost the first runs that passed every check, [runs, rows], in nats."""
        with contextlib.suppress(OSError, ValueError, EOFError):
            found: NDArray[np.float64] = np.load(self._costs(tokens))
            if found.shape[1:] == (rows,):
                return found
        return np.empty((0, rows))

    def remember(self, tokens: int, costs: NDArray[np.float64]) -> None:
        """Note what the rows of an evaluation cost a run that passed every check, if only a few are noted."""
        with _locked(self.folder):
            earlier = self.earlier(tokens, len(costs))
            if len(earlier) < MOST_EARLIER:
                draft = self._costs(tokens).with_suffix(".draft.npy")
                np.save(draft, np.vstack([earlier, costs]))
                draft.chmod(0o600)
                draft.replace(self._costs(tokens))

    def _costs(self, tokens: int) -> Path:
        return self.folder / f"costs-{tokens}.npy"


def prepare(spec: Spec, root: Path) -> Data:
    """The data of a spec; built on first use, a minute or so for the default.

    Raises:
        SourceError: if the text cannot be had.
    """
    cache = cache_home()
    source = open_source(spec.data, root, cache / "downloads")
    parts = (FORMAT, _digest_of(source, cache), str(spec.vocabulary), str(spec.sequence_length), SPLIT)
    folder = cache / hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]
    if not whole(folder):
        with _locked(folder):
            if not whole(folder):
                _build(source, spec, folder)
    return open_cache(folder)


def _digest_of(source: Source, cache: Path) -> str:
    """The digest of a source, remembered for as long as its files look the same: to read them takes seconds."""
    noted = cache / "stamps" / hashlib.sha256(f"{FORMAT} {source.spec} {source.stamp}".encode()).hexdigest()
    if noted.exists():
        return noted.read_text()
    noted.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = noted.with_suffix(f".{os.getpid()}")
    draft.write_text(source.digest)
    draft.replace(noted)
    return source.digest


def open_cache(folder: Path) -> Data:
    """Open a finished folder.

    Raises:
        SourceError: if a file that the score rests on is not what was written.
    """
    done = json.loads((folder / "done.json").read_text())
    for name, digest in done["digests"].items():
        if digest != _digest(folder / name):
            raise SourceError(f"{folder / name} was changed after it was made. Delete {folder} and run again.")
    width = done["sequence_length"] + 1
    train, validation, test = (_rows(folder, split, width) for split in Split)
    tokenizer = Tokenizer.load((folder / "tokenizer.json").read_text())
    digest = hashlib.sha256(json.dumps(done, sort_keys=True).encode()).hexdigest()
    return Data(folder, tokenizer, train, validation, test, tuple(done["canaries"]), digest, done["source"])


def _rows(folder: Path, split: Split, width: int) -> Rows:
    return np.memmap(folder / f"{split}.bin", np.uint16, "r").reshape(-1, width)


def cache_home() -> Path:
    """AUTORESEARCH_CACHE, else the user's cache folder."""
    named = os.environ.get("AUTORESEARCH_CACHE", "")
    cache = os.environ.get("XDG_CACHE_HOME", "") or "~/.cache"
    return Path(named or f"{cache}/autoresearch-mcp").expanduser() / "gpt"


def whole(folder: Path) -> bool:
    """Whether every file has the size that was noted when the folder was finished."""
    try:
        sizes = json.loads((folder / "done.json").read_text())["sizes"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError):
        return False


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process builds, others wait; a death frees the lock."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(source: Source, spec: Spec, folder: Path) -> None:
    """Write beside, then rename: whoever reads sees a whole folder or none."""
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=folder.parent))
    try:
        _write(source, spec, draft)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write(source: Source, spec: Spec, folder: Path) -> None:
    tokenizer = source.tokenizer(spec.vocabulary) or learn(source.documents(Split.TRAIN), spec.vocabulary)
    (folder / "tokenizer.json").write_text(tokenizer.dump())
    canaries: tuple[int, ...] = ()
    for split in Split:
        rows = pack(_encoded(tokenizer, source.documents(split)), tokenizer.start, spec.sequence_length)
        count = _append(folder / f"{split}.bin", rows)
        if count and split is Split.VALIDATION:
            canaries = _strew_canaries(folder / f"{split}.bin", count, spec.sequence_length + 1, tokenizer)
        if count < (1 if split is Split.TRAIN else CANARIES):
            raise SourceError(
                f"{source.spec} has too little text for {split}: {count} rows. Give more or longer files."
            )
    _weigh(folder, tokenizer, spec.sequence_length + 1)
    small = [file for file in folder.iterdir() if file.name != "train.bin"]
    done = {
        "source": source.spec,
        "text": source.digest,
        "sequence_length": spec.sequence_length,
        "canaries": canaries,
        "sizes": {file.name: file.stat().st_size for file in folder.iterdir()},
        "digests": {file.name: _digest(file) for file in sorted(small)},
    }
    (folder / "done.json").write_text(json.dumps(done))


def _encoded(tokenizer: Tokenizer, documents: Iterable[str]) -> Iterator[list[int]]:
    texts = iter(documents)
    while some := list(islice(texts, AT_A_TIME)):
        yield from tokenizer.encoding.encode_ordinary_batch(some, num_threads=os.cpu_count() or 1)


def _strew_canaries(file: Path, rows: int, width: int, tokenizer: Tokenizer) -> tuple[int, ...]:
    """Strew random rows into a file of rows, and say where they are. Secret: drawn anew for each cache."""
    generator = np.random.default_rng(secrets.randbits(128))
    places = np.sort(generator.choice(rows + CANARIES, CANARIES, replace=False))
    canaries = random_rows(CANARIES, width, tokenizer, generator)
    ordinary = file.rename(file.with_suffix(".draft"))
    with ordinary.open("rb") as whole:
        _append(file, _strewn(whole, places, canaries))
    ordinary.unlink()
    return tuple(map(int, places))


def _strewn(whole: BinaryIO, places: NDArray[np.int64], canaries: Rows) -> Iterator[Rows]:
    width, before = canaries.shape[1], 0
    for place, canary in zip(places, canaries, strict=True):
        for _ in range(place - before):
            yield np.frombuffer(whole.read(2 * width), np.uint16)
        yield canary
        before = place + 1
    while row := whole.read(2 * width):
        yield np.frombuffer(row, np.uint16)


def random_rows(count: int, width: int, tokenizer: Tokenizer, generator: np.random.Generator) -> Rows:
    """Rows that say nothing: a start, then tokens drawn evenly."""
    rows = generator.integers(0, tokenizer.start, (count, width)).astype(np.uint16)
    rows[:, 0] = tokenizer.start
    return rows


def _append(file: Path, rows: Iterable[Rows]) -> int:
    count = 0
    with file.open("wb") as out:
        for row in rows:
            out.write(row.tobytes())
            count += 1
    file.chmod(0o600)
    return count


def _weigh(folder: Path, tokenizer: Tokenizer, width: int) -> None:
    """Note how hard the held-out rows are in themselves."""
    train, validation, test = (_rows(folder, split, width) for split in Split)
    bigrams = Bigrams.learn(train[: LEARN_BIGRAMS_FROM // width], tokenizer.size)
    step = max(1, WEIGHED_AT_A_TIME // width)
    for split, rows in ((Split.VALIDATION, validation), (Split.TEST, test)):
        parts = [rows[begin : begin + step] for begin in range(0, len(rows), step)]
        hard = np.concatenate([bigrams.difficulty(part, tokenizer.byte_lengths) for part in parts])
        np.save(folder / f"{split}-difficulty.npy", hard)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def main() -> None:
    """Build the cache and say what is in it."""
    try:
        data = prepare(read_spec(Path.cwd()), Path.cwd())
    except (SpecError, SourceError) as error:
        sys.exit(str(error))
    for split, rows in zip(Split, (data.train, data.validation, data.test), strict=True):
        print(f"{split}: {len(rows)} rows, {rows[:, 1:].size} tokens")
    print(f"data: {data.digest[:16]}, from {data.source}, in {data.folder}")


if __name__ == "__main__":
    main()
