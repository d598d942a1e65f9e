"""Cuts a shell command into the programs that it would start, with their words, operators and redirections.

What a shell is told to run is cut as well: `$(...)`, backticks, `<(...)`, here-documents, `sh -c`, `eval`, `trap`,
`find -exec`. Variables stay as they are written. Linear in the text but for nesting, which has an end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from .shell_words import Operator, Redirect, ShellWord, tokens

_DEEPEST = 6
_MOST_SCRIPTS = 2000
_MOST_STARTS = 20
SHELLS = frozenset("sh bash zsh dash ksh fish ash".split())
# Programs that start another: their options that take a value, and how many words come before the program.
_STARTERS: dict[str, tuple[str, int]] = {
    "sudo": ("-u -g -h -p -C -D -R -T --user --group", 0),
    "doas": ("-u -C", 0),
    "env": ("-u -C --unset --chdir", 0),
    "nice": ("-n --adjustment", 0),
    "ionice": ("-c -n --class --classdata", 0),
    "timeout": ("-s -k --signal --kill-after", 1),
    "gtimeout": ("-s -k --signal --kill-after", 1),
    "xargs": ("-n -I -L -P -s -d -a -E --max-args --max-procs --replace --delimiter --arg-file", 0),
    "parallel": ("-j -n -N -I -a --jobs", 0),
    "stdbuf": ("-i -o -e", 0),
    "time": ("-f -o", 0),
    "exec": ("-a", 0),
    "taskset": ("", 1),
    "flock": ("-w -E", 1),
    "chroot": ("", 1),
    "strace": ("-e -o -s -P", 0),
    "busybox": ("", 0),
}
_STEPS = frozenset("nohup setsid command builtin caffeinate if while until then do else elif ! {".split())


@dataclass(frozen=True)
class Simple:
    """One program with its arguments, what starts it, the operators around it and what is redirected."""

    words: tuple[str, ...]
    wrappers: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    redirects: tuple[Redirect, ...] = ()
    fed: tuple[str, ...] = field(default=(), repr=False)
    """Commands whose output stands in its words, as text."""

    @property
    def name(self) -> str:
        """The program without its folder."""
        return self.words[0].rpartition("/")[2] if self.words else ""

    @property
    def piped(self) -> bool:
        """Whether its input is the output of the program before it."""
        return re.search(r"(?<!\|)\|(?!\|)", self.before) is not None


def scripts(command: str) -> tuple[tuple[Simple, ...], ...]:
    """A command and every command within it, each as the programs that it starts, in the order in which they stand."""
    found: list[tuple[Simple, ...]] = []
    waiting = [(command, 0)]
    while waiting and len(found) < _MOST_SCRIPTS:
        text, depth = waiting.pop(0)
        parts = _programs(text)
        found.append(parts)
        if depth < _DEEPEST:
            inner = (script for place in range(len(parts)) for script in _within(parts, place))
            waiting += [(script, depth + 1) for script in inner]
            found += [(started,) for part in parts for started in _for_each_file(part)]
    return tuple(found)


def _programs(command: str) -> tuple[Simple, ...]:
    found: list[Simple] = []
    words: list[ShellWord] = []
    redirects: list[Redirect] = []
    before = ""
    for token in (*tokens(command), Operator(";")):
        if isinstance(token, ShellWord):
            words.append(token)
        elif isinstance(token, Redirect):
            redirects.append(token)
        elif words or redirects:
            found.append(replace(_unwrapped(words, redirects), before=before, after=token.text))
            words, redirects, before = [], [], token.text
        else:
            before += token.text
    return tuple(found)


def _unwrapped(words: Sequence[ShellWord], redirects: Sequence[Redirect]) -> Simple:
    """The program itself, without the assignments and the programs in front that only start it."""
    rest = [word.text for word in words]
    while rest and (rest[0] in _STEPS or _base(rest[0]) in _STARTERS or re.match(r"\w+\+?=", rest[0])):
        starter = _base(rest.pop(0))
        valued, skipped = _STARTERS.get(starter, ("", 0))
        while starter in _STARTERS and rest and re.match(r"-", rest[0]) and rest[0] != "-":
            takes = rest.pop(0) in valued.split()
            rest = rest[1:] if takes else rest
        while starter == "env" and rest and re.match(r"\w+=", rest[0]):
            rest.pop(0)
        rest = rest[skipped:]
    wrappers = tuple(word.text for word in words[: len(words) - len(rest)])
    inner = tuple(text for word in words for text in word.inner)
    inner += tuple(text for redirect in redirects for text in redirect.inner)
    # Bare `env` or `time` starts nothing: it is the program.
    return Simple(tuple(rest) or _last_starter(wrappers), wrappers, redirects=tuple(redirects), fed=inner)


def _base(word: str) -> str:
    return word.rpartition("/")[2]


def _last_starter(wrappers: Sequence[str]) -> tuple[str, ...]:
    places = [place for place, word in enumerate(wrappers) if _base(word) in _STARTERS]
    return tuple(wrappers[places[-1] :]) if places else ()


def _within(parts: Sequence[Simple], place: int) -> Iterator[str]:
    """The commands inside one program's words, arguments and input."""
    part, arguments = parts[place], parts[place].words[1:]
    yield from part.fed
    if part.name in SHELLS | {"su"}:
        yield from _after_c(arguments)
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
    if "-S" in part.wrappers:
        yield " ".join(part.wrappers[part.wrappers.index("-S") + 1 :] + part.words)


def _written(part: Simple) -> Iterator[str]:
    """What a program writes into the pipe, where that can be read off its words."""
    if part.name in {"echo", "printf"}:
        yield " ".join(part.words[1:])
    yield from (redirect.body for redirect in part.redirects if redirect.body)


def _after_c(arguments: Sequence[str]) -> Iterator[str]:
    for place, word in enumerate(arguments):
        if re.fullmatch(r"-[a-zA-Z]*c[a-zA-Z]*|--command", word):
            yield from [text for text in arguments[place + 1 :] if not text.startswith("-")][:1]
            return


def _for_each_file(part: Simple) -> Iterator[Simple]:
    """What `find` starts for each file; the folder that it looks in stands for the file."""
    if part.name != "find":
        return
    root = next((word for word in part.words[1:2] if not word.startswith("-")), ".")
    starts = (place for place, word in enumerate(part.words) if word in {"-exec", "-execdir", "-ok", "-okdir"})
    for place in islice(starts, _MOST_STARTS):
        rest = part.words[place + 1 :]
        end = next((n for n, text in enumerate(rest) if text in {";", "+"}), len(rest))
        narrowed = any(test in part.words[:place] for test in ("-name", "-iname", "-path", "-type"))
        file = f"{root.rstrip('/')}/found" if narrowed else root
        yield _unwrapped([ShellWord(file if text == "{}" else text) for text in rest[:end]], ())
