"""Folders that were made before offhook used them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.home import Home, folders_of, make_folders


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_home_and_an_inbox_made_beforehand_become_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    for folder in (home.home, home.inbox):
        folder.mkdir()
        folder.chmod(0o755)
    make_folders(home)
    assert {folder.stat().st_mode & 0o777 for folder in folders_of(home)} == {0o700}
