"""Steps of SQLite's machine for the report, indexes included. Its rows have to be those of reference.sql, on other data too."""

import random
import sqlite3
import sys

import data


def held(link):
    """All that the tables hold, in the order in which it was put there."""
    tables = [name for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type != 'index' ORDER BY name")]
    return [(name, link.execute(f"SELECT * FROM {name} ORDER BY rowid").fetchall()) for name in tables]


def steps(draw):
    """The steps that the report takes, in thousands; ends where it is wrong."""
    link, counted = sqlite3.connect(":memory:"), []
    data.fill(link, draw)
    right, before = link.execute(open("reference.sql").read()).fetchall(), held(link)
    link.set_progress_handler(lambda: counted.append(1), 100)
    link.executescript(open("indexes.sql").read())
    rows = link.execute(open("report.sql").read()).fetchall()
    link.set_progress_handler(None, 0)
    if rows != right:
        sys.exit("the report is wrong")
    if held(link) != before or link.execute("SELECT 1 FROM sqlite_temp_master").fetchone():
        sys.exit("indexes.sql does more than to add indexes")
    return len(counted) / 10


steps(random.Random())  # data that nobody knows before
print(f"METRIC kilosteps={steps(random.Random(7)):.1f}")
