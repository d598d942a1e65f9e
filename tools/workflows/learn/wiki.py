"""A wiki of a repository: which modules it has pages for, and which pages may be written."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .codemap import language_of
from .documents import WIKI

MOST_MODULES = 10
_FEW_SOURCES = 3
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_OURS = re.compile(r"^generated_by:\s*[\"']?autoresearch[\"']?\s*$", re.MULTILINE)
_PROJECT_FILE = re.compile(r"/(?:pyproject\.toml|package\.json|Cargo\.toml|go\.mod|pom\.xml|build\.gradle(?:\.kts)?)$")


@dataclass(frozen=True)
class WikiPage:
    """A page that is planned: its path, what it is about, and whether a page of the user's stands there already."""

    path: str
    about: str
    users: bool = False


def is_generated(text: str) -> bool:
    """Whether a page says in its front matter that it was written by this workflow, so that it may be written again."""
    front = _FRONT_MATTER.match(text.replace("\r\n", "\n"))
    return front is not None and _OURS.search(front[1]) is not None


def modules(asked: Sequence[str], files: Sequence[str], texts: Mapping[str, str]) -> tuple[str, ...]:
    """The folders that get a page, at most ten: those asked for, else workspaces, else folders with a project file, else
    folders with at least three source files.
    """
    found = (
        [name.strip("/") for name in asked]
        or _workspaces(files, texts)
        or _project_folders(files)
        or _full_folders(files)
    )
    return tuple(dict.fromkeys(found))[:MOST_MODULES]


def _workspaces(files: Sequence[str], texts: Mapping[str, str]) -> list[str]:
    globs = [*_listed(texts.get("package.json", ""), "workspaces"), *_cargo(texts.get("Cargo.toml", ""))]
    tops = {tuple(path.split("/")[:-1]) for path in files}
    folders = sorted({"/".join(parts[:depth]) for parts in tops for depth in range(1, len(parts) + 1)})
    patterns = [re.compile(re.escape(glob.strip("/")).replace(r"\*", "[^/]+")) for glob in globs]
    return [folder for folder in folders if any(pattern.fullmatch(folder) for pattern in patterns)]


def _listed(text: str, key: str) -> list[str]:
    try:
        found = json.loads(text).get(key, []) if text else []
    except (ValueError, AttributeError):
        return []
    found = found.get("packages", []) if isinstance(found, dict) else found
    return [glob for glob in found if isinstance(glob, str)] if isinstance(found, list) else []


def _cargo(text: str) -> list[str]:
    try:
        found = tomllib.loads(text).get("workspace", {}).get("members", [])
    except (ValueError, AttributeError):
        return []
    return [glob for glob in found if isinstance(glob, str)]


def _project_folders(files: Sequence[str]) -> list[str]:
    return sorted({path.rpartition("/")[0] for path in files if _PROJECT_FILE.search(path)})


def _full_folders(files: Sequence[str]) -> list[str]:
    counted = Counter(path.rpartition("/")[0] for path in files if language_of(path) and "/" in path)
    full = [folder for folder, count in counted.items() if count >= _FEW_SOURCES and not _is_tests(folder)]
    return sorted(sorted(full, key=lambda folder: -counted[folder])[:MOST_MODULES])


def _is_tests(folder: str) -> bool:
    return re.search(r"(?:^|/)(?:tests?|__tests__|docs|wiki)(?:/|$)", folder) is not None


def pages(found: Sequence[str], topics: Sequence[str], existing: Mapping[str, str]) -> tuple[WikiPage, ...]:
    """The pages that are planned: an index, one a module, one a topic. `existing` are the texts of pages that are there."""
    planned = [("index", "the modules, and where to begin")]
    planned += [(re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"), name) for name in (*found, *topics)]
    named = ((f"{WIKI}/{name}.md", about) for name, about in planned if name)
    return tuple(
        WikiPage(path, about, path in existing and not is_generated(existing[path]))
        for path, about in dict(named).items()
    )
