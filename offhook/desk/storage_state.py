"""Whether the storage of a team's recordings can be used, and what is still to be deleted in it."""

from __future__ import annotations

from dataclasses import dataclass

from archive.storage.keys import PROBE_KEY
from archive.storage.storage import storage_of
from offhook.desk.desk import Desk
from shared.errors import OffhookError


@dataclass(frozen=True)
class StorageState:
    """Where recordings go; `trouble` says why the storage cannot be used. `to_delete` objects still wait."""

    name: str
    trouble: str | None = None
    to_delete: int = 0


def storage_state(desk: Desk) -> StorageState | None:
    """Ask the storage for something; None if recordings stay files of this home."""
    name = desk.settings.storage
    if not name:
        return None
    to_delete = len(desk.store.objects.ordered())
    try:
        storage_of(desk.settings).exists(PROBE_KEY)
    except OffhookError as error:
        return StorageState(name, str(error), to_delete)
    return StorageState(name, None, to_delete)
