"""The script behind `METRIC errors=N`: counts what a repository's own tools say is broken. Run at the repository's root, by
the interpreter of the server in isolation, so that nothing in the repository is imported in its place.
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    from autoresearch_mcp.tools.diagnostics.counting import main

    sys.exit(main(sys.argv[1:]))
