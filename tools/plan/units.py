"""What may stand around a number in a command's output: its unit, and what shows that it is only a part of a number."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

_SCALES = {"n": 1e-9, "nano": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "micro": 1e-6, "m": 1e-3, "milli": 1e-3, "": 1.0}
_SCALES |= {
    "k": 1e3,
    "K": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
}


def _kind(names: str, scales: str) -> dict[str, float]:
    """Return what each unit of a kind is worth in the first of them."""
    return {scale + name: _SCALES[scale] for name in names.split() for scale in ("", *scales.split())}


_LONG_TIMES = dict.fromkeys(("min", "mins", "minute", "minutes"), 60.0)
_LONG_TIMES |= dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0) | dict.fromkeys(("d", "day", "days"), 86400.0)
TIME_UNITS = _kind("s sec secs second seconds", "n u µ μ m nano micro milli") | _LONG_TIMES
_SECONDS = TIME_UNITS | {"m": 60.0}  # within `1h 20m`; by itself it may be metres
_KINDS: tuple[Mapping[str, float], ...] = (
    TIME_UNITS,
    _kind("B byte bytes", "k K M G T Ki Mi Gi Ti"),
    _kind("b bit bits bps", "k K M G T"),
    _kind("Hz", "k M G"),
    _kind("FLOPS FLOP", "k M G T"),
    {scale: _SCALES[scale] for scale in ("", "k", "K", "M", "G", "T")},
)
_KNOWN = frozenset(unit for kind in _KINDS for unit in kind) - {"", "b", "d"} | {"%"}  # `3d` is a word
_THIN = "\u00a0\u2009\u202f"
UNIT_BEHIND = re.compile(rf"([ {_THIN}]?)(%|[a-zA-Zµμ]{{1,12}}(?:/[a-zA-Z]{{1,12}})?)(?![\w%])")
# Around a capture: digits, a sign or an exponent that go with it, groups of digits, and the other parts of a time.
_GOES_BEFORE = re.compile(r"[0-9][.]?$|[0-9][eE][+-]?$|(?:^|[^\w.])\.$|(?:^|[\s:=(\[,;|])-$|−$")
_GROUP_BEFORE, _GROUP = re.compile(rf"(?<![0-9])[0-9]{{1,3}}[,_'’{_THIN}]$"), re.compile(r"[0-9]{3}(?![0-9])")
_GOES_ON = re.compile(
    rf"[0-9]|\.[0-9]|[eE][+-]?[0-9]|[,_'’{_THIN}][0-9]{{3}}(?![0-9])"
    r"|:[0-5][0-9](?![0-9])| ?[×x*·] ?10(?:\^|\*\*|[⁻⁰¹²³⁴-⁹])"
)
_CLOCK_BEFORE, _CLOCK = re.compile(r"(?<![\w.:])[0-9:]*[1-9][0-9:]*:$"), re.compile(r"[0-5][0-9](?:\.[0-9]*)?")
_LONG = rf"(?:m|{'|'.join(_LONG_TIMES)}),?"
_SPAN_BEFORE = re.compile(rf"(?<![\w.])0*[1-9][0-9]* ?{_LONG} ?$")
_SPAN_ON = re.compile(r",? ?[0-9]+(?:\.[0-9]*)? ?([a-zA-Zµμ]+)")
_NEAR = 30  # characters in which the parts of a time are looked for


def is_unit(word: str) -> bool:
    """Tell whether a word behind a number is a unit: one that we know, or a rate such as `req/s`, `MB/frame` or `ns/op`."""
    part, _, per = word.partition("/")
    return word in _KNOWN or (per != "" and (part in _KNOWN or per in TIME_UNITS))


def converted(value: float, unit: str, wanted: str) -> float | None:
    """Return a number in another unit of its kind; None where there is no such unit."""
    (part, _, per), (asked, _, to) = unit.partition("/"), wanted.partition("/")
    found = (value * kind[part] / kind[asked] for kind in _KINDS if part in kind and asked in kind)
    return value if unit == wanted else next(found, None) if per == to else None


def is_part(number: str, head: str, tail: str) -> bool:
    """Tell whether a number goes on in what stands before or behind it on its line."""
    grouped = _GROUP_BEFORE.search(head) and _GROUP.match(number)
    clock = _CLOCK_BEFORE.search(head[-_NEAR:]) and _CLOCK.fullmatch(number)
    return bool(grouped or clock or _GOES_BEFORE.search(head) or _GOES_ON.match(tail))


def is_part_of_a_time(unit: str, head: str, tail: str) -> bool:
    """Tell the same of the seconds of `1m 2.5s` or the hours of `1 h 20 min`, by the unit of the number and what is behind it."""
    if unit not in TIME_UNITS:
        return False
    shorter = _SPAN_ON.match(tail)
    on = unit in _LONG_TIMES and shorter and _SECONDS.get(shorter[1], math.inf) < TIME_UNITS[unit]
    return bool(on or _SPAN_BEFORE.search(head[-_NEAR:]))
