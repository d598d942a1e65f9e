"""Steps of SQLite's machine for the report, indexes included; the answer has to be right, on other sales too."""

import random
import sqlite3
import sys

TABLES = "CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE sale (customer INTEGER, month INTEGER, cents INTEGER);"
HELD = "SELECT count(*), sum(cents * month + customer) FROM sale"


def steps(draw):
    """The steps that the report takes, in hundreds; ends where it is wrong."""
    link = sqlite3.connect(":memory:")
    link.executescript(TABLES)
    link.executemany("INSERT INTO customer VALUES (?, ?)", [(n, f"customer {n:03}") for n in range(60)])
    sales = [(draw.randrange(60), draw.randrange(1, 13), draw.randrange(100, 9000)) for _ in range(3000)]
    link.executemany("INSERT INTO sale VALUES (?, ?, ?)", sales)
    held, counted = link.execute(HELD).fetchone(), []
    link.set_progress_handler(lambda: counted.append(1), 100)
    link.executescript(open("indexes.sql").read())
    rows = link.execute(open("report.sql").read()).fetchall()
    link.set_progress_handler(None, 0)
    right = {}
    for customer, month, cents in sales:
        if month == 6:
            right.setdefault(f"customer {customer:03}", []).append(cents)
    expected = sorted(((n, len(c), sum(c)) for n, c in right.items() if len(c) > 3), key=lambda row: (-row[2], row[0]))
    if [tuple(row) for row in rows] != expected:
        sys.exit("the report is wrong")
    more = [kind for (kind,) in link.execute("SELECT type FROM sqlite_master") if kind != "index"]
    if len(more) != 2 or link.execute(HELD).fetchone() != held:
        sys.exit("indexes.sql does more than to add indexes")
    return len(counted)


steps(random.Random())  # sales that nobody knows before
print(f"METRIC kilosteps={steps(random.Random(7)) / 10:.1f}")
