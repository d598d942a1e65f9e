"""The names that Go and TypeScript or JavaScript code gives away, read off the form that their definitions have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from posixpath import dirname

from .code_text import blanked, closing
from .manifests import Manifests

_GO_PACKAGE = re.compile(r"^package (\w+)", re.MULTILINE)
_GO_FUNCTION = re.compile(
    r"^func (\w+)(?:\[[^\]]*\])?\(((?:[^()]|\([^()]*\))*)\)\s*\(?\s*(?:\w+ )?\*?([A-Z]\w*)?", re.MULTILINE
)
_GO_METHOD = re.compile(
    r"^func \((?:\w+ )?\*?(\w+)(?:\[[^\]]*\])?\) (\w+)\((?:[^()]|\([^()]*\))*\)\s*\(?\s*(?:\w+ )?\*?([A-Z]\w*)?",
    re.MULTILINE,
)
_GO_SIGNATURE = re.compile(r"^func .*", re.MULTILINE)
_GO_TAKEN = re.compile(r"[(,]\s*([a-z]\w{2,}) \*?(?:\w+\.)?([A-Z]\w*)\b")
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
_CLASS = re.compile(
    r"\bexport\s+(?P<default>default\s+)?(?:abstract\s+)?class\s+(?P<name>[\w$]+)(?:<[^{]*?>)?"
    r"(?:\s+extends\s+(?P<base>[\w$.]+)(?:<[^{]*?>)?)?(?:\s+implements\s+[^{]+)?\s*\{"
)
_CLASS_MEMBER = re.compile(
    r"^\s*(?:(?:public|static|async|readonly|get|set|abstract|override|declare)\s+)*\*?([A-Za-z_$][\w$]*)\s*[(<:=?!;]",
    re.MULTILINE,
)
_EMITTER = frozenset(
    "on once off emit addListener removeListener removeAllListeners listeners listenerCount eventNames prependListener "
    "prependOnceListener rawListeners setMaxListeners getMaxListeners".split()
)
"""What every emitter of events has."""
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
    """The type of its own that a function, or `Type.Method`, returns first; empty for any other."""
    parameters: dict[str, set[str]] = field(default_factory=dict)
    """The types of its own that its functions take under a name."""
    arity: dict[str, int | None] = field(default_factory=dict)
    """How many arguments its functions take; None for any number."""

    def read(self, text: str) -> None:
        """Take in what a file defines."""
        for name, parameters, kind in _GO_FUNCTION.findall(text):
            self.names.add(name)
            self.returns[name] = kind
            self.arity[name] = None if "..." in parameters else len(arguments(parameters))
        for line in _GO_SIGNATURE.findall(text):
            for name, kind in _GO_TAKEN.findall(line):
                self.parameters.setdefault(name, set()).add(kind)
        for kind, name, returned in _GO_METHOD.findall(text):
            self.members.setdefault(kind, set()).add(name)
            self.returns[f"{kind}.{name}"] = returned
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
class ScriptPackage:
    """A package of TypeScript or JavaScript: its name, and the texts of its own code."""

    name: str
    sources: tuple[str, ...]

    @cached_property
    def exports(self) -> frozenset[str]:
        """What it exports."""
        return frozenset(_exported(self.sources))

    @cached_property
    def _plain(self) -> tuple[str, ...]:
        return tuple(blanked(text, strings=False) for text in self.sources)

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of its code, comments aside."""
        return frozenset(word for text in self._plain for word in re.findall(r"[A-Za-z_$][\w$]*", text))

    @cached_property
    def properties(self) -> frozenset[str]:
        """The names that its types and objects give to something."""
        return frozenset(name for text in self._plain for name in re.findall(r"([A-Za-z_$][\w$]*)\??:", text))

    @cached_property
    def members(self) -> Mapping[str, frozenset[str] | None]:
        """What instances of its classes have, by the name of the class, `default` for the one that is given away as that; None
        where a class inherits from one whose members are not known.
        """
        bodies = {
            match["name"]: (match, text[match.end() : closing(text, match.end() - 1)])
            for text in self._plain
            for match in _CLASS.finditer(text)
        }
        found: dict[str, frozenset[str] | None] = {}
        for name, (match, body) in bodies.items():
            own, base = frozenset(_CLASS_MEMBER.findall(_shallow(body))), match["base"] or ""
            if base == "EventEmitter":
                found[name] = own | _EMITTER
            else:
                found[name] = None if base else own
            if match["default"]:
                found["default"] = found[name]
        return found


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
        return self._of_parameter(head, rest)

    def _of_parameter(self, name: str, rest: list[str]) -> tuple[str, str] | None:
        """Return the same for what is asked of a parameter as the code calls it: `cmd.Help` where functions take a `cmd`."""
        named = {kind for one in self.go.values() for kind in one.parameters.get(name, ())}
        typed = [(one, kind) for one in self.go.values() for kind in named if kind in one.members]
        if not typed or not rest[0][:1].isupper() or named - {kind for _, kind in typed}:
            return None
        whys = ["" if one.has(kind, rest[0]) else f"{kind} has no {rest[0]}" for one, kind in typed]
        return ("" if "" in whys else whys[0]), typed[0][0].folder

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

    def imported(self, module: str) -> ScriptPackage | None:
        """Return the package of this repository that a module belongs to, by the name with which it is imported; None where it
        is none, or what it exports cannot be told.
        """
        name = next((one for one in self.node if module == one or module.startswith(f"{one}/")), "")
        return self.node.get(name)

    @cached_property
    def node(self) -> Mapping[str, ScriptPackage | None]:
        """Each Node package of this repository, by its name; None where what it exports cannot be told."""
        found: dict[str, ScriptPackage | None] = {}
        for path, one in Manifests(self.texts).packages.items():
            name, folder = str(one.get("name", "")), dirname(path)
            sources = [
                text
                for file, text in self.texts.items()
                if file.endswith(_SCRIPT) and not _TEST.search(file) and (not folder or file.startswith(f"{folder}/"))
            ]
            if name and sources and not _TEST.search(path):
                found[name] = None if any(map(_OPEN.search, sources)) else ScriptPackage(name, tuple(sources))
        return found


def _shallow(text: str) -> str:
    """Return what of a body stands in no further bracket."""
    found, depth = "", 0
    for letter in text:
        depth -= letter in ")]}"
        found += letter if not depth else "\n" if letter == "\n" else ""
        depth += letter in "([{"
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
