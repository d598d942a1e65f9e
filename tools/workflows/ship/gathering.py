"""What a checklist rests on: what is shipped and changed since the base, what git and earlier ledgers say, what the project's commands do."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...diagnostics.counting import ABSENT
from ...errors import Code, Refusal
from ...git.trees import Delta
from ...lab.context import RepoContext
from ...plan.scope import Scope
from ...process.runner import CommandRun, CommandSpec
from ...process.screen import screen
from ...project.folders import MAKEFILES, CommandKind, Language, ProjectCommand
from ...project.projects import Project, recognise
from ...project.recipes import inside
from ...project.scan import local_tools, missing_tools, scan
from ...text.redaction import redact_tail
from ..ledger.handoff import carried
from ..ledger.items import Workflow
from ..ledger.state import Ledger
from ..running.experiments import unheard
from ..running.store import Ledgers
from .checks.checklists import CODE, ShipType, Weight, is_prose
from .checks.markup import HTML, MARKDOWN
from .checks.material import (
    CheckOutcome,
    CheckResult,
    EarlierLedger,
    FileLine,
    FoundPlace,
    ShipmentMaterial,
    Texts,
    added_lines,
)
from .checks.releases import CHANGELOGS, changelog_among, runs_alike, says_a_version, versions
from .pull_request import shipped_commits, work_before
from .shipment import ShipOptions

LARGEST_TEXT = 1_000_000
"""Bytes: what is larger is no text that somebody wrote."""
MOST_TEXTS = 5000
DEFAULT_BRANCHES = ("main", "master", "trunk", "develop")

_PROSE = (*MARKDOWN, *HTML, ".txt", ".eml", ".rst", ".tex", ".bib", ".Rmd", ".qmd")
_LOCKS = re.compile(
    r"(?:^|/)(?:package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|yarn\.lock|bun\.lockb?|[\w-]+\.lock|go\.sum|[\w.-]+\.min\.(?:js|css))$"
)


@dataclass(frozen=True)
class ShipmentBase:
    """What a shipment is compared with: its name, its tip, and where the two parted. All empty where there is nothing."""

    name: str = ""
    tip: str = ""
    commit: str = ""


def base_of(context: RepoContext, given: str) -> ShipmentBase:
    """Return the base that was given; else the default branch, else the last tag, else what was pushed.

    Raises:
        Refusal: if git does not know what was given.
    """
    head = context.repo.head()
    if given:
        base = _compared(context, given, head)
        if base is None:
            raise Refusal(
                Code.BAD_ARGUMENT, f"git knows no commit {given!r} with a common past. Name a branch, tag or commit."
            )
        return base
    remote = context.repo.git.ask("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD").text
    tag = context.repo.git.ask("describe", "--tags", "--abbrev=0", "HEAD^").text
    branches = (remote, *DEFAULT_BRANCHES, *(f"origin/{name}" for name in DEFAULT_BRANCHES))
    for name in (*branches, tag, "@{upstream}"):
        if name and (base := _compared(context, name, head)) and base.commit != head:
            return base
    return ShipmentBase()


def _compared(context: RepoContext, name: str, head: str) -> ShipmentBase | None:
    tip = context.repo.git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if tip.code != 0:
        return None
    parted = context.repo.git.ask("merge-base", tip.text, head)
    return ShipmentBase(name, tip.text, parted.text) if parted.code == 0 else None


def since(context: RepoContext, base: ShipmentBase) -> Delta | None:
    """Return what changed since the base; None where there is none."""
    return context.repo.delta(base.commit, context.repo.head()) if base.commit else None


def version_moved(context: RepoContext, base: ShipmentBase) -> bool:
    """Return whether a manifest says another version than at the base."""
    if not base.commit:
        return False
    paths = [path for path in context.repo.tracked() if says_a_version(path)]
    now, then = (versions(_texts(context, commit, paths)) for commit in (context.repo.head(), base.commit))
    old = {one.path: one.version for one in then}
    return any(old.get(one.path, one.version) != one.version for one in now)


def gather(context: RepoContext, ledger: Ledger, type: ShipType, base: ShipmentBase) -> ShipmentMaterial:
    """Return everything that the checks of a type look at, as HEAD has it."""
    head, options, delta = context.repo.head(), ledger.opts(ShipOptions), since(context, base)
    sizes = _sizes(context, head)
    changed = [path for path in (delta.stat.files if delta else ()) if path in sizes]
    shipped = _shipped(ledger, type, changed, tuple(sizes))
    looked = changed if type is ShipType.CODE_PR and changed else list(sizes)
    small = [path for path in looked if sizes[path] <= LARGEST_TEXT]
    prose = [path for path in shipped if path.endswith(_PROSE) and sizes[path] <= LARGEST_TEXT]
    logs = [path for path in sizes if CHANGELOGS.fullmatch(path)]
    return ShipmentMaterial(
        head=head,
        base=base.name or "nothing",
        paths=frozenset(sizes),
        texts=_texts(context, head, prose[:MOST_TEXTS]),
        whole=_texts(context, head, small[:MOST_TEXTS]),
        skipped=len(looked) - len(small[:MOST_TEXTS]),
        patch=delta.patch if delta else "",
        added=_added(delta),
        manifests=_texts(context, head, [path for path in sizes if says_a_version(path)]),
        changelog=changelog_among(_texts(context, head, logs)),
        tags=tags(context),
        target=options.target,
        dirty=_dirty(context),
        moved=_moved(context, base),
        merges=_merges(context, base),
        before=_before(context, ledger, base.commit),
        regression=_regression(context, base.commit),
    )


def _dirty(context: RepoContext) -> tuple[str, ...]:
    """Return what is not committed, and the operation that git is in the middle of. Files of which git was told not to look are
    taken for edited, and ignored ones that Python or pytest reads by itself for added.
    """
    busy, repo = context.repo.in_progress(), context.repo
    flagged = (os.fsdecode(entry[2:]) for entry in repo.listing().flagged)
    unlooked = {path for path in flagged if os.path.lexists(repo.root / path)}
    read = {path for path in repo.status().ignored.paths if os.path.basename(path) in _READ_UNASKED}
    return (*((busy[0],) if busy else ()), *sorted({change.path for change in repo.changes()} | unlooked | read))


_READ_UNASKED = frozenset({"conftest.py", "pytest.ini", "sitecustomize.py", "usercustomize.py"})


def tags(context: RepoContext) -> dict[str, str]:
    """Return every tag with the commit at which it stands."""
    form = "--format=%(refname:strip=2)%00%(*objectname)%00%(objectname)"
    rows = (line.split("\0") for line in context.repo.git.line("for-each-ref", form, "refs/tags").splitlines())
    return {name: peeled or own for name, peeled, own in rows}


def _shipped(ledger: Ledger, type: ShipType, changed: Sequence[str], paths: Sequence[str]) -> list[str]:
    """The files that are shipped: those in scope, else what the target names, else what changed or is there of the type."""
    scope, target = ledger.options.scope, ledger.opts(ShipOptions).target.rstrip("/")
    if scope:
        return [path for path in paths if Scope(scope).matches(path)]
    if named := [path for path in paths if target and (path == target or path.startswith(f"{target}/"))]:
        return named
    if type in CODE:
        return [path for path in paths if path.endswith(MARKDOWN)] if type is ShipType.CODE_RELEASE else []
    mine = ([path for path in some if is_prose(path)] for some in (changed, paths))
    return next((found for found in (*mine, list(changed)) if found), list(paths))


def _texts(context: RepoContext, commit: str, paths: Sequence[str]) -> Texts:
    """Return the files that are text, read at a commit."""
    found = context.repo.contents(commit, list(paths))
    return {path: data.decode("utf-8", errors="replace") for path, data in found.items() if b"\0" not in data}


def _sizes(context: RepoContext, commit: str) -> dict[str, int]:
    """Return every file at a commit with its bytes; links and submodules are none."""
    entries = os.fsdecode(context.repo.git.run("ls-tree", "-r", "-l", "-z", commit)).split("\0")
    rows = ((entry.partition("\t")[0].split(), entry.partition("\t")[2]) for entry in entries if entry)
    return {path: int(fields[3]) for fields, path in rows if fields[0].startswith("100")}


def _added(delta: Delta | None) -> tuple[FileLine, ...]:
    lines = added_lines(delta.patch) if delta else ()
    return tuple(line for line in lines if not _LOCKS.search(line.path))


def _moved(context: RepoContext, base: ShipmentBase) -> int:
    """Lines added and removed since the base; what a package manager wrote, and files that only moved, do not count."""
    if not base.commit:
        return 0
    form = ("diff-tree", "-r", "--numstat", "-M", "--no-ext-diff", "--no-textconv", base.commit, context.repo.head())
    rows = [line.split("\t", 2) for line in context.repo.git.line(*form).splitlines()]
    counted = [row for row in rows if len(row) == 3 and row[0] != "-" and not _LOCKS.search(row[2].rstrip('"}'))]
    return sum(int(added) + int(removed) for added, removed, _ in counted)


def _merges(context: RepoContext, base: ShipmentBase) -> bool | None:
    """Whether the base's tip merges; None where it is part of HEAD already, or git would run a program of the repository's."""
    if base.tip == base.commit or context.repo.git.ask("config", "--get-regexp", r"^merge\..*\.driver$").text:
        return None
    answer = context.repo.git.ask("merge-tree", "--write-tree", "--no-messages", base.tip, context.repo.head())
    return answer.code == 0 if answer.code in {0, 1} else None  # before git 2.38 it cannot


def _before(context: RepoContext, ledger: Ledger, base: str) -> EarlierLedger:
    """Return what the workflow before this one has left open."""
    newest = next(work_before(context, ledger, base), None)
    if newest is None:
        return EarlierLedger()
    findings = Ledgers(context).handoff(newest).findings
    return EarlierLedger(newest.workflow, carried(findings, newest.workflow, Workflow.SHIP))


def _regression(context: RepoContext, base: str) -> EarlierLedger:
    """Return the verdict of the last regression ledger on this branch, if it is about what is shipped, and what changed since."""
    found, head = Ledgers(context).last(Workflow.REGRESSION), context.repo.head()
    handoff = Ledgers(context).handoff(found) if found else None
    commit = str(handoff.config.get("candidate", "")) if handoff else ""
    if handoff is None or commit not in shipped_commits(context, base):
        return EarlierLedger()
    paths = context.repo.delta(commit, head).stat.files
    then, now = (_texts(context, at, paths) for at in (commit, head))
    code = tuple(path for path in paths if not runs_alike(path, then.get(path), now.get(path)))
    return EarlierLedger(
        Workflow.REGRESSION,
        verdict=str(handoff.config.get("verdict", "")),
        commit=commit,
        measured=handoff.coverage.get("dimensions", ""),
        code=code,
        documents=tuple(path for path in paths if path not in code),
    )


TIMEOUT_S = 1800.0
HEALTH_S = 60.0
"""For one look at what was shipped."""
TAIL_LINES = 12
_KINDS = {"tests": CommandKind.TEST, "build": CommandKind.BUILD, "types": CommandKind.TYPES, "lint": CommandKind.LINT}
_TOLD = re.compile(
    r"\d+ (?:passed|tests?|examples?|specs?|assertions?)\b|\btests?:? +\d|# pass \d|^ok\b|^PASS|\bpassed\b",
    re.IGNORECASE | re.MULTILINE,
)
"""What runners print of the tests that they ran."""
_EXAMPLES = frozenset(("example", "examples", "sample", "samples", "demo", "demos", "templates"))
_NO_CODE = frozenset({Language.MARKDOWN, Language.NOTEBOOK})
COMMANDS = frozenset({*_KINDS, "health"})
"""The names of the checks that are commands."""


def offered(context: RepoContext) -> tuple[dict[str, tuple[str, ...]], bool]:
    """Return the commands that the projects here offer for each check, as typed at the repository's root: of several for one
    purpose the project's own, from its makefile, else the first; and whether there is code.
    """
    files = context.repo.tracked()
    texts = scan(context.repo.root, files)
    found = recognise(files, texts, local_tools(context.repo.root, texts, files))
    projects = [project for project in found if not _EXAMPLES & set(project.root.split("/"))]
    commands = {name: _of_kind(projects, kind) for name, kind in _KINDS.items()}
    return commands, any(set(project.languages) - _NO_CODE for project in projects)


def _of_kind(projects: Sequence[Project], kind: CommandKind) -> tuple[str, ...]:
    found = ((project.root, _preferred(project.of_kind(kind))) for project in projects)
    return tuple(dict.fromkeys(inside(root, command.text) for root, command in found if command))


def _preferred(commands: Sequence[ProjectCommand]) -> ProjectCommand | None:
    heard = [command for command in commands if not _is_empty(command)]
    own = [command for command in heard if command.source in MAKEFILES]
    return next(iter([*own, *heard]), None)


def _is_empty(command: ProjectCommand) -> bool:
    """Tell whether no line below a makefile's target can fail; a target that only has prerequisites may."""
    recipe = [line.strip().lstrip("@+ ") for line in command.body.splitlines() if line.strip()]
    return bool(recipe) and all(line.startswith("-") or (">" not in line and unheard(line)) for line in recipe)


def not_offered(name: str, code: bool) -> CheckOutcome:
    """Return what a check without a command is: tests are missed where there is code."""
    if name != "tests" or not code:
        more = ": a `dry-run` that builds it shows whether it does" if name == "build" and code else ""
        return CheckOutcome(CheckResult.NOT_HERE, f"the project has no command for it that is known here{more}")
    cure = "no test command was found. A make target or package script `test` is always found"
    return CheckOutcome(CheckResult.FAILED, cure, weight=Weight.REQUIRED)


def ran(context: RepoContext, name: str, commands: Sequence[str], timeout_s: float = TIMEOUT_S) -> CheckOutcome:
    """Run the commands of a check, up to the first that fails."""
    if why := _may_not_run(context, commands):
        return CheckOutcome(CheckResult.OPEN, why)
    silent: list[str] = []
    for command in commands:
        run = context.runs.run(
            context.runs.key(f"ship {name} {command}"), CommandSpec(command, context.repo.root, timeout_s)
        )
        if run.cancelled or run.lost:
            return CheckOutcome(CheckResult.OPEN, f"`{command}` was {'cancelled' if run.cancelled else 'lost'}")
        if run.exit_code and (absent := ABSENT.search("\n".join(last_lines(run)))):
            return CheckOutcome(CheckResult.OPEN, f"not run: `{command}`: not installed ({absent[0].strip()})")
        if run.exit_code != 0 or run.timed_out:
            how = f"timed out after {timeout_s:.0f} s" if run.timed_out else f"exit {run.exit_code}"
            return CheckOutcome(
                CheckResult.FAILED, f"`{command}`: {how}", tuple(FoundPlace(line, 0, "") for line in last_lines(run))
            )
        silent += [command] if name == "tests" and not _TOLD.search(run.stdout + run.stderr) else []
    told = f", but nothing in what {', '.join(f'`{command}`' for command in silent)} printed tells of a test"
    seen = f"{', '.join(f'`{command}`' for command in commands)}: exit 0{told if silent else ''}"
    return CheckOutcome(CheckResult.PASSED, seen)


def _may_not_run(context: RepoContext, commands: Sequence[str]) -> str:
    """Why commands are not run; empty if they may. Those that nobody agreed to are noted for a person to look at."""
    for command in commands:
        if danger := screen(command).refused:
            return f"`{command}` is not run here: {danger}"
    if waiting := [command for command in commands if not context.consent.agreed_to(command)]:
        for command in waiting:
            context.consent.want(command)
        named = ", ".join(f"`{command}`" for command in waiting)
        return f"not run: nobody agreed to {named}. A person can, with `autoresearch-mcp approve`"
    missing = missing_tools(commands)
    return f"not run: {', '.join(missing)} is not installed here" if missing else ""


def last_lines(run: CommandRun) -> list[str]:
    """Return the end of what a command printed."""
    return redact_tail(run.stdout + run.stderr, 1500).strip().splitlines()[-TAIL_LINES:]
