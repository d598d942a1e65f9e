"""Serves pages from a folder."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PAGES = Path("pages")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        file = PAGES / self.path.lstrip("/")
        if not file.is_file():
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(file.read_bytes())


def serve(port: int = 8000) -> None:
    HTTPServer(("", port), Handler).serve_forever()
