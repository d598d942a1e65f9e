"""What the safety costs: masking and cleaning half a megabyte, screening a command, 100,000 paths, a run behind walls."""

from __future__ import annotations

import random
import statistics
import subprocess
import time
from collections.abc import Callable

from autoresearch_mcp.tools.plan.scope import Scope
from autoresearch_mcp.tools.process.isolation import Policy, available, wrap
from autoresearch_mcp.tools.process.screen import screen
from autoresearch_mcp.tools.text.masking import Masker
from autoresearch_mcp.tools.text.redaction import strip_hidden

SIZE = 512 * 1024
LINE = "step 100 loss=2.345 tokens/s=12345 lr 3e-4 mfu 40.1% 3f2a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a\n"


def told(what: str, work: Callable[[], object], rounds: int = 9) -> None:
    """Print the median time of a piece of work."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    print(f"{what:58} {1000 * statistics.median(taken):9.2f} ms")


def main() -> None:
    """Print the table."""
    log = LINE * (SIZE // len(LINE))
    colours = "\x1b[32m10%\x1b[0m\r" * (SIZE // 13)
    mask = Masker({f"SECRET_{place}": f"value-of-secret-{place}" for place in range(12)})
    told("mask 512 KB of log, 12 known secrets", lambda: mask(log))
    told("clean 512 KB of log", lambda: strip_hidden(log))
    told("clean 512 KB of coloured progress bar", lambda: strip_hidden(colours))
    told("screen an ordinary command", lambda: screen("cd app && npm ci --silent && npm test 2>&1 | tail -1"))
    dice = random.Random(1)
    folders = [f"{word}{number}" for word in ("src", "lib", "test", "docs") for number in range(20)]
    paths = ["/".join(dice.choices(folders, k=dice.randint(1, 6))) + ".py" for _ in range(100_000)]
    scope = Scope(["src*/**/*.py", "{lib,docs}*/**", "!**/test*/**", "**/*.ts", "!vendor"])
    told("match 100,000 paths against 5 globs", lambda: sum(map(scope.matches, paths)), 5)
    told("run `true`", lambda: subprocess.run(["true"], check=True))
    if mechanism := available().mechanism:
        told(f"run `true` behind {mechanism}", lambda: subprocess.run(wrap(["true"], Policy(())), check=True))


if __name__ == "__main__":
    main()
