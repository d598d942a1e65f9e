"""Mermaid diagrams of a repository, computed from its code: modules and flow. What was not found in it is not drawn.

A document shows one as a block of `mermaid` whose first line names it, by which it is known again and held against the code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from posixpath import dirname, join, normpath

from .codemap import CodeMap
from .imports import go_package, imports
from .manifests import part, text_is_main

MOST_NODES = 25
_DEPTH = 3
"""Imports that a flow is followed."""
_MARK = "%% autoresearch: "
_NAMED = re.compile(rf"\A\s*{_MARK}(.+)$", re.MULTILINE)

_Edges = Iterable[tuple[str, str]]


def diagrams(code: CodeMap) -> dict[str, str]:
    """Return each diagram that the code gives, by its name: `modules`, `flow`."""
    found = imports(code)
    drawn = {"modules": _modules(found), "flow": _flow(found, code)}
    return {name: f"{_MARK}{name}\n{text}\n" for name, text in drawn.items() if text}


def diagram_name(text: str) -> str:
    """Return the name that a block of Mermaid gives itself; empty for one that is not computed."""
    found = _NAMED.search(text)
    return found[1].strip() if found else ""


def _modules(found: Mapping[str, Collection[str]]) -> str:
    """Draw which part imports which: files where there are few, else folders as deep as they fit."""
    files = {(path, target) for path, targets in found.items() for target in targets}
    deepest = max((path.count("/") for pair in files for path in pair), default=0)
    for depth in (0, *range(deepest, 0, -1)):
        cut = {(_cut(path, depth), _cut(target, depth)) for path, target in files}
        edges = {(one, other) for one, other in cut if one != other}
        if 2 < len(_ends(edges)) <= MOST_NODES:
            return _flowchart("TD", edges)
    degrees = Counter(path for pair in files for path in pair)
    most = {path for path, _ in sorted(degrees.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_NODES]}
    edges = {pair for pair in files if most >= set(pair)}
    left = len(degrees) - len(_ends(edges))
    return _flowchart("TD", edges, f"{left} files with fewer imports are left out" if left else "")


def _cut(path: str, depth: int) -> str:
    """Return the folder of a file, so deep; the file itself at the top, and for depth 0."""
    return "".join(f"{folder}/" for folder in path.split("/")[:-1][:depth]) or path


def _flow(found: Mapping[str, Collection[str]], code: CodeMap) -> str:
    """Draw what is begun by which program, and what that imports in turn, as far as it fits."""
    programs = [(name, path) for name, path in _programs(code) if found.get(path)]
    edges = [(f"({name})", path) for name, path in programs]
    reached = {path for _, path in programs}
    layer = set(reached)
    for _ in range(_DEPTH):
        more = [(path, target) for path in sorted(layer) for target in sorted(found.get(path, ()))]
        if len(_ends([*edges, *more])) > MOST_NODES:
            break
        edges += more
        layer = {target for _, target in more} - reached
        reached |= layer
    return _flowchart("LR", dict.fromkeys(edges)) if len(edges) > len(programs) else ""


def _programs(code: CodeMap) -> Iterator[tuple[str, str]]:
    """Yield each program with the file that it begins in."""
    for one in code.manifests.pyprojects.values():
        poetry = part(part(one, "tool"), "poetry")
        for name, target in {**part(part(one, "project"), "scripts"), **part(poetry, "scripts")}.items():
            dotted = str(target).partition(":")[0]
            yield name, code.python.file_of(dotted) or code.python.file_of(dotted.partition(".")[2])
    for path, one in code.manifests.packages.items():
        made = one.get("bin", {})
        made = made if isinstance(made, dict) else {str(one.get("name", "")): made}
        yield from ((name, normpath(join(dirname(path), str(file)))) for name, file in made.items())
    for path in code.sources:
        name = dirname(path).rpartition("/")[2]
        if path.endswith("/__main__.py"):
            yield f"python -m {dirname(path).replace('/', '.').removeprefix('src.')}", path
        elif path.endswith(".go") and text_is_main(code.texts[path]):
            yield name or code.manifests.go_module.rpartition("/")[2], go_package(path)


def _ends(edges: _Edges) -> set[str]:
    return {end for pair in edges for end in pair}


def _flowchart(direction: str, edges: _Edges, said: str = "") -> str:
    """Write edges as a flowchart; a name between brackets is a program's."""
    pairs = sorted(edges) if direction == "TD" else list(edges)
    names = {name: f"n{place}" for place, name in enumerate(dict.fromkeys(end for pair in pairs for end in pair))}
    nodes = [f"  {id}{_shape(name)}" for name, id in names.items()]
    lines = [f"flowchart {direction}", *([f"  %% {said}"] if said else []), *nodes]
    return "\n".join([*lines, *(f"  {names[one]} --> {names[other]}" for one, other in pairs)]) if pairs else ""


def _shape(name: str) -> str:
    said = name.strip("()").replace("#", "#35;").replace('"', "#quot;")
    return f'(["{said}"])' if name.startswith("(") else f'["{said}"]'
