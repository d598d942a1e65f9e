"""What the bundle starts."""

import os
import sys

from autoresearch_mcp.server.main import main

os.environ.pop("VIRTUAL_ENV", None)  # set by `uv run`: nobody activated this environment for a plan's commands
sys.exit(main())
