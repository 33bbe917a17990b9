"""Which tests run on SQLite and on PostgreSQL: those of the store, whatever database it has."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from shared.settings import Settings

SQLITE, POSTGRESQL = BOTH = ("sqlite", "postgresql")
#: Folders and files under `tests/integration`.
STORE_TESTS = (
    "live_store",
    "records",
    "test_edits.py",
    "outbox/test_rows.py",
    "test_overlays.py",
    "test_people.py",
    "test_search.py",
    "test_store.py",
    "machines/test_machines.py",
    "machines/test_turns.py",
    "hooks/test_stored_messages.py",
)
#: Tests that look into SQLite's files, or cause what only they can have, have this mark.
MARK = "sqlite"


def place_of(settings: Settings) -> str:
    """Return where the database of a home is, for another process: a path or a URL."""
    return settings.database or str(settings.database_file)


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Run the tests of the store on both databases."""
    if "database" in metafunc.fixturenames and _is_of_store(metafunc.definition):
        metafunc.parametrize("database", BOTH, indirect=True)


def _is_of_store(item: pytest.Item) -> bool:
    path = PurePath(item.path).as_posix()
    is_listed = any(f"/tests/integration/{name}" in path for name in STORE_TESTS)
    return is_listed and item.get_closest_marker(MARK) is None
