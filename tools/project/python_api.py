"""The names that a repository's Python code defines, with bases and parameters, read without running any of it, by Griffe.

Whatever may be made at run time is not called missing: a name of a module with `__getattr__`, an attribute of a class whose
base is another project's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from pathlib import Path

    import griffe

_HARMLESS = frozenset(
    "object ABC abc.ABC Generic typing.Generic Protocol typing.Protocol Exception ValueError TypeError".split()
)
"""Bases of other projects that bring no name which a document would speak of."""
_MADE = re.compile(r"\bglobals\(\)|\bsys\.modules\b|\bsetattr\(")
_MADE_BY_NAME = re.compile(r"^def __getattr__", re.MULTILINE)


class Lookup(Enum):
    """What becomes of looking for a name where there is no object to return."""

    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Symbol:
    """Something that Python code defines: where, its dotted name within the module, and what it is."""

    path: str
    line: int
    name: str
    kind: str


@dataclass(frozen=True)
class Parameters:
    """How something may be called: its parameters by position, all that can be given by name, and whether it takes more."""

    positional: tuple[str, ...]
    named: frozenset[str]
    any_positional: bool
    any_named: bool

    def objection(self, positional: int, named: Iterable[str]) -> str:
        """Return why a call with these arguments is refused; empty where it is taken."""
        wrong = [name for name in named if name not in self.named and not self.any_named]
        if wrong:
            return f"no parameter {wrong[0]}; there is {', '.join(sorted(self.named)) or 'none'}"
        if positional > len(self.positional) and not self.any_positional:
            return f"at most {len(self.positional)} arguments by position"
        return ""


class PythonApi:
    """All Python files, visited when a name is first asked for. `words` are those of the whole code."""

    def __init__(self, texts: Mapping[str, str], words: Collection[str] = ()) -> None:
        self.words = words
        roots = {path.rpartition("/")[0] for path in texts if path.endswith("/__init__.py")}
        named = {_module_name(path, roots): path for path in texts if path.endswith(".py")}
        self._paths = dict(sorted(named.items(), key=lambda pair: (pair[0].count("."), pair[0])))
        self._names = {path: name for name, path in self._paths.items()}
        self._texts = texts

    def __contains__(self, dotted: str) -> bool:
        """Tell whether a dotted name begins with one of the repository's own modules."""
        return dotted.partition(".")[0] in self.heads

    @cached_property
    def heads(self) -> frozenset[str]:
        """The names with which those of its modules begin."""
        return frozenset(name.partition(".")[0] for name in self._paths)

    def module_path(self, dotted: str) -> str:
        """Return the file of a module, or that with which it is run; empty where there is none."""
        return self._paths.get(f"{dotted}.__main__") or self._paths.get(dotted, "")

    def file_of(self, dotted: str) -> str:
        """Return the file of a module; empty where there is none."""
        return self._paths.get(dotted, "")

    def module_of(self, path: str) -> str:
        """Return the name by which a file is imported; empty for one that another file of that name hides."""
        return self._names.get(path, "")

    def path_of(self, one: griffe.Object) -> str:
        """Return the file in which something is defined; empty for a folder."""
        return self._paths.get(one.module.path, "")

    @cached_property
    def _collection(self) -> griffe.ModulesCollection:
        import griffe

        loader = griffe.GriffeLoader(allow_inspection=False, store_source=False)
        collection = loader.modules_collection
        for name, path in self._paths.items():
            parent, _, last = name.rpartition(".")
            try:
                above = _folder(parent, loader)
                module = griffe.visit(
                    last,
                    filepath=cast("Path", PurePosixPath(path)),
                    code=self._texts[path],
                    parent=above,
                    extensions=loader.extensions,
                    modules_collection=collection,
                    lines_collection=loader.lines_collection,
                )
            except (SyntaxError, ValueError, RecursionError, KeyError, griffe.GriffeError):
                continue
            if above is None:
                collection[last] = module
            else:
                above.set_member(last, module)
        for module in list(collection.members.values()):
            loader.expand_exports(module)
            loader.expand_wildcards(module, external=False)
            loader.extensions.call("on_package", pkg=module, loader=loader)
        return collection

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        """Everything that is defined, by file and line."""
        found = {one.path: one for module in self._collection.members.values() for one in _objects(module)}
        rows = (_symbol(one, self.path_of(one)) for one in found.values() if not one.is_module)
        return tuple(sorted(rows, key=lambda symbol: (symbol.path, symbol.line, symbol.name)))

    @cached_property
    def paths_by_name(self) -> Mapping[str, str]:
        """The first file that defines a name, by the last part of it."""
        found: dict[str, str] = {}
        for symbol in self.symbols:
            found.setdefault(symbol.name.rpartition(".")[2], symbol.path)
        return found

    @cached_property
    def tops(self) -> Mapping[str, tuple[griffe.Object, ...]]:
        """The classes and functions that stand at the top of a module, by their name."""
        found: dict[str, tuple[griffe.Object, ...]] = {}
        for module in self._collection.members.values():
            for one in _objects(module):
                if (one.is_class or one.is_function) and one.parent is not None and one.parent.is_module:
                    found[one.name] = (*found.get(one.name, ()), one)
        return found

    def find(self, dotted: str) -> griffe.Object | Lookup:
        """Return what a dotted name from the top means."""
        head, *rest = dotted.split(".")
        found = self._collection.members.get(head)
        if found is None:
            unread = any(name == head or name.startswith(f"{head}.") for name in self._paths)
            return Lookup.UNKNOWN if unread else Lookup.MISSING
        return self.walked(found, rest)

    def walked(self, owner: griffe.Object | griffe.Alias, rest: Sequence[str]) -> griffe.Object | Lookup:
        """Return what names behind one another mean, the first of them a member of `owner`."""
        at: griffe.Object | Lookup = final(owner)
        for name in rest:
            if isinstance(at, Lookup):
                return at
            at = self.member(at, name)
        return at

    def member(self, owner: griffe.Object, name: str) -> griffe.Object | Lookup:
        """Return a member of a module or a class, inherited ones too; nothing is known of what other objects have."""
        if name.startswith("__") or not (owner.is_module or owner.is_class):
            return Lookup.UNKNOWN
        if owner.is_module:
            if name in owner.members:
                return final(owner.members[name])
            dotted = f"{owner.path}.{name}"
            unread = dotted in self._paths or owner.path not in self._paths or any("*" in one for one in owner.members)
            text = self._text_of(owner)
            named = re.search(rf"[\"']{name}[\"']", text) and _MADE_BY_NAME.search(text)
            made = named or (name in self.words and _MADE.search(text))
            return Lookup.UNKNOWN if unread or made else Lookup.MISSING
        family, closed = self._family(owner)
        for one in family:
            if name in one.members:
                return final(one.members[name])
        set_somewhere = re.compile(rf"(?:\b(?:def|class)\s+|self\.|cls\.){name}\b|\b{name}\s*[:=](?!=)")
        if any(set_somewhere.search(self._body_of(one)) for one in family):
            return Lookup.UNKNOWN
        return Lookup.MISSING if closed or name not in self.words else Lookup.UNKNOWN

    def _text_of(self, one: griffe.Object) -> str:
        return self._texts.get(self.path_of(one), "")

    def _body_of(self, one: griffe.Object) -> str:
        """Return the text of a class; with a metaclass that of its module, where the metaclass may stand."""
        lines = self._text_of(one).splitlines()
        body = "\n".join(lines[(one.lineno or 1) - 1 : one.endlineno])
        return "\n".join(lines) if "metaclass=" in body.partition(":")[0] else body

    def family(self, owner: griffe.Object) -> tuple[griffe.Object, ...]:
        """Return a class and all that it inherits from, as far as they are the repository's."""
        return self._family(owner)[0]

    def _family(self, owner: griffe.Object) -> tuple[tuple[griffe.Object, ...], bool]:
        """Return a class with all its bases, and whether all of them are known."""
        found, waiting, closed = [owner], [owner], True
        while waiting:
            one = cast("griffe.Class", waiting.pop())
            for base in one.bases:
                path = base if isinstance(base, str) else base.canonical_path
                path = path.partition("[")[0]
                above = self.find(path) if path in self else Lookup.UNKNOWN
                if isinstance(above, Lookup):
                    closed = closed and (path in _HARMLESS or path.rpartition(".")[2] in _HARMLESS)
                elif above.is_class and above not in found:
                    found.append(above)
                    waiting.append(above)
        return tuple(found), closed

    def parameters(self, called: griffe.Object) -> Parameters | None:
        """Return how a function or class may be called; None where that is not known."""
        if called.is_class:
            decorated = [str(one.value).partition("(")[0] for one in cast("griffe.Class", called).decorators]
            made = self.member_init(called)
            plain = all(one.rpartition(".")[2] == "dataclass" for one in decorated)
            return self.parameters(made) if plain and not isinstance(made, Lookup) and made.is_function else None
        if not called.is_function:
            return None
        function = cast("griffe.Function", called)
        marks = [str(one.value).partition("(")[0].rpartition(".")[2] for one in function.decorators]
        if set(marks) - {"staticmethod", "classmethod", "abstractmethod"} or function.overloads:
            return None
        own = list(function.parameters)
        bound = function.parent is not None and function.parent.is_class and "staticmethod" not in marks
        own = own[1:] if bound else own
        kinds = {one.name: str(one.kind.value if one.kind else "") for one in own}
        by_position = tuple(name for name, kind in kinds.items() if kind.startswith("positional"))
        return Parameters(
            by_position,
            frozenset(name for name, kind in kinds.items() if kind in {"positional or keyword", "keyword-only"}),
            "variadic positional" in kinds.values(),
            "variadic keyword" in kinds.values(),
        )

    def imports(self, path: str) -> frozenset[str]:
        """Return the files that a file imports when it runs; what it imports for its types alone is left out."""
        try:
            waiting: list[ast.AST] = [ast.parse(self._texts[path])]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return frozenset()
        own, names = self.module_of(path).split("."), list[str]()
        folder = own if path.endswith("__init__.py") else own[:-1]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.If) and ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING":
                waiting += node.orelse
            elif isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                above = folder[: len(folder) - node.level + 1] if node.level else []
                module = [*above, *(node.module or "").split(".")]
                names += [".".join(filter(None, [*module, alias.name])) for alias in node.names]
            else:
                waiting += ast.iter_child_nodes(node)
        # A script finds what lies beside it, without a package.
        beside = [] if f"{path.rpartition('/')[0]}/__init__.py" in self._texts else [".".join([*folder, ""])]
        return frozenset(filter(None, (self._imported(name, beside) for name in names))) - {path}

    def _imported(self, name: str, beside: Sequence[str]) -> str:
        """Return the file of a module, or of that which has the name."""
        tried = (f"{above}{one}" for above in ("", *beside) for one in (name, name.rpartition(".")[0]))
        return next((self._paths[one] for one in tried if one in self._paths), "")

    def member_init(self, owner: griffe.Object) -> griffe.Object | Lookup:
        """Return what makes an instance of a class; unknown where a base or a `__new__` may."""
        family, closed = self._family(owner)
        for one in family:
            if "__new__" in one.members:
                return Lookup.UNKNOWN
            if "__init__" in one.members:
                return final(one.members["__init__"])
        return Lookup.MISSING if closed else Lookup.UNKNOWN


def _folder(name: str, loader: griffe.GriffeLoader) -> griffe.Module | None:
    """Return the package of a name; a folder of Python files that is none gets an empty module. None for the top."""
    import griffe

    if not name:
        return None
    collection, (parent, _, last) = loader.modules_collection, name.rpartition(".")
    above = _folder(parent, loader)
    holder = collection if above is None else above
    if last not in holder.members:
        made = griffe.Module(last, modules_collection=collection, lines_collection=loader.lines_collection)
        holder.set_member(last, made)
    return cast("griffe.Module", holder.members[last])


def final(one: griffe.Object | griffe.Alias) -> griffe.Object | Lookup:
    """Return what an imported name stands for; unknown where that is another project's."""
    import griffe

    if not one.is_alias:
        return cast("griffe.Object", one)
    try:
        return cast("griffe.Alias", one).final_target
    except (griffe.AliasResolutionError, griffe.CyclicAliasError, KeyError):
        return Lookup.UNKNOWN


def _objects(one: griffe.Object | griffe.Alias) -> Iterator[griffe.Object]:
    if one.is_alias:
        return
    yield cast("griffe.Object", one)
    if one.is_module or one.is_class:
        for member in list(one.members.values()):
            yield from _objects(member)


def _symbol(one: griffe.Object, path: str) -> Symbol:
    name = one.path.removeprefix(one.module.path).lstrip(".")
    inside = one.parent is not None and one.parent.is_class
    kinds = {"function": "method" if inside else "function", "attribute": "attribute" if inside else "constant"}
    return Symbol(path, one.lineno or 1, name, kinds.get(one.kind.value, one.kind.value))


def _module_name(path: str, packages: Collection[str]) -> str:
    """Return the name by which a Python file is imported: from the folder above its outermost package."""
    folders = path.removesuffix(".py").split("/")
    start = len(folders) - 1
    while start and "/".join(folders[:start]) in packages:
        start -= 1
    inside = folders[start:]
    if start and inside == folders[-1:] and folders[0] != "src":
        inside = folders  # a script in a folder that is no package: by its path
    return ".".join(inside[:-1] if inside[-1] == "__init__" and len(inside) > 1 else inside)
