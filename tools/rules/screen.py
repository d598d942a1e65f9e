"""A look at commands before they are sealed. It filters accidents, it is not a sandbox: whoever wants past it gets past.

A command is cut into its simple commands, roughly as a shell does, so that what merely stands in a quoted text is not
taken for a command. What a shell is told to run (`sh -c "..."`, `$(...)`) is looked at as well.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile

_MOST_CHARACTERS = 20_000
_DEEPEST = 5
_OPERATOR = re.compile(r"[;|&()\n]+")
_PIPE = re.compile(r"(?<!\|)\|(?!\|)")

Words = tuple[str, ...]


@dataclass(frozen=True)
class Screening:
    """Why a command is refused, if it is, and what to look at twice."""

    refused: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Simple:
    """One program with its arguments, and the operators around it."""

    words: Words
    wrappers: Words
    before: str
    after: str

    @property
    def name(self) -> str:
        return self.words[0].rpartition("/")[2] if self.words else ""


Parts = tuple[_Simple, ...]


def screen(command: str) -> Screening:
    """Look at one shell command."""
    if len(command) > _MOST_CHARACTERS:
        return Screening(f"it is longer than {_MOST_CHARACTERS} characters; put it into a script")
    parts = tuple(_simple_commands(command))
    refused = next((why for why, is_so in _REFUSED if is_so(command, parts)), "")
    return Screening(refused, tuple(why for why, is_so in _WARNED if is_so(command, parts)))


_SHELLS = frozenset("sh bash zsh dash ksh fish".split())
_INTERPRETERS = _SHELLS | frozenset("python python3 node perl ruby php".split())
_FETCHERS = frozenset("curl wget aria2c".split())
_WRAPPERS = frozenset(
    "sudo doas env nice nohup setsid time timeout command exec builtin stdbuf xargs if while until then do else ! {".split()
)
_ANSWERS = frozenset("grep egrep fgrep rg diff cmp test [ [[ rm mkdir kill wait".split())
"""Programs whose exit 1 is an answer or does not matter, so that `|| true` behind them hides no crash."""


def _simple_commands(command: str, depth: int = 0) -> Iterator[_Simple]:
    words: list[str] = []
    before = ""
    for token in [*_tokens(command), ";"]:
        if not _OPERATOR.fullmatch(token):
            words.append(token)
            continue
        if words:
            yield from _with_inner(_unwrapped(words, before, token), depth)
        words, before = [], token


def _tokens(command: str) -> list[str]:
    lexer = shlex.shlex(command.replace("`", " ; "), posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    try:
        return list(lexer)
    except ValueError:  # an open quote
        return command.split()


def _unwrapped(words: Sequence[str], before: str, after: str) -> _Simple:
    """The program itself, without the assignments and the programs in front that only start it."""
    rest = list(words)
    while rest and (rest[0] in _WRAPPERS or re.match(r"\w+=", rest[0])):
        wrapper = rest.pop(0) in _WRAPPERS
        while wrapper and rest and re.match(r"-|\d+[smhd]?$", rest[0]):
            rest.pop(0)
    return _Simple(tuple(rest), tuple(words[: len(words) - len(rest)]), before, after)


def _with_inner(part: _Simple, depth: int) -> Iterator[_Simple]:
    yield part
    for word in part.words + part.wrappers if depth < _DEEPEST else ():
        inner = re.findall(r"\$\(([^()]*)\)", word)
        if part.name == "eval" or (part.name in _SHELLS and "-c" in part.words and " " in word):
            inner.append(word)
        for text in inner:
            yield from _simple_commands(text, depth + 1)


def _deletes_home(command: str, parts: Parts) -> bool:
    finds = any(part.name == "find" and "-delete" in part.words and _HOME.fullmatch(part.words[1]) for part in parts)
    return finds or any(_removes(part, _HOME) for part in parts)


def _deletes_repository(command: str, parts: Parts) -> bool:
    return any(_removes(part, _REPOSITORY) for part in parts)


def _removes(part: _Simple, place: re.Pattern[str]) -> bool:
    recursive = any(re.match(r"--recursive$|-[a-zA-Z]*[rR]", word) for word in part.words)
    return part.name == "rm" and recursive and any(map(place.fullmatch, part.words[1:]))


_HOME = re.compile(
    r"(?:/|~|\$HOME|\$\{HOME\}|/(?:home|Users)(?:/[\w.-]+)?|/(?:root|etc|usr|var|bin|lib|opt|boot|dev|srv))/?(?:\.?\*)?"
)
_REPOSITORY = re.compile(r"(?:\.\.?|\.git|\$PWD|\$\{PWD\})(?:/\.?\*?)?|\.?\*")


def _forks_without_end(command: str, parts: Parts) -> bool:
    return bool(re.search(r"([\w:.]{1,40})\(\)\{[^{}]{0,200}?\1\|\1&", re.sub(r"\s", "", command)))


def _runs_a_download(command: str, parts: Parts) -> bool:
    if re.search(r"(?:\beval|\bsource|(?:^|\s)\.|sh(?:\s+-c)?)\s+[\"']?(?:\$\(|`|<\()\s*(?:curl|wget)\b", command):
        return True
    fetches = [place for place, part in enumerate(parts) if part.name in _FETCHERS]
    return any(_runs_input(parts[place + 1 :]) or _runs_file(parts[place], parts[place + 1 :]) for place in fetches)


def _runs_input(later: Parts) -> bool:
    return any(_reads_program(part) for part in takewhile(lambda part: _PIPE.search(part.before), later))


def _reads_program(part: _Simple) -> bool:
    """Whether an interpreter takes its program from its input."""
    options = [word for word in part.words[1:] if word.startswith("-")]
    return part.name in _INTERPRETERS and (len(options) == len(part.words) - 1 or bool({"-", "-s"} & set(options)))


def _runs_file(fetch: _Simple, later: Parts) -> bool:
    files = {name.removeprefix("./") for option, name in pairwise(fetch.words) if option in {"-o", "-O", "--output"}}
    run = (word for part in later for word in (part.words if part.name in _INTERPRETERS else part.words[:1]))
    return any(word.removeprefix("./") in files for word in run)


def _overwrites_a_disk(command: str, parts: Parts) -> bool:
    disk = r"/dev/(?:sd|nvme|vd|hd|xvd|mmcblk|disk|mapper/|md\d)"
    formats = any(part.name.startswith("mkfs") or part.name == "wipefs" for part in parts)
    return formats or bool(re.search(rf"(?:\bof=|>\s*|\bshred\b[^;|&]*\s){disk}", command))


def _changes_history(command: str, parts: Parts) -> bool:
    return any(_git_changes(part.words) for part in parts if part.name == "git")


def _git_changes(words: Words) -> bool:
    rest = list(words[1:])
    while rest and rest[0].startswith("-"):
        rest = rest[2:] if rest[0] in {"-C", "-c", "--git-dir", "--work-tree", "--namespace"} else rest[1:]
    if not rest or {"--dry-run", "--check", "--stat"} & set(rest):
        return False
    verb, arguments = rest[0], rest[1:]
    if verb == "stash":
        return arguments[:1] not in (["list"], ["show"])
    if verb in {"branch", "tag"}:
        return any(re.match(r"-[a-zA-Z]*[dDmMfC]|--(?:delete|move|force)", word) for word in arguments)
    return verb in _GIT_CHANGES and not (verb == "clean" and "-n" in arguments)


_GIT_CHANGES = frozenset(
    "reset clean push commit checkout switch restore rebase merge revert cherry-pick am apply pull add rm mv"
    " update-ref symbolic-ref update-index read-tree filter-branch".split()
)


def _sends(command: str, parts: Parts) -> bool:
    return any(_sends_out(part) for part in parts if part.name in _FETCHERS or part.name in {"http", "https", "xh"})


def _sends_out(part: _Simple) -> bool:
    text = " ".join(part.words[1:])
    hosts = re.findall(r"(?:^| )(?:https?://)?([\w.\[\]:-]+\.\w+|localhost|\[::1\])(?=[:/ ]|$)", text)
    if hosts and all(re.match(r"localhost|127\.|0\.0\.0\.0|\[::1\]", host) for host in hosts):
        return False
    return bool(re.search(r"(?:^| )(?:-X|--request|--method)?[ =]?(?:POST|PUT|DELETE|PATCH)\b", text)) or bool(
        re.search(
            r"(?:^| )(?:-[a-zA-Z]*[dFT]|--data\S*|--form\S*|--json|--upload-file|--post-\S+|--body-\S+)(?:[ =]|$)", text
        )
    )


_CREDENTIAL = re.compile(
    r"\w+://[^\s/:@\"'$]+:[^\s/@\"'$]+@|\b(?:ghp_|github_pat_|sk-|AKIA|xox[bp]-|hf_)\w{10,}"
    r"|(?:api[_-]?key|access[_-]?key|token|passwd|password|secret)[\"']?(?:\s*[=:]\s*|\s+)[\"']?(?!\d+\b)[^\s\"'$<|&;-][^\s\"'$]{5,}"
    r"|\bAuthorization:\s*\w+\s+[^\s$\"']{8,}",
    re.IGNORECASE,
)


def _stays_behind(command: str, parts: Parts) -> bool:
    started = [place for place, part in enumerate(parts) if re.search(r"(?<![&|])&(?!&)", part.after)]
    ends = {part.name for part in parts[started[0] + 1 :]} & {"wait", "kill"} if started else set()
    detached = any(part.words[:2] == ("docker", "run") and {"-d", "--detach"} & set(part.words) for part in parts)
    return detached or (bool(started) and not ends)


def _hides_failure(command: str, parts: Parts) -> bool:
    last = parts[-1] if len(parts) > 1 else None
    if last and "|" not in last.before and last.words in {("true",), (":",), ("exit", "0")}:
        return True
    pairs = ((before, part) for before, part in pairwise(parts) if "||" in part.before)
    return any(_says_fine(part) and before.name not in _ANSWERS for before, part in pairs)


def _opens(part: _Simple) -> bool:
    return part.name == "chmod" and any(re.fullmatch(r"[0-7]?777|[augo]*\+rwx", word) for word in part.words)


def _says_fine(part: _Simple) -> bool:
    if part.name in {"echo", "printf"}:
        return bool(re.search(r"\d", " ".join(part.words[1:])))
    return part.name in {"true", ":"} or part.words == ("exit", "0")


_REFUSED = (
    ("it deletes the home or root folder", _deletes_home),
    ("it deletes the repository", _deletes_repository),
    ("it is a fork bomb", _forks_without_end),
    ("it runs what it downloads", _runs_a_download),
    ("it overwrites a disk", _overwrites_a_disk),
    ("it changes the repository, which only the server may do during a session", _changes_history),
)
_WARNED = (
    ("it uses sudo", lambda command, parts: any({"sudo", "doas"} & set(part.wrappers) for part in parts)),
    ("it opens permissions to everybody", lambda command, parts: any(_opens(part) for part in parts)),
    ("it changes who owns files", lambda command, parts: any(part.name == "chown" for part in parts)),
    ("it sends data over the network", _sends),
    ("it holds a credential", lambda command, parts: bool(_CREDENTIAL.search(command))),
    ("it leaves a process in the background", _stays_behind),
    ("it hides a failure, so that a crash can look like a number", _hides_failure),
)
