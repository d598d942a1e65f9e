"""Plan a comparison: which commit is the baseline, which commands run, which tests, and what the files alone tell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...diagnostics.tracebacks import TEST_FILE
from ...errors import Code, Refusal
from ...git.python_environments import installed_copies
from ...lab.context import RepoContext
from ...plan.scope import Scope
from ...process.screen import cure, screen
from ...project.folders import CommandKind
from ...project.projects import Project
from ...project.python_api import PythonApi
from ...project.recipes import inside
from ...project.scan import recognised
from ..running.controls import paths_at
from ..running.experiments import unheard
from ..running.testruns import ReportForm, reporting
from .affected import affected
from .interfaces import breaks, public_names
from .items import RegressionOptions, Select
from .readings import ComparisonJob, projected
from .schemas import schema_breaks
from .verdict import Classification, ComparedDimension, ComparedRow, ComparisonSide

_MAINS = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
_SCHEMA = re.compile(r"(^|/)((openapi|swagger)[^/]*|[^/]*\.schema)\.json$")
_PLAIN = re.compile(r"\w[\w./-]*")
_HOST = re.compile(
    r"\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|mssql|sqlserver|redis)(?:\+\w+)?://(?:[^\s/@'\"]*@)?([^\s:/'\"?]*)(?::\d+)?/?([\w-]*)",
    re.IGNORECASE,
)
_OWN_HOSTS = frozenset(("", "localhost", "127.0.0.1", "[", "::1", "db", "database", "postgres", "mysql", "redis"))


@dataclass(frozen=True)
class BaselineCommit:
    """The baseline's commit, how it was found, and why there is none."""

    commit: str
    how: str
    why: str = ""


def base_of(context: RepoContext, asked: str, opened: str = "") -> BaselineCommit:
    """Return the commit where HEAD forked from what it is compared with; on the main branch itself the one at which the workflow
    before was `opened`.

    Raises:
        Refusal: if that does not exist, or HEAD is contained in it.
    """
    if asked:
        if not _commit(context, asked):
            shallow = " This clone is shallow: `git fetch --unshallow` brings the rest." if _shallow(context) else ""
            raise Refusal(
                Code.BAD_ARGUMENT,
                f"`base` names {asked}, which git does not have.{shallow} Name a commit, tag or branch.",
            )
        names: Sequence[str] = (asked,)
    else:
        names = [name for name in _MAINS if _commit(context, name)]
        if not names:
            raise Refusal(
                Code.BAD_ARGUMENT, "There is no main or master to compare with. Give `base`: a commit, tag or branch."
            )
    head, apart = context.repo.head(), []
    for name in names:
        commit = context.repo.git.ask("merge-base", name, "HEAD").text.split("\n")[0]
        if commit and commit != head:
            moved = commit != _commit(context, name)
            return BaselineCommit(commit, f"where HEAD forked from {name}, which has moved on since" if moved else name)
        apart += [] if commit else [name]
    if apart:
        shallow = (
            "this clone is shallow; `git fetch --unshallow` brings what is missing"
            if _shallow(context)
            else "their histories have nothing in common; give another `base`"
        )
        return BaselineCommit("", apart[0], f"HEAD and {apart[0]} have no common commit: {shallow}")
    if opened not in {"", head} and not asked:
        return BaselineCommit(opened, "where the workflow before began")
    message = f"HEAD is contained in {names[0]}: there is nothing to compare. Give an earlier `base`, such as HEAD~1 or a tag."
    raise Refusal(Code.BAD_ARGUMENT, message)


def jobs_of(context: RepoContext, options: RegressionOptions) -> tuple[ComparisonJob, ...]:
    """Return the commands that are run on both sides, given or found, once for each cell of the matrix.

    Raises:
        Refusal: for a command that is never run, or more runs than are allowed.
    """
    files = context.repo.tracked()
    projects = recognised(context.repo.root, files)
    given = {
        ComparedDimension.FUNCTIONAL: options.tests or tuple(_found(projects, CommandKind.TEST)),
        ComparedDimension.DATA_MIGRATION: options.migrations,
        ComparedDimension.INTEGRATION_E2E: options.e2e,
        ComparedDimension.PERFORMANCE: options.performance or tuple(_found(projects, CommandKind.BENCHMARK)),
        ComparedDimension.VISUAL_UI: options.visual,
    }
    wanted = [name for name in given if not options.dimensions or name in options.dimensions]
    if ComparedDimension.RESOURCE in options.dimensions and ComparedDimension.PERFORMANCE not in wanted:
        wanted.append(ComparedDimension.PERFORMANCE)
    found = [
        job
        for dimension in wanted
        for place, command in enumerate(dict.fromkeys(given[dimension]))
        for job in _cells(dimension, place, command, options.matrix)
    ]
    for command in dict.fromkeys([*([options.setup] if options.setup else []), *(job.command for job in found)]):
        if reason := screen(command).refused:
            raise Refusal(Code.BAD_ARGUMENT, f"`{command}` is not run here: {reason}. {cure(reason)}")
    for command in (*options.tests, *options.e2e, *options.migrations):
        if why := unheard(command):
            raise Refusal(Code.BAD_ARGUMENT, f"`{command}` would be green on any side: it {why}.")
    for command in options.migrations:
        if place := foreign_database(command):
            raise Refusal(
                Code.BAD_ARGUMENT,
                f"`{command}` names the database {place}, which may be a real one. Use one on localhost, or one whose name ends in _test or _ci.",
            )
    most = projected(found, options.reruns, options.samples)
    if most > options.max_runs:
        message = f"This may take {most} runs, and max_runs is {options.max_runs}. Lower samples or reruns, name fewer commands or dimensions, or raise max_runs."
        raise Refusal(Code.BAD_ARGUMENT, message)
    return tuple(found)


def in_place_of_own(context: RepoContext, options: RegressionOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the test commands that were given and those of the project that they leave out; nothing where none of these is missing."""
    functional = not options.dimensions or ComparedDimension.FUNCTIONAL in options.dimensions
    own = tuple(_found(recognised(context.repo.root, context.repo.tracked()), CommandKind.TEST)) if functional else ()
    left_out = tuple(command for command in own if command not in options.tests)
    return (options.tests, left_out) if functional and options.tests and (left_out or not own) else ((), ())


def selected(
    context: RepoContext,
    options: RegressionOptions,
    jobs: Sequence[ComparisonJob],
    base: str,
    *,
    regressed_before: bool,
) -> tuple[dict[ComparisonSide, tuple[str, ...]], str]:
    """Choose the test files to run on each side (none: all), and in words which and why."""
    if options.select is Select.FULL:
        return {}, "all tests: asked for"
    if not any(job.chooses for job in jobs):
        return {}, "all tests: no test command takes the files to run"
    if regressed_before:
        return {}, "all tests: an earlier comparison found a regression"
    head = context.repo.head()
    texts = texts_at(context, head)
    changed = [entry.path for entry in context.repo.entries(base, head)]
    files, why = affected(texts, changed)
    if odd := [path for path in files if not _PLAIN.fullmatch(path)]:
        files, why = (), f"{odd[0]} has a name that a command line cannot take"
    before = set(texts_at(context, base)) if files else set()
    there = tuple(path for path in files if path in before)
    if files and not there:
        files, why = (), "the test files that are reached are all new"
    return (
        ({ComparisonSide.BASELINE: there, ComparisonSide.CANDIDATE: files}, f"affected tests: {why}")
        if files
        else ({}, f"all tests: {why}")
    )


def contract_rows(
    context: RepoContext, options: RegressionOptions, base: str, at: str
) -> tuple[list[ComparedRow], str]:
    """Return what the change breaks for callers, from the files alone; or why that was not looked at."""
    if options.dimensions and ComparedDimension.API_CONTRACT not in options.dimensions:
        return [], "left out"
    head = context.repo.head()
    old_texts, new_texts = (
        {path: text for path, text in texts_at(context, commit).items() if not TEST_FILE.search(path)}
        for commit in (base, head)
    )
    old, new = PythonApi(old_texts), PythonApi(new_texts)
    scope, contract = options.scope, options.api
    paths = [
        path
        for path in old_texts
        if not TEST_FILE.search(path) and _public(path) and (not scope or Scope(scope).matches(path))
    ]
    paths = [path for path in paths if Scope(contract).matches(path)] if contract else paths
    declared = [path for path in paths if public_names(old, path, bool(contract))]
    schemas = [path for path in paths_at(context, base) if _SCHEMA.search(path)]
    if not (declared or schemas):
        return (
            [],
            "no file declares a public interface (`__all__`, a package's `__init__.py`, a JSON schema); name files with `api`",
        )
    found = [
        _contract(one.name, one.what, f"{one.path}:{one.line}" if one.line else one.path, at)
        for one in {(one.name, one.what): one for one in breaks(old, new, declared, bool(contract))}.values()
    ]
    texts = [context.repo.contents(commit, schemas) for commit in (base, head)]
    for path in schemas:
        before, after = (side.get(path, b"").decode("utf-8", errors="replace") for side in texts)
        found += [_contract(path, what, path, at) for what in schema_breaks(before, after)]
    looked = f"{len(declared)} Python files and {len(schemas)} schemas"
    same = ComparedRow(
        dimension=ComparedDimension.API_CONTRACT, unit=looked, classification=Classification.ELIGIBLE, baseline="present",
        candidate="present", at=at, description="names and parameters were compared, but not what comes by `import *` or from elsewhere",
    )  # fmt: skip
    return [*found, same], ""


def texts_at(context: RepoContext, commit: str) -> Mapping[str, str]:
    """Return the Python files of a commit."""
    paths = [path for path in paths_at(context, commit) if path.endswith(".py")]
    found = context.repo.contents(commit, paths)
    return {path: data.decode("utf-8", errors="replace") for path, data in found.items()}


def notes_of(context: RepoContext, base: str) -> list[str]:
    """Return what a reader of the verdict has to know about how it came about."""
    dirty = len(context.repo.changes())
    notes = [f"The checkout has {dirty} uncommitted changes: they are not measured, HEAD is."] if dirty else []
    if _shallow(context):
        notes.append("This clone is shallow: the true fork point may lie further back.")
    tops = {path.removeprefix("src/").split("/")[0] for path in context.repo.tracked() if path.endswith("/__init__.py")}
    if copies := installed_copies(context.repo.root, sorted(tops)):
        notes.append(
            f"{copies[0].name} is installed as a copy in {copies[0].parent}: where tests import that copy, both sides test the same code. Install it editable, or give `setup`."
        )
    locks = re.compile(
        r"(^|/)(package-lock\.json|pnpm-lock\.yaml|yarn\.lock|uv\.lock|poetry\.lock|requirements[^/]*\.txt|Cargo\.lock|go\.sum)$"
    )
    changed = [entry.path for entry in context.repo.entries(base, context.repo.head()) if locks.search(entry.path)]
    if changed:
        notes.append(
            f"{changed[0]} differs between the sides, and both use what is installed here. Give `setup` if that matters."
        )
    return notes


def foreign_database(command: str) -> str:
    """Return the database that a command names and that may be a real one; empty if none does."""
    for found in _HOST.finditer(command):
        host, name = found[1].lower(), found[2].lower()
        if host not in _OWN_HOSTS and not name.endswith(("_test", "_ci")):
            return f"{host}/{name}".rstrip("/")
    return ""


def _found(projects: Sequence[Project], kind: CommandKind) -> Iterator[str]:
    """One command a project: the first that tells how each test fared, else the first."""
    for project in projects:
        commands = [command.text for command in project.of_kind(kind)]
        telling = [text for text in commands if reporting(text).form is not ReportForm.NONE]
        if commands:
            yield inside(project.root, (telling or commands)[0])


def _cells(dimension: ComparedDimension, place: int, command: str, matrix: Sequence[str]) -> Iterator[ComparisonJob]:
    """A command once for each cell; the cell's variable stands in the command, so that a person agrees to both."""
    made = (
        reporting(command) if dimension in {ComparedDimension.FUNCTIONAL, ComparedDimension.INTEGRATION_E2E} else None
    )
    for cell in matrix or ("",):
        yield ComparisonJob(
            id=f"{dimension}-{place}{f'-{cell}' if cell else ''}",
            dimension=dimension,
            command=_under(cell, made.command if made else command),
            name=command,
            form=made.form if made else ReportForm.NONE,
            cell=cell,
            chooses=bool(made and made.chooses and not command.startswith("cd ")),
        )


def _under(cell: str, command: str) -> str:
    name, _, value = cell.partition("=")
    return f"export {name}={shlex.quote(value)}; {command}" if cell else command


def _contract(name: str, what: str, place: str, at: str) -> ComparedRow:
    return ComparedRow(
        dimension=ComparedDimension.API_CONTRACT, unit=name, classification=Classification.ELIGIBLE, baseline="present",
        candidate="broken", regressed=True, severity="high", status="breaks callers", file_line=place, description=what, at=at,
    )  # fmt: skip


def _public(path: str) -> bool:
    parts = path.removesuffix(".py").split("/")
    return not any(part.startswith("_") and part != "__init__" for part in parts)


def _commit(context: RepoContext, name: str) -> str:
    answer = context.repo.git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return answer.text if answer.code == 0 else ""


def _shallow(context: RepoContext) -> bool:
    return context.repo.git.ask("rev-parse", "--is-shallow-repository").text == "true"
