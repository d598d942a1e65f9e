"""The page of the commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from autoresearch_mcp.server.cli.command import CliCommand
from autoresearch_mcp.server.cli.commands import COMMANDS
from autoresearch_mcp.server.main import make_parser

from .markdown import cell, page, table


def commands_page() -> str:
    """Every command with what it takes and how it exits."""
    parser = make_parser()
    return page(
        "# Commands",
        "`autoresearch-mcp` alone serves MCP on standard input and output. These options come before a command:",
        _options(parser, skip=("command",)),
        "Refused options, and a name that is no command, end with status 2. `--json` prints one object and nothing else.",
        *(_command(name, command) for name, command in COMMANDS.items()),
    )


def _command(name: str, command: CliCommand) -> str:
    parser = argparse.ArgumentParser(prog=f"autoresearch-mcp {name}", formatter_class=_Wide)
    for argument in command.arguments:
        parser.add_argument(*argument.names, **argument.options)
    usage = parser.format_usage().removeprefix("usage: ").strip()
    return page(
        f"## {name}",
        f"{command.help[0].upper()}{command.help[1:]}.",
        f"```\n{usage}\n```",
        _options(parser),
        command.says,
        command.exits,
    )


class _Wide(argparse.HelpFormatter):
    """Usage on one line, however wide the terminal is."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=1000)


def _options(parser: argparse.ArgumentParser, skip: Sequence[str] = ()) -> str:
    rows = [
        (
            ", ".join(f"`{cell(name)}`" for name in action.option_strings or (str(action.metavar or action.dest),)),
            _help(action),
        )
        for action in parser._actions
        if action.dest not in skip and not isinstance(action, argparse._HelpAction)
    ]
    return table(("argument", "meaning"), rows) if rows else ""


def _help(action: argparse.Action) -> str:
    told = cell((action.help or "") % vars(action))
    listed = ", ".join(map(str, action.choices or ()))
    return f"{told}: {listed}" if listed and listed not in told else told
