"""The states that Python code moves through: enumerations, and the moves between their members that a table or a branch spells out.

A move is read off a mapping from a member with an event, or from one that is called a state, to members of the same one; or off a branch
that tests for a member and then assigns another to what it tested. What is decided otherwise is not seen.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .codemap import CodeMap

_STATES = re.compile(r"state|status|phase|stage|step|mode", re.IGNORECASE)
"""What an enumeration is called whose table has no events and yet tells what follows what."""
_ENUMS = frozenset(("Enum", "StrEnum", "IntEnum", "Flag", "IntFlag"))


@dataclass(frozen=True, order=True)
class StateMove:
    """A move from one member of an enumeration to another, and the event or the function that it comes with; empty for none."""

    before: str
    after: str
    by: str = ""


def state_moves(code: CodeMap, paths: Iterable[str]) -> Mapping[str, tuple[StateMove, ...]]:
    """Return the moves between the members of each enumeration that has any, in the order of its members. `paths` are those
    of Python files. An enumeration whose name two classes have is left out.
    """
    files = sorted(paths)
    members: dict[str, tuple[str, ...]] = {}
    twice: set[str] = set()
    for path in files:
        for name, found in _enumerations(code.tree(path) if "Enum" in code.texts[path] else None):
            twice |= {name} & members.keys()
            members[name] = found
    known = _Moves({name: found for name, found in members.items() if name not in twice})
    named = re.compile(rf"\b(?:{'|'.join(known.members)})\.")
    moves: dict[str, set[StateMove]] = {}
    for path in files if known.members else ():
        tree = code.tree(path) if named.search(code.texts[path]) else None
        for name, move in known.of(tree, "") if tree else ():
            moves.setdefault(name, set()).add(move)
    places = {name: found.index for name, found in members.items()}
    return {
        name: tuple(sorted(found, key=lambda one: (places[name](one.before), places[name](one.after), one.by)))
        for name, found in sorted(moves.items())
    }


def _enumerations(tree: ast.Module | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.ClassDef) and _ENUMS & {ast.unparse(base).rpartition(".")[2] for base in node.bases}:
            assigned = (target for one in node.body if isinstance(one, ast.Assign) for target in one.targets)
            names = tuple(one.id for one in assigned if isinstance(one, ast.Name) and not one.id.startswith("_"))
            yield node.name, names


def _event(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ast.unparse(node)


def _tests(statement: ast.stmt, subject: str) -> bool:
    """Return whether a branch tests `subject` itself: what it is then, the branch says for itself."""
    tested = statement.test if isinstance(statement, ast.If) else None
    return tested is not None and subject in {ast.unparse(node) for node in ast.walk(tested)}


@dataclass(frozen=True)
class _Moves:
    """Finds moves; `members` are those of each enumeration."""

    members: Mapping[str, tuple[str, ...]]

    def of(self, node: ast.AST, inside: str) -> Iterator[tuple[str, StateMove]]:
        """Yield every move below a node, which stands in the function `inside`."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = f"{node.name}()"
        if isinstance(node, ast.Dict):
            yield from self._of_table(node)
        elif isinstance(node, ast.If):
            yield from self._of_test(node, inside)
        elif isinstance(node, ast.Match):
            for case in node.cases:
                values = (one.value for one in ast.walk(case.pattern) if isinstance(one, ast.MatchValue))
                tested = [found for value in values if (found := self._member(value))]
                yield from self._assigned(case.body, ast.unparse(node.subject), tested, inside)
        for child in ast.iter_child_nodes(node):
            yield from self.of(child, inside)

    def _of_table(self, table: ast.Dict) -> Iterator[tuple[str, StateMove]]:
        """Yield the moves of a mapping whose keys name a member, alone or with events; or whose entries map events."""
        for key, value in zip(table.keys, table.values, strict=True):
            parts = key.elts if isinstance(key, ast.Tuple) else [key]
            members = [self._member(part) for part in parts]
            for name, before in filter(None, members):
                if sum(one is not None and one[0] == name for one in members) > 1:
                    continue
                events = [_event(part) for part in parts if part and self._member(part) != (name, before)]
                entries = [(", ".join(events), value)]
                if isinstance(value, ast.Dict):
                    entries = [
                        (_event(event), one) for event, one in zip(value.keys, value.values, strict=True) if event
                    ]
                for by, one in entries:
                    if not by and not _STATES.search(name):
                        continue
                    yield from ((name, StateMove(before, after, by)) for after in self._named(one, name))

    def _named(self, value: ast.expr, name: str) -> list[str]:
        """Return the members of an enumeration that a value is, or lists."""
        parts = value.elts if isinstance(value, ast.Tuple | ast.List | ast.Set) else [value]
        if isinstance(value, ast.Call) and ast.unparse(value.func) in {"frozenset", "set", "tuple"} and value.args:
            return self._named(value.args[0], name)
        return [found[1] for part in parts if (found := self._member(part)) and found[0] == name]

    def _of_test(self, node: ast.If, inside: str) -> Iterator[tuple[str, StateMove]]:
        test = node.test
        if not isinstance(test, ast.Compare) or len(test.ops) != 1:
            return
        right = test.comparators[0]
        parts = right.elts if isinstance(right, ast.Tuple | ast.Set | ast.List) else [right]
        if isinstance(test.ops[0], ast.Is | ast.Eq | ast.In):
            tested = [found for part in parts if (found := self._member(part))]
            yield from self._assigned(node.body, ast.unparse(test.left), tested, inside)

    def _assigned(
        self, body: Iterable[ast.stmt], subject: str, before: list[tuple[str, str]], inside: str
    ) -> Iterator[tuple[str, StateMove]]:
        """Yield the moves of a block that begins with `subject` being one of these members."""
        for statement in body:
            if isinstance(statement, ast.Assign) and subject in map(ast.unparse, statement.targets):
                after = self._member(statement.value)
                yield from (
                    (name, StateMove(one, after[1], inside)) for name, one in before if after and after[0] == name
                )
                before = [after] if after else []
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or _tests(
                statement, subject
            ):
                continue
            for block in ("body", "orelse", "finalbody"):
                yield from self._assigned(getattr(statement, block, []), subject, before, inside)

    def _member(self, value: ast.expr | None) -> tuple[str, str] | None:
        """Return the enumeration and the member that an expression names."""
        if not isinstance(value, ast.Attribute):
            return None
        name = ast.unparse(value.value).rpartition(".")[2]
        return (name, value.attr) if value.attr in self.members.get(name, ()) else None
