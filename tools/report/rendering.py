"""Render reports by the templates of this folder, as single HTML files that need nothing else.

Everything that a template is given is escaped unless it is markup that `drawing.py` wrote. Should an escape ever be
forgotten, the page's own policy still lets no script run but ours, which it names by its digest.
"""

from __future__ import annotations

import base64
import hashlib
import time
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from .page import PageSection, ReportedTry, ReportPage
from .words import duration, size

_FOLDER = Path(__file__).with_name("templates")


def render_page(page: ReportPage, live: str = "") -> str:
    """Render a page as one file. With `live`, the name of its state, it follows the session through the server that sent it."""
    return _environment().get_template("report.html").render(page=page, live=live, **_assets())


def render_section(section: PageSection) -> str:
    """Render one section by itself."""
    template = _environment().get_template(f"section-{section.kind}.html")
    return template.render(section=section, live="live")


def render_head(page: ReportPage) -> str:
    """Render title, state and facts by themselves."""
    return _environment().get_template("head.html").render(page=page)


def render_row(one: ReportedTry, live: str = "live") -> str:
    """Render one row of the table by itself."""
    return _environment().get_template("try.html").render(one=one, live=live)


def render_details(one: ReportedTry) -> str:
    """Render what is behind a row, by itself."""
    return _environment().get_template("details.html").render(one=one)


def chat_view() -> str:
    """Render the view that a chat shows: an empty page that draws what the host hands it."""
    return _environment().get_template("chat.html").render(bridge=_text("chat.js"), **_assets())


def moment(at: float) -> str:
    """Format seconds since the epoch as a local time."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def _lazy_words(live: str) -> str:
    return "Loading …" if live else "Details of this try are in the journal: history with its iteration shows them."


@cache
def _assets() -> dict[str, str]:
    script = _text("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return {"style": _text("report.css"), "script": script, "digest": f"sha256-{digest}"}


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(lazy_words=_lazy_words)
    made.filters.update(moment=moment, duration=duration, size=size)
    return made
