"""The home of jinja2 for pages of plain text, such as Markdown: nothing that is filled in is escaped by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def fill(
    package: str, template: str, helpers: Mapping[str, Callable[..., object]], values: Mapping[str, object]
) -> str:
    """Fill in a template of the folder `templates` of a package; it may use the helpers as filters and as functions.

    A name that is not given is an error, a tag alone on its line leaves no line, and the last newline stays.
    """
    environment = _environment(package)
    environment.filters.update(helpers)
    return environment.get_template(template).render({**helpers, **values})


@cache
def _environment(package: str) -> Environment:
    # Imported when a page is written: a server that just starts writes none.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
