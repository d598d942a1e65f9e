"""The commands for what a session kept: take back, carry over, show to a stranger."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Mapping

from .command import JSON, CliCommand, argument, within


def _numbers(text: str) -> tuple[int, ...]:
    words = text.split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise ArgumentTypeError(f"{text} is not a list of iterations, as 2,5,7")
    return tuple(map(int, words))


TAKING: Mapping[str, CliCommand] = {
    "undo": CliCommand(
        "try the best without a kept change, which goes where that is not worse",
        "cli.taking_commands:undo",
        (
            argument("iteration", type=within(int, 1), help="the keep"),
            argument("--force", action="store_true", help="let it go whatever that costs; asks a person first"),
            JSON,
        ),
        says="Measured and logged as an iteration, with guards. Later keeps that need the change are named, and nothing is changed.",
        exits="Exit status: 0 taken back; 1 the keep stayed, or nobody agreed; 2 refused, with the reason on standard error.",
    ),
    "settle": CliCommand(
        "bring the open try to its end: measured and decided where it was committed, else taken back",
        "cli.taking_commands:settle",
        (JSON,),
        says="For a try whose agent is gone. It gets its row; files that were edited since its commit keep the edit, and are named.",
        exits="Exit status: 0 it is decided; 2 refused, with the reason on standard error.",
    ),
    "apply": CliCommand(
        "put the kept changes on another branch, measured there before it moves",
        "cli.taking_commands:apply",
        (
            argument(
                "branch",
                nargs="?",
                default="",
                help="a branch that no checkout stands on; one that is not there begins where the session did (default: the "
                "session's own name with `-kept`)",
            ),
            argument("--keeps", type=_numbers, metavar="N,N", default=(), help="only the keeps of these iterations"),
            argument("--squash", action="store_true", help="one commit (default: one a keep)"),
            argument(
                "--each", action="store_true", help="a branch for each keep alone, BRANCH-N for that of iteration N"
            ),
            JSON,
        ),
        says="Your checkout is not touched. The branch before and after runs in turn in a second checkout, then the guards; it stays "
        "as it was where a keep does not fit, a guard is red, or it would be worse. Works after the session was finished as well.",
    ),
    "workspace": CliCommand(
        "a folder of its own to try changes in, at the newest best, beside the session's checkout",
        "cli.taking_commands:workspace",
        (
            argument(
                "name", nargs="?", default="", help="bring this one onto the newest best (default: make a new one)"
            ),
            argument("--direction", metavar="TEXT", default="", help="what is to be tried there, shown to agents"),
            argument("--release", action="store_true", help="take it away"),
            JSON,
        ),
        says="Refused where an edit would be lost.",
    ),
    "claim": CliCommand(
        "write the session as one signed file that a stranger can check",
        "cli.taking_commands:claim",
        (
            argument("file", metavar="FILE", help="the file to write: journal, branch, signature"),
            argument(
                "--key", metavar="FILE", default="", help="an SSH key of yours (default: one made for this account)"
            ),
            JSON,
        ),
        says="Needs OpenSSH. The file holds the journal of this repository and the history of the branch.",
    ),
    "verify-claim": CliCommand(
        "check such a file, offline: what holds, what does not, and what cannot be checked",
        "cli.taking_commands:verify",
        (
            argument("file", metavar="FILE", help="what `claim` wrote"),
            argument(
                "--signer",
                metavar="FILE",
                default="",
                help="public keys, one a line: the signer's has to be one of them",
            ),
            argument(
                "--replay",
                metavar="N",
                type=within(int, 1),
                default=0,
                help="run that keep and what it was kept over here, in turn",
            ),
            JSON,
        ),
        says="Needs OpenSSH and git, and no repository. Without --replay nothing of the file runs; with it a person is asked first.",
        exits="Exit status: 0 nothing was found against it; 1 something does not hold; 2 it is no such file, or was not replayed.",
    ),
    "ablate": CliCommand(
        "what each kept change still earns: the best is raced against itself without it",
        "cli.taking_commands:ablate",
        (
            argument(
                "--minutes",
                type=within(float, 0),
                default=0.0,
                help="take so long (default: what the budget leaves, at most 15)",
            ),
            JSON,
        ),
        says="Changes nothing in the repository. Keeps with the weakest evidence come first; names those that do not show that "
        "they earn their place, with the line that takes them back.",
    ),
}
