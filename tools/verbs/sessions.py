"""Session verbs: start and finish."""

from __future__ import annotations

import secrets
import time

from ..errors import Code, Refusal
from ..git.repo import shown
from ..iteration import confirm as fresh_runs
from ..iteration.announce import announce_end
from ..iteration.baseline import longest, noise_words
from ..iteration.preflight import Preflight, preflight, refuse_unless_passed, trunk_words
from ..iteration.recent import RecentCheck
from ..lab.context import RepoContext
from ..lab.masking import as_shown
from ..lab.plan_file import chosen_plan
from ..measurement.ruler import ruler_now
from ..parallel.board import board_of
from ..parallel.crew import dismiss
from ..parallel.submitting import candidate_ref
from ..parallel.workspaces import close_all
from ..plan.model import Plan
from ..project.harness import HARNESS_FILES
from ..report.writing import morning, plan_text
from ..session.events import Finished, Started
from ..session.results import PAGE_FILE, PICTURE_FILE, RESULTS_FILE, baseline_row, flat
from ..session.state import Session
from ..session.summary import summarise
from ..storage.masked_lines import remember_masked
from ..vocabulary import Tool, following
from ..workflows.running.store import LEDGER_FOLDERS
from .base import RepoPath
from .overview import Overview
from .session_answers import SessionFinished, SessionStarted

SHORTEST_TIMEOUT_S = 120.0
TIMEOUT_FACTOR = 4.0
_ANEW = 'For a branch of its own, call finish_session before the first try, and start again with branch = "autoresearch/NAME" in the plan'


class Sessions(Overview):
    """Open a session, say how it stands, close it."""

    def start_session(self, plan: Plan, preset: str = "", repo: RepoPath = "") -> SessionStarted:
        """Use once check_plan is green: seals the plan, measures the baseline (iteration 0) and opens the session.

        Without arguments it takes the plan that check_plan just passed, else the plan file `autoresearch.toml`; a plan's
        fields are taken too, as check_plan takes them. `preset` = `gpt` insists on the plan file of the GPT harness. Refused
        while a session is open on the branch, on a dirty tree, with a red guard, or without a person's consent to the
        commands. From here on no tool takes a command.
        """
        with self._lab.for_writing(repo, Tool.START_SESSION) as context:
            sealed = chosen_plan(context, _preset(context, plan, preset))
            recent = self._lab.checked.get(context.repo.own_folder)
            found = preflight(context, sealed, recent if isinstance(recent, RecentCheck) else None)
            refuse_unless_passed(found)
            started = _begin(context, sealed, found)
            self._lab.checked.pop(context.repo.own_folder, None)
            return started

    def finish_session(self, squash_branch: str = "", confirm: bool = True, repo: RepoPath = "") -> SessionFinished:
        """Use when the goal is reached, the budget is spent, or the person asks to stop: closes the session for good.

        Where something was kept, baseline and best are first run in turn once more, up to six times each within the time
        that the plan leaves, a tenth of its minutes at least, and the answer says whether the gain holds; `confirm` = false leaves that out. Answers with
        the final summary. `squash_branch` = a new branch name also makes one clean commit of all kept changes, on the
        commit that the session started from. Refused in the middle of an iteration.
        """
        with self._lab.for_writing(repo, Tool.FINISH_SESSION) as context:
            fresh_runs.confirm(context, confirm, squash_branch)
            session = as_shown(context, context.active)
            if squash_branch:
                seen = morning(context)
                stands = session.headline.standing
                kept = [
                    f"#{one.iteration} {one.description} ({one.change})" for one in seen.kept if one.iteration in stands
                ]
                summary = "\n".join([*seen.summary.lines(), *([""] if kept else []), *kept])
                message = f"{flat(session.plan.goal) or 'Results of an autoresearch session'}\n\n{summary}\n"
                context.repo.squash(squash_branch, session.start.base, session.head, message)
            undecided = [
                f"Not decided, and still there as {candidate_ref(session.id, one.candidate)}: {one.description[:80]}"
                for one in board_of(context).open_ones(session.last_iteration)
            ]
            dismiss(context)
            left = close_all(context)
            context.record(Finished(squashed=squash_branch))
            context.write_results()
            context.remove_checkouts()
            self._lab.passed.pop(context.repo.root, None)
            return SessionFinished(
                phase=context.phase,
                next=[Tool.REPORT, Tool.HISTORY, Tool.START_SESSION],
                recovered=context.call.recovered,
                summary=summarise(context.active, context.now()),
                results_file=RESULTS_FILE,
                branch=session.start.branch,
                squashed=squash_branch,
                left=list(left),
                note="\n".join(
                    filter(None, [_doubted(context), _elsewhere(context, session), *undecided, announce_end(context)])
                ),
            )


def _doubted(context: RepoContext) -> str:
    doubt = context.journal.doubt()
    return f"The journal may have been written by somebody else: {doubt}." if doubt else ""


def _elsewhere(context: RepoContext, session: Session) -> str:
    """Say that the branch is not at what was measured last; empty where it is."""
    head = context.repo.head()
    if head == session.head:
        return ""
    return (
        f"All of this is told of {session.head[:7]}. {session.start.branch} is at {head[:7]}, which was not measured."
    )


def _preset(context: RepoContext, plan: Plan, preset: str) -> Plan:
    if preset not in {"", "gpt"}:
        raise Refusal(
            Code.BAD_ARGUMENT, f"{preset!r} is no preset. Leave it out, or use `gpt` in a GPT harness repository."
        )
    if preset == "gpt" and not all((context.repo.root / name).is_file() for name in HARNESS_FILES):
        message = "This is not a GPT harness repository. Make one with `autoresearch-mcp init gpt DIR` and open it."
        raise Refusal(Code.BAD_PLAN, message)
    return Plan() if preset == "gpt" else plan


def _begin(context: RepoContext, plan: Plan, found: Preflight) -> SessionStarted:
    baseline = found.baseline
    assert baseline is not None, "every gate was passed"
    if plan.branch and plan.branch != context.branch:
        context.repo.switch_to_new_branch(plan.branch)
    for name in (RESULTS_FILE, RESULTS_FILE.replace(".tsv", ".edited-*.tsv"), PICTURE_FILE, PAGE_FILE):
        context.repo.exclude(f"/{name}")
    for name in (RESULTS_FILE, PICTURE_FILE, PAGE_FILE):
        context.repo.exclude(f"/.{name}.draft")
    context.repo.exclude(LEDGER_FOLDERS)  # now, because a ledger that is opened later may not change git's settings
    previous = context.session
    event = Started(
        plan=plan,
        branch=plan.branch or context.branch,
        base=context.repo.head(),
        protected=dict(baseline.ruler.protected),
        sealed=dict(ruler_now(context.repo, plan).sealed),  # the lines above changed git's list of excluded files
        machine=dict(baseline.ruler.machine),
        outputs=baseline.ruler.outputs,
        seed=baseline.seed,
        untracked=tuple(shown(change.path) for change in context.repo.changes()),
        baseline=baseline.runs,
        guards=baseline.guards,
        verify_timeout_s=plan.verify_timeout_s or _timeout(longest(baseline.runs)),
        guard_timeout_s=plan.guard_timeout_s or _timeout(longest(baseline.guards)),
    )
    identity = f"{time.strftime('%y%m%d-%H%M')}-{secrets.token_hex(3)}"
    _archive(context, previous)
    remember_masked(context.repo.own_folder, plan_text(plan))  # a page that another shell makes shows the plan as well
    context.record(event, session=identity)
    context.write_results()
    return _started(context, event, found)


def _archive(context: RepoContext, previous: Session | None) -> None:
    """Take the view of the session before out of the way; its rows stay in the journal. A foreign file is set aside."""
    file = context.repo.root / RESULTS_FILE
    if previous is not None and context.write_results() is None:
        file.unlink(missing_ok=True)


def _timeout(baseline_s: float) -> float:
    return max(SHORTEST_TIMEOUT_S, TIMEOUT_FACTOR * baseline_s)


def _started(context: RepoContext, event: Started, found: Preflight) -> SessionStarted:
    return SessionStarted(
        phase=context.phase,
        next=list(following(context.phase)),
        session=context.active.id,
        branch=event.branch,
        baseline=context.active.baseline,
        row=baseline_row(event),
        samples=found.baseline.values if found.baseline else [],
        reused=found.reused,
        noise=noise_words(event.plan, found.baseline) if found.baseline else "",
        note=f"{on_trunk}. {_ANEW}" if (on_trunk := trunk_words(context, event.plan)) else "",
        verify_timeout_s=event.verify_timeout_s,
        guard_timeout_s=event.guard_timeout_s,
        results_file=RESULTS_FILE,
    )
