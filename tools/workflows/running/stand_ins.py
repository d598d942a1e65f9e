"""Stand-ins for the code that an item cites. What a proof says of that code is seen by running it on these. Pure."""

from __future__ import annotations

import ast
import re

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


def emptied(path: str, text: str, quote: str) -> tuple[str, bytes]:
    """Return a file without what is quoted in it, with the name of what is gone: in Python the body of the innermost function,
    which ends the program when it is called; else the whole file.
    """
    function = _function(path, text, quote)
    if function is None:
        return path, b""
    return f"{function.name}() in {path}", _begun(text, function, _STOP)


def answering(path: str, text: str, quote: str) -> bytes | None:
    """Return a file in which the quoted function does nothing, and answers what is equal to anything; None without a function."""
    function = _function(path, text, quote)
    return None if function is None else _begun(text, function, f"return {_ANYTHING}")


def ending(path: str, text: str) -> bytes | None:
    """Return a module that ends its program as failed once it is loaded to its end; None for other files."""
    return f"{text}{_END}".encode() if path.endswith(".py") else None


def words_of(path: str, text: str, quote: str = "") -> list[frozenset[str]]:
    """Return the words of each function of a module, or of the one in which a quote stands, or of a file as a whole."""
    one = _function(path, text, quote) if quote else None
    functions = [one] if one else [] if quote else _functions(path, text)
    lines = text.splitlines()
    parts = ["\n".join(lines[found.lineno - 1 : found.end_lineno]) for found in functions] or [text]
    return [frozenset(re.findall(r"\w{2,}", part)) for part in parts]


def function_at(path: str, text: str, quote: str) -> str:
    """Return the name of the innermost Python function in which a quote stands; empty without one."""
    found = _function(path, text, quote)
    return found.name if found else ""


def _function(path: str, text: str, quote: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    line = line_of(quote, text, redactor())
    there = [one for one in _functions(path, text) if one.lineno <= line <= (one.end_lineno or 0)]
    return max((one for one in there if one.body[0].lineno > one.lineno), key=lambda one: one.lineno, default=None)


def _functions(path: str, text: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    try:
        nodes = ast.walk(ast.parse(text)) if path.endswith(".py") else ()
        return [one for one in nodes if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    except (SyntaxError, ValueError):
        return []


def _begun(text: str, function: ast.FunctionDef | ast.AsyncFunctionDef, statement: str) -> bytes:
    first = function.body[0]
    place = min([first.lineno, *(one.lineno for one in getattr(first, "decorator_list", ()))]) - 1
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:place], f"{' ' * first.col_offset}{statement}\n", *lines[place:]]).encode()
