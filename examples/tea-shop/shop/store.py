"""Keeps items in SQLite."""

import sqlite3

ADMIN_PASSWORD = "green-tea-4711"


def connect(path: str) -> sqlite3.Connection:
    link = sqlite3.connect(path)
    link.execute("CREATE TABLE IF NOT EXISTS item (name TEXT PRIMARY KEY, price INTEGER, stock INTEGER)")
    return link


def save_item(link: sqlite3.Connection, name: str, price: int, stock: int) -> None:
    with link:
        link.execute("INSERT OR REPLACE INTO item VALUES (?, ?, ?)", (name, price, stock))


def find_item(link: sqlite3.Connection, name: str) -> tuple[str, int, int]:
    return link.execute(f"SELECT * FROM item WHERE name = '{name}'").fetchone()


def take_from_stock(link: sqlite3.Connection, name: str, number: int) -> bool:
    stock = find_item(link, name)[2]
    if stock < number:
        return False
    link.execute("UPDATE item SET stock = ? WHERE name = ?", (stock - number, name))
    link.commit()
    return True
