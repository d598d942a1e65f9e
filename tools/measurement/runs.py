"""The commands that one call runs: each has a key, by which a later call, of this server or another, joins its run."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from signal import SIGKILL, SIGTERM

from ..decision.measured import Curve, Place
from ..git.checkout import PathChange
from ..git.experiment import ExperimentIndex
from ..git.paired_checkout import PairedCheckout
from ..git.repo import Repo, shown
from ..git.stamps import Stamp
from ..plan.model import Plan
from ..plan.scope import Scope
from ..process.isolation import available, passed_on, policy_for, wrap
from ..process.run_notes import RunNotes
from ..process.runner import NO_GPU, CommandRun, CommandSpec, Listener, Runner
from ..project.measurement_inputs import protected_globs
from ..storage.disk import keep_evidence
from .outcome import TAIL_CHARACTERS

CHANNEL_NAME = "AUTORESEARCH_CHANNEL"
PADDING_NAME, MOST_PADDING = "AUTORESEARCH_PADDING", 4096
NEVER_RUN = CommandRun(-1, False, 0.0, "", "", cancelled=True)
"""What a run is when its call was cancelled before it began."""
GPU_TICK_S = 0.5
"""How often a run looks whether a GPU is free, in seconds."""


SMALL_SHARE = 0.25
"""Of the machine's memory: who has less than that is not the one that filled it."""


@dataclass(frozen=True)
class RunNumbers:
    """What a command is told of its run: the iteration, how often this code was run in it, and the seed."""

    iteration: int = 0
    run: int = 1
    seed: int = 0


@dataclass(frozen=True, eq=False)
class RunSpec:
    """One run to make: where, of which commit and tree, and its numbers. Equal in a pair but for the commit.

    `checkout` is ours, none the user's own. What git does not have and commands may need is `untracked`; protected files
    are taken from the commit `sealed`. A run may be held against the incumbent's learning `curve`, one of the incumbent as
    well as one of the candidate.
    """

    place: Place
    folder: Path
    commit: str
    tree: str
    numbers: RunNumbers = RunNumbers()
    sealed: str = ""
    checkout: PairedCheckout | None = None
    untracked: tuple[str, ...] = ()
    curve: Curve = ()


def padding(numbers: RunNumbers) -> str:
    """Return a text of a length that follows from the numbers of a run, which the k-th runs of both arms share.

    The length of the environment moves the stack, and that alone can change a run time by more than an optimisation does
    (Mytkowicz and others, Producing wrong data without doing anything obviously wrong, 2009, who vary it up to 4096 bytes).
    """
    known = f"{numbers.seed} {numbers.iteration} {numbers.run}"
    return "x" * (int.from_bytes(hashlib.sha256(known.encode()).digest()[:4]) % MOST_PADDING)


def at_checkout(repo: Repo, commit: str, numbers: RunNumbers = RunNumbers()) -> RunSpec:
    """Specify a run in the user's own checkout, which stands at `commit`."""
    return RunSpec(Place.CHECKOUT, repo.root, commit, repo.tree(commit), numbers)


class RunService:
    """Runs the commands of one call, or joins those that an earlier call began.

    `scope` says which state of the session the keys are for, `listener` hears how a command goes, and `is_cancelled` tells
    whether the call was; nothing is run from then on.
    """

    def __init__(
        self,
        repo: Repo,
        now: Callable[[], float],
        scope: Callable[[], str],
        listener: Listener,
        is_cancelled: Callable[[], bool],
        folder: Path | None = None,
        owner: Path | None = None,
    ) -> None:
        """`folder` is where the runs are noted, by default in the repository's folder of ours: those of the call at work. With an
        `owner`, a file, they end once nobody holds its lock.
        """
        self.repo = repo
        self.now = now
        place = folder or repo.own_folder
        self.runner = Runner(place / "runs", owner)
        self.notes = RunNotes(place / "begun")
        self.cancelled = False
        self.ready_for: RunSpec | None = None
        """The run that its checkout was last brought to, if nothing else ran there since."""
        self.left: tuple[RunSpec, dict[str, Stamp]] | None = None
        """The run that was made last, if it left the protected files as they were, with their stamps since."""
        self._scope = scope
        self._listener = listener
        self._is_cancelled = is_cancelled
        self._asked: Counter[str] = Counter()
        self._seconds = 0.0

    def key(self, what: str) -> str:
        """Return the id of a run, the same for the same run of the same call, so that a later server finds it again."""
        self._asked[what] += 1
        whole = f"{self._scope()} {self._asked[what]} {what}"
        return hashlib.sha256(whole.encode()).hexdigest()[:20]

    def stamps_left(self, spec: RunSpec, protected: Collection[str]) -> dict[str, Stamp] | None:
        """Return the stamps of protected files as the run before left them, where none was rewritten to bring the second checkout
        to this run. Whatever else touches one meanwhile shows in the look after this run.
        """
        if self.left is None or spec.checkout is None or not spec.checkout.left_alone:
            return None
        before, stamps = self.left
        if before.checkout is not spec.checkout:
            return None
        rewritten = self.repo.entries(before.commit, spec.commit)
        return None if any(shown(entry.path) in protected for entry in rewritten) else stamps

    def tell(self, line: str) -> None:
        """Tell whoever listens to the runs what happened between two of them."""
        self._listener(self._seconds, line)

    def run(self, key: str, command: CommandSpec) -> CommandRun:
        """Run a command, or join the run that has this key."""
        before = self._seconds

        def listen(seconds: float, line: str) -> None:
            self._listener(before + seconds, line)

        self.cancelled = self.cancelled or self._is_cancelled()
        self.repo.invalidate()
        run = NEVER_RUN
        while not self.cancelled and (run := self.runner.run(command, key, listen)) is NO_GPU:
            listen(0.0, "waits for a GPU that is free")
            time.sleep(GPU_TICK_S)
            self.cancelled = self._is_cancelled()
        self.repo.invalidate()
        self.cancelled = self.cancelled or run.cancelled
        self._seconds += run.seconds  # progress only ever grows, also over several runs in one call
        return run

    def run_sandboxed(self, plan: Plan, key: str, command: CommandSpec, own: str) -> CommandRun:
        """Run a command of a plan with the variables that the plan passes on; in a sandbox if there is a folder of its `own`
        that it may write.
        """
        channel = command.variables.get(CHANNEL_NAME, "")
        variables = {**passed_on(plan.environment, os.environ), **command.variables}
        command = replace(command, variables=variables, channel=channel)
        if not own:
            return self.run(key, command)
        writable = (own, *([str(Path(channel).parent)] if channel else []))
        limits = (plan.network, plan.memory_mb, plan.processes)
        policy = policy_for(self.repo, command.folder, plan.scope, limits, writable)
        walled = replace(command, variables={**variables, "TMPDIR": own}, wrap=lambda argv: wrap(argv, policy))
        return self.run(key, walled)

    def clear(self) -> None:
        """End and forget every run."""
        self.runner.clear()
        self.notes.clear()


def ended_from_outside(run: CommandRun) -> bool:
    """Return whether something outside ended a run that has no reason to end itself: SIGTERM, or SIGKILL although it had little
    memory, as when the kernel makes room for another process.
    """
    if run.timed_out or run.cancelled:
        return False
    signal = -run.exit_code if run.exit_code < 0 else run.exit_code - 128
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return signal == SIGTERM or (signal == SIGKILL and run.peak_bytes < SMALL_SHARE * total)


def has_sandbox(plan: Plan) -> bool:
    """Return whether this plan's commands run in a sandbox here."""
    return plan.sandbox != "off" and bool(available().mechanism)


def sandbox_words(plan: Plan) -> str:
    """Say what stands between the commands and the machine, as it is and not as the plan wishes."""
    if plan.sandbox == "off":
        return "off: commands may do on this machine what you may"
    offer = available()
    if not offer.mechanism:
        return f"off: {offer.why_not}"
    network = "with network" if plan.network else "no network"
    where = "scope, ignored build folders, caches and a temporary folder"
    return f"on ({offer.mechanism}): commands write only in {where}; {network}; they can read everything that you can"


def without_outputs(plan: Plan, changes: Sequence[PathChange]) -> tuple[PathChange, ...]:
    """Leave out the changes of files that the plan says its commands write; a protected file is none of them."""
    if not plan.outputs:
        return tuple(changes)
    outputs, protected = Scope(plan.outputs), Scope(protected_globs(plan))
    return tuple(c for c in changes if not outputs.matches(c.path) or protected.matches(c.path))


def tracked_edits(repo: Repo, plan: Plan) -> tuple[str, ...]:
    """Return the tracked paths that differ from HEAD, and are not the plan's to put back."""
    return tuple(edit.path for edit in without_outputs(plan, repo.status().edits))


def restore_outputs(repo: Repo, plan: Plan, aside: Path | None = None) -> None:
    """Put the plan's outputs back as they are in the commit, those that git tracks. First keep them `aside`, if it is given."""
    if not plan.outputs:
        return
    rest = {edit.path for edit in without_outputs(plan, repo.status().edits)}
    changed = [edit for edit in repo.status().edits if edit.path not in rest]
    if changed and aside is not None:
        keep_evidence(aside, repo.root, [change.path for change in changed])
    ExperimentIndex(repo).put_back(changed)


def end_of(file: Path) -> str:
    """Return the end of a file that a command wrote instead of printing: `train > run.log 2>&1; grep loss run.log`."""
    if not file.is_file():  # a pipe in its place would hold us up
        return ""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - 2 * TAIL_CHARACTERS))
            return opened.read().decode(errors="replace")
    except OSError:
        return ""
