"""What a run is measured by: data, context, budget. Read from `gpt.toml`, which a session seals."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path

SPEC_FILE = "gpt.toml"
WEIGHTS = "weights.safetensors"
BYTES = 256
"""A vocabulary of this size means bytes: no merges, and one more token that begins a document."""
MOST_TOKENS = 2**16


class SpecError(Exception):
    """The file says something that cannot be; the message has the cure."""


class Unit(StrEnum):
    """What a budget is counted in."""

    GIGAOPS = "gigaops"
    TOKENS = "tokens"
    SECONDS = "seconds"


@dataclass(frozen=True)
class Budget:
    """How much training a run may have."""

    amount: float
    unit: Unit

    @staticmethod
    def parse(text: str) -> Budget:
        """`1000 gigaops`, `400000 tokens`, `300 seconds`.

        Raises:
            SpecError: if it is none of these.
        """
        found = re.fullmatch(rf"\s*([\d_.]+)\s*({'|'.join(Unit)})\s*", text)
        if not found or not (amount := float(found[1].replace("_", ""))) > 0:
            raise SpecError(
                f'budget {text!r} is not understood. Write "1000 gigaops", "400000 tokens" or "300 seconds".'
            )
        return Budget(amount, Unit(found[2]))

    def __str__(self) -> str:
        return f"{self.amount:g} {self.unit}"


@dataclass(frozen=True)
class Spec:
    """The keys of `gpt.toml`.

    data: where the text comes from: `stdlib`, `files:GLOB,...`, `climbmix[:SHARDS]`, `tinystories`.
    vocabulary: tokens the tokenizer knows; 256 means bytes.
    sequence_length: tokens of context.
    budget: training that a run may have.
    most_seconds: seconds that training may take where the budget is in gigaops or tokens; seconds are the processor's
        own where that trains, as others may have it too, and those of the wall on a GPU.
    start_seconds: seconds, counted in the same way, that may pass before training asks for data: imports, building,
        compiling. So long, of the wall, a run also waits for a GPU that another one has.
    evaluation_tokens: validation tokens that are scored; the secret test text gets a quarter of that, and 128 rows at least.
    device: `auto`, `cpu`, `cuda`, `cuda:1`, `mps`, or the UUID of a GPU.
    early_stop: end a run whose loss stays far above the incumbent's.
    """

    data: str = "stdlib"
    vocabulary: int = 1024
    sequence_length: int = 128
    budget: str = "1000 gigaops"
    most_seconds: float = 120.0
    start_seconds: float = 60.0
    evaluation_tokens: int = 65_536
    device: str = "auto"
    early_stop: bool = False

    @property
    def allowance(self) -> Budget:
        """The budget, parsed."""
        return Budget.parse(self.budget)


def read_spec(folder: Path) -> Spec:
    """The spec of a folder.

    Raises:
        SpecError: if there is none, or it cannot be.
    """
    try:
        keys = tomllib.loads((folder / SPEC_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SpecError(
            f"{folder} has no {SPEC_FILE}. Run this in a folder made by `autoresearch-mcp init gpt`."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{SPEC_FILE} is not TOML: {error}.") from None
    return checked(keys)


def checked(keys: dict[str, object]) -> Spec:
    """A spec from keys.

    Raises:
        SpecError: naming the key.
    """
    kinds = {field.name: type(field.default) for field in fields(Spec)}
    for name, value in keys.items():
        if name not in kinds:
            raise SpecError(f"{SPEC_FILE} has no key {name!r}. It has {', '.join(kinds)}.")
        wanted = (int, float) if kinds[name] is float else kinds[name]
        if not isinstance(value, wanted) or (isinstance(value, bool) and kinds[name] is not bool):
            raise SpecError(f"{name} = {value!r} in {SPEC_FILE}: a {kinds[name].__name__} is needed.")
    spec = Spec(**keys)  # type: ignore[arg-type]
    if not (spec.vocabulary == BYTES or BYTES < spec.vocabulary <= MOST_TOKENS):
        raise SpecError(f"vocabulary = {spec.vocabulary}: 256 for bytes, else 257 to {MOST_TOKENS}.")
    if spec.sequence_length < 8 or spec.evaluation_tokens < spec.sequence_length:
        raise SpecError("sequence_length is at least 8, and evaluation_tokens at least one sequence.")
    Budget.parse(spec.budget)
    return spec


def checkpoint(folder: Path) -> Path:
    """Where the weights of a run stand in a folder."""
    return folder / WEIGHTS
