"""Changing one value in a client's configuration file, JSON with comments or TOML, and nothing else in it.

What stands around the value keeps every byte: comments, indentation, line ends, trailing commas. Each edit is read again
and compared with what it should mean before anybody writes it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

Keys = Sequence[str]

_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\r\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])')
_SPACE = re.compile(r"\s*")
_DECODER = json.JSONDecoder()


class Unwritable(Exception):
    """A file that we would have to change in ways that we do not understand; it stays as it is."""


def value_at(text: str, keys: Keys, *, toml: bool) -> Any:  # noqa: ANN401 - any value of JSON or TOML
    """Return what stands at the keys; None where nothing does.

    Raises:
        Unwritable: if the file is not what it should be.
    """
    place: Any = _read(text, toml)
    for key in keys:
        if not isinstance(place, dict):
            raise Unwritable(f"what should hold `{key}` is not a table there")
        place = place.get(key)
        if place is None:
            return None
    return place


def put(text: str, keys: Keys, value: object, *, toml: bool) -> str:
    """Return the text with the value at the keys; tables that are missing on the way are made.

    Raises:
        Unwritable: as `value_at`, or if the edit would change anything else.
    """
    value_at(text, keys, toml=toml)
    expected = _read(text, toml)
    place = expected
    for key in keys[:-1]:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise Unwritable(f"`{key}` is not a table there")
    place[keys[-1]] = value
    return _proven(_put_toml(text, keys, value) if toml else _put_json(text, keys, value), expected, toml)


def taken_out(text: str, keys: Keys, *, toml: bool) -> str:
    """Return the text without what stands at the keys; the same text where nothing does.

    Raises:
        Unwritable: as `put`.
    """
    if value_at(text, keys, toml=toml) is None:
        return text
    expected = _read(text, toml)
    place = expected
    for key in keys[:-1]:
        place = place[key]
    del place[keys[-1]]
    return _proven(_without_toml(text, keys) if toml else _without_json(text, keys), expected, toml)


def without_empty(text: str, keys: Keys, before: str) -> str:
    """Return JSON without the tables at the keys and above that hold nothing, not even a comment, and that were not there before.

    Raises:
        Unwritable: as `put`.
    """
    for depth in range(len(keys), 0, -1):
        above = keys[:depth]
        if value_at(text, above, toml=False) != {} or value_at(before, above, toml=False) is not None:
            break
        shorter = taken_out(text, above, toml=False)
        if [one for one in _COMMENT.findall(text) if one[0] == "/"] != [
            one for one in _COMMENT.findall(shorter) if one[0] == "/"
        ]:
            break
        text = shorter
    return text


def _read(text: str, toml: bool) -> dict[str, Any]:
    try:
        data = tomllib.loads(text) if toml else json.loads(_plain(text).strip("\ufeff") or "{}")
    except ValueError as error:
        raise Unwritable(f"it is not valid {'TOML' if toml else 'JSON'} ({error})") from error
    if not isinstance(data, dict):
        raise Unwritable("it is no JSON object")
    return data


def _proven(text: str, expected: Mapping[str, Any], toml: bool) -> str:
    if _filled(_read(text, toml)) != _filled(expected):
        raise Unwritable("our entry cannot be changed there without changing something else")
    return text


def _filled(data: Any) -> Any:  # noqa: ANN401 - any value of JSON or TOML
    """The data without tables that hold nothing: TOML's headers make them, and whether they stand there means nothing."""
    return {k: kept for k, v in data.items() if (kept := _filled(v)) != {}} if isinstance(data, dict) else data


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


# JSON with comments


@dataclass(frozen=True)
class _Member:
    """One member of an object: its key, and where key and value stand."""

    key: str
    start: int
    value: int
    end: int


def _blanked(text: str) -> str:
    """The text with spaces for comments, so that every other character keeps its place."""
    return _COMMENT.sub(lambda found: found[0] if found[0][0] == '"' else re.sub(r"[^\r\n]", " ", found[0]), text)


def _plain(text: str) -> str:
    """The text as plain JSON: without the commas before a closing bracket as well."""
    blank = _blanked(text)
    blank = blank if blank.strip("\ufeff \t\r\n") else ""
    return _LAST_COMMA.sub(lambda found: found[0] if found[0][0] == '"' else " ", blank)


def _skipped(plain: str, place: int) -> int:
    return found.end() if (found := _SPACE.match(plain, place)) else place


def _members(plain: str, opening: int) -> tuple[list[_Member], int]:
    """The members of the object that opens there, and where it closes."""
    found: list[_Member] = []
    place = _skipped(plain, opening + 1)
    while plain[place] != "}":
        key, behind = _DECODER.raw_decode(plain, place)
        value = _skipped(plain, _skipped(plain, behind) + 1)
        _, end = _DECODER.raw_decode(plain, value)
        found.append(_Member(key, place, value, end))
        place = _skipped(plain, end)
        place = _skipped(plain, place + 1) if plain[place] == "," else place
    return found, place


def _put_json(text: str, keys: Keys, value: object) -> str:
    text = text if _plain(text) else text + "{}" + _line_end(text)
    plain = _plain(text)
    opening = plain.index("{")
    for depth, key in enumerate(keys):
        members, closing = _members(plain, opening)
        there = [one for one in members if one.key == key]
        if not there:
            for inner in reversed(keys[depth + 1 :]):
                value = {inner: value}
            return _with_member(text, opening, closing, members, key, value)
        opening = there[-1].value
    start, end = there[-1].value, there[-1].end
    lines = "\n" in text[start:end] or not isinstance(value, list)
    return text[:start] + _written(value, text, _indent(text, there[-1].start), lines) + text[end:]


def _with_member(text: str, opening: int, closing: int, members: Sequence[_Member], key: str, value: object) -> str:
    """Add a member behind all others, and behind the comment that follows the last one."""
    last = members[-1].end if members else opening + 1
    between = _blanked(text)[last:closing]
    behind = last + len(text[last:closing].rstrip())
    lines = not members or "\n" in text[opening:closing]
    indent = _indent(text, members[-1].start) if members else _indent(text, opening) + _unit(text)
    comma = "," if members and "," not in between else ""
    own = "," if members and "," in between else ""
    member = f"{json.dumps(key, ensure_ascii=False)}: {_written(value, text, indent, lines)}{own}"
    gap = _line_end(text) + indent if lines else " "
    rest = text[behind:] if members else _line_end(text) + _indent(text, opening) + text[closing:]
    return text[:last] + comma + text[last:behind] + gap + member + rest


def _without_json(text: str, keys: Keys) -> str:
    plain, blank = _plain(text), _blanked(text)
    opening = plain.index("{")
    for key in keys:
        members, _ = _members(plain, opening)
        at = next(place for place, one in reversed(list(enumerate(members))) if one.key == key)
        member, container = members[at], opening
        opening = member.value
    own = re.match(r"\s*,", blank[member.end :])
    end = member.end + (own.end() if own else 0)
    start = member.start
    line = text.rfind("\n", 0, start) + 1
    blank_after = re.match(r"[ \t]*(\r?\n)?", text[end:])
    after = end + (blank_after.end() if blank_after else 0)
    if not text[line:start].strip() and text[after - 1 : after] == "\n":  # lines of its own
        start, end = line, after
    elif own:
        end = after
    else:
        start = len(text[:start].rstrip())
    if own or at == 0:
        return text[:container] + re.sub(r"\A\{\s*\}", "{}", text[container:start] + text[end:])
    comma = blank.index(",", members[at - 1].end)
    return text[:comma] + text[comma + 1 : start] + text[end:]


def _written(value: object, text: str, indent: str, lines: bool) -> str:
    """A value as the file writes its own."""
    if not lines:
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value, indent=_unit(text), ensure_ascii=False).replace("\n", _line_end(text) + indent)


def _indent(text: str, place: int) -> str:
    """The white space that the line of a place begins with."""
    line = text[text.rfind("\n", 0, place) + 1 : place]
    return line[: len(line) - len(line.lstrip("\ufeff \t"))].lstrip("\ufeff")


def _unit(text: str) -> str:
    found = re.search(r"\n([ \t]+)\"", _blanked(text))
    return found[1] if found else "  "


# TOML


def _put_toml(text: str, keys: Keys, value: object) -> str:
    """A new table goes to the end of the file, and a value into its place, which both leave all else as it is."""
    new = isinstance(value, dict) and value_at(text, keys, toml=True) is None
    if new and not _inline(text, keys):
        gap = "" if not text.strip() else _line_end(text) * (1 if text.endswith("\n") else 2)
        block = f"[{'.'.join(keys)}]\n{tomlkit.dumps(value)}"  # type: ignore[arg-type]
        return text + gap + block.replace("\n", _line_end(text))
    return _by_library(text, keys, value)


def _inline(text: str, keys: Keys) -> bool:
    """Whether a table above the last key cannot have a header of its own: it stands in one line, or is written as dotted keys."""
    try:
        tomllib.loads(f"{text}\n[{'.'.join(keys)}]\n")
    except tomllib.TOMLDecodeError:
        return True
    return False


def _by_library(text: str, keys: Keys, value: object) -> str:
    """Set a value, or take it out where it is None, in the library's document."""
    try:
        place: Any = (document := tomlkit.parse(text))
        for key in keys[:-1]:
            place = place[key]
        if value is None:
            del place[keys[-1]]
        else:
            if isinstance(value, dict):
                table = tomlkit.inline_table()
                table.update(value)
                value = table
            place[keys[-1]] = value
        return tomlkit.dumps(document)
    except (TOMLKitError, ValueError) as error:
        raise Unwritable(f"our entry cannot be changed there ({error})") from error


def _without_toml(text: str, keys: Keys) -> str:
    """Cut the lines of our tables, with the empty one before them; comments in front of the next table are that table's."""
    name = r"\s*\.\s*".join(rf"[\"']?{re.escape(key)}[\"']?" for key in keys)
    ours = re.compile(rf"(?m)^[ \t]*\[\s*{name}\s*(?:\.[^\]\r\n]*)?\][^\n]*(?:\n|\Z)")
    header = re.compile(r"(?m)^[ \t]*\[")
    left = text
    while found := ours.search(left):
        following = header.search(left, found.end())
        lines = left[found.start() : following.start() if following else len(left)].splitlines(keepends=True)
        while lines[-1].strip() == "" or lines[-1].lstrip().startswith("#"):
            lines.pop()
        end = found.start() + len("".join(lines))
        before, after = left[: found.start()], left[end:]
        before = re.sub(r"\r?\n\Z", "", before) if re.search(r"\n\r?\n\Z", before) else before
        left = before + after
    return left if left != text else _by_library(text, keys, None)
