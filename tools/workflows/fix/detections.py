"""What can be detected in a repository: its projects' own commands, the build first, then tests, types and lint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...diagnostics.diagnostic import Trouble
from ...diagnostics.forms import form_of, known
from ...diagnostics.inspection import Detection
from ...project.projects import Command, Kind, Language, Project
from ...project.recipes import inside

_TROUBLES = {Kind.BUILD: Trouble.BUILD, Kind.TEST: Trouble.TEST, Kind.TYPES: Trouble.TYPES, Kind.LINT: Trouble.LINT}
_FOR = {
    Trouble.BUILD: (Kind.BUILD,),
    Trouble.TEST: (Kind.TEST,),
    Trouble.TYPES: (Kind.TYPES,),
    Trouble.LINT: (Kind.LINT,),
    Trouble.WARNING: (Kind.BUILD, Kind.TYPES, Kind.LINT),
}


def detections(
    projects: Sequence[Project], categories: Sequence[Trouble], *, lint: bool = True
) -> tuple[Detection, ...]:
    """The commands that find what is broken, of some categories (none: all), once each.

    Of several test or build commands of one project the first that we can read is run, of several checkers every one that
    we can. A build is left out where the tests say the same.
    """
    wanted = [kind for kind in _TROUBLES if not categories or any(kind in _FOR.get(one, ()) for one in categories)]
    kinds = [kind for kind in wanted if lint or kind is not Kind.LINT]
    ordered = [one for kind in kinds for project in projects for one in _of_kind(project, kind, kinds)]
    return tuple(dict.fromkeys(ordered))


def _of_kind(project: Project, kind: Kind, kinds: Sequence[Kind]) -> Iterator[Detection]:
    if project.speaks(Language.MARKDOWN, Language.NOTEBOOK):
        return
    chosen = _chosen(project, kind)
    if kind is Kind.BUILD:
        others = (command for other in kinds if other is not Kind.BUILD for command in _chosen(project, other))
        if any(form_of(command.text, command.script).builds for command in others):
            return
    for command in chosen:
        yield Detection(_TROUBLES[kind], inside(project.root, command.text), command.script)


def _chosen(project: Project, kind: Kind) -> tuple[Command, ...]:
    offered = project.of_kind(kind)
    read: dict[str, Command] = {}
    for command in offered:
        form = form_of(command.text, command.script)
        if known(form):
            read.setdefault(form.tool, command)
    several = kind in {Kind.TYPES, Kind.LINT}
    return tuple(read.values())[: None if several else 1] or offered[:1]
