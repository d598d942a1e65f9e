"""Fingerprints of a change, so that the same idea is known again whatever its spacing."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_NUMBER = re.compile(r"\d+(?:[._]\d+)*(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class Change:
    """A difference as it is, turned round, and with every number taken out; each SHA-256 in hexadecimal."""

    change: str
    inverse: str
    shape: str


def fingerprints(diff: str) -> Change:
    """The fingerprints of a patch as git prints it; white space within lines and empty lines do not count."""
    removed, added = _lines(diff, "-"), _lines(diff, "+")
    return Change(_digest(removed, added), _digest(added, removed), _digest(_bare(removed), _bare(added)))


def _lines(diff: str, sign: str) -> list[str]:
    found, name, inside = [], "", False
    for line in diff.split("\n"):
        if line.startswith("diff --git "):
            name, inside = line.rpartition(" b/")[2], False
        elif line.startswith("@@"):
            inside = True
        elif inside and line.startswith(sign) and line[1:].strip():
            found.append(f"{name}\t{' '.join(line[1:].split())}")
    return found


def _bare(lines: list[str]) -> list[str]:
    return [_NUMBER.sub("#", line) for line in lines]


def _digest(removed: list[str], added: list[str]) -> str:
    return hashlib.sha256("\0".join((*removed, "\1", *added)).encode(errors="surrogateescape")).hexdigest()
