"""What documents can speak of: the files and folders of a repository, its code and its manifests."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from posixpath import dirname, normpath

from ...text.markdown import DocumentPage, is_markdown, read_page
from ...text.restructured import is_restructured, read_rst
from .codemap import CodeMap, is_document
from .declared import declared_options
from .foreign import ForeignNames

_TEST = re.compile(r"(?:^|/)(?:tests?|__tests__|spec|fixtures?)/|(?:^|/)test_|[._]test\.\w+$|(?:^|/)\.github/|lock")
_LABEL = re.compile(r"^\s*\.\. _(`[^`\n]+`|[^:`\n]+):\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Repository:
    """What documents can speak of. `files` are all that git has or would add; `ignored` tells whether a path is one that
    git ignores, such as what a build makes; `installed` whether a program is on this machine.
    """

    code: CodeMap
    files: frozenset[str]
    ignored: Callable[[str], bool] = field(default=lambda path: False)
    installed: Callable[[str], bool] = field(default=lambda program: False)
    _options: dict[str, frozenset[str]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _pages: dict[str, DocumentPage | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def foreign(self) -> ForeignNames:
        """What its code gives away that is not Python."""
        return ForeignNames(self.code.texts)

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that holds a file."""
        found: set[str] = {""}
        for path in self.files:
            parts = path.split("/")[:-1]
            found |= {"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
        return frozenset(found)

    @cached_property
    def by_name(self) -> Mapping[str, tuple[str, ...]]:
        """The files by the last part of their path."""
        found: dict[str, tuple[str, ...]] = {}
        for path in sorted(self.files):
            name = path.rpartition("/")[2]
            found[name] = (*found.get(name, ()), path)
        return found

    @cached_property
    def sphinx(self) -> Mapping[str, str]:
        """The settings of Sphinx, by the path of their file."""
        return {path: text for path, text in self.code.texts.items() if path.rpartition("/")[2] == "conf.py"}

    @property
    def documentation(self) -> list[str]:
        """The folders from which Sphinx reads documents."""
        return [dirname(path) for path in self.sphinx]

    @cached_property
    def labels(self) -> frozenset[str]:
        """Every label that a reStructuredText, or the documentation in code, gives to a place."""
        texts = (
            text for path, text in self.code.texts.items() if is_restructured(path) or path.endswith((".py", ".inc"))
        )
        found = (name for text in texts for name in _LABEL.findall(text))
        return frozenset(re.sub(r"\s+", " ", name.strip("` ")).lower() for name in found)

    def page(self, path: str) -> DocumentPage | None:
        """Return what stands in a document; None for what is none."""
        text = self.code.texts.get(path)
        if text is not None and path not in self._pages:
            read = read_page if is_markdown(path) else read_rst if is_restructured(path) else None
            self._pages[path] = read(text) if read else None
        return self._pages.get(path)

    def options(self, path: str = "") -> frozenset[str]:
        """Return the options that a source file declares, or all of those that are not tests, without their dashes."""
        if path not in self._options:
            paths = [path] if path else [one for one in self.code.sources if not _TEST.search(one)]
            self._options[path] = declared_options({one: self.code.texts.get(one, "") for one in paths})
        return self._options[path]

    def spelled(self, name: str) -> bool:
        """Return whether any file that is no document has a text in it."""
        return any(name in text for path, text in self.code.texts.items() if not is_document(path))

    def exists(self, path: str) -> bool:
        """Return whether a file or folder is there, or would be made."""
        return path in self.files or path in self.folders or self.ignored(path)

    def place(self, document: str, name: str) -> str | None:
        """Return the file or folder that a name in a document means: from the root, from the document, or the end of a
        path; the name itself where only a build makes it; None where there is nothing.
        """
        plain: str = normpath(name.removeprefix("./")).rstrip("/")
        for path in (plain, normpath(f"{dirname(document)}/{plain}").lstrip("/")):
            if path in self.files or path in self.folders:
                return path
        named: list[str] = [*self.by_name.get(plain.rpartition("/")[2], ())]
        named += sorted(self.folders) if name.endswith("/") else []
        end = next((path for path in named if path.endswith(f"/{plain}")), None)
        a_path = "/" in name or "." in name  # git is not asked for every word
        return plain if end is None and a_path and self.ignored(plain) else end
