"""What to count, by the commands that a repository's projects have; and the plan that a fix ledger hands to start_session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...decision.measured import Measurement
from ...diagnostics.diagnostic import MASKING, Diagnostic, Trouble
from ...diagnostics.forms import form_of, known
from ...diagnostics.inspection import METRIC, Detection, Inspection, Tally
from ...diagnostics.tracebacks import TEST_FILE
from ...lab.context import RepoContext
from ...plan.model import Plan
from ...plan.scope import Scope, literal_glob
from ...project.folders import CommandKind, Language, ProjectCommand
from ...project.projects import Project
from ...project.recipes import inside
from ..ledger.state import Ledger
from .items import FixOptions

_TROUBLES = {
    CommandKind.BUILD: Trouble.BUILD,
    CommandKind.TEST: Trouble.TEST,
    CommandKind.TYPES: Trouble.TYPES,
    CommandKind.LINT: Trouble.LINT,
}
_FOR = {
    Trouble.BUILD: (CommandKind.BUILD,),
    Trouble.TEST: (CommandKind.TEST,),
    Trouble.TYPES: (CommandKind.TYPES,),
    Trouble.LINT: (CommandKind.LINT,),
    Trouble.WARNING: (CommandKind.BUILD, CommandKind.TYPES, CommandKind.LINT),
}


def detections(
    projects: Sequence[Project], categories: Sequence[Trouble], *, lint: bool = True
) -> tuple[Detection, ...]:
    """Return the commands that find what is broken, of some categories (none: all), once each.

    Of several test or build commands of one project the first that we can read is run, of several checkers every one that
    we can. A build is left out where the tests say the same.
    """
    wanted = [kind for kind in _TROUBLES if not categories or any(kind in _FOR.get(one, ()) for one in categories)]
    kinds = [kind for kind in wanted if lint or kind is not CommandKind.LINT]
    ordered = [one for kind in kinds for project in projects for one in _of_kind(project, kind, kinds)]
    return tuple(dict.fromkeys(ordered))


def _of_kind(project: Project, kind: CommandKind, kinds: Sequence[CommandKind]) -> Iterator[Detection]:
    if project.speaks(Language.MARKDOWN, Language.NOTEBOOK):
        return
    chosen = _chosen(project, kind)
    if kind is CommandKind.BUILD:
        others = (command for other in kinds if other is not CommandKind.BUILD for command in _chosen(project, other))
        if any(form_of(command.text, command.script).builds for command in others):
            return
    for command in chosen:
        yield Detection(_TROUBLES[kind], inside(project.root, command.text), command.script)


def _chosen(project: Project, kind: CommandKind) -> tuple[ProjectCommand, ...]:
    offered = project.of_kind(kind)
    read: dict[str, ProjectCommand] = {}
    for command in offered:
        form = form_of(command.text, command.script)
        if known(form):
            read.setdefault(form.tool, command)
    several = kind in {CommandKind.TYPES, CommandKind.LINT}
    return tuple(read.values())[: None if several else 1] or offered[:1]


@dataclass(frozen=True)
class CountedErrors:
    """A count, what it was made with, and what was left out of it."""

    inspection: Inspection
    measurement: Measurement
    left_out: tuple[str, ...] = ()

    @property
    def tally(self) -> Tally:
        """What was counted."""
        assert self.measurement.tally is not None, "a count that gave no number was refused"
        return self.measurement.tally


def plan_for(context: RepoContext, ledger: Ledger, looked: CountedErrors, projects: Sequence[Project]) -> Plan:
    """Return what start_session is to be given: the same count, down to the target, and what may be edited for that.

    While anything hides others the target is that nothing does: tests that nobody sees can neither be counted nor guard.
    """
    options, tally, files = ledger.opts(FixOptions), looked.tally, context.repo.tracked()
    code = [project for project in projects if not project.speaks(Language.MARKDOWN, Language.NOTEBOOK)]
    used = [project for project in code if any(_within(project, one) for one in looked.inspection.commands)]
    tests = [glob for project in used for glob in project.tests]
    fixed = [glob for project in used for glob in project.fixed]
    wide = tuple(options.scope) or tuple(dict.fromkeys(glob for project in used for glob in project.sources))
    kept = tuple(glob for glob in dict.fromkeys((*tests, *fixed)) if any(map(Scope((glob,)).matches, files)))
    beyond = sorted(
        {one.file for one in tally.first if one.file in files and _needs_naming(one, options, wide, kept, tests)}
    )
    plan = Plan(
        goal=options.goal or f"no more than {options.target} errors",
        scope=(*wide, *map(literal_glob, beyond)),
        protected=(*kept, *(f"!{literal_glob(path)}" for path in beyond)),
        metric=METRIC,
        direction="lower",
        verify=looked.inspection.command_line(),
        read="channel",
        target=str(max(options.target, MASKING - 1) if blind(tally) else options.target),
    )
    return plan.model_copy(update=_guards(looked, options))


_MILD = frozenset({Trouble.LINT, Trouble.WARNING})


def _needs_naming(
    one: Diagnostic, options: FixOptions, wide: Sequence[str], kept: Sequence[str], tests: Sequence[str]
) -> bool:
    """Return whether an error can only be mended if the plan names its file: it is a manifest, or in no source folder. A
    scope that was asked for is not widened, and tests stay closed but for what a linter says of their own lines.
    """
    inside, closed = Scope(wide).matches(one.file), Scope(kept).matches(one.file)
    is_test = Scope(tests).matches(one.file) or TEST_FILE.search(one.file)
    if one.trouble not in _MILD and (is_test or one.trouble in {Trouble.TEST, Trouble.CRASH}):
        return not (inside or closed or is_test or options.scope)
    return closed if inside else not options.scope


def _within(project: Project, command: str) -> bool:
    return not project.root or command.startswith(f"cd {project.root} ")


def _guards(looked: CountedErrors, options: FixOptions) -> dict[str, Any]:
    """Green tests stay green. Of red ones no more may fail than at the start, provided that all of them could be seen."""
    tests = tuple(one for one in looked.inspection.detections if one.trouble is Trouble.TEST)
    extra = (options.guard,) if options.guard else ()
    if not tests or blind(looked.tally):
        return {"guards": extra}
    if not looked.tally.of(Trouble.TEST):
        return {"guards": (*(one.command for one in tests), *extra)}
    failing = Inspection(tests, tests=looked.inspection.tests, only=(Trouble.TEST,), name="failing_tests")
    return {"guards": extra, "guard_metrics": (f"failing_tests lower 0: {failing.command_line()}",)}


def blind(tally: Tally) -> bool:
    return bool(tally.masked) or any(one.hides for one in tally.first)
