"""The end of what a command printed, to keep or to show: each stream's own, so that a long one hides no other."""

from __future__ import annotations

import re

HEADINGS = ("standard error", "written by the command", "the server")
"""What stands before the streams after standard output."""
_NEXT = re.compile(rf"\n(?=--- (?:{'|'.join(HEADINGS)}) ---\n)")
_ERROR = re.compile(
    r"^E[ \t]{1,8}\S.{0,300}"  # pytest
    r"|^[ \t]{0,8}File \"[^\"\n]{1,300}\", line \d{1,7}\n(?:.{0,300}\n){0,3}?(?:Syntax|Indentation|Tab)Error: .{0,300}"
    r"|^[\w.]{0,80}(?:Error|Exception): .{0,300}"
    r"|^[^\s:]{1,200}:\d{1,7}:(?:\d{1,7}:)? (?:fatal )?error: .{0,300}",  # compilers
    re.MULTILINE,
)


def with_headings(stdout: str, *others: str) -> str:
    """Join streams to one text, standard output first, each that follows another under its heading; empty ones are left out."""
    text = stdout.rstrip()
    for heading, part in zip(HEADINGS, others, strict=True):
        if part.strip():
            text += (f"\n--- {heading} ---\n" if text else "") + part.rstrip()
    return text


def ends(text: str, length: int) -> str:
    """Return at most `length` characters of such a text: the end of each stream, with the last lines before it that name an error.

    What a short stream leaves of its share goes to the longer ones.
    """
    if len(text) <= length:
        return text
    parts = _NEXT.split(text)
    rest, kept = length - len(parts) + 1, dict.fromkeys(range(len(parts)), "")
    for done, place in enumerate(sorted(kept, key=lambda place: len(parts[place]))):
        kept[place] = _end(parts[place], max(0, rest // (len(parts) - done)))
        rest -= len(kept[place])
    return "\n".join(part for part in kept.values() if part)


def _end(part: str, room: int) -> str:
    if len(part) <= room:
        return part
    line, _, body = part.partition("\n")
    heading = f"{line}\n" if line in {f"--- {name} ---" for name in HEADINGS} else ""
    body, room = (body, room - len(heading)) if heading else (part, room)
    if room <= 0:
        return ""
    named = _errors(body[:-room], room // 2)
    return heading + named + body[len(body) - room + len(named) :]


def _errors(text: str, room: int) -> str:
    """Return the last lines that name an error, as many as there is room for, each once."""
    chosen: list[str] = []
    for found in reversed(list(dict.fromkeys(match.group() for match in _ERROR.finditer(text)))):
        room -= len(found) + 1
        if room < 2:
            break
        chosen.insert(0, found)
    return "\n".join([*chosen, "…\n"]) if chosen else ""
