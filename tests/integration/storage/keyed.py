"""Records whose recordings are in a storage."""

from __future__ import annotations

import uuid
from pathlib import Path

from archive.storage.keys import key_of
from archive.storage.storage import storage_of
from shared.files import sha256_of
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record


def add_keyed(settings: Settings, store: Store, path: Path, title: str, **columns: object) -> Record:
    """Put a recording into the storage of the settings, and queue it."""
    session = str(uuid.uuid4())
    key = key_of(session, path.suffix, 1_795_000_000.0)
    sha256 = sha256_of(path)
    storage_of(settings).put(key, path, sha256)
    return store.records.add(
        source="upload",
        title=title,
        session_id=session,
        recording_path=key,
        storage_key=key,
        sha256=sha256,
        size_bytes=path.stat().st_size,
        **columns,
    )
