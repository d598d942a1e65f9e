"""Which projects live in a repository: told from file names, the text of manifests and the tools of this machine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import cache
from posixpath import basename, dirname

from ..plan.scope import Scope, literal_glob
from .ecosystems import ECOSYSTEMS, Ecosystem
from .folders import (
    MAKEFILES,
    CommandKind,
    Folder,
    FolderFinding,
    Language,
    LocalTools,
    ProjectCommand,
    make_commands,
)

MANIFESTS = tuple(dict.fromkeys(name for row in ECOSYSTEMS for name in (*row.markers, *row.weak_markers, *MAKEFILES)))
"""Shell patterns for the base names of the files whose text `recognise` wants."""

_SKIPPED = frozenset(
    ("node_modules", "vendor", "third_party", "testdata", "fixtures", "__fixtures__", "dist", "site-packages", ".venv")
)
_NOT_SOURCES = frozenset(("docs", "doc", "examples", "example", "scripts", "demo", "demos", "samples", ".github"))
_BENCHMARKS = (
    *(f"{folder}/**" for folder in ("benchmarks", "benchmark", "bench", "benches", "perf")),
    *(f"**/{name}.*" for name in ("bench", "bench_*", "*_bench", "*.bench", "benchmark", "benchmark_*", "*_benchmark", "*Benchmark")),
)  # fmt: skip
"""What measures speed, wherever it lies: no experiment on the sources may change it."""
_FOLDERS_NAMED = 8


@dataclass(frozen=True)
class Project:
    """One project: a folder and the kind of project found there. All globs are anchored at the repository's root."""

    root: str
    languages: tuple[Language, ...]
    package_managers: tuple[str, ...] = ()
    commands: tuple[ProjectCommand, ...] = ()
    sources: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    benchmarks: tuple[str, ...] = ()
    shipped: str = ""
    python: str = ""
    package: str = ""

    def of_kind(self, kind: CommandKind) -> tuple[ProjectCommand, ...]:
        """Return the commands of one kind, the most specific first."""
        return tuple(command for command in self.commands if command.kind is kind)

    def speaks(self, *languages: Language) -> bool:
        """Tell whether any of these languages is spoken here."""
        return any(language in self.languages for language in languages)


def manifests(files: Sequence[str]) -> tuple[str, ...]:
    """Return the files whose text `recognise` wants, those nearest to the root first."""
    named = [file for file in files if _matches(basename(file), MANIFESTS) and not _skipped(file)]
    return tuple(sorted(named, key=lambda file: (file.count("/"), file)))


def recognise(files: Sequence[str], texts: Mapping[str, str], tools: LocalTools | None = None) -> tuple[Project, ...]:
    """Find every project of a repository, from its tracked files and the text of its manifests; nearest to the root first.

    `tools` say how this machine types its commands; without them each project's own way is taken to be there.
    """
    tools = tools or LocalTools()
    folders: dict[str, list[str]] = {}
    for file in files:
        if not _skipped(file):
            folders.setdefault(dirname(file), []).append(file)
    named = [file for held in folders.values() for file in held if _matches(basename(file), MANIFESTS)]
    found = [p for row in ECOSYSTEMS for p in _of_row(row, folders, texts, _roots(row, named, texts), tools)]
    if all(project.speaks(Language.MARKDOWN, Language.NOTEBOOK) for project in found):
        found += [p for row in ECOSYSTEMS if not row.everywhere for p in _of_row(row, folders, texts, [""], tools)]
    return tuple(sorted(found, key=lambda project: (_depth(project.root), project.root)))


def _of_row(
    row: Ecosystem,
    folders: Mapping[str, Sequence[str]],
    texts: Mapping[str, str],
    roots: Sequence[str],
    tools: LocalTools,
) -> list[Project]:
    """Return the projects of one kind, each with the files that no deeper project of that kind owns."""
    owned: dict[str, list[str]] = {root: [] for root in roots}
    for folder, files in folders.items() if roots else ():
        root = next((above for above in (folder, *_parents(folder)) if above in owned), None)
        if root is not None:
            owned[root] += files
    above = {root: {basename(file) for folder in _parents(root) for file in folders.get(folder, ())} for root in roots}
    projects = (_project(row, root, mine, texts, frozenset(above[root]), tools) for root, mine in owned.items())
    return [project for project in projects if project is not None]


def _roots(row: Ecosystem, named: Sequence[str], texts: Mapping[str, str]) -> list[str]:
    """Return the folders that one kind's manifests make a project, the nearest to the root first."""
    if row.everywhere:
        return [""]
    marked = [file for file in named if _matches(basename(file), row.markers)]
    owning = [file for file in marked if not dirname(file) or file not in texts or re.search(row.owns, texts[file])]
    strong = {dirname(file) for file in owning}
    weak = {dirname(file) for file in named if _matches(basename(file), row.weak_markers)} | set(map(dirname, marked))
    roots: list[str] = []
    for root in sorted(strong | weak, key=lambda folder: (_depth(folder), folder)):
        if set(roots).isdisjoint(_parents(root)) or (row.nests and root in strong):
            roots.append(root)
    return roots


def _depth(folder: str) -> int:
    return folder.count("/") + bool(folder)


def _project(
    row: Ecosystem,
    root: str,
    files: Sequence[str],
    texts: Mapping[str, str],
    above: frozenset[str],
    tools: LocalTools,
) -> Project | None:
    """Return a project, or nothing where a folder has neither sources nor a manifest that speaks for itself."""
    start = f"{root}/" if root else ""
    names = [file[len(start) :] for file in files]
    spoken = Counter(row.languages[suffix] for name in names if (suffix := _suffix(name)) in row.languages)
    marked = any("/" not in name and _matches(name, row.markers) for name in names)
    if not spoken and not marked:
        return None
    held = {name: texts[start + name] for name in names if start + name in texts and not (row.nests and "/" in name)}
    folder = Folder(frozenset(names), held, above, root, tools)
    finding = row.find(folder)
    code = [name for name in names if _suffix(name) in row.languages]
    tests, benchmarks = _useful(row.tests, code), _useful(_BENCHMARKS, code)
    steering = (*(literal_glob(name) for name in finding.fixed), *_fixed(row, names))
    return Project(
        root=root,
        languages=tuple(language for language, _ in spoken.most_common()) or (next(iter(row.languages.values())),),
        package_managers=finding.package_managers,
        commands=_commands(finding, folder, everywhere=row.everywhere),
        sources=_at(start, _sources(row, code, (*tests, *benchmarks))),
        tests=_at(start, tests),
        fixed=_at(start, dict.fromkeys(steering)),
        outputs=finding.outputs,
        warnings=finding.warnings,
        benchmarks=_at(start, benchmarks),
        shipped=finding.shipped,
        python=finding.python,
        package=finding.package,
    )


def _commands(finding: FolderFinding, folder: Folder, *, everywhere: bool) -> tuple[ProjectCommand, ...]:
    extra = () if everywhere else make_commands(folder)
    return tuple({(command.kind, command.text): command for command in (*finding.commands, *extra)}.values())


def _sources(row: Ecosystem, code: Sequence[str], tests: Sequence[str]) -> tuple[str, ...]:
    """Return the globs for the sources, one a top-level folder and suffix, or one a suffix where folders are many."""
    tested = Scope(tests)
    sources = [name for name in code if not tested.matches(name)]
    if not row.everywhere:
        sources = [name for name in sources if name.split("/")[0] not in _NOT_SOURCES] or sources
    pairs = sorted({(name.split("/")[0] if "/" in name else "", _suffix(name)) for name in sources})
    if row.everywhere or len({top for top, _ in pairs}) > _FOLDERS_NAMED:
        globs = tuple(dict.fromkeys(f"**/*{suffix}" for _, suffix in pairs))
    else:
        globs = tuple(f"{literal_glob(top)}/**/*{suffix}" if top else f"*{suffix}" for top, suffix in pairs)
    return (*globs, *(f"!{glob}" for glob in tests if _mixed(globs, glob, code)))


def _mixed(globs: Sequence[str], tests: str, code: Sequence[str]) -> bool:
    both, tested = Scope(globs), Scope((tests,))
    return any(tested.matches(name) and both.matches(name) for name in code)


def _useful(globs: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the globs that find a file which no glob before them found."""
    left, useful = list(names), []
    for glob in globs:
        scope = Scope((glob,))
        rest = [name for name in left if not scope.matches(name)]
        if len(rest) < len(left):
            useful.append(glob)
        left = rest
    return tuple(useful)


def _fixed(row: Ecosystem, names: Sequence[str]) -> tuple[str, ...]:
    patterns = (*row.markers, *row.weak_markers, *row.fixed, *(() if row.everywhere else MAKEFILES))
    return tuple(literal_glob(name) for name in sorted(names) if "/" not in name and _matches(name, patterns))


def _at(start: str, globs: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        f"!{literal_glob(start)}{glob[1:]}" if glob[0] == "!" else literal_glob(start) + glob for glob in globs
    )


def _parents(path: str) -> list[str]:
    """Return the folders that hold a path, the nearest first, the root (`""`) last; of the root itself none."""
    parts = path.split("/")[:-1] if path else []
    return ["/".join(parts[:depth]) for depth in range(len(parts), -1, -1)] if path else []


def _suffix(name: str) -> str:
    stem, dot, suffix = basename(name).rpartition(".")
    return dot + suffix if stem else ""


def _skipped(file: str) -> bool:
    return not _SKIPPED.isdisjoint(file.split("/")[:-1])


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return _one_of(patterns).fullmatch(name) is not None


@cache
def _one_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns) or "(?!)")
