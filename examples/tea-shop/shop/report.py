"""Counts sales by tea."""

import csv
import sys
from pathlib import Path


def best_sellers(rows: list[tuple[str, int]], most: int = 10) -> list[tuple[str, int]]:
    """The teas most sold with their numbers, the best first; equal numbers by name."""
    teas: list[str] = []
    for tea, _ in rows:
        if tea not in teas:
            teas.append(tea)
    counted = []
    for tea in teas:
        number = 0
        for other, sold in rows:
            if other == tea:
                number += sold
        counted.append((tea, number))
    return sorted(counted, key=lambda pair: (-pair[1], pair[0]))[:most]


def read_sales(file: Path) -> list[tuple[str, int]]:
    with file.open(newline="") as lines:
        return [(row["tea"], int(row["sold"])) for row in csv.DictReader(lines)]


if __name__ == "__main__":
    for tea, number in best_sellers(read_sales(Path(sys.argv[1]))):
        print(f"{number:6} {tea}")  # TODO: prices as well
