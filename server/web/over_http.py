"""`autoresearch-mcp serve --http`: the same server over streamable HTTP, for clients that start no process.

Loopback only unless told, a bearer token always, and the protocol library's checks of Host and Origin: a page in a
browser on this machine must not reach a server that can run commands.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import secrets
import socket
import stat
import sys
from argparse import Namespace
from pathlib import Path

import h11
import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from ...tools.lab.access import Lab
from ...tools.storage.disk import write_atomically
from ..app import build_server
from ..stdio.serve import log_to_file, serve

REQUEST_S = 30.0
"""Seconds that a client has to send a whole request."""
LEAST_TOKEN = 32
"""Characters that a bearer token has at least."""


def run(root: Path, options: Namespace) -> int:
    """Serve until a signal; returns the exit status: 2 when it would not be safe to."""
    if not options.http:
        return serve(root, options.allow_commands)
    host, _, port = options.http.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isdecimal():
        return _refused(f"{options.http!r} is no address: use PORT or HOST:PORT.")
    if not (_is_loopback(host) or options.expose):
        return _refused(
            f"{host} can be reached from other machines: add --expose if that is meant, behind TLS of your own."
        )
    try:
        file = Path(options.token_file).expanduser() if options.token_file else _own_file()
        token = _token(file)
        listening = socket.create_server((host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, ValueError) as error:
        return _refused(str(error))
    log_to_file()
    bound = listening.getsockname()[1]
    place = f"http://{f'[{host}]' if ':' in host else host}:{bound}/mcp"
    sys.stderr.write(f"Serving {root} at {place}; the bearer token is in {file}.\n")
    lab = Lab(root, allow_commands=options.allow_commands)
    app = BearerOnly(_app(lab, host, options.allow_host), token)
    lab.begin()
    try:
        web_server(app).run(sockets=[listening])
    finally:
        lab.end()
    return 0


class RequestDeadline(H11Protocol):
    """A connection on which a request that began has to be there within `patience_s`, head and body, or it is closed.

    The library only limits how long it waits for the first byte of a second request.
    """

    patience_s = REQUEST_S
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin()

    def data_received(self, data: bytes) -> None:
        self._begin()
        super().data_received(data)
        if self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}:
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def _begin(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.patience_s, self.transport.abort)

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def web_server(app: ASGIApp, patience_s: float = REQUEST_S) -> uvicorn.Server:
    """Make the server of an application; a request has to be there `patience_s` seconds after it began."""
    protocol = type("Connection", (RequestDeadline,), {"patience_s": patience_s})
    return uvicorn.Server(
        uvicorn.Config(app, http=protocol, log_level="critical", access_log=False, timeout_graceful_shutdown=1)
    )


class BearerOnly:
    """Lets requests through that bear the token, and answers all others with 401."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it, as ASGI has it."""
        if scope["type"] == "http" and not self._bears(scope):
            headers = [(b"www-authenticate", b"Bearer"), (b"content-type", b"text/plain")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": b"Send the bearer token.\n"})
            return
        await self._app(scope, receive, send)

    def _bears(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(given) == 1 and secrets.compare_digest(given[0], self._expected)


def _app(lab: Lab, host: str, more_hosts: list[str]) -> ASGIApp:
    names = [f"[{host}]" if ":" in host else host, "127.0.0.1", "localhost", "[::1]", *more_hosts]
    hosts = [entry for name in dict.fromkeys(names) for entry in (name, f"{name}:*")]
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=hosts,
        allowed_origins=[f"{scheme}://{entry}" for entry in hosts for scheme in ("http", "https")],
    )
    return build_server(lab).streamable_http_app(host=host, transport_security=security)


def _token(file: Path) -> str:
    """Return the token in a file that only its owner can read; make one where there is none.

    Raises:
        ValueError: if others can read the file, or the token is short.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        before = os.umask(0o077)
        try:
            write_atomically(file, secrets.token_urlsafe(LEAST_TOKEN) + "\n")
        finally:
            os.umask(before)
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise ValueError(f"Others can read {file}: chmod 600 {file}")
    token = file.read_text(encoding="utf-8").strip()
    if len(token) < LEAST_TOKEN:
        raise ValueError(
            f"The token in {file} is short: give it at least {LEAST_TOKEN} characters, or remove the file."
        )
    return token


def _own_file() -> Path:
    home = os.environ.get("XDG_STATE_HOME", "") or "~/.local/state"
    return Path(home).expanduser() / "autoresearch-mcp" / "token"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refused(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 2
