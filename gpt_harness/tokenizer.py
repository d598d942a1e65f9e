"""Byte-pair encoding, learnt from text and held as a tiktoken encoding; or bytes, with nothing to learn."""

from __future__ import annotations

import base64
import json
import pickle
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spec import BYTES

if TYPE_CHECKING:
    import tiktoken

LEARNT_FROM = 50_000_000
"""Characters of training text that merges are learnt from; more change little and take long."""

# Words with a leading space, runs of digits up to two, punctuation, and white space: the usual pre-split of BPE.
SPLIT = r" ?\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


@dataclass(frozen=True)
class Tokenizer:
    """Token ids are ranks: the 256 bytes, then merges as they were learnt, then `specials` that stand for no byte, the first
    of which begins a document. `split` is the pattern that text is split by before.
    """

    tokens: tuple[bytes, ...]
    split: str = SPLIT
    specials: int = 1

    @property
    def start(self) -> int:
        """The token that begins a document."""
        return len(self.tokens)

    @property
    def size(self) -> int:
        """Logits that a model has."""
        return len(self.tokens) + self.specials

    @cached_property
    def encoding(self) -> tiktoken.Encoding:
        """As tiktoken holds it."""
        import tiktoken  # a judge of prepared text does without

        ranks = {token: rank for rank, token in enumerate(self.tokens)}
        return tiktoken.Encoding(
            "gpt", pat_str=self.split, mergeable_ranks=ranks, special_tokens={"<|start|>": self.start}
        )

    @cached_property
    def byte_lengths(self) -> NDArray[np.int64]:
        """Bytes that each token stands for, int64 [size]: of the raw token, so that half a character counts as what it is."""
        return np.array([*map(len, self.tokens), *[0] * self.specials], dtype=np.int64)

    def dump(self) -> str:
        """As JSON; nothing in it can run."""
        tokens = [base64.b64encode(token).decode() for token in self.tokens]
        return json.dumps({"split": self.split, "specials": self.specials, "tokens": tokens})

    @staticmethod
    def load(text: str) -> Tokenizer:
        """From what `dump` made."""
        told = json.loads(text)
        return Tokenizer(tuple(map(base64.b64decode, told["tokens"])), told["split"], told["specials"])


class UnknownTokenizer(Exception):
    """A file that holds no tokenizer of the kind that is read."""


class _State:
    """Stands for an encoding while its pickle is read: it keeps what was pickled, and does nothing."""

    def __setstate__(self, state: object) -> None:
        self.state = state


class _OnlyAnEncoding(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - as its base does
        if (module, name) != ("tiktoken.core", "Encoding"):
            raise UnknownTokenizer(f"it asks for {module}.{name}")
        return _State


def read_pickled(file: Path) -> Tokenizer:
    """The tokenizer of a pickled tiktoken encoding, as Karpathy's autoresearch leaves one. Nothing in it is run: a pickle
    that names anything but that class is refused.

    Raises:
        UnknownTokenizer: if it holds anything else.
    """
    try:
        with file.open("rb") as opened:
            state: Any = vars(_OnlyAnEncoding(opened).load())["state"]
        ranks, specials, split = state["mergeable_ranks"], state["special_tokens"], str(state["pat_str"])
        tokens = tuple(bytes(token) for token, _ in sorted(ranks.items(), key=lambda item: item[1]))
        ids = [*sorted(ranks.values()), *sorted(specials.values())]
    except UnknownTokenizer:
        raise
    except Exception as error:
        raise UnknownTokenizer(f"{type(error).__name__}: {error}") from error
    if ids != list(range(len(ids))) or not specials or set(map(len, tokens[:256])) != {1}:
        raise UnknownTokenizer("its tokens are not numbered one by one: bytes, merges, specials")
    return Tokenizer(tokens, split, len(specials))


def learn(texts: Iterable[str], size: int) -> Tokenizer:
    """A tokenizer of `size` tokens, the starting one among them; `size` 256 means bytes, and then there are 257."""
    bytes_alone = tuple(bytes([value]) for value in range(256))
    if size == BYTES:
        return Tokenizer(bytes_alone)
    from tokenizers import Regex, models, pre_tokenizers, trainers
    from tokenizers import Tokenizer as Learner

    learner = Learner(models.BPE())
    split = pre_tokenizers.Split(Regex(SPLIT), "isolated")
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    learner.pre_tokenizer = pre_tokenizers.Sequence([split, to_bytes])
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size - 1, initial_alphabet=alphabet, show_progress=False)
    learner.train_from_iterator(_some(texts), trainer)
    byte_of = _byte_of_character()
    learnt = [token for token, _ in sorted(learner.get_vocab().items(), key=lambda item: item[1]) if len(token) > 1]
    return Tokenizer((*bytes_alone, *(bytes(byte_of[character] for character in token) for token in learnt)))


def _some(texts: Iterable[str]) -> Iterable[str]:
    seen = 0

    def more(text: str) -> bool:
        nonlocal seen
        seen += len(text)
        return seen <= LEARNT_FROM or seen == len(text)

    return takewhile(more, texts)


def _byte_of_character() -> dict[str, int]:
    """The printable stand-ins of byte-level BPE, as GPT-2 introduced them: bytes that print stand for themselves."""
    printing = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [value for value in range(256) if value not in set(printing)]
    return {chr(value): value for value in printing} | {chr(256 + place): value for place, value in enumerate(others)}
