"""What a file in the inbox may be called to be taken."""

from __future__ import annotations

import pytest

from shared.inbox_names import SUFFIXES


@pytest.mark.parametrize("suffix", [".qta", ".3g2", ".m4v", ".aifc", ".mp2", ".awb", ".ts", ".avi", ".au"])
def test_every_kind_that_is_read_has_its_endings_in_the_inbox(suffix: str) -> None:
    assert suffix in SUFFIXES
