"""What our own code adds to the start of a server, against the protocol library alone, in CPU seconds.

Run it with the Python that the package is installed in: `python benchmarks/startup.py`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

RUNS = 9
CODE = """
import time
began = time.process_time()
import mcp.server.stdio
from mcp.server import MCPServer
MCPServer("empty", log_level="WARNING")
library = time.process_time()
import pathlib
from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.tools.lab import Lab
build_server(Lab(pathlib.Path(".")))
print(library - began, time.process_time() - library)
"""


def main() -> None:
    """Print medians of several fresh processes, and their ratio."""
    runs = [
        subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True) for _ in range(RUNS)
    ]
    library, ours = zip(*([float(part) for part in run.stdout.split()] for run in runs), strict=True)
    theirs, own = statistics.median(library), statistics.median(ours)
    print(f"protocol library alone: {theirs:.3f} s of CPU (median of {RUNS})")
    print(f"our own part:           {own:.3f} s ({min(ours):.3f} to {max(ours):.3f}), {own / theirs:.0%} of it")


if __name__ == "__main__":
    main()
