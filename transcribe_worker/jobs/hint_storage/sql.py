"""What hints in SQLite and in PostgreSQL have in common: Huey's table of messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transcribe_worker.jobs.hint_storage.messages import record_id_of


def move(storage: Any, table: str, mark: str, priorities: Mapping[int, float]) -> set[int]:
    """Give the hints of some records other priorities; return the records that have one.

    `mark` is how the driver marks a value in a statement.
    """
    moved = set()
    with storage.db(commit=True) as cursor:
        cursor.execute(f"SELECT id, data FROM {table} WHERE queue = {mark}", (storage.name,))
        for number, data in cursor.fetchall():
            record_id = record_id_of(data)
            if record_id is not None and record_id in priorities:
                change = f"UPDATE {table} SET priority = {mark} WHERE id = {mark}"
                cursor.execute(change, (priorities[record_id], number))
                moved.add(record_id)
    return moved
