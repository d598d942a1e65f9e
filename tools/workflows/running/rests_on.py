"""What a proof rests on beside the code that it cites: the project's files that its commands name, and those that git does not have."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...diagnostics.tracebacks import TEST_FILE
from ...lab.context import RepoContext
from ...process.shell import SimpleCommand, scripts
from ...project.scratch_files import digest_of, with_what_they_use
from ..ledger.items import Proof
from ..ledger.pages import one_line

_READ_BY = {
    "pytest": ("pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"),
    "make": ("GNUmakefile", "makefile", "Makefile"),
    "npm": ("package.json",),
    "just": ("justfile",),
}
"""Files that say what a program runs although no command names them."""
MOST_TESTS = 300
_NATIVE = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ")
"""How a program begins that is no script."""


def own_files(context: RepoContext, proof: Proof, cited: str) -> dict[str, str]:
    """Return the project's own files that the commands of a proof name, as a path, a test in it or a module, and those that say
    what they run, with git's id of each; not the one cited.
    """
    root, words = context.repo.root, _words(proof)
    there = [path for path in _named(context, proof) if not path.startswith("../") and (root / path).is_file()]
    if not there and not outside_files(context, proof) and not any(re.search(r"\s", word) for word in words):
        tests = [path for path in context.repo.tracked() if TEST_FILE.search(path)]
        there = tests[:MOST_TESTS]  # it runs all that there are
    if "pytest" in words:
        steps = [path.split("/")[:-1] for path in there]
        above = {"/".join([*names[:depth], "conftest.py"]) for names in steps for depth in range(len(names) + 1)}
        there += sorted(above)
    there += [file for program, files in _READ_BY.items() if program in words for file in files]
    paths = [path for path in dict.fromkeys(there) if path != cited]
    ignored, inside = _ignored(context, paths), root.resolve()
    # An interpreter of the environment is no file of the project's: git ignores it, or a link leads to it.
    own = [path for path in paths if path not in ignored and (root / path).resolve().is_relative_to(inside)]
    return ids_of(context, own)


def outside_files(context: RepoContext, proof: Proof) -> dict[str, str]:
    """Return the files that the commands name and git does not have, outside of the repository or ignored in it, and what scripts
    among them use beside them, with the SHA-256 of each. Programs of the machine and of an environment are none of these.
    """
    root = context.repo.root
    named = [path for path in _named(context, proof) if (root / path).is_file()]
    ignored = _ignored(context, [path for path in named if not path.startswith("../")])
    files = [Path(posixpath.normpath(root / path)) for path in named if path.startswith("../") or path in ignored]
    return {str(path): digest_of(path) for path in with_what_they_use(path for path in files if not _is_program(path))}


def changed_outside(proof: Proof) -> list[str]:
    """Return the files that git does not have and that are not what they were when the proof showed its fault."""
    return [path for path, digest in proof.outside if digest_of(Path(path)) != digest]


def words_of_author(proof: Proof) -> bool:
    """Tell whether the words that name a fault stand in its commands, or in what these run that git does not have: a program that
    prints them says what its author thinks of what it saw.
    """
    words = re.sub(r"^[\w.]+: ", "", one_line(proof.fails_with))  # the name of an exception is nobody's
    texts = [*proof.commands, *(Path(path).read_text("utf-8", "replace") for path, _ in proof.outside)]
    return len(words) > 2 and any(words in one_line(text) for text in texts)


def ids_of(context: RepoContext, paths: Sequence[str]) -> dict[str, str]:
    """Return git's ids of what stands in files now; empty where there is none."""
    there = [path for path in paths if (context.repo.root / path).is_file()]
    ids = context.repo.git.line("hash-object", "--", *there).splitlines() if there else []
    return dict.fromkeys(paths, "") | dict(zip(there, ids, strict=True))


def differing(context: RepoContext, proof: Proof) -> dict[str, bytes | None]:
    """Return the contents, as they were when a proof showed its fault, of the project's files that are otherwise now; None where
    git did not keep it, or there was none.
    """
    now = ids_of(context, [path for path, _ in proof.files])
    return {path: _content(context, id) for path, id in proof.files if id != now[path]}


def as_it_was(context: RepoContext, proof: Proof, otherwise: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
    """Return all of the project's files that a proof names as they were, with those that differ by now."""
    same = [path for path, id in proof.files if id and path not in otherwise]
    return {**{path: (context.repo.root / path).read_bytes() for path in same}, **otherwise}


def _content(context: RepoContext, id: str) -> bytes | None:
    answer = context.repo.git.ask("cat-file", "blob", id)
    return answer.out if answer.code == 0 else None


def _parts(proof: Proof) -> list[SimpleCommand]:
    return [part for command in proof.commands for script in scripts(command) for part in script if part.words]


def _words(proof: Proof) -> set[str]:
    parts = [enumerate(part.words) for part in _parts(proof)]
    return {posixpath.basename(word) if place == 0 else word for words in parts for place, word in words}


def _named(context: RepoContext, proof: Proof) -> list[str]:
    """Return the paths, from the repository's root, that words of the commands may mean, whether or not there is such a file."""
    found, folders = dict[str, None](), [""]
    for part in _parts(proof):
        folders += part.words[1:2] if part.name == "cd" else []
        for word in (word.partition("::")[0] for word in part.words if not re.search(r"\s", word)):
            module = word.replace(".", "/")
            for name in (word, word.partition("=")[2], f"{module}.py", f"{module}/__main__.py"):
                found |= {posixpath.normpath(posixpath.join(folder, name)): None for folder in folders if name}
    root = context.repo.root
    return [posixpath.relpath(path, root) if path.startswith("/") else path for path in found]


def _ignored(context: RepoContext, paths: Sequence[str]) -> set[str]:
    return set(context.repo.git.ask("check-ignore", "--", *paths).text.splitlines()) if paths else set()


def _is_program(file: Path) -> bool:
    """Tell whether a file is a program of the machine, or one that an environment of the project brings."""
    if "node_modules" in file.parts or (file.parent.parent / "pyvenv.cfg").is_file():
        return True
    try:
        with file.open("rb") as opened:
            return opened.read(4).startswith(_NATIVE)
    except OSError:
        return True
