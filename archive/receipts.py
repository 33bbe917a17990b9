"""Writes receipts: that a person was erased, when and how much, without any content.

A receipt is written before the first file is deleted, with `finished_at` null. A row that is inserted with
the marks lets the process that finishes the deletion finish the receipt.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from archive.library import write_whole
from archive.renamed import Content
from shared.files import LargerThanAllowed, NotRegular, read_regular, sha256_of
from shared.home import make_folder
from shared.settings import Settings
from shared.store.store import Store
from shared.times import iso

LARGEST_BYTES = 100_000_000
#: Copies that only whoever runs the database and the storage can delete.
NOT_REACHED = (
    *("database_backups", "archived_write_ahead_logs", "database_replicas"),
    *("storage_backups", "storage_replicas"),
)


def write(
    folder: Path,
    candidate_id: str,
    *,
    recordings: int,
    files: Iterable[Path],
    stay: int,
    now: float,
    objects: Collection[Content] = (),
) -> Path:
    """Write the receipt of an erasure that begins now; `objects` are in the storage. Raises OSError."""
    make_folder(folder)
    salt = secrets.token_hex(16)
    receipt = {
        "candidate_sha256": candidate_hash(salt, candidate_id),
        "salt": salt,
        "begun_at": iso(now),
        "finished_at": None,
        "recordings": recordings,
        "files": [{"sha256": sha256_of(path), "size_bytes": path.stat().st_size} for path in files],
        "files_that_stay": stay,
        "shared_storage": _shared(objects) if objects else None,
    }
    path = folder / f"erasure-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}.json"
    _save(path, receipt)
    return path


def _shared(objects: Collection[Content]) -> dict[str, Any]:
    """Say what is deleted in the storage, and what a deletion on shared storage cannot reach."""
    found = [{"sha256": it.sha256, "size_bytes": it.size_bytes} for it in objects]
    return {"objects": found, "deleted_with_versions_at": None, "not_reached": list(NOT_REACHED)}


def candidate_hash(salt: str, candidate_id: str) -> str:
    """Hash a candidate's id, so that only somebody who knows it can recognize the receipt."""
    return hashlib.sha256(f"{salt}{candidate_id}".encode()).hexdigest()


def finish(settings: Settings, store: Store, now: float) -> None:
    """Set `finished_at` in all expected receipts of this home. Raises OSError.

    Where homes share a storage, one that is not here is another home's.
    """
    for name in store.erasures.expected_receipts():
        path = settings.receipts / name
        if receipt := _read(path):
            _save(path, _finished(receipt, iso(now)))
        elif settings.storage:
            continue
        store.erasures.receipt_finished(name)


def _finished(receipt: dict[str, Any], at: str | None) -> dict[str, Any]:
    shared = receipt.get("shared_storage")
    if isinstance(shared, dict):
        shared = shared | {"deleted_with_versions_at": at}
    return receipt | {"finished_at": at, "shared_storage": shared}


def _read(path: Path) -> dict[str, Any]:
    """Read a receipt; nothing if a person has removed it, or put something else in its place."""
    try:
        found = json.loads(read_regular(path, LARGEST_BYTES))
    except (FileNotFoundError, NotRegular, LargerThanAllowed, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _save(path: Path, receipt: dict[str, Any]) -> None:
    write_whole(path, json.dumps(receipt, indent=2) + "\n")
