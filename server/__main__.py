"""`python -m autoresearch_mcp.server`"""

import sys

from .main import main

sys.exit(main())
