"""The examples: ready plans for many kinds of number, each made from one small description and the files of its shape."""

from __future__ import annotations

import difflib
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Code, Refusal
from ..git.repo import create_repository
from ..plan.model import PLAN_FILE, in_toml
from .harness import require_empty

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
_PROGRAMS = {
    "TypeScript": "node",
    "JavaScript": "node",
    "Go": "go",
    "Rust": "rustc",
    "Java": "javac",
    "C": "cc",
    "C++": "c++",
    "Ruby": "ruby",
    "PHP": "php",
}


@dataclass(frozen=True)
class Example:
    """One example: its story, every file of its repository, and the patches to try there (`improvement`, `cheat-1`, ...)."""

    name: str
    domain: str
    language: str
    story: str
    files: Mapping[str, str]
    patches: Mapping[str, str]
    cheats: tuple[str, ...]
    needs: tuple[str, ...]

    @property
    def line(self) -> str:
        """What it is about, in its story's first line."""
        return self.story.splitlines()[0]


def all_examples() -> tuple[Example, ...]:
    """Return every example, by name."""
    return tuple(_read(file) for file in sorted((EXAMPLES / "catalog").glob("*.toml")))


def find_examples(word: str) -> tuple[Example, ...]:
    """Return the examples in whose name, domain, language or story a word stands, in any case."""
    return tuple(
        one for one in all_examples() if word.lower() in f"{one.name} {one.domain} {one.language} {one.story}".lower()
    )


def create_example(name: str, folder: Path) -> Example:
    """Make a git repository of an example in a new or empty folder.

    Raises:
        Refusal: if no example has the name, or the folder holds anything.
    """
    example = next((one for one in all_examples() if one.name == name), None)
    if example is None:
        close = difflib.get_close_matches(name, [one.name for one in all_examples()])
        near = f" Did you mean {' or '.join(close)}?" if close else ""
        raise Refusal(Code.BAD_ARGUMENT, f"No example is called {name}.{near} See: autoresearch-mcp examples")
    require_empty(folder)
    patches = {f"try/{key}.patch": text for key, text in example.patches.items()}
    for path, text in {".gitignore": "__pycache__/\n", **example.files, **patches}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    create_repository(folder, example.line)
    return example


def what_is_missing(example: Example) -> str:
    """Return which program of an example is not on this machine; empty where all are."""
    for need in (*example.needs, _PROGRAMS.get(example.language, "")):
        if need and shutil.which(need) is None:
            return f"{need} is not installed"
    return ""


def _read(file: Path) -> Example:
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    shape = EXAMPLES / "shapes" / told["shape"] if "shape" in told else None
    files, plan = dict(told["files"]), dict(told["plan"])
    if shape is not None:
        shared = {one.name: one.read_text(encoding="utf-8") for one in sorted(shape.iterdir()) if one.is_file()}
        plan = {**tomllib.loads(shared.pop(PLAN_FILE)), **plan}
        files = {**shared, **files}
    tried = {"improvement": told["improvement"]}
    for number, cheat in enumerate(told["cheat"], 1):
        tried[f"cheat-{number}"] = cheat["edit"]
    return Example(
        file.stem,
        told["domain"],
        told["language"],
        told["story"],
        {**files, "README.md": told["story"], PLAN_FILE: in_toml(plan)},
        {key: _patch(files, edits) for key, edits in tried.items()},
        tuple(cheat["name"] for cheat in told["cheat"]),
        tuple(told.get("needs", ())),
    )


def _patch(files: Mapping[str, str], edits: list[dict[str, Any]]) -> str:
    """Return edits as a patch: each puts `new` in place of `old` in a file, or of the whole of it."""
    after = dict(files)
    for edit in edits:
        text = after.get(edit["file"], "")
        if "old" in edit and edit["old"] not in text:
            raise ValueError(f"{edit['file']} does not hold {edit['old']!r}")
        after[edit["file"]] = text.replace(edit["old"], edit["new"]) if "old" in edit else edit["new"]
    return "".join(
        line
        for path in sorted(after)
        if after[path] != files.get(path)
        for line in difflib.unified_diff(
            files.get(path, "").splitlines(keepends=True),
            after[path].splitlines(keepends=True),
            f"a/{path}" if path in files else "/dev/null",
            f"b/{path}",
        )
    )
