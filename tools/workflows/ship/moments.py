"""Moments as text. Rules know no clock, and the library that writes dates has one."""

from __future__ import annotations


def iso(at: float) -> str:
    """Seconds since 1970 as ISO 8601 in UTC, to the second."""
    days, seconds = divmod(int(at), 86_400)
    year, month, day = _date(days)
    return f"{year:04}-{month:02}-{day:02}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}+00:00"


def _date(days: int) -> tuple[int, int, int]:
    """The day of the Gregorian calendar, so many after 1970-01-01. Years are counted from March, so that the leap day is
    the last. Source: H. Hinnant, chrono-compatible low-level date algorithms, `civil_from_days`.
    """
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    return year + era * 400 + (month >= 10), month + 3 if month < 10 else month - 9, day
