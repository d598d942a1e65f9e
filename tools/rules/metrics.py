"""Reading a number out of what a command printed: one grammar, wherever the number comes from."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

_SHOWN = 120


@dataclass(frozen=True)
class Reading:
    """A number, or what is wrong and how to cure it; exactly one of the two."""

    value: float | None
    problem: str = ""


class _Unreadable(Exception):
    """The text holds no number that can be trusted; says why and what to do."""


# Escape sequences: CSI (colours, cursor), OSC (titles, links), and the two-character ones.
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)|[@-Z\\-_])")
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_WHOLE = re.compile(_NUMBER)
_TOKEN = re.compile(r"\S+")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:[,_' ]\d{3})+(?:\.\d+)?")
_PATH = re.compile(r"(?:[^.\[\]]+|\[\d+\])(?:\.[^.\[\]]+|\[\d+\])*")

_CURE = "Let the command print `METRIC name=value`, or set `read` to say where the number is."


def read_metric(output: str, read: str, name: str, unit: str = "") -> Reading:
    """Read the metric `name` from a command's output.

    Args:
        output: what the command printed; escape codes and progress bars do not matter.
        read: `auto`, `last`, `line`, `key`, `regex:PATTERN` or `json:PATH`.
        name: the metric's name, for `line`, `key` and `auto`.
        unit: a unit or `%` that may follow the number and is stripped; nothing else is.
    """
    text = plain(output)
    try:
        if not text.strip():
            raise _Unreadable(f"The command printed nothing. {_CURE}")
        return Reading(_READERS[read.partition(":")[0]](text, read.partition(":")[2], name, unit))
    except _Unreadable as problem:
        return Reading(None, str(problem))


def check_read(read: str) -> str:
    """What is wrong with a `read` rule; empty when it can be used."""
    kind, _, rule = read.partition(":")
    if kind not in _READERS or (rule != "") != (kind in {"regex", "json"}):
        return f"{read!r} is not a way to read a number"
    if kind == "json" and not _PATH.fullmatch(rule):
        return f"{rule!r} is not a path such as `a.b[0].c`"
    if kind == "regex":
        try:
            re.compile(rule)
        except re.error as error:
            return f"{rule!r} is not a regular expression: {error}"
    return ""


def plain(output: str) -> str:
    """The text as a terminal would show it last: no escape codes, each line as its last carriage return left it."""
    text = _ESCAPE.sub("", output.replace("\r\n", "\n"))
    return "\n".join(_last_overwrite(line) for line in text.split("\n"))


def _last_overwrite(line: str) -> str:
    return next((part for part in reversed(line.split("\r")) if part.strip()), "")


def parse_number(text: str, unit: str = "") -> float:
    """One number, with the plan's unit stripped if it is there.

    Raises:
        _Unreadable: if the text is anything else, or the number is not finite.
    """
    bare = text.strip()
    if unit and bare.endswith(unit):
        bare = bare.removesuffix(unit).rstrip()
    if _NOT_FINITE.fullmatch(bare):
        raise _Unreadable(f"{_short(text)} is not a finite number. Make the command fail when it has no result.")
    if _THOUSANDS.fullmatch(bare):
        raise _Unreadable(f"{_short(text)} has thousands separators. Print the number without them.")
    if not _WHOLE.fullmatch(bare):
        raise _Unreadable(f"{_short(text)} is not a bare number. {_unit_cure(bare)}")
    value = float(bare)
    if not math.isfinite(value):
        raise _Unreadable(f"{_short(text)} is too large to be a number.")
    return value


def _unit_cure(text: str) -> str:
    match = re.fullmatch(rf"{_NUMBER}\s?(\S{{1,12}})", text)
    return f"If {match[1]!r} is its unit, name it in the plan's `unit`." if match else _CURE


def _metric_line(text: str, rule: str, name: str, unit: str) -> float:
    found = _after(text, re.compile(rf"^METRIC\s+{re.escape(name)}\s*=(.*)$", re.MULTILINE))
    return _one(found, f"`METRIC {name}=value`", text, unit)


def _key_line(text: str, rule: str, name: str, unit: str) -> float:
    found = _after(text, re.compile(rf"^[ \t]*{re.escape(name)}[ \t]*:(.*)$", re.MULTILINE))
    return _one(found, f"`{name}: value`", text, unit)


def _after(text: str, pattern: re.Pattern[str]) -> list[str]:
    return [match[1].strip() for match in pattern.finditer(text)]


def _regex(text: str, rule: str, name: str, unit: str) -> float:
    found = [match[1] if match.re.groups else match[0] for match in re.finditer(rule, text, re.MULTILINE)]
    return _one([text or "" for text in found], f"a match of {rule!r}", text, unit)


def _one(found: Iterable[str], what: str, text: str, unit: str) -> float:
    """The value that all findings agree on."""
    values = {parse_number(item, unit): item for item in found}
    if not values:
        raise _Unreadable(f"No line has {what}. The output ends: {_short(text.rstrip()[-_SHOWN:])}. {_CURE}")
    if len(values) > 1:
        raise _Unreadable(f"Two different values for {what}: {_listed(values.values())}. Print it once.")
    return next(iter(values))


def _last(text: str, rule: str, name: str, unit: str) -> float:
    for line in reversed(text.splitlines()):
        if numbers := _numbers(line, unit):
            return numbers[-1]
    raise _Unreadable(f"There is no number in the output, which ends: {_short(text.rstrip()[-_SHOWN:])}. {_CURE}")


def _auto(text: str, rule: str, name: str, unit: str) -> float:
    if re.search(rf"^METRIC\s+{re.escape(name)}\s*=", text, re.MULTILINE):
        return _metric_line(text, rule, name, unit)
    if re.search(rf"^[ \t]*{re.escape(name)}[ \t]*:", text, re.MULTILINE):
        return _key_line(text, rule, name, unit)
    return _only(text, unit)


def _only(text: str, unit: str) -> float:
    lines = [line for line in text.splitlines() if line.strip()]
    bare = {float(line) for line in lines if _WHOLE.fullmatch(line.strip())}
    if len(bare) > 1:
        raise _Unreadable(f"Several lines are bare numbers: {_listed(map(str, sorted(bare)))}. {_CURE}")
    numbers = set(_numbers(lines[-1], unit))
    if len(numbers) > 1:
        raise _Unreadable(f"The last line has more than one number: {_short(lines[-1])}. {_CURE}")
    if not numbers:
        raise _Unreadable(f"The last line has no number: {_short(lines[-1])}. {_CURE}")
    return next(iter(numbers))


def _numbers(line: str, unit: str) -> list[float]:
    """The free-standing numbers of a line. A number that carries something unknown is refused, not skipped."""
    whole = line.strip()
    if _THOUSANDS.fullmatch(whole) or _NOT_FINITE.fullmatch(whole):
        parse_number(whole, unit)
    if unit:
        line = re.sub(rf"(?<![\w.])({_NUMBER}) ?{re.escape(unit)}(?!\w)", r"\1 ", line)
    return [number for token in _TOKEN.findall(line) for number in _in_token(token, unit)]


def _in_token(token: str, unit: str) -> list[float]:
    bare = token.strip("()[]{}<>\"'`;|=*").rstrip(".,:!?") if token not in {".", ","} else ""
    bare = bare.rpartition("=")[2] if "=" in bare else bare
    if _WHOLE.fullmatch(bare) or _NOT_FINITE.fullmatch(bare) or _THOUSANDS.fullmatch(bare):
        return [parse_number(bare, unit)]
    if re.fullmatch(rf"{_NUMBER}(?:%|[a-zA-Zµ]{{1,5}}(?:/\w+)?)", bare) and not re.fullmatch(r"[\da-fA-F]+", bare):
        parse_number(bare, unit)
    return []


def _json(text: str, rule: str, name: str, unit: str) -> float:
    value = _document(text)
    for step in re.findall(r"\[(\d+)\]|([^.\[\]]+)", rule):
        value = _descend(value, int(step[0]) if step[0] else step[1], rule)
    if isinstance(value, str) and unit and value.rstrip().endswith(unit):
        return parse_number(value, unit)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unreadable(f"The JSON value at `{rule}` is {_short(json.dumps(value))}, not a number.")
    return parse_number(repr(value), unit)


def _document(text: str) -> object:
    """The whole output as JSON, or else its last line that is."""
    for candidate in (text, *reversed(text.splitlines())):
        if candidate.strip().startswith(("{", "[")):
            try:
                return json.loads(candidate, object_pairs_hook=_unique)
            except (json.JSONDecodeError, RecursionError):
                continue
    raise _Unreadable(f"The output is not JSON; it ends: {_short(text.rstrip()[-_SHOWN:])}. {_CURE}")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found and found[key] != value:
            raise _Unreadable(f"The JSON has two different values for {key!r}. Print it once.")
        found[key] = value
    return found


def _descend(value: object, step: int | str, rule: str) -> object:
    if isinstance(step, int) and isinstance(value, list) and step < len(value):
        return value[step]
    if isinstance(step, str) and isinstance(value, dict) and step in value:
        return value[step]
    keys = f" Known here: {', '.join(list(value)[:8])}." if isinstance(value, dict) else ""
    raise _Unreadable(f"The JSON has nothing at `{rule}`: {step!r} is missing.{keys}")


def _listed(items: Iterable[str]) -> str:
    return ", ".join(list(items)[:4])


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= _SHOWN else f"{flat[: _SHOWN - 1]}…")


_READERS = {"auto": _auto, "last": _last, "line": _metric_line, "key": _key_line, "regex": _regex, "json": _json}
