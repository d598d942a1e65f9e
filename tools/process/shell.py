"""Cuts a shell command into the programs that it would start, with their words, operators and redirections.

What a shell is told to run is cut as well: `$(...)`, backticks, `<(...)`, here-documents, `sh -c`, `eval`, `trap`,
`find -exec`. Variables stay as they are written. Linear in the text but for nesting, which has an end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from posixpath import basename

from .shell_words import SHELLS, WRAPPERS, Operator, Redirect, ShellWord, Token, tokens

_DEEPEST = 6
_MOST_SCRIPTS = 2000
_MOST_STARTS = 20


_OPENING = frozenset("if while until then do else elif ! { time coproc".split())
_CLOSING = frozenset("fi done esac }".split())
_RESERVED = (_OPENING | _CLOSING) - {"time"}
_NO_PROGRAM = frozenset("for select case function".split())
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=")
_DECLARING = frozenset("export declare typeset readonly local".split())


@dataclass(frozen=True)
class SimpleCommand:
    """One program with its arguments, what starts it, the operators around it and what is redirected.

    `words` are empty where no program is started: an assignment alone, the head of a loop, a pattern of `case`, `fi`.
    """

    words: tuple[str, ...]
    wrappers: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    redirects: tuple[Redirect, ...] = ()
    fed: tuple[str, ...] = field(default=(), repr=False)
    """Commands whose output stands in its words, as text."""
    assigned: tuple[str, ...] = ()
    """Assignments in front of it, of `env`, and of `export` and its like."""
    data: tuple[str, ...] = ()
    """Words that no program gets as they stand: of an array, the head of a loop, a pattern."""

    @property
    def name(self) -> str:
        """The program without its folder."""
        return basename(self.words[0]) if self.words else ""

    @property
    def piped(self) -> bool:
        """Whether its input is the output of the program before it."""
        return re.search(r"(?<!\|)\|(?!\|)", self.before) is not None


def scripts(command: str) -> tuple[tuple[SimpleCommand, ...], ...]:
    """Cut a command and every command within it: each as the programs that it starts, in the order in which they stand."""
    found: list[tuple[SimpleCommand, ...]] = []
    waiting = [(command, 0)]
    while waiting and len(found) < _MOST_SCRIPTS:
        text, depth = waiting.pop(0)
        parts = _Script(text).read()
        found.append(parts)
        if depth < _DEEPEST:
            inner = (script for place in range(len(parts)) for script in _within(parts, place))
            waiting += [(script, depth + 1) for script in inner]
            found += [(started,) for part in parts for started in _for_each_file(part)]
    return tuple(found)


Starts = Callable[[Sequence[str]], Sequence[str]]
"""The commands, as text, that a program with these words starts in turn."""


def simple_commands(command: str, starts: Starts = lambda words: ()) -> tuple[SimpleCommand, ...]:
    """List what a command and every command within it start, the outer one first; `starts` knows more such programs."""
    return tuple(islice(_deep(command, starts, 0), _MOST_SCRIPTS))


def _deep(command: str, starts: Starts, depth: int) -> Iterator[SimpleCommand]:
    parts = _Script(command).read()
    for place, part in enumerate(parts):
        inner = (*_within(parts, place), *starts(part.words)) if depth < _DEEPEST else ()
        # What an assignment needs stands before the program.
        first = len(part.fed) if any("$(" in word or "`" in word for word in part.assigned) else 0
        yield from (found for text in inner[:first] for found in _deep(text, starts, depth + 1))
        yield part
        yield from _for_each_file(part)
        yield from (found for text in inner[first:] for found in _deep(text, starts, depth + 1))


class _Script:
    """Reads one script. Knows the shell's reserved words; what it reads need not be complete or right."""

    def __init__(self, text: str) -> None:
        self._tokens: Sequence[Token] = (*tokens(text), Operator(";"))
        places = (place for place, token in enumerate(self._tokens) if token == ShellWord("]]"))
        self._last_bracket = max(places, default=-1)
        self._at = 0
        self._found: list[SimpleCommand] = []
        self._cases = 0
        self._in_pattern = False
        self._before = ""
        self._begin("")

    def _begin(self, before: str) -> None:
        self._words: list[ShellWord] = []
        self._redirects: list[Redirect] = []
        self._data: list[ShellWord] = []
        self._head = ""
        """The first word that is not reserved; empty while a reserved word may follow."""
        self._behind = 0
        """How many words stand behind it."""
        self._before = before

    def read(self) -> tuple[SimpleCommand, ...]:
        """Return the simple commands in the order in which they stand."""
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if self._head == "[[" and self._at - 1 < self._last_bracket and not isinstance(token, ShellWord):
                # Within `[[ ... ]]` there are neither pipes nor redirections.
                self._words.append(ShellWord(token.text if isinstance(token, Operator) else token.operator))
                if isinstance(token, Redirect):
                    self._words.append(ShellWord(token.target, token.inner))
            elif isinstance(token, Redirect):
                self._redirects.append(token)
            elif isinstance(token, Operator):
                self._operator(token.text)
            else:
                self._word(token)
        return tuple(self._found)

    def _word(self, word: ShellWord) -> None:
        if self._in_pattern:
            self._in_pattern = bool(self._words) or word.text != "esac"
        elif self._head:
            self._behind += 1
            if self._head == "[[" and word.text == "]]":
                self._head = "]]"
            elif self._head in {"for", "select"} and self._behind == 2 and word.text in {"do", "{"}:
                self._end("")
        elif word.text not in _OPENING | _CLOSING and not (self._words and word.text == "-p"):
            self._head = word.text
        if not self._in_pattern and not self._head and word.text == "esac":
            self._cases = max(0, self._cases - 1)
        self._words.append(word)
        if self._head == "case" and self._behind == 2 and word.text == "in":
            self._cases += 1
            self._end("")
            self._in_pattern = True
        elif self._head == "function" and self._behind == 1:
            self._end("")

    def _operator(self, text: str) -> None:
        if self._in_pattern and text in {"(", "|", "\n"}:
            return
        if text == "(" and self._words and _ASSIGNMENT.fullmatch(self._words[-1].text):
            self._array()
            return
        if text == "(" and self._head and not self._behind and self._tokens[self._at] == Operator(")"):
            self._at += 1
            self._data, self._words = self._words, []
            self._end("()")
        elif self._words or self._redirects:
            self._end(text)
        else:
            self._before += text
        self._in_pattern = self._cases > 0 and text in {";;", ";&", ";;&"}

    def _array(self) -> None:
        """Pass over the values of an array."""
        depth = 1
        while depth and self._at < len(self._tokens) - 1:
            token = self._tokens[self._at]
            self._at += 1
            if isinstance(token, ShellWord):
                self._data.append(token)
            elif isinstance(token, Operator):
                depth += {"(": 1, ")": -1}.get(token.text, 0)

    def _end(self, after: str) -> None:
        """End the simple command that was read."""
        if self._in_pattern or self._head in _NO_PROGRAM or self._head.startswith("(("):
            self._data, self._words = [*self._words, *self._data], []
        self._found.append(_unwrapped(self._words, self._redirects, self._data, self._before, after))
        self._begin(after)


def _unwrapped(
    words: Sequence[ShellWord],
    redirects: Sequence[Redirect] = (),
    data: Sequence[ShellWord] = (),
    before: str = "",
    after: str = "",
) -> SimpleCommand:
    """Find the program itself, behind the assignments and the programs that only start it."""
    rest = [word.text for word in words]
    wrappers: list[str] = []
    assigned: list[str] = []
    pieces: tuple[ShellWord | Redirect, ...] = (*words, *data, *redirects)
    inner = [text for piece in pieces for text in piece.inner]
    while rest:
        name, length = basename(rest[0]), 1
        if _ASSIGNMENT.match(rest[0]):
            assigned.append(rest[0])
        elif name in WRAPPERS:
            if name == "env":
                rest, split = _split(rest)
                inner += [text for text in split if re.search(r"[;|&\n]", text)]
            length = WRAPPERS[name].length(rest)
        elif rest[0] not in _RESERVED:
            break
        if not length:
            break
        wrappers, rest = [*wrappers, *rest[:length]], rest[length:]
    # Bare `env` or `time` starts nothing: it is the program.
    program = tuple(rest) or _last_wrapper(wrappers)
    if program[:1] and program[0] in _DECLARING:
        assigned += [word for word in program[1:] if _ASSIGNMENT.match(word)]
    return SimpleCommand(
        program,
        tuple(wrappers),
        before,
        after,
        tuple(redirects),
        tuple(inner),
        tuple(assigned),
        tuple(word.text for word in data),
    )


def _split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Put in the place of `env -S TEXT` the words that it makes of the text; return the texts as well."""
    for place, word in enumerate(words[1:], 1):
        if option := re.fullmatch(r"-[i0v]*S(.*)|--split-string(?:=(.*))?", word, re.DOTALL):
            attached = option[1] or option[2] or ""
            texts = [attached] if attached else list(words[place + 1 : place + 2])
            made = [token.text for text in texts for token in tokens(text) if isinstance(token, ShellWord)]
            return [*words[:place], *made, *words[place + (1 if attached else 2) :]], texts
        if not word.startswith("-") and words[place - 1] not in WRAPPERS["env"].valued:
            break
    return list(words), []


def _last_wrapper(words: Sequence[str]) -> tuple[str, ...]:
    places = [place for place, word in enumerate(words) if basename(word) in WRAPPERS]
    return tuple(words[places[-1] :]) if places else ()


def _within(parts: Sequence[SimpleCommand], place: int) -> Iterator[str]:
    """Yield the commands inside one program's words, arguments and input."""
    part, arguments = parts[place], parts[place].words[1:]
    yield from part.fed
    if part.name in SHELLS | {"su", "script", "flock"}:
        yield from _after_c(arguments)
    if part.name in SHELLS | {"su"}:
        yield from (redirect.body for redirect in part.redirects if redirect.body)
        if part.piped and place:
            yield from _written(parts[place - 1])
    elif part.name == "eval":
        # Words keep a mark of a quoted tilde, which means the home folder again when it is read a second time.
        yield " ".join(word.removeprefix("./") if word.startswith("./~") else word for word in arguments)
    elif part.name == "trap" and arguments:
        yield arguments[0]
    elif part.name in {"hyperfine", "watch", "concurrently"}:
        yield from (word for word in arguments if " " in word)
    if "parallel" in map(basename, part.wrappers) and " " in part.words[0]:
        yield part.words[0]


def _written(part: SimpleCommand) -> Iterator[str]:
    """Yield what a program writes into the pipe, where that can be read off its words."""
    if part.name in {"echo", "printf"}:
        yield " ".join(part.words[1:])
    yield from (redirect.body for redirect in part.redirects if redirect.body)


def _after_c(arguments: Sequence[str]) -> Iterator[str]:
    for place, word in enumerate(arguments):
        if re.fullmatch(r"-[a-zA-Z]*c[a-zA-Z]*|--command", word):
            yield from [text for text in arguments[place + 1 :] if not text.startswith("-")][:1]
            return


def _for_each_file(part: SimpleCommand) -> Iterator[SimpleCommand]:
    """Yield what `find` starts for each file; the folder that it looks in stands for the file."""
    if part.name != "find":
        return
    root = next((word for word in part.words[1:2] if not word.startswith("-")), ".")
    starts = (place for place, word in enumerate(part.words) if word in {"-exec", "-execdir", "-ok", "-okdir"})
    for place in islice(starts, _MOST_STARTS):
        rest = part.words[place + 1 :]
        end = next((n for n, text in enumerate(rest) if text in {";", "+"}), len(rest))
        narrowed = any(test in part.words[:place] for test in ("-name", "-iname", "-path", "-type"))
        file = f"{root.rstrip('/')}/found" if narrowed else root
        yield _unwrapped([ShellWord(file if text == "{}" else text) for text in rest[:end]])
