"""A look at commands before they are sealed. It filters accidents, it is not a sandbox: whoever wants past it gets past.

A command is judged by its parsed form (`shell.py`), so that what merely stands in a quoted text is not taken for a
command, and what a shell is told to run is looked at wherever it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from .dangers import (
    Parts,
    Sign,
    changes_history,
    deletes_home,
    deletes_outside,
    deletes_repository,
    forks_without_end,
    overwrites_a_disk,
    prints_environment,
    publishes,
    reads_credentials,
    runs_a_download,
    sends,
    sends_environment,
    stops_the_machine,
)
from .shell import SimpleCommand, scripts

_MOST_CHARACTERS = 20_000
_ANSWERS = frozenset("grep egrep fgrep rg diff cmp test [ [[ rm mkdir kill wait".split())
"""Programs whose exit 1 is an answer or does not matter, so that `|| true` behind them hides no crash."""
ONLY_READ = _ANSWERS | frozenset(
    "cat tac zcat gzip xz zstd brotli echo printf ls find fd du stat wc sed awk gawk jq yq sort uniq head tail tr cut paste nl"
    " seq yes tee xargs rev column git curl wget date basename dirname realpath readlink env printenv true sha256sum md5sum".split()
)
"""Programs that read and rewrite text: their failure in front of a pipe shows in what comes out of it."""
_PREPARE = ONLY_READ | frozenset(
    "cd pushd popd export set unset source . ulimit umask trap sleep exit cp mv ln touch".split()
)
"""Programs that may fail in front of a `;`: what is behind them shows it."""


@dataclass(frozen=True)
class Screening:
    """Why a command is refused, if it is, and what to look at twice."""

    refused: str = ""
    warnings: tuple[str, ...] = ()


def screen(command: str) -> Screening:
    """Look at one shell command."""
    if len(command) > _MOST_CHARACTERS:
        return Screening(f"it is longer than {_MOST_CHARACTERS} characters; put it into a script")
    within = scripts(command)
    if forks_without_end(command):
        refused = _FORK_BOMB
    else:
        refused = next((why for why, is_so in _REFUSED if any(map(is_so, within))), "")
    warnings = [why for why, is_so in _WARNED if any(map(is_so, within))]
    if _CREDENTIAL.search(command):
        warnings.append(_HOLDS_CREDENTIAL)
    return Screening(refused, tuple(warnings))


def cure(why: str) -> str:
    """Return what to do about a reason or a warning."""
    return _CURES.get(why, "Write a command that only measures.")


_FORK_BOMB = "it is a fork bomb"
_HOLDS_CREDENTIAL = "it holds a credential"
_CREDENTIAL = re.compile(
    r"\w+://[^\s/:@\"'$]{1,200}:[^\s/@\"'$]{1,200}@|\b(?:ghp_|github_pat_|sk-|AKIA|xox[bp]-|hf_)\w{10,}"
    r"|(?:api[_-]?key|access[_-]?key|token|passwd|password|secret)[\"']?(?:\s*[=:]\s*|\s+)[\"']?(?!\d+\b)[^\s\"'$<|&;-][^\s\"'$]{5,}"
    r"|\bAuthorization:\s*\w+\s+[^\s$\"']{8,}",
    re.IGNORECASE,
)


def _as_root(parts: Parts) -> bool:
    return any({"sudo", "doas", "su"} & {*part.wrappers, part.name} for part in parts)


def _opens(parts: Parts) -> bool:
    modes = (word for part in parts if part.name == "chmod" for word in part.words)
    return any(re.fullmatch(r"[0-7]?777|[augo]*\+rwx", word) for word in modes)


def _owns(parts: Parts) -> bool:
    return any(part.name == "chown" for part in parts)


def _deletes_listed(parts: Parts) -> bool:
    return any(part.name == "rm" and {"xargs", "parallel"} & set(part.wrappers) for part in parts)


def _stays_behind(parts: Parts) -> bool:
    started = [place for place, part in enumerate(parts) if re.search(r"(?<![&|])&(?!&)", part.after)]
    ends = {part.name for part in parts[started[0] + 1 :]} & {"wait", "kill", "trap"} if started else set()
    detached = any(part.words[:2] == ("docker", "run") and {"-d", "--detach"} & set(part.words) for part in parts)
    return detached or (bool(started) and not ends)


def _hides_failure(parts: Parts) -> bool:
    last = parts[-1] if len(parts) > 1 else None
    if last and "|" not in last.before and last.words in {("true",), (":",), ("exit", "0")}:
        return True
    pairs = ((before, part) for before, part in pairwise(parts) if "||" in part.before)
    return _goes_on(parts) or any(_says_fine(part) and before.name not in _ANSWERS for before, part in pairs)


def _goes_on(parts: Parts) -> bool:
    """Tell whether a list goes on behind a program that failed. Of one that holds a condition or a loop nothing is known."""
    words = [word for part in parts for word in (*part.words, *part.assigned)]
    heads = any(not part.words and not part.assigned for part in parts)
    if heads or "$?" in " ".join(words) or any(re.match("set -[a-z]*e", " ".join(part.words)) for part in parts):
        return False
    return any(
        part.name not in {"", *_PREPARE} and re.search(r"[;\n]", part.after) and not _looked_for(part, parts[place:])
        for place, part in enumerate(parts[:-1], 1)
    )


def _looked_for(part: SimpleCommand, later: Parts) -> bool:
    """Tell whether something fails later where a program's output lacks what is looked for in it."""
    files = {redirect.target for redirect in part.redirects}
    return any(files.intersection(reader.words) for reader in later if reader.name in _ANSWERS)


def _pipes_failure_away(parts: Parts) -> bool:
    watched = any(part.name == "set" and "pipefail" in part.words for part in parts)
    pairs = ((before, part) for before, part in pairwise(parts) if part.piped and before.words)
    return not watched and any(before.name not in ONLY_READ for before, _ in pairs)


def _says_fine(part: SimpleCommand) -> bool:
    if part.name in {"echo", "printf"}:
        return bool(re.search(r"\d", " ".join(part.words[1:])))
    return part.name in {"true", ":"} or part.words == ("exit", "0")


_REFUSED: tuple[tuple[str, Sign], ...] = (
    ("it deletes the home or root folder", deletes_home),
    ("it deletes the repository", deletes_repository),
    ("it deletes a folder outside the repository", deletes_outside),
    ("it runs what it downloads", runs_a_download),
    ("it overwrites a disk", overwrites_a_disk),
    ("it sends the environment away", sends_environment),
    ("it reads credentials", reads_credentials),
    ("it changes the repository, which only the server may do during a session", changes_history),
    ("it publishes something", publishes),
    ("it stops the machine", stops_the_machine),
)
_WARNED: tuple[tuple[str, Sign], ...] = (
    ("it uses sudo", _as_root),
    ("it opens permissions to everybody", _opens),
    ("it changes who owns files", _owns),
    ("it deletes what another command lists", _deletes_listed),
    ("it sends data over the network", sends),
    ("it prints all environment variables", prints_environment),
    ("it leaves a process in the background", _stays_behind),
    ("it hides a failure, so that a crash can look like a number", _hides_failure),
    ("a failure in front of a pipe does not count, so that red tests can pass", _pipes_failure_away),
)
_CURES = {
    "it deletes the home or root folder": "Name the build folder that it means.",
    "it deletes the repository": "Name the build folder that it means.",
    "it deletes a folder outside the repository": "Work in the repository or below $TMPDIR.",
    _FORK_BOMB: "Leave it out.",
    "it runs what it downloads": "Download it once, read it, commit it, and run that file.",
    "it overwrites a disk": "Write to a file.",
    "it sends the environment away": "Leave it out.",
    "it reads credentials": "Set what it needs as a variable where the server runs and name it in `environment`.",
    "it changes the repository, which only the server may do during a session": "Only read with git: diff, log, ls-files.",
    "it publishes something": "Use its dry run, or measure the build without publishing.",
    "it stops the machine": "Leave it out.",
    "it uses sudo": "Prepare once by hand what needs it.",
    "it opens permissions to everybody": "Give the owner what is needed: chmod u+x.",
    "it changes who owns files": "Do that once by hand.",
    "it deletes what another command lists": "Name the files, or let `find ... -delete` do it.",
    "it sends data over the network": "Measure against a local service, or make sure that others may see what it sends.",
    "it prints all environment variables": "Print the ones that are needed.",
    _HOLDS_CREDENTIAL: "Set it where the server runs and name the variable in `environment`.",
    "it leaves a process in the background": 'End it in the command, whatever happens: `trap "kill $!" EXIT`, or `wait`.',
    "it hides a failure, so that a crash can look like a number": "Let the command fail when the program fails: `&&`, no `;`.",
    "a failure in front of a pipe does not count, so that red tests can pass": "Begin with `set -o pipefail;`.",
}
