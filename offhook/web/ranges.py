"""Reads the Range header of a request for bytes (RFC 9110, section 14)."""

from __future__ import annotations

import re
from typing import NamedTuple

#: One range; a header with several is answered with the whole file, which the RFC allows.
_ONE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE | re.ASCII)


class Unsatisfiable(Exception):
    """The range begins after the end of the file."""


class Range(NamedTuple):
    """Bytes from `first` up to and without `end`."""

    first: int
    end: int

    def content_range(self, size_bytes: int) -> str:
        """Return the header that says which part of the whole this is."""
        return f"bytes {self.first}-{self.end - 1}/{size_bytes}"


def wanted_range(header: str | None, size_bytes: int) -> Range | None:
    """Return the range that a header asks for; None for the whole file. Raises Unsatisfiable."""
    match = _ONE.fullmatch(header.replace(" ", "").replace("\t", "")) if header else None
    if match is None or match[1] == match[2] == "":
        return None
    if not match[1]:  # the last bytes
        return _satisfiable(max(0, size_bytes - int(match[2])), size_bytes, size_bytes)
    first = int(match[1])
    if match[2] and int(match[2]) < first:
        return None
    end = min(int(match[2]) + 1, size_bytes) if match[2] else size_bytes
    return _satisfiable(first, end, size_bytes)


def _satisfiable(first: int, end: int, size_bytes: int) -> Range:
    if first >= size_bytes:
        raise Unsatisfiable
    return Range(first, end)
