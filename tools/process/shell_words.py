"""Cuts shell text into words, operators and redirections, with quotes taken off; and the names that words can be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
_INNERMOST = re.compile(r"\$\(([^()]+)\)|`([^`]+)`")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "e": "\x1b", "0": "\0"}


def tokens(text: str) -> tuple[Token, ...]:
    """Return every token of a text; an open quote goes to the end."""
    return tuple(_Reader(text).read())


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._inner: list[str] = []
        self._open_until = 0
        """Up to here no arithmetic is looked for again, so that many parentheses take no longer."""
        self._documents: list[tuple[str, bool, int]] = []
        """Here-documents of this line: the word that ends each, whether it is expanded, and the place of its token."""

    def read(self) -> Iterator[Token]:
        found: list[Token] = []
        while self._at < len(self._text):
            if blank := _BLANK.match(self._text, self._at):
                self._at = blank.end()
            elif self._text[self._at] == "#":
                self._skip_comment()
            elif redirect := _REDIRECT.match(self._text, self._at):
                self._redirect(redirect, found)
            elif self._text.startswith("((", self._at) and (end := self._arithmetic_end()):
                found.append(ShellWord(self._text[self._at : end], _computed(self._text[self._at : end])))
                self._at = end
            elif operator := _OPERATOR.match(self._text, self._at):
                self._at = operator.end()
                found.append(Operator(operator[0]))
                if operator[0] == "\n":
                    self._bodies(found)
            else:
                found.append(self._word())
        return iter(found)

    def _arithmetic_end(self) -> int:
        """Return where arithmetic that begins here ends; 0 if what begins here is no arithmetic but two subshells."""
        if self._at >= self._open_until:
            end = _closing(self._text, self._at + 2)
            if self._text.startswith("))", end - 1):
                return end + 1
            self._open_until = end
        return 0

    def _skip_comment(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end

    def _redirect(self, match: re.Match[str], found: list[Token]) -> None:
        self._at = match.end()
        if blank := _BLANK.match(self._text, self._at):
            self._at = blank.end()
        operator = match[0].lstrip("0123456789")
        ends = self._at >= len(self._text) or _OPERATOR.match(self._text, self._at) is not None
        start = self._at
        word = ShellWord("") if ends else self._word()
        if operator in {"<<", "<<-"}:
            self._documents.append((word.text, self._text[start : self._at] == word.text, len(found)))
        body = word.text if operator == "<<<" else ""
        found.append(Redirect(operator, word.text, word.inner, body))

    def _bodies(self, found: list[Token]) -> None:
        """Read the here-documents that were announced on the line before."""
        for end, expands, place in self._documents:
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
            body = "\n".join(lines)
            inner = (*known.inner, *_substituted(body)) if expands else known.inner
            found[place] = Redirect(known.operator, known.target, inner, body)
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

    def substituted(self) -> tuple[str, ...]:
        """Read the whole text as the body of a here-document; return the commands in it."""
        while self._at < len(self._text):
            self._double([])  # a double quote is a character like any other there
        return tuple(self._inner)

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
        elif text.startswith("$((", at) and (end := _closing_arithmetic(text, at + 3)):
            self._at = end
            self._inner += _computed(text[at:end])
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


def _computed(arithmetic: str) -> tuple[str, ...]:
    """Return the commands whose output is computed with: those that hold no other."""
    return tuple(match[1] or match[2] for match in _INNERMOST.finditer(arithmetic, 2))


def _substituted(text: str) -> tuple[str, ...]:
    return _Reader(text).substituted()


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _ESCAPED.get(match[2], match[2])


_NESTING = re.compile(r"\\.|'[^']*+'?|\"(?:[^\\\"]|\\.)*+\"?|[()]", re.DOTALL)


def _closing(text: str, start: int) -> int:
    """Return the place behind the parenthesis that closes what was opened before `start`."""
    depth = 1
    for match in _NESTING.finditer(text, start):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return len(text)


def _closing_arithmetic(text: str, start: int) -> int:
    """Return the place behind arithmetic opened before `start`; 0 if it is no arithmetic but a subshell."""
    end = _closing(text, start)
    return end + 1 if text.startswith("))", end - 1) else 0


SHELLS = frozenset("sh bash zsh dash ksh fish ash".split())


@dataclass(frozen=True)
class Wrapper:
    """A program that only starts another one.

    `valued` are its options that take a value, `words` is how many words stand before that program, `queries` are
    options with which it starts nothing.
    """

    valued: frozenset[str] = frozenset()
    words: int = 0
    queries: frozenset[str] = frozenset()

    def length(self, words: Sequence[str]) -> int:
        """Return how many of these words, the wrapper first, come before the program that it starts; 0 if it starts none."""
        at = 1
        while at < len(words) and words[at].startswith("-") and words[at] != "-":
            if words[at] in self.queries:
                return 0
            at += 2 if self._takes_next(words[at]) else 1
        at += self.words
        # `flock FILE -c TEXT` is no program named `-c`.
        return 0 if self.words and words[at : at + 1] and words[at].startswith("-") else min(at, len(words))

    def _takes_next(self, option: str) -> bool:
        if option.startswith("--"):
            return option in self.valued
        letters = option[1:]
        valued = next((place for place, letter in enumerate(letters) if f"-{letter}" in self.valued), None)
        return valued == len(letters) - 1


def _wrapper(valued: str = "", words: int = 0, queries: str = "") -> Wrapper:
    return Wrapper(frozenset(valued.split()), words, frozenset(queries.split()))


WRAPPERS = {
    "sudo": _wrapper("-u -g -h -p -C -D -R -T --user --group"),
    "doas": _wrapper("-u -C"),
    "env": _wrapper("-u -C --unset --chdir"),
    "nice": _wrapper("-n --adjustment"),
    "ionice": _wrapper("-c -n --class --classdata"),
    "timeout": _wrapper("-s -k --signal --kill-after", words=1),
    "gtimeout": _wrapper("-s -k --signal --kill-after", words=1),
    "taskset": _wrapper(words=1),
    "chrt": _wrapper(words=1),
    "numactl": _wrapper("-C -N -m -i -p --physcpubind --cpunodebind --membind --interleave --preferred"),
    "stdbuf": _wrapper("-i -o -e --input --output --error"),
    "time": _wrapper("-f -o --format --output"),
    "xargs": _wrapper("-n -I -L -P -s -d -a -E --max-args --max-procs --replace --delimiter --arg-file"),
    "parallel": _wrapper("-j -n -N -I -a --jobs --joblog --timeout --delay --retries --colsep --results --halt"),
    "flock": _wrapper("-w -E --timeout --conflict-exit-code", words=1),
    "chroot": _wrapper(words=1),
    "strace": _wrapper("-e -o -s -P -p -u"),
    "busybox": _wrapper(),
    "nohup": _wrapper(),
    "setsid": _wrapper(),
    "caffeinate": _wrapper("-t -w"),
    "exec": _wrapper("-a"),
    "command": _wrapper(queries="-v -V -pv -pV"),
    "builtin": _wrapper(),
}
"""The one table of them, by name."""
BUILT_IN = frozenset(
    "cd echo exit export false printf set test trap true [ [[ ]] wait ulimit umask shift declare typeset pushd popd type "
    "alias read unset eval source . : local return readonly break continue shopt hash kill exec command builtin time".split()
)
"""Commands of the shell itself: no file is started for them."""
