"""The gates that a plan has to pass before a session, each with what was seen and its cure. The repository is not changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import Code, Refusal
from ..git.branches import is_trunk
from ..git.checkout import PathChange
from ..git.experiment import HookFailure
from ..git.locks import LOCK_CURE
from ..git.repo import shown
from ..lab.context import RepoContext
from ..measurement.load import load_now
from ..measurement.ruler import protected_now
from ..measurement.runs import without_outputs
from ..plan.checks import problems
from ..plan.model import PLAN_FILE, Plan
from ..plan.scope import Scope
from ..project.candidates import scope_warnings
from ..project.measurement_inputs import measured_in_scope, protected_globs
from ..project.projects import recognise
from ..project.scan import scan
from ..session.commits import sample_message
from ..session.results import RESULTS_FILE
from ..session.summary import count_of
from ..storage.disk import keep_evidence
from ..text.redaction import redact_tail
from ..vocabulary import Phase
from .advice import advice
from .baseline import (
    Baseline,
    first_run,
    further_runs,
    holdout_answers,
    noise_words,
    place_warning,
    sabotaged,
    with_guards,
)
from .gates import PYTHON, GateRow, agreed, interpreted, listed, row_of, sandboxed, screened
from .measure import HeadWatch
from .recent import RecentCheck
from .run_gates import guarded, unsteady, verified


@dataclass(frozen=True)
class Preflight:
    """The gates as they were found. There is a baseline only if every gate before it was passed. `reused` says of one that
    was measured before.
    """

    gates: tuple[GateRow, ...]
    baseline: Baseline | None = None
    consent_missing: tuple[str, ...] = ()
    reused: str = ""

    @property
    def passed(self) -> bool:
        """Whether a session could start."""
        return all(gate.passed for gate in self.gates)


def preflight(context: RepoContext, plan: Plan, recent: RecentCheck | None = None, *, anew: bool = False) -> Preflight:
    """Try every gate of a plan: those that only look first, then, if a person agreed to the commands, those that run.

    What is `recent` and still stands is not run again, unless all is to be measured `anew`.
    """
    gates = [*_repository(context, plan), *_plan(plan)]
    fields_fine = all(gate.passed for gate in gates if gate.gate == "plan")
    if not context.repo.head():
        return Preflight((*gates, _not_run("verify", "there is no commit to measure")))
    if not fields_fine:
        return Preflight((*gates, _not_run("verify", "the plan's fields come first")))
    gates += [*_files(context, plan), *screened(plan), *interpreted(plan, context.repo.root), sandboxed(plan)]
    missing = context.consent.missing(plan)
    gates.append(agreed(missing, context.consent.told(plan)))
    if missing:
        context.consent.want(*missing)
        return Preflight((*gates, _not_run("verify", "nobody agreed to its command yet")), consent_missing=missing)
    if not all(gate.passed for gate in gates if gate.gate == "sandbox"):
        return Preflight((*gates, _not_run("verify", "there are no walls to run it behind")))
    if not all(gate.passed for gate in gates if gate.gate == "screen"):
        return Preflight((*gates, _not_run("verify", "a command was refused")))
    stands = recent if recent is not None and recent.stands(context, plan) else None
    if stands and not anew and all(gate.passed for gate in gates):
        return Preflight(tuple(gates), stands.baseline, reused=stands.words(context))
    return _measured(context, plan, gates, passed_before=stands is not None)


def _not_run(gate: str, why: str) -> GateRow:
    return GateRow(gate=gate, passed=False, seen=f"not run: {why}", cure="Cure the gates above and check again.")


def _repository(context: RepoContext, plan: Plan) -> Iterator[GateRow]:
    repo = context.repo
    if not repo.head():
        yield row_of("commits", "there are no commits yet", "Commit your files first: git add ... && git commit.")
    if not context.branch:
        yield row_of("branch", "HEAD is detached", "Stand on a branch: git switch -c <name>.")
    if doing := repo.in_progress():
        yield row_of("repository", f"in the middle of {doing[0]}", f"End it first: {doing[1]}.")
    if lock := repo.held_lock():
        yield row_of("repository", f"another git process holds {lock}", LOCK_CURE)
    if context.phase is not Phase.NO_SESSION:
        yield row_of("session", "a session is open on this branch", "Finish it with finish_session, or go on with it.")
    if foreign := repo.git.foreign_filters:
        cure = (
            "They are programs that the repository brought along. If they are yours, make them your own setting: "
            "git config --global filter.NAME.clean ... (smudge, process), and git config --unset them here."
        )
        yield row_of("git filters", f"not run: {listed(foreign)}, set in the repository's own configuration", cure)
    yield from _tree(context.repo.changes(), plan)
    if told := trunk_words(context, plan):
        own = 'give the plan branch = "autoresearch/NAME", which start_session makes and stands on, or switch before'
        cure = f"To keep {context.branch} clean, {own}: git switch -c autoresearch/NAME"
        yield row_of("branch", f"warning: {told}. {cure}")
    if plan.branch and not (context.call.again and repo.head() == repo.tip(plan.branch)):
        yield _refusable("branch", lambda: repo.check_new_branch(plan.branch), f"{plan.branch} can be created")
    if RESULTS_FILE in repo.tracked():
        yield row_of("results", f"{RESULTS_FILE} is tracked by git", f"git rm --cached {RESULTS_FILE} and commit.")


def trunk_words(context: RepoContext, plan: Plan) -> str:
    """Say what becomes of the branch that a session would work on, where that is one into which work is merged; else nothing."""
    branch = context.branch
    if plan.branch or not branch or not is_trunk(context.repo, branch):
        return ""
    return f"each try, and its undo, becomes a commit on {branch} itself and stays there"


def _refusable(gate: str, check: Callable[[], None], seen: str) -> GateRow:
    try:
        check()
    except Refusal as refusal:
        return row_of(gate, refusal.message.split(". ")[0], refusal.message)
    return row_of(gate, seen)


def _tree(changes: Sequence[PathChange], plan: Plan) -> Iterator[GateRow]:
    edited = [change.path for change in changes if change.tracked]
    scope = Scope(plan.scope)
    inside = [c.path for c in changes if not c.tracked and scope.matches(c.path) and c.path != PLAN_FILE]
    if edited:
        yield row_of("clean tree", f"uncommitted changes: {listed(edited)}", "Commit them, or git stash.")
    if inside:
        cure = "Commit them, ignore them, or narrow the scope; outside the scope untracked files are left alone."
        yield row_of("untracked files", f"untracked inside the scope: {listed(inside)}", cure)
    if not edited and not inside:
        yield row_of("clean tree", "nothing is uncommitted in scope")


def _plan(plan: Plan) -> list[GateRow]:
    found = [row_of("plan", f"{problem.field}: {problem.seen}", f"{problem.cure}.") for problem in problems(plan)]
    return found or [row_of("plan", "every field is fine")]


def _files(context: RepoContext, plan: Plan) -> Iterator[GateRow]:
    tracked, scope, protected = context.repo.tracked(), Scope(plan.scope), Scope(protected_globs(plan))
    files = [path for path in tracked if scope.matches(path)]
    mine = [path for path in files if not protected.matches(path)]
    if not mine:
        near = sorted({path.split("/")[0] + ("/" if "/" in path else "") for path in tracked})
        seen = f"{listed(plan.scope)} covers no tracked file" + (" that is not protected" if files else "")
        yield row_of("scope", seen, f"Name files that exist; the top of the repository holds {listed(near)}.")
        return
    warnings = scope_warnings(mine, recognise(tracked, scan(context.repo.root, tracked)))
    yield row_of("scope", count_of(len(mine), "file") + "".join(f"; warning: {warning}" for warning in warnings))
    sealed = protected_now(context.repo, plan)
    if own := measured_in_scope(plan.verify, tracked, scope, protected):
        word = "warning: verify runs these files of the scope, so the number is the experiment's own word"
        yield row_of("ruler", f"{word}: {listed(own)}; let a protected file measure if you can")
    for guard in (*plan.guards, *(metric.command for metric in plan.metric_guards)):
        if own := measured_in_scope(guard, tracked, scope, protected):
            word = f"warning: the guard `{guard}` runs files of the scope, so an experiment can turn it green"
            yield row_of("ruler", f"{word}: {listed(own)}; protect them if you can")
    for glob in plan.protected:
        if not glob.startswith("!") and not any(map(Scope((glob,)).matches, sealed)):
            yield row_of(
                "protected", f"{glob!r} matches nothing", "Correct the glob: an unprotected ruler can be bent."
            )


def _measured(context: RepoContext, plan: Plan, gates: list[GateRow], passed_before: bool) -> Preflight:
    changes = context.repo.changes()
    before, untracked = {c.path for c in changes if c.tracked}, {c.path for c in changes}
    context.remove_checkouts()  # what an earlier session left there is not this one's
    watch = HeadWatch(context)
    gates += _hooks(context, plan)
    load = load_now()
    found = first_run(context, plan)
    gates.append(verified(plan, found.runs[0], passed_before))
    if found.failed is None:
        found = with_guards(context, plan, found)
        gates += [guarded(plan, result) for result in found.guards]
    if found.failed is None and all(result.passed for result in found.guards):
        found = further_runs(context, plan, found)
        gates += advice(plan, found, load, load_now()) if found.failed is None else ()
        gates += _controls(context, plan, found)
    if moved := watch.brought_back():
        cure = "Let no command commit, switch or reset: the server keeps and takes back by commits of its own."
        gates.append(row_of("verify leaves the tree alone", "; ".join(moved), cure))
    dirtied, kept = put_back(context, plan, before)
    if dirtied:
        named = ", ".join(f'"{shown(path)}"' for path in (*plan.outputs, *dirtied[:6]))
        cure = (
            f"They were put back, their content is kept in {kept}. If it was you who edited meanwhile, take that from there once "
            f"this has passed: files must be left alone while it runs. If the commands write them, every try would look like an "
            f"edit: let them write elsewhere, stop tracking the files, or let the plan own them: outputs = [{named}]."
        )
        gates.append(row_of("verify leaves the tree alone", f"{listed(dirtied)} changed while the commands ran", cure))
    after = without_outputs(plan, context.repo.changes())
    if left := tuple(shown(c.path) for c in after if not c.tracked and c.path not in untracked):
        gates.append(
            row_of("verify leaves the tree alone", f"warning: new untracked files {listed(left)}; ignore them in git")
        )
    return Preflight(tuple(gates), found)


def _hooks(context: RepoContext, plan: Plan) -> Iterator[GateRow]:
    """Would the repository's hooks let the commit of an experiment pass?"""
    before = {change.path for change in context.repo.changes() if change.tracked}
    touched = [path for path in context.repo.tracked() if Scope(plan.scope).matches(path)][:1]
    try:
        said = context.index.try_hooks(sample_message(plan.commit_style, touched))
    except HookFailure as failure:
        cure = (
            "No try could be committed. If it wants another form of messages, say which by `commit_style`, e.g. "
            'commit_style = "perf:"; else cure what it found, or let a person change the hook.'
        )
        row = row_of("hooks", f"a hook refuses the commit of an experiment: {str(failure).partition(':')[0]}", cure)
        yield row.model_copy(update={"output": redact_tail(str(failure), 300)})
        return
    finally:
        wrote, _ = put_back(context, plan, before)
    if said is not None:
        told = f"; what they wrote was put back: {listed(wrote)}" if wrote else ""
        yield row_of("hooks", f"they let a commit pass that begins with: {said.partition(chr(10))[0]}{told}")


def put_back(context: RepoContext, plan: Plan, before: Collection[str]) -> tuple[list[str], Path]:
    """Put tracked files back that were as in the commit before something ran; return their names, and where what stood there
    is kept.
    """
    context.repo.invalidate()
    changes = without_outputs(plan, context.repo.changes())
    written = [change for change in changes if change.tracked and change.path not in before]
    kept = context.repo.own_folder / "evidence" / f"check-{int(context.now())}"
    if written:
        keep_evidence(kept, context.repo.root, [change.path for change in written])
        context.index.put_back(written)
    return [change.path for change in written], kept


def _controls(context: RepoContext, plan: Plan, found: Baseline) -> Iterator[GateRow]:
    """Try whether the metric holds still when nothing changes, moves when something breaks, and the holdout answers."""
    if found.failed is not None:
        yield unsteady(found, context.paired_checkout.folder)
        return
    yield row_of("no-op control", noise_words(plan, found))
    if warning := place_warning(plan, found):
        yield row_of("second checkout", warning)
    if plan.sabotage:
        moved, seen = sabotaged(context, plan, found)
        yield row_of("sabotage control", seen, "" if moved else "The metric cannot move: let verify measure the scope.")
    if plan.holdout:
        answers = holdout_answers(context, plan, found)
        cure = f"Let it print the metric `{plan.metric}` and exit 0."
        yield row_of("holdout", "gives a number" if answers else "gave no number", "" if answers else cure)


def refuse_unless_passed(found: Preflight) -> None:
    """Refuse to start with a red gate.

    Raises:
        Refusal: naming each failed gate and its cure.
    """
    if found.passed:
        return
    failed = [gate for gate in found.gates if not gate.passed or gate.gate == PYTHON]
    message = " ".join(
        f"[{gate.gate}] {gate.seen}. {gate.cure}" + (f" Output ends: {gate.output!r}." if gate.output else "")
        for gate in failed
    )
    raise Refusal(Code.CONSENT_NEEDED if found.consent_missing else Code.GATE_FAILED, message)
