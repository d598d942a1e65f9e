"""Bits per byte, computed by who has the text from the logits of who has not; and the questions that tell a cheat."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import checks
import compiled
from checks import Check, Nats
from players import Host, JobFolders, PlayerError, Predictor, Walls
from prepare import Data, random_rows
from spec import Spec
from splits import Split

TEST_SHARE, FEWEST_TESTED = 4, 128
"""The secret text is scored on one row for so many of the validation text, but on this many where it has them: of 32 rows, one
honest model in eight that had hardly learnt looked as if it knew the validation text."""
BESIDE = 384
"""Rows between the scored ones, as many as there are, that are asked as well."""
AUDITED, REPEATED = 256, 32
"""Rows that are asked with another text after a place, and rows that are asked twice."""
CONTROL = 16
LOGITS_BYTES, LOGITS_BYTES_ON_GPU = 2**24, 2**29
"""Room for the logits of one question, about: of half as much a processor's judge takes a tenth longer; what keeps a GPU busy."""
SUMS = 256
_SHORTEST_LIMIT_S = 30.0

Rows = NDArray[np.uint16]
Ask = Callable[[NDArray[np.int64]], NDArray[np.float32]]


@dataclass(frozen=True)
class Scored:
    """The score of a model in bits per byte, and what the checks found."""

    val_bpb: float
    checks: tuple[Check, ...]
    costs: Nats
    """Of each row of a held-out text, [rows], in nats: what is hard for one model is for the next."""


@dataclass(frozen=True)
class Text:
    """The rows of a held-out text that are scored, and how hard each is, [rows, 3]."""

    rows: Rows
    difficulty: NDArray[np.float64]


def texts(data: Data, tokens: int) -> tuple[Text, Text, Text]:
    """The validation rows of an evaluation, others that stand between them, and the test rows: always the same ones,
    spread evenly.
    """
    wanted = tokens // (data.validation.shape[1] - 1)
    left = np.ones(len(data.validation), bool)
    left[list(data.canaries)] = False
    picked = _spread(np.flatnonzero(left), wanted)
    left[picked] = False
    beside = _spread(np.flatnonzero(left), max(BESIDE, wanted // TEST_SHARE))
    tested = _spread(np.arange(len(data.test)), max(FEWEST_TESTED, wanted // TEST_SHARE))
    hard = data.difficulty(Split.VALIDATION)
    return (
        Text(data.validation[picked], hard[picked]),
        Text(data.validation[beside], hard[beside]),
        Text(data.test[tested], data.difficulty(Split.TEST)[tested]),
    )


def _spread(places: NDArray[np.int64], wanted: int) -> NDArray[np.int64]:
    picked: NDArray[np.int64] = places[np.linspace(0, len(places) - 1, min(wanted, len(places))).astype(int)]
    return picked


def bits_per_byte(nats: Nats, rows: Rows, byte_lengths: NDArray[np.int64]) -> float:
    """The cost of all targets that stand for bytes, over those bytes. Tokens that stand for none are left out."""
    return float(row_nats(nats, rows, byte_lengths).sum() / math.log(2) / byte_lengths[rows[:, 1:]].sum())


def row_nats(nats: Nats, rows: Rows, byte_lengths: NDArray[np.int64]) -> Nats:
    """What each row costs, [rows]: its targets that stand for bytes."""
    costs: Nats = np.where(byte_lengths[rows[:, 1:]] > 0, nats, 0.0).sum(1)
    return costs


class Scorer:
    """Asks a model about rows, and keeps what the answers cost."""

    def __init__(self, ask: Ask, at_a_time: int, torch_on: str = "") -> None:
        self._ask, self._at_a_time = ask, at_a_time
        self._cost = _cost_by_torch(torch_on) if torch_on else cost
        self.sums: list[NDArray[np.float64]] = []

    def nats(self, rows: Rows, targets: Rows) -> Nats:
        """What each target [rows, length] costs, in nats; rows are asked in a secret order, so that each meets others."""
        order = np.random.default_rng(secrets.randbits(64)).permutation(len(rows))
        found = np.empty((len(rows), rows.shape[1] - 1))
        for begin in range(0, len(order), self._at_a_time):
            some = order[begin : begin + self._at_a_time]
            # Always as many rows at a time, so that a compiled model meets one shape and rounds alike.
            full = np.resize(some, self._at_a_time)
            inputs, wanted = rows[full, :-1].astype(np.int64), targets[full].astype(np.int64)
            nats, sums = self._cost(self._ask(inputs), wanted)
            found[some] = nats[: len(some)]
            self.sums.append(sums)
        return found


def cost(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> tuple[Nats, NDArray[np.float64]]:
    """Cross-entropy of each target in nats, and the sums of some rows of probabilities. The logits are normalised here.

    Raises:
        PlayerError: if they are not finite.
    """
    found, sums = np.empty(targets.shape), np.empty(0)
    for place, (told, wanted) in enumerate(zip(logits, targets, strict=True)):  # one row stays in a processor's cache
        row = told.copy()  # from here on nobody else can reach it
        highest, sample = row.max(-1), row[: SUMS // 8].astype(np.float64)
        chosen = row[np.arange(len(wanted)), wanted]
        with np.errstate(invalid="ignore"):
            row -= highest[:, None]
        totals = np.log(np.exp(row, out=row).sum(-1).astype(np.float64)) + highest
        if not np.isfinite(totals).all():
            raise PlayerError("The model's logits are not finite. See what overflows in `predictor`.")
        found[place] = totals - chosen
        sums = sums if place else np.exp(sample - totals[: len(sample), None]).sum(-1)
    return found, sums


def _cost_by_torch(device: str) -> Callable[[NDArray[np.float32], NDArray[np.int64]], tuple[Nats, NDArray[np.float64]]]:
    """The same by torch, for vocabularies that take one core too long: on a GPU, or on all cores."""
    import torch

    def cost_there(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> tuple[Nats, NDArray[np.float64]]:
        there = torch.from_numpy(logits).to(device, copy=True)
        wanted = torch.from_numpy(targets).to(device)
        totals = there.logsumexp(-1).double()
        if not bool(totals.isfinite().all()):
            raise PlayerError("The model's logits are not finite. See what overflows in `predictor`.")
        found = totals - there.gather(-1, wanted[..., None])[..., 0].double()
        sample = there[0, : SUMS // 8].double() - totals[0, : SUMS // 8, None]
        return found.cpu().numpy(), sample.exp().sum(-1).cpu().numpy()

    return cost_there


def _direct(model: Predictor, device: str) -> AbstractContextManager[None]:
    """The answers of a model on a GPU, copied without a detour. A processor's judge does without torch."""
    if not device.startswith("cuda"):
        return nullcontext()
    import torch

    from pinned import pinned

    return pinned(torch.from_numpy(model.answers), device)


@dataclass(frozen=True)
class WeightsJudge:
    """Scores one experiment's weights. `limit_s` is what a whole pass may take. A GPU that is not `shared` lets in one process at
    a time, and that is the model's.
    """

    host: Host
    place: JobFolders
    walls: Walls | None
    weights: Path
    spec: Spec
    data: Data
    shape: dict[str, Any]
    limit_s: float
    trained_s: float
    shared: bool = True

    def score(self) -> Scored:
        """Bits per byte, and the checks that the answers allow.

        Raises:
            PlayerError: if the model cannot be asked, or answers with what is no number.
        """
        validation, beside, test = texts(self.data, self.spec.evaluation_tokens)
        generator = np.random.default_rng(secrets.randbits(128))
        tokenizer, width = self.data.tokenizer, self.data.validation.shape[1]
        audited = generator.choice(len(validation.rows), min(AUDITED, len(validation.rows)), replace=False)
        known = self.data.validation[list(self.data.canaries)]
        control = random_rows(CONTROL, width, tokenizer, generator)
        held_out = (validation, beside, test)
        parts = [*(text.rows for text in held_out), known, control, validation.rows[audited[:REPEATED]]]
        whole, ends = np.concatenate(parts), np.cumsum([len(part) for part in parts])[:-1]
        nats, sums, took = self._asked(whole, whole[:, 1:])
        seen, _, _, canary, fresh, again = np.split(nats, ends)
        cuts = generator.integers(width // 4, width - 1, len(audited))
        cut, _, took_again = self._asked(
            self._cut(validation.rows[audited], cuts, generator), validation.rows[audited, 1:]
        )
        allowed = checks.EXACT if self.shape["device"] == "cpu" else checks.COARSE
        lengths = tokenizer.byte_lengths
        costs = row_nats(nats[: ends[2]], whole[: ends[2]], lengths)
        earlier = self.data.earlier(self.spec.evaluation_tokens, len(costs))
        hard = np.column_stack([np.concatenate([validation.difficulty, beside.difficulty]), *earlier[:, : ends[1]]])
        scored, others, secret = np.split(costs, ends[:2])
        score = bits_per_byte(seen, validation.rows, lengths)
        verdicts = (
            checks.causality(seen[audited], cut, list(map(int, cuts)), allowed),
            checks.independence(seen[audited[:REPEATED]], again, allowed),
            checks.normalisation(sums),
            checks.answering((took, took_again), self.trained_s),
            checks.canaries(canary, fresh),
            checks.neighbours((scored, others), (hard[: ends[0]], hard[ends[0] :]), bool(len(earlier)), score),
            checks.test_split((scored, secret), (validation.difficulty, test.difficulty)),
        )
        return Scored(score, verdicts, costs)

    def _asked(self, rows: Rows, targets: Rows) -> tuple[Nats, NDArray[np.float64], list[float]]:
        """The costs of targets, asked of a process of its own, some sums of probabilities, and what each question took."""
        room = LOGITS_BYTES if self.shape["device"] == "cpu" else LOGITS_BYTES_ON_GPU
        at_a_time = max(1, min(32, room // (4 * (rows.shape[1] - 1) * self.data.tokenizer.size)))
        by_torch = str(self.shape["device"]) if self.shape["device"].startswith("cuda") else ""
        by_torch = by_torch if self.shared or not by_torch else "cpu"
        with (
            self._apart() as (place, walls),
            Predictor(self.host, place, walls, self.weights, self.shape, at_a_time) as model,
            _direct(model, by_torch),
        ):
            model.wait(max(_SHORTEST_LIMIT_S, self.spec.start_seconds))
            model.begin()
            scorer = Scorer(lambda tokens: model.logits(tokens, self.limit_s), at_a_time, by_torch)
            nats = scorer.nats(rows, targets)
        return nats, np.concatenate(scorer.sums)[:SUMS], model.took

    @contextmanager
    def _apart(self) -> Iterator[tuple[JobFolders, Walls | None]]:
        """Folders that nobody else writes, with what was compiled in training."""
        with self.place.apart(self.walls) as (place, walls):
            compiled.pass_on(self.place, place)
            yield place, walls

    def _cut(self, rows: Rows, cuts: NDArray[np.int64], generator: np.random.Generator) -> Rows:
        """The rows with another text from each cut on. The last token that is compared is the first one cut away."""
        others = self.data.train[generator.integers(0, len(self.data.train), len(rows))]
        places = np.arange(rows.shape[1])
        return np.where(places[None, :] >= cuts[:, None], others, rows).astype(np.uint16)
