"""The pages of the documentation, and as little of Markdown as it takes to hold them to the code."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def read(name: str) -> str:
    """The text of a page of docs/."""
    return (DOCS / name).read_text("utf-8")


def blocks(text: str) -> list[tuple[str, str]]:
    """The fenced blocks of a page: language and content."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```\w*\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(text: str) -> list[str]:
    """The headings of a page, without their marks."""
    return re.findall(r"^#+ (.+?)\s*$", prose(text), re.MULTILINE)


def section(text: str, heading: str) -> str:
    """What stands between a heading and the next one of any level."""
    begun = re.split(rf"^#+ {re.escape(heading)}\s*$", prose(text), maxsplit=1, flags=re.MULTILINE)
    assert len(begun) == 2, f"there is no heading {heading!r}"
    return re.split(r"^#+ ", begun[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of all tables in a text, without the heads of the tables."""
    tables = (
        list(lines)
        for is_row, lines in groupby(text.splitlines(), lambda line: line.startswith("|"))
        if is_row
    )
    return [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for table in tables
        for line in table[2:]
    ]


def code(cell: str) -> list[str]:
    """What stands in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def slug(heading: str) -> str:
    """The anchor that a heading gets on GitHub."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
