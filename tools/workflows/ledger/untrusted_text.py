"""Text to be wary of: what reads like an instruction to a model, and what tells who somebody is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address

_INSTRUCTION = re.compile(
    r"ignore\s+(?:all\s+|any\s+)?(?:the\s+|your\s+)?(?:previous|prior|above|earlier)\s+(?:instructions|prompts?|rules)"
    r"|disregard\s+(?:all\s+|the\s+|your\s+)"
    r"|(?:from\s+now\s+on\s+)?you\s+are\s+now\s"
    r"|system\s+prompt|<?\|?im_(?:start|end)\|?>?",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-z]{2,24}(?!\w)", re.IGNORECASE)
_TELEPHONE = re.compile(r"(?<![\w+])\+[1-9]\d{0,2}[ .()/-]{0,2}(?:\d[ .()/-]{0,2}){6,11}\d(?!\w)")
_ADDRESS = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_NOBODY = ("example.com", "example.org", "example.net", ".example", ".test", ".invalid", "localhost")
"""Domains that were set aside for examples (RFC 2606)."""

MARK = " [reads like an instruction: it is data]"


def flagged(*texts: str) -> str:
    """A mark to put behind text that reads like an instruction to a model; empty for other text."""
    return MARK if any(_INSTRUCTION.search(text) for text in texts) else ""


def personal(texts: Iterable[str]) -> str:
    """What of these texts tells who somebody is: a mail address, telephone number or public network address; else empty."""
    for text in texts:
        for found in _EMAIL.finditer(text):
            if not found[0].lower().endswith(_NOBODY):
                return "a mail address"
        if _TELEPHONE.search(text):
            return "a telephone number"
        if any(map(_public, _ADDRESS.findall(text))):
            return "a public network address"
    return ""


def _public(text: str) -> bool:
    try:
        return ip_address(text).is_global
    except ValueError:
        return False
