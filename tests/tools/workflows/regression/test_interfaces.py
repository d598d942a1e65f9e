"""What a change breaks for callers, and which tests it can reach: from source alone."""

from __future__ import annotations

import json

import pytest

from autoresearch_mcp.tools.project.python_api import PythonApi
from autoresearch_mcp.tools.workflows.regression.affected import affected
from autoresearch_mcp.tools.workflows.regression.interfaces import breaks
from autoresearch_mcp.tools.workflows.regression.schemas import schema_breaks


def broken(old: str, new: str) -> list[str]:
    """What a change of one file, all of whose public names are a contract, breaks."""
    found = breaks(PythonApi({"shop.py": old}), PythonApi({"shop.py": new}), ["shop.py"], whole=True)
    return [f"{one.name.removeprefix('shop.')}: {one.what}" for one in found]


DATA = "from dataclasses import dataclass\n@dataclass\n"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("def f(a): ...", "def f(a, b=1): ...", []),
        ("def f(a): ...", "def f(a, *, b=1): ...", []),
        ("def f(a): ...", "def f(a, *rest, **more): ...", []),
        ("def f(a): ...", "def f(a: int) -> str: ...", []),
        ("class A:\n def __init__(self): ...\n def __len__(self): ...", "class A(Other): ...", []),
        ("def f(*, a): ...", "def f(a): ...", []),
        ("def f(a, b=1): ...", "def f(a, *rest, b=1): ...", ["f: parameter kind was changed: b"]),
        ("def f(a, b, c='x'): ...", "def f(a, b=5, *c): ...", ["f: parameter kind was changed: c"]),
        ("def f(a, b, /): ...", "def f(a, *b): ...", []),
        ("def f(a, b): ...", "def f(a, *b, **more): ...", []),
        ("def f(a): ...", "", ["f: it is gone"]),
        ("def f(a): ...", "def g(a): ...", ["f: it is gone"]),
        ("def f(a): ...", "def f(b): ...", ["f: parameter was removed: a", "f: parameter was added as required: b"]),
        ("def f(a, b): ...", "def f(b, a): ...", ["f: positional parameter was moved: a", "f: positional parameter was moved: b"]),
        ("def f(a, b): ...", "def f(a): ...", ["f: parameter was removed: b"]),
        ("def f(a): ...", "def f(a, b): ...", ["f: parameter was added as required: b"]),
        ("def f(a): ...", "def f(a, *, b): ...", ["f: parameter was added as required: b"]),
        ("def f(a=1): ...", "def f(a): ...", ["f: parameter is now required: a"]),
        ("def f(*, a=1): ...", "def f(*, a): ...", ["f: parameter is now required: a"]),
        ("def f(a): ...", "def f(*, a): ...", ["f: parameter kind was changed: a"]),
        ("def f(*, a): ...", "def f(): ...", ["f: parameter was removed: a"]),
        ("def f(*a): ...", "def f(): ...", ["f: parameter was removed: a"]),
        ("def f(**a): ...", "def f(): ...", ["f: parameter was removed: a"]),
        ("def f(): ...", "async def f(): ...", ["f: has to be awaited"]),
        ("def f(): ...", "class f: ...", ["f: was function and is class"]),
        ("X = 1", "", ["X: it is gone"]),
        ("def _f(a): ...", "", []),
        ("class A:\n def m(self, a): ...\n def _p(self): ...", "class A:\n def m(self, a, b=1): ...", []),
        ("class A:\n def m(self, a): ...", "class A: ...", ["A.m: it is gone"]),
        ("class A:\n def m(self, a): ...", "class B:\n def m(self, a): ...\nclass A(B): ...", []),
        ("class A:\n def __init__(self, a): ...", "class A:\n def __init__(self, a, b): ...", ["A.__init__: parameter was added as required: b"]),
        ("class A:\n @staticmethod\n def m(a): ...", "class A:\n @staticmethod\n def m(): ...", ["A.m: parameter was removed: a"]),
        ("class A:\n @property\n def m(self): ...", "class A:\n def m(self): ...", ["A.m: was attribute and is function"]),
        ("class A:\n x: int", "class A: ...", ["A.x: it is gone"]),
        (f"{DATA}class A:\n x: int", f"{DATA}class A:\n x: int\n y: int = 0", []),
        (f"{DATA}class A:\n x: int", f"{DATA}class A:\n x: int\n y: int", ["A.__init__: parameter was added as required: y"]),
        ("try:\n def f(): ...\nexcept E:\n pass", "if x:\n pass\nelse:\n def f(): ...", []),
        ("def f(): ...", "def f(:", ["f: it is gone"]),
        ("__all__ = ['f']\ndef f(): ...\ndef g(): ...", "__all__ = ['f']\ndef f(): ...", []),
        ("__all__ = []\ndef f(): ...", "__all__ = []", []),
        ("__all__ = 'f g'.split()\ndef f(): ...\ndef g(): ...", "__all__ = 'f g'.split()\ndef f(): ...", ["g: it is gone"]),
    ],
)  # fmt: skip
def test_a_call_that_was_possible_has_to_stay_possible(old: str, new: str, told: list[str]) -> None:
    assert broken(old, new) == told


PACKAGE = {
    "src/shop/__init__.py": "from .cart import total\nfrom .cart import _hidden\nfrom os import path\n",
    "src/shop/cart.py": "def total(a): ...\ndef inner(a): ...\ndef _hidden(): ...\n",
}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"src/shop/cart.py": "def total(a, b): ...\n"}, ["shop.cart.total: parameter was added as required: b"]),
        ({"src/shop/cart.py": "def total(a): ...\n"}, []),  # `inner` is nobody's contract
        ({"src/shop/__init__.py": ""}, ["shop.total: it is gone"]),
        ({"src/shop/__init__.py": "from .basket import total\n", "src/shop/basket.py": "def total(a): ...\n"}, []),
    ],
)
def test_what_a_package_exports_is_its_contract_wherever_it_is_defined(
    changed: dict[str, str], told: list[str]
) -> None:
    found = breaks(PythonApi(PACKAGE), PythonApi({**PACKAGE, **changed}), list(PACKAGE), whole=False)

    assert [f"{one.name}: {one.what}" for one in found] == told


def test_circular_imports_end() -> None:
    circle = {"a/__init__.py": "from .b import x\n__all__ = ['x']\n", "a/b.py": "from . import x\n"}

    assert list(breaks(PythonApi(circle), PythonApi(circle), list(circle), whole=False)) == []


API = {
    "openapi": "3.1.0",
    "paths": {
        "/items": {
            "get": {"parameters": [{"in": "query", "name": "page"}], "responses": {"200": {}, "404": {}}},
            "post": {"requestBody": {}, "responses": {"201": {}}},
        }
    },
    "components": {"schemas": {"Item": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "kind": {"enum": ["a", "b"]}}}}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("paths", "/more"), {}, ()),
        (("paths",), {}, ("/items: the path is gone",)),
        (("paths", "/items", "post"), None, ("POST /items: the operation is gone",)),
        (("paths", "/items", "get", "responses"), {"404": {}}, ("GET /items: the response 200 is gone",)),
        (("paths", "/items", "get", "responses"), {"200": {}}, ()),
        (("paths", "/items", "get", "parameters"), [{"in": "query", "name": "page", "required": True}], ("GET /items: the parameter page is required now",)),
        (("paths", "/items", "post", "requestBody"), {"required": True}, ("POST /items: a body is required now",)),
        (("components", "schemas", "Item", "required"), ["id", "kind"], ("Item: kind is required now",)),
        (("components", "schemas", "Item", "properties", "id", "type"), "integer", ("id: the type was string and is integer",)),
        (("components", "schemas", "Item", "properties", "id", "type"), ["string", "null"], ()),
        (("components", "schemas", "Item", "properties", "kind", "enum"), ["a"], ("kind: the value 'b' is gone",)),
        (("components", "schemas", "Item", "properties", "id"), None, ("Item: the property id is gone",)),
    ],
)  # fmt: skip
def test_a_schema_may_grow_and_not_shrink(place: tuple[str, ...], value: object, told: tuple[str, ...]) -> None:
    new = json.loads(json.dumps(API))
    holder = new
    for name in place[:-1]:
        holder = holder[name]
    if value is None:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value

    found = schema_breaks(json.dumps(API), json.dumps(new))

    assert tuple(one.removeprefix("Item.") for one in found) == told


def test_a_schema_that_is_no_json_any_more_is_told_and_one_that_never_was_is_not() -> None:
    assert schema_breaks("{}", "not json") == ("the document is no JSON object any more",)
    assert schema_breaks("not json", "{}") == ()


REPOSITORY = {
    "shop/__init__.py": "",
    "shop/cart.py": "from . import money\n",
    "shop/money.py": "",
    "shop/plugins.py": "from importlib import import_module\n",
    "tests/test_cart.py": "from shop.cart import total\n",
    "tests/test_money.py": "import shop.money\n",
    "tests/test_alone.py": "import json\n",
    "tests/test_plugins.py": "import shop.plugins\n",
    "tests/helpers.py": "import shop.money\n",
    "tests/test_helped.py": "from helpers import x\n",
}


@pytest.mark.parametrize(
    ("changed", "files", "why"),
    [
        (["shop/cart.py"], ["tests/test_cart.py", "tests/test_plugins.py"], "2 of 5"),
        (["shop/money.py"], ["tests/test_cart.py", "tests/test_helped.py", "tests/test_money.py", "tests/test_plugins.py"], "4 of 5"),
        (["tests/test_alone.py"], ["tests/test_alone.py", "tests/test_plugins.py"], "2 of 5"),
        (["README.md"], [], "README.md is no Python file"),
        (["tests/conftest.py"], [], "steers every test"),
        (["shop/gone.py"], [], "gone, so nothing tells"),
    ],
)  # fmt: skip
def test_the_tests_that_a_change_reaches_are_told_by_imports(changed: list[str], files: list[str], why: str) -> None:
    found, told = affected(REPOSITORY, changed)

    assert list(found) == files
    assert why in told
