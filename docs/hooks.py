"""What the site has beside the pages of this folder: the texts at the repository's top."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from properdocs.config.defaults import ProperDocsConfig
from properdocs.structure.files import File, Files
from properdocs.structure.pages import Page
from pygments.formatters import HtmlFormatter

ROOT = Path(__file__).parent.parent
TEXTS = {
    "README.md": "index.md",
    "SECURITY.md": "security.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "examples/README.md": "examples.md",
    "examples/ci/README.md": "examples-ci.md",
}
"""Texts that have their place outside of this folder, and the page that each becomes."""
_HOMES = {page: text for text, page in TEXTS.items()}
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:)([^)#\s]+)")


def on_files(files: Files, config: ProperDocsConfig) -> Files:
    """Add the pages that no file here holds."""
    made = {page: (ROOT / text).read_text(encoding="utf-8") for text, page in TEXTS.items()}
    made["assets/code.css"] = _colours()
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:  # noqa: ANN401 - whatever the tool hands over
    """Links as they stand in the repository become links of the site, so that a text reads well in both."""
    path = page.file.src_uri
    home = posixpath.dirname(_HOMES.get(path, f"docs/{path}"))
    return _LINK.sub(lambda link: _moved(link[1], home, posixpath.dirname(path)), markdown)


_REACHED = {
    '<div class="navbar fixed-top': '<div role="banner" class="navbar fixed-top',
    '<div class="col-md-3">': '<div class="col-md-3" role="navigation" aria-label="On this page">',
    "<pre>": '<pre tabindex="0">',
    "<table>": '<table tabindex="0">',
    "<th></th>": "<td></td>",
}
"""What of the theme's and of Markdown's markup a keyboard or a screen reader would not find its way in, and what it becomes."""


def on_post_page(output: str, **_: Any) -> str:  # noqa: ANN401 - whatever the tool hands over
    """Name the page's landmarks, and let what scrolls be reached by keyboard."""
    for old, new in _REACHED.items():
        output = output.replace(old, new)
    return output


def _moved(link: str, home: str, folder: str) -> str:
    """The link from a page's folder in the site to what stands at `link`, seen from the text's home in the repository."""
    target = posixpath.normpath(posixpath.join(home, link))
    place = TEXTS.get(target, target.removeprefix("docs/"))
    return link if place == target else posixpath.relpath(place, folder or ".")


def _colours() -> str:
    """Colours of code for light and for dark pages."""
    light, dark = (HtmlFormatter(style=style) for style in ("default", "github-dark"))
    at_dark = dark.get_style_defs('[data-bs-theme="dark"] .highlight')
    return f"{light.get_style_defs('.highlight')}\n{at_dark}\n"
