"""What is done with results: what each keep still earns, and keeps put on another branch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pydantic import BaseModel, Field

from ..errors import Code, Refusal
from ..iteration.ablate import KeepTest, ablate
from ..iteration.apply import apply
from ..iteration.keeps import standing
from ..lab.answers import Answer
from ..lab.context import RepoContext
from ..session.state import Session
from ..session.summary import count_of
from ..session.telling import Worth, worth_of
from ..vocabulary import Phase, Tool
from .base import RepoPath, Verbs

Begins = Callable[[str], None]


def _unheard(_: str) -> None: ...


class KeepWorth(BaseModel):
    """One keep: the change of the metric with it, against the best without it, and its 95 % interval, in words."""

    iteration: int
    description: str
    worth: Worth
    words: str

    @property
    def doubted(self) -> bool:
        """Whether it is worth trying to take it back."""
        return self.worth in {Worth.UNSHOWN, Worth.COSTS}


class KeepsTested(Answer):
    """What each keep still earns."""

    keeps: list[KeepWorth] = Field([], description="Oldest first.")

    def lines(self) -> list[str]:
        if not self.keeps:
            return ["No change is left that was kept."]
        doubted = [keep.iteration for keep in self.keeps if keep.doubted]
        told = [f"#{keep.iteration} {keep.description}: {keep.words}" for keep in self.keeps]
        undo = [f"autoresearch-mcp undo {number}" for number in doubted]
        return [*told, *(["To try the best without one, with guards:", *undo] if undo else [])]


class KeepsApplied(Answer):
    """The commits that a branch got, and what was measured there."""

    branch: str = ""
    commits: list[str] = Field([], description="Oldest first.")
    gain: str = Field("", description="The change of the metric there, with its 95 % interval.")
    guards: list[str] = []

    def lines(self) -> list[str]:
        count = len(self.commits)
        made = f"{self.branch} has {count} new {'commit' if count == 1 else 'commits'}: {' '.join(c[:7] for c in self.commits)}."
        guards = f" {count_of(len(self.guards), 'guard')} passed." if self.guards else ""
        return [f"{made} Measured there: {self.gain}.{guards}"]


class KeepsHandedOver(Answer):
    """A branch for each keep that holds alone, and why others have none."""

    branches: list[KeepsApplied] = []
    left: list[str] = Field([], description="Keeps without a branch, each with the reason.")

    def lines(self) -> list[str]:
        made = [line for branch in self.branches for line in branch.lines()]
        return [*made, *(f"No branch: {reason}" for reason in self.left)] or ["No change is left that was kept."]


class Taking(Verbs):
    """What a person does with results."""

    def ablate(self, minutes: float = 0.0, repo: RepoPath = "") -> KeepsTested:
        """Race the best against itself without each keep, in the time that the budget leaves or in so many minutes.

        Raises:
            Refusal: in the middle of an iteration, or without a session.
        """
        with self._lab.for_writing(repo, Tool.ITERATE, again=lambda context: context.phase is Phase.ENDED) as context:
            if context.phase not in {Phase.READY, Phase.ENDED}:
                raise Refusal(Code.OUT_OF_ORDER, "An iteration is open. Decide it first.")
            keeps = [_worth(context.active, test) for test in ablate(context, minutes)]
            return KeepsTested(phase=context.phase, next=context.following(), keeps=keeps)

    def apply(
        self,
        branch: str = "",
        keeps: Sequence[int] = (),
        squash: bool = False,
        repo: RepoPath = "",
        begins: Begins = _unheard,
    ) -> KeepsApplied:
        """Put keeps of the newest session on another branch, all or some, by default on a new one beside the session's; measured
        there before it moves; `begins` hears what is measured.

        Raises:
            Refusal: with nothing changed: see `apply` in `tools/iteration/apply.py`.
        """
        with self._lab.for_writing(repo, Tool.ITERATE, again=lambda context: context.session is not None) as context:
            return _applied(context, branch or f"{context.active.start.branch}-kept", keeps, squash, begins)

    def hand_over(
        self, prefix: str = "", keeps: Sequence[int] = (), repo: RepoPath = "", begins: Begins = _unheard
    ) -> KeepsHandedOver:
        """Make a branch for each keep of the newest session, or for those named, with that change alone, measured there as `apply`
        does. Where one does not fit without another, or shows to be worse alone, there is no branch and the reason is told.
        """
        with self._lab.for_writing(repo, Tool.ITERATE, again=lambda context: context.session is not None) as context:
            made, left = list[KeepsApplied](), list[str]()
            prefix = prefix or f"{context.active.start.branch}-kept"
            for keep in standing(context):
                number = keep.row.iteration
                if keeps and number not in keeps:
                    continue
                try:
                    made.append(_applied(context, f"{prefix}-{number}", (number,), squash=False, begins=begins))
                except Refusal as refusal:
                    left.append(f"{keep.words()}. {refusal.message}")
            return KeepsHandedOver(phase=context.phase, next=context.following(), branches=made, left=left)


def _applied(context: RepoContext, branch: str, keeps: Sequence[int], squash: bool, begins: Begins) -> KeepsApplied:
    if context.active.trial is not None:
        raise Refusal(Code.OUT_OF_ORDER, "An iteration is open. Decide it first.")
    found = apply(context, branch, keeps, squash, begins)
    if context.active.finished:
        context.paired_checkout.remove()
    return KeepsApplied(
        phase=context.phase,
        next=context.following(),
        branch=branch,
        commits=list(found.commits),
        gain=f"{found.gain}, {found.runs} runs in turn",
        guards=[guard.guard for guard in found.guards],
    )


def _worth(session: Session, test: KeepTest) -> KeepWorth:
    worth, words = _seen(session, test)
    row = test.keep.row
    return KeepWorth(iteration=row.iteration, description=row.description, worth=worth, words=words)


def _seen(session: Session, test: KeepTest) -> tuple[Worth, str]:
    found = test.found
    if test.needed_by:
        return (
            Worth.NEEDED,
            f"later keeps changed the same lines and need it: {', '.join(k.words() for k in test.needed_by)}.",
        )
    if found is None:
        return Worth.UNTRIED, "not tried, because the time was too short; --minutes gives more."
    return worth_of(session, found)
