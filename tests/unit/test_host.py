"""The name of a home's host."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared import home as folders
from shared.host import NAME, host_of
from shared.settings import Settings

AT_ONCE, HOMES = 8, 20


def test_all_that_ask_at_once_for_the_first_time_are_told_one_name(tmp_path: Path) -> None:
    """A recording of another host is left to that host: none may have a name of its own."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(HOMES):
            home = Settings(home=tmp_path / str(number))
            folders.make_folders(home)
            names = set(pool.map(lambda _, home=home: host_of(home), range(AT_ONCE)))
            assert names == {(home.home / NAME).read_text()}


def test_a_name_that_is_damaged_is_made_again(settings: Settings) -> None:
    (settings.home / NAME).write_bytes(b"\xff" * 32)
    assert host_of(settings) == host_of(settings) == (settings.home / NAME).read_text()
