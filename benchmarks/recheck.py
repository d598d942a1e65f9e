"""How often a gain stands in pairs of runs in clean checkouts: one that is real, and one that only a folder made that git ignores.

`python benchmarks/recheck.py` prints the table of docs/decision.md. Noise is normal, and its standard deviation known.
"""

from __future__ import annotations

import random

from autoresearch_mcp.tools.decision.recheck import recheck

SESSIONS = 20_000
GAINS = (1, 2, 3, 4, 8)


def stood(gain: float, real: float) -> tuple[float, float]:
    """Return in how many of the sessions a gain stood, as a share, and the mean number of pairs."""
    draw, standing, pairs = random.Random(1), 0, 0
    for _ in range(SESSIONS):
        seen: list[float] = []
        found = None
        while found is None:
            seen.append(real + draw.gauss(0, 1) - draw.gauss(0, 1))
            found = recheck(seen, gain, 1.0, ()).stands
        standing, pairs = standing + found, pairs + len(seen)
    return standing / SESSIONS, pairs / SESSIONS


def main() -> None:
    """Print the table."""
    print("| gain, in standard deviations of a run | real, stands | pairs | out of the folder only, stands | pairs |")
    print("|---|---|---|---|---|")
    for gain in GAINS:
        (real, pairs), (none, longer) = stood(gain, gain), stood(gain, 0)
        print(f"| {gain} | {100 * real:.3g} % | {pairs:.1f} | {100 * none:.2g} % | {longer:.1f} |")


if __name__ == "__main__":
    main()
