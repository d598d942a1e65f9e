"""Commands that a document shows: whether the program, the file, the target, the script, the environment is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from ....process.shell import scripts
from ....text.markdown import SHELLS, CodeText
from ..repository import Repository
from .claim import Claim, Document, DocumentFault, nearest
from .programs import BUILT_IN, NODE_COMMANDS, RUNNERS, WELL_KNOWN
from .spans import SUFFIXES

_BLANK = re.compile(r"<[\w -]+>|\{\w+\}|…|(?<!/)\.\.\.|\bpath/to\b|\byour[-_]", re.IGNORECASE)
"""What a reader has to fill in before a command can be typed; as a variable nothing is said of it."""
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
_TREE = re.compile(r"[├└│]")
_LISTED = re.compile(rf"(?!\.?/)[\w./-]+\.(?:{'|'.join(sorted(SUFFIXES))})", re.IGNORECASE)
_EXTRAS = re.compile(r"(?P<name>[\w./-]*)\[(?P<extras>[\w., -]+)\]")
_OF_CONTRIBUTORS = re.compile(r"contribut|develop|hacking|agents|release|maintain", re.IGNORECASE)
_SAMPLES = frozenset(("envname", "env", "name", "env_name", "all"))
_TOX_PYTHON = re.compile(r"py(?:\d+|py\d*)")


@dataclass(frozen=True)
class Shown:
    """A command as a document shows it: its line, its words, and whether the folder was changed before it."""

    line: int
    words: tuple[str, ...]
    entered: bool = False
    sure: bool = True
    """Whether it certainly is a command, and not a line of something else."""

    @property
    def program(self) -> str:
        """What is started."""
        return self.words[0]

    @property
    def rest(self) -> list[str]:
        """Its arguments without those that begin with a dash."""
        return [word for word in self.words[1:] if not word.startswith("-")]

    @property
    def text(self) -> str:
        """The command on one line."""
        return " ".join(self.words)[:120]

    def after(self, *flags: str) -> list[str]:
        """Return the values of options, given as `-e a`, `--env a` or `--env=a`."""
        found = [later for word, later in zip(self.words, self.words[1:], strict=False) if word in flags]
        return found + [
            word.partition("=")[2] for word in self.words if word.partition("=")[0] in flags and "=" in word
        ]


Verdict = tuple[str, str]
"""Why a command cannot be typed as it stands, empty if it can, after `?` where that cannot be told; and the file of the
repository that it runs.
"""
FINE: Verdict = ("", "")


def check_commands(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield every command, with what it names that is not there."""
    installed = _installed_by(document)
    for shown in commands(document, repository):
        kind, (why, path) = DocumentFault.COMMAND, _program(document, shown, repository, installed)
        if not why and not shown.entered and shown.program in _NAMED:
            why, path = _NAMED[shown.program](document, shown, repository)
            kind = DocumentFault.TARGET if why else kind
        if shown.sure or "no program" not in why:
            yield Claim(kind, shown.line, shown.text, why.removeprefix("?"), path, known=not why.startswith("?"))


def commands(document: Document, repository: Repository) -> Iterator[Shown]:
    """Return the commands of shell blocks, of blocks without a language where a line is one, and of code spans."""
    ours = repository.code.manifests.programs | RUNNERS
    for block in document.page.blocks:
        if block.language in SHELLS or (not block.language and not _TREE.search(block.text)):
            entered = False
            for line, text in _typed(block):
                for shown in _cut(line, text):
                    entered = entered or shown.program in {"cd", "pushd"}
                    sure = block.language in SHELLS or text.startswith("$ ")
                    if sure or shown.program in ours:
                        yield Shown(line, shown.words, entered, sure)
    for span in document.page.spans:
        words = span.text.split()
        if len(words) > 1 and words[0] in ours and not re.search(r"[^\x20-\x7e]", span.text):
            for shown in _cut(span.line, span.text):
                yield Shown(span.line, shown.words, sure=False)


def _cut(line: int, text: str) -> Iterator[Shown]:
    text = text.removeprefix("$ ")
    for script in scripts(_BLANK.sub("$BLANK", re.sub(r"\[[^\[\]]*\.\.\.\w*\]", "", text))):
        for part in script:
            if part.words and part.name not in BUILT_IN - {"cd", "pushd"}:
                yield Shown(line, part.words)


def _typed(block: CodeText) -> Iterator[tuple[int, str]]:
    """The commands of a block, each with its line: prompts taken off, comments left out, continued lines joined."""
    lines = block.text.splitlines()
    prompted = block.language in {"console", "shell-session"} or any(re.match(r"[$>] ", text.strip()) for text in lines)
    tree = any(_TREE.search(text) for text in lines)
    at = 0
    while at < len(lines) and not tree:
        first, text = at, lines[at].strip()
        at += 1
        if prompted and not re.match(r"[$%>] ", text):
            continue
        text = text[2:].strip() if prompted else text
        while text.endswith("\\") and at < len(lines):
            text, at = f"{text[:-1]} {lines[at].strip()}", at + 1
        if ends := _HEREDOC.search(text):
            while at < len(lines) and lines[at].strip() != ends[1]:
                at += 1
            text, at = text[: ends.start()], at + 1
        if text and not text.startswith("#") and not _LISTED.fullmatch(text):
            yield block.line + first, f"$ {text}" if prompted else text


def _installed_by(document: Document) -> frozenset[str]:
    """Return what a document has its reader install, by the last parts of the names."""
    found = re.findall(r"(?:install|add|get|get-tool)\s+(?:-\S+\s+)*([\w@./:-]+)", document.text)
    return frozenset(part for name in found for part in re.split(r"[/@:]", name) if part)


def _program(document: Document, shown: Shown, repository: Repository, installed: Iterable[str]) -> Verdict:
    """Return whether the program is there. One that nobody knows is wrong only where it is nearly one of the repository's."""
    program = shown.program
    if program in BUILT_IN or (shown.entered and "/" in program):
        return FINE
    if "/" in program:
        place = repository.place(document.path, program)
        outside = program.startswith(("/", "~", "$", "../")) or "/bin/" in program or repository.ignored(program)
        mark = _doubt(program, repository)
        return (f"{mark}there is no {program}" if place is None and not outside else ""), place or ""
    ours = repository.code.manifests.programs
    if program in ours | WELL_KNOWN or program in installed or program.startswith("$") or repository.installed(program):
        return FINE
    near = get_close_matches(program, sorted(ours), 1, 0.7) if "." not in program else []
    what = f"no program is called {program}"
    return (f"{what}; there is {near[0]}" if near else f"?{what}, and this repository installs none"), ""


def _make(document: Document, shown: Shown, repository: Repository) -> Verdict:
    targets, asked = repository.code.manifests.targets, shown.rest
    for place in shown.after("-C", "-f"):
        if repository.place(document.path, place) is None:
            return FINE
        asked = [word for word in asked if word != place]
    if not targets:
        return "there is no makefile", ""
    known = targets if not any("%" in one for one in targets) else set(asked)
    gone = [word for word in asked if not re.search(r"[=$%]", word) and word not in known]
    return (f"no makefile has a target {gone[0]}{nearest(gone[0], targets)}" if gone else ""), ""


def _node(document: Document, shown: Shown, repository: Repository) -> Verdict:
    offered, rest, words = repository.code.manifests, shown.rest, shown.words
    if not offered.packages or {"-C", "--prefix", "--filter", "-w", "--workspace"} & set(words) or not rest:
        return FINE
    if rest[0] in {"run", "run-script"}:
        script = rest[1] if len(rest) > 1 else ""
    elif shown.program == "npm":
        script = rest[0] if rest[0] in {"test", "start", "stop", "restart"} else ""
    else:
        known = NODE_COMMANDS | WELL_KNOWN | offered.programs | offered.node_dependencies
        script = "" if rest[0] in known else rest[0]
    if not script or script in offered.node_scripts or re.search(r"[$*]", script):
        return FINE
    near = nearest(script, offered.node_scripts)
    # Away from the top a document may show the scripts of its reader.
    ours = near or "/" not in document.path or _OF_CONTRIBUTORS.search(document.path)
    return f"{'' if ours else '?'}no package.json has a script {script}{near}", ""


def _tox(document: Document, shown: Shown, repository: Repository) -> Verdict:
    environments = repository.code.manifests.tox
    if environments is None:
        return "no file configures tox", ""
    factors = {factor for name in environments for factor in name.split("-")}
    versions = any(map(_TOX_PYTHON.fullmatch, factors))
    asked = [name for value in shown.after("-e", "--env", "-m") for name in value.split(",") if name]
    for name in (name for name in asked if name.lower() not in _SAMPLES):
        missing = [
            part for part in name.split("-") if part not in factors and (versions or not _TOX_PYTHON.fullmatch(part))
        ]
        if name not in environments and missing and not re.search(r"[$*{]", name):
            return f"tox has no environment {name}; it has {', '.join(sorted(environments))}", ""
    return FINE


def _nox(document: Document, shown: Shown, repository: Repository) -> Verdict:
    sessions = repository.code.manifests.nox
    asked = [re.sub(r"[-(].*", "", name) for name in shown.after("-s", "--session", "-e")]
    gone = [name for name in asked if sessions is not None and name not in sessions]
    return (f"nox has no session {gone[0]}; it has {', '.join(sorted(sessions or ()))}" if gone else ""), ""


def _just(document: Document, shown: Shown, repository: Repository) -> Verdict:
    recipes = repository.code.manifests.recipes
    if recipes is None or not shown.rest or shown.rest[0] in recipes:
        return FINE
    return f"the justfile has no recipe {shown.rest[0]}{nearest(shown.rest[0], recipes)}", ""


def _pip(document: Document, shown: Shown, repository: Repository) -> Verdict:
    """Extras of this project, in `pip install .[x]`, `uv sync --extra x`, `poetry install --with x`; requirement files."""
    offered = repository.code.manifests
    asked = (
        shown.after("--extra", "--group", "--with", "-E", "--extras", "--only-group") if shown.program != "pip" else []
    )
    for word in shown.rest:
        match = _EXTRAS.match(word)
        own = match and (
            match["name"] in {".", "./"} or re.sub(r"[-_.]+", "-", match["name"]).lower() in offered.python_names
        )
        asked += re.split(r"[,\s]+", match["extras"]) if match and own else []
    known = offered.extras
    gone = [name for name in asked if known is not None and re.sub(r"[-_.]+", "-", name).lower() not in known]
    if gone:
        return f"pyproject.toml has no extra or group {gone[0]}; it has {', '.join(sorted(known or ())) or 'none'}", ""
    files = [name for name in shown.after("-r", "--requirement") if repository.place(document.path, name) is None]
    if files and not repository.ignored(files[0]):
        return f"there is no {files[0]}", ""
    if "run" in shown.rest[:1] and shown.program in {"uv", "poetry", "hatch"}:
        inner = tuple(shown.words[shown.words.index("run") + 1 :])
        if inner and inner[0] in _NAMED:
            return _NAMED[inner[0]](document, Shown(shown.line, inner), repository)
    return FINE


def _python(document: Document, shown: Shown, repository: Repository) -> Verdict:
    words = shown.words
    if "-m" not in words[:4]:
        return _file(document, shown, repository)
    name, *rest = words[words.index("-m") + 1 :] or ("",)
    if name in {"pytest", "pip", "tox", "nox"}:
        return _NAMED[name](document, Shown(shown.line, (name, *rest)), repository)
    api = repository.code.python
    if name not in api:
        return FINE
    path = api.module_path(name)
    return ("" if path else f"there is no module {name}"), path


def _file(document: Document, shown: Shown, repository: Repository) -> Verdict:
    """The first argument that is a file, with its test behind `::`."""
    if "-c" in shown.words:
        return FINE
    for word in shown.rest:
        name, _, test = word.partition("::")
        if name.rpartition(".")[2] in SUFFIXES and "." in name and not name.startswith(("/", "~", "$", "http")):
            place = repository.place(document.path, name)
            if place is None:
                return ("" if repository.ignored(name) else f"{_doubt(name, repository)}there is no {name}"), ""
            last = test.rpartition("::")[2].partition("[")[0]
            lost = bool(last) and last not in repository.code.texts.get(place, last)
            return (f"{place} has no {last}" if lost else ""), place
    return FINE


def _go(document: Document, shown: Shown, repository: Repository) -> Verdict:
    """Packages of this module, by folder or by path."""
    module = repository.code.manifests.go_module
    if not module or shown.rest[:1] == ["get"]:
        return FINE
    for word in shown.rest[1:]:
        place = word.partition("@")[0]
        if place.startswith(f"{module}/"):
            place = f"./{place.removeprefix(f'{module}/')}"
        if not place.startswith("./"):
            continue
        folder = place.removeprefix("./").removesuffix("...").rstrip("/")
        if (
            folder
            and folder not in repository.folders
            and folder not in repository.files
            and not repository.ignored(folder)
        ):
            return f"there is no folder {folder}", ""
    return FINE


def _cargo(document: Document, shown: Shown, repository: Repository) -> Verdict:
    offered = repository.code.manifests
    names = {path.rpartition("/")[2].removesuffix(".rs") for path in repository.files if path.endswith(".rs")}
    names |= {path.split("/")[-2] for path in repository.files if path.endswith("/main.rs")} | offered.programs
    gone = [
        name for name in shown.after("--bin", "--example", "--bench", "--test") if name not in names and offered.crates
    ]
    return (f"cargo has no target {gone[0]}" if gone else ""), ""


def _doubt(name: str, repository: Repository) -> str:
    """Return the mark of what cannot be told: a file that the reader may have made, as it lies in no folder of ours."""
    plain = name.removeprefix("./")
    if re.fullmatch(r"(?:index|main|app|hello|example|test|server|cli|script|foo|demo)\.\w+", plain):
        return "?"
    stem, _, suffix = plain.rpartition(".")
    alike = [one for one in repository.by_name if one.endswith(f".{suffix}")] if len(stem) > 5 else []
    here = plain.partition("/")[0] in repository.folders if "/" in plain else get_close_matches(plain, alike, 1, 0.8)
    return "" if here else "?"


_NAMED: Mapping[str, Callable[[Document, Shown, Repository], Verdict]] = {
    "make": _make,
    **dict.fromkeys(("npm", "pnpm", "yarn", "bun"), _node),
    "tox": _tox,
    "nox": _nox,
    "just": _just,
    **dict.fromkeys(("pip", "pip3", "uv", "poetry", "hatch"), _pip),
    **dict.fromkeys(("python", "python3"), _python),
    **dict.fromkeys(("node", "npx", "bash", "sh", "pytest"), _file),
    "go": _go,
    "cargo": _cargo,
}
"""Programs whose arguments name something of the repository, each with what looks for it."""
