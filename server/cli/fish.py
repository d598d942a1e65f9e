"""Completion for fish, which the library for the other shells does not write."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping

from .commands import COMMANDS

_COMPLETE = "complete -c autoresearch-mcp"


def fish_completion(parser: argparse.ArgumentParser, commands: Mapping[str, argparse.ArgumentParser]) -> str:
    """Write the script: commands and global options first, then the options and choices of each command."""
    lines = [f"{_COMPLETE} -f"]
    lines += [f"{_COMPLETE} -n __fish_use_subcommand -a {name} -d {_quoted(COMMANDS[name].help)}" for name in commands]
    lines += _of(parser, "__fish_use_subcommand")
    for name, command in commands.items():
        lines += _of(command, f"'__fish_seen_subcommand_from {name}'")
    return "".join(f"{line}\n" for line in lines)


def _of(parser: argparse.ArgumentParser, where: str) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or action.help == argparse.SUPPRESS:
            continue
        names = [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in action.option_strings]
        choices = [f"-a {_quoted(' '.join(map(str, action.choices)))}"] if action.choices else []
        if not names and not choices:
            continue
        value = [] if action.nargs == 0 or not names else ["-x" if choices else "-rF"]
        told = [f"-d {_quoted(action.help % {'default': action.default, 'prog': ''})}"] if action.help else []
        yield " ".join([_COMPLETE, "-n", where, *names, *value, *choices, *told])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
