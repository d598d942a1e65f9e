"""Run what is to prove an item: its command and its control in the user's checkout, and in one of ours what a proof rests on."""

from __future__ import annotations

from collections.abc import Mapping

from ...diagnostics.tracebacks import TEST_FILE
from ...errors import Code, Refusal
from ...git.paired_checkout import PairedCheckout
from ...iteration.gates import listed
from ...lab.context import PROOF, RepoContext
from ...process.runner import CommandRun, CommandSpec
from ...process.screen import cure, screen
from ..ledger.evidence import REPRODUCED, disproved, mended, pending, shown
from ..ledger.items import Cited, Proof
from ..ledger.state import Ledger, Observed, Ran
from .controls import Control
from .left_alone import edited, left_as_it_was
from .rests_on import as_it_was, changed_outside, differing, outside_files, own_files, words_of_author
from .runner import observed
from .stand_ins import END
from .trials import TIMEOUT_S, cited_code, elsewhere, elsewhere_otherwise, fails_alike, only_here, run_command, tried

CANCELLED = "The call was cancelled. Make it again to go on."
NOBODY = "not run: nobody agreed to it. A person can, with `autoresearch-mcp approve` in a terminal."


def prove(
    context: RepoContext,
    proof: Proof,
    cited: Cited | None = None,
    known: Ran | None = None,
    *,
    mends: str = "",
    clean: bool = False,
    uncommitted: bool = False,
    anew: bool = False,
) -> Ran:
    """Run a proof's command and its control, if a person agreed to both; say that nobody did otherwise. `anew` joins no run
    that an earlier call left, and `clean` runs it in a checkout of ours, of what git has.

    Where it is to show a fault in the code that is `cited`, it is tried there with stand-ins for that code, unless `known` is a run
    in which that was seen already. Files that its commands name count as they were when it did: those of the project are put back
    for the run, others have to be as they were. Where it passes then, it has to fail still at the commit where it showed the
    fault; and once the end of the file that it `mends` does.

    Raises:
        Refusal: if a command is one that is never run, or left the checkout changed.
    """
    control = Ran(command=proof.control) if proof.control else None
    agreed = [_agreed(context, command) for command in proof.commands]  # each is asked for, not only the first
    kept = {"files": proof.files, "outside": proof.outside, "commit": proof.commit}
    unseen = Ran(command=proof.command, fails_with=proof.fails_with, control=control, why=NOBODY, **kept)
    if not all(agreed):
        return unseen
    then = differing(context, proof)
    lost = [path for path, id in proof.files if id and path in then and then[path] is None]
    if lost := [*lost, *changed_outside(proof)]:
        why = f"not run: {listed(lost)} is not what showed the fault, so what became of it cannot be told. Put it back as it was then."
        return unseen.model_copy(update={"why": why})
    before = outside_files(context, proof) if cited else {}
    left: list[str] = []
    if then or clean:
        found = elsewhere(context, as_it_was(context, proof, then) if clean else then, proof, anew=anew, clean=clean)
    else:
        with left_as_it_was(context, proof) as left:
            found = [reproduce(context, one, fails_with=proof.fails_with, anew=anew) for one in proof.commands]
    if context.runs.cancelled:
        raise Refusal(Code.INCOMPLETE, CANCELLED)
    seen, *others = found
    seen = seen.model_copy(
        update={"control": next(iter(others), None), "put_back": tuple(then), "left": tuple(left), **kept}
    )
    if cited and shown(seen):
        return _shown_of(context, proof, cited, seen, known, before)
    if not (then or clean or uncommitted) and (nowhere_else := _only_here(context, seen)):
        return seen.model_copy(update={"says_nothing": nowhere_else})
    if mended(seen):
        why = _spent(context, proof, then) or _idle(context, proof, mends, then)
        return seen.model_copy(update={"says_nothing": why})
    return seen


def _shown_of(
    context: RepoContext, proof: Proof, cited: Cited, seen: Ran, known: Ran | None, before: Mapping[str, str]
) -> Ran:
    """Return what a proof shows of the code that it cites, with all that it rests on: whoever runs it later finds it so, or not.
    What it wrote itself meanwhile is none of that.
    """
    rests = Proof(command=proof.command, fails_with=proof.fails_with, control=proof.control)
    now = outside_files(context, rests)
    found = {
        "files": tuple(own_files(context, rests, cited.path).items()),
        "outside": tuple((path, digest) for path, digest in now.items() if before.get(path) == digest),
        "commit": context.repo.head(),
    }
    seen = seen.model_copy(update=found)
    seen = seen.model_copy(update={"own_words": words_of_author(seen.proof)})
    if known and known.emptied == cited_code(context, cited).name:
        told = {"emptied": known.emptied, "without": known.without, "says_nothing": known.says_nothing}
        return seen.model_copy(update=told)
    return tried(context, seen.proof, cited, seen)


def _spent(context: RepoContext, proof: Proof, then: Mapping[str, bytes | None]) -> str:
    """Return why a proof that passes says nothing of what became of the fault: it passes by now at the commit too where it showed
    it, or that is there no more.
    """
    if not proof.commit:
        return ""
    files = as_it_was(context, proof, then)
    found = elsewhere(context, files, proof, commit=proof.commit, anew=True, clean=True)
    if fails_alike(found):
        return ""
    where = f"{proof.commit[:7]}, where it showed the fault,"
    if found[0].exit_code is None:
        return f"it could not be run at {where} to compare: {found[0].why}"
    return f"it does not fail any more at {where} so it is spent: what became of the fault cannot be told by it"


def _only_here(context: RepoContext, seen: Ran) -> str:
    """Return why a run says nothing of what git has: in a checkout of ours, of HEAD, it ends otherwise. What was built here alone
    cannot be told there.
    """
    if not (shown(seen) or (edited(context) and (mended(seen) or disproved(seen)))):
        return ""
    ended = elsewhere(context, {}, Proof(command=seen.command, fails_with=seen.fails_with))[0]
    return only_here(context) if elsewhere_otherwise(ended, seen) else ""


def _idle(context: RepoContext, proof: Proof, path: str, then: Mapping[str, bytes | None]) -> str:
    """Return why a proof that passes says nothing of a file: it passes as well where that file cannot be loaded to its end, or
    although a Python test of it raises.
    """
    there = context.repo.content(context.repo.head(), path) if path.endswith(".py") else None
    if there and elsewhere(context, {**then, path: there + END.encode()}, proof)[0].passed:
        return f"it passes as well where {path} fails at its end, so it never gets there"
    if not any(TEST_FILE.search(one) for one, _ in proof.files):
        return ""
    place = PairedCheckout(context.repo, PROOF, pristine=True)
    control = Control(context, place, TIMEOUT_S, files=as_it_was(context, proof, then))
    passed = control.passing_anyway([proof.command], context.repo.head())
    place.remove()
    return f"it passes although {listed(passed)} raises, so something lets it pass" if passed else ""


def _agreed(context: RepoContext, command: str) -> bool:
    if reason := screen(command).refused:
        raise Refusal(Code.BAD_ARGUMENT, f"`{command}` is not run here: {reason}. {cure(reason)}")
    if not (agreed := context.consent.agreed_to(command)):
        context.consent.want(command)
    return agreed


def run_agreed(context: RepoContext, command: str, timeout_s: float) -> CommandRun | None:
    """Run a command at the top of the checkout, also one that an earlier call has run; None where no person agreed to it.

    Raises:
        Refusal: if the command is one that is never run.
    """
    if not _agreed(context, command):
        return None
    key = context.runs.key(f"run {command} at {context.now()}")
    return context.runs.run(key, CommandSpec(command, context.repo.root, timeout_s))


def reproduce(
    context: RepoContext, command: str, timeout_s: float = TIMEOUT_S, fails_with: str = "", *, anew: bool = False
) -> Ran:
    """Run a command at the top of the checkout if a person agreed to it; say that nobody did otherwise.

    Raises:
        Refusal: if the command is one that is never run.
    """
    if not _agreed(context, command):
        return Ran(command=command, why=NOBODY)
    key = context.runs.key(f"reproduce {command}{f' at {context.now()}' if anew else ''}")
    return run_command(context, key, CommandSpec(command, context.repo.root, timeout_s), command, fails_with)


def run_pending(context: RepoContext, ledger: Ledger) -> list[Observed]:
    """Run the commands of items that nobody had agreed to when these were recorded."""
    agreed = context.consent.agreed_to
    seen = {
        id: prove(context, proof, _cited_in(ledger, id))
        for id, proof in pending(ledger)
        if all(map(agreed, proof.commands))
    }
    facts = {id: ran.model_dump(mode="json", exclude_defaults=True) for id, ran in seen.items()}
    return [observed(context, REPRODUCED, **facts)] if facts else []


def _cited_in(ledger: Ledger, id: str) -> Cited | None:
    entry = ledger.find(id)
    return entry.item if entry and isinstance(entry.item, Cited) else None
