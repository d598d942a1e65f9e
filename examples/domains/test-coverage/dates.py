"""Reads dates as people type them."""

MONTHS = {name: place for place, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_leap(year):
    if year % 400 == 0:
        return True
    if year % 100 == 0:
        return False
    return year % 4 == 0


def days_in(year, month):
    if month == 2 and is_leap(year):
        return 29
    return DAYS[month - 1]


def parse(text):
    """Year, month and day of `2024-02-29`, `29.2.2024` or `29 Feb 2024`."""
    text = text.strip().lower()
    if "-" in text:
        year, month, day = text.split("-")
    elif "." in text:
        day, month, year = text.split(".")
    elif len(text.split()) == 3:
        day, month, year = text.split()
        if month[:3] not in MONTHS:
            raise ValueError(f"no month: {month}")
        month = MONTHS[month[:3]]
    else:
        raise ValueError(f"no date: {text}")
    year, month, day = int(year), int(month), int(day)
    if year < 100:
        year += 2000
    if not 1 <= month <= 12:
        raise ValueError(f"no month: {month}")
    if not 1 <= day <= days_in(year, month):
        raise ValueError(f"no day: {day}")
    return year, month, day
