"""The command line: serves stdio when called alone. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if sys.platform == "win32":  # locks, process groups and pipes are POSIX throughout
        parser.exit(2, "autoresearch-mcp runs on Linux and macOS. On Windows, install and register it inside WSL.\n")
    match options.command:
        case "demo":
            from .demo import demo

            return demo(quick=options.quick, folder=options.folder)
        case "init":
            from .init import init_gpt

            return init_gpt(options.folder, options.data)
        case "approve":
            from .approve import approve

            return approve(root_folder(options.root, os.environ))
        case "watch":
            from .watch import watch

            root = root_folder(options.root, os.environ)
            return watch(root, web=options.web, port=options.port, as_json=options.json)
        case _:
            from .serve import serve

            return serve(root_folder(options.root, os.environ), options.allow_commands)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autoresearch-mcp",
        description="A research lab in a git repository for any coding agent, served over MCP (stdio).",
        epilog="Without a command it serves MCP on standard input and output.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and leave")
    parser.add_argument("--root", metavar="DIR", default="", help="work in this folder only (default: see README)")
    parser.add_argument(
        "--allow-commands", action="store_true", help="agree to every command that a plan names, without being asked"
    )
    commands = parser.add_subparsers(dest="command", metavar="command")
    demo = commands.add_parser("demo", help="watch a scripted agent run a session over stdio")
    demo.add_argument("--quick", action="store_true", help="a small task without torch, under a minute")
    demo.add_argument("--folder", metavar="DIR", default="", help="where to make the demo's repository")
    init = commands.add_parser("init", help="make a new repository to practise on")
    init.add_argument("kind", choices=["gpt"], help="`gpt`: a small language model to train")
    init.add_argument("folder", metavar="DIR", help="the folder to make; it must not exist, or be empty")
    init.add_argument(
        "--data",
        metavar="TEXT",
        default="",
        help="what to learn from: stdlib, files:GLOB,..., climbmix:SHARDS, tinystories (default: by what the machine has)",
    )
    commands.add_parser("approve", help="say yes, in a terminal, to the commands of this repository's plan file")
    watch = commands.add_parser("watch", help="follow a session as it runs, in this terminal or in a browser")
    watch.add_argument("--web", action="store_true", help="as a page on a port of this machine; prints its address")
    watch.add_argument("--port", type=int, default=0, help="the port for --web (default: a free one)")
    watch.add_argument("--json", action="store_true", help="print how it stands now as JSON, and leave")
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *rest: object) -> None:
        from importlib.metadata import version

        sys.stdout.write(f"autoresearch-mcp {version('autoresearch-mcp')}\n")
        parser.exit()


def root_folder(option: str, environment: Mapping[str, str]) -> Path:
    """Where the server works: `--root`, AUTORESEARCH_ROOT, CLAUDE_PROJECT_DIR, or the repository around the working directory."""
    named = option or environment.get("AUTORESEARCH_ROOT", "") or environment.get("CLAUDE_PROJECT_DIR", "")
    if named:
        return Path(named).expanduser().resolve()
    here = Path.cwd().resolve()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)


if __name__ == "__main__":
    sys.exit(main())
