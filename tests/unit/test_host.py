"""The name of a home's host."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared.host import NAME, host_of

AT_ONCE, HOMES = 8, 20


def test_all_that_ask_at_once_for_the_first_time_are_told_one_name(tmp_path: Path) -> None:
    """A recording of another host is left to that host: none may have a name of its own."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(HOMES):
            home = tmp_path / str(number)
            home.mkdir()
            names = set(pool.map(lambda _, home=home: host_of(home), range(AT_ONCE)))
            assert names == {(home / NAME).read_text()}
            assert list(home.iterdir()) == [home / NAME]


def test_a_name_that_is_damaged_is_made_again(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"\xff" * 32)
    assert host_of(tmp_path) == host_of(tmp_path) == (tmp_path / NAME).read_text()
