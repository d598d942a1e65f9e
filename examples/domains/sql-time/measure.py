"""Steps of SQLite's machine for the report, indexes included; the answer has to be the right one."""

import hashlib
import random
import sqlite3
import sys

draw = random.Random(7)
link = sqlite3.connect(":memory:")
link.executescript(
    "CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE sale (customer INTEGER, month INTEGER, cents INTEGER);"
)
link.executemany("INSERT INTO customer VALUES (?, ?)", [(n, f"customer {n:03}") for n in range(60)])
sales = [(draw.randrange(60), draw.randrange(1, 13), draw.randrange(100, 9000)) for _ in range(3000)]
link.executemany("INSERT INTO sale VALUES (?, ?, ?)", sales)
steps = 0


def count():
    global steps
    steps += 1


link.set_progress_handler(count, 100)
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
print(f"METRIC kilosteps={steps / 10:.1f}")
