"""What a person does with results: take a keep back, ask what each still earns, put them on a branch, show them to a stranger."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from pathlib import Path

from ...tools.driver.settling import settle as settled
from ...tools.errors import Code, Refusal
from ...tools.lab.access import Lab
from ...tools.text.redaction import redactor, visible
from ...tools.verbs.claims import ClaimChecked, Claims, verify_claim
from ...tools.verbs.loop import Loop
from ...tools.verbs.loop_answers import Iterated
from ...tools.verbs.parallel import Parallel
from ...tools.verbs.taking import Taking
from .printing import print_answer
from .tool_commands import asked


def undo(root: Path, options: Namespace) -> int:
    """Try the best without a keep; returns the exit status: 1 if the keep stayed."""
    number, kept = options.iteration, []
    shown = f"Iteration {number} goes, whatever that costs: it is measured, and only a crash or a guard keeps it.\n\n"
    if options.force and (status := asked(shown, "undo")):
        return status

    def ask() -> Iterated:
        answer = Loop(Lab(root)).undo(number, options.force)
        kept.append(answer.status is not None and answer.status.kept)
        return answer

    return print_answer(options.json, ask) or int(kept != [True])


def settle(root: Path, options: Namespace) -> int:
    """Bring the open try to its end."""
    lab = Lab(root)

    def ask() -> Iterated:
        answer = settled(lab, time.sleep, "a person gave it up", tries=1)
        if answer is None:
            raise Refusal(Code.OUT_OF_ORDER, "No try is open here, so there is nothing to settle.")
        return answer

    return print_answer(options.json, ask)


def ablate(root: Path, options: Namespace) -> int:
    """Print what each keep still earns."""
    return print_answer(options.json, lambda: Taking(Lab(root)).ablate(options.minutes))


def apply(root: Path, options: Namespace) -> int:
    """Put keeps on another branch, or each on one of its own."""
    taking = Taking(Lab(root))
    if options.each:
        return print_answer(options.json, lambda: taking.hand_over(options.branch, options.keeps, begins=_say))
    return print_answer(options.json, lambda: taking.apply(options.branch, options.keeps, options.squash, begins=_say))


def _say(line: str) -> None:
    sys.stderr.write(f"{redactor()(line)}\n")
    sys.stderr.flush()


def workspace(root: Path, options: Namespace) -> int:
    """Make a workspace, bring it onto the newest best, or take it away."""
    made = Parallel(Lab(root))
    return print_answer(options.json, lambda: made.workspace(options.name, options.direction, options.release))


def claim(root: Path, options: Namespace) -> int:
    """Write a session as a signed file."""
    key = Path(options.key).expanduser() if options.key else None
    return print_answer(options.json, lambda: Claims(Lab(root)).make(Path(options.file).expanduser(), key))


def verify(root: Path, options: Namespace) -> int:
    """Say what of such a file holds; returns the exit status: 1 if something does not."""
    signers = Path(options.signer).expanduser() if options.signer else None
    found: list[ClaimChecked] = []

    def agreed(command: str) -> bool:
        shown = f"To replay it, code from {options.file} runs as you, on this machine, by\n\n  {visible(command)}\n\n"
        return options.allow_commands or asked(shown, "yes") == 0

    def ask() -> ClaimChecked:
        found.append(verify_claim(Path(options.file).expanduser(), signers, options.replay, agreed))
        return found[0]

    return print_answer(options.json, ask) or int(not found[0].holds)
