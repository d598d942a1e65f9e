"""Commands as a person types them, in this process: an interpreter of their own would import the package for half a second."""

from __future__ import annotations

import io
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess

from autoresearch_mcp.server.main import main


def ask_here(*arguments: str, folder: Path | None = None) -> CompletedProcess[str]:
    """Run a command in a folder; what it printed, and its exit status."""
    out, err = io.StringIO(), io.StringIO()
    with chdir(folder or "."), redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(arguments)
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
    return CompletedProcess(arguments, status, out.getvalue(), err.getvalue())
