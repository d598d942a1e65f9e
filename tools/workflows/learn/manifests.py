"""What a repository's manifests offer: programs, targets, scripts, environments, extras, versions."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

_SAMPLE = re.compile(
    r"(?:^|/)(?:examples?|samples?|tests?|__tests__|fixtures?|testdata|templates?|node_modules|vendor)/"
)
"""Folders whose manifests are not the project's."""
_ENTRY = re.compile(r"^\s*[\"']?([A-Za-z][\w-]*)\s*=\s*[A-Za-z_][\w.]*:[A-Za-z_]\w*[\"']?,?\s*$", re.MULTILINE)
"""A console script, as setup.py and setup.cfg have it."""
_REQUIRES = re.compile(r"^\s*python_requires\s*=\s*[\"']?([^\"'\n,)]+)", re.MULTILINE)
_MAKEFILE = re.compile(r"(?:^|/)(?:GNUm|M|m)akefile$|\.mk$")
_MADE_TARGET = re.compile(r"^([^\s#:=][^#:=\n]*)::?(?!=)", re.MULTILINE)
_BRACES = re.compile(r"\{([^{}]*)\}")
_PIP_NAME = re.compile(r"[-_.]+")
_VERSION = re.compile(r"\d+(?:\.\d+)*")


@dataclass(frozen=True)
class Manifests:
    """The text of a repository's files by path; what they declare is read when it is asked for."""

    texts: Mapping[str, str]

    def _named(self, name: str) -> Iterator[tuple[str, str]]:
        named = ((path, text) for path, text in self.texts.items() if path.rpartition("/")[2] == name)
        return ((path, text) for path, text in named if not _SAMPLE.search(path))

    @cached_property
    def pyprojects(self) -> Mapping[str, dict[str, Any]]:
        """Each pyproject.toml by its path."""
        return {path: table(tomllib.loads, text) for path, text in self._named("pyproject.toml")}

    @cached_property
    def packages(self) -> Mapping[str, dict[str, Any]]:
        """Each package.json by its path, the outermost first."""
        found = {path: table(json.loads, text) for path, text in self._named("package.json")}
        return dict(sorted(found.items(), key=lambda pair: pair[0].count("/")))

    @cached_property
    def crates(self) -> Mapping[str, dict[str, Any]]:
        """Each Cargo.toml by its path."""
        return {path: table(tomllib.loads, text) for path, text in self._named("Cargo.toml")}

    def project(self) -> dict[str, Any]:
        """Return the table of the outermost Python project."""
        return part(self.pyprojects.get("pyproject.toml", {}), "project")

    @cached_property
    def declared(self) -> tuple[tuple[str, str], ...]:
        """The programs that manifests install, each with the file that says so."""
        found = [(path, name) for path, one in self.pyprojects.items() for name in _scripts(one)]
        setups = [*self._named("setup.py"), *self._named("setup.cfg")]
        found += [(path, name) for path, text in setups for name in _ENTRY.findall(text)]
        for path, one in self.packages.items():
            made = one.get("bin", {})
            found += [(path, name) for name in (made if isinstance(made, dict) else [str(one.get("name", ""))]) if name]
        for path, one in self.crates.items():
            bins = [part({"bin": b}, "bin").get("name", "") for b in one.get("bin", []) if isinstance(b, dict)]
            main = f"{path.removesuffix('Cargo.toml')}src/main.rs" in self.texts
            found += [
                (path, str(name)) for name in bins or ([part(one, "package").get("name")] if main else []) if name
            ]
        mains = (path for path, text in self.texts.items() if path.endswith(".go") and text_is_main(text))
        folders = {path.rpartition("/")[0] for path in mains}
        found += [(f"{folder}/", folder.rpartition("/")[2]) for folder in sorted(folders) if folder.startswith("cmd/")]
        if "" in folders and self.go_module:
            found.append(("go.mod", re.sub(r"/v\d+$", "", self.go_module).rpartition("/")[2]))
        return tuple(found)

    @cached_property
    def programs(self) -> frozenset[str]:
        """Their names."""
        return frozenset(name for _, name in self.declared)

    @cached_property
    def targets(self) -> frozenset[str]:
        """Every target of every makefile, also those declared phony."""
        files = (text for path, text in self.texts.items() if _MAKEFILE.search(path))
        return frozenset(name for text in files for names in _MADE_TARGET.findall(text) for name in names.split())

    @cached_property
    def node_scripts(self) -> frozenset[str]:
        """Every script of every package.json."""
        return frozenset(name for one in self.packages.values() for name in part(one, "scripts"))

    @cached_property
    def node_dependencies(self) -> frozenset[str]:
        """Every dependency of every package.json, whole and by the last part of its name."""
        kinds = ("dependencies", "devDependencies", "peerDependencies", "optionalDependencies")
        names = {name for one in self.packages.values() for kind in kinds for name in part(one, kind)}
        return frozenset(names | {name.rpartition("/")[2] for name in names})

    @cached_property
    def extras(self) -> frozenset[str] | None:
        """The extras of Python projects, and their groups; None where a setup script may make some."""
        if any(True for name in ("setup.py", "setup.cfg") for _ in self._named(name)):
            return None
        found: set[str] = set()
        for one in self.pyprojects.values():
            found |= set(part(part(one, "project"), "optional-dependencies")) | set(part(one, "dependency-groups"))
            poetry = part(part(one, "tool"), "poetry")
            found |= set(part(poetry, "extras")) | set(part(poetry, "group"))
        return frozenset(_PIP_NAME.sub("-", name).lower() for name in found) if self.pyprojects else None

    @cached_property
    def python_names(self) -> frozenset[str]:
        """The names of Python projects as an index spells them."""
        names = (str(part(one, "project").get("name", "")) for one in self.pyprojects.values())
        return frozenset(_PIP_NAME.sub("-", name).lower() for name in names if name)

    @cached_property
    def tox(self) -> frozenset[str] | None:
        """The environments that tox lists or configures; None without a tox file."""
        found: set[str] = set()
        tables = [part(part(one, "tool"), "tox") for one in self.pyprojects.values()]
        tables += [table(tomllib.loads, text) for _, text in self._named("tox.toml")]
        for one in tables:
            found |= {str(name) for name in one.get("env_list", [])} | set(part(one, "env"))
        inis = [text for _, text in self._named("tox.ini")] + [str(one.get("legacy_tox_ini", "")) for one in tables]
        for text in inis:
            found |= set(_tox_ini(text))
        return frozenset(found) or None

    @cached_property
    def nox(self) -> frozenset[str] | None:
        """The sessions of nox; None without its file."""
        texts = [text for _, text in self._named("noxfile.py")]
        pattern = r"@(?:nox\.)?session[^\n]*(?:\n[^\n@]*)*?\ndef (\w+)|\bname=[\"']([\w.-]+)"
        return (
            frozenset(n for text in texts for pair in re.findall(pattern, text) for n in pair if n) if texts else None
        )

    @cached_property
    def recipes(self) -> frozenset[str] | None:
        """The recipes of just; None without its file."""
        texts = [text for name in ("justfile", "Justfile", ".justfile") for _, text in self._named(name)]
        pattern = re.compile(r"^@?([A-Za-z_][\w-]*)[^:=\n]*:(?!=)|^alias\s+([\w-]+)", re.MULTILINE)
        return frozenset(n for text in texts for pair in pattern.findall(text) for n in pair if n) if texts else None

    @cached_property
    def go_module(self) -> str:
        """The path of the outermost Go module; empty without one."""
        return next(iter(re.findall(r"^module\s+(\S+)", self.texts.get("go.mod", ""), re.MULTILINE)), "")

    @cached_property
    def version(self) -> str:
        """The version that the outermost manifest gives the project; empty where none does."""
        node = next(iter(self.packages.items()), ("", {}))
        cargo = part(self.crates.get("Cargo.toml", {}), "package").get("version", "")
        own = node[1].get("version", "") if node[0] == "package.json" else ""
        return str(self.project().get("version") or own or (cargo if isinstance(cargo, str) else ""))

    @cached_property
    def minimums(self) -> Mapping[str, tuple[str, str]]:
        """The oldest version of each language that is taken, with the file that says so."""
        node = self.packages.get("package.json", {})
        rust = part(self.crates.get("Cargo.toml", {}), "package").get("rust-version", "")
        said = {
            "python": self._python(),
            "node": (str(part(node, "engines").get("node", "")), "package.json"),
            "go": (next(iter(re.findall(r"^go\s+(\S+)", self.texts.get("go.mod", ""), re.MULTILINE)), ""), "go.mod"),
            "rust": (rust if isinstance(rust, str) else "", "Cargo.toml"),
        }
        lowest = {name: (least(words), file) for name, (words, file) in said.items()}
        return {name: found for name, found in lowest.items() if found[0]}

    def _python(self) -> tuple[str, str]:
        """Return which Python the outermost project takes, and the file that says so."""
        said = [(str(self.project().get("requires-python", "")), "pyproject.toml")]
        for name in ("setup.cfg", "setup.py"):
            said += [(words, name) for words in _REQUIRES.findall(self.texts.get(name, ""))]
        return next((one for one in said if one[0]), ("", ""))

    @cached_property
    def major(self) -> str:
        """The first part of the project's version, or of its Go module; empty where neither is known."""
        found = re.search(r"/v(\d+)$", self.go_module)
        return found[1] if found else self.version.partition(".")[0]

    @cached_property
    def counts(self) -> Mapping[str, tuple[int, str]]:
        """What can be counted of the outermost manifest: how many there are, and where."""
        node, python = self.packages.get("package.json", {}), self.project()
        found: dict[str, tuple[int, str]] = {}
        if python or node:
            file = "pyproject.toml" if python else "package.json"
            listed = python.get("dependencies", []) if python else part(node, "dependencies")
            found["dependencies"] = (len(listed), file)
            found["executables"] = (sum(path == file for path, _ in self.declared), file)
        elif go := self.texts.get("go.mod", ""):
            listed = re.findall(r"^(?:require )?\s*[\w./~-]+ v\S+(?! *// indirect)$", go, re.MULTILINE)
            found["dependencies"] = (len(listed), "go.mod")
        if python:
            found["extras"] = (len(part(python, "optional-dependencies")), "pyproject.toml")
        if node:
            found["peer dependencies"] = (len(part(node, "peerDependencies")), "package.json")
            found["dev dependencies"] = (len(part(node, "devDependencies")), "package.json")
            found["scripts"] = (len(part(node, "scripts")), "package.json")
        return found


def least(words: str) -> str:
    """Return the lowest version that a range takes, as far as it can be read off its words; empty where it cannot."""
    if re.search(r"\|\||\*|x$", words):
        words = words.partition("||")[0]
    lower = re.findall(rf"(?:>=|\^|~=|~|==|^)\s*v?({_VERSION.pattern})", words.strip())
    return lower[0] if lower else ""


def text_is_main(text: str) -> bool:
    """Tell whether a Go file belongs to a program."""
    return re.search(r"^package main\b", text, re.MULTILINE) is not None


def table(read: Callable[[str], Any], text: str) -> dict[str, Any]:
    """Return what a file holds; empty where it cannot be read."""
    try:
        found = read(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def part(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a table within a table; empty where there is none."""
    found = holder.get(name, {})
    return found if isinstance(found, dict) else {}


def _scripts(pyproject: Mapping[str, Any]) -> list[str]:
    project, tool = part(pyproject, "project"), part(part(pyproject, "tool"), "poetry")
    return [*part(project, "scripts"), *part(project, "gui-scripts"), *part(tool, "scripts")]


def _tox_ini(text: str) -> Iterator[str]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    for section in parser.sections():
        if section.startswith("testenv:"):
            yield from _expanded(section.removeprefix("testenv:"))
    for name in ("envlist", "env_list"):
        yield from _expanded(parser.get("tox", name, fallback=""))


def _expanded(names: str) -> Iterator[str]:
    """Return every name that a list with braces stands for."""
    for name in re.split(r"[,\s]+(?![^{]*\})", names.strip()):
        parts = _BRACES.split(name)
        choices = [part.split(",") if at % 2 else [part] for at, part in enumerate(parts)]
        yield from (made for one in product(*choices) if (made := "".join(word.strip() for word in one)))
