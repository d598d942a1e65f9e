"""The ruler: bits per byte on held-out modules. Fixed: an experiment never edits this file.

Bits per byte do not depend on the tokenizer: the information the model lacks for each token, summed, over the bytes
of the text those tokens stand for.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from prepare import SEQUENCE_LENGTH, Data

ROWS = 32  # windows scored at a time; changes speed, not the score

Model = Callable[[torch.Tensor], torch.Tensor]
"""Token ids, int64 [rows, SEQUENCE_LENGTH], to logits [rows, SEQUENCE_LENGTH, vocabulary]."""


def windows(tokens: NDArray[np.uint16]) -> NDArray[np.int64]:
    """The text cut into windows, int64 [count, SEQUENCE_LENGTH + 1]: the last token of each is the first of the next."""
    count = (len(tokens) - 1) // SEQUENCE_LENGTH
    starts = np.arange(count) * SEQUENCE_LENGTH
    cut: NDArray[np.int64] = tokens[starts[:, None] + np.arange(SEQUENCE_LENGTH + 1)].astype(np.int64)
    return cut


@torch.no_grad()
def bits_per_byte(model: Model, data: Data, device: str = "cpu", rows: int = ROWS) -> float:
    """Score a model on the whole validation text, in bits per byte; lower is better.

    The logits are normalised here, in float32, so that a model gains nothing by handing over larger ones.

    Raises:
        ValueError: if the logits have another shape than the vocabulary asks for, or are not finite.
    """
    lengths = torch.from_numpy(data.token_bytes).to(device)
    nats, size = 0.0, 0
    for batch in torch.split(torch.from_numpy(windows(data.validation)), rows):
        inputs, targets = batch[:, :-1].to(device), batch[:, 1:].to(device)
        nats += float(_surprise(model(inputs), targets, len(data.token_bytes)).sum())
        size += int(lengths[targets].sum())
    return nats / math.log(2) / size


def _surprise(logits: torch.Tensor, targets: torch.Tensor, vocabulary: int) -> torch.Tensor:
    """Cross-entropy of each target in nats, float64 [rows, SEQUENCE_LENGTH]."""
    if logits.shape != (*targets.shape, vocabulary):
        raise ValueError(f"logits have shape {tuple(logits.shape)}, not {(*targets.shape, vocabulary)}")
    logits = logits.float()
    surprise = logits.logsumexp(-1) - logits.gather(-1, targets[..., None]).squeeze(-1)
    if not bool(surprise.isfinite().all()):
        raise ValueError("the model's logits are not finite")
    return surprise.double()
