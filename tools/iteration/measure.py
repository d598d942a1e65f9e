"""The steps of an iteration that run commands: verify, the guards, the holdout."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from ..decision.decide import NextStep, Trial
from ..decision.failures import FailureClass
from ..decision.judging import Arm
from ..decision.measured import GuardResult, Measurement, Place, bent
from ..errors import Code, Refusal
from ..git.repo import shown
from ..lab.context import CONTROL, RepoContext, way_back
from ..measurement.meter import REFLOG_ACTION, guard_baselines
from ..measurement.runs import RunNumbers, RunSpec, at_checkout, tracked_edits
from ..plan.scope import Scope
from ..session.events import GuardsRan, HeldOut, Verified
from ..session.state import Session
from ..storage.disk import keep_evidence
from ..vocabulary import Phase
from .aside import land
from .clean_runs import in_clean_checkout, in_paired_checkout, meter_of, of_the_change
from .commit_checks import Drift, drift_since_start, refuse_tampering, refuse_uncommitted
from .unparsed import with_unparsed


def verify(context: RepoContext) -> None:
    """Run verify on the latest attempt until its evidence decides; not at all where that was done."""
    while context.phase is Phase.COMMITTED:
        _verify_once(context)


def _verify_once(context: RepoContext) -> None:
    """Run verify once, on the candidate or, where the race asks for it, on the incumbent; before a keep in a clean checkout."""
    session = context.active
    if not session.open_trial.aside:
        refuse_tampering(context)
    compare = session.verdict is not None and session.verdict.next is NextStep.COMPARE
    clean = None if compare else session.clean_arm
    arm = clean or (Arm.INCUMBENT if compare else Arm.CANDIDATE)
    if _other_ground(context):
        return
    spec = _next_run(context, arm) if clean is None else in_clean_checkout(context, arm)
    if spec.place is Place.CHECKOUT:
        refuse_uncommitted(context)
    before = frozenset(context.repo.untracked().paths)
    watch = HeadWatch(context)
    spec = replace(spec, curve=session.curve)  # of both arms: else it would tell which one runs
    ran = meter_of(context).verify(spec, session.start.verify_timeout_s)
    if clean is not None:
        ran, arm = of_the_change(context, spec, arm, ran)
    if moved := watch.brought_back():
        ran = ran.model_copy(update={"value": None, "tampered": (*ran.tampered, *moved)})
    measurement = _checked(context, spec, ran)
    if arm is Arm.CANDIDATE and measurement.failure is FailureClass.RUNTIME and measurement.exit_code:
        measurement = with_unparsed(context.repo, session.open_trial, measurement)
    left = _new_files(context, before)
    unseen = context.paired_checkout.unseen() if spec.place is Place.ARENA else ()
    if measurement.failure is FailureClass.CANCELLED:
        arm = Arm.CANDIDATE  # whoever cancels gives the change up, whichever arm was running
    context.record(
        Verified(iteration=session.last_iteration + 1, arm=arm, measurement=measurement, untracked=left, unseen=unseen)
    )
    if clean is not None:
        # Not before: whoever joins a run that is not recorded yet would not find what it left, and take it for tampered with.
        context.remove_checkouts(CONTROL)


def _other_ground(context: RepoContext) -> bool:
    """End the iteration where git's settings or the machine changed since its commit: nothing can be compared any more."""
    if not (found := _drift(context).all):
        return False
    context.record(Verified(iteration=context.active.open_trial.number, measurement=Measurement(tampered=found)))
    return True


def _next_run(context: RepoContext, arm: Arm) -> RunSpec:
    """The next run of an arm: a noisy metric is measured in the second checkout, an exact one where the user works."""
    session, trial = context.active, context.active.open_trial
    run = len(trial.candidate if arm is Arm.CANDIDATE else trial.incumbent) + 1
    seed = session.start.seed
    if session.seeds_vary:
        wanted = session.finding.seed
        seed = secrets.randbelow(2**31) if wanted is None else wanted
    numbers = RunNumbers(trial.number, run, seed)
    return _of_arm(context, arm, numbers)


def run_again(context: RepoContext, session: Session, commit: str, iteration: int) -> Measurement:
    """One more run of a commit of the session, in the second checkout."""
    seed = secrets.randbelow(2**31) if session.seeds_vary else session.start.seed
    spec = in_paired_checkout(context, commit, session.start.base, RunNumbers(iteration, seed=seed))
    return meter_of(context).verify(spec, session.start.verify_timeout_s)


def _of_arm(context: RepoContext, arm: Arm, numbers: RunNumbers) -> RunSpec:
    """Specify a run of an arm: of a candidate where the user works, unless both arms take turns or it stands beside the branch."""
    session, trial = context.active, context.active.open_trial
    if arm is Arm.CANDIDATE and not session.noisy and not trial.aside:
        return at_checkout(context.repo, trial.commit, numbers)
    commit = trial.commit if arm is Arm.CANDIDATE else trial.parent
    return in_paired_checkout(context, commit, session.start.base, numbers)


def _new_files(context: RepoContext, before: frozenset[str]) -> tuple[str, ...]:
    """Return the untracked files that a run left behind. Nobody waits with theirs for a change that stands beside the branch."""
    if context.active.open_trial.aside:
        return ()
    return tuple(shown(path) for path in context.repo.untracked().paths if path not in before)


def _drift(context: RepoContext) -> Drift:
    """Compare the ruler with what was sealed. What is measured in checkouts of ours alone is compared there, file by file."""
    found = drift_since_start(context)
    return replace(found, files=()) if context.active.open_trial.aside else found


def _checked(context: RepoContext, spec: RunSpec, measurement: Measurement) -> Measurement:
    """Return the measurement, without its number if the ruler or the measured files changed meanwhile."""
    if spec.place is Place.CHECKOUT:
        context.repo.status()  # asked for below; whatever else asks for a part of it finds it there
    found = _drift(context)
    other = bent(context.active.start.baseline[-1].trained, measurement.trained)
    if bent_by := tuple(dict.fromkeys((*found.all, *measurement.tampered, *other))):
        _set_aside(context, found.files)
        return measurement.model_copy(update={"value": None, "tampered": bent_by})
    if spec.place is Place.CHECKOUT and (edits := tracked_edits(context.repo, context.active.plan)):
        problem = _take_back(context, edits)
        return measurement.model_copy(update={"value": None, "problem": problem, "failure": FailureClass.RUNTIME})
    return measurement


def _take_back(context: RepoContext, edits: Sequence[str]) -> str:
    """Put files outside the scope back, which were as in the commit before the run; returns what to say of all that changed.

    What is in scope may be the agent's next edit, and stays.
    """
    plan, scope = context.active.plan, Scope(context.active.plan.scope)
    outside = [path for path in edits if not scope.matches(path)]
    inside = [path for path in edits if scope.matches(path)]
    said = ["Tracked files changed while the command ran, so what was measured is not what was committed."]
    if inside:
        said.append(f"In scope, left as they are: {_listed(inside)}.")
    if outside:
        kept = _evidence(context)
        keep_evidence(kept, context.repo.root, outside)
        context.index.put_back([change for change in context.repo.changes() if change.path in outside])
        named = ", ".join(f'"{shown(path)}"' for path in (*plan.outputs, *outside))
        said.append(
            f"Outside the scope, as in the commit before it ran and put back now, their content kept in {kept}: "
            f"{_listed(outside)}. If `{plan.verify}` writes them in normal work, a person can put them into the plan of a "
            f"new session: outputs = [{named}]; if a change of theirs belongs to the experiment, into its scope."
        )
    return " ".join(said)


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(map(shown, paths[:8])) + (f" and {len(paths) - 8} more" if len(paths) > 8 else "")


def _evidence(context: RepoContext) -> Path:
    session = context.active
    return context.repo.own_folder / "evidence" / session.id / str(session.last_iteration + 1)


def _set_aside(context: RepoContext, files: Sequence[str]) -> None:
    """Keep the evidence, then give the tracked files back what the session was started with."""
    keep_evidence(_evidence(context), context.repo.root, files)
    tracked = set(context.repo.tracked())
    context.index.restore([path for path in files if path in tracked])


def guard(context: RepoContext) -> None:
    """Run every guard on an attempt that looks better, unless they have run; then ask the holdout, if the plan has one."""
    if context.phase is not Phase.VERIFIED:
        return
    refuse_tampering(context)
    if _other_ground(context):
        return
    trial = context.active.open_trial
    if trial.guards is None and context.active.plan.has_guards:
        _run_guards(context, trial)
    if context.phase is Phase.VERIFIED:
        _hold_out(context, context.active.open_trial)


def _run_guards(context: RepoContext, trial: Trial) -> None:
    session = context.active
    spec = _of_arm(context, Arm.CANDIDATE, RunNumbers(trial.number, seed=session.start.seed))
    if spec.place is Place.CHECKOUT:
        refuse_uncommitted(context)
    before = frozenset(context.repo.untracked().paths)
    watch = HeadWatch(context)
    results = meter_of(context).guards(spec, session.start.guard_timeout_s, guard_baselines(session.start.guards))
    if trial.aside and not session.noisy and not all(result.passed for result in results):
        land(context)  # they are only known to work where the session does
        return _run_guards(context, context.active.open_trial)
    results = tuple(_probed(context, trial, result) for result in results)
    moved = watch.brought_back()
    left = _new_files(context, before)
    context.record(GuardsRan(iteration=trial.number, results=results, untracked=left))
    if trial.measurement is None:
        return
    after = _checked(context, spec, trial.measurement.model_copy(update={"tampered": moved}))
    if after.tampered:
        context.record(Verified(iteration=trial.number, measurement=after.model_copy(update={"seconds": 0.0})))


def _probed(context: RepoContext, trial: Trial, result: GuardResult) -> GuardResult:
    """Try a red guard on the incumbent, where a second checkout is known to work: the guard itself may be broken."""
    session = context.active
    if result.passed or context.runs.cancelled or not session.noisy or result.guard not in session.plan.guards:
        return result
    spec = _of_arm(context, Arm.INCUMBENT, RunNumbers(trial.number, seed=session.start.seed))
    return result.model_copy(
        update={
            "broken": meter_of(context).guard_fails(spec, result.guard, session.start.guard_timeout_s),
            "runs": result.runs + 1,
        }
    )


def _hold_out(context: RepoContext, trial: Trial) -> None:
    """Measure candidate and incumbent on what was kept back; only whether they agree with verify is written down."""
    session, meter = context.active, meter_of(context)
    numbers = RunNumbers(trial.number, seed=session.start.seed)
    values, seconds, watch = [], 0.0, HeadWatch(context)
    for commit in (trial.commit, trial.parent):
        spec = in_paired_checkout(context, commit, session.start.base, numbers)
        value, took = meter.holdout(spec, session.start.verify_timeout_s)
        values.append(value)
        seconds += took
    if (moved := watch.brought_back()) and trial.measurement is not None:
        bent_by = trial.measurement.model_copy(update={"value": None, "tampered": moved, "seconds": seconds})
        context.record(Verified(iteration=trial.number, measurement=bent_by))
        return
    agreed, problem = session.holdout_agrees(*values)
    context.record(HeldOut(iteration=trial.number, agreed=agreed, seconds=seconds, problem=problem))


class HeadWatch:
    """Where HEAD stood when it was made, before commands ran."""

    def __init__(self, context: RepoContext) -> None:
        self._context, self._repo = context, context.repo
        self._branch, self._head = self._repo.branch(), self._repo.head()
        self._untracked = frozenset(self._repo.untracked().paths)
        self._log = self._repo.git_dir / "logs" / "HEAD"
        self._lines = len(self._logged())

    def brought_back(self) -> tuple[str, ...]:
        """What the commands did to HEAD, in words, after that was taken back; nothing where they left it alone.

        Raises:
            Refusal: if it cannot be proved that they did it, or it cannot be taken back.
        """
        branch, head = self._repo.branch(), self._repo.head()
        if (branch, head) == (self._branch, self._head):
            return ()
        moves = self._logged()[self._lines :]
        if not moves or not all(move.partition(b"\t")[2].startswith(REFLOG_ACTION.encode()) for move in moves):
            raise self._unproved(branch, head)
        places = f"from {self._branch} at {self._head[:7]} to {branch or 'no branch'} at {head[:7]}"
        stay: Collection[str] = self._untracked
        if branch == self._branch:  # what a command committed was there before, or is a file that it made
            stay = [entry.path for entry in self._repo.entries(self._head, head) if entry.added]
        kept = self._context.index.bring_back(self._branch, self._head, stay)
        return (f"the repository: a command moved HEAD {places}; it was brought back{_kept(kept)}",)

    def _unproved(self, branch: str, head: str) -> Refusal:
        if branch != self._branch:
            where = f"{branch or 'no branch'} instead of {self._branch}"
            cure = f"Go back with `git switch {self._branch}`, then make the same call again."
        else:
            where, cure = f"{head[:7]} instead of {self._head[:7]}", way_back(head, self._head)
        message = f"HEAD is at {where} since commands ran, moved by them or by somebody else. No result was recorded."
        return Refusal(Code.HEAD_MOVED, f"{message} {cure}")

    def _logged(self) -> list[bytes]:
        try:
            return self._log.read_bytes().splitlines()
        except OSError:
            return []


def _kept(refs: Sequence[str]) -> str:
    return f", and what was there is kept by {', '.join(map(shown, refs))}" if refs else ""
