"""Every command of the command line: what it is for, what it takes, which function runs it, how it exits."""

from __future__ import annotations

from collections.abc import Mapping

from .command import JSON as _JSON
from .command import CliCommand
from .command import argument as _argument
from .command import within as _within
from .first_commands import BEFORE_A_SESSION, MACHINE
from .run_command import DRIVING
from .taking import TAKING

COMMANDS: Mapping[str, CliCommand] = {
    **BEFORE_A_SESSION,
    "approve": CliCommand(
        "say yes, in a terminal, to the commands that wait for a person",
        "cli.tool_commands:approve",
        (_argument("--json", action="store_true", help="list what waits for a yes as JSON, and ask nothing"),),
        exits="Exit status: 0 agreed, or nothing to agree to; 1 not agreed, or listed and waiting; 2 nothing could be asked.",
    ),
    "status": CliCommand("how the session on this branch stands", "cli.session_commands:status", (_JSON,)),
    "history": CliCommand(
        "the tries of the session, or one of them in full",
        "cli.session_commands:history",
        (
            _argument("iteration", nargs="?", type=_within(int, 0), default=-1, help="show this one in full"),
            _argument("--status", default="", help="only rows of this status, e.g. keep"),
            _argument("--search", default="", help="only rows with these words"),
            _argument(
                "--limit",
                type=_within(int, 0),
                default=20,
                help="at most so many rows; 0 counts them only (default: %(default)s)",
            ),
            _argument("--before", type=_within(int, 0), default=0, help="only iterations below this number"),
            _JSON,
        ),
    ),
    **TAKING,
    "best": CliCommand(
        "the best try in full: its change, why it was kept, its output", "cli.session_commands:best", (_JSON,)
    ),
    "diff": CliCommand(
        "a change as a patch: all that was kept, one try's, or what lies between two",
        "cli.session_commands:diff",
        (
            _argument(
                "iterations",
                metavar="N",
                nargs="*",
                type=_within(int, 0),
                help="0 is the baseline (default: all that was kept)",
            ),
        ),
        says="Secrets are masked, so a patch with one cannot be applied.",
    ),
    "hint": CliCommand(
        "say to the session's agent what it is to follow, while it works",
        "cli.steering_commands:hint",
        (
            _argument("words", metavar="WORD", nargs="*", help="what to follow (default: list what was said)"),
            _argument("--clear", action="store_true", help="take back what was said before"),
        ),
        says="The answers of `iterate` and `status` repeat it, and each leg of a run begins with it, until it is taken back.",
    ),
    "idea": CliCommand(
        "put an idea into the backlog of the session's agent, while it works",
        "cli.steering_commands:idea",
        (
            _argument("words", metavar="WORD", nargs="*", help="the idea (default: list the backlog)"),
            _argument("--done", metavar="N", type=_within(int, 1), default=0, help="take idea N out"),
        ),
    ),
    "pause": CliCommand(
        "let the session's agent begin nothing new until `resume`; a try at work goes on to its end",
        "cli.steering_commands:pause",
        (_argument("words", metavar="WORD", nargs="*", help="why; the agent is told"),),
        says="Its next `iterate` is refused, and a run begins no leg.",
    ),
    "resume": CliCommand("let a paused session go on", "cli.steering_commands:resume", ()),
    "export": CliCommand(
        "put the session into the store of an experiment tracker, or with `--bundle FILE` into one signed file",
        "cli.session_commands:export",
        (
            _argument("--to", choices=("mlflow", "tensorboard", "wandb-offline"), default="", help="the tracker"),
            _argument(
                "--into",
                metavar="PLACE",
                default="",
                help="a folder; of MLflow a database file, or an address",
            ),
            _argument(
                "--bundle",
                metavar="FILE",
                default="",
                help="write the signed file that `autoresearch-mcp claim FILE` writes",
            ),
        ),
        says="One run an iteration, with its numbers, its words and its patch; the plan's fields are parameters. Its library has to "
        "be installed beside this server.",
    ),
    "finish": CliCommand(
        "close the session: fresh runs of baseline and best, and the summary",
        "cli.session_commands:finish",
        (
            _argument(
                "--squash", metavar="BRANCH", default="", help="also make a branch: all that was kept as one commit"
            ),
            _argument("--no-confirm", action="store_true", help="leave the fresh runs out"),
            _JSON,
        ),
    ),
    "report": CliCommand(
        "the whole session to read",
        "cli.session_commands:report",
        (
            _argument(
                "--format",
                choices=["text", "md", "json", "csv", "png", "html"],
                default="text",
                help="text (default), md for a pull request, json, csv with all rows, png or html",
            ),
            _JSON,
        ),
    ),
    "watch": CliCommand(
        "follow a session as it runs, in this terminal or in a browser",
        "cli.watch:run",
        (
            _argument("--web", action="store_true", help="as a page on a port of this machine; prints its address"),
            _argument(
                "--port", type=_within(int, 0, 65535), default=0, help="the port for --web (default: a free one)"
            ),
            _argument("--json", action="store_true", help="print how it stands now as one JSON object, and leave"),
        ),
        says="Only reads, but for what a person says to the agent on the page, so it may run beside any client. Without a terminal each row is a line, until the session is finished. Ctrl-C leaves.",
    ),
    **DRIVING,
    "evals": CliCommand(
        "analyse a results file: ours, Karpathy's, Claude Autoresearch's, pi-autoresearch's",
        "cli.tool_commands:evals",
        (
            _argument("file", metavar="FILE", nargs="?", default="", help="the file (default: the newest one here)"),
            _JSON,
            _argument(
                "--direction", choices=["lower", "higher"], default="", help="which is better, if the file lacks it"
            ),
        ),
        says="Runs nothing and changes nothing. The session's own rows come from its journal.",
        exits="Exit status: 0 it was analysed, whatever came out; 2 there is nothing that could be.",
    ),
    "workflow": CliCommand(
        "open, look at, run or close the ledger of a workflow",
        "cli.tool_commands:workflow",
        (
            _argument("name", help="debug, fix, security, ship, scenario, predict, learn, regression, ..."),
            _argument("action", nargs="?", default="status", help="open, status (default), run or close"),
            _argument(
                "--set",
                metavar="KEY=VALUE",
                action="append",
                default=[],
                dest="pairs",
                help="an option; may be repeated",
            ),
            _JSON,
        ),
        says="For CI: what an agent calls as the tool `workflow`. Its commands run only where a person agreed to them.",
    ),
    "train": CliCommand(
        "train the GPT harness once, as a trial that counts for nothing",
        "cli.tool_commands:train",
        (
            _argument(
                "--budget",
                type=_within(float, 0),
                default=0.0,
                metavar="SECONDS",
                help="default: the budget of gpt.toml",
            ),
            _argument("--device", default="", help="cpu, cuda, cuda:1, mps or a UUID (default: what gpt.toml says)"),
            _JSON,
        ),
        exits="Exit status: 0 there is a score; 1 there is none; 2 refused, with the reason on standard error.",
    ),
    "gate": CliCommand(
        "for CI: whether what was asked for holds",
        "cli.tool_commands:gate",
        (
            _argument("--target", action="store_true", help="the session has reached its target"),
            _argument(
                "--fail-on",
                metavar="SEVERITY",
                default="",
                help="no open finding of this severity or worse in a ledger",
            ),
            _argument("--regression", action="store_true", help="the last regression verdict at this commit is STABLE"),
            _argument("--complete", metavar="WORKFLOW", action="append", default=[], help="that ledger ended complete"),
            _argument(
                "--uncommitted",
                action="store_true",
                help="run reproductions on the files as they stand, not as committed",
            ),
            _JSON,
        ),
        says="Without a flag: everything that there is something to say about on this branch.",
        exits="Exit status: 0 all hold; 1 something fails; 2 something asked for cannot be told.",
    ),
    **MACHINE,
}
