"""The command line: serves stdio when called alone. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Container, Mapping, MutableMapping, Sequence
from contextlib import ExitStack, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from .cli.commands import COMMANDS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = make_parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        parser.commands.get(options.command, parser).refuse_option(unknown[0], parser.commands)
    if sys.platform == "win32":  # locks, process groups and pipes are POSIX throughout
        parser.exit(2, "autoresearch-mcp runs on Linux and macOS. On Windows, install and register it inside WSL.\n")
    root = root_folder(options.root, os.environ)
    leave_own_environment(root, os.environ)
    if options.command is None:
        from .stdio.serve import serve

        if sys.stdin.isatty():
            sys.stderr.write(
                "Serving MCP: a client is to speak here. For people: autoresearch-mcp help. Ctrl-C leaves.\n"
            )
        return serve(root, options.allow_commands)
    module, _, function = COMMANDS[options.command].runs.partition(":")
    if options.verbose:
        import logging

        logging.basicConfig(level=logging.DEBUG, format="%(relativeCreated)6d ms %(name)s: %(message)s")
    with ExitStack() as stack:
        if options.quiet:
            stack.enter_context(redirect_stdout(stack.enter_context(open(os.devnull, "w"))))
        try:
            status: int = getattr(import_module(f".{module}", __package__), function)(root, options)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever reads has enough; what is left to write goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except OSError as error:
            parser.exit(1, f"autoresearch-mcp: {error.strerror or error}: {error.filename or 'its output'}\n")
    return status


def leave_own_environment(root: Path, environment: MutableMapping[str, str]) -> None:
    """Take the programs of the server's own virtual environment off the PATH that a plan's commands get.

    Else `python3` and `pip` of every command would be the server's, without what the project needs. They stay where somebody
    activated that environment, and where it is in the project.
    """
    if sys.prefix in {sys.base_prefix, environment.get("VIRTUAL_ENV")} or Path(sys.prefix).is_relative_to(root):
        return
    own = Path(sys.prefix, "bin")
    places = environment.get("PATH", os.defpath).split(os.pathsep)
    environment["PATH"] = os.pathsep.join(place for place in places if not place or Path(place) != own)


_IN_WORDS = {
    r"^argument ": "",
    r": expected one argument$": " takes a value",
    r"^the following arguments are required: ": "it needs ",
}
"""What argparse says, and how people would."""


class CommandParser(argparse.ArgumentParser):
    """A parser that says which word was wrong, and what was most likely meant, in place of how it is used."""

    commands: Mapping[str, CommandParser] = {}
    """The parsers of the commands, where this is the parser of all."""

    def refuse_option(self, word: str, commands: Container[str]) -> NoReturn:
        """Leave because of a word that is no option here, nor anything else; it may be one of the commands."""
        if word in commands:
            self._leave(f"{word} is a command of its own: autoresearch-mcp {word}", [], "")
        what = "is no option" if word.startswith("-") else "is one word too many"
        self._leave(f"{word} {what}", [*self._option_string_actions], word.partition("=")[0])

    def error(self, message: str) -> NoReturn:
        """Leave because of what argparse found."""
        if wrong := re.fullmatch(r"argument (.*?): invalid choice: '(.*?)' \(choose from (.*)\)", message, re.DOTALL):
            name, word, choices = wrong.groups()
            known = [one.strip("' ") for one in choices.split(",")]
            what = "is no command" if name == "command" else f"is nothing that {name} takes: {', '.join(known)}"
            self._leave(f"{word} {what}", known, word)
        for pattern, words in _IN_WORDS.items():
            message = re.sub(pattern, words, message)
        self._leave(message, [], "")

    def _leave(self, why: str, known: Sequence[str], word: str) -> NoReturn:
        from difflib import get_close_matches

        near = get_close_matches(word, known, 1)
        meant = f" Did you mean {near[0]}?" if near else ""
        command = self.prog.partition(" ")[2]
        self.exit(2, f"{self.prog}: {why}.{meant} See: autoresearch-mcp help{f' {command}' if command else ''}\n")


def make_parser() -> CommandParser:
    """Make the parser of the whole command line."""
    parser = CommandParser(
        prog="autoresearch-mcp",
        description="A research lab in a git repository for any coding agent, served over MCP (stdio).",
        epilog="Without a command it serves MCP on standard input and output.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and leave")
    parser.add_argument("--root", metavar="DIR", default="", help="work in this folder only (default: see README)")
    parser.add_argument(
        "--allow-commands", action="store_true", help="agree to every command that a plan names, without being asked"
    )
    _add_loudness(
        parser, False, "before or after the command: print no result; the exit status tells, and standard error"
    )
    commands = parser.add_subparsers(dest="command", metavar="command")
    for name, command in COMMANDS.items():
        own: CommandParser = commands.add_parser(
            name, help=command.help, description=command.says, epilog=command.exits
        )
        _add_loudness(own, argparse.SUPPRESS, argparse.SUPPRESS)
        for argument in command.arguments:
            own.add_argument(*argument.names, **argument.options)
    parser.commands = commands.choices
    return parser


def _add_loudness(parser: CommandParser, default: object, quiet: str) -> None:
    verbose = quiet if quiet == argparse.SUPPRESS else "say on standard error which git and which commands are run"
    parser.add_argument("-q", "--quiet", action="store_true", default=default, help=quiet)
    parser.add_argument("-v", "--verbose", action="store_true", default=default, help=verbose)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *rest: object) -> None:
        from importlib.metadata import version

        sys.stdout.write(f"autoresearch-mcp {version('autoresearch-mcp')}\n")
        parser.exit()


def root_folder(option: str, environment: Mapping[str, str]) -> Path:
    """Return the folder that the server works in: `--root`, AUTORESEARCH_ROOT, CLAUDE_PROJECT_DIR, or the repository around the working directory."""
    named = option or environment.get("AUTORESEARCH_ROOT", "") or environment.get("CLAUDE_PROJECT_DIR", "")
    if named:
        return Path(named).expanduser().resolve()
    here = Path.cwd().resolve()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)


if __name__ == "__main__":
    sys.exit(main())
