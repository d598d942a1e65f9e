"""The commands by which an agent is driven, and by which a client's hooks ask."""

from __future__ import annotations

from collections.abc import Mapping

from .command import CliCommand
from .command import argument as _argument
from .command import within as _within

DRIVING: Mapping[str, CliCommand] = {
    "run": CliCommand(
        "drive an agent, without anybody there, until the session or a budget is over",
        "cli.run:run",
        (
            _argument(
                "--agent",
                choices=["claude", "codex", "gemini", "opencode"],
                action="append",
                default=[],
                help="the client to drive; of several each makes a leg in turn",
            ),
            _argument(
                "--agent-command",
                metavar="COMMAND",
                default="",
                help="another client: {prompt} stands for the text of a leg, else it comes by standard input; {mcp_config} for "
                "a file that names this server",
            ),
            _argument(
                "--model",
                action="append",
                default=[],
                help="the model, as the client calls it; once for each --agent, in their order",
            ),
            _argument(
                "--agents",
                type=_within(int, 1),
                default=1,
                metavar="N",
                help="so many at once, each in a workspace of its own; money and tokens are shared out among them",
            ),
            _argument("--goal", default="", help="what should get better (default: the plan says)"),
            _argument(
                "--chain",
                metavar="STEPS",
                default="",
                help="drive over workflows, each to its end, as `debug, fix, regression, ship`; or a ready chain: quality, "
                "feature, incident, hardening, release",
            ),
            _argument("--hours", type=_within(float, 0), default=0.0, help="end after so many hours"),
            _argument("--iterations", type=_within(int, 0), default=0, help="end after so many iterations"),
            _argument(
                "--max-cost", type=_within(float, 0), default=0.0, metavar="DOLLARS", help="end when so much is spent"
            ),
            _argument(
                "--max-tokens", type=_within(int, 0), default=0, metavar="N", help="end when so many tokens are spent"
            ),
            _argument(
                "--fresh-every",
                type=_within(int, 0),
                default=0,
                metavar="N",
                help="a new context after so many iterations",
            ),
            _argument(
                "--patience",
                type=_within(float, 0.1),
                default=20.0,
                metavar="MINUTES",
                help="how long an agent may bring the session no further before it is started anew (default: %(default)g)",
            ),
            _argument(
                "--notify-command",
                metavar="COMMAND",
                default="",
                help="gets each keep and the end on standard input; AUTORESEARCH_EVENT says which",
            ),
            _argument("--detach", action="store_true", help="go on without this terminal"),
            _argument("--status", action="store_true", help="how the run here stands"),
            _argument("--stop", action="store_true", help="end the run here, as Ctrl-C does"),
            _argument("--json", action="store_true", help="with --status: one JSON object"),
        ),
        says="The agent may read, edit and use this server, no more; a person has to have agreed to the plan's commands before. "
        "Ctrl-C ends the leg and brings the open iteration to its end; a second one ends at once.",
        exits="Exit status: 0 over, or stopped; 1 the agent could not go on; 2 refused; 130 ended at once.",
    ),
    "hook": CliCommand(
        "answer a hook of a client's chat: what `install --hooks` and the Claude Code plugin have it call",
        "cli.hook:run",
        says="An unattended chat that works on the session goes on while its budget lasts; every chat gets the state. Claude Code says "
        "whether somebody attends; of another client's chat nobody does where AUTORESEARCH_UNATTENDED is 1.",
        exits="Exit status: 0, with nothing printed where there is nothing to say.",
    ),
}
