"""A method's parameters as the flat arguments of a tool, and schemas without what only costs tokens."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field


def declare(function: Callable[..., object], parameters: Mapping[str, inspect.Parameter]) -> None:
    """Have a function that takes any keywords look, to the protocol library, as if it took these."""
    function.__signature__ = inspect.Signature([*parameters.values()], return_annotation=object)  # type: ignore[attr-defined]
    function.__annotations__ = {name: parameter.annotation for name, parameter in parameters.items()}


def flat(parameters: Mapping[str, inspect.Parameter]) -> dict[str, inspect.Parameter]:
    """A parameter that is a model stands for its fields, so that a client sees no nesting."""
    single = {}
    for name, parameter in parameters.items():
        if not _is_model(parameter):
            single[name] = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            continue
        for part, field in parameter.annotation.model_fields.items():
            described = (*field.metadata, Field(description=field.description))
            single[part] = keyword(part, operator.getitem(Annotated, (field.annotation, *described)), field.default)
    return single


def keyword(name: str, kind: object, default: object = inspect.Parameter.empty) -> inspect.Parameter:
    """A parameter that is given by its name."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def folded(parameters: Mapping[str, inspect.Parameter], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The method's own arguments again, out of the flat ones."""
    given = dict(arguments)
    for name, parameter in parameters.items():
        if _is_model(parameter):
            fields = {field: given.pop(field) for field in parameter.annotation.model_fields if field in given}
            given[name] = parameter.annotation(**fields)
    return given


def _is_model(parameter: inspect.Parameter) -> bool:
    return inspect.isclass(parameter.annotation) and issubclass(parameter.annotation, BaseModel)


def type_of(field: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    """The JSON type of a field; one that may be null has the type of its values, for an answer leaves out what holds nothing."""
    (one,) = [part for part in field.get("anyOf", [field]) if part.get("type") != "null"]
    found: str = one["type"] if "type" in one else known[one["$ref"].rpartition("/")[2]]["type"]
    return found


def untitled(schema: Any) -> Any:  # noqa: ANN401 - any JSON
    """A JSON schema without the titles that the library makes of names; a field that is called `title` stays."""
    if isinstance(schema, list):
        return [untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    named = {"properties", "$defs"}
    return {
        key: {name: untitled(part) for name, part in value.items()} if key in named else untitled(value)
        for key, value in schema.items()
        if key != "title" or not isinstance(value, str)
    }
