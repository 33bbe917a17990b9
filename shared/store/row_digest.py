"""A digest of the rows of a table that does not depend on their order, to compare two databases."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

_MODULUS = 1 << 256


class RowDigest:
    """The number of rows, and the sum of their hashes."""

    def __init__(self) -> None:
        self.rows, self._sum = 0, 0

    def add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Add rows; numbers, texts and bytes that are equal give equal digests."""
        for row in rows:
            self.rows += 1
            found = sha256(repr(row).encode("utf-8", "surrogatepass")).digest()
            self._sum = (self._sum + int.from_bytes(found)) % _MODULUS

    @property
    def text(self) -> str:
        """The digest, in hexadecimal."""
        return f"{self._sum:064x}"
