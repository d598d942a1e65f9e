"""JUnit XML, which nearly every test runner can write. It comes from code under experiment: entities are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from .diagnostic import Diagnostic, Trouble
from .lines import in_source
from .output import ReaderResult, ToolOutput, ToolRequest, Unreadable

_DEEPEST = 50
_RUNNERS = frozenset({"", "pytest", "(empty)"})
"""Suites that are named after nothing but who ran them."""
_PLACE = re.compile(r"(?:file://)?(?P<path>[\w./@+-][\w./@+ -]{0,300}?\.\w{1,6}):(?P<line>\d{1,7})")
_NOT_LOADED = re.compile(r"collection failure|Test suite failed to run|ERR_MODULE_NOT_FOUND|Cannot find module")
_SYNTAX = re.compile(r"^E?\s*(?:\w+\.)*(?:SyntaxError|IndentationError|TabError)\b", re.MULTILINE)


def read_junit(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
    """The tests that failed, by their whole name, and how many ran.

    Raises:
        Unreadable: if there is no report, or it is none.
    """
    text = output.report or output.stdout
    cases = [case for root in _documents(text) for case in _cases(root, ())]
    found = tuple(one for names, case in cases if (one := _failed(names, case, asked)) is not None)
    lost = sum(one.trouble is Trouble.CRASH for one in found)
    return ReaderResult(found, sum(case.find("skipped") is None for _, case in cases) - lost)


def _documents(text: str) -> Iterator[Element]:
    """Every document of a text that holds one or several, one after the other, as a folder of reports does."""
    parts = [part for part in re.split(r"(?=<\?xml )", text) if "<test" in part]
    if not parts:
        raise Unreadable("no JUnit report")
    for part in parts:
        yield _parsed(part[part.index("<") :])


def _parsed(text: str) -> Element:
    """A document without entities of its own, which could make it endless or read files."""
    parser, builder, depth = expat.ParserCreate(), TreeBuilder(), 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise Unreadable("a report that is nested too deep")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def refuse(*_: object) -> None:
        raise Unreadable("a report with entities of its own")

    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise Unreadable(f"no XML: {error}") from error
    return builder.close()


def _cases(node: Element, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Element]]:
    """Every test case, with the names of the suites around it; the suite that only names the runner says nothing."""
    name = node.get("name", "") if node.tag == "testsuite" else ""
    inner = (*names, name) if name not in _RUNNERS else names
    for child in node:
        if child.tag == "testcase":
            yield inner, child
        elif child.tag in {"testsuite", "testsuites"}:
            yield from _cases(child, inner)


def _failed(names: tuple[str, ...], case: Element, asked: ToolRequest) -> Diagnostic | None:
    failure = next((found for tag in ("failure", "error") if (found := case.find(tag)) is not None), None)
    if failure is None:
        return None
    text = f"{failure.get('message', '')}\n{failure.text or ''}"
    name, owner = case.get("name", ""), case.get("classname", "")
    printed = f"{text}\n{case.findtext('system-out', '')}"
    path, line = _place(case.get("file", ""), int(_digits(case.get("line", ""))), printed, asked)
    lost = _NOT_LOADED.search(text) is not None or bool(asked.here(name))
    parts = (*names, "" if owner in {"test", name} else owner, asked.here(name) or name)
    whole = "::".join(dict.fromkeys(part for part in parts if part))
    return Diagnostic(
        trouble=Trouble.CRASH if lost else Trouble.TEST,
        tool=asked.tool,
        name=whole,
        message=_told(text),
        path=path or asked.here(name) or asked.here(f"{name.replace('.', '/')}.py"),
        line=line,
        hides=(2 if _SYNTAX.search(text) else in_source("")) if lost else 0,
    )


def _digits(text: str) -> str:
    return text if text.isdecimal() and len(text) < 8 else "0"


def _place(file: str, line: int, text: str, asked: ToolRequest) -> tuple[str, int]:
    """Where a test failed: in its own file the last place that the text names, else the first place in the repository."""
    named = [(asked.here(match["path"]), int(match["line"])) for match in _PLACE.finditer(text[:20_000])]
    own = asked.here(file) if file else ""
    if own:
        return own, next((number for path, number in reversed(named) if path == own), line)
    return next(((path, number) for path, number in named if path), ("", 0))


def _told(text: str) -> str:
    """The line that says why: the last one that pytest marks, else the first."""
    marked = [line[1:].strip() for line in text.splitlines() if re.match(r"E\s{2,}\S", line)]
    first = next((line.strip() for line in text.splitlines() if line.strip()), "failed")
    return marked[-1] if marked and first in {"collection failure", "failed"} else first
