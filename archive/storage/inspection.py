"""Compares the storage with the records: what is missing there, what is damaged, and what no record knows.

Nothing is changed. The storage is listed before the records are read: what is put meanwhile is not reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from archive.storage.keys import PROBE_KEY
from archive.storage.storage import Storage
from shared.errors import RecordingMissing
from shared.files import BLOCK_BYTES
from shared.store.store import Store
from shared.store.values import Record

#: Called with the number of records that were compared, and of how many.
Report = Callable[[int, int], None]


@dataclass
class Findings:
    """What was found; `unknown` are keys, the others records."""

    objects: int = 0
    records: int = 0
    missing: list[Record] = field(default_factory=list)
    damaged: list[Record] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def are_good(self) -> bool:
        """Whether every recording is there as it was put."""
        return not (self.missing or self.damaged)


def inspect(storage: Storage, store: Store, report: Report, *, with_hashes: bool = False) -> Findings:
    """Compare sizes, or all of the content with its hash. Raises StorageError, StoreError."""
    there = set(storage.list())
    found = Findings(objects=len(there))
    total = sum(store.figures.states().values())
    for number, record in enumerate(store.records.every(), 1):
        if record.storage_key is not None:
            found.records += 1
            there.discard(record.storage_key)
            _look(storage, record, found, with_hashes)
        report(number, total)
    found.unknown = sorted(there - {PROBE_KEY} - store.objects.expected())
    return found


def _look(storage: Storage, record: Record, found: Findings, with_hashes: bool) -> None:
    key = record.storage_key or ""
    try:
        is_whole = storage.size(key) == record.size_bytes
        if is_whole and with_hashes:
            is_whole = hash_of(storage, key) == record.sha256
    except RecordingMissing:
        found.missing.append(record)
        return
    if not is_whole:
        found.damaged.append(record)


def hash_of(storage: Storage, key: str) -> str:
    """Return the SHA-256 of a recording as the storage gives it. Raises RecordingMissing, StorageError."""
    digest = sha256()
    with storage.open(key) as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
