"""Whole numbers in addresses and headers, none larger than the database and Python can hold."""

from __future__ import annotations

#: The database's numbers have 64 bits.
MOST_DIGITS = 18
LARGEST = 10**MOST_DIGITS - 1


def whole_number(text: str) -> int | None:
    """Return the number that a text is, None if it is none: ASCII digits alone, no sign, no space."""
    is_number = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return int(text) if is_number else None
