"""Which files declare dependencies or deploy the project, and which audit tools of its own it has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence

_MANIFESTS = re.compile(
    r"(?:requirements[\w.-]*\.txt|pyproject\.toml|setup\.py|Pipfile(?:\.lock)?|poetry\.lock|uv\.lock|constraints[\w.-]*\.txt"
    r"|package(?:-lock)?\.json|yarn\.lock|pnpm-lock\.yaml|go\.(?:mod|sum)|Cargo\.(?:toml|lock)|Gemfile(?:\.lock)?"
    r"|composer\.(?:json|lock)|pom\.xml|build\.gradle(?:\.kts)?|[\w.-]+\.csproj)"
)
_PIPELINES = re.compile(
    r"(?:.*/)?\.github/workflows/[^/]+\.ya?ml|(?:.*/)?\.gitlab-ci\.yml|(?:.*/)?Jenkinsfile|(?:.*/)?\.circleci/.+"
    r"|(?:.*/)?(?:[\w.-]+\.)?Dockerfile(?:\.[\w.-]+)?|(?:.*/)?(?:docker-)?compose[\w.-]*\.ya?ml|.+\.tf|(?:.*/)?\.ci/.+"
)
_TOOLS = {
    "pip-audit": "pip-audit",
    "govulncheck": "govulncheck ./...",
    "cargo-audit": "cargo audit",
    "bundler-audit": "bundle exec bundle-audit check",
}
"""Tools that a project names in a manifest, and how each is run."""


def manifests_of(files: Iterable[str]) -> tuple[str, ...]:
    """The files that declare or lock dependencies."""
    return tuple(
        file for file in files if _MANIFESTS.fullmatch(file.rpartition("/")[2]) and "node_modules/" not in file
    )


def pipelines_of(files: Iterable[str]) -> tuple[str, ...]:
    """The files that build or deploy."""
    return tuple(file for file in files if _PIPELINES.fullmatch(file))


def audit_commands(files: Sequence[str], texts: Mapping[str, str]) -> tuple[str, ...]:
    """The dependency audits that the project itself offers, as typed at the repository's root: a script or target named audit,
    a tool that a manifest names, and what comes with a package manager whose lock file is there.
    """
    named = "\n".join(texts.values())
    tools = [command for name, command in _TOOLS.items() if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", named)]
    return tuple(dict.fromkeys([*_targets(texts), *tools, *_of_locks(files)]))


def _targets(texts: Mapping[str, str]) -> Iterable[str]:
    for file, text in texts.items():
        folder, _, name = file.rpartition("/")
        if name in {"Makefile", "makefile", "GNUmakefile"} and re.search(r"^audit[ \t]*:", text, re.MULTILINE):
            yield _in(folder, "make audit")
        if name == "package.json" and re.search(r'"audit"\s*:\s*"', text):
            yield _in(folder, "npm run audit")


def _of_locks(files: Iterable[str]) -> Iterable[str]:
    for file in files:
        folder, _, name = file.rpartition("/")
        if name == "package-lock.json" and "node_modules" not in folder.split("/"):
            yield _in(folder, "npm audit")


def _in(folder: str, command: str) -> str:
    return f"cd {shlex.quote(folder)} && {command}" if folder else command
