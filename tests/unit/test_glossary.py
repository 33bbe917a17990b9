"""The glossary is sorted, and explains terms that are used."""

from __future__ import annotations

import re

import pytest

from tests.markdown import DOCS, ROOT, read, rows

TERMS = [row[0] for row in rows(read("glossary.md"))]
TEXT = "\n".join(
    path.read_text("utf-8").lower()
    for path in (ROOT / "README.md", *DOCS.rglob("*.md"), *(ROOT / "shared").rglob("*.py"))
    if path.name != "glossary.md"
)


def test_the_terms_are_sorted_and_each_is_explained_in_a_sentence() -> None:
    assert sorted(TERMS) == TERMS
    assert all(meaning[0].isupper() and meaning.endswith(".") for _, meaning in rows(read("glossary.md")))


@pytest.mark.parametrize("term", TERMS)
def test_each_term_is_used_in_the_docs_or_the_code(term: str) -> None:
    assert re.search(rf"\b{re.escape(term)}", TEXT)
