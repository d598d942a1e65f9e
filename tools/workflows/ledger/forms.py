"""What an item takes, in words for whoever has to fill it in; read off its model."""

from __future__ import annotations

from enum import StrEnum
from inspect import isclass
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ...session.events import Record
from .items import Item

_GENERAL = frozenset({"kind", "upstream", "commit"})


class Form(Record):
    """The fields of one kind of item: each `name`, or `name (what it is)`."""

    kind: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    def line(self) -> str:
        """The form on one line."""
        more = f"; may have {', '.join(self.optional)}" if self.optional else ""
        return f"{self.kind}: {', '.join(self.required) or 'nothing'}{more}"


def form_of(item: type[Item]) -> Form:
    """What one kind of item takes."""
    own = {name: field for name, field in item.model_fields.items() if name not in _GENERAL | item.filled}
    return Form(
        kind=str(item.model_fields["kind"].default),
        required=tuple(_described(name, field) for name, field in own.items() if field.is_required()),
        optional=tuple(_described(name, field) for name, field in own.items() if not field.is_required()),
    )


def fields_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The fields of any model, described."""
    return tuple(_described(name, field) for name, field in model.model_fields.items())


def choices(model: type[BaseModel], name: str) -> tuple[str, ...]:
    """The words that a field may hold; none where it is free, or is not there."""
    field = model.model_fields.get(name)
    return _words(field) if field else ()


def _described(name: str, field: FieldInfo) -> str:
    words = "|".join(_words(field))
    told = "; ".join(part for part in (words, field.description or "") if part)
    return f"{name} ({told})" if told else name


def _words(field: FieldInfo) -> tuple[str, ...]:
    """The words of a field that holds one of a closed list, several of it, or one or nothing."""
    kinds = get_args(field.annotation) or (field.annotation,)
    closed = (kind for kind in kinds if isclass(kind) and issubclass(kind, StrEnum))
    return tuple(next(closed, ()))
