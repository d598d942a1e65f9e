"""The public interface of Python modules, read off their source, and what a change of it breaks for callers.

Nothing is imported or run. A name is public if the module says so: by `__all__`, by being imported or defined in the
`__init__.py` of a package, or, in files that a person calls a contract, by having no leading underscore.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

_DEPTH = 8
"""Imports that one name is followed through."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Parameter:
    """One parameter: its kind is `positional`, `any`, `keyword`, `*` or `**`."""

    name: str
    kind: str
    optional: bool


@dataclass(frozen=True)
class InterfaceShape:
    """What callers can rely on: the kind of thing, its parameters, and, for a class, its public members."""

    kind: str
    path: str
    line: int
    parameters: tuple[Parameter, ...] = ()
    members: Mapping[str, InterfaceShape] = field(default_factory=dict)


@dataclass(frozen=True)
class Break:
    """Something that callers relied on and is not so any more. `line` is of the new version, where there is one."""

    name: str
    what: str
    path: str
    line: int


class Sources:
    """The Python files of one commit by path, parsed when they are first asked for."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._trees: dict[str, ast.Module | None] = {}
        self._paths = {module_of(path): path for path in texts}

    def tree(self, path: str) -> ast.Module | None:
        """A file's syntax tree; None if there is no such file, or it cannot be parsed."""
        if path not in self._trees:
            try:
                self._trees[path] = ast.parse(self._texts[path])
            except (KeyError, SyntaxError, ValueError, RecursionError, MemoryError):
                self._trees[path] = None
        return self._trees[path]

    def path_of(self, module: str) -> str:
        """The file of a module; empty if it is not of this repository."""
        return self._paths.get(module, "")

    def find(self, path: str, name: str, depth: int = _DEPTH) -> InterfaceShape | None:
        """What a name means in a file, followed through imports within the repository."""
        tree = self.tree(path)
        found: InterfaceShape | None = None
        for node in _statements(tree) if tree and depth else ():
            match node:
                case ast.FunctionDef(name=own) | ast.AsyncFunctionDef(name=own) if own == name:
                    found = _function(node, path, bound=False)
                case ast.ClassDef(name=own) if own == name:
                    found = self._class(node, path, depth)
                case ast.ImportFrom(names=names):
                    for alias in names:
                        if (alias.asname or alias.name) == name:
                            found = self._imported(path, node, alias.name, depth) or found
                case ast.Assign() | ast.AnnAssign() if name in _targets(node):
                    found = InterfaceShape("value", path, node.lineno)
                case ast.Import(names=names) if any((a.asname or a.name.split(".")[0]) == name for a in names):
                    found = InterfaceShape("module", path, node.lineno)
        return found

    def _imported(self, path: str, node: ast.ImportFrom, name: str, depth: int) -> InterfaceShape:
        module = absolute(path, node)
        if file := self.path_of(f"{module}.{name}"):
            return InterfaceShape("module", file, 1)
        there = self.path_of(module)
        followed = self.find(there, name, depth - 1) if there else None
        return followed or InterfaceShape("imported", path, node.lineno)

    def _class(self, node: ast.ClassDef, path: str, depth: int) -> InterfaceShape:
        members: dict[str, InterfaceShape] = {}
        for base in reversed(node.bases):
            inherited = self.find(path, base.id, depth - 1) if isinstance(base, ast.Name) else None
            members |= inherited.members if inherited else {}
        fields: list[Parameter] = []
        for inner in node.body:
            if isinstance(inner, Function):
                kind = {ast.unparse(one).split(".")[-1] for one in inner.decorator_list}
                shape = _function(inner, path, bound="staticmethod" not in kind)
                property_like = bool(kind & {"property", "cached_property", "setter"})
                members[inner.name] = InterfaceShape("value", path, inner.lineno) if property_like else shape
            for name in _targets(inner):
                members[name] = InterfaceShape("value", path, inner.lineno)
                if isinstance(inner, ast.AnnAssign) and "ClassVar" not in ast.unparse(inner.annotation):
                    fields.append(Parameter(name, "any", inner.value is not None))
        made = members.get("__init__") or members.get("__new__")
        is_data = any("dataclass" in ast.unparse(one) for one in node.decorator_list)
        parameters = made.parameters if made else tuple(fields) if is_data else ()
        public = {name: shape for name, shape in members.items() if not name.startswith("_")}
        return InterfaceShape("class", path, node.lineno, parameters, public)


def public_names(sources: Sources, path: str, whole: bool) -> tuple[str, ...]:
    """The public names of a file; with `whole`, every name without a leading underscore counts."""
    tree = sources.tree(path)
    if tree is None:
        return ()
    named: list[str] = []
    for node in _statements(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and "__all__" in _targets(node):
            try:
                return tuple(str(name) for name in ast.literal_eval(node.value)) if node.value else ()
            except (ValueError, TypeError):
                return ()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                named.append(name)
            case ast.ImportFrom(names=names) if path.endswith("__init__.py") and path in _inside(sources, path, node):
                named += [alias.asname or alias.name for alias in names]
            case ast.Assign() | ast.AnnAssign() if whole:
                named += _targets(node)
    if not (whole or path.endswith("__init__.py")):
        return ()
    return tuple(dict.fromkeys(name for name in named if not name.startswith("_") and name != "*"))


def breaks(old: Sources, new: Sources, paths: Sequence[str], whole: bool) -> tuple[Break, ...]:
    """What callers of these files relied on in the old version and cannot in the new one.

    Args:
        paths: the files whose interface is looked at, as the old version names them.
        whole: whether every name without a leading underscore is public.
    """
    found: list[Break] = []
    for path in paths:
        there = new.tree(path) is not None
        for name in public_names(old, path, whole):
            before, after = old.find(path, name), new.find(path, name) if there else None
            full = f"{module_of(path)}.{name}"
            if before is not None and after is None:
                found.append(Break(full, f"the {before.kind} is gone", path, 0))
            elif before is not None and after is not None:
                found += _changes(full, before, after)
    return tuple(found)


def module_of(path: str) -> str:
    """The dotted name of a file, a `src` folder above it left out."""
    parts = path.removesuffix(".py").removeprefix("src/").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def absolute(path: str, node: ast.ImportFrom) -> str:
    """The dotted name of the module that a statement of a file imports from."""
    if not node.level:
        return node.module or ""
    package = module_of(path).split(".")
    up = node.level - (1 if path.endswith("__init__.py") else 0)
    base = package[: len(package) - up] if up else package
    return ".".join([*base, *((node.module or "").split(".") if node.module else [])])


def _inside(sources: Sources, path: str, node: ast.ImportFrom) -> tuple[str, ...]:
    """The file itself, if what it imports is of this repository."""
    module = absolute(path, node)
    ours = sources.path_of(module) or any(sources.path_of(f"{module}.{alias.name}") for alias in node.names)
    return (path,) if ours else ()


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements of a module, those in `if` and `try` with them."""
    waiting = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If | ast.Try):
            waiting += reversed([*node.body, *node.orelse, *(node.finalbody if isinstance(node, ast.Try) else [])])


def _targets(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _function(node: Function, path: str, bound: bool) -> InterfaceShape:
    given = node.args
    positional = [*given.posonlyargs, *given.args]
    without = len(positional) - len(given.defaults)
    made = [
        Parameter(one.arg, "positional" if place < len(given.posonlyargs) else "any", place >= without)
        for place, one in enumerate(positional)
    ]
    made += [Parameter(given.vararg.arg, "*", True)] if given.vararg else []
    made += [
        Parameter(one.arg, "keyword", default is not None)
        for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    made += [Parameter(given.kwarg.arg, "**", True)] if given.kwarg else []
    kind = "coroutine" if isinstance(node, ast.AsyncFunctionDef) else "function"
    return InterfaceShape(kind, path, node.lineno, tuple(made[1:] if bound and made else made))


def _changes(name: str, old: InterfaceShape, new: InterfaceShape) -> Iterator[Break]:
    if "imported" in {old.kind, new.kind}:
        return
    if old.kind != new.kind:
        yield Break(name, f"was a {old.kind} and is a {new.kind}", new.path, new.line)
        return
    if told := _narrower(old.parameters, new.parameters):
        yield Break(name, told, new.path, new.line)
    for member, shape in old.members.items():
        there = new.members.get(member)
        if there is None:
            yield Break(f"{name}.{member}", f"the {shape.kind} is gone", new.path, new.line)
        else:
            yield from _changes(f"{name}.{member}", shape, there)


def _narrower(old: Sequence[Parameter], new: Sequence[Parameter]) -> str:
    """The first call that was possible and is not any more; empty if every call still is."""
    before, after = ([one for one in side if one.kind in {"positional", "any"}] for side in (old, new))
    named = {one.name: one for one in new if one.kind in {"any", "keyword"}}
    takes_all, takes_names = any(one.kind == "*" for one in new), any(one.kind == "**" for one in new)
    for mine, theirs in zip_longest(before, after):
        if mine is None:
            if not theirs.optional and theirs.name not in {one.name for one in old}:
                return f"the parameter {theirs.name} is new and required"
        elif theirs is None:
            if not takes_all:
                return (
                    f"{mine.name} cannot be passed by position any more"
                    if mine.name in named
                    else f"the parameter {mine.name} is gone"
                )
        elif mine.kind == "any" and theirs.name != mine.name:
            moved = (
                f"the parameter {mine.name} is at another place"
                if mine.name in named
                else f"the parameter {mine.name} is now {theirs.name}"
            )
            return moved
        elif mine.optional and not theirs.optional:
            return f"the parameter {mine.name} is required now"
    for mine in (one for one in old if one.kind == "keyword"):
        theirs = named.get(mine.name)
        if theirs is None and not takes_names:
            return f"the parameter {mine.name} is gone"
        if theirs is not None and mine.optional and not theirs.optional:
            return f"the parameter {mine.name} is required now"
    old_names = {one.name for one in old}
    if fresh := next(
        (one for one in new if one.kind == "keyword" and not one.optional and one.name not in old_names), None
    ):
        return f"the parameter {fresh.name} is new and required"
    if any(one.kind == "*" for one in old) and not takes_all:
        return "any number of positional arguments is not taken any more"
    return "any keyword is not taken any more" if any(one.kind == "**" for one in old) and not takes_names else ""
