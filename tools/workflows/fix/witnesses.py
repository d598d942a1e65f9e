"""The second witness of a mended error: a new test, which has to fail on the code of the opening and to pass on HEAD."""

from __future__ import annotations

import ast
import base64
import re
import zlib

from ...diagnostics.diagnostic import Diagnostic, Trouble
from ...diagnostics.inspection import METRIC, Inspection, Tally
from ...diagnostics.tracebacks import TEST_FILE
from ...errors import Code, Refusal
from ...git.trees import FILE, TreeChange, planted
from ...lab.context import RepoContext
from ...plan.model import Plan
from ...text.redaction import redactor
from ..ledger.state import Ledger
from ..running.trials import text_at
from .ending import ENDING, counted
from .items import Witness
from .queue import ErrorState, known_ids, queued_errors
from .values import added_to_the_code, first_witness, values_in


def witnessed(context: RepoContext, ledger: Ledger, item: Witness, tests: Inspection) -> Witness:
    """Return a witness with what was seen: both sides were run in clean checkouts, with the test commands of the project.

    Raises:
        Refusal: if the test is not new, or does not tell the code of the opening from that of HEAD.
    """
    for id in item.items:
        _refuse_unless_mended(ledger, id)
    new = _new_test(context, ledger, item.test)
    _refuse_the_same_input(context, ledger, item, new)
    plan = Plan(metric=METRIC, direction="lower", verify=tests.command_line(), read="channel")
    repo, head = context.repo, context.repo.head()
    tree = planted(repo.git, ledger.commit, {new.path: (new.new_mode.encode(), new.new_id.encode())})
    opening = repo.commit_tree(tree, ledger.commit, "autoresearch: the code of the opening, a new test")
    sides = (opening, _unread(context, ledger))
    (before, wrong), (after, worse) = (counted(context, ledger, plan, commit) for commit in sides)
    anything = _expects_anything(context, ledger, plan, new.path)
    context.remove_checkouts(ENDING)
    if before is None or after is None:
        raise _refused(f"{item.test} could not be run: {wrong or worse}")
    failed = _failures(ledger, before, new.path)
    _refuse_unless_it_tells(new.path, failed, before, after)
    if anything:
        raise _refused(
            f"{item.test} passes as well where it expects something else: what it compares is equal to anything"
        )
    words = redactor()(failed[0].message)
    seen = f"At the opening {len(failed)} of its tests failed ({words}), at {head[:7]} none"
    return item.model_copy(update={"seen": seen, "blob": new.new_id})


def _refuse_unless_mended(ledger: Ledger, id: str) -> None:
    one = next((one for one in queued_errors(ledger) if one.id == id), None)
    if one is None or not one.wants_witness:
        how = one.state if one else "not there"
        how = "seen by its checker wherever it is" if one and one.state is ErrorState.FIXED else how
        raise _refused(f"{id} is {how}. A witness is for bugs and failing tests that the last count found mended")


def _new_test(context: RepoContext, ledger: Ledger, path: str) -> TreeChange:
    changed = context.repo.entries(ledger.commit, context.repo.head())
    entry = next((one for one in changed if one.path == path), None)
    if entry is None or not entry.added or not TEST_FILE.search(path):
        what = "was there at the opening" if entry or context.repo.content(ledger.commit, path) else "is not in git"
        what = what if TEST_FILE.search(path) else "is no test file by its name"
        raise _refused(f"{path} {what}. Write a new test file beside the others, and commit it")
    return entry


_NAMED = re.compile(r"^(?:\s*(?:async\s+)?(?:def|class)\s+(\w+)|(\w+)\s*(?::[^=]+)?=[^=])", re.MULTILINE)


def _refuse_the_same_input(context: RepoContext, ledger: Ledger, item: Witness, new: TreeChange) -> None:
    """Refuse a test in which no value stands that neither the first witness nor the change itself has: it would try once more
    what is known to pass. One that speaks of a name which the change itself added fails at the opening whatever was wrong.
    """
    repo, errors = context.repo, [one.entry.item for one in queued_errors(ledger) if one.id in item.items]
    text = text_at(context, repo.head(), new.path)
    tried = [first_witness(context, ledger, one) for one in errors]
    known, values = values_in("\n".join(tried)), values_in(text)
    if all(tried) and values and values <= known:
        raise _refused(f"{item.test} tries no value that the first witness did not try. Try another input")
    change = added_to_the_code(repo.diff(ledger.commit, repo.head()))
    asked = [
        text_at(context, ledger.commit, path) for path in (*_code(context, ledger), *(one.found.path for one in errors))
    ]
    there = set(re.findall(r"\w+", "\n".join([*asked, *(str(one.found.message) for one in errors)])))
    added = {name for names in _NAMED.findall(change) for name in names if name}
    if fresh := sorted((added - there) & set(re.findall(r"\w+", text))):
        raise _refused(
            f"The change itself added {', '.join(fresh)}, so {item.test} fails at the opening whatever was wrong. Try what failed"
        )
    if all(tried) and values and values <= known | values_in(change):
        raise _refused(f"Every value that {item.test} tries stands in the change itself. Try one that does not")


def _code(context: RepoContext, ledger: Ledger) -> list[str]:
    """Return the Python files beside the tests that changed since the opening."""
    changed = context.repo.entries(ledger.commit, context.repo.head())
    return [one.path for one in changed if one.path.endswith(".py") and not TEST_FILE.search(one.path)]


_UNREAD = "exec(compile(__import__('zlib').decompress(__import__('base64').b85decode({0!r})), __file__, 'exec'))\n"


def _unread(context: RepoContext, ledger: Ledger) -> str:
    """Return a commit of HEAD whose changed code does what it does, and cannot be read: what only looks at its text fails there."""
    git, head = context.repo.git, context.repo.head()
    texts = context.repo.contents(head, _code(context, ledger))
    hidden = {path: _UNREAD.format(base64.b85encode(zlib.compress(text))).encode() for path, text in texts.items()}
    files = {
        path: (FILE.encode(), git.run("hash-object", "-w", "--stdin", stdin=it).strip()) for path, it in hidden.items()
    }
    return context.repo.commit_tree(planted(git, head, files), head, "autoresearch: code that cannot be read")


def _expects_anything(context: RepoContext, ledger: Ledger, plan: Plan, path: str) -> bool:
    """Return whether a Python test passes at HEAD also where its comparisons expect another value."""
    text = text_at(context, context.repo.head(), path)
    other = _expecting_otherwise(text) if path.endswith(".py") else ""
    if not other:
        return False
    git, head = context.repo.git, context.repo.head()
    blob = git.run("hash-object", "-w", "--stdin", stdin=other.encode()).strip()
    tree = planted(git, head, {path: (FILE.encode(), blob)})
    seen, _ = counted(
        context, ledger, plan, context.repo.commit_tree(tree, head, "autoresearch: a test that expects else")
    )
    return seen is not None and not seen.of(Trouble.CRASH) and not _failures(ledger, seen, path)


def _expecting_otherwise(text: str) -> str:
    """Return a test with another value in place of all that its assertions expect; empty where they compare nothing."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ""
    changed = False
    for node in ast.walk(tree):
        for part in ast.walk(node) if isinstance(node, ast.Assert) else ():
            if isinstance(part, ast.Compare) and isinstance(part.ops[-1], ast.Eq):
                if _calls(part.left) or not _calls(part.comparators[-1]):
                    part.comparators[-1] = _altered(part.comparators[-1])
                else:
                    part.left = _altered(part.left)
                changed = True
        if isinstance(node, ast.Call) and len(node.args) > 1 and getattr(node.func, "attr", "") == "assertEqual":
            node.args[1] = _altered(node.args[1])
            changed = True
    return ast.unparse(tree) if changed else ""


def _calls(node: ast.expr) -> bool:
    return any(isinstance(part, ast.Call) for part in ast.walk(node))


_OTHER = """\
lambda it: (
    it + type(it)((0,)) if type(it) in (list, tuple, bytes)
    else it + "x" if type(it) is str
    else {**it, object(): 0} if type(it) is dict
    else it | {object()} if type(it) in (set, frozenset)
    else not it if type(it) is bool
    else it * -2 - 1 if type(it) in (int, float)
    else object()
)
"""
"""Another value of the same kind: what is equal to every list may be equal to nothing else."""


def _altered(expected: ast.expr) -> ast.expr:
    return ast.Call(ast.parse(_OTHER.strip(), mode="eval").body, [expected], [])


def _failures(ledger: Ledger, before: Tally, path: str) -> list[Diagnostic]:
    """Return the tests of a new file that failed; where a runner names no file, those that the ledger does not know."""
    known = known_ids(ledger)
    return [one for one in before.of(Trouble.TEST) if one.path == path or (not one.path and one.id not in known)]


def _refuse_unless_it_tells(path: str, failed: list[Diagnostic], before: Tally, after: Tally) -> None:
    lost = next((one.message for one in before.of(Trouble.CRASH) if one.path == path), "")
    if lost:
        raise _refused(f"With the code of the opening {path} cannot be loaded ({lost}), which shows nothing")
    if not failed:
        raise _refused(f"With the code of the opening {path} passes too, so it tells nothing. Try what was wrong")
    names = {one.id for one in failed}
    still = next((one for one in after.first if one.id in names or one.path == path), None)
    if still is not None:
        raise _refused(
            f"{path} fails at HEAD: {still.message}. It ran where the text of the changed code cannot be read"
        )
    if (after.ran or 0) < (before.ran or 0):
        raise _refused(f"At HEAD {after.ran} tests run, {before.ran} did with the code of the opening")


def _refused(message: str) -> Refusal:
    return Refusal(Code.EVIDENCE, f"{redactor()(message)}.")
