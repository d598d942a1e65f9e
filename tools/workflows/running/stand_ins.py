"""Stand-ins for the code that an item cites. What a proof says of that code is seen by running it on these. Pure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ...text.redaction import redactor
from ..ledger.evidence import line_of
from ..ledger.items import Cited, split_location

Function = ast.FunctionDef | ast.AsyncFunctionDef

_SELF = "call getattr getitem enter add radd sub rsub mul rmul truediv rtruediv floordiv mod and or xor neg abs round".split()
_COMPARED = "eq ne lt le gt ge contains".split()
_ANYTHING = (
    f"type('Anything', (), {{**dict.fromkeys({[f'__{name}__' for name in _SELF]}, lambda self, *a, **k: self), "
    f"**dict.fromkeys({[f'__{name}__' for name in _COMPARED]}, lambda self, *a: True), '__iter__': lambda self: iter((self,)), "
    "'__exit__': lambda self, *a: False, '__len__': lambda self: 1, '__hash__': lambda self: 1, '__str__': lambda self: '', "
    "'__int__': lambda self: 1, '__index__': lambda self: 1, '__float__': lambda self: 1.0})()"
)
"""An expression whose value is like whatever it is compared with."""
_NOTHING = (
    f"type('Nothing', (), {{**dict.fromkeys({[f'__{name}__' for name in _COMPARED]}, lambda self, *a: False), "
    "'__iter__': lambda self: iter(()), '__bool__': lambda self: False, '__len__': lambda self: 0, '__hash__': lambda self: 0})()"
)
"""An expression whose value is empty, and like nothing."""
# At once: what catches exceptions, as pytest does, would show the source, in which the words stand.
_STOP = "__import__('os')._exit(1)"
END = "\nraise SystemExit(97)\n"
"""What ends a program as failed once a module is loaded to its end."""
_RAISED = (
    "raise next((it.__new__(it) for m in [*__import__('sys').modules.values()] for it in [vars(m).get('{0}')] "
    "if isinstance(it, type) and issubclass(it, BaseException)), RuntimeError)"
)
"""A statement that raises the exception of a name, wherever a module that is loaded has it."""
MOST_REFUSALS = 5
LOADING = re.compile(
    r"^(?:E\s+)?(?:ImportError|ModuleNotFoundError|NameError|SyntaxError|IndentationError)\b.*", re.MULTILINE
)
"""How the output of a Python program shows that its code could not be loaded, or lacks a name."""
_IMPORT_WORDS = re.compile(r"ImportError|ModuleNotFoundError|No module named|cannot import", re.IGNORECASE)


@dataclass(frozen=True)
class CitedCode:
    """The code that an item cites, in the text of its file; of several places that read alike that nearest to the line cited."""

    path: str
    text: str
    quote: str
    near: int = 0

    @classmethod
    def of(cls, cited: Cited, text: str) -> CitedCode:
        """Return what an item cites."""
        return cls(cited.path, text, cited.quote, split_location(cited.location)[1] if cited.location else 0)

    @cached_property
    def line(self) -> int:
        """Where the quote begins; 0 where it is nowhere."""
        return line_of(self.quote, self.text, redactor(), self.near)

    @cached_property
    def function(self) -> Function | None:
        """The innermost Python function in which it stands, if it has a body of its own."""
        there = [one for one in _functions(self.path, self.text) if _begin(one) <= self.line <= (one.end_lineno or 0)]
        return max((one for one in there if one.body[0].lineno > one.lineno), key=lambda one: one.lineno, default=None)

    @cached_property
    def statements(self) -> list[ast.stmt]:
        """The Python statements that hold the line, the innermost first."""
        there = [one for one in _nodes(self.path, self.text) if isinstance(one, ast.stmt)]
        there = [one for one in there if _begin(one) <= self.line <= (one.end_lineno or 0)]
        return sorted(there, key=lambda one: (_begin(one), -(one.end_lineno or 0)), reverse=True)

    @property
    def name(self) -> str:
        """What is gone when it is emptied: in Python the function, or the statement that stands in none; else the file."""
        if self.function:
            return f"{self.function.name}() in {self.path}"
        return f"{self.path}:{_begin(self.statements[0])}" if self.statements else self.path

    def emptied(self) -> bytes:
        """Return the file without it: the function ends the program when it is called, the names that a statement binds are like
        whatever they are compared with.
        """
        if self.function:
            return _begun(self.text, self.function, _STOP)
        return next((text.encode() for one in self.statements if parsed(text := _bound(self.text, one))), b"")

    def answering(self) -> bytes | None:
        """Return the file with a function that does nothing, and answers what is equal to anything; None without a function."""
        return None if self.function is None else _begun(self.text, self.function, f"return {_ANYTHING}")

    def refusing(self, tried: str) -> Iterator[bytes]:
        """Yield the file with a function that refuses whatever it is given: by an empty answer, or by an exception that it raises
        itself, or that the text of what is `tried` expects.
        """
        if self.function is None:
            return
        own = ast.unparse(self.function)
        names = [*re.findall(r"\braise\s+(?:\w+\.)*(\w+)", own), *re.findall(r"\bexcept\s+\(?(?:\w+\.)*(\w+)", tried)]
        names += re.findall(r"\b(?:raises|assertRaises)\(\s*(?:\w+\.)*(\w+)", tried)
        statements = [f"return {_NOTHING}", *(_RAISED.format(name) for name in dict.fromkeys(names))]
        for statement in statements[:MOST_REFUSALS]:
            yield _begun(self.text, self.function, statement)

    def alike(self, *roots: str) -> bytes | None:
        """Return the file with a line that does nothing where the code runs from below one of `roots`, and ends the program
        elsewhere; None where it cannot be written so.
        """
        if not self.path.endswith(".py"):
            return f"{self.text}\n".encode()
        below = tuple(f"{root}/" for root in roots)
        line = f"__import__('os').path.abspath(globals().get('__file__') or '/').startswith({below!r}) or {_STOP}"
        line += "  # as it was, but for this line"
        if self.function:
            return _begun(self.text, self.function, line)
        texts = (_before(self.text, one, line) for one in self.statements)
        return next((text.encode() for text in texts if parsed(text)), None)

    def no_place(self, fails_with: str) -> str:
        """Return why no fault can be here, nor anything that stops one, in words; empty where it may."""
        line = (self.text.splitlines() or [""])[self.line - 1].strip() if self.line else ""
        if not self.line or not self.path.endswith(".py"):
            return "a comment" if line.startswith(("//", "/*", "#!")) else ""
        one = self.statements[0] if self.statements else None
        if one is None:
            return "a comment" if line.startswith("#") else ""
        if line.startswith("#"):
            return "a comment"
        if isinstance(one, ast.Import | ast.ImportFrom) and not _IMPORT_WORDS.search(fails_with):
            return "an import"
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str):
            return "a text that nothing reads"
        bare = re.fullmatch(r"\*{0,2}\w+,?", line) and not isinstance(one, Function) and _begin(one) < self.line
        return "an argument by itself" if bare else ""


def words_of(path: str, text: str) -> list[frozenset[str]]:
    """Return the words of each function of a module, or of a file as a whole."""
    lines = text.splitlines()
    parts = ["\n".join(lines[one.lineno - 1 : one.end_lineno]) for one in _functions(path, text)] or [text]
    return [frozenset(re.findall(r"\w{2,}", part)) for part in parts]


def words_around(code: CitedCode) -> frozenset[str]:
    """Return the words of the function in which code stands, or of its file."""
    one, lines = code.function, code.text.splitlines()
    return frozenset(re.findall(r"\w{2,}", "\n".join(lines[one.lineno - 1 : one.end_lineno]) if one else code.text))


def _nodes(path: str, text: str) -> list[ast.AST]:
    tree = parsed(text) if path.endswith(".py") else None
    return list(ast.walk(tree)) if tree else []


def _functions(path: str, text: str) -> list[Function]:
    return [one for one in _nodes(path, text) if isinstance(one, Function)]


def _begin(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])


def _begun(text: str, function: Function, statement: str) -> bytes:
    first = function.body[0]
    lines, indent = text.splitlines(keepends=True), " " * first.col_offset
    place = _begin(first) - 1
    return "".join([*lines[:place], f"{indent}{statement}\n", *lines[place:]]).encode()


def _before(text: str, statement: ast.stmt, line: str) -> str:
    lines, place = text.splitlines(keepends=True), _begin(statement) - 1
    return "".join([*lines[:place], f"{' ' * statement.col_offset}{line}\n", *lines[place:]])


def _bound(text: str, statement: ast.stmt) -> str:
    """Return a text with another statement in the place of one, that binds the same names."""
    names = list(dict.fromkeys(_names(statement)))
    field = isinstance(statement, ast.AnnAssign) and len(names) == 1
    left = f"{names[0]}: object" if field else " = ".join(names)
    lines = text.splitlines(keepends=True)
    instead = f"{' ' * statement.col_offset}{f'{left} = {_ANYTHING}' if names else 'pass'}\n"
    return "".join([*lines[: _begin(statement) - 1], instead, *lines[statement.end_lineno :]])


def _names(statement: ast.AST) -> Iterator[str]:
    """Yield the names that a statement binds where it stands."""
    if isinstance(statement, Function | ast.ClassDef):
        yield statement.name
        return
    if isinstance(statement, ast.Import | ast.ImportFrom):
        yield from ((one.asname or one.name).partition(".")[0] for one in statement.names if one.name != "*")
    if isinstance(statement, ast.Name) and isinstance(statement.ctx, ast.Store):
        yield statement.id
    if isinstance(statement, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        return
    for one in ast.iter_child_nodes(statement):
        yield from _names(one)


def parsed(text: str) -> ast.Module | None:
    """Return the tree of a Python text; None where it is none."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None
