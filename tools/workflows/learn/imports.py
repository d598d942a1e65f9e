"""Which source file of a repository imports which, as far as its text says: Python, TypeScript and JavaScript, Go, C and C++.

What is imported for its types alone is left out: it is not there when the code runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import dirname, join, normpath

from .codemap import CodeMap, language_of

_SIDE = re.compile(
    r"(?:^|/)(?:\.[^/]+|tests?|__tests__|spec|testdata|fixtures?|docs?|examples?|benchmarks?|node_modules|vendor)/"
    r"|(?:^|/)(?:test_[^/]*|conftest|setup|noxfile)\.py$|_test\.(?:py|go)$|\.(?:test|spec|config)\.\w+$"
)
"""Files beside the code: they import everything, and nothing imports them."""
_SCRIPT = re.compile(
    r"^[ \t]*(?:import|export)\b(?!\s+type\b)[^'\";()]*?['\"](\.[^'\"\n]*)['\"]"
    r"|^[ \t]*(?:const|let|var)\b[^=\n]*=\s*(?:await\s+)?(?:require|import)\(\s*['\"](\.[^'\"\n]*)['\"]",
    re.MULTILINE,
)
_SCRIPT_ENDS = (".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".cjs")
_GO = re.compile(r"^import\s+(?:[\w.]+\s+)?\"([^\"\n]+)\"|^import\s*\((.*?)^\)", re.MULTILINE | re.DOTALL)
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]+\"([^\"\n]+)\"", re.MULTILINE)


def imports(code: CodeMap) -> Mapping[str, frozenset[str]]:
    """Return the source files that each source file imports, a Go package being its folder; tests, documents and examples
    are left out.
    """
    found: dict[str, frozenset[str]] = {}
    for path in code.sources:
        if not _SIDE.search(path):
            name = go_package(path) if path.endswith(".go") else path
            targets = {target for target in _imported(path, code) if not _SIDE.search(target)}
            found[name] = found.get(name, frozenset()) | targets - {name}
    return found


def go_package(path: str) -> str:
    """Return the folder of a Go file, with a slash behind it."""
    return f"{dirname(path) or '.'}/"


def _imported(path: str, code: CodeMap) -> Iterator[str]:
    text = code.texts[path]
    match language_of(path):
        case "python":
            yield from code.python.imports(path)
        case "typescript" | "javascript":
            for names in _SCRIPT.findall(text):
                yield from _script(normpath(join(dirname(path), names[0] or names[1])), code)
        case "go":
            for single, group in _GO.findall(text):
                for name in (single, *re.findall(r"\"([^\"\n]+)\"", group)):
                    yield from _go(name, code)
        case "c" | "c++":
            near = (normpath(join(dirname(path), name)) for name in _INCLUDE.findall(text))
            yield from (target for target in near if target in code.texts)


def _script(place: str, code: CodeMap) -> Iterator[str]:
    bare = re.sub(r"\.[cm]?jsx?$", "", place)  # TypeScript is imported under the name of what it becomes
    named = (place, *(f"{one}{end}" for one in (bare, f"{place}/index") for end in _SCRIPT_ENDS))
    yield from [one for one in named if one in code.texts][:1]


def _go(name: str, code: CodeMap) -> Iterator[str]:
    module = code.manifests.go_module
    if module and (name == module or name.startswith(f"{module}/")):
        folder = name.removeprefix(module).strip("/")
        yield go_package(f"{folder}/x.go".lstrip("/"))
