"""Arguments as clients give them, before they are validated: what is meant is understood, what nothing can hold refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from inspect import isclass
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound=BaseModel)

MOST_CHARACTERS = 100_000
"""Of one text. No command and no path may be longer than 128 KiB, and no answer may."""
LARGEST_NUMBER = 2**53
"""Beyond it not every client and not every file of ours would read the same whole number."""


def understood(arguments: Mapping[str, Any], fields: Mapping[str, FieldInfo]) -> dict[str, Any]:
    """Return what is meant by arguments for these fields, in the forms that clients write it.

    `null`, and an empty text for a number, say that an optional argument is not given. One thing stands for a list of
    one, a number or a truth for its text. (Numbers and truths written as texts the validation reads itself.)
    """
    return {
        name: value if name not in fields else _meant(value, fields[name])
        for name, value in arguments.items()
        if name not in fields or not _is_absent(value, fields[name])
    }


def validated(model: type[Model], given: Mapping[str, Any]) -> Model:
    """Return the model of what was given, or else of what is meant by it: a model may read some texts in its own way.

    Raises:
        ValidationError: if neither is valid.
    """
    try:
        return model.model_validate(given)
    except ValidationError:
        with suppress(ValidationError):
            return model.model_validate(understood(given, model.model_fields))
        raise


def _is_absent(value: object, field: FieldInfo) -> bool:
    return not field.is_required() and (value is None or (value == "" and field.annotation in {int, float, bool}))


def _meant(value: Any, field: FieldInfo) -> Any:  # noqa: ANN401 - any JSON
    if any(isinstance(one, BeforeValidator) for one in field.metadata):
        return value  # the field reads texts in its own way
    kinds = {field.annotation, *get_args(field.annotation)}
    if isinstance(value, str) and (word := next((one for kind in kinds for one in _spelled(value, kind)), None)):
        return word
    if get_origin(field.annotation) in {tuple, list, frozenset}:
        return [_as_text(one) if str in kinds else one for one in _listed(value)]
    return _as_text(value) if str in kinds and not kinds & {int, float, bool} else value


def _spelled(value: str, kind: object) -> Iterator[str]:
    """Yield the word of a closed list that a text means: capitals and spaces do not matter."""
    if isclass(kind) and issubclass(kind, StrEnum):
        wanted = "-".join(re.split(r"[\s_-]+", value.strip().lower()))
        yield from (one for one in kind if one.value.lower() == wanted)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return [value]  # a glob may begin so, too
    if isinstance(value, list | tuple):
        return list(value)
    return [] if value in ("", None) else [value]


def _as_text(value: Any) -> Any:  # noqa: ANN401 - any JSON
    return json.dumps(value) if isinstance(value, bool | int | float) else value


_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "string": "a text"} | dict.fromkeys(
    ("dict", "model", "mapping"), "an object"
)
_LISTS = dict.fromkeys(("list", "tuple", "frozen_set", "set"), "a list")


def wrong_words(issue: ErrorDetails) -> str:
    """Say what is wrong with one value that a validation named, in words that no program is needed for: `has to be a text`."""
    kind, message = issue["type"], issue["msg"]
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not known here"
    for name, words in (_KINDS | _LISTS).items():
        if kind.removeprefix(name) in {"_type", "_parsing", "_from_float", "_parsing_size"}:
            return f"has to be {words}"
    return message.removeprefix("Value error, ").replace("Input should be", "has to be", 1)


def unusable(arguments: Mapping[str, Any]) -> str:
    """Return what is wrong with the values that no tool can use, in sentences; empty when nothing is."""
    return " ".join(
        f"`{name}` holds {problem}." for name, value in arguments.items() for problem in sorted(set(_problems(value)))
    )


def _problems(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if "\0" in value:
            yield "a NUL character, which no command, path or file of ours can hold: leave it out"
        if len(value) > MOST_CHARACTERS:
            yield f"a text of {len(value)} characters, and at most {MOST_CHARACTERS} are read: shorten it"
    elif isinstance(value, int | float):
        if not math.isfinite(value) if isinstance(value, float) else abs(value) > LARGEST_NUMBER:
            yield f"a number beyond {LARGEST_NUMBER}, the largest that everybody reads the same: give a smaller one"
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _problems(name)
            yield from _problems(part)
    elif isinstance(value, list):
        for part in value:
            yield from _problems(part)
