"""Reading a number out of what a command printed: one grammar, wherever the number comes from.

When two readings are possible the answer is a refusal with its cure, never a guess: a wrong number decides wrongly and
nobody notices. Every pattern here is linear in the output, which a program under experiment writes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice

from .resources import resource_of
from .units import UNIT_BEHIND, converted, is_part, is_part_of_a_time, is_unit

_SHOWN = 120
_CURE = "Let the command print `METRIC name=value`, or set `read` to say where the number is."
_LONGEST_NUMBER = 400  # `%f` of the largest float has 316 characters
_LARGEST = 1e150  # the square of a difference is still a number
_LONGEST_LINE = 20_000  # what a plan's own regular expression sees of a line; nothing else bounds its cost


@dataclass(frozen=True)
class Reading:
    """A number, or what is wrong and how to cure it; exactly one of the two. `unit` stood behind a number that a regular
    expression captured; the value is in that unit, or in the one that was expected.
    """

    value: float | None
    problem: str = ""
    unit: str = ""

    def __post_init__(self) -> None:
        assert (self.value is None) == bool(self.problem)


class _Unreadable(Exception):
    """The text holds no number that can be trusted; says why and what to do."""


# Strings (titles, links), CSI (colours, cursor), character sets (`tput sgr0`), two-character ones.
_ESCAPE = re.compile(r"\x1b(?:[]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|\[[0-?]*[ -/]*[@-~]|[ -/]+[0-~]|[0-Z\\-~])")
# Possessive, so that a long run of digits is read once and not once for each place where it could be cut.
_NUMBER = r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
_NOT_FINITE = re.compile(r"[+-]?(?:nan(?:\(\w*\)?)?|inf(?:inity)?)", re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?(?:[0-9]++(?:[,_'’][0-9]++)+|[0-9]{1,3}(?:[ \u00a0\u2009\u202f][0-9]{3})+)(?:\.[0-9]*+)?")
_GLUED = re.compile(rf"{_NUMBER}(%|[a-zA-Zµμ]{{1,8}}(?:/[a-zA-Z]{{1,8}})?)")
_SPAN = re.compile(r"(?:[0-9]++(?:\.[0-9]*+)?(?:[dhm]|min|[mnuµμ]?s)){2,}")
_LABELS = {"`METRIC {}=value`": r"^METRIC[ \t]+{}[ \t]*=(.*)$", "`{}: value`": r"^[ \t]*{}[ \t]*:(.*)$"}
_NO_UNIT = re.compile(r"[0-9]+(?:st|nd|rd|th)|[0-9a-fA-F]+")
_OPENING, _CLOSING = "([{\"'`*", ")]}\"'`*.,:!?"
_PATH = re.compile(r"(?:[^.\[\]]+|\[[0-9]{1,9}\])(?:\.[^.\[\]]+|\[[0-9]{1,9}\])*")
# A repeated group with a repetition in it may take exponential time, and nothing can stop a running match.
_EXPLOSIVE = re.compile(r"(?<!\\)\((?!\?>)[^()]*[*+][^()]*\)[*+{](?!\+)")


def read_metric(output: str, read: str, name: str, unit: str = "", before: str | None = None) -> Reading:
    """Read the metric `name` from a command's output.

    Args:
        output: what the command printed; escape codes and progress bars do not matter.
        read: a rule that `check_read` has nothing against: `auto`, `last`, `line`, `key`, `regex:PATTERN` (matched
            line by line), or `json:PATH`.
        name: the metric's name, for `line`, `key` and `auto`.
        unit: a unit or `%` that may follow the number and is stripped; nothing else is.
        before: the unit that stood behind the number at the baseline, empty for none; None at the baseline. A number in
            another unit of its kind is converted, in one of another kind refused. For `regex`; the others take none but `unit`.
    """
    text = plain(output)
    kind, _, rule = read.partition(":")
    if not text.strip():
        return Reading(None, f"The command printed nothing. {_CURE}")
    try:
        if kind == "regex":
            return _captured(text, rule, unit, before)
        return Reading(_READERS[kind](text, rule, name, unit))
    except _Unreadable as problem:
        return Reading(None, str(problem))


def check_read(read: str) -> str:
    """Return what is wrong with a `read` rule; empty when it can be used."""
    if resource_of(read) is not None:
        return ""
    kind, colon, rule = read.partition(":")
    if kind not in {*_READERS, "regex"} or bool(colon) != (kind in {"regex", "json"}) or (colon and not rule):
        return f"{read!r} is not a way to read a number"
    if kind == "json" and not _PATH.fullmatch(rule):
        return f"{rule!r} is not a path such as `a.b[0].c`"
    if kind == "regex" and _EXPLOSIVE.search(rule):
        return f"{rule!r} repeats a group that holds a repetition, which can take for ever; write `(?>...)` or `)*+`"
    try:
        re.compile(rule if kind == "regex" else "")
    except (re.error, OverflowError, RecursionError) as error:
        return f"{rule!r} is not a regular expression: {error}"
    return ""


def plain(output: str) -> str:
    """Return the text as a terminal shows it last: no escape codes, each line as its last carriage return left it."""
    text = _ESCAPE.sub("", output.removeprefix("\ufeff").replace("\r\n", "\n"))
    return "\n".join(next(filter(str.strip, reversed(line.split("\r"))), "") for line in text.split("\n"))


def _parse(text: str, unit: str) -> float:
    """Parse one number, with the plan's unit stripped if it is there."""
    bare = text.strip()
    match = re.fullmatch(rf"({_NUMBER})(?: ?{re.escape(unit)})?", bare)
    if not match or len(match[1]) > _LONGEST_NUMBER:
        raise _Unreadable(_why_not(bare, unit))
    value = float(match[1])
    underflow = value == 0 and re.search(r"[1-9]", re.split("[eE]", match[1])[0])
    if underflow or not math.isfinite(value) or abs(value) > _LARGEST:
        raise _Unreadable(f"{_short(text)} is outside the range that can be reckoned with. Print it in another unit.")
    return value


def _why_not(bare: str, unit: str) -> str:
    shown, number = _short(bare), bare.removesuffix(unit).rstrip()
    if _NOT_FINITE.fullmatch(number):
        return f"{shown} is not a finite number. Make the command fail when it has no result."
    if _GROUPED.fullmatch(number):
        return f"{shown} has separators inside the number. Print digits with at most one `.`, no thousands separators."
    if not (match := re.fullmatch(rf"{_NUMBER} ?([%a-zA-Zµμ°$€]\S{{0,11}})", bare)):
        return f"{shown} is not a bare number. {_CURE}"
    if unit:
        return f"{shown} is not in the plan's unit, {unit!r}. Print it in that unit, always."
    return f"{shown} is not a bare number. If {match[1]!r} is its unit, name it in the plan's `unit`, or print none."


def _labelled(label: str, text: str, rule: str, name: str, unit: str) -> float:
    found = re.findall(_LABELS[label].format(re.escape(name)), text, re.MULTILINE)
    return _agreed({_parse(item, unit): item for item in found}, label.format(name), text)


def _captured(text: str, rule: str, unit: str, before: str | None) -> Reading:
    """Return what a plan's regular expression captures, line by line, in one unit whatever unit stands behind it."""
    pattern = re.compile(rule)
    lines = (line[:_LONGEST_LINE] for line in text.split("\n"))
    found = [_with_unit(match, unit) for line in lines for match in pattern.finditer(line)]
    wanted = unit or (before if before is not None else next((seen for _, seen in found if seen), ""))
    values = {_converted(_parse(item, unit), seen or unit, wanted): item for item, seen in found}
    return Reading(_agreed(values, f"a match of {rule!r}, which is tried line by line", text), unit=wanted)


def _with_unit(match: re.Match[str], unit: str) -> tuple[str, str]:
    """Return a capture with the unit that stands behind it. One that is only a part of a number is refused."""
    group = min(1, match.re.groups)
    item, line, end = (match[group] or "").strip(), match.string, match.end(group)
    if not re.fullmatch(_NUMBER, item):
        return item, ""
    head, tail = line[: match.start(group)][-_LONGEST_NUMBER:], line[end : end + _LONGEST_NUMBER]
    behind = UNIT_BEHIND.match(tail)
    named = behind is not None and (is_unit(behind[2]) or behind[2] == unit)
    if behind and (named or (not behind[1] and match.end() >= end + behind.end())):
        part, seen = is_part_of_a_time(behind[2], head, tail[behind.end() :]), behind[2]
    else:
        part, seen = bool(re.match(r"[^\W\d]", tail)), ""
    if part or is_part(item, head, tail):
        raise _Unreadable(_part(match, item))
    return item, seen


def _part(match: re.Match[str], item: str) -> str:
    around = match.string[max(0, match.start() - 20) : match.end() + 20]
    return f"{item!r} is only a part of what stands there, {_short(around)}. Let the pattern capture the whole number."


def _converted(value: float, unit: str, wanted: str) -> float:
    """Return a number in another unit of its kind."""
    if (found := converted(value, unit, wanted)) is not None:
        return found
    problem = f"{value:g} stands in {unit or 'no unit'}, but the number is measured in {wanted or 'no unit'}"
    raise _Unreadable(f"{problem}. Print it in one unit, always.")


def _agreed(values: Mapping[float, str], what: str, text: str) -> float:
    """Return the one value that was found, however often; each stands with the text that it was read from."""
    if not values:
        raise _Unreadable(f"No line has {what}. {_ending(text)} {_CURE}")
    if len(values) > 1:
        raise _Unreadable(f"Different values for {what}: {_listed(values.values())}. Print it once, as the result.")
    return next(iter(values))


def _last(text: str, rule: str, name: str, unit: str) -> float:
    for line in reversed(text.split("\n")):
        if found := list(_numbers(line, unit)):
            return _parse(found[-1], unit)
    raise _Unreadable(f"There is no number in the output. {_ending(text)} {_CURE}")


def _auto(text: str, rule: str, name: str, unit: str) -> float:
    for label, pattern in _LABELS.items():
        if re.search(pattern.format(re.escape(name)), text, re.MULTILINE):
            return _labelled(label, text, rule, name, unit)
    return _only([line.strip() for line in text.split("\n") if line.strip()], name, unit)


def _only(lines: list[str], name: str, unit: str) -> float:
    """Return the one number of the last line, if no other number can claim to be the result."""
    if lines[-1].startswith("METRIC "):
        raise _Unreadable(f"The last line is another metric, {_short(lines[-1])}. Print `METRIC {name}=value`.")
    bare = re.compile(rf"{_NUMBER}(?: ?{re.escape(unit)})?")
    if len({_parse(line, unit) for line in lines if bare.fullmatch(line)}) > 1:
        raise _Unreadable(f"Several lines are bare numbers: {_listed(filter(bare.fullmatch, lines))}. {_CURE}")
    values = {_parse(found, unit) for found in _numbers(lines[-1], unit)}
    if len(values) == 1:
        return values.pop()
    raise _Unreadable(f"The last line has {'more than one' if values else 'no'} number: {_short(lines[-1])}. {_CURE}")


def _numbers(line: str, unit: str) -> Iterator[str]:
    """Yield what reads as a number in free text, to be parsed; one that carries something unknown is not skipped."""
    if unit:
        line = re.sub(rf"(?<![\w.])({_NUMBER}) ?{re.escape(unit)}(?!\w)", r"\1  ", line)
    words = re.sub(r"[\t=|;]", "  ", line).split(" ")
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        bare = re.sub(r"^[a-zA-Z_]\w*:(?=[^:]+$)", "", word.lstrip(_OPENING)).rstrip(_CLOSING)
        if re.fullmatch(_NUMBER, bare):
            pair, following = f"{before} {bare}", after.rstrip(_CLOSING)
            yield pair if _GROUPED.fullmatch(pair) else f"{bare} {following}" if is_unit(following) else bare
        elif _NOT_FINITE.fullmatch(bare) or _GROUPED.fullmatch(bare) or _has_unit(bare):
            yield bare


def _has_unit(word: str) -> bool:
    """Tell whether a word is a number with a unit: `12ms`, but neither `2nd` nor the `3f` of a hash."""
    match = _GLUED.fullmatch(word)
    return bool(_SPAN.fullmatch(word) or (match and (is_unit(match[1]) or not _NO_UNIT.fullmatch(word))))


def _json(text: str, rule: str, name: str, unit: str) -> float:
    value = _document(text)
    for index, key in re.findall(r"\[([0-9]+)\]|([^.\[\]]+)", rule):
        value = _descend(value, int(index) if index else key, rule)
    if isinstance(value, str) and unit and value.endswith(unit):
        return _parse(value, unit)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unreadable(f"The JSON value at `{rule}` is {_short(json.dumps(value))}. Make it a number.")
    return _parse(repr(value), "")


def _document(text: str) -> object:
    """Return the whole output as JSON, or else its last line that is."""
    for candidate in (text, *reversed(text.split("\n"))):
        if candidate.lstrip().startswith(("{", "[")):
            try:
                return json.loads(candidate, parse_int=float, object_pairs_hook=_unique)  # `int` has a digit limit
            except (json.JSONDecodeError, RecursionError):
                continue
    raise _Unreadable(
        f"The output is not JSON, nor is any line of it. {_ending(text)} Print JSON alone or on one line."
    )


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if clashes := [key for key, value in pairs if repr(value) != repr(found[key])]:  # by text, since 1 == True
        raise _Unreadable(f"The JSON has two different values for {_short(clashes[0])}. Print it once.")
    return found


def _descend(value: object, step: int | str, rule: str) -> object:
    if isinstance(step, int) and isinstance(value, list) and step < len(value):
        return value[step]
    if isinstance(step, str) and isinstance(value, dict) and step in value:
        return value[step]
    known = f"its keys are {_listed(value)}" if isinstance(value, dict) else f"it is {_short(json.dumps(value))}"
    raise _Unreadable(f"The JSON has nothing at `{rule}`: {step!r} is not there, {known}. Correct the path in `read`.")


def _ending(text: str) -> str:
    return f"The output ends: {_short('…' * (len(text) > _SHOWN) + text.rstrip()[-_SHOWN + 1 :])}."


def _listed(items: Iterable[str]) -> str:
    return ", ".join(map(_short, islice(items, 6)))


def _short(text: str) -> str:
    flat = " ".join(text[: 2 * _SHOWN].split())
    return repr(flat if len(flat) <= _SHOWN else f"{flat[: _SHOWN - 1]}…")


_line, _key = (partial(_labelled, label) for label in _LABELS)
_READERS: Mapping[str, Callable[[str, str, str, str], float]]
_READERS = {"auto": _auto, "channel": _auto, "last": _last, "line": _line, "key": _key, "json": _json}
