"""Python environments that a command may use: what they import from a checkout, and which of its packages they hold as copies."""

from __future__ import annotations

import ast
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path


def editable_roots(repo_root: Path) -> tuple[Path, ...]:
    """Return the folders of the repository that a Python environment imports from by an editable installation.

    In a second checkout such an import would still find the user's checkout, unless `PYTHONPATH` names that checkout's copy.
    """
    top, found = repo_root.resolve(), set[Path]()
    for prefix in _prefixes(repo_root):
        for folder in (Path(line).resolve() for line in _import_folders(prefix) if os.path.isabs(line)):
            # What lies in site-packages is installed as a copy, even where the environment is in the checkout.
            if folder.is_relative_to(top) and folder.is_dir() and "site-packages" not in folder.parts:
                found.add(repo_root / folder.relative_to(top))
    return tuple(sorted(found))


def installed_copies(repo_root: Path, packages: Sequence[str]) -> tuple[Path, ...]:
    """Find packages of the repository that are installed as copies: a second checkout that imports these tests none of its own."""
    names = [name for name in packages if name.isidentifier()]
    places = (found for prefix in _prefixes(repo_root) for found in prefix.glob("lib/python3*/site-packages"))
    return tuple(dict.fromkeys(place / name for place in places for name in names if (place / name).is_dir()))


def _prefixes(repo_root: Path) -> Iterator[Path]:
    """Python environments that a command may use. Not resolved: a virtual environment's `python` is a link."""
    yield from (repo_root / ".venv", repo_root / "venv")
    if active := os.environ.get("VIRTUAL_ENV"):
        yield Path(active)
    found = (shutil.which(name) for name in ("python3", "python"))
    yield from {Path(os.path.abspath(program)).parent.parent for program in found if program}


def _import_folders(prefix: Path) -> Iterator[str]:
    for packages in prefix.glob("lib/python3*/site-packages"):
        for file in packages.glob("*.pth"):
            yield from (line.strip() for line in _text(file).splitlines())
        for file in packages.glob("__editable___*_finder.py"):
            yield from (_above(name, place) for name, place in _mapping(_text(file)).items())


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _mapping(source: str) -> dict[str, str]:
    """Return the dictionary MAPPING of a finder that setuptools wrote; read, never run."""
    with suppress(SyntaxError, ValueError, TypeError):
        for node in ast.parse(source).body:
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id="MAPPING")], value=ast.expr() as value)
                    | ast.AnnAssign(target=ast.Name(id="MAPPING"), value=ast.expr() as value)
                ):
                    return {str(name): str(place) for name, place in dict(ast.literal_eval(value)).items()}
    return {}


def _above(name: str, place: str) -> str:
    """Return the folder that has to be on the path: above all parts of a dotted name that are folders, else the parent."""
    path, parts = Path(place), tuple(name.split("."))
    nested = Path(place.removesuffix(".py")).parts[-len(parts) :] == parts
    return str(path.parents[len(parts) - 1] if nested else path.parent)
