"""Fingerprints of a change, so that the same idea is known again whatever its spacing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

_NUMBER = re.compile(r"\d+(?:[._]\d+)*(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class ChangeFingerprints:
    """A difference as it is, turned round, and with every number taken out; each SHA-256 in hexadecimal."""

    change: str
    inverse: str
    shape: str


def resemblance(change: ChangeFingerprints, latest: Callable[[str, str], int | None]) -> str:
    """Which earlier iteration a new change makes again, turns round, or differs from in numbers only.

    `latest` gives the last iteration with a fingerprint of a kind; None without one.
    """
    if (earlier := latest("change", change.change)) is not None:
        return f"This is iteration {earlier}'s change again, on another incumbent."
    if (earlier := latest("change", change.inverse)) is not None:
        return f"This turns iteration {earlier}'s change round."
    if (earlier := latest("shape", change.shape)) is not None:
        return f"This differs from iteration {earlier}'s change in numbers only."
    return ""


def fingerprints(diff: str) -> ChangeFingerprints:
    """The fingerprints of a patch as git prints it; white space within lines and empty lines do not count."""
    removed, added = _lines(diff, "-"), _lines(diff, "+")
    return ChangeFingerprints(_digest(removed, added), _digest(added, removed), _digest(_bare(removed), _bare(added)))


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
