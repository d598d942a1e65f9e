"""What can be detected in a repository: its projects' own commands, the build first, then tests, types and lint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...diagnostics.diagnostic import Trouble
from ...diagnostics.forms import form_of, known
from ...diagnostics.inspection import Detection
from ...project.projects import CommandKind, Language, Project, ProjectCommand
from ...project.recipes import inside

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
    """The commands that find what is broken, of some categories (none: all), once each.

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
