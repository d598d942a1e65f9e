"""Published data sets, shard by shard: downloads that go on where they broke off, and that are what they should be."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from documents import of_parquet
from files import PINNED, split_of_pinned
from splits import SourceError, Split
from tokenizer import Tokenizer, UnknownTokenizer, read_pickled

HUB = "https://huggingface.co"
CLIMBMIX, STORIES = "karpathy/climbmix-400b-shuffle", "roneneldan/TinyStories"
LAST_SHARD = 6542
"""Of ClimbMix: for the score, as in Karpathy's autoresearch; some of its documents are the secret text."""
USUAL = Path("~/.cache/autoresearch")
"""Where his autoresearch keeps shards and tokenizer."""
DEFAULT_SHARDS = 10
END_OF_STORY = "<|endoftext|>"
TRIES, PAUSE_S, PATIENCE_S = 6, 0.5, 30.0
_CHUNK = 1 << 20

Found = TypeVar("Found")
Reader = Callable[[Path], Iterator[str]]


@dataclass(frozen=True)
class Shards:
    """A data set on the hub. `names` has the files of each split; `share` which documents of a file are a split's."""

    spec: str
    dataset: str
    names: dict[Split, tuple[str, ...]]
    folder: Path
    read: Reader
    share: Callable[[Split, int], bool]
    usual: Path | None = None
    """Where the same files may lie already, and a tokenizer."""

    def documents(self, split: Split) -> Iterator[str]:
        """The documents of a split, file by file; what is missing is downloaded."""
        for name in self.names[split]:
            for place, text in enumerate(self.read(self._have(name)[0])):
                if self.share(split, place):
                    yield text

    @cached_property
    def _all_names(self) -> tuple[str, ...]:
        return tuple(sorted({name for names in self.names.values() for name in names}))

    @property
    def digest(self) -> str:
        """Over the names and checksums of the files, which are downloaded for it where they are not there."""
        sums = [f"{name} {self._have(name)[1]}" for name in self._all_names]
        if (pickled := self._pickled()) is not None:
            sums.append(f"{pickled.name} {_sum(pickled)}")
        return hashlib.sha256("\n".join(sums).encode()).hexdigest()

    def tokenizer(self, size: int) -> Tokenizer | None:
        """The one that lies where the files may lie already, if it has so many tokens.

        Raises:
            SourceError: if it cannot be read.
        """
        if (pickled := self._pickled()) is None:
            return None
        try:
            found = read_pickled(pickled)
        except UnknownTokenizer as error:
            raise SourceError(f"{pickled} is no tokenizer: {error}. Delete it, or make it again.") from None
        return found if found.size == size else None

    @property
    def stamp(self) -> str:
        """The digest itself: the checksums were noted when the files came."""
        return self.digest

    def held_out_files(self) -> tuple[Path, ...]:
        """The files of the score and the secret one."""
        names = {name for split in (Split.VALIDATION, Split.TEST) for name in self.names[split]}
        return tuple(self._have(name)[0] for name in sorted(names))

    def _have(self, name: str) -> tuple[Path, str]:
        """A file and its SHA-256: the one that is there, else downloaded."""
        there = self.usual / "data" / name if self.usual else None
        if there and there.is_file():
            if not (found := _noted(there, self.folder)):
                found = _sum(there)
                _note(there, found, self.folder)
            return there, found
        return self.folder / name, fetch(address(self.dataset, name), self.folder / name)

    def _pickled(self) -> Path | None:
        file = self.usual / "tokenizer" / "tokenizer.pkl" if self.usual else None
        return file if file and file.is_file() else None


def climbmix(count: str, cache: Path) -> Shards:
    """So many training shards of ClimbMix.

    Raises:
        SourceError: if the count is none.
    """
    if count and not (count.isdecimal() and 1 <= int(count) < LAST_SHARD):
        raise SourceError(f"climbmix:{count}: give the number of training shards, 1 to {LAST_SHARD - 1}.")
    names = {
        Split.TRAIN: tuple(f"shard_{place:05}.parquet" for place in range(int(count or DEFAULT_SHARDS))),
        Split.VALIDATION: (PINNED,),
        Split.TEST: (PINNED,),
    }
    spec, folder = f"climbmix:{count or DEFAULT_SHARDS}", cache / "climbmix"
    return Shards(spec, CLIMBMIX, names, folder, of_parquet, _as_pinned, USUAL.expanduser())


def _as_pinned(split: Split, place: int) -> bool:
    return split is Split.TRAIN or split is split_of_pinned(place)


def tinystories(cache: Path) -> Shards:
    """The stories of the second version; those kept back are for the score and secret in turn."""
    valid = ("TinyStoriesV2-GPT4-valid.txt",)
    names: dict[Split, tuple[str, ...]] = {
        Split.TRAIN: ("TinyStoriesV2-GPT4-train.txt",),
        Split.VALIDATION: valid,
        Split.TEST: valid,
    }
    return Shards("tinystories", STORIES, names, cache / "tinystories", _stories, _in_turn)


def _in_turn(split: Split, place: int) -> bool:
    return split is Split.TRAIN or (place % 2 == 0) is (split is Split.VALIDATION)


def _stories(file: Path) -> Iterator[str]:
    story: list[str] = []
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip() == END_OF_STORY:
                yield "".join(story).strip()
                story = []
            else:
                story.append(line)
    if "".join(story).strip():
        yield "".join(story).strip()


# --- Downloads -------------------------------------------------------------------------------------------------------


def address(dataset: str, name: str) -> str:
    """Where a file of a data set is; HF_ENDPOINT names another hub."""
    return f"{os.environ.get('HF_ENDPOINT', '') or HUB}/datasets/{dataset}/resolve/main/{name}"


@dataclass(frozen=True)
class Offer:
    """What a server says of a file: its SHA-256, if it tells, and its size in bytes."""

    sha256: str
    size: int


def fetch(url: str, file: Path) -> str:
    """Have a file: whole, with the checksum that the server names. Returns its SHA-256.

    A download that broke off goes on where it stopped, also in another process; two processes take turns.

    Raises:
        SourceError: if it cannot be had, or is not what it should be.
    """
    if known := _noted(file):
        return known
    file.parent.mkdir(parents=True, exist_ok=True)
    with _alone(file.with_name(f"{file.name}.lock")):
        if known := _noted(file):
            return known
        offer = _trying(url, lambda: _offered(url))
        part = file.with_name(f"{file.name}.{offer.sha256[:16] or 'unchecked'}.part")
        _trying(url, lambda: _go_on(url, part, offer.size))
        found = _sum(part)
        if offer.sha256 and found != offer.sha256:
            part.unlink()
            raise SourceError(
                f"{url} came with the checksum {found[:16]}… instead of {offer.sha256[:16]}…; it was deleted. Try again."
            )
        part.replace(file)
        _note(file, found)
        return found


def _trying(url: str, attempt: Callable[[], Found]) -> Found:
    """Try several times, as connections break."""
    for tries in range(1, TRIES + 1):
        try:
            return attempt()
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:
                raise SourceError(
                    f"{url}: {error.code} {error.reason}. Check `data` in gpt.toml, or HF_ENDPOINT."
                ) from error
            problem: Exception = error
        except (OSError, http.client.HTTPException) as error:
            problem = error
        if tries < TRIES:
            time.sleep(PAUSE_S * tries)
    raise SourceError(
        f"{url} cannot be had: {problem}. What came so far is kept; run again to go on, or use other data."
    )


class _Stay(urllib.request.HTTPRedirectHandler):
    """The hub tells the checksum in the answer that sends one elsewhere."""

    def redirect_request(self, *given: object) -> None:
        return None


def _offered(url: str) -> Offer:
    request = urllib.request.Request(url, method="HEAD", headers={"Accept-Encoding": "identity"})
    try:
        answer = urllib.request.build_opener(_Stay).open(request, timeout=PATIENCE_S)
        headers = answer.headers
        answer.close()
    except urllib.error.HTTPError as error:
        if error.code not in {301, 302, 303, 307, 308}:
            raise
        headers = error.headers
        error.close()
    tag = (headers.get("X-Linked-ETag") or headers.get("ETag") or "").removeprefix("W/").strip('"').lower()
    sha256 = tag if len(tag) == 64 and all(letter in "0123456789abcdef" for letter in tag) else ""
    return Offer(sha256, int(headers.get("X-Linked-Size") or headers.get("Content-Length") or 0))


def _go_on(url: str, part: Path, size: int) -> None:
    """Append what is missing."""
    have = part.stat().st_size if part.exists() else 0
    if size and have >= size:
        return
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer, part.open("ab") as out:
        if answer.status != http.client.PARTIAL_CONTENT:
            out.truncate(0)
        while chunk := answer.read(_CHUNK):
            out.write(chunk)
    if size and part.stat().st_size < size:
        raise http.client.IncompleteRead(b"", size - part.stat().st_size)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def _sum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _noted(file: Path, folder: Path | None = None) -> str:
    """The checksum that was verified when the file came, if it has not changed since; empty otherwise."""
    try:
        size, changed, found = _place(file, folder).read_text().split()
        status = file.stat()
    except (OSError, ValueError):
        return ""
    return found if (size, changed) == (str(status.st_size), str(status.st_mtime_ns)) else ""


def _note(file: Path, found: str, folder: Path | None = None) -> None:
    place, status = _place(file, folder), file.stat()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"{status.st_size} {status.st_mtime_ns} {found}")


def _place(file: Path, folder: Path | None) -> Path:
    return (folder or file.parent) / f"{file.name}.sum"
