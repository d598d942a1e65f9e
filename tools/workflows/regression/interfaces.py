"""What a change of the public interface of Python modules breaks for callers, as Griffe tells it. Nothing is imported or run.

A name is public if the module says so: by `__all__`, by being defined in the `__init__.py` of a package or imported there from
the repository's own code, or, in files that a person calls a contract, by having no leading underscore.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from ...project.python_api import Lookup, PythonApi, final

if TYPE_CHECKING:
    import griffe


@dataclass(frozen=True)
class Break:
    """Something that callers relied on and is not so any more. `line` is of the new version, where there is one."""

    name: str
    what: str
    path: str
    line: int = 0


def public_names(api: PythonApi, path: str, whole: bool) -> tuple[str, ...]:
    """The public names of a file; with `whole`, every name without a leading underscore counts."""
    module, package = _module(api, path), path.endswith("__init__.py")
    if module is None:
        return ()
    if module.exports:
        return tuple(name for name in map(str, module.exports) if name in module.members)
    if "__all__" in module.members:  # built in a way that Griffe does not read, unless it is empty
        if str(getattr(module.members["__all__"], "value", "")) in {"[]", "()"}:
            return ()
        whole = True
    defined = {"function", "class", "attribute"} if whole else {"function", "class"} if package else set()
    return tuple(
        name
        for name, one in module.members.items()
        if not name.startswith("_")
        and (package and cast("griffe.Alias", one).target_path in api if one.is_alias else one.kind.value in defined)
    )


def breaks(old: PythonApi, new: PythonApi, paths: Sequence[str], whole: bool) -> Iterator[Break]:
    """What callers of these files, as the old version names them, relied on there and cannot in the new one. With `whole`, every
    name without a leading underscore is public.
    """
    for path in paths:
        before, after = (module.members if (module := _module(api, path)) else {} for api in (old, new))
        for name in public_names(old, path, whole):
            if name not in after:
                yield Break(f"{old.module_of(path)}.{name}", "it is gone", path)
                continue
            mine, theirs = final(before[name]), final(after[name])
            if not (isinstance(mine, Lookup) or isinstance(theirs, Lookup)):
                yield from _changes(mine, theirs, path, new)
                yield from _awaited(mine, theirs, new)


def _changes(old: griffe.Object, new: griffe.Object, path: str, api: PythonApi) -> Iterator[Break]:
    import griffe

    old.public = True
    sides = [griffe.Module("either"), griffe.Module("either")]
    sides[0].members, sides[1].members = {"it": old}, {"it": new}
    for one in griffe.find_breaking_changes(*sides):
        if one.kind is not griffe.BreakageKind.OBJECT_REMOVED:
            what = _what(one)
            yield from [Break(one.obj.path, what, api.path_of(one.obj), one.obj.lineno or 0)] if what else []
        elif not one.obj.name.startswith("__"):  # what every object has
            yield Break(one.obj.path, "it is gone", path)


def _what(one: griffe.Breakage) -> str:
    """What a change breaks for callers, in words; empty where every call that was possible still is."""
    import griffe

    match one.kind:
        case griffe.BreakageKind.OBJECT_CHANGED_KIND:
            return f"was {one.old_value.value} and is {one.new_value.value}"
        case (
            griffe.BreakageKind.PARAMETER_REMOVED
            | griffe.BreakageKind.PARAMETER_MOVED
            | griffe.BreakageKind.PARAMETER_CHANGED_KIND
            | griffe.BreakageKind.PARAMETER_CHANGED_REQUIRED
            | griffe.BreakageKind.PARAMETER_ADDED_REQUIRED
        ):
            return f"{one.kind.value.lower()}: {(one.old_value or one.new_value).name}"
    return ""


def _awaited(old: griffe.Object, new: griffe.Object, api: PythonApi) -> Iterator[Break]:
    """Yield the functions that have to be awaited now, or were before, which Griffe does not tell."""
    if old.is_function and new.is_function and ("async" in old.labels) != ("async" in new.labels):
        what = "has to be awaited" if "async" in new.labels else "is not awaited any more"
        yield Break(new.path, what, api.path_of(new), new.lineno or 0)
    for name in old.members.keys() & new.members.keys() if old.is_class else ():
        mine, theirs = final(old.members[name]), final(new.members[name])
        if not (isinstance(mine, Lookup) or isinstance(theirs, Lookup)):
            yield from _awaited(mine, theirs, api)


def _module(api: PythonApi, path: str) -> griffe.Module | None:
    found = api.find(api.module_of(path))
    return cast("griffe.Module", found) if not isinstance(found, Lookup) and found.is_module else None
