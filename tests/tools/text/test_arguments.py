"""Arguments as clients write them: what is meant by them, and what nothing can hold."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel

from autoresearch_mcp.tools.text.arguments import understood, unusable


class Milk(StrEnum):
    """What may be in it."""

    OAT = "oat-milk"
    COW = "cow"


class Order(BaseModel):
    """What somebody wants."""

    who: str
    words: tuple[str, ...] = ()
    cups: int = 1
    litres: float = 0.0
    hot: bool = True
    note: str = ""
    sizes: tuple[int, ...] = ()
    maybe: str | None = None
    milk: Milk | None = None


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"note": None, "cups": None, "words": None, "maybe": None}, {}),
        ({"cups": "", "litres": "", "hot": "", "words": ""}, {}),
        ({"cups": "3", "litres": "0.5", "hot": "false"}, {"cups": 3, "litres": 0.5, "hot": False}),
        ({"words": "one"}, {"words": ("one",)}),
        ({"words": '["one", "two"]'}, {"words": ("one", "two")}),
        ({"words": "[ab]*.py"}, {"words": ("[ab]*.py",)}),
        ({"words": ["one", 2, True]}, {"words": ("one", "2", "true")}),
        ({"words": 3}, {"words": ("3",)}),
        ({"sizes": "7"}, {"sizes": (7,)}),
        ({"note": 3, "maybe": 0.5}, {"note": "3", "maybe": "0.5"}),
        ({"note": True}, {"note": "true"}),
        ({"milk": "Oat Milk"}, {"milk": Milk.OAT}),
        ({"milk": " COW"}, {"milk": Milk.COW}),
    ],
)
def test_what_is_meant(given: dict[str, Any], meant: dict[str, Any]) -> None:
    order = Order.model_validate(understood({"who": "Ada", **given}, Order.model_fields))

    assert order == Order(who="Ada", **meant)


def test_what_is_required_or_unknown_is_left_as_it_is() -> None:
    assert understood({"who": None, "else": None}, Order.model_fields) == {"who": None, "else": None}


@pytest.mark.parametrize(
    "value", ["a\0b", ["\0"], {"\0": 1}, {"a": ["\0"]}, "x" * 100_001, 10**30, 1e999, [[-(10**30)]]]
)
def test_what_nothing_can_hold_is_named(value: object) -> None:
    assert unusable({"good": "x", "odd": value}).startswith("`odd` holds ")


def test_ordinary_values_can_be_used() -> None:
    assert unusable({"text": "x" * 100_000, "number": 2**53, "none": None, "list": [1.5, True, {"a": "b"}]}) == ""
