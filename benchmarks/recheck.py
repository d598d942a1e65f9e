"""How often a gain stands in pairs of runs in clean checkouts: one that is real, and one that only something made that git lacks.

`python benchmarks/recheck.py` prints the table of docs/decision.md. Noise is normal, and its standard deviation known.
"""

from __future__ import annotations

import random

from autoresearch_mcp.tools.decision.recheck import recheck

SESSIONS = 20_000
GAINS = (1, 2, 3, 4, 8)


def stood(gain: float, real: float, unseen: tuple[str, ...]) -> tuple[float, float]:
    """Return in how many of the sessions a gain stood, in percent, and the mean number of pairs."""
    draw, standing, pairs = random.Random(1), 0, 0
    for _ in range(SESSIONS):
        seen: list[float] = []
        found = None
        while found is None:
            seen.append(real + draw.gauss(0, 1) - draw.gauss(0, 1))
            found = recheck(seen, gain, 1.0, unseen).stands
        standing, pairs = standing + found, pairs + len(seen)
    return 100 * standing / SESSIONS, pairs / SESSIONS


def main() -> None:
    """Print the table: where nothing was seen to have stayed, and where something was."""
    print("| gain / sd | nothing seen: real | pairs | not | something seen: real | pairs | not | pairs |")
    print("|---|---|---|---|---|---|---|---|")
    for gain in GAINS:
        (one, few), (none, _) = stood(gain, gain, ()), stood(gain, 0, ())
        (real, pairs), (unreal, longer) = stood(gain, gain, ("build/",)), stood(gain, 0, ("build/",))
        print(
            f"| {gain} | {one:.3g} % | {few:.1f} | {none:.2g} % | {real:.3g} % | {pairs:.1f} | {unreal:.2g} % | {longer:.1f} |"
        )


if __name__ == "__main__":
    main()
