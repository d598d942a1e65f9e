"""The live page: the report on a loopback port, which follows the session, and where a person steers its agent.

The address holds a secret, so that other users of the machine, and pages in the same browser, cannot guess it; a
request under another host name is refused, so that no foreign name can be pointed here. What is said to an agent is
taken only from the page itself, by its Origin. Nothing is looked at while nobody looks.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from ...tools.errors import Refusal
from ...tools.lab.notes import Said
from ...tools.report import rendering as pages
from ..watching import Watch

LOOPBACK = "127.0.0.1"
LOOK_EVERY_S = 0.3
REQUEST_S = 30.0
MOST_BYTES = 16_384
"""Of what a person says at once."""
BREATH_S = 15.0
"""Seconds of silence after which a line is sent, to find out whether anybody still listens."""
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'",
}


class _Steered(BaseModel):
    """What the page sends: more to say of a kind, or the number of what is taken back, 0 for all."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Literal["hint", "idea", "pause"]
    text: str = ""
    without: int | None = None


class LiveServer(ThreadingHTTPServer):
    """Serves one watch; `url` is where."""

    daemon_threads = True

    def __init__(self, watch: Watch, port: int = 0) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.watch = watch
        self.secret = secrets.token_urlsafe(12)
        names = (LOOPBACK, "localhost")
        self.hosts = {f"{name}:{self.server_port}" for name in names} | ({*names} if self.server_port == 80 else set())

    @property
    def url(self) -> str:
        """Return the address of the page."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.secret}/"


class _Handler(BaseHTTPRequestHandler):
    server: LiveServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "autoresearch-mcp", ""
    timeout = REQUEST_S  # of each read and write; without it, half a request holds a thread for ever

    def do_GET(self) -> None:
        """Answer the page, its events, one try, or all rows in short."""
        self._answered(self._answer)

    def do_POST(self) -> None:
        """Take what a person says to the agent, from this page only; answer with what holds now."""
        self.close_connection = True  # of what is refused nothing is read
        if self.headers.get("Origin", "") != f"http://{self.headers.get('Host', '')}":
            return self._say(HTTPStatus.FORBIDDEN, "Only the page itself may steer.")
        self._answered(self._steer)

    def _answered(self, answer: Callable[[str, dict[str, list[str]]], None]) -> None:
        if self.headers.get("Host", "") not in self.server.hosts:
            return self._say(HTTPStatus.MISDIRECTED_REQUEST, "This page is for this machine only.")
        address = urlsplit(self.path)
        _, secret, name = [*address.path.split("/", 2), "", ""][:3]
        if not secrets.compare_digest(secret.encode(), self.server.secret.encode()):
            return self._say(HTTPStatus.NOT_FOUND, "There is nothing here: use the address that `watch` printed.")
        try:
            return answer(name, parse_qs(address.query))
        except Refusal as refusal:
            return self._say(HTTPStatus.SERVICE_UNAVAILABLE, refusal.message)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _steer(self, name: str, asked: dict[str, list[str]]) -> None:
        length = self.headers.get("Content-Length", "")
        if name != "steer" or self.headers.get_content_type() != "application/json":
            return self._say(HTTPStatus.NOT_FOUND, "Nothing is taken here.")
        if not (length.isascii() and length.isdecimal() and int(length) <= MOST_BYTES):
            return self._say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "That is too long to be said at once.")
        try:
            told = _Steered.model_validate_json(self.rfile.read(int(length)))
        except ValidationError:
            return self._say(HTTPStatus.BAD_REQUEST, "That is not what this page sends.")
        kind = {"hint": Said.HINT, "idea": Said.IDEA, "pause": Said.PAUSE}[told.kind]
        return self._send(pages.render_section(self.server.watch.steer(kind, told.text, told.without)))

    def _answer(self, name: str, asked: dict[str, list[str]]) -> None:
        watch = self.server.watch
        if name == "":
            session, last = watch.position()
            return self._send(pages.render_page(watch.page(), live=f"{session}:{last}"))
        if name == "try":
            number = asked.get("iteration", [""])[0]
            found = watch.one(int(number)) if number.isdecimal() else None
            return self._send(pages.render_details(found)) if found else self._say(HTTPStatus.NOT_FOUND, "No such try.")
        if name == "rows":
            return self._send(watch.packed(), kind="application/octet-stream")
        if name == "events":
            return self._follow(self.headers.get("Last-Event-ID") or asked.get("after", [""])[0])
        return self._say(HTTPStatus.NOT_FOUND, "There is no such page.")

    def _follow(self, after: str) -> None:
        """Send what changes, until nobody listens."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self._end_headers()
        self.close_connection = True
        for event in _events(self.server.watch, after):
            self.wfile.write(event.encode())
            self.wfile.flush()

    def _say(self, status: HTTPStatus, words: str) -> None:
        self._send(words, status, "text/plain; charset=utf-8")

    def _send(
        self, content: str | bytes, status: HTTPStatus = HTTPStatus.OK, kind: str = "text/html; charset=utf-8"
    ) -> None:
        body = content.encode() if isinstance(content, str) else content
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self._end_headers()
        self.wfile.write(body)

    def _end_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing: the terminal is the person's."""


def _events(watch: Watch, after: str) -> Iterator[str]:
    """Yield server-sent events from a position on: parts of the page and new rows, or that the page is to be loaded again."""
    session, _, number = after.rpartition(":")
    last, seen, said = int(number) if number.isdecimal() else 0, None, time.monotonic()
    threading.Thread(target=watch.check, daemon=True).start()
    while True:
        mark = watch.mark()
        if mark != seen:
            now, newest = watch.position()
            if now != session or newest < last:
                yield _event("again", {}, after)
                return
            whole = seen is None or mark.session != seen.session
            yield _event(
                "page", _whole_change(watch, last) if whole and session else _work_change(watch), f"{now}:{newest}"
            )
            last, seen, said = newest, mark, time.monotonic()
        elif time.monotonic() - said > BREATH_S:
            yield ": still here\n\n"
            said = time.monotonic()
        time.sleep(LOOK_EVERY_S)


def _work_change(watch: Watch) -> dict[str, object]:
    return {"parts": {"now": pages.render_section(watch.now())}}


def _whole_change(watch: Watch, last: int) -> dict[str, object]:
    page, rows = watch.update(last)
    parts = {section.id: pages.render_section(section) for section in page.sections if section.kind != "tries"}
    return {"parts": {"head": pages.render_head(page), **parts}, "rows": [pages.render_row(one) for one in rows]}


def _event(name: str, data: dict[str, object], position: str) -> str:
    return f"id: {position}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
