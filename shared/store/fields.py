"""Fields of the tables that can be read whatever a damaged database has in their place.

A number of a false type comes back as it is stored, and `values.py` puts a neutral one in its place. A text
always comes back as a text.
"""

from __future__ import annotations

from typing import Any

import peewee


def as_text(raw: bytes) -> str:
    """Decode a text of the database; bytes that are not UTF-8 become U+FFFD."""
    return raw.decode("utf-8", "replace")


class TextField(peewee.TextField):
    """A text."""

    def python_value(self, value: Any) -> Any:
        """Return any value as a text, None for NULL."""
        return as_text(value) if isinstance(value, bytes) else super().python_value(value)  # type: ignore[no-untyped-call]


class _Number:
    """A number, or what is stored in its place."""

    def python_value(self, value: Any) -> Any:
        """Return the number, or the value itself if it is none."""
        try:
            return super().python_value(value)  # type: ignore[misc]
        except (TypeError, ValueError, OverflowError):
            return value


class AutoField(_Number, peewee.AutoField):
    """The number of a row."""


class IntegerField(_Number, peewee.IntegerField):
    """A whole number."""


class BigIntegerField(_Number, peewee.BigIntegerField):
    """A whole number of 64 bits."""


class DoubleField(_Number, peewee.DoubleField):
    """A number in double precision."""
