"""Where text comes from: what is kept back is kept back, and what is downloaded is what it should be."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pytest
import tiktoken
from pyarrow import parquet

import shards
import splits
from autoresearch_mcp.tools.project.harness import HARNESS
from documents import LONGEST
from files import Files
from shards import fetch
from sources import Library, open_source
from splits import Source, SourceError, Split
from tokenizer import Tokenizer

HELD_OUT = (Split.VALIDATION, Split.TEST)


def held(source: Source) -> dict[Split, list[str]]:
    return {split: list(source.documents(split)) for split in Split}


# --- The standard library --------------------------------------------------------------------------------------------


def words(seed: str, count: int = 60) -> str:
    return " ".join(hashlib.sha256(f"{seed}{place}".encode()).hexdigest()[:9] for place in range(count)) + "\n"


def library(folder: Path, **more: str) -> Library:
    files = {
        "alpha.py": words("alpha"),
        "beta/inner.py": words("beta"),
        "copy_of_alpha.py": words("alpha"),
        "short.py": "x = 1\n",
        "test/test_alpha.py": words("test"),
        "mailbox.py": words("mailbox"),
        "xmlrpc/client.py": words("xmlrpc"),
        "pydoc.py": words("pydoc"),
        **{f"{name}.py": text for name, text in more.items()},
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Library(folder)


def test_the_library_holds_each_module_once_without_tests_split_by_whole_modules(tmp_path: Path) -> None:
    assert held(library(tmp_path)) == {
        Split.TRAIN: [words("alpha"), words("beta")],
        Split.VALIDATION: [words("mailbox"), words("xmlrpc")],
        Split.TEST: [words("pydoc")],
    }


@pytest.mark.parametrize(("quoted", "stays"), [(9, True), (60, False)])
def test_a_module_that_quotes_a_held_out_one_is_left_out_of_training(tmp_path: Path, quoted: int, stays: bool) -> None:
    text = " ".join(words("mailbox").split()[:quoted]) + " " + words("own", 120 - quoted)
    source = library(tmp_path, quoting=text)

    assert (text in source.documents(Split.TRAIN)) is stays


def test_what_the_library_keeps_back_can_be_hidden(tmp_path: Path) -> None:
    source = library(tmp_path)
    compiled = tmp_path / "__pycache__" / "pydoc.cpython-311.pyc"
    compiled.parent.mkdir()
    compiled.write_bytes(b"")

    names = {str(file.relative_to(tmp_path)) for file in source.held_out_files()}

    assert names == {"mailbox.py", "xmlrpc", "pydoc.py", "__pycache__/pydoc.cpython-311.pyc"}


def test_the_digest_tells_libraries_apart(tmp_path: Path) -> None:
    kinds = [{}, {"gamma": words("gamma")}, {"bdb": words("gamma")}, {"cmd": words("gamma")}]
    digests = [library(tmp_path / str(place), **more).digest for place, more in enumerate(kinds)]

    assert len(set(digests)) == 4
    assert library(tmp_path / "0").digest == digests[0]


def test_of_the_real_library_no_training_text_repeats_a_held_out_module() -> None:
    source = open_source("stdlib", Path(), Path())
    whole = held(source)
    marks = splits.shingles([text for split in HELD_OUT for text in whole[split]])

    assert all(len(whole[split]) >= 10 for split in HELD_OUT)
    assert sum(map(len, whole[Split.TRAIN])) > 5_000_000
    assert max(splits.shared(text, marks) for text in whole[Split.TRAIN]) <= splits.MOST_SHARED


def test_what_a_source_holds_is_read_again_only_when_its_files_changed(tmp_path: Path) -> None:
    source = library(tmp_path)
    before = source.stamp
    assert library(tmp_path / "other").stamp != before
    assert Library(tmp_path).stamp != before  # another file lies there now

    (tmp_path / "alpha.py").write_text(words("changed"))

    assert Library(tmp_path).stamp not in {before, source.stamp}


# --- The user's files ------------------------------------------------------------------------------------------------

TEXTS = [words(f"document {place}") for place in range(100)]


def text_files(folder: Path) -> str:
    for place, text in enumerate(TEXTS):
        (folder / f"{place:03}.txt").write_text(text)
    return "files:."


def json_lines(folder: Path) -> str:
    (folder / "all.jsonl").write_text("".join(json.dumps({"text": text, "n": 1}) + "\n\n" for text in TEXTS))
    return "files:all.jsonl"


def zipped_lines(folder: Path) -> str:
    with gzip.open(folder / "all.jsonl.gz", "wt") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in TEXTS)
    return "files:*.gz"


def parquet_rows(folder: Path) -> str:
    for place in (0, 50):
        table = arrow.table({"id": list(range(50)), "text": TEXTS[place : place + 50]})
        parquet.write_table(table, folder / f"shard{place}.parquet")
    return "files:shard0.parquet, shard50.parquet"


@pytest.mark.parametrize("written", [text_files, json_lines, zipped_lines, parquet_rows], ids=lambda f: str(f.__name__))
def test_documents_land_in_the_same_split_however_they_are_stored(written: object, tmp_path: Path) -> None:
    source = open_source(written(tmp_path), tmp_path, tmp_path)  # type: ignore[operator]
    found = held(source)

    assert sorted(text for texts in found.values() for text in texts) == sorted(TEXTS)
    assert {split: len(texts) for split, texts in found.items()} == {
        Split.TRAIN: 90,
        Split.VALIDATION: 5,
        Split.TEST: 5,
    }
    ranked = sorted(TEXTS, key=lambda text: hashlib.sha256(text.encode()).digest())
    assert sorted(found[Split.VALIDATION]) == sorted(ranked[:5])


def test_a_text_that_stands_twice_counts_once_and_hidden_files_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("a/one.txt", "two.md", ".git/three.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(TEXTS[0])
    (tmp_path / "more.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS[1:9]))

    found = held(open_source("files:**/*", tmp_path, tmp_path))

    assert sorted(text for texts in found.values() for text in texts) == sorted(TEXTS[:9])


def test_a_long_text_is_cut_at_blank_lines_and_loses_nothing_but_them(tmp_path: Path) -> None:
    paragraphs = [words(f"paragraph {place}", 40) for place in range(300)]
    (tmp_path / "book.txt").write_text("\n\n".join(paragraphs))

    found = held(open_source("files:book.txt", tmp_path, tmp_path))
    pieces = [text for texts in found.values() for text in texts]

    assert all(found.values())
    assert max(map(len, pieces)) < LONGEST + 500
    assert sorted("".join(pieces).split()) == sorted("".join(paragraphs).split())


def written(columns: dict[str, list[Any]]) -> bytes:
    out = io.BytesIO()
    parquet.write_table(arrow.table(columns), out)
    return out.getvalue()


def torn(content: bytes) -> bytes:
    """The same with the first page overwritten."""
    return content[:4] + bytes(600) + content[604:]


@pytest.mark.parametrize(
    ("name", "content", "words_of_error"),
    [
        ("bad.jsonl", b'{"text": "fine"}\n{"words": 1}\n', "line 2"),
        ("bad.jsonl", b"no json\n", "line 1"),
        ("bad.parquet", b"PAR1 not really", "not parquet"),
        ("bad.txt", b"\xff\xfe\x00", "not UTF-8"),
        ("two.jsonl", b'{"text": "one"}\n{"text": "two"}\n', "three are needed"),
        ("half.jsonl", b'{"text": "a"}\n{"text": "\\ud800"}\n', "half.jsonl, line 2: .* whole characters"),
        ("deep.jsonl", b"[" * 100_000, "deep.jsonl, line 1"),
        ("latin.jsonl", b'{"text": "gr\xf6ber"}\n', "latin.jsonl, line 1"),
        ("list.jsonl", b'{"text": ["a"]}\n', "list.jsonl, line 1"),
        ("plain.jsonl.gz", b'{"text": "a"}\n', "plain.jsonl.gz is no whole gzip file"),
        (
            "cut.jsonl.gz",
            gzip.compress(b'{"text": "a"}\n' * 999, mtime=0)[:-9],
            "cut.jsonl.gz is no whole gzip file: .*again",
        ),
        ("bad.jsonl.gz", b"\x1f\x8b\x08" + bytes(7) + b"\xff" * 50, "bad.jsonl.gz is no whole gzip file"),
        ("empty.jsonl.gz", b"", "files:empty.jsonl.gz has 0 documents"),
        ("empty.jsonl", b"", "files:empty.jsonl has 0 documents"),
        ("empty.txt", b"", "files:empty.txt has 0 documents"),
        ("empty.parquet", b"", "empty.parquet is not parquet, or damaged: .*again"),
        ("cut.parquet", written({"text": TEXTS})[:-400], "cut.parquet is not parquet, or damaged"),
        ("torn.parquet", torn(written({"text": TEXTS})), "torn.parquet is not parquet, or damaged"),
        ("lists.parquet", written({"text": [["a"], ["b"]]}), "holds list<.*>, not strings"),
        ("numbers.parquet", written({"text": [1, 2]}), "holds int64, not strings"),
        ("bytes.parquet", written({"text": [b"\xff", b"a"]}), "holds binary, not strings"),
    ],
)
def test_unusable_files_are_named_with_the_reason(
    tmp_path: Path, name: str, content: bytes, words_of_error: str
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(SourceError, match=words_of_error) as refused:
        held(open_source(f"files:{name}", tmp_path, tmp_path))
    assert name in str(refused.value)


def test_dictionaries_of_strings_are_strings(tmp_path: Path) -> None:
    table = arrow.table({"text": arrow.array(TEXTS * 2).dictionary_encode()})
    parquet.write_table(table, tmp_path / "a.parquet")

    found = held(open_source("files:a.parquet", tmp_path, tmp_path))

    assert sorted(text for texts in found.values() for text in texts) == sorted(TEXTS)


def test_a_parquet_file_without_text_says_what_it_has(tmp_path: Path) -> None:
    parquet.write_table(arrow.table({"content": ["a"]}), tmp_path / "a.parquet")

    with pytest.raises(SourceError, match=r"no column `text`; it has content"):
        held(Files("files:a.parquet", ("a.parquet",), tmp_path))


@pytest.mark.parametrize(
    "spec", ["", "stdlib:3", "files:", "files:nothing/**/*.txt", "climbmix:0", "climbmix:x", "web"]
)
def test_what_is_no_source_is_refused_with_a_cure(tmp_path: Path, spec: str) -> None:
    with pytest.raises(SourceError, match=r"Use one of|Correct `data`|give the number"):
        list(open_source(spec, tmp_path, tmp_path).documents(Split.TRAIN))


# --- Downloads -------------------------------------------------------------------------------------------------------


class Hub(ThreadingHTTPServer):
    """A hub as the real one behaves: it tells the checksum in a redirect, and the file is elsewhere.

    `breaks` is how many answers end half way; `lies` changes what is sent; `ranges` are the ranges that were asked for.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.files: dict[str, bytes] = {}
        self.breaks = 0
        self.lies = False
        self.ranges: list[str | None] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        data = self.server.files.get(self.path.removeprefix("/elsewhere"))
        if data is None:
            self.send_error(404)
        elif self.path.startswith("/elsewhere"):
            self._send(data, with_body)
        else:
            self.send_response(302)
            self.send_header("Location", f"{self.server.address}/elsewhere{self.path}")
            self.send_header("X-Linked-ETag", f'"{hashlib.sha256(data).hexdigest()}"')
            self.send_header("X-Linked-Size", str(len(data)))
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _send(self, data: bytes, with_body: bool) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        body = bytes(len(data)) if self.server.lies else data
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        if with_body and self.server.breaks:
            self.server.breaks -= 1
            self.wfile.write(body[begin : (begin + len(data)) // 2])
            self.wfile.flush()
            self.connection.close()
        elif with_body:
            self.wfile.write(body[begin:])

    def log_message(self, format: str, *parts: object) -> None:
        return


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(shards, "PAUSE_S", 0.0)
    monkeypatch.setattr(shards, "USUAL", Path("/nothing/there"))
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", server.address)
        yield server
        server.shutdown()
        thread.join()


DATA = os.urandom(3_000_000)
SUM = hashlib.sha256(DATA).hexdigest()


def test_a_file_comes_whole_and_once(hub: Hub, tmp_path: Path) -> None:
    hub.files["/data"] = DATA

    sums = {fetch(f"{hub.address}/data", tmp_path / "data") for _ in range(2)}

    assert sums == {SUM}
    assert (tmp_path / "data").read_bytes() == DATA
    assert hub.ranges == [None]


def test_a_download_that_breaks_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    hub.files["/data"] = DATA
    hub.breaks = 2

    assert fetch(f"{hub.address}/data", tmp_path / "data") == SUM
    assert (tmp_path / "data").read_bytes() == DATA
    assert hub.ranges == [None, "bytes=1500000-", "bytes=2250000-"]


def test_another_process_goes_on_with_what_the_first_one_left(hub: Hub, tmp_path: Path) -> None:
    hub.files["/data"] = DATA
    hub.breaks = 99
    with pytest.raises(SourceError, match=r"cannot be had: .* is kept; run again"):
        fetch(f"{hub.address}/data", tmp_path / "data")
    assert not (tmp_path / "data").exists()
    hub.breaks, hub.ranges = 0, []

    code = f"import shards, pathlib; print(shards.fetch('{hub.address}/data', pathlib.Path('{tmp_path}/data')))"
    environment = {**os.environ, "PYTHONPATH": str(HARNESS)}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert said.stdout.strip() == SUM
    assert len(hub.ranges) == 1
    assert hub.ranges[0] is not None


def test_wrong_bytes_are_refused_and_deleted(hub: Hub, tmp_path: Path) -> None:
    hub.files["/data"] = DATA
    hub.lies = True
    with pytest.raises(SourceError, match="checksum"):
        fetch(f"{hub.address}/data", tmp_path / "data")
    assert not [path for path in tmp_path.iterdir() if path.stat().st_size]

    hub.lies = False
    assert fetch(f"{hub.address}/data", tmp_path / "data") == SUM


def test_a_file_that_was_changed_on_disk_is_not_believed(hub: Hub, tmp_path: Path) -> None:
    hub.files["/data"] = DATA
    fetch(f"{hub.address}/data", tmp_path / "data")
    (tmp_path / "data").write_bytes(b"something else")

    assert fetch(f"{hub.address}/data", tmp_path / "data") == SUM
    assert (tmp_path / "data").read_bytes() == DATA


def test_what_the_hub_does_not_have_is_not_asked_for_twice(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="404"):
        fetch(f"{hub.address}/nothing", tmp_path / "nothing")


def test_two_processes_end_with_one_whole_file(hub: Hub, tmp_path: Path) -> None:
    hub.files["/data"] = DATA
    code = f"import shards, pathlib; print(shards.fetch('{hub.address}/data', pathlib.Path('{tmp_path}/data')))"
    environment = {**os.environ, "PYTHONPATH": str(HARNESS)}
    both = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0].strip() for process in both]

    assert said == [SUM, SUM]
    assert (tmp_path / "data").read_bytes() == DATA
    assert len(hub.ranges) == 1


def test_climbmix_takes_its_shards_by_split(hub: Hub, tmp_path: Path) -> None:
    for name, part in PINNED_SHARDS.items():
        hub.files[f"/datasets/{shards.CLIMBMIX}/resolve/main/{name}"] = shard(tmp_path / name, part).read_bytes()

    source = open_source("climbmix:2", tmp_path, tmp_path / "cache")

    assert held(source) == AS_PINNED
    assert [file.name for file in source.held_out_files()] == ["shard_06542.parquet"]
    assert source.digest != open_source("climbmix:1", tmp_path, tmp_path / "cache").digest


PINNED_SHARDS = {
    "shard_00000.parquet": TEXTS[:40],
    "shard_00001.parquet": TEXTS[40:60],
    "shard_06542.parquet": TEXTS[60:],
}
AS_PINNED = {
    Split.TRAIN: TEXTS[:60],
    Split.VALIDATION: [text for place, text in enumerate(TEXTS[60:]) if place % 8 != 7],
    Split.TEST: TEXTS[67::8],
}


def shard(file: Path, texts: list[str]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(arrow.table({"text": texts}), file)
    return file


def test_shards_that_lie_where_autoresearch_keeps_them_are_not_downloaded_again(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "USUAL", tmp_path / "usual")
    for name, part in PINNED_SHARDS.items():
        shard(tmp_path / "usual/data" / name, part)

    source = open_source("climbmix:2", tmp_path, tmp_path / "cache")

    assert held(source) == AS_PINNED
    assert source.held_out_files() == (tmp_path / "usual/data/shard_06542.parquet",)
    assert hub.ranges == []
    before = source.digest
    shard(tmp_path / "usual/data/shard_00001.parquet", TEXTS[41:60])
    assert open_source("climbmix:2", tmp_path, tmp_path / "cache").digest != before


@pytest.mark.parametrize("globs", ["usual/*.parquet", "usual/shard_06542.parquet, more.jsonl, usual"])
def test_files_never_train_on_the_pinned_shard(tmp_path: Path, globs: str) -> None:
    for name, part in PINNED_SHARDS.items():
        shard(tmp_path / "usual" / name, part)
    copied = [{"text": text} for text in TEXTS[60:70]]
    (tmp_path / "more.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in copied))

    found = held(open_source(f"files:{globs}", tmp_path, tmp_path))

    assert all(sorted(found[split]) == sorted(AS_PINNED[split]) for split in HELD_OUT)
    assert set(found[Split.TRAIN]) < set(AS_PINNED[Split.TRAIN])  # some quote the pinned ones
    assert len(found[Split.TRAIN]) > 50


# --- A tokenizer that comes with the text ----------------------------------------------------------------------------


def pickled(file: Path, held: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps(held))
    return file


def encoding() -> tiktoken.Encoding:
    """As his `prepare.py` makes one: bytes, merges, four reserved tokens."""
    ranks = {bytes([value]): value for value in range(256)} | {b"th": 256, b"the": 257, b" the": 258}
    reserved = {f"<|reserved_{place}|>": 259 + place for place in range(4)}
    pattern = r"""\p{N}{1,2}| ?[^\s\p{L}\p{N}]++[\r\n]*|[^\r\n\p{L}\p{N}]?+\p{L}+|\s+"""
    return tiktoken.Encoding("rustbpe", pat_str=pattern, mergeable_ranks=ranks, special_tokens=reserved)


def test_the_tokenizer_of_autoresearch_is_read_and_means_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "USUAL", tmp_path)
    source = open_source("climbmix:1", tmp_path, tmp_path / "cache")
    assert source.tokenizer(263) is None
    theirs = encoding()
    pickled(tmp_path / "tokenizer/tokenizer.pkl", theirs)

    ours = source.tokenizer(263)

    assert ours is not None
    assert (ours.size, ours.start) == (theirs.n_vocab, theirs.encode_single_token("<|reserved_0|>"))
    text = " the theme, 2024\n größer"
    for read in (ours, Tokenizer.load(ours.dump())):
        assert read.encoding.encode_ordinary(text) == theirs.encode_ordinary(text)
        assert read.byte_lengths.tolist() == [1] * 256 + [2, 3, 4] + [0] * 4
    assert source.tokenizer(300) is None


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize("held", [Bomb(), {"name": Bomb()}, 5, [1], "text"])
def test_a_pickle_that_is_no_tokenizer_runs_nothing_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: object
) -> None:
    monkeypatch.setattr(shards, "USUAL", tmp_path)
    monkeypatch.chdir(tmp_path)
    file = pickled(tmp_path / "tokenizer/tokenizer.pkl", held)

    with pytest.raises(SourceError, match=f"{file} is no tokenizer: "):
        open_source("climbmix:1", tmp_path, tmp_path / "cache").tokenizer(8192)

    assert not (tmp_path / "exploded").exists()


def test_tinystories_are_split_at_their_marks_and_those_kept_back_in_turn(hub: Hub, tmp_path: Path) -> None:
    for name, part in (("train", TEXTS[:5]), ("valid", TEXTS[5:10])):
        text = "\n<|endoftext|>\n".join(part).encode()
        hub.files[f"/datasets/{shards.STORIES}/resolve/main/TinyStoriesV2-GPT4-{name}.txt"] = text

    found = held(open_source("tinystories", tmp_path, tmp_path / "cache"))

    stripped = [text.strip() for text in TEXTS]
    assert found[Split.TRAIN] == stripped[:5]
    assert found[Split.VALIDATION] == stripped[5:10:2]
    assert found[Split.TEST] == stripped[6:10:2]
