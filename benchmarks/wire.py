"""The bytes that a client reads of a session of 20 iterations over stdio: the list of tools, and every answer by its parts.

The metric is exact, so that two runs differ by ids, times and digests alone. Three keeps, a red guard mended in the next
call, a crash mended too, discards else, the last ones in a row. Run it with the Python that the package is installed in:
`python benchmarks/wire.py [--calls]`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Self

KEEPS = (2, 5, 10)
RED = 7
CRASH = 12
LAST = 20
PLAN = {
    "goal": "fewer steps",
    "scope": ["app.py"],
    "protected": ["measure.py", "test_app.py"],
    "metric": "steps",
    "direction": "lower",
    "verify": f"{sys.executable} measure.py",
    "guards": [f"{sys.executable} -m unittest -v test_app"],
    "iterations": 50,
}
MEASURE = (
    'import app\nfor part in range(20):\n    print("part", part, "of 20 done")\nprint("METRIC steps=%d" % app.STEPS)\n'
)
TESTS = """
import unittest
import app
class Sums(unittest.TestCase):
    def test_whole(self):
        self.assertEqual(app.double(2), 4)
    def test_negative(self):
        self.assertEqual(app.double(-2), -4)
    def test_nothing(self):
        self.assertEqual(app.double(0), 0)
"""
WAYS = "abcdefghijklmnopqrstuvwxyz"
Answer = dict[str, object]


def app(steps: int, body: str = "return x + x") -> str:
    """Write the module that the session improves."""
    return f"STEPS = {steps}\nWAY = {WAYS[steps % 26]!r}\n\n\ndef double(x):\n    {body}\n"


class Conversation:
    """A client of our server, which counts what it reads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.read: list[tuple[str, Counter[str]]] = []
        words = [sys.executable, "-m", "autoresearch_mcp.server", "--allow-commands", "--root", str(root)]
        self._server = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "wire", "version": "1"}}
        self._ask("initialize", hello)
        self.listed = self._ask("tools/list", {})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with self._server:  # closes what it reads and writes, and waits
            pass

    def call(self, tool: str, **arguments: object) -> Answer:
        """Call a tool, and count its answer."""
        line = self._ask("tools/call", {"name": tool, "arguments": arguments})
        result = json.loads(line)["result"]
        text = sum(len(part.get("text", "").encode()) for part in result["content"])
        self.read.append((tool, Counter(line=len(line), text=text, structured=size(result["structuredContent"]))))
        answer: Answer = result["structuredContent"]
        return answer

    def tried(self, description: str, text: str) -> Answer:
        """Make an edit and have it measured."""
        (self._root / "app.py").write_text(text)
        return self.call(
            "iterate", description=description, hypothesis="Fewer steps do the same.", learned="Less is more."
        )

    def _ask(self, method: str, params: object) -> bytes:
        assert self._server.stdin
        assert self._server.stdout
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self._server.stdin.write(json.dumps(message).encode() + b"\n")
        self._server.stdin.flush()
        return self._server.stdout.readline()


def size(value: object) -> int:
    """Return the bytes of a value as compact JSON, as a client gives it to its model."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def play(conversation: Conversation) -> None:
    """Play the session."""
    conversation.call("status")
    conversation.call("inspect_project", goal="fewer steps")
    checked = conversation.call("check_plan", **PLAN)
    assert checked["ready"], checked
    started = conversation.call("start_session")
    assert started["baseline"] == 100, started
    best = 100
    for number in range(1, LAST + 1):
        best -= 5 * (number in KEEPS or number == RED)
        if number == RED:
            conversation.tried("Add three times, which is wrong", app(best, "return x + x + x"))
        if number == CRASH:
            conversation.tried("Take a name that is not there", app(best, "pass\nmissing"))
        worse = 0 if number in KEEPS or number == RED else 10 * number
        answer = conversation.tried(f"Try the way number {number} of taking steps", app(best + worse))
        assert answer.get("iteration") == number, answer
        assert answer["status"] == ("discard" if worse else "keep (reworked)" if number == RED else "keep"), answer
    conversation.call("status")
    conversation.call("detect_stuck")
    conversation.call("history")
    conversation.call("history", iteration=RED)
    conversation.call("report")
    conversation.call("finish_session")


def main() -> None:
    """Play and print."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "project"
        root.mkdir()
        os.environ["XDG_CACHE_HOME"] = os.environ["XDG_STATE_HOME"] = place
        for name, text in {"app.py": app(100), "measure.py": MEASURE, "test_app.py": TESTS}.items():
            (root / name).write_text(text)
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        for words in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "begin")):
            subprocess.run(["git", *words], cwd=root, check=True)
        with Conversation(root) as conversation:
            play(conversation)
    tools = json.loads(conversation.listed)["result"]["tools"]
    seen = sum(size({name: tool[name] for name in ("name", "description", "inputSchema")}) for tool in tools)
    print(f"tools/list: {len(conversation.listed)} bytes, {seen} of them for the model")
    total: Counter[str] = sum((count for _, count in conversation.read), Counter())
    named: dict[str, Counter[str]] = {}
    for tool, count in conversation.read:
        named[tool] = named.get(tool, Counter()) + count + Counter(calls=1)
        if "--calls" in sys.argv:
            print(f"  {tool:16} {count['line']:7} {count['text']:7} {count['structured']:7}")
    print(f"{'answers':16} calls    whole    text structured")
    for tool, count in [*named.items(), ("all", total + Counter(calls=len(conversation.read)))]:
        print(f"{tool:16} {count['calls']:5} {count['line']:8} {count['text']:7} {count['structured']:10}")
    print(f"tools/list and all answers: {len(conversation.listed) + total['line']} bytes")


if __name__ == "__main__":
    main()
