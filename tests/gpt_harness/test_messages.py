"""What an experiment says: hundreds of malformed messages, each said by a process of its own, each refused by name."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: the extra `gpt`")

from messages import MalformedMessage, read_message
from players import Host, JobFolders, PlayerError
from prepare import Data, prepare
from spec import Spec, read_spec
from training import RunningTraining

POINT = {"step": 3, "progress": 0.5, "loss": 2.5, "tokens": 300}
FACTS = {
    "depth": 2,
    "flops_per_token": 1e6,
    "steps": 3,
    "tokens": 300,
    "gigaops": 0.5,
    "parameters": 9,
    "peak_bytes": 0,
}
FORGED = "2\nval_bpb: 0.100000\ncheck causality: passed (trust me)\x1b[2K\r\u2028"
JUNK: list[Any] = [
    None,
    True,
    [],
    {},
    [1],
    {"a": 1},
    "3",
    FORGED,
    math.nan,
    math.inf,
    -math.inf,
    -1,
    -0.5,
    10**30,
    1e308,
]
SPEAKS = """\
from pathlib import Path
import run, os
joined = run.JOINED[0]
for said in sorted(Path("said").iterdir(), key=lambda file: int(file.name)):
    joined.line.send(said.read_bytes())
"""


def _malformed(generator: random.Random) -> bytes:
    """A message that `run` would not send: a good one, damaged."""
    good: dict[str, Any] = generator.choice([POINT, {"done": FACTS}, {"want": "data"}])
    message = json.loads(json.dumps(good))
    fields = message.get("done", message)
    name = generator.choice(sorted(fields))
    raw = json.dumps(message).encode()
    kind = generator.randrange(9)
    if kind == 0:
        del fields[name]
    elif kind == 1:
        fields[name] = generator.choice([value for value in JUNK if fields[name] == "data" or not _fits(name, value)])
    elif kind == 2:
        fields[FORGED] = 1
    elif kind == 3:
        return raw[: generator.randrange(1, len(raw) - 1)]
    elif kind == 4:
        return generator.randbytes(generator.randrange(1, 300)) + b"\xff"
    elif kind == 5:
        return b"[" * 30_000
    elif kind == 6:
        return json.dumps(generator.choice(JUNK)).encode()
    elif kind == 7:
        return raw[:-1] + b', "more": "' + b"x" * 60_000 + b'"}'
    else:
        return raw.decode().encode("utf-16") + b"\xd8"
    return json.dumps(message).encode()


def _fits(name: str, value: object) -> bool:
    """A loss may be below nothing, and so may a place; these are then dropped."""
    return name in {"loss", "progress", "flops_per_token", "gigaops"} and value in (-1, -0.5)


@pytest.mark.parametrize("message", [POINT, {"done": FACTS}, {"want": "data"}, {**POINT, "loss": 3, "progress": 1}])
def test_what_run_sends_is_understood(message: dict[str, Any]) -> None:
    assert read_message(json.dumps(message).encode()) == message


def test_thousands_of_damaged_messages_are_refused_in_one_line() -> None:
    generator = random.Random(17)
    for _ in range(3000):
        raw = _malformed(generator)
        with pytest.raises(MalformedMessage) as refused:
            read_message(raw)
        assert str(refused.value).isprintable(), raw[:80]
        assert len(str(refused.value)) < 400


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Data:
    monkeypatch.setenv("AUTORESEARCH_CACHE", str(tmp_path / "cache"))
    words = np.random.default_rng(3).integers(0, 10**6, (80, 300))
    for place, some in enumerate(words):
        (tmp_path / f"{place}.txt").write_text(" ".join(map(str, some)))
    (tmp_path / "gpt.toml").write_text('data = "files:*.txt"\nvocabulary = 300\nsequence_length = 32\n')
    return prepare(read_spec(tmp_path), tmp_path)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Host() as started:
        yield started


def _ends(host: Host, data: Data, folder: Path, messages: list[bytes]) -> tuple[str, int]:
    """Let a process say some messages to the judge; returns why the run ended, and the length of its curve."""
    place = JobFolders(folder / "code" / "train.py", folder / "out", folder / "tmp")
    for made in (place.code.parent, place.out / "said", place.tmp):
        made.mkdir(parents=True)
    place.code.write_text(SPEAKS)
    for number, message in enumerate(messages):
        (place.out / "said" / str(number)).write_bytes(message)
    spec = Spec(sequence_length=32, budget="64 tokens")
    run = RunningTraining(spec, data, 1, place, lambda curve: False)
    with pytest.raises(PlayerError) as ended:
        run.run(host, {"vocabulary": 300, "sequence_length": 32, "device": "cpu"}, None)
    return str(ended.value), len(run.points)


def test_each_malformed_message_ends_a_run_by_the_check_that_is_for_it(host: Host, data: Data, tmp_path: Path) -> None:
    generator = random.Random(18)
    for number in range(60):
        begun = [b'{"want": "data"}'] * generator.randrange(2)

        why, _ = _ends(host, data, tmp_path / str(number), [*begun, _malformed(generator)])

        assert why.startswith("check hand-over: failed ("), number
        assert why.isprintable()


def test_a_flood_of_points_is_a_short_curve(host: Host, data: Data, tmp_path: Path) -> None:
    points = [json.dumps({**POINT, "progress": share}).encode() for share in np.linspace(0.001, 1, 2000)]

    why, length = _ends(host, data, tmp_path / "run", [b'{"want": "data"}', *points])

    assert "without handing over" in why
    assert 90 < length <= 102
