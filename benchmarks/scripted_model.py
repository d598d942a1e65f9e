"""A model on this machine's loopback that follows a script, for real clients: it speaks the interfaces of four makers of models.

What it says next depends on the conversation that it is sent, so that a client may repeat a request.
"""

from __future__ import annotations

import json
import re
import shlex
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Json = Mapping[str, Any]
_SEARCH = "search"
_COUNTS = {"input_tokens": 10, "output_tokens": 5}


@dataclass(frozen=True)
class Asked:
    """One request: how often the model spoke or called before, all that it is sent, and the names of the tools that it has."""

    turn: int
    text: str
    tools: Mapping[str, str]

    def named(self, name: str) -> str:
        """Return the tool that ends in a name of ours, as the client calls it; empty if it is not offered."""
        return next((tool for tool in self.tools if re.search(rf"(^|[_.:-]){name}$", tool)), "")


@dataclass(frozen=True)
class Say:
    """Words, with which a turn ends."""

    text: str


@dataclass(frozen=True)
class Call:
    """A call of a tool, by the end of its name."""

    name: str
    arguments: Json = field(default_factory=dict)


Move = Say | Call | None
"""None: no answer comes, as from a model that hangs."""
Failure = tuple[int, Json, Json]
"""A status, headers and a body in place of an answer."""


def writing(asked: Asked, file: Path, text: str) -> Call:
    """Return the call that writes a file, by the tool that the client has for it."""
    tools = {"Write": "file_path", "write_file": "file_path", "write": "filePath"}
    if name := next((name for name in tools if asked.named(name)), ""):
        return Call(name, {tools[name]: str(file), "content": text})
    return Call("exec_command", {"cmd": f"echo {shlex.quote(text.strip())} >{shlex.quote(file.name)}"})


def reading(asked: Asked, file: Path) -> Call:
    """Return the call that reads a file, as most clients ask for before one writes to it."""
    tools = {"Read": "file_path", "read_file": "file_path", "read": "filePath"}
    if name := next((name for name in tools if asked.named(name)), ""):
        return Call(name, {tools[name]: str(file)})
    return Call("exec_command", {"cmd": f"cat {shlex.quote(file.name)}"})


class _Anthropic:
    path = re.compile(r"/v1/messages$")

    def asked(self, body: Json) -> Asked:
        parts = [
            (message["role"], part)
            for message in body["messages"]
            for part in (message["content"] if isinstance(message["content"], list) else [])
        ]
        results = [part["tool_use_id"] for _, part in parts if part.get("type") == "tool_result"]
        texts = [part for role, part in parts if role == "assistant" and part.get("type") == "text"]
        turn = sum(not one.startswith(_SEARCH) for one in results) + len(texts)
        return Asked(turn, json.dumps(body), {tool["name"]: "" for tool in body.get("tools", [])})

    def answer(self, body: Json, move: Say | Call, turn: int, asked: Asked) -> tuple[list[str], Json]:
        if isinstance(move, Say):
            block: Json = {"type": "text", "text": move.text}
            empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": move.text}
        else:
            name, arguments, key = asked.named(move.name), move.arguments, f"call_{turn}_{time.time_ns()}"
            if not name:  # the client holds its schema back until it is searched for
                full = re.search(rf"mcp__\w+?__{move.name}\b", asked.text)
                name, key = "ToolSearch", f"{_SEARCH}_{turn}_{time.time_ns()}"
                arguments = {"query": f"select:{full[0] if full else move.name}", "max_results": 5}
            block = {"type": "tool_use", "id": key, "name": name, "input": arguments}
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
        stop = "end_turn" if isinstance(move, Say) else "tool_use"
        whole = {"id": f"msg_{time.time_ns()}", "type": "message", "role": "assistant", "model": body["model"]}
        whole |= {"content": [block], "stop_reason": stop, "stop_sequence": None, "usage": _COUNTS}
        events = [
            {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}},
            {"type": "content_block_start", "index": 0, "content_block": empty},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": _COUNTS},
            {"type": "message_stop"},
        ]
        return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events], whole


class _Responses:
    path = re.compile(r"/responses$")

    def asked(self, body: Json) -> Asked:
        items = body["input"]
        results = [item for item in items if item.get("type") in {"function_call_output", "custom_tool_call_output"}]
        texts = [item for item in items if item.get("type", "message") == "message" and item["role"] == "assistant"]
        tools = {}
        for tool in body.get("tools", []):
            space = tool["name"] if tool["type"] == "namespace" else ""
            tools |= {one.get("name", one["type"]): space for one in (tool["tools"] if space else [tool])}
        return Asked(len(results) + len(texts), json.dumps(body), tools)

    def answer(self, body: Json, move: Say | Call, turn: int, asked: Asked) -> tuple[list[str], Json]:
        now = time.time_ns()
        if isinstance(move, Say):
            content = [{"type": "output_text", "text": move.text, "annotations": []}]
            item: dict[str, Any] = {"type": "message", "id": f"m_{now}", "role": "assistant", "content": content}
        else:
            name = asked.named(move.name)
            item = {"type": "function_call", "id": f"fc_{now}", "call_id": f"call_{turn}_{now}", "name": name}
            item |= {"arguments": json.dumps(move.arguments)}
            item |= {"namespace": asked.tools[name]} if asked.tools.get(name) else {}
        item["status"] = "completed"
        counts = {**_COUNTS, "total_tokens": 15, "input_tokens_details": None, "output_tokens_details": None}
        whole = {"id": f"r_{now}", "object": "response", "status": "completed", "model": body["model"]}
        whole |= {"output": [item], "usage": counts}
        events = [
            {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": whole},
        ]
        return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events], whole


class _Chat:
    path = re.compile(r"/chat/completions$")

    def asked(self, body: Json) -> Asked:
        results = [message for message in body["messages"] if message["role"] == "tool"]
        texts = [message for message in body["messages"] if message["role"] == "assistant" and message.get("content")]
        tools = {tool["function"]["name"]: "" for tool in body.get("tools", [])}
        return Asked(len(results) + len(texts), json.dumps(body), tools)

    def answer(self, body: Json, move: Say | Call, turn: int, asked: Asked) -> tuple[list[str], Json]:
        now = time.time_ns()
        message: dict[str, Any] = {"role": "assistant", "content": move.text if isinstance(move, Say) else None}
        if isinstance(move, Call):
            function = {"name": asked.named(move.name), "arguments": json.dumps(move.arguments)}
            message["tool_calls"] = [{"index": 0, "id": f"call_{turn}_{now}", "type": "function", "function": function}]
        base = {"id": f"c_{now}", "created": now // 10**9, "model": body["model"], "object": "chat.completion.chunk"}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        stop = "stop" if isinstance(move, Say) else "tool_calls"
        events = [
            {**base, "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
            {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": stop}], "usage": usage},
        ]
        choice = {"index": 0, "message": message, "finish_reason": stop}
        whole = {**base, "object": "chat.completion", "choices": [choice], "usage": usage}
        return [*(f"data: {json.dumps(event)}\n\n" for event in events), "data: [DONE]\n\n"], whole


class _Gemini:
    path = re.compile(r":(stream)?[gG]enerateContent$")

    def asked(self, body: Json) -> Asked:
        parts = [(content.get("role"), part) for content in body["contents"] for part in content.get("parts", [])]
        results = [part for _, part in parts if "functionResponse" in part]
        texts = [part for role, part in parts if role == "model" and part.get("text")]
        declared = [one for tool in body.get("tools", []) for one in tool.get("functionDeclarations", [])]
        return Asked(len(results) + len(texts), json.dumps(body), {one["name"]: "" for one in declared})

    def answer(self, body: Json, move: Say | Call, turn: int, asked: Asked) -> tuple[list[str], Json]:
        part: Json = {"text": move.text} if isinstance(move, Say) else {}
        if isinstance(move, Call):
            key = f"call_{turn}_{time.time_ns()}"
            part = {"functionCall": {"id": key, "name": asked.named(move.name), "args": move.arguments}}
        counts = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
        candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
        whole = {"candidates": [candidate], "usageMetadata": counts, "modelVersion": "fake"}
        return [f"data: {json.dumps(whole)}\n\n"], whole


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *words: object) -> None:
        """Say nothing of clients that were killed."""


class ScriptedModel:
    """Serves what `script` decides, until `close`; `fail` is asked first, with the text of the request."""

    def __init__(
        self, script: Callable[[Asked], Move], fail: Callable[[str], Failure | None] = lambda text: None
    ) -> None:
        self.asked: list[Asked] = []
        self._script, self._over = script, threading.Event()
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *words: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                self.reply(404, {})

            do_HEAD = do_GET

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                path = self.path.split("?")[0]
                dialect = next(
                    (one for one in (_Anthropic(), _Responses(), _Chat(), _Gemini()) if one.path.search(path)), None
                )
                if failed := fail(raw.decode()):
                    return self.reply(failed[0], failed[2], failed[1])
                if dialect is None:
                    counts = {"input_tokens": len(raw) // 4, "totalTokens": len(raw) // 4}
                    return self.reply(200 if "ount" in path else 404, counts)
                body = json.loads(raw)
                asked = dialect.asked(body)
                move = model.move(asked)
                if move is None:
                    return None
                events, whole = dialect.answer(body, move, asked.turn, asked)
                if not (body.get("stream") or "stream" in path):
                    return self.reply(200, whole)
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.end_headers()
                self.wfile.write("".join(events).encode())
                self.close_connection = True
                return None

            def reply(self, code: int, body: Json, headers: Json | None = None) -> None:
                data = json.dumps(body).encode()
                self.send_response(code)
                for name, value in {
                    "content-type": "application/json",
                    "content-length": len(data),
                    **(headers or {}),
                }.items():
                    self.send_header(name, str(value))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

        self._http = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def move(self, asked: Asked) -> Move:
        """Decide what comes next; a request without tools is for a title or a summary."""
        if not asked.tools:
            return Say("ok")
        self.asked.append(asked)
        move = self._script(asked)
        if move is None:
            self._over.wait()
        return move

    def close(self) -> None:
        """Answer nothing any more."""
        self._over.set()
        self._http.shutdown()
