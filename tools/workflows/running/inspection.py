"""Look into a project: run its checks, find recent changes, and lines worth a look."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...diagnostics.counting import ABSENT
from ...iteration.gates import listed
from ...iteration.preflight import put_back
from ...lab.context import RepoContext
from ...plan.model import Plan
from ...project.folders import CommandKind
from ...project.projects import Project
from ...project.scan import recognised
from .proofs import reproduce

CHECKS = (CommandKind.TEST, CommandKind.TYPES, CommandKind.LINT, CommandKind.BUILD)
CHECK_TIMEOUT_S = 600.0
MOST_CHECKS = 8
LARGEST_FILE = 256 * 1024
LARGEST_LOOK = 8 * 1024 * 1024
"""Bytes that one look at a repository reads at most."""
MOST_HINTS = 60
COMMITS_LOOKED_AT = 30
MOST_RECENT = 20
LONGEST_LINE = 400
"""Longer lines are generated or minified."""


@dataclass(frozen=True)
class Pattern:
    """What a line that matches may be, and in which files, by the ends of their names; empty: in all."""

    what: str
    expression: re.Pattern[str]
    endings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hint:
    """A line that matched, as `path:line`."""

    what: str
    location: str


def _pattern(what: str, expression: str, endings: str = "") -> Pattern:
    return Pattern(what, re.compile(expression), tuple(endings.split()))


_SCRIPTS = ".js .jsx .mjs .cjs .ts .tsx .vue .svelte"

WEAKNESSES = (
    _pattern("a query is put together from text", r"(?i)(?:execute|query|raw)\w{0,8}\(\s*f[\"']"),
    _pattern("a query is put together from text", r"(?i)[\"'`]\s*(?:select|insert|update|delete)\s[^\"'`]{0,120}[\"'`]\s*(?:\+|%|\.format)"),
    _pattern("a query is put together from text", r"(?i)`\s*(?:select|insert|update|delete)\s[^`]{0,120}\$\{", _SCRIPTS),
    _pattern("text is run as code", r"(?<![\w.])(?:eval|exec)\s*\(|new\s+Function\s*\("),
    _pattern("a shell is given text", r"shell\s*=\s*True|os\.(?:system|popen)\s*\(|child_process|\bexecSync\s*\("),
    _pattern("foreign data is made into objects", r"\bpickle\.loads?\(|\bmarshal\.loads?\(|yaml\.load\s*\((?![^)]{0,80}Safe)|unserialize\s*\("),
    _pattern("text becomes markup as it is", r"\.innerHTML\s*=|dangerouslySetInnerHTML|v-html|\|\s*safe\b|mark_safe\s*\("),
    _pattern("a weak digest or cipher", r"(?i)\b(?:md5|sha1|des|rc4)\b\s*[.(]|createHash\(\s*[\"'](?:md5|sha1)"),
    _pattern("numbers that can be guessed", r"\brandom\.(?:random|randint|choice)\s*\(|Math\.random\s*\("),
    _pattern("a certificate is not checked", r"verify\s*=\s*False|rejectUnauthorized\s*:\s*false|InsecureSkipVerify\s*:\s*true"),
    _pattern("debugging is switched on", r"(?i)\bdebug\s*[=:]\s*true\b"),
    _pattern("every origin is let in", r"Access-Control-Allow-Origin[\"']?\s*[:,]\s*[\"']\*|allow_origins\s*=\s*\[\s*[\"']\*"),
    _pattern("a path is put together from input", r"open\(\s*(?:request|req|params|input)\b|sendFile\(\s*req\b"),
    _pattern("a path is put together from input", r"(?:/\s*|join\([^()]{0,80},\s*)(?:self|request|req)\.(?:path|params|query|url)\b"),
    _pattern("listens on every address", r"(?:Server|\bbind|\blisten)\(\s*\(?\s*[\"'](?:0\.0\.0\.0|::)?[\"']\s*,|\bhost\s*[=:]\s*[\"']0\.0\.0\.0[\"']"),
    _pattern("an address is fetched that input may name", r"(?:requests|httpx|axios)\.(?:get|post)\(\s*(?!f?[\"'`])\w"),
    _pattern("permissions for everybody", r"chmod\s+(?:-R\s+)?0?777|0o?777\b"),
)  # fmt: skip
"""What often goes with a weakness that can be attacked."""


def projects_of(context: RepoContext) -> tuple[Project, ...]:
    """Return the projects of the checkout."""
    files = context.repo.tracked()
    return recognised(context.repo.root, files)


def checks_of(projects: Iterable[Project], kinds: Sequence[CommandKind] = CHECKS) -> list[dict[str, str]]:
    """Return the first command of each kind that each project has, as typed at the repository's root."""
    found = [
        {"kind": str(kind), "command": f"cd {project.root} && {command.text}" if project.root else command.text}
        for project in projects
        for kind in kinds
        for command in project.of_kind(kind)[:1]
    ]
    return found[:MOST_CHECKS]


def run_checks(context: RepoContext, checks: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """Run commands where a person agreed to them, and tell what each did."""
    results = []
    for check in checks:
        before = {change.path for change in context.repo.changes() if change.tracked}
        ran = reproduce(context, check["command"], CHECK_TIMEOUT_S)
        wrote, kept = put_back(context, Plan(), before)
        absent = ABSENT.search(ran.tail) if ran.exit_code else None
        said = ran.why or (
            f"not installed ({absent[0].strip()})" if absent
            else "timed out" if ran.timed_out
            else "passes" if ran.exit_code == 0
            else f"exit {ran.exit_code}"
        )  # fmt: skip
        if wrote:
            said += f"; it changed {listed(wrote)}: put back, and what it wrote is kept in {kept}"
        results.append({**check, "exit_code": None if absent else ran.exit_code, "said": said, "tail": ran.tail})
    return results


def recent(context: RepoContext, files: Iterable[str]) -> list[tuple[str, int]]:
    """Return the files among these that the last commits changed, with how many did, the newest change first."""
    there = set(files)
    changed = context.repo.recently_changed(COMMITS_LOOKED_AT)
    if there <= changed.keys() and set(changed.values()) == {1}:
        return []  # all came at once
    return [(path, times) for path, times in changed.items() if path in there][:MOST_RECENT]


def texts_of(context: RepoContext, files: Sequence[str]) -> dict[str, str]:
    """Return the text of files at HEAD, as many as one look may read; large ones and those that are no text are left out."""
    return {
        path: data.decode("utf-8", errors="replace")
        for path, data in context.repo.contents(context.repo.head(), _readable(context, files)).items()
        if len(data) <= LARGEST_FILE and b"\0" not in data[:1024]
    }


def _readable(context: RepoContext, files: Sequence[str]) -> list[str]:
    """Return the files that are small enough, up to what one look reads. Their size in the checkout counts, unread."""
    found: list[str] = []
    room = LARGEST_LOOK
    for path in files:
        file = context.repo.root / path
        size = file.lstat().st_size if file.is_file() and not file.is_symlink() else LARGEST_FILE + 1
        if size <= LARGEST_FILE:
            room -= size
            found.append(path)
        if room < 0:
            break
    return found


def looked_through(texts: Mapping[str, str], patterns: Sequence[Pattern]) -> list[dict[str, str]]:
    """Return the lines that match a pattern, in the order of the files."""
    found: list[Hint] = []
    for path, text in texts.items():
        found += hints(path, text, patterns)
        if len(found) >= MOST_HINTS:
            break
    return [asdict(hint) for hint in found[:MOST_HINTS]]


def hints(path: str, text: str, patterns: Sequence[Pattern]) -> tuple[Hint, ...]:
    """Return the lines of a file that match, each once, in the order in which they stand."""
    usable = [one for one in patterns if not one.endings or path.endswith(one.endings)]
    found = []
    for place, line in enumerate(text.splitlines(), 1):
        if len(line) > LONGEST_LINE:
            continue
        first = next((one for one in usable if one.expression.search(line)), None)
        if first is not None:
            found.append(Hint(first.what, f"{path}:{place}"))
    return tuple(found)
