"""The commands that a newcomer meets: from nothing to a started session, and what concerns the machine and its clients."""

from __future__ import annotations

from collections.abc import Mapping

from .command import JSON as _JSON
from .command import CliCommand
from .command import argument as _argument
from .command import within as _within

BEFORE_A_SESSION: Mapping[str, CliCommand] = {
    "demo": CliCommand(
        "watch a scripted agent run a session over stdio",
        "cli.demo:run",
        (
            _argument("--quick", action="store_true", help="a small task without torch, under a minute"),
            _argument("--folder", metavar="DIR", default="", help="where to make the demo's repository"),
            _argument(
                "--json", action="store_true", help="the tries as one JSON object; what is shown goes to standard error"
            ),
        ),
    ),
    "init": CliCommand(
        "write a plan for the project here; or make a repository to practise on: `gpt DIR`, or `--example NAME`",
        "cli.setup_commands:init",
        (
            _argument(
                "words",
                metavar="WORD",
                nargs="*",
                help="what should get better, in your words; or `gpt DIR`: a small language model to train, in a new folder",
            ),
            _argument(
                "--example",
                metavar="NAME",
                default="",
                help="make this example a repository, in the folder that WORD names (default: here, where it is empty)",
            ),
            _argument(
                "--data",
                metavar="TEXT",
                default="",
                help="with `gpt`: what to learn from: stdlib, files:GLOB,..., climbmix:SHARDS, tinystories (default: by the machine)",
            ),
            _argument("--json", action="store_true", help="what was made, as one JSON object"),
        ),
        exits="Exit status: 0 written; 1 nothing was: a plan is here, or nothing measures that yet; 2 refused.",
    ),
    "examples": CliCommand(
        "ready plans for many kinds of number, each with its cheats and its first improvement",
        "cli.example_commands:examples",
        (
            _argument(
                "word",
                metavar="WORD",
                nargs="?",
                default="",
                help="of the name, domain, language or story (default: all)",
            ),
        ),
        exits="Exit status: 0 listed; 1 none has the word.",
    ),
    "plan": CliCommand(
        "what could be measured here for a goal, as ready-made plans",
        "cli.plan_commands:plan",
        (_argument("goal", metavar="WORD", nargs="*", help="what should get better (default: everything)"), _JSON),
    ),
    "check": CliCommand(
        "try every gate of the plan file here",
        "cli.plan_commands:check",
        (_JSON,),
        exits="Exit status: 0 a session could start; 1 a gate failed; 2 there is no plan that could be tried.",
    ),
    "start": CliCommand("start a session with the plan file here", "cli.plan_commands:start", (_JSON,)),
    "quick": CliCommand(
        "how well a command can be measured, in a minute; with --against, which of two is better",
        "cli.quick:run",
        (
            _argument("--against", metavar="COMMAND", default="", help="a second command, run in turn with the first"),
            _argument(
                "--seconds",
                type=_within(float, 0),
                default=60.0,
                help="about how long to measure (default: %(default)g)",
            ),
            _argument(
                "--read",
                default="",
                help="how the number is read: wall, cpu or memory, or as in a plan: last, line, regex:PATTERN, ... "
                "(default: the line METRIC name=value, else wall)",
            ),
            _argument("--metric", metavar="NAME", default="", help="the number's name, where several are printed"),
            _argument("--direction", choices=["lower", "higher"], default="", help="which is better (default: lower)"),
            _JSON,
            _argument("words", metavar="COMMAND", nargs="...", help="the command, behind two dashes"),
        ),
        says="Needs no repository, plan or client. Says how much the number scatters and drifts, the smallest gain that it can "
        "show and in how many runs, and prints a plan to paste. The command runs in this folder, as you.",
        exits="Exit status: 0 measured; 1 a command failed or gave no number; 2 refused; 130 ended by Ctrl-C.",
    ),
}

MACHINE: Mapping[str, CliCommand] = {
    "doctor": CliCommand(
        "what stands in the way on this machine, with the cure for each",
        "cli.setup_commands:doctor",
        (_JSON,),
        exits="Exit status: 0 nothing is wrong; 1 something is.",
    ),
    "serve": CliCommand(
        "serve MCP: over stdio, as without a command, or over HTTP",
        "web.over_http:run",
        (
            _argument("--http", metavar="[HOST:]PORT", default="", help="over HTTP, at /mcp; port 0 takes a free one"),
            _argument(
                "--token-file", metavar="FILE", default="", help="a file with the bearer token (default: one of ours)"
            ),
            _argument("--expose", action="store_true", help="also on an address that other machines can reach"),
            _argument(
                "--allow-host",
                metavar="NAME",
                action="append",
                default=[],
                help="a further Host name to accept; may be repeated",
            ),
        ),
        says="Over HTTP every request has to bear the token, and Host and Origin are checked. Several clients may be "
        "connected at once; one experiment runs at a time in a repository.",
        exits="Exit status: 0 it was stopped; 2 it would not be safe, or the address is taken.",
    ),
    "install": CliCommand(
        "register this server with a client, or take it out again",
        "cli.install:run",
        (
            _argument(
                "--client",
                required=True,
                choices=["claude-code", "claude-desktop", "codex", "cursor", "vscode", "gemini", "opencode"],
                help="the client",
            ),
            _argument("--print", action="store_true", help="print what would be written, and write nothing"),
            _argument("--remove", action="store_true", help="take the entry out again"),
            _argument(
                "--hooks",
                action="store_true",
                help="the hooks of its chats in place of the entry: claude-code, codex, gemini, opencode",
            ),
            _argument(
                "--file",
                metavar="FILE",
                default="",
                help="another file, such as one for CI (default: where the client keeps it)",
            ),
        ),
        says="An entry that is there keeps its variables, options and limits, and the file all else, comments too. A file that "
        "could not be changed safely is left as it is. `--root` and `--allow-commands`, given before the command, go into the entry.",
        exits="Exit status: 0 done; 1 the file was left as it is, and what to write by hand was printed.",
    ),
    "completion": CliCommand(
        "print the completion script of a shell",
        "cli.setup_commands:completion",
        (_argument("shell", choices=["bash", "zsh", "fish", "tcsh"], help="the shell"),),
        says='For bash: eval "$(autoresearch-mcp completion bash)"; for fish: autoresearch-mcp completion fish | source',
    ),
    "help": CliCommand(
        "all commands, or one of them in full",
        "cli.setup_commands:show_help",
        (_argument("about", metavar="COMMAND", nargs="?", default="", help="the command"),),
        exits="Exit status: 0 shown; 2 there is no such command.",
    ),
    "version": CliCommand(
        "print the version", "cli.setup_commands:show_version", exits="Exit status: 0 printed, whatever it is."
    ),
}
