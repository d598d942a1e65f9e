"""What the bundle starts."""

import sys

from autoresearch_mcp.server.main import main

sys.exit(main())
