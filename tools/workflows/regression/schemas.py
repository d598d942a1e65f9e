"""What a change of a JSON schema or an OpenAPI document breaks for those who rely on it. Plain JSON only; no reference is followed
outside the document.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_METHODS = frozenset("get put post delete options head patch trace".split())
_DEPTH = 40


def schema_breaks(old: str, new: str) -> tuple[str, ...]:
    """What was promised and is not any more, each with its place; nothing for what is no JSON object."""
    before, after = _object(old), _object(new)
    if before is None:
        return ()
    if after is None:
        return ("the document is no JSON object any more",)
    if "paths" in before:
        return tuple(_paths(before, after))
    return tuple(_narrower("", before, after, _DEPTH))


def _paths(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for path, operations in _table(old, "paths").items():
        there = _table(new, "paths").get(path)
        if not isinstance(there, dict):
            yield f"{path}: the path is gone"
            continue
        for method in _METHODS & set(operations if isinstance(operations, dict) else ()):
            if method not in there:
                yield f"{method.upper()} {path}: the operation is gone"
            else:
                yield from _operation(f"{method.upper()} {path}", operations[method], there[method])
    schemas = _table(_table(old, "components"), "schemas")
    for name, schema in schemas.items():
        found = _table(_table(new, "components"), "schemas").get(name)
        if found is None:
            yield f"{name}: the schema is gone"
        else:
            yield from _narrower(name, schema, found, _DEPTH)


def _operation(place: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    named = {(one.get("in"), one.get("name")): one for one in old.get("parameters", []) if isinstance(one, dict)}
    for one in new.get("parameters", []):
        if isinstance(one, dict) and one.get("required"):
            before = named.get((one.get("in"), one.get("name")))
            if before is None or not before.get("required"):
                yield f"{place}: the parameter {one.get('name')} is required now"
    for code in old.get("responses", {}):
        if str(code).startswith("2") and code not in new.get("responses", {}):
            yield f"{place}: the response {code} is gone"
    if _table(new, "requestBody").get("required") and not _table(old, "requestBody").get("required"):
        yield f"{place}: a body is required now"


def _narrower(place: str, old: object, new: object, depth: int) -> Iterator[str]:
    """Properties that are gone or of another type, values that an enumeration lost, names that are required now."""
    if not (isinstance(old, dict) and isinstance(new, dict) and depth):
        return
    where = place or "the document"
    if "type" in old and "type" in new and not _types(old) <= _types(new):
        yield f"{where}: the type was {_shown(old)} and is {_shown(new)}"
    if lost := [value for value in _list(old, "enum") if "enum" in new and value not in _list(new, "enum")]:
        yield f"{where}: the value {lost[0]!r} is gone"
    for name in _list(new, "required"):
        if name not in _list(old, "required"):
            yield f"{where}: {name} is required now"
    for name, inner in _table(old, "properties").items():
        there = _table(new, "properties").get(name)
        if there is None:
            yield f"{where}: the property {name} is gone"
        else:
            yield from _narrower(f"{place}.{name}".lstrip("."), inner, there, depth - 1)
    for name in ("$defs", "definitions"):
        for inner, schema in _table(old, name).items():
            yield from _narrower(f"{place}#{inner}", schema, _table(new, name).get(inner), depth - 1)
    yield from _narrower(f"{place}[]", old.get("items"), new.get("items"), depth - 1)


def _types(schema: Mapping[str, Any]) -> set[str]:
    found = schema.get("type")
    return set(map(str, found)) if isinstance(found, list) else {str(found)}


def _shown(schema: Mapping[str, Any]) -> str:
    return " or ".join(sorted(_types(schema)))


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _table(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = holder.get(name)
    return found if isinstance(found, dict) else {}


def _list(holder: Mapping[str, Any], name: str) -> list[Any]:
    found = holder.get(name)
    return found if isinstance(found, list) else []
