"""Blocks of Python and of Python sessions: whether they can be parsed, and whether what they import, ask for and pass is there.

The blocks of a document are read one after the other, as a reader would type them. Of a name that may be anything nothing is
said.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from textwrap import dedent
from typing import TYPE_CHECKING, TypeGuard

from ....project.python_api import Lookup, PythonApi
from ..repository import Repository
from .claim import Claim, Document, DocumentFault, blocks
from .python_source import imports_ours, parsed, sessions

if TYPE_CHECKING:
    import griffe

_LANGUAGES = ("python", "py", "python3", "pycon", "ipython", "python-console", "default")
_UNNAMED = ""
_LEFT_OUT = re.compile(r"…|<[A-Za-z][\w -]*>|^\s*\.\.\.\s*\w|\[\.\.\.\]|^\s*[%!]\w", re.MULTILINE)


@dataclass(frozen=True)
class DocumentClass:
    """A class that the document itself defines: the names that stand in it, and what it inherits from."""

    names: frozenset[str]
    bases: tuple[object, ...]


@dataclass(frozen=True)
class Instance:
    """An object of a class."""

    of: object


@dataclass
class _Names:
    """What the names of a document stand for: an object of the code, a class of the document, an instance, or nothing known."""

    api: PythonApi
    bound: dict[str, object] = field(default_factory=dict)

    def inner(self) -> _Names:
        """Return the same, to be changed without changing this."""
        return _Names(self.api, dict(self.bound))


def check_python(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield every block of Python, and in it each import, attribute and call of the repository's own code."""
    names = _Names(repository.code.python)
    for block in blocks(document, (*_LANGUAGES, _UNNAMED)):
        session = ">>> " in block.text
        if block.language == _UNNAMED and not imports_ours(block.text, session, names.api):
            continue
        for line, source in sessions(block.text) if session else [(0, dedent(block.text))]:
            tree = parsed(source)
            if isinstance(tree, tuple):
                at = block.line + line + tree[0] - 1
                text = document.said(at).strip()[:80]
                yield Claim(DocumentFault.SYNTAX, at, text, tree[1], known=not _LEFT_OUT.search(source))
                continue
            what = source.partition("\n")[0][:80] if session else "a block of python"
            yield Claim(DocumentFault.SYNTAX, block.line + line, what)
            if repository.code.complete:
                yield from _BlockReader(names, block.line + line - 1).statements(tree.body)


class _BlockReader:
    """Goes through the statements of a block; `above` is added to a node's line to get that of the document."""

    def __init__(self, names: _Names, above: int) -> None:
        self._names, self._above = names, above
        self._api = names.api

    def statements(self, body: Sequence[ast.stmt]) -> Iterator[Claim]:
        for one in body:
            yield from self._statement(one)

    def _statement(self, node: ast.stmt) -> Iterator[Claim]:
        match node:
            case ast.Import():
                for alias in node.names:
                    yield from self._import(node, alias)
            case ast.ImportFrom() if node.module and not node.level:
                for alias in node.names:
                    yield from self._import_from(node, node.module, alias)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from self._expressions([*node.decorator_list, node.args])
                inner = _BlockReader(self._names.inner(), self._above)
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                for one in [*arguments, *filter(None, (node.args.vararg, node.args.kwarg))]:
                    inner._names.bound[one.arg] = None
                yield from inner.statements(node.body)
                self._names.bound[node.name] = None
            case ast.ClassDef():
                yield from self._expressions([*node.decorator_list, *node.bases])
                yield from _BlockReader(self._names.inner(), self._above).statements(node.body)
                bases = tuple(self._meant(base) for base in node.bases)
                metaclass = any(keyword.arg == "metaclass" for keyword in node.keywords)
                own = DocumentClass(frozenset(_defined(node)), (None,) if metaclass or node.decorator_list else bases)
                self._names.bound[node.name] = own
            case ast.Assign() | ast.AnnAssign():
                yield from self._expressions([node.value] if node.value else [])
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                meant = self._meant(node.value) if node.value else None
                for target in targets:
                    yield from self._expressions([target])
                    self._bind(target, meant)
            case ast.For() | ast.AsyncFor():
                yield from self._expressions([node.iter])
                self._bind(node.target, None)
                yield from self.statements([*node.body, *node.orelse])
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    yield from self._expressions([item.context_expr])
                    if item.optional_vars:
                        self._bind(item.optional_vars, None)
                yield from self.statements(node.body)
            case ast.If() | ast.While():
                yield from self._expressions([node.test])
                yield from self.statements([*node.body, *node.orelse])
            case ast.Try():
                yield from self.statements(node.body)
                for handler in node.handlers:
                    yield from self._expressions([handler.type] if handler.type else [])
                    if handler.name:
                        self._names.bound[handler.name] = Instance(self._meant(handler.type)) if handler.type else None
                    yield from self.statements(handler.body)
                yield from self.statements([*node.orelse, *node.finalbody])
            case _:
                yield from self._expressions([node])

    def _import(self, node: ast.stmt, alias: ast.alias) -> Iterator[Claim]:
        head = alias.name.partition(".")[0]
        self._names.bound[alias.asname or head] = None
        if alias.name not in self._api:
            return
        found = self._api.find(alias.name) if self._api.module_path(alias.name) else Lookup.MISSING
        why = f"there is no module {alias.name}" if found is Lookup.MISSING else ""
        yield self._claim(DocumentFault.IMPORT, node, f"import {alias.name}", why)
        self._names.bound[alias.asname or head] = found if alias.asname else self._api.find(head)

    def _import_from(self, node: ast.ImportFrom, module: str, alias: ast.alias) -> Iterator[Claim]:
        if alias.name == "*":
            return
        self._names.bound[alias.asname or alias.name] = None
        if module not in self._api:
            return
        holder = self._api.find(module)
        if isinstance(holder, Lookup) and not self._api.module_path(module):
            holder = Lookup.MISSING
        found = holder if isinstance(holder, Lookup) else self._api.member(holder, alias.name)
        why = f"there is no module {module}" if holder is Lookup.MISSING else ""
        if not why and found is Lookup.MISSING:
            why = f"{self._api.module_path(module) or module} has no {alias.name}"
        there = not isinstance(holder, Lookup) and alias.name in holder.members
        claim = self._claim(DocumentFault.IMPORT, alias, f"from {module} import {alias.name}", why)
        yield claim if there or found is not Lookup.UNKNOWN else replace(claim, known=False)
        self._names.bound[alias.asname or alias.name] = self._held(found)

    def _held(self, found: object) -> object:
        """Return what a variable of a module holds where it is an instance of a class or a part of one; else itself."""
        if not (_is_object(found) and found.is_attribute and found.parent and found.parent.is_module):
            return found
        try:
            value = ast.parse(str(getattr(found, "value", "")), mode="eval").body
        except SyntaxError:
            return found
        head = _head(value)
        names = {head: self._held(self._api.member(found.parent, head))} if head not in {"", found.name} else {}
        meant = _BlockReader(_Names(self._api, names), 0)._meant(value)
        return meant if isinstance(meant, Instance) or _is_object(meant) else found

    def _bind(self, target: ast.expr, meant: object) -> None:
        for part in ast.walk(target):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                self._names.bound[part.id] = meant if part is target else None

    def _expressions(self, nodes: Sequence[ast.AST]) -> Iterator[Claim]:
        for node in nodes:
            hidden = _rebound(node)
            for part in ast.walk(node):
                if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Load) and _head(part) not in hidden:
                    yield from self._attribute(part)
                if isinstance(part, ast.Call) and _head(part.func) not in hidden:
                    yield from self._call(part)

    def _attribute(self, node: ast.Attribute) -> Iterator[Claim]:
        owner = self._meant(node.value)
        found = self._member(owner, node.attr)
        if found is Lookup.UNKNOWN:
            return
        why = f"{self._name(owner)} has no {node.attr}" if found is Lookup.MISSING else ""
        yield self._claim(DocumentFault.SYMBOL, node, ast.unparse(node)[:80], why)

    def _call(self, node: ast.Call) -> Iterator[Claim]:
        called = self._meant(node.func)
        parameters = self._api.parameters(called) if _is_object(called) else None
        if parameters is None or any(isinstance(one, ast.Starred) for one in node.args):
            return
        named = [keyword.arg for keyword in node.keywords if keyword.arg]
        static = isinstance(node.func, ast.Attribute) and self._unbound(node.func, called)
        why = parameters.objection(len(node.args) - static, named)
        keyword = next((one for one in node.keywords if one.arg and why.startswith(f"no parameter {one.arg};")), node)
        yield self._claim(
            DocumentFault.SIGNATURE, keyword, ast.unparse(node)[:80], why and f"{self._name(called)} takes {why}"
        )

    def _unbound(self, function: ast.Attribute, called: object) -> bool:
        """Tell whether a method is called on its class, so that the instance is the first argument."""
        owner = self._meant(function.value)
        decorated = {str(one.value) for one in getattr(called, "decorators", ())}
        return (
            _is_object(owner)
            and owner.is_class
            and not decorated & {"classmethod", "staticmethod"}
            and (getattr(called, "is_function", False))
        )

    def _meant(self, node: ast.AST) -> object:
        """Return what an expression stands for, as far as it is known."""
        match node:
            case ast.Name():
                return self._names.bound.get(node.id)
            case ast.Attribute():
                return self._member(self._meant(node.value), node.attr)
            case ast.Call():
                made = self._meant(node.func)
                return (
                    Instance(made) if isinstance(made, DocumentClass) or (_is_object(made) and made.is_class) else None
                )
        return None

    def _member(self, owner: object, name: str) -> object:
        if isinstance(owner, Instance):
            found = self._member(owner.of, name)
            return Lookup.UNKNOWN if found is Lookup.MISSING and self._made_at_run_time(owner.of) else found
        if isinstance(owner, DocumentClass):
            if name in owner.names or name.startswith("__"):
                return Lookup.UNKNOWN
            if not owner.bases or any(
                not _is_object(base) and not isinstance(base, DocumentClass) for base in owner.bases
            ):
                return Lookup.UNKNOWN
            found_in = [self._member(base, name) for base in owner.bases]
            return next((one for one in found_in if one is not Lookup.MISSING), Lookup.MISSING)
        return self._held(self._api.member(owner, name)) if _is_object(owner) else Lookup.UNKNOWN

    def _made_at_run_time(self, owner: object) -> bool:
        """Tell whether a class answers to any name."""
        if isinstance(owner, DocumentClass):
            return any(self._made_at_run_time(base) for base in owner.bases)
        return _is_object(owner) and any("__getattr__" in one.members for one in self._api.family(owner))

    def _name(self, owner: object) -> str:
        if isinstance(owner, Instance):
            return self._name(owner.of)
        if isinstance(owner, DocumentClass):
            return " or ".join(self._name(base) for base in owner.bases)
        return str(getattr(owner, "path", owner))

    def _claim(self, kind: DocumentFault, node: ast.AST, text: str, why: str) -> Claim:
        line = getattr(node, "end_lineno" if kind is DocumentFault.SYMBOL else "lineno", 1)
        return Claim(kind, self._above + line, text, why)


def _is_object(one: object) -> TypeGuard[griffe.Object]:
    """Tell whether something is an object of the code."""
    return one is not None and not isinstance(one, Lookup | DocumentClass | Instance | str)


def _head(node: ast.AST) -> str:
    """Return the name with which an expression begins; empty where it begins with none."""
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else ""


def _rebound(node: ast.AST) -> set[str]:
    """Return the names that mean something else within an expression: of comprehensions, lambdas and `:=`."""
    found: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.add(part.id)
        if isinstance(part, ast.Lambda):
            found |= {one.arg for one in part.args.args}
    return found


def _defined(node: ast.ClassDef) -> Iterator[str]:
    """Yield the names that a class of the document gives its objects."""
    for part in ast.walk(node):
        match part:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield part.name
            case ast.Name(ctx=ast.Store()):
                yield part.id
            case ast.Attribute(ctx=ast.Store()):
                yield part.attr
