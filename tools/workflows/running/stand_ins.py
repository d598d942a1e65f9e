"""Stand-ins for the code that an item cites. What a proof says of that code is seen by running it on these. Pure."""

from __future__ import annotations

import ast
import re
from typing import TypeGuard

from ...text.redaction import redactor
from ..ledger.evidence import line_of

_SELF = "call getattr getitem enter add radd sub rsub mul rmul truediv rtruediv floordiv mod and or xor neg abs round".split()
_TRUE = "eq ne lt le gt ge contains".split()
_ANYTHING = (
    f"type('Anything', (), {{**dict.fromkeys({[f'__{name}__' for name in _SELF]}, lambda self, *a, **k: self), "
    f"**dict.fromkeys({[f'__{name}__' for name in _TRUE]}, lambda self, *a: True), '__iter__': lambda self: iter((self,)), "
    "'__exit__': lambda self, *a: False, '__len__': lambda self: 1, '__hash__': lambda self: 1, '__str__': lambda self: '', "
    "'__int__': lambda self: 1, '__index__': lambda self: 1, '__float__': lambda self: 1.0})()"
)
"""An expression whose value is like whatever it is compared with."""
# At once: what catches exceptions, as pytest does, would show the source, in which the words stand.
_STOP = "__import__('os')._exit(1)"
_END = "\nraise SystemExit(97)\n"


def emptied(path: str, text: str, quote: str, near: int = 0) -> tuple[str, bytes]:
    """Return a file without what is quoted in it, with the name of what is gone: in Python the body of the innermost function,
    which ends the program when it is called, or the statement outside of one; else the whole file. Of several places it is the
    one that is nearest to a line.
    """
    function = _function(path, text, quote, near)
    if function is not None:
        return f"{function.name}() in {path}", _begun(text, function, _STOP)
    statement = _statement(path, text, quote, near)
    if statement is None:
        return path, b""
    lines = text.splitlines(keepends=True)
    gone = f"{' ' * statement.col_offset}pass\n"
    rest = [*lines[: _first_line(statement) - 1], gone, *lines[statement.end_lineno or 0 :]]
    return f"{path}:{statement.lineno}", "".join(rest).encode()


def does_nothing(path: str, text: str, quote: str, near: int = 0) -> bool:
    """Tell whether what is quoted outside of any function does nothing by itself: an import, a docstring, a comment."""
    elsewhere = not path.endswith(".py") or not _parsed(text) or not line_of(quote, text, redactor())
    if elsewhere or _function(path, text, quote, near):
        return False
    one = _statement(path, text, quote, near)
    told = isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
    return one is None or told or isinstance(one, ast.Import | ast.ImportFrom | ast.Pass)


def answering(path: str, text: str, quote: str, near: int = 0) -> tuple[bytes, ...]:
    """Return two files in which the quoted function does nothing, and answers what is equal to anything; and in which it is as it
    was, but for a statement that does nothing. None without a function.
    """
    function = _function(path, text, quote, near)
    return () if function is None else (_begun(text, function, f"return {_ANYTHING}"), _begun(text, function, "None"))


def ending(path: str, text: str) -> bytes | None:
    """Return a module that ends its program as failed once it is loaded to its end; None for other files."""
    return f"{text}{_END}".encode() if path.endswith(".py") else None


def raising(path: str, text: str, marker: str = "") -> tuple[bytes, frozenset[str]]:
    """Return a Python file of tests in which each raises at its end, however it ends, after it made the file `marker`; and their
    names.
    """
    tree = _parsed(text) if path.endswith(".py") else None
    if tree is None:
        return text.encode(), frozenset()
    holders: list[ast.Module | ast.ClassDef] = [tree, *(one for one in ast.walk(tree) if isinstance(one, ast.ClassDef))]
    tests = [one for holder in holders for one in holder.body if _is_test(one)]
    end = ast.parse(f"open({marker!r}, 'a').close()\n" * bool(marker) + "raise AssertionError('on purpose')").body
    for one in tests:
        one.body = [ast.Try(one.body, [], [], end)]
    return ast.unparse(ast.fix_missing_locations(tree)).encode(), frozenset(one.name for one in tests)


def _is_test(node: ast.stmt) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")


def words_of(path: str, text: str, quote: str = "") -> list[frozenset[str]]:
    """Return the words of each function of a module, or of the one in which a quote stands, or of a file as a whole."""
    one = _function(path, text, quote) if quote else None
    functions = [one] if one else [] if quote else _functions(path, text)
    lines = text.splitlines()
    parts = ["\n".join(lines[found.lineno - 1 : found.end_lineno]) for found in functions] or [text]
    return [frozenset(re.findall(r"\w{2,}", part)) for part in parts]


def function_at(path: str, text: str, quote: str, near: int = 0) -> str:
    """Return the name of the innermost Python function in which a quote stands; empty without one."""
    found = _function(path, text, quote, near)
    return found.name if found else ""


def _function(path: str, text: str, quote: str, near: int = 0) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    line = line_of(quote, text, redactor(), near)
    there = [one for one in _functions(path, text) if one.lineno <= line <= (one.end_lineno or 0)]
    return max((one for one in there if one.body[0].lineno > one.lineno), key=lambda one: one.lineno, default=None)


def _statement(path: str, text: str, quote: str, near: int) -> ast.stmt | None:
    """Return the smallest statement of a module, with lines of its own, in which a quote stands."""
    line, tree = line_of(quote, text, redactor(), near), _parsed(text) if path.endswith(".py") else None
    lines, every = text.splitlines(), (one for one in ast.walk(tree) if isinstance(one, ast.stmt)) if tree else ()
    there = [one for one in every if _first_line(one) <= line <= (one.end_lineno or 0)]
    alone = [one for one in there if not lines[one.lineno - 1][: one.col_offset].strip()]
    return max(alone, key=lambda one: one.lineno, default=None)


def _first_line(one: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(one, "decorator_list", [])
    return min([one.lineno, *(each.lineno for each in decorators)])


def _functions(path: str, text: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = _parsed(text) if path.endswith(".py") else None
    nodes = ast.walk(tree) if tree else ()
    return [one for one in nodes if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None


def _begun(text: str, function: ast.FunctionDef | ast.AsyncFunctionDef, statement: str) -> bytes:
    first = function.body[0]
    place = _first_line(first) - 1
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:place], f"{' ' * first.col_offset}{statement}\n", *lines[place:]]).encode()
