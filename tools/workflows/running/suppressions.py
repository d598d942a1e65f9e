"""Ways to make an error disappear without mending it, counted from a patch.

A change is refused for what can only ever hide something: a comment that silences a tool, a skipped or deleted test, an
assertion less, a stub that is read in place of a module, looser rules, code that looks for its test runner, code that became a comment.
What may also be honest is counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from ...diagnostics.tracebacks import TEST_FILE
from .signs import (
    AMOUNT,
    ASSERTION,
    COMMENT,
    CONFIGURED,
    HANDLERS,
    LIMIT,
    NOTHING,
    SIGNS,
    TESTS,
    TIGHTER,
    VALUE,
    Suppression,
)

ALWAYS = frozenset(Suppression) - {
    Suppression.ANY,
    Suppression.EMPTY_HANDLER,
    Suppression.TIMEOUT,
    Suppression.HOOK,
}
"""What is refused wherever it stands."""


@dataclass(frozen=True)
class Hidden:
    """One suppression. `line` counts from 1 in the file as changed, of a removed line in the file as it was."""

    kind: Suppression
    path: str
    line: int
    text: str

    @property
    def refused(self) -> bool:
        """Whether a change with this may not be made."""
        return self.kind in ALWAYS

    @property
    def description(self) -> str:
        """What hides, with its place and its text."""
        return f"{self.kind} at {self.path}:{self.line}: `{self.text.strip()[:160]}`"


@dataclass(frozen=True)
class ChangedLines:
    """Neighbouring changed lines of one file, each with its number: before, and after. `new`: there was no such file."""

    path: str
    removed: tuple[tuple[int, str], ...]
    added: tuple[tuple[int, str], ...]
    new: bool = False


def hidden(patch: str, files: Collection[str] = ()) -> tuple[Hidden, ...]:
    """Return every suppression that a patch adds, those that it takes out elsewhere set off against them. `files` are
    those beside which it stands.
    """
    runs = tuple(runs_of(patch))
    found = [one for run in runs for one in _of_run(run)]
    deleted = tuple(_gone(runs, Suppression.DELETED, test_named))
    found = [one for one in found if deleted or not _of_new_test(one, runs)]
    fewer = () if deleted else _gone(runs, Suppression.ASSERTION, _asserted)  # they went with their test
    return (*_net(found, runs), *deleted, *fewer, *_stubs(runs, files))


def _of_new_test(one: Hidden, runs: Sequence[ChangedLines]) -> bool:
    """Tell whether a skip is of a Python test that came with it: that one never ran."""
    if one.kind is not Suppression.SKIPPED or not one.path.endswith(".py"):
        return False
    run = next(run for run in runs if run.path == one.path and (one.line, one.text) in run.added)
    known = {test_named(run.path, text) for run in runs for _, text in run.removed}
    tests = [(line, name) for line, text in run.added if (name := test_named(run.path, text))]
    below = one.text.lstrip().startswith("@")
    of = next((name for line, name in (tests if below else reversed(tests)) if (line > one.line) is below), "")
    return bool(of or run.new) and of not in known - {""}


def rewritten(patch: str) -> tuple[str, ...]:
    """Return, in words, what tests expect or try otherwise: pairs of lines that differ in their values, or in an assertion."""
    found = []
    for run in runs_of(patch):
        same = {_squeezed(text) for _, text in run.removed} & {_squeezed(text) for _, text in run.added}
        sides = [[one for one in side if _squeezed(one[1]) not in same] for side in (run.removed, run.added)]
        for (_, old), (line, new) in _alike(*sides) if TEST_FILE.search(run.path) else ():
            found.append(f"{run.path}:{line} `{old.strip()[:100]}` became `{new.strip()[:100]}`")
    return tuple(found)


def _alike(
    old: Sequence[tuple[int, str]], new: Sequence[tuple[int, str]]
) -> Iterator[tuple[tuple[int, str], tuple[int, str]]]:
    """Pair assertions in their order, and other lines that are the same but for their values."""
    yield from zip(*([one for one in side if ASSERTION.search(one[1])] for side in (old, new)), strict=False)
    shapes = {VALUE.sub("#", text): (line, text) for line, text in new if not ASSERTION.search(text)}
    for one in old:
        if VALUE.search(one[1]) and (other := shapes.pop(VALUE.sub("#", one[1]), None)):
            yield one, other


_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


def runs_of(patch: str) -> Iterator[ChangedLines]:
    """Yield the runs of changed lines in a patch as git prints it."""
    path, fresh, old, new = "", False, 0, 0
    removed: list[tuple[int, str]] = []
    added: list[tuple[int, str]] = []
    inside = False
    for line in [*patch.split("\n"), "diff --git a/ b/"]:
        sign = line[:1] if inside else ""
        if sign == "-":
            removed.append((old, line[1:]))
            old += 1
            continue
        if sign == "+":
            added.append((new, line[1:]))
            new += 1
            continue
        if sign == "\\":  # no newline at the end of the file
            continue
        if removed or added:
            yield ChangedLines(path, tuple(removed), tuple(added), fresh)
            removed, added = [], []
        if line.startswith("diff --git "):
            path, fresh, inside = _path(line), False, False
        elif not inside and line.startswith("new file mode "):
            fresh = True
        elif match := _HUNK.match(line):
            old, new, inside = int(match[1]), int(match[2]), True
        elif inside:
            old, new = old + 1, new + 1


def _path(line: str) -> str:
    """Return the path that a patch begins with `diff --git`: in quotes where it is unusual."""
    if not line.endswith('"'):
        return line.rpartition(" b/")[2]
    octal = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), line.rpartition(' "b/')[2][:-1])
    name = octal.encode("latin-1", "replace").decode("utf-8", "replace")
    return name.replace('\\"', '"').replace("\\\\", "\\")


def _of_run(run: ChangedLines) -> Iterator[Hidden]:
    """Yield what one run of changed lines hides."""
    before = Counter(_squeezed(text) for _, text in run.removed)
    for number, text in run.added:
        if before[_squeezed(text)] > 0:  # only moved or indented
            before[_squeezed(text)] -= 1
            continue
        for kind in _kinds(run, text):
            yield Hidden(kind, run.path, number, text)
    yield from (Hidden(kind, run.path, number, text) for kind, number, text in _pairs(run))
    if CONFIGURED.search(run.path):
        kept = Counter(word for _, text in run.added for word in TIGHTER.findall(text))
        for number, text in run.removed:
            if lost := [word for word in TIGHTER.findall(text) if not kept[word]]:
                kept.subtract(lost)
                yield Hidden(Suppression.LOOSER, run.path, number, text)


def _kinds(run: ChangedLines, text: str) -> Iterator[Suppression]:
    found = (kind for kind, files, pattern in SIGNS if files.search(run.path) and pattern.search(text))
    yield from dict.fromkeys(found)
    for files, pattern in HANDLERS:
        if files.search(run.path) and pattern.search(text) and _is_empty(run, text):
            yield Suppression.EMPTY_HANDLER


def _is_empty(run: ChangedLines, text: str) -> bool:
    """Return whether nothing follows a handler that could do something."""
    if re.search(r"\}\s*\)?\s*$|\bpass\s*$|\.\.\.\s*$|suppress\(|\bnil\s*$", text):
        return True
    texts = [line for _, line in run.added]
    after = texts[texts.index(text) + 1 : texts.index(text) + 2]
    return bool(after) and bool(NOTHING.match(after[0])) and bool(after[0].strip())


def _pairs(run: ChangedLines) -> Iterator[tuple[Suppression, int, str]]:
    """Limits that grew, and code that turned into a comment."""
    removed = [text for _, text in run.removed]
    for number, text in run.added:
        shape = AMOUNT.sub("#", text)
        old = next((one for one in removed if AMOUNT.sub("#", one) == shape and one != text), None)
        if old is not None and LIMIT.search(text) and _largest(text) > _largest(old):
            yield Suppression.TIMEOUT, number, text
        code = COMMENT.match(text)
        if code and len(_squeezed(code["code"])) > 3 and _squeezed(code["code"]) in {_squeezed(one) for one in removed}:
            yield Suppression.COMMENTED_OUT, number, text


def _net(found: Sequence[Hidden], runs: Sequence[ChangedLines]) -> list[Hidden]:
    """Return what is left when as many of a kind were taken out, in the same file or elsewhere, as were put in."""
    gone: Counter[Suppression] = Counter()
    for run in runs:
        after = Counter(_squeezed(text) for _, text in run.added)
        for _, text in run.removed:
            if after[_squeezed(text)] > 0:
                after[_squeezed(text)] -= 1
                continue
            gone.update(kind for kind in _kinds(run, text) if kind is not Suppression.EMPTY_HANDLER)
    kept = []
    for one in found:
        if gone[one.kind] > 0:
            gone[one.kind] -= 1
        else:
            kept.append(one)
    return kept


def _gone(runs: Sequence[ChangedLines], kind: Suppression, name_of: Callable[[str, str], str]) -> Iterator[Hidden]:
    """Yield what has a name and is nowhere any more. A new one counts as an old one under another name."""
    after = Counter(name for run in runs for _, text in run.added if (name := name_of(run.path, text)))
    gone = []
    for one in (Hidden(kind, run.path, number, text) for run in runs for number, text in run.removed):
        if name := name_of(one.path, one.text):
            if after[name] > 0:
                after[name] -= 1
            else:
                gone.append(one)
    yield from gone[sum(after.values()) :]


def _asserted(path: str, text: str) -> str:
    return _squeezed(text) if TEST_FILE.search(path) and ASSERTION.search(text) else ""


def _stubs(runs: Sequence[ChangedLines], files: Collection[str]) -> Iterator[Hidden]:
    for run in runs:
        if run.new and run.path.endswith((".pyi", ".d.ts")):
            stem = run.path.removesuffix(".pyi").removesuffix(".d.ts")
            if any(f"{stem}{ending}" in files for ending in (".py", ".ts", ".js", ".tsx", ".jsx", ".mjs")):
                yield Hidden(Suppression.STUB, run.path, run.added[0][0], run.added[0][1])


def test_named(path: str, text: str) -> str:
    """Return the name of the test that a line begins; empty if it begins none."""
    for files, pattern in TESTS:
        if files.search(path) and (match := pattern.search(text)):
            return next(group for group in match.groups() if group)
    return ""


def _largest(text: str) -> float:
    return max((float(amount.replace("_", "")) for amount in AMOUNT.findall(text)), default=0.0)


def _squeezed(text: str) -> str:
    return "".join(text.split())
