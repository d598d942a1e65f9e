"""Which documents a repository should have, told from its files; and how long they may be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...text.markdown import is_markdown
from ...text.restructured import is_restructured
from .codemap import is_document, language_of

FOLDER = "docs"
_FOLDERS = frozenset(("docs", "doc", "documentation", "site", "website", "wiki"))
_MANY_TESTS = 10
_MANY_SOURCES = 20
_MANY_PARTS = 3


@dataclass(frozen=True)
class DocumentKind:
    """A kind of document: where a new one goes, and which names count as one that is there."""

    name: str
    path: str
    names: re.Pattern[str]
    holds: str
    core: bool = False


@dataclass(frozen=True)
class DueDocument:
    """A document that should be there: its kind, the file that is it (or would be), why, and whether it exists."""

    name: str
    path: str
    why: str
    there: bool
    core: bool


def _kind(name: str, path: str, names: str, holds: str, *, core: bool = False) -> DocumentKind:
    return DocumentKind(name, path, re.compile(rf"(?:{names})", re.IGNORECASE), holds, core)


README = _kind("readme", "README.md", "readme", "what it is, how to install it, how to run it", core=True)
CONDITIONAL = (
    _kind("project overview", "docs/project-overview-pdr.md", "project[-_]?overview(?:[-_]pdr)?|overview|pdr", "purpose, users, requirements, limits"),
    _kind("codebase summary", "docs/codebase-summary.md", "codebase[-_]?summary|codebase", "folders, modules, entry points, where to look for what"),
    _kind("code standards", "docs/code-standards.md", "code[-_]?standards|coding[-_]?standards|style[-_]?guide|contributing", "how code is written, named, tested and checked here"),
    _kind("system architecture", "docs/system-architecture.md", "system[-_]?architecture|architecture|design", "the parts, what each does, how they talk to one another, and why so"),
    _kind("deployment guide", "docs/deployment-guide.md", "deploy(?:ment|ing)?(?:[-_]?guide)?", "how it gets to where it runs"),
    _kind("api reference", "docs/api-docs.md", "api(?:[-_]?(?:docs|reference|guide))?", "what can be called, with examples"),
    _kind("testing guide", "docs/testing-guide.md", "test(?:s|ing)?(?:[-_]?guide)?", "how to run and to write tests"),
    _kind("configuration guide", "docs/configuration-guide.md", "config(?:uration)?(?:[-_]?guide)?|settings", "every setting, with its default"),
    _kind("changelog", "CHANGELOG.md", "change[-_]?log|changes|history|news|releases", "what changed in which version"),
)  # fmt: skip
_UPGRADE = re.compile(r"(?:upgrad(?:e|ing)|migrat(?:e|ing|ion))(?:[-_].*)?", re.IGNORECASE)
_DEPLOYED = re.compile(
    r"(?:^|/)(?:Dockerfile[^/]*|docker-compose[^/]*|compose\.ya?ml|Procfile|fly\.toml|vercel\.json|netlify\.toml|serverless\.ya?ml"
    r"|[^/]+\.tf|Chart\.yaml|kustomization\.ya?ml)$|(?:^|/)(?:k8s|helm)/|\.github/workflows/[^/]*deploy",
    re.IGNORECASE,
)
_API_FILES = re.compile(r"(?:^|/)(?:openapi|swagger)[^/]*\.(?:ya?ml|json)$|\.(?:proto|graphql)$", re.IGNORECASE)
_API_NAMES = re.compile(
    r"[\"'\s](?:fastapi|flask|django|starlette|aiohttp|express|koa|hapi|@nestjs/core|actix-web|axum|gin-gonic/gin|rails|sinatra)\b",
    re.IGNORECASE,
)
_SETTINGS = re.compile(
    r"(?:^|/)(?:\.env\.(?:example|sample|template)|env\.example)$|^(?:[^/]+/)?settings\.(?:py|toml|ya?ml|json)$|^config/"
)
_MANIFEST = re.compile(r"(?:^|/)(?:pyproject\.toml|package\.json|Cargo\.toml|go\.mod|Gemfile|requirements[^/]*\.txt)$")
_VERSIONED = re.compile(r"(?:^|[{,])\s*\"?version\"?\s*[:=]\s*[\"']\d", re.MULTILINE)
_TESTS = re.compile(
    r"(?:^|/)(?:tests?|__tests__|spec)/|(?:^|/)test_[^/]+\.py$|_test\.(?:py|go)$|\.(?:test|spec)\.[jt]sx?$"
)


def due(files: Sequence[str], texts: Mapping[str, str], *, only: str = "") -> tuple[DueDocument, ...]:
    """Return the documents that a repository should have: a readme, and what its own files make due; `only` names the one
    that is asked for.

    Args:
        files: All files that git has or would add.
        texts: The text of those that were read.
        only: A document's path, or the name of its kind. Empty: all of them.
    """
    signals = _signals(files, texts)
    wanted = [(README, "every project has one")]
    wanted += [(kind, signals[kind.name]) for kind in CONDITIONAL if kind.name in signals]
    found = [_due(kind, why, files) for kind, why in wanted]
    if not only:
        return tuple(found)
    kind = next(
        (kind for kind in (README, *CONDITIONAL) if only in {kind.name, kind.path, kind.path.rpartition("/")[2]}), None
    )
    if kind:
        return (_due(kind, "asked for", files),)
    return (DueDocument(only, only, "asked for", only in files, False),)


def _due(kind: DocumentKind, why: str, files: Sequence[str]) -> DueDocument:
    there = _existing(kind, files)
    return DueDocument(kind.name, there or kind.path, why, bool(there), kind.core)


def _existing(kind: DocumentKind, files: Sequence[str]) -> str:
    """Return the file that is a document of this kind: at the top or in the folder of documents; empty without one."""
    if kind.path in files:
        return kind.path
    near = sorted(
        path for path in files if path.count("/") <= path.lower().startswith(f"{FOLDER}/") and is_document(path)
    )
    return next((path for path in near if kind.names.fullmatch(path.rpartition("/")[2].rpartition(".")[0])), "")


def _signals(files: Sequence[str], texts: Mapping[str, str]) -> dict[str, str]:
    """Return why a conditional document is due, by its kind."""
    manifests = {path: text for path, text in texts.items() if _MANIFEST.search(path)}
    tests = sum(bool(_TESTS.search(path)) for path in files)
    sources = [path for path in files if language_of(path) not in {"", "markdown"} and not _TESTS.search(path)]
    parts = {path.split("/")[0] if "/" in path else "." for path in sources}
    large = f"{len(sources)} source files" if len(sources) >= _MANY_SOURCES else ""
    found = {
        "code standards": large,
        "system architecture": f"{large} in {len(parts)} parts" if large and len(parts) >= _MANY_PARTS else "",
        "deployment guide": _first(_DEPLOYED, files),
        "api reference": _first(_API_FILES, files)
        or next((path for path, text in manifests.items() if _API_NAMES.search(text)), ""),
        "testing guide": f"{tests} test files" if tests >= _MANY_TESTS else "",
        "configuration guide": _first(_SETTINGS, files),
        "changelog": next((path for path, text in manifests.items() if _VERSIONED.search(text)), ""),
    }
    return {name: f"because of {why}" for name, why in found.items() if why}


def _first(pattern: re.Pattern[str], files: Iterable[str]) -> str:
    return next((path for path in files if pattern.search(path)), "")


def holds(name: str) -> str:
    """Return what a document of a kind should hold; empty for one that is of no kind."""
    return next((kind.holds for kind in (README, *CONDITIONAL) if kind.name == name), "")


def is_checked(path: str) -> bool:
    """Return whether a file is one of the documents that are checked: at the top, in a folder of documents, or a readme of a
    part that is not there for tests.
    """
    if not (is_markdown(path) or is_restructured(path)):
        return False
    folders = path.split("/")[:-1]
    if not folders or folders[0] in _FOLDERS:
        return True
    readme = path.rpartition("/")[2].lower().startswith("readme.")
    return readme and not any(_OTHERS.fullmatch(folder) for folder in folders)


_OTHERS = re.compile(
    r"\..*|tests?|__tests__|testdata|fixtures?|examples?|templates?|vendor|third[-_]party|node_modules"
)


def is_history(path: str, major: str = "") -> bool:
    """Return whether a document tells of the past, which is not what the code is now: a changelog, how to upgrade, what lies
    in a folder such as `v1` where the project is at another major version.
    """
    named = re.search(r"(?:^|/)v(\d+)(?:\.\w+)*/", path)
    if named and major and named[1] != major:
        return True
    kind = next(kind for kind in CONDITIONAL if kind.name == "changelog")
    stem = path.rpartition("/")[2].rpartition(".")[0]
    return kind.names.fullmatch(stem) is not None or _UPGRADE.fullmatch(stem) is not None
