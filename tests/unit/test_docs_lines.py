"""Lines of the documentation are short enough to be read and compared; rows of tables cannot be broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.markdown import DOCS, ROOT

MOST_CHARACTERS = 160
PAGES = [p for p in (*ROOT.glob("*.md"), *DOCS.rglob("*.md")) if p.is_file()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_line_except_table_rows_is_over_160_characters(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    assert [line for line in lines if len(line) > MOST_CHARACTERS and not line.startswith("|")] == []
