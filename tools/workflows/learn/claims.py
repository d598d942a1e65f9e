"""What a document claims about the code: files, lines, symbols, commands and configuration keys; and whether it is so.

What cannot be told from an ordinary word is not taken for a claim: a check that is often wrong is soon ignored.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from ...process.shell import scripts
from ...text.markdown import SHELLS, CodeText, MarkdownPage, resolved
from .codemap import CodeMap, Module, Repository, words_of

_SUFFIXES = frozenset(
    "py pyi ipynb js jsx mjs cjs ts tsx vue svelte go rs java kt cs fs c h cc cpp hpp rb php sh bash ps1 sql html css scss "
    "json yaml yml toml ini cfg lock md rst txt csv tsv xml proto graphql tf png svg jpg gif".split()
)
_PATH = re.compile(r"(?!-)(?P<path>(?:\./)?[\w.@+-]+(?:/[\w.@+-]+)*/?)(?::(?P<first>\d+)(?:-(?P<last>\d+))?)?")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_CALL = re.compile(r"(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\([^()]*\)")
_NAME = re.compile(r"_*[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+_*|[A-Z]?[a-z0-9]+(?:[A-Z][a-z0-9]+)+")
_KEY = re.compile(r"(?P<key>[A-Za-z_][\w.-]*)\s*=(?!=)\s*(?P<value>.*)")
_PLACEHOLDER = re.compile(r"[<>{}$*…]|\.\.\.|\bpath/to\b|\byour[-_]", re.IGNORECASE)
_BLANK = re.compile(r"<[\w -]+>|\{\w+\}|…|\.\.\.|\bpath/to\b|\byour[-_]", re.IGNORECASE)
"""What a reader has to fill in before a command can be typed."""
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
_CONFIG_LANGUAGES = frozenset(("toml", "ini", "cfg", "properties", "dotenv", "env"))
_CONFIG_SUFFIXES = (".toml", ".ini", ".cfg", ".json", ".yaml", ".yml", ".env", ".properties", ".conf")

BUILT_IN = frozenset(
    "cd echo exit export false printf set test trap true [ [[ read unset eval exec source . : local return alias pushd popd "
    "wait kill type command ulimit umask shift for if while case function".split()
)
WELL_KNOWN = frozenset(
    "git gh python python3 pip pip3 pipx uv uvx poetry hatch pdm conda mamba tox nox pytest mypy ruff black isort flake8 node npm "
    "npx yarn pnpm bun deno go cargo rustc rustup java javac mvn gradle dotnet ruby gem bundle rake php composer make cmake ninja "
    "just docker docker-compose podman kubectl helm terraform ansible aws gcloud az heroku fly vercel netlify curl wget tar unzip "
    "zip ssh scp rsync apt apt-get brew dnf yum pacman apk snap sudo ls cp mv rm mkdir cat grep sed awk find head tail sort wc "
    "bower nvm pipenv volta corepack gulp grunt eslint prettier tsc vite webpack rollup jest vitest mocha playwright pre-commit "
    "touch chmod chown ln diff time env which xargs tee less open psql mysql sqlite3 redis-cli nvidia-smi claude codex gemini "
    "systemctl journalctl bash sh zsh jq rg fd code".split()
)
"""Programs that a reader may be expected to have, whether or not this machine has them."""


class ClaimKind(StrEnum):
    """What a document can be checked for."""

    FILE = "file"
    LINE = "line"
    SYMBOL = "symbol"
    COMMAND = "command"
    KEY = "key"


@dataclass(frozen=True)
class Claim:
    """One thing that a document says is there: at which of its lines, and, where it is not so, why. `path` is the file meant."""

    kind: ClaimKind
    line: int
    text: str
    why: str = ""
    path: str = ""


def claims(document: str, page: MarkdownPage, repository: Repository) -> tuple[Claim, ...]:
    """Return every claim of a document, those that are not so with their why, by line."""
    lines = _files_by_line(document, page, repository)
    found = [claim for span in page.spans if (claim := _of_span(document, span, repository, lines))]
    for block in page.blocks:
        if block.language in SHELLS:
            found += _of_commands(document, block, repository)
        elif block.language in _CONFIG_LANGUAGES:
            found += _of_settings(block, repository)
    return tuple(sorted(found, key=lambda claim: claim.line))


def spoken_of(document: str, page: MarkdownPage, found: Iterable[Claim], repository: Repository) -> frozenset[str]:
    """The files and folders that a document speaks of: in its claims, and by links, which are checked elsewhere."""
    links = (resolved(document, link.target) for link in page.links if not link.image)
    linked = {place for place in links if place and place != document and place in repository.files}
    return frozenset({claim.path for claim in found if claim.path} | linked)


def _of_span(document: str, span: CodeText, repository: Repository, lines: Mapping[int, str]) -> Claim | None:
    """Return the claim that a code span makes, if it makes one."""
    text = span.text.strip()
    if not text or _PLACEHOLDER.search(text):
        return None
    if (match := _PATH.fullmatch(text)) and (claim := _of_path(document, span.line, match, repository)):
        return claim
    if (match := _KEY.fullmatch(text)) and " " not in match["key"]:
        return _of_key(span.line, text, match["key"], repository, lines.get(span.line, ""))
    if match := _CALL.fullmatch(text):
        return _of_symbol(span.line, text, match["name"], repository)
    if _DOTTED.fullmatch(text):
        return _of_symbol(span.line, text, text, repository) if _is_ours(text, repository) else None
    return _of_symbol(span.line, text, text, repository) if _NAME.fullmatch(text) else None


def _of_path(document: str, line: int, match: re.Match[str], repository: Repository) -> Claim | None:
    name = match["path"]
    place = repository.place(document, name)
    if place is None and not _meant_for_a_file(name, repository):
        return None
    if place is None:
        near = get_close_matches(name, sorted(repository.files), n=1, cutoff=0.85)
        why = f"there is no {name}" + (f"; there is {near[0]}" if near else "")
        return Claim(ClaimKind.FILE, line, match[0], why)
    if place in repository.folders and "/" not in name:
        return None  # `docs` may be any word
    if match["first"] and place in repository.code.texts:
        last, there = int(match["last"] or match["first"]), repository.code.lines(place)
        why = f"{place} has {there} lines" if last > there else ""
        return Claim(ClaimKind.LINE, line, match[0], why, place)
    return Claim(ClaimKind.FILE, line, match[0], path=place)


def _meant_for_a_file(name: str, repository: Repository) -> bool:
    """Return whether a name that nothing bears was meant for a file or folder of this repository.

    One that code spells out may be an attribute (`answer.json`) or a file that the code writes.
    """
    plain = name.removeprefix("./")
    first, _, rest = plain.partition("/")
    here = bool(rest) and first in repository.folders
    stem, _, suffix = plain.rpartition("/")[2].rpartition(".")
    if stem and suffix in _SUFFIXES:
        return here or not repository.spelled(plain)
    return here and name.endswith("/")


def _is_ours(dotted: str, repository: Repository) -> bool:
    head = dotted.partition(".")[0]
    return head in repository.code.classes or any(name.partition(".")[0] == head for name in repository.code.modules)


def _of_symbol(line: int, text: str, name: str, repository: Repository) -> Claim | None:
    """Return whether a name is defined; None where that cannot be told."""
    last = name.rpartition(".")[2]
    if not repository.code.complete or hasattr(builtins, name.partition(".")[0]):
        return None
    if "." in name:
        if not _is_ours(name, repository):
            return None
        why, path = _looked_up(name, repository.code)
        return Claim(ClaimKind.SYMBOL, line, text, why, path)
    path = next((symbol.path for symbol in repository.code.symbols if symbol.name.rpartition(".")[2] == last), "")
    known = path or last in repository.code.words
    return Claim(ClaimKind.SYMBOL, line, text, "" if known else f"nothing in the code is called {last}", path)


def _looked_up(name: str, code: CodeMap) -> tuple[str, str]:
    """Return why a dotted name is not defined, empty if it is, and the file where it would be.

    Of a name in a module at the top it cannot be told whether an object of that name is meant, so it has only to occur.
    """
    parts, known = name.split("."), name.rpartition(".")[2] in code.words
    for depth in range(len(parts), 0, -1):
        if module := code.modules.get(".".join(parts[:depth])):
            rest = parts[depth:]
            perhaps = depth == 1 and known and not (len(rest) > 1 and module.path.endswith("__init__.py"))
            fine = not rest or _holds(module, rest, code) or perhaps
            return ("" if fine else f"{module.path} defines no {'.'.join(rest)}"), _home(module, rest, code)
    if holders := code.classes.get(parts[0], ()):
        fine = any(_holds(module, parts, code) for module in holders)
        return ("" if fine else f"{parts[0]} in {holders[0].path} has no {'.'.join(parts[1:])}"), holders[0].path
    package = f"{'.'.join(parts[:-1])}."
    gone = not known or any(module.startswith(package) for module in code.modules)
    return (f"there is no module {name}" if gone else ""), ""


def _home(module: Module, rest: Sequence[str], code: CodeMap) -> str:
    """Return the file that a name in a module means: where it is defined, if the module only passes it on."""
    if not rest or any(symbol.name == rest[0] for symbol in module.symbols):
        return module.path
    return next((symbol.path for symbol in code.symbols if symbol.name == rest[0]), "")


def _holds(module: Module, rest: Sequence[str], code: CodeMap) -> bool:
    """Whether a module has a name, or one of its classes a member; what may be inherited is believed where its name occurs."""
    if module.open or rest[0] in module.taken or ".".join(rest) in module.names:
        return True
    return rest[0] in module.names and rest[0] not in module.plain_classes and rest[-1] in code.words


def _of_key(line: int, text: str, key: str, repository: Repository, beside: str) -> Claim | None:
    """Return whether a setting is known: to the file that the same line names, else to any file that is no document."""
    if not repository.code.complete:
        return None
    last = key.rpartition(".")[2]
    if beside:
        known = last in words_of(repository.code.texts[beside])
        return Claim(ClaimKind.KEY, line, text, "" if known else f"{beside} has no {last}", beside)
    known = last in repository.code.words
    return Claim(ClaimKind.KEY, line, text, "" if known else f"no file of the code knows the setting {last}")


def _files_by_line(document: str, page: MarkdownPage, repository: Repository) -> dict[int, str]:
    """Return the configuration file that a line of the document names, if it names one."""
    found: dict[int, str] = {}
    for span in page.spans:
        match = _PATH.fullmatch(span.text.strip())
        place = repository.place(document, match["path"]) if match else None
        if place and place in repository.code.texts and place.endswith(_CONFIG_SUFFIXES):
            found.setdefault(span.line, place)
    return found


def _of_settings(block: CodeText, repository: Repository) -> Iterator[Claim]:
    for offset, text in enumerate(block.text.splitlines()):
        match = _KEY.match(text.strip())
        if match and not _PLACEHOLDER.search(match["key"]):
            claim = _of_key(block.line + offset, f"{match['key']} =", match["key"], repository, "")
            if claim:
                yield claim


def _of_commands(document: str, block: CodeText, repository: Repository) -> Iterator[Claim]:
    entered = False
    for line, command in _commands(block):
        if _BLANK.search(command):
            continue
        for part in (part for script in scripts(command) for part in script):
            entered = entered or part.name in {"cd", "pushd"}
            why, path = _why_not(document, part.words, repository, entered=entered)
            if part.words and part.name not in BUILT_IN:
                yield Claim(ClaimKind.COMMAND, line, " ".join(part.words)[:120], why, path)


def _commands(block: CodeText) -> Iterator[tuple[int, str]]:
    """The commands of a block, each with its line: prompts taken off, comments left out, continued lines joined."""
    lines = block.text.splitlines()
    prompted = block.language in {"console", "shell-session"} or any(text.startswith(("$ ", "> ")) for text in lines)
    at = 0
    while at < len(lines):
        first, text = at, lines[at].strip()
        at += 1
        if prompted and not re.match(r"[$%>] ", text):
            continue
        text = text[2:] if prompted else text
        while text.endswith("\\") and at < len(lines):
            text, at = f"{text[:-1]} {lines[at].strip()}", at + 1
        if ends := _HEREDOC.search(text):
            while at < len(lines) and lines[at].strip() != ends[1]:
                at += 1
            text, at = text[: ends.start()], at + 1
        if text and not text.startswith("#"):
            yield block.line + first, text


def _why_not(document: str, words: Sequence[str], repository: Repository, *, entered: bool) -> tuple[str, str]:
    """Return why a command cannot be typed as it stands, empty if it can, and the file of the repository that it runs.

    After a `cd` paths and targets are those of another folder, so only the program is looked at.
    """
    if not words or words[0] in BUILT_IN or (entered and "/" in words[0]):
        return "", ""
    program, rest = words[0], [word for word in words[1:] if not word.startswith("-")]
    if "/" in program:
        place = repository.place(document, program)
        return (f"there is no {program}" if place is None and not program.startswith(("/", "~")) else ""), place or ""
    if program not in repository.programs | WELL_KNOWN and not repository.installed(program):
        return f"no program is called {program}: not on this machine, and this repository installs none", ""
    if entered:
        return "", ""
    match program:
        case "make" if not {"-C", "-f"} & set(words):
            if not repository.targets:
                return "there is no makefile", ""
            gone = [word for word in rest if not re.search(r"[=$]", word) and word not in repository.targets]
            return (f"no makefile has a target {gone[0]}" if gone else ""), ""
        case "npm" | "pnpm" | "yarn" | "bun" if rest[:1] == ["run"] or rest[:1] == ["test"]:
            script = rest[1] if rest[0] == "run" and len(rest) > 1 else rest[0]
            known = script in repository.node_scripts or script == "run"
            return ("" if known else f"no package.json has a script {script}"), ""
        case "python" | "python3" if "-m" in words[:3]:
            return _module_runs(words[words.index("-m") + 1 :], repository)
        case "python" | "python3" | "node" | "bash" | "sh" | "pytest" | "source":
            return _files_run(document, rest, repository)
    return "", ""


def _module_runs(words: Sequence[str], repository: Repository) -> tuple[str, str]:
    name = words[0] if words else ""
    if not _is_ours(name + ".", repository):
        return "", ""
    module = repository.code.modules.get(f"{name}.__main__") or repository.code.modules.get(name)
    return ("" if module else f"there is no module {name}"), module.path if module else ""


def _files_run(document: str, words: Sequence[str], repository: Repository) -> tuple[str, str]:
    for word in words:
        name = word.partition("::")[0]
        if name.rpartition(".")[2] in _SUFFIXES and "." in name and not name.startswith(("/", "~")):
            place = repository.place(document, name)
            return (f"there is no {name}" if place is None else ""), place or ""
    return "", ""
