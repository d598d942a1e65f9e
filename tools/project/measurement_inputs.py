"""What measures besides the files that the plan protects: programs, and files that steer them without being named.

Commands are read roughly as a shell reads them. What cannot be read is passed over: nothing here refuses a command.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ..diagnostics.inspection import commands_in
from ..plan.model import PLAN_FILE, Plan
from ..plan.scope import Scope
from ..process.shell import SimpleCommand, simple_commands
from ..process.shell_words import BUILT_IN, WRAPPERS

_PROGRAM = re.compile(r"[\w.+/@:,~-]*[A-Za-z0-9_+~-]")
_PLAIN_PATH = re.compile(r"[\w./ @+-]+")
_WILD = re.compile(r"[*?\[{]")


@lru_cache(maxsize=256)
def steps(command: str) -> tuple[SimpleCommand, ...]:
    """Return the simple commands of a shell command, also of what a shell inside it is told to run."""
    return simple_commands(command, commands_in)


def executables(command: str) -> tuple[str, ...]:
    """Return the programs that a shell command starts, as written and once each; the shell's own commands are none."""
    found = (_started(step) for step in steps(command) if step.words)
    return tuple(dict.fromkeys(word for word in found if word not in BUILT_IN and _PROGRAM.fullmatch(word)))


def wrappers(command: str) -> tuple[str, ...]:
    """Return the programs that only start another one, as written and once each."""
    words = (word for step in steps(command) for word in step.wrappers)
    return tuple(dict.fromkeys(w for w in words if posixpath.basename(w) in WRAPPERS and w not in BUILT_IN))


def _started(step: SimpleCommand) -> str:
    """Return the file that is started: what busybox starts is busybox."""
    last = step.wrappers[-1] if step.wrappers else ""
    return last if posixpath.basename(last) == "busybox" else step.words[0]


def search_folders(commands: Sequence[str], variable: str) -> tuple[str, ...]:
    """Return the repository's folders that commands put on `PATH` or `PYTHONPATH`; the root is the empty name."""
    words = (word for command in commands for step in steps(command) for word in step.assigned)
    values = (word.partition("=")[2] for word in words if word.partition("=")[0].rstrip("+") == variable)
    folders = (_inside(entry) for value in values for entry in value.split(":"))
    return tuple(dict.fromkeys(folder for folder in folders if folder is not None))


def working_folders(command: str) -> tuple[str, ...]:
    """Return the repository's folders in which a command works: the root as the empty name, and what it enters."""
    entered = (_inside(word) for step in steps(command) for word in _entered(step))
    return tuple(dict.fromkeys(("", *(folder for folder in entered if folder is not None))))


def _entered(step: SimpleCommand) -> Iterator[str]:
    if step.name in {"cd", "pushd"}:
        yield from step.words[1:2]
    for option, value in zip(step.words, step.words[1:], strict=False):
        if option in {"-C", "--prefix", "--dir", "--cwd", "--directory", "--project"}:
            yield value


def _inside(entry: str) -> str | None:
    """Return a folder as written, relative to the root; None where it is elsewhere or cannot be known.

    The empty entry of a search path means the folder in which a command runs.
    """
    path = posixpath.normpath(re.sub(r"^(?:\$PWD|\$\{PWD\}|\$\(pwd\))(?=/|$)", ".", entry))
    if path.startswith(("/", "..")) or not _PLAIN_PATH.fullmatch(path):
        return None
    return "" if path == "." else path


def protected_globs(plan: Plan) -> tuple[str, ...]:
    """Return all that no experiment may touch: what the plan protects, the plan file, and what steers the commands."""
    return (*implied(plan.commands, plan.scope), *plan.protected, PLAN_FILE)


def misplaced(plan: Plan, paths: Sequence[str]) -> tuple[str, ...]:
    """Return the paths that no experiment may change: outside the scope, or protected."""
    scope, protected = Scope(plan.scope), Scope(protected_globs(plan))
    return tuple(path for path in paths if not scope.matches(path) or protected.matches(path))


_ALWAYS = (".env", ".envrc", ".gitmodules")
_ALWAYS_ANYWHERE = (".gitattributes", ".gitignore", "sitecustomize.py", "usercustomize.py")
_SCRIPT_ENDINGS = ("js", "cjs", "mjs", "ts", "cts", "mts")
_NODE = ("package.json", ".npmrc", ".yarnrc.yml", "pnpm-workspace.yaml")
_JEST = (*(f"jest.config.{end}" for end in (*_SCRIPT_ENDINGS, "json")),)
_VITEST = (*(f"{stem}.config.{end}" for stem in ("vitest", "vite") for end in _SCRIPT_ENDINGS),)
_PYTEST = (
    *("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml"),
    *("tox.ini", "setup.cfg", "pyproject.toml", "conftest.py"),
)
_NODE_PROGRAMS = ("npm", "npx", "pnpm", "pnpx", "yarn", "bun", "bunx")
_STEERED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("make", "gmake"), ("Makefile", "makefile", "GNUmakefile")),
    # What `npm test` starts stands in package.json, unseen here; a test runner is the usual answer.
    **dict.fromkeys(_NODE_PROGRAMS, (*_NODE, *_JEST, *(name for name in _VITEST if name.startswith("vitest")))),
    **dict.fromkeys(("pytest", "py.test", "tox"), _PYTEST),
    "jest": _JEST,
    "vitest": _VITEST,
    "just": ("justfile", "Justfile", ".justfile"),
    "cargo": ("Cargo.toml", "build.rs", ".cargo/config.toml", ".cargo/config"),
    "go": ("go.mod", "go.work"),
    "cmake": ("CMakeLists.txt", "CMakePresets.json"),
}
_ANYWHERE = frozenset((*_ALWAYS_ANYWHERE, "conftest.py"))

# Programs that run another one which is named somewhere among their words.
_RUNNERS = re.compile(r"(?:pythonw?|pypy)[\d.]*|npx|npm|pnpm|pnpx|yarn|bunx?|uvx?|poetry|pdm|hatch|pipenv|coverage|tox")


def tools(command: str) -> frozenset[str]:
    """Return the names of a command's programs, with those that `python -m`, `npx`, `uv run` and the like start."""
    found: set[str] = set()
    for step in steps(command):
        found |= {
            posixpath.basename(word) for word in (step.words if _RUNNERS.fullmatch(step.name) else step.words[:1])
        }
    return frozenset(found)


def implied(commands: Sequence[str], scope: Sequence[str]) -> tuple[str, ...]:
    """Return the globs of files that steer these commands although nobody named them; sealed with the ruler.

    A file that the scope names literally is left out: it is what the human wants changed. Put these globs before the
    plan's own, because a `!` at their end takes such a file out of a glob that crosses folders.
    """
    literal = frozenset(
        posixpath.normpath(glob) for glob in scope if not glob.startswith("!") and not _WILD.search(glob)
    )
    places = dict.fromkeys((*_ALWAYS, *_ALWAYS_ANYWHERE, *(name for command in commands for name in _places(command))))
    globs = [glob for place in places if place not in literal for glob in (place, *_deeper(place))]
    globs += [f"**/{place}" for place in places if place in literal and place in _ANYWHERE]
    covered = Scope(globs)
    return (*dict.fromkeys(globs), *sorted(f"!{path}" for path in literal if _is_exception(path, covered)))


def _places(command: str) -> Iterator[str]:
    used = tools(command)
    steering = [name for program, names in _STEERED.items() if program in used for name in names]
    for folder in working_folders(command):
        yield from (posixpath.join(folder, name) for name in steering)


def _deeper(place: str) -> tuple[str, ...]:
    return (f"**/{place}",) if place in _ANYWHERE else ()


def _is_exception(path: str, covered: Scope) -> bool:
    """Tell whether a file is itself meant: a folder in the scope grants nothing that steers."""
    return posixpath.basename(path) in _ANYWHERE and covered.matches(path)


# These tell of a file without running it or repeating what it says.
_OBSERVERS = frozenset("wc du stat size ls cloc tokei gzip brotli zstd xz".split())


def measured_in_scope(command: str, tracked: Sequence[str], scope: Scope, protected: Scope) -> tuple[str, ...]:
    """Return files named in a command that an experiment may change: the number is then the experiment's own word."""
    named = frozenset(path for word in _named(command) for path in word)
    return tuple(path for path in tracked if path in named and scope.matches(path) and not protected.matches(path))


def _named(command: str) -> Iterator[tuple[str, ...]]:
    folders = working_folders(command)
    for step in steps(command):
        if step.name not in _OBSERVERS:
            words = [part for word in step.words for part in (word, *word.split("="))] + _modules(step)
            yield tuple(posixpath.normpath(posixpath.join(folder, word)) for folder in folders for word in words)


def _modules(step: SimpleCommand) -> list[str]:
    """Return the files behind `python -m package.module`."""
    if "-m" not in step.words[:-1] or not _RUNNERS.fullmatch(step.name):
        return []
    path = step.words[step.words.index("-m") + 1].replace(".", "/")
    return [f"{path}.py", f"{path}/__main__.py"]
