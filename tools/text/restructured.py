"""What stands in reStructuredText files, those for Sphinx among them: the same kinds as in Markdown, and what is not allowed.

Parsed by docutils, which is imported when a page is first read. Sphinx's own roles and directives, and those of extensions,
are unknown to it, so each that a text uses gets a stand-in that notes what it names. Nothing is read from disk.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from .markdown import CodeText, DocumentPage, Heading, Link, MarkupFault, RoleText

if TYPE_CHECKING:
    from docutils import nodes
    from docutils.parsers.rst.states import Inliner

_CODE = frozenset(("code-block", "code", "sourcecode", "highlight-code", "prompt"))
_NAMING = frozenset(("include", "literalinclude", "toctree"))
"""Directives whose argument, or each line of whose content, is a file or a document."""
_MODULE = frozenset(("module", "currentmodule", "py:module", "py:currentmodule", "automodule"))
_HOLDING = frozenset(
    "admonition attention caution danger error hint important note tip warning seealso versionadded versionchanged deprecated "
    "versionremoved only hlist centered rst-class tabs tab tab-set tab-item dropdown grid grid-item grid-item-card card details "
    "collapse glossary container topic sidebar compound".split()
)
"""Directives whose content is text as well."""
_SPHINX = frozenset(
    "autoattribute autoclass autodata autodecorator autoenum autoexception autofunction automethod automodule autoproperty "
    "autosummary code-block currentmodule deprecated doctest envvar function class method attribute data exception decorator "
    "glossary highlight include index literalinclude module only option program productionlist seealso sectionauthor codeauthor "
    "tabularcolumns testcode testcleanup testoutput testsetup toctree versionadded versionchanged graphviz digraph graph math "
    "inheritance-diagram click argparse automodule py:class py:function py:method confval describe object default-domain "
    "default-role acks centered hlist rubric todo todolist".split()
)
_ROLE = re.compile(r":([A-Za-z][\w+.-]*(?::[A-Za-z][\w+.-]*)?):`")
_DIRECTIVE = re.compile(r"^\s*\.\. (?:\|[^|\n]+\| )?([A-Za-z][\w+.:-]*?)::(?:\s|$)", re.MULTILINE)
_TITLED = re.compile(r"(?s).*<([^<>]+)>\s*")
_GIVEN = re.compile(r'Undefined substitution referenced: "(?:version|release|today)"')
_FILE = re.compile(r"(?!//)[^:*|\s]+")


def is_restructured(path: str) -> bool:
    """Tell whether a file is reStructuredText, by its name."""
    return path.lower().endswith((".rst", ".rest"))


def read_rst(text: str) -> DocumentPage:
    """Parse a reStructuredText."""
    from docutils.core import publish_doctree

    page, text = DocumentPage(), text.replace("\r\n", "\n")
    _stand_in(text)
    settings = {
        "report_level": 2,
        "halt_level": 5,
        "warning_stream": False,
        "file_insertion_enabled": False,
        "raw_enabled": False,
        "syntax_highlight": "none",
        "smart_quotes": False,
        "_disable_config": True,
        "page": page,
        "module": "",
    }
    tree = publish_doctree(text, settings_overrides=settings)
    _TreeReader(page, text).read(tree)
    return page


class _TreeReader:
    """Collects what the tree holds, each at the line of the source that spells it."""

    def __init__(self, page: DocumentPage, text: str) -> None:
        self._page, self._lines = page, text.split("\n")

    def read(self, tree: nodes.document) -> None:
        from docutils import nodes

        for title in tree.findall(nodes.title):
            anchor = (title.parent.get("ids") or [""])[0]
            depth = 1 + sum(isinstance(one, nodes.section) for one in _above(title.parent))
            self._page.headings.append(Heading(_line(title), depth, title.astext(), anchor))
        for node in tree.findall():
            self._page.ids |= set(node.get("names", ())) if isinstance(node, nodes.Element) else set()
            if isinstance(node, nodes.literal):
                self._page.spans.append(CodeText(self._found(node), node.astext()))
            elif isinstance(node, nodes.title_reference):
                self._page.roles.append(RoleText(self._found(node), "", target(node.astext())))
            elif isinstance(node, nodes.reference) and node.get("refuri") and "refname" not in node:
                self._page.links.append(Link(self._found(node), node["refuri"], node.astext()))
            elif isinstance(node, nodes.image):
                self._page.files.append(RoleText(self._search(node["uri"], _line(node)), "image", node["uri"]))
            elif isinstance(node, nodes.literal_block | nodes.doctest_block) and not _broken(node):
                self._block(node)
        self._page.roles[:] = [self._placed(role) for role in self._page.roles]
        messages = (*tree.findall(nodes.system_message), *tree.transform_messages)
        self._page.faults.extend(fault for message in messages if (fault := self._fault(message)))

    def _block(self, node: nodes.Element) -> None:
        from docutils import nodes

        kind = "pycon" if isinstance(node, nodes.doctest_block) else next(iter(node.get("language", "").split()), "")
        first = next((line for line in node.astext().split("\n") if line.strip()), "")
        self._page.blocks.append(CodeText(self._search(first.strip(), node.line or _line(node)), node.astext(), kind))

    def _fault(self, message: nodes.system_message) -> MarkupFault | None:
        why = re.sub(r"^.*?\((?:WARNING|ERROR|SEVERE)/\d\) ", "", message.astext().partition("\n")[0])
        if message["level"] < 2 or _GIVEN.search(why) or why.startswith("Duplicate explicit target name"):
            return None
        named = re.search(r'"([^"]+)"', why)
        line = int(message.get("line") or 1)
        if named and why.startswith(("Unknown target name", "Undefined substitution")):
            line = self._search(named[1], line)
        text = self._lines[line - 1].strip() if line <= len(self._lines) else ""
        return MarkupFault(line, text[:120], why.rstrip("."))

    def _placed(self, role: RoleText) -> RoleText:
        return RoleText(self._search(role.target, role.line), role.role, role.target, role.module)

    def _found(self, node: nodes.Element) -> int:
        return self._search((node.rawsource or node.astext()).partition("\n")[0], _line(node))

    def _search(self, words: str, line: int) -> int:
        """Return the first line from `line` on that holds the words, which may go on in the next; `line` where none does."""
        part = re.compile(r"\s+".join(map(re.escape, words.split())) or "$^", re.IGNORECASE)
        start = max(0, line - 1)
        for at in range(start, min(len(self._lines), start + 60)):
            if part.search(self._lines[at]):
                return at + 1
            found = part.search("\n".join(self._lines[at : at + 2]))
            if found and found.start() <= len(self._lines[at]):
                return at + 1
        return line


def _above(node: nodes.Node) -> Sequence[nodes.Node]:
    found = []
    while node.parent is not None:
        node = node.parent
        found.append(node)
    return found


def _line(node: nodes.Node) -> int:
    """Return the line of a node, or of the nearest one around it that has any."""
    return next((one.line for one in (node, *_above(node)) if one.line), 1)


def _broken(node: nodes.Node) -> bool:
    from docutils import nodes

    return isinstance(node.parent, nodes.system_message)


def target(text: str) -> str:
    """Return what an interpreted text points to: what stands between the angles of `words <target>`, else all of it."""
    titled = _TITLED.fullmatch(text)
    return " ".join((titled[1] if titled else text).split()).lstrip("!~")


def _stand_in(text: str) -> None:
    """Register what a text uses and docutils does not know, or would read from disk for; what nobody knows stays unknown."""
    from docutils import nodes
    from docutils.parsers.rst import Directive, directives, roles
    from docutils.parsers.rst.languages import en

    def noted(
        name: str, rawtext: str, text: str, lineno: int, inliner: Inliner, *more: object, **others: object
    ) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        settings = inliner.document.settings
        settings.page.roles.append(RoleText(lineno, name, target(text), settings.module))
        return [nodes.inline(rawtext, text)], []

    class StandIn(Directive):
        optional_arguments = 1
        final_argument_whitespace = True
        has_content = True
        option_spec = _AnyOption(any=directives.unchanged)

        def run(self) -> list[nodes.Node]:
            return _run(self)

    for role in set(_ROLE.findall(text)) - set(en.roles):
        roles.register_local_role(role, noted)  # type: ignore[arg-type]
    used = set(_DIRECTIVE.findall(text))
    known = _CODE | _NAMING | _MODULE | _SPHINX | (_HOLDING - set(en.directives)) | {"raw", "csv-table"}
    for name in used:
        misspelt = name not in en.directives and get_close_matches(name, known | set(en.directives), 1, 0.8)
        if name in known or (name not in en.directives and not misspelt):
            directives.register_directive(name, StandIn)


class _AnyOption(dict[str, Any]):
    """Takes every option as it stands."""

    def __missing__(self, name: str) -> Any:  # noqa: ANN401 - a converter of docutils
        return self["any"]


def _run(directive: Any) -> list[nodes.Node]:  # noqa: ANN401 - its class is made where docutils is imported
    """Return what a directive stands for: code as a block, text as text; files and the current module are noted."""
    from docutils import nodes

    name, argument = directive.name, " ".join(directive.arguments)
    settings, first = directive.state.document.settings, directive.content_offset + 1
    if name.startswith("auto") and argument:
        settings.page.roles.append(RoleText(directive.lineno, "auto", argument.partition("(")[0], settings.module))
    if name in _MODULE:
        settings.module = argument
    elif name in _CODE:
        text = "\n".join(directive.content)
        block = nodes.literal_block(text, text, language=argument.lower())
        block.line = first
        return [block]
    elif name in _NAMING:
        named = [(directive.lineno, argument)] if argument else []
        if name == "toctree":
            named = [(first + place, target(line)) for place, line in enumerate(directive.content) if line.strip()]
        files = (RoleText(line, name, file) for line, file in named if _FILE.fullmatch(file) and file != "self")
        settings.page.files.extend(files)
    if name in _HOLDING and directive.content:
        held = nodes.container()
        directive.state.nested_parse(directive.content, directive.content_offset, held)
        return [held]
    return []
