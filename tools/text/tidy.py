"""Applies a change to the words of a record or an answer, and to nothing that the loop computes with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

Change = Callable[[str], str]
Model = TypeVar("Model", bound=BaseModel)

# What commands, hooks and agents say. Names of files, commands of the plan and digests are compared later on and stay.
_WORDS = frozenset("problem tail seen output why note learned description hypothesis reason".split())


def tidied(record: Model, change: Change) -> Model:
    """A record of the journal with its words changed, at any depth."""
    fields = {name: _field(name, value, change) for name, value in record}
    changed = {name: value for name, value in fields.items() if value is not getattr(record, name)}
    return record.model_copy(update=changed) if changed else record


def _field(name: str, value: Any, change: Change) -> Any:  # noqa: ANN401 - any field
    if isinstance(value, str):
        return (new if (new := change(value)) != value else value) if name in _WORDS else value
    if isinstance(value, BaseModel):
        return tidied(value, change)
    if isinstance(value, tuple) and any(isinstance(item, BaseModel) for item in value):
        return tuple(_field(name, item, change) for item in value)
    return value


def tidied_data(data: Any, change: Change) -> Any:  # noqa: ANN401 - any JSON
    """Plain data with every text in it changed; the names of fields stay."""
    if isinstance(data, str):
        return change(data)
    if isinstance(data, Mapping):
        return {name: tidied_data(value, change) for name, value in data.items()}
    return [tidied_data(item, change) for item in data] if isinstance(data, list | tuple) else data
