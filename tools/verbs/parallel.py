"""Verbs for many changes at once: a place to edit in, and handing a change in."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..decision.designs import Method
from ..errors import Code, Refusal
from ..git.repo import shown
from ..git.untracked_copies import UntrackedPaths
from ..git.workspace import Workspace
from ..lab.access import Lab
from ..lab.answers import Answer
from ..lab.context import RepoContext
from ..measurement.meter import import_paths
from ..parallel.crew import candidate_lines, crew_of
from ..parallel.design_words import design_lines, knob_lines, last_design
from ..parallel.designs import begin
from ..parallel.servers import sign_in
from ..parallel.submitting import from_patch, hand_in, in_the_way, patch_of_branch
from ..parallel.workspaces import GivenWorkspace, give, release, workspace_lines
from ..session.summary import count_of
from ..vocabulary import Tool
from ..workflows.fix.hooks import refuse_hiding
from .base import Description, Hypothesis, RepoPath, Verbs

MOST_NAMED = 6
Knobs = Annotated[tuple[str, ...], Field(description="Names of candidates (c1, c2), each one change.")]
MethodName = Annotated[
    Literal["", "factorial", "screening", "halving"],
    Field(description="Empty: `factorial` up to six knobs, which finds pairs too; else `screening`."),
]
Repeats = Annotated[int, Field(ge=0, le=12, description="How often each combination is run; 0 = by the noise.")]
WorkspaceName = Annotated[str, Field(description="Small letters, digits, dashes. Empty: a new one.")]


class WorkspaceAnswer(Answer):
    """Where to edit."""

    name: str = ""
    path: str = Field("", description="Edit the files below this folder.")
    base: str = Field("", description="The commit that it stands on: the newest best.")
    iteration: int = Field(0, description="The iteration that kept that.")
    brought: str = Field("", description="What git does not have and was copied there, and what that took.")
    left: list[str] = Field([], description="What git does not have and did not come: make it there if you need it.")
    environment: dict[str, str] = Field(
        {}, description="Variables without which commands there import the user's own code."
    )
    others: list[str] = Field([], description="The other workspaces and what is tried there.")
    note: str = ""

    def lines(self) -> list[str]:
        if not self.path:
            return [self.note]
        return [
            f"Workspace {self.name}: {self.path}, at {self.base[:7]}, the best of iteration {self.iteration}.",
            *([self.brought] if self.brought else []),
            *([f"Not brought: {', '.join(self.left)}."] if self.left else []),
            *(f"Run commands there with {name}={value}" for name, value in self.environment.items()),
            *self.others,
        ]


class Submission(Answer):
    """What was handed in."""

    candidate: str = Field("", description="Its name, for cancel.")
    commit: str = ""
    files: list[str] = []
    added: int = 0
    removed: int = 0
    candidates: list[str] = Field([], description="The open candidates, and how they stand.")
    note: str = ""

    def lines(self) -> list[str]:
        stat = f"{count_of(len(self.files), 'file')}, +{self.added} -{self.removed}"
        return [f"Candidate {self.candidate} is handed in ({self.commit[:7]}, {stat}).", *self.candidates, self.note]


class DesignAnswer(Answer):
    """How a design stands, and what it found."""

    design: str = Field("", description="Its name, for cancel.")
    over: bool = False
    told: list[str] = []

    def lines(self) -> list[str]:
        return [*self.told, *([] if self.over else ["wait follows it."])]


class Parallel(Verbs):
    """Several changes beside one another."""

    def submit(
        self,
        description: Description,
        workspace: str = "",
        hypothesis: Hypothesis = "",
        patch: str = "",
        branch: str = "",
        knob: Annotated[bool, Field(description="Set it aside for `design`.")] = False,
        repo: RepoPath = "",
    ) -> Submission:
        """Use instead of iterate to hand a change in and go on at once: the edits in your `workspace`, or a `patch` against the
        newest best, or what a `branch` changed.

        The server measures candidates beside one another where that is fair, drops those that are not better, and runs the
        others as ordinary iterations on the newest best, one after the other. Your workspace is free for the next idea at once;
        workspace with its name brings it onto what was kept since. wait and status follow them. Refused as iterate is, with nothing handed in.
        """
        context = self._lab.for_reading(repo)
        context.require_phase(Tool.SUBMIT)
        if [bool(workspace), bool(patch), bool(branch)].count(True) != 1:
            raise Refusal(
                Code.BAD_ARGUMENT, "Give one of `workspace`, `patch` and `branch`. Call workspace to have one."
            )
        server = sign_in(self._lab, context.repo.own_folder)
        name = workspace
        if not workspace:
            given_patch = patch_of_branch(context, branch) if branch else patch.encode(errors="surrogateescape")
            name = from_patch(context, server, given_patch)
        try:
            made = hand_in(context, server, name, description, hypothesis, refuse_hiding, knob)
        except Refusal:
            if not workspace:
                Workspace(context.repo, name).remove()
            raise
        follow(self._lab, repo)
        one = made.submitted
        again = "The same call was made before: this is its candidate." if made.again else ""
        return Submission(
            phase=context.phase,
            next=context.following(),
            candidate=one.name,
            commit=one.commit,
            files=list(one.files),
            added=one.added,
            removed=one.removed,
            candidates=[*candidate_lines(context), *knob_lines(context)],
            note=" ".join(filter(None, (again, made.stays, "" if knob else in_the_way(context, one))))
            or ("It waits for design." if knob else "Go on with the next idea; wait follows it."),
        )

    def design(
        self, knobs: Knobs = (), method: MethodName = "", repeats: Repeats = 0, repo: RepoPath = ""
    ) -> DesignAnswer:
        """Use for several independent ideas at once: which help, which hurt, which interact. The server runs combinations of
        candidates that submit took with `knob` = true, or took before, and answers each one's effect with an interval.

        `halving` is for trainings: all at a short budget (the plan's `run_budget`), the best third at three times that, and so on.
        Nothing is kept by it: the best combination is handed in as a candidate. wait follows it; without knobs it tells of the
        last. Refused at once where knobs conflict.
        """
        context = self._lab.for_reading(repo)
        if knobs:
            context.require_phase(Tool.DESIGN)
            asked = Method(method) if method else None
            found = begin(context, knobs, asked, repeats)
            follow(self._lab, repo)
        elif (last := last_design(context)) is None:
            raise Refusal(
                Code.BAD_ARGUMENT,
                "There is no design yet. Hand each change in with submit and knob = true, then name two at least as `knobs`.",
            )
        else:
            found = last
        lines = design_lines(context, found)
        return DesignAnswer(
            phase=context.phase,
            next=context.following(),
            design=found.begun.name,
            over=found.ended is not None,
            told=lines,
        )

    def workspace(
        self, name: WorkspaceName = "", direction: str = "", release: bool = False, repo: RepoPath = ""
    ) -> WorkspaceAnswer:
        """Use to work beside other agents, or off the user's checkout: gives you a folder of your own at the newest best, with
        dependencies. Edit there by absolute path.

        `direction`: what you mean to try ("the optimiser"), shown to the others in status. With the `name` of a workspace of
        yours it is brought onto the newest best; `release` gives it back. Refused where that would lose an edit.
        """
        context = self._lab.for_reading(repo)
        context.require_phase(Tool.WORKSPACE)
        server = sign_in(self._lab, context.repo.own_folder)
        if release:
            return self._released(context, server, name)
        given = give(context, server, name, direction)
        return WorkspaceAnswer(
            phase=context.phase,
            next=context.following(),
            name=given.opened.name,
            path=str(given.place.folder),
            base=given.opened.base,
            iteration=given.opened.iteration,
            brought=_brought_words(given),
            left=[shown(path) for path in given.brought.left[:MOST_NAMED]] if given.brought else [],
            environment=import_paths(context.repo.root, given.place.folder),
            others=workspace_lines(context, but=given.opened.name),
        )

    def _released(self, context: RepoContext, server: str, name: str) -> WorkspaceAnswer:
        place = release(context, server, name)
        return WorkspaceAnswer(
            phase=context.phase, next=context.following(), name=name, note=f"{place.folder} was taken away."
        )


def follow(lab: Lab, repo: str) -> str:
    """Have the open candidates worked off, in a server; returns why they wait, in words."""
    if not lab.drives:
        return ""
    crew = crew_of(lab, repo, refuse_hiding)
    crew.wake()
    return crew.waits


def _brought_words(given: GivenWorkspace) -> str:
    brought = given.brought
    if brought is None or not brought.copied:
        return ""
    shared = f" ({brought.clones} of the files as clones, which take no room)" if brought.clones else ""
    return f"Copied: {_listed(brought)}; {brought.files} files, {brought.size / 2**20:.1f} MiB{shared}, {given.seconds:.1f} s."


def _listed(brought: UntrackedPaths) -> str:
    more = f" and {len(brought.copied) - MOST_NAMED} more" if len(brought.copied) > MOST_NAMED else ""
    return ", ".join(map(shown, brought.copied[:MOST_NAMED])) + more
