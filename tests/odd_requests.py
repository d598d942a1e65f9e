"""Requests that no client should send: odd values for real arguments, and shapes that are no request. The same each time."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

LONE = "\ud83d"
ODD_TEXTS = [
    LONE,
    f"a{LONE}b",
    "\udc00",
    "\x00",
    "a\x00b",
    "\x1b[2J",
    "\u202e",
    "\r\n",
    "",
    " ",
    "-rf",
    "../..",
    "/",
    "\\",
    "🙂" * 99,
    "x" * 200_000,
    "null",
    "[]",
    '{"a": 1}',
    "3",
    "true",
    "NaN",
    "$(true)",
]
ODD_NUMBERS: list[object] = [10**30, -(10**30), 10**400, 2**63, -1, 0, 0.1, 1e308, float("nan"), float("inf"), True]
METHODS = ["tools/call", "prompts/get", "resources/read", "completion/complete", "tools/list", "ping", "no/such", LONE]
RESOURCES = ["autoresearch://status", "autoresearch://results", "ui://autoresearch/session", "file:///etc/passwd"]


def nested(depth: int) -> object:
    """Lists in lists."""
    value: object = "deep"
    for _ in range(depth):
        value = [value]
    return value


class OddRequests:
    """Requests as lines, from a seed. `tools` and `prompts` are what the server lists: names to the names of arguments."""

    def __init__(self, seed: int, tools: Mapping[str, list[str]], prompts: Mapping[str, list[str]]) -> None:
        self._random = random.Random(seed)
        self._tools, self._prompts = tools, prompts

    def lines(self, count: int) -> Iterator[tuple[object, bytes]]:
        """So many requests, no two alike but for their ids: the id that the answer has to bear (None where none can be told), and
        the line.
        """
        kinds = [self._tool, self._tool, self._tool, self._prompt, self._resource, self._completion, self._wrong_params]
        seen = set[bytes]()
        while len(seen) < count:
            number = f"odd-{len(seen)}"
            if self._random.random() < 0.2:
                made = self._wrong_shape(number)
            else:
                method, params = self._random.choice(kinds)()
                made = number, line({"id": number, "method": method, "params": params})
            if (bare := made[1].replace(number.encode(), b"")) not in seen:
                seen.add(bare)
                yield made

    def _text(self) -> str:
        return self._random.choice(ODD_TEXTS)

    def _value(self, depth: int = 0) -> object:
        simple: list[Callable[[], object]] = [
            self._text,
            self._text,
            lambda: self._random.choice(ODD_NUMBERS),
            lambda: None,
        ]
        if depth > 2:
            return self._random.choice(simple)()
        compound: list[Callable[[], object]] = [
            lambda: [self._value(depth + 1) for _ in range(self._random.randrange(3))],
            lambda: {self._text()[:9]: self._value(depth + 1)},
            lambda: nested(self._random.choice([5, 150, 400])),
        ]
        return self._random.choice([*simple, *simple, *compound])()

    def _arguments(self, names: list[str]) -> object:
        if self._random.random() < 0.1:
            return self._value()
        chosen = self._random.sample(names, self._random.randint(0, min(3, len(names))))
        unknown = {self._text()[:9]: self._value()} if self._random.random() < 0.1 else {}
        return {**{name: self._value() for name in chosen}, **unknown}

    def _name(self, names: Mapping[str, list[str]]) -> str:
        return self._text() if self._random.random() < 0.05 else self._random.choice(list(names))

    def _tool(self) -> tuple[str, object]:
        name = self._name(self._tools)
        return "tools/call", {"name": name, "arguments": self._arguments(self._tools.get(name, ["repo"]))}

    def _prompt(self) -> tuple[str, object]:
        name = self._name(self._prompts)
        return "prompts/get", {"name": name, "arguments": self._arguments(self._prompts.get(name, ["goal"]))}

    def _resource(self) -> tuple[str, object]:
        return "resources/read", {"uri": self._random.choice([*RESOURCES, self._value()])}

    def _completion(self) -> tuple[str, object]:
        kind = self._random.choice(["ref/prompt", "ref/resource", self._value()])
        argument = {"name": self._random.choice(["chain", self._value()]), "value": self._value()}
        ref = {"type": kind, "name": self._name(self._prompts), "uri": self._text()}
        return "completion/complete", {"ref": ref, "argument": argument}

    def _wrong_params(self) -> tuple[str, object]:
        params = self._random.choice([{"name": self._value()}, {"_meta": self._value()}, {}, {"cursor": self._value()}])
        return self._random.choice(METHODS), params

    def _wrong_shape(self, number: str) -> tuple[object, bytes]:
        """What is no request at all, or not one of JSON-RPC; each with an id if it can be read."""
        request = {"id": number, "method": "ping"}
        deep = b"[" * 5000 + b"]" * 5000
        shapes: list[tuple[object, bytes]] = [
            (None, b"nonsense\n"),
            (None, b"{\n"),
            (None, b"[]\n"),
            (None, b"7\n"),
            (None, b'"\\ud83d"\n'),
            (None, b"\xff\xfe\x00\n"),
            (None, b"{}\n"),
            (None, line({**request, "id": self._value_that_is_no_id()})),
            (number, line({**request, "method": self._random.choice([7, None, [], {}])})),
            (number, line({**request, "params": self._random.choice([7, "x", [1]])})),
            (number, line({**request, "jsonrpc": self._random.choice(["1.0", 2, None])})),
            (number, line({**request, "unknown": self._value()})),
            (number, line(request).replace(b" ", b"\r")),
            (number, json.dumps(request).encode() + b"\n"),
            (number, b"[" + line(request).strip() + b"]\n"),
            (number, b'{"jsonrpc": "2.0", "id": "%s", "method": "tools/ca\n' % number.encode()),
            (number, b'{"id": "%s", "method": "tools/call", "params": %s\n' % (number.encode(), deep)),
            (number, b'{"params": {"id": 7, "x": %s}, "id": "%s", "method": "ping"\n' % (deep, number.encode())),
        ]
        return self._random.choice(shapes)

    def _value_that_is_no_id(self) -> object:
        return self._random.choice([None, [], {}, 0.5, True, float("nan")])


def line(message: Mapping[str, Any]) -> bytes:
    """One message as a client writes it that escapes what is not ASCII."""
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"
