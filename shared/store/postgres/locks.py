"""The locks by which processes write one after another, as they do in SQLite.

Code of the store reads and then writes in a transaction, and nobody may write in between. Such a transaction
takes the lock of the whole database, and is alone. What is decided by the conditions of its statements, or
concerns one record, shares that lock with others of its kind. The lock of the whole is always taken before
that of a record, and of one record alone, so that no two transactions wait for each other.
"""

from __future__ import annotations

#: The class of offhook's locks among all advisory locks of a database, and those of it that have a name.
CLASS = 0x6F68
WHOLE, MIGRATIONS = 0, 1
#: The uppermost 16 bits of the locks of records, and of those that say which changes may still be unseen.
RECORDS, CHANGES = 0x6F69, 0x6F6A

ALONE = f"pg_advisory_xact_lock({CLASS}, {WHOLE})"
WITH_OTHERS = f"pg_advisory_xact_lock_shared({CLASS}, {WHOLE})"
MIGRATING = f"pg_advisory_xact_lock({CLASS}, {MIGRATIONS})"


def of_record(record_id: int) -> str:
    """Return the lock of one record, beside that of the whole, which is shared."""
    return f"{WITH_OTHERS}, pg_advisory_xact_lock({(RECORDS << 48) | (record_id & (2**48 - 1))})"
