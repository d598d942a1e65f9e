"""The names that Go and TypeScript or JavaScript code gives away, read off the form that their definitions have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from posixpath import dirname

from .manifests import Manifests

_GO_PACKAGE = re.compile(r"^package (\w+)", re.MULTILINE)
_GO_FUNCTION = re.compile(
    r"^func (\w+)(?:\[[^\]]*\])?\(((?:[^()]|\([^()]*\))*)\)\s*\(?\s*(?:\w+ )?\*?([A-Z]\w*)?", re.MULTILINE
)
_GO_METHOD = re.compile(r"^func \((?:\w+ )?\*?(\w+)(?:\[[^\]]*\])?\) (\w+)\(", re.MULTILINE)
_GO_TYPE = re.compile(r"^type (\w+)(?:\[[^\]]*\])? (?:struct|interface) ?\{(.*?)^\}", re.MULTILINE | re.DOTALL)
_GO_GROUPED_TYPE = re.compile(r"^\t(\w+) (?:struct|interface) ?\{(.*?)^\t\}", re.MULTILINE | re.DOTALL)
_GO_NAME = re.compile(r"^(?:type|var|const) (\w+)", re.MULTILINE)
_GO_GROUP = re.compile(r"^(?:type|var|const) \((.*?)^\)", re.MULTILINE | re.DOTALL)
_GO_MEMBER = re.compile(r"^\t+\*?([\w.]+)((?:, \w+)*)", re.MULTILINE)
_GO_EMBEDDED = re.compile(r"^\t+\*?([\w.]+)(?:\s*`[^`]*`)?$", re.MULTILINE)
_GO_OWN = frozenset(
    "http url testing context errors fmt io os time sql json log net path filepath strings bytes sort sync reflect tls flag "
    "template user exec runtime regexp bufio slices maps math rand".split()
)
"""Packages of Go's own whose names a document means before it means ours."""
_TEST = re.compile(r"(?:^|/)(?:tests?|__tests__|fixtures?|examples?|node_modules)/|\.(?:test|spec)\.\w+$|_test\.go$")
_SCRIPT = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
_EXPORT = re.compile(
    r"\bexport\s+(?:declare\s+)?(?:default\s+)?(?:abstract\s+)?(?:async\s+)?"
    r"(?:function\*?|class|const|let|var|type|interface|enum|namespace)\s+([A-Za-z_$][\w$]*)"
)
_EXPORT_LIST = re.compile(r"\bexport\s+(?:type\s+)?\{([^}]*)\}")
_COMMON_JS = re.compile(r"\b(?:module\.)?exports\.([A-Za-z_$][\w$]*)\s*=")
_OPEN = re.compile(
    r"^export\s+\*\s+from\s+['\"](?!\.)|^module\.exports\s*=(?!\s*\{)|^export\s+(?:const|let|var)\s*[\[{]", re.MULTILINE
)
"""Exports whose names stand elsewhere."""


@dataclass
class GoPackage:
    """A Go package: its folder, its name, what it gives away, the members of its types, and what its functions return."""

    folder: str
    name: str
    names: set[str] = field(default_factory=set)
    members: dict[str, set[str]] = field(default_factory=dict)
    embedded: dict[str, set[str]] = field(default_factory=dict)
    """The types that a type embeds, whose members it has as well."""
    returns: dict[str, str] = field(default_factory=dict)
    arity: dict[str, int | None] = field(default_factory=dict)
    """How many arguments its functions take; None for any number."""

    def read(self, text: str) -> None:
        """Take in what a file defines."""
        for name, parameters, kind in _GO_FUNCTION.findall(text):
            self.names.add(name)
            self.returns[name] = kind
            self.arity[name] = None if "..." in parameters else len(arguments(parameters))
        for kind, name in _GO_METHOD.findall(text):
            self.members.setdefault(kind, set()).add(name)
        for kind, body in (*_GO_TYPE.findall(text), *_GO_GROUPED_TYPE.findall(text)):
            self.names.add(kind)
            for name, more in _GO_MEMBER.findall(body):
                self.members.setdefault(kind, set()).update((name.rpartition(".")[2], *more.replace(",", " ").split()))
            self.embedded.setdefault(kind, set()).update(_GO_EMBEDDED.findall(body))
        self.names.update(_GO_NAME.findall(text))
        self.names.update(name for body in _GO_GROUP.findall(text) for name, _ in _GO_MEMBER.findall(body))

    def has(self, kind: str, name: str) -> bool:
        """Return whether a type has a member, or may have it of a type elsewhere that it embeds."""
        waiting, seen = [kind], set[str]()
        while waiting:
            one = waiting.pop()
            if one not in self.members or name in self.members[one]:
                return True
            seen.add(one)
            waiting += self.embedded.get(one, set()) - seen
        return False


@dataclass(frozen=True)
class ForeignNames:
    """What the code of a repository gives away that is not Python."""

    texts: Mapping[str, str]

    @cached_property
    def go(self) -> Mapping[str, GoPackage]:
        """The Go packages by their folder."""
        found: dict[str, GoPackage] = {}
        for path, text in self.texts.items():
            package = _GO_PACKAGE.search(text) if path.endswith(".go") and not _TEST.search(path) else None
            if package:
                folder = dirname(path)
                found.setdefault(folder, GoPackage(folder, package[1])).read(text)
        return found

    def go_named(self, name: str) -> tuple[GoPackage, ...]:
        """Return the Go packages of a name that a document means by it."""
        return tuple(one for one in self.go.values() if one.name == name) if name not in _GO_OWN else ()

    def go_types(self, name: str) -> tuple[GoPackage, ...]:
        """Return the Go packages that define a type."""
        return tuple(one for one in self.go.values() if name in one.members)

    def go_why_not(self, dotted: str) -> tuple[str, str] | None:
        """Return why a name such as `pkg.Name`, `Type.Member` or `pkg.Type.Member` is not defined, empty if it is, and the
        folder where it would be; None where it is no name of this code.
        """
        head, *rest = dotted.split(".")
        for packages, names in ((self.go_named(head), rest), (self.go_types(head), [head, *rest])):
            if packages:
                whys = [self._lacks(one, names) for one in packages]
                return ("" if "" in whys else whys[0]), packages[0].folder
        return None

    def _lacks(self, package: GoPackage, names: list[str]) -> str:
        where = package.folder or "the top"
        if names[0] not in package.names and names[0] not in package.members:
            if any(names[0] in members for members in package.members.values()):
                return ""  # of a variable that is called like the package
            return f"the package {package.name} in {where} has no {names[0]}"
        kind, member = names[0], names[1] if len(names) > 1 else ""
        if not member or package.has(kind, member):
            return ""
        return f"{kind} in {where} has no {member}"

    def exported(self, module: str) -> frozenset[str] | None:
        """Return what a module of one of this repository's packages exports, by the name with which it is imported; None
        where it is none, or that cannot be told.
        """
        name = next((one for one in self.node if module == one or module.startswith(f"{one}/")), "")
        return self.node.get(name)

    @cached_property
    def node(self) -> Mapping[str, frozenset[str] | None]:
        """What each package of this repository exports, by its name; None where that cannot be told."""
        found: dict[str, frozenset[str] | None] = {}
        for path, one in Manifests(self.texts).packages.items():
            name, folder = str(one.get("name", "")), dirname(path)
            sources = [
                text
                for file, text in self.texts.items()
                if file.endswith(_SCRIPT) and not _TEST.search(file) and (not folder or file.startswith(f"{folder}/"))
            ]
            if name and sources and not _TEST.search(path):
                found[name] = None if any(map(_OPEN.search, sources)) else frozenset(_exported(sources))
        return found


def arguments(text: str) -> list[str]:
    """Return what stands between the commas of a list, those within brackets aside."""
    found, depth = [""], 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and not depth:
            found.append("")
        else:
            found[-1] += letter
    return [one.strip() for one in found if one.strip()]


def _exported(sources: Iterable[str]) -> Iterator[str]:
    for text in sources:
        yield from _EXPORT.findall(text)
        yield from _COMMON_JS.findall(text)
        for names in _EXPORT_LIST.findall(text):
            yield from (name.split()[-1] for name in names.split(",") if name.split())
