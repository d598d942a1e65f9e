"""Compares ways to choose whose turn a leg is, in simulated nights: in a fixed turn, and by what each arm has brought so far.

`python benchmarks/turns.py --nights 800`. An arm is an agent, or a standpoint. In a night of so many legs an arm keeps a Poisson number
of changes in a leg, at most three. Its rate is a base times a factor of 1 to 3 (even in its logarithm), which is drawn anew for one arm
with the probability of a change before each leg, and falls to a fifth in the course of the night, as ideas run dry. `thompson`
draws from a Gamma posterior with the prior Gamma(1, 1) (Thompson, Biometrika 1933), `greedy` takes the best mean in nine of ten
legs, `oracle` knows the rates. Keeps are told as a ratio to those of the fixed turn.
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np
from numpy.random import Generator

RULES = ("in turn", "thompson", "greedy", "oracle")
DECAY, MOST_KEEPS = 1.5, 3


def night(legs: int, arms: int, change: float, base: float, rule: str, draw: Generator) -> int:
    """Return the keeps of one night."""
    factors, keeps, tries = 3 ** draw.random(arms), np.zeros(arms), np.zeros(arms)
    for leg in range(legs):
        if draw.random() < change:
            factors[draw.integers(arms)] = 3 ** draw.random()
        rates = base * factors * np.exp(-DECAY * leg / legs)
        arm = _chosen(rule, leg, keeps, tries, rates, draw)
        keeps[arm] += min(MOST_KEEPS, draw.poisson(rates[arm]))
        tries[arm] += 1
    return int(keeps.sum())


def _chosen(rule: str, leg: int, keeps: np.ndarray, tries: np.ndarray, rates: np.ndarray, draw: Generator) -> int:
    match rule:
        case "in turn":
            return leg % len(keeps)
        case "thompson":
            return int(np.argmax(draw.gamma(1 + keeps, 1 / (1 + tries))))
        case "oracle":
            return int(np.argmax(rates))
    if tries.min() == 0:
        return int(np.argmin(tries))
    best = int(np.argmax(keeps / tries + 1e-6 * draw.random(len(keeps))))
    return best if draw.random() > 0.1 else int(draw.integers(len(keeps)))


def main() -> None:
    """Print a line for each kind of night."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=800)
    nights = parser.parse_args().nights
    print(f"legs arms change base | keeps in turn | {' '.join(RULES[1:])} | nights with fewer by thompson")
    for legs, arms, change, base in product((10, 20, 40, 60), (2, 4), (0.0, 0.05), (0.2, 0.5)):
        found = {
            rule: np.array(
                [night(legs, arms, change, base, rule, np.random.default_rng(seed)) for seed in range(nights)]
            )
            for rule in RULES
        }
        means = {rule: keeps.mean() for rule, keeps in found.items()}
        ratios = " ".join(f"{means[rule] / means['in turn']:.3f}" for rule in RULES[1:])
        fewer = np.mean(found["thompson"] < found["in turn"])
        print(f"{legs:4} {arms:4} {change:6} {base:4} | {means['in turn']:5.2f} | {ratios} | {fewer:.2f}")


if __name__ == "__main__":
    main()
