"""docs/json.md has the tables of the contract."""

from __future__ import annotations

import re

import pytest

from tests.integration.json_contract.contract import CONTRACT, SECTIONS, Table
from tests.stage import ROOT


@pytest.mark.parametrize("heading", [*SECTIONS, *CONTRACT])
def test_the_documented_keys_and_types_are_those_of_the_contract(heading: str) -> None:
    assert documented(heading) == {**SECTIONS, **CONTRACT}[heading]


def test_no_other_answer_is_documented() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "json.md").read_text("utf-8"), re.MULTILINE)
    assert set(headings) == {*SECTIONS, *CONTRACT}


def documented(heading: str) -> Table:
    """The table under a heading of docs/json.md: key -> type."""
    _, _, text = (ROOT / "docs" / "json.md").read_text("utf-8").partition(f"\n## {heading}\n")
    lines = text.split("\n## ")[0].splitlines()
    cells = ([cell.strip() for cell in line.split("|")] for line in lines if line.startswith("| `"))
    return {cell[1].strip("`"): cell[2] for cell in cells}
