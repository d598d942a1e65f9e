"""Cuts shell text into words, operators and redirections, with quotes taken off. One pass; knows no program by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class ShellWord:
    """A word without its quotes, and the commands whose output stands in it."""

    text: str
    inner: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operator:
    """What stands between programs."""

    text: str


@dataclass(frozen=True)
class Redirect:
    """Where a stream comes from or goes to. `body` is the text of a here-document."""

    operator: str
    target: str = ""
    inner: tuple[str, ...] = ()
    body: str = ""


Token = ShellWord | Operator | Redirect

_BLANK = re.compile(r"(?:[ \t\r]|\\\n)+")
_OPERATOR = re.compile(r"&&|\|\||;;&?|;&|\|&|[;|&()\n]")
_REDIRECT = re.compile(r"\d{0,3}(?:<<<|<<-?|<>|<&|>>|>&|>\||<(?!\()|>(?!\())|&>>?")
_PLAIN = re.compile(r"[^\s\\'\"`$;|&()<>]+")
_IN_QUOTES = re.compile(r"[^\\\"`$]+")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "e": "\x1b", "0": "\0"}


def tokens(text: str) -> tuple[Token, ...]:
    """Every token of a text; an open quote goes to the end."""
    return tuple(_Reader(text).read())


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._inner: list[str] = []
        self._documents: list[tuple[str, int]] = []

    def read(self) -> Iterator[Token]:
        found: list[Token] = []
        while self._at < len(self._text):
            if blank := _BLANK.match(self._text, self._at):
                self._at = blank.end()
            elif self._text[self._at] == "#":
                self._skip_comment()
            elif redirect := _REDIRECT.match(self._text, self._at):
                self._redirect(redirect, found)
            elif operator := _OPERATOR.match(self._text, self._at):
                self._at = operator.end()
                found.append(Operator(operator[0]))
                if operator[0] == "\n":
                    self._bodies(found)
            else:
                found.append(self._word())
        return iter(found)

    def _skip_comment(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end

    def _redirect(self, match: re.Match[str], found: list[Token]) -> None:
        self._at = match.end()
        if blank := _BLANK.match(self._text, self._at):
            self._at = blank.end()
        operator = match[0].lstrip("0123456789")
        ends = self._at >= len(self._text) or _OPERATOR.match(self._text, self._at) is not None
        word = ShellWord("") if ends else self._word()
        if operator in {"<<", "<<-"}:
            self._documents.append((word.text, len(found)))
        body = word.text if operator == "<<<" else ""
        found.append(Redirect(operator, word.text, word.inner, body))

    def _bodies(self, found: list[Token]) -> None:
        """Read the here-documents that were announced on the line before."""
        for end, place in self._documents:
            lines: list[str] = []
            while self._at < len(self._text):
                stop = self._text.find("\n", self._at)
                stop = len(self._text) if stop < 0 else stop
                line, self._at = self._text[self._at : stop], stop + 1
                if line.lstrip("\t") == end:
                    break
                lines.append(line)
            known = found[place]
            assert isinstance(known, Redirect)
            found[place] = Redirect(known.operator, known.target, known.inner, "\n".join(lines))
        self._documents = []

    def _word(self) -> ShellWord:
        parts: list[str] = []
        self._inner = []
        # A tilde in quotes is a name like any other.
        if re.match(r"\\~|'~|\"~", self._text[self._at : self._at + 2]):
            parts.append("./")
        start = self._at
        while self._at < len(self._text):
            if plain := _PLAIN.match(self._text, self._at):
                parts.append(plain[0])
                self._at = plain.end()
            elif not self._special(parts):
                break
        if self._at == start:  # nothing else fits: take one character, so that reading goes on
            parts.append(self._text[start])
            self._at += 1
        return ShellWord("".join(parts), tuple(self._inner))

    def _special(self, parts: list[str]) -> bool:
        """Read one quoted or substituted piece; false at the end of the word."""
        text, at = self._text, self._at
        if text[at] == "\\":
            parts.append("" if text[at + 1 : at + 2] == "\n" else text[at + 1 : at + 2])
            self._at += 2
        elif text[at] == "'":
            parts.append(self._until("'", at + 1))
        elif text.startswith("$'", at):
            parts.append(self._c_string(at + 2))
        elif text[at] == '"' or text.startswith('$"', at):
            self._at = at + (1 if text[at] == '"' else 2)
            self._double(parts)
        elif text[at] in "`$" or text.startswith(("<(", ">("), at):
            self._substitution(parts)
        else:
            return False
        return True

    def _until(self, mark: str, start: int) -> str:
        end = self._text.find(mark, start)
        end = len(self._text) if end < 0 else end
        self._at = end + 1
        return self._text[start:end]

    def _c_string(self, start: int) -> str:
        match = re.compile(r"(?:[^\\']|\\.)*+", re.DOTALL).match(self._text, start)
        assert match is not None
        self._at = match.end() + 1
        return re.sub(r"\\x([0-9a-fA-F]{1,2})|\\(.)", _unescaped, match[0], flags=re.DOTALL)

    def _double(self, parts: list[str]) -> None:
        while self._at < len(self._text) and self._text[self._at] != '"':
            if plain := _IN_QUOTES.match(self._text, self._at):
                parts.append(plain[0])
                self._at = plain.end()
            elif self._text[self._at] == "\\":
                escaped = self._text[self._at + 1 : self._at + 2]
                parts.append(escaped if escaped in '"\\$`' else "" if escaped == "\n" else f"\\{escaped}")
                self._at += 2
            else:
                self._substitution(parts)
        self._at += 1

    def _substitution(self, parts: list[str]) -> None:
        text, at = self._text, self._at
        if text[at] == "`":
            self._inner.append(self._until("`", at + 1))
        elif text.startswith("$((", at):
            self._at = _closing(text, at + 2)
            self._inner += re.findall(r"\$\(([^()]+)\)", text[at + 3 : self._at])
        elif text.startswith(("$(", "<(", ">("), at):
            self._at = _closing(text, at + 2)
            self._inner.append(text[at + 2 : self._at - 1])
        elif text.startswith("${", at):
            end = text.find("}", at)
            self._at = len(text) if end < 0 else end + 1
            self._inner += re.findall(r"\$\(([^()]*)\)", text[at : self._at])
        else:
            self._at = at + 1
        parts.append(text[at : self._at])


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _ESCAPED.get(match[2], match[2])


_NESTING = re.compile(r"\\.|'[^']*+'?|\"(?:[^\\\"]|\\.)*+\"?|[()]", re.DOTALL)


def _closing(text: str, start: int) -> int:
    """Behind the parenthesis that closes what was opened before `start`."""
    depth = 1
    for match in _NESTING.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return len(text)
