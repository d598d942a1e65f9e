"""The public interface of Python modules, what a change of it breaks for callers, and which tests a change can reach.

Nothing is imported or run. A name is public if the module says so: by `__all__`, by being imported or defined in the
`__init__.py` of a package, or, in files that a person calls a contract, by having no leading underscore.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
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
    """What callers of these files, as the old version names them, relied on there and cannot in the new one. With `whole`, every
    name without a leading underscore is public.
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
    if narrower := _narrower(old.parameters, new.parameters):
        yield Break(name, narrower, new.path, new.line)
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
            if not takes_all and mine.name in named:
                return f"{mine.name} cannot be passed by position any more"
            if mine.name not in named and not (takes_all and (takes_names or mine.kind == "positional")):
                return (
                    f"{mine.name} cannot be passed by name any more"
                    if takes_all
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


_TEST = re.compile(r"(^|/)(test_[^/]+|[^/]+_test)\.py$")
_DYNAMIC = re.compile(r"import_module|__import__|runpy|subprocess|exec\(|os\.system")


def is_test(path: str) -> bool:
    """Whether a file holds tests, by its name."""
    return _TEST.search(path) is not None


def affected(texts: Mapping[str, str], changed: Collection[str]) -> tuple[tuple[str, ...], str]:
    """The test files that a change reaches and why not fewer; no files where all have to run, with the reason.

    Args:
        texts: every Python file of the candidate by its path.
        changed: the paths in which the two commits differ.
    """
    if other := sorted(path for path in changed if not path.endswith(".py")):
        return (), f"{other[0]} is no Python file, and nothing tells who reads it"
    if steering := sorted(path for path in changed if path.rpartition("/")[2] in {"conftest.py", "setup.py"}):
        return (), f"{steering[0]} steers every test"
    if gone := sorted(path for path in changed if path not in texts):
        return (), f"{gone[0]} is gone, so nothing tells who imported it"
    users = _users(texts)
    loaders = [path for path, text in texts.items() if _DYNAMIC.search(text)]  # these may load or run whatever changed
    reached, waiting = {*changed, *loaders}, [*changed, *loaders]
    while waiting:
        for path in users.get(waiting.pop(), ()):
            if path not in reached:
                reached.add(path)
                waiting.append(path)
    if any(path.rpartition("/")[2] == "conftest.py" for path in reached):
        return (), "a conftest.py imports what changed"
    tests = {path for path in texts if is_test(path)}
    chosen = tests & reached
    if not chosen:
        return (), "no test imports what changed"
    if chosen == tests:
        return (), "every test file is reached"
    return tuple(
        sorted(chosen)
    ), f"{len(chosen)} of {len(tests)} test files import what changed, or load or run what nobody can tell"


def _users(texts: Mapping[str, str]) -> dict[str, set[str]]:
    """For each file, the files that import it; whoever imports a module imports the packages above it too."""
    sources = Sources(texts)
    found: dict[str, set[str]] = {}
    for path in texts:
        for module in _imports(sources, path):
            parts = module.split(".")
            for size in range(1, len(parts) + 1):
                for name in {".".join(parts[:size]), ".".join([*_folder(path), *parts[:size]])}:
                    if (file := sources.path_of(name)) and file != path:
                        found.setdefault(file, set()).add(path)
    return found


def _folder(path: str) -> list[str]:
    """The folder of a file as names: a script beside another imports it without a package."""
    return path.split("/")[:-1]


def _imports(sources: Sources, path: str) -> set[str]:
    tree = sources.tree(path)
    found: set[str] = set()
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = absolute(path, node)
            found |= {module, *(f"{module}.{alias.name}".lstrip(".") for alias in node.names)}
    return found
