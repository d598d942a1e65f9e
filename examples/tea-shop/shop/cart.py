"""Adds prices up."""

import os


class Cart:
    """What a customer is about to buy; prices in cents."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, int, int]] = []

    def add(self, tea: str, price: int, number: int = 1) -> None:
        self.lines.append((tea, price, number))

    def count(self) -> int:
        return sum(number for _, _, number in self.lines[1:])

    def total(self, discount_percent: int = 0) -> int:
        full = sum(price * number for _, price, number in self.lines)
        return full - full * discount_percent // 100

    def average(self) -> float:
        return self.total() / self.count()
