"""Which recordings an unfinished move has put into the storage, so that a further run goes on there."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from shared.files import Fingerprint
from shared.store.moving import Stored

NAME = "migration.jsonl"


@dataclass(frozen=True)
class Put:
    """A recording that was put into the storage, and the file it was made of as it was then."""

    record_id: int
    file: Fingerprint
    stored: Stored


class Journal:
    """The journal of moves to one storage; a line is written once its recording is safe there."""

    def __init__(self, folder: Path, storage: str) -> None:
        self._path = folder / NAME
        self._storage = sha256(storage.encode()).hexdigest()

    def read(self) -> dict[int, Put]:
        """Return what was put; a line that was cut off counts for nothing."""
        found: dict[int, Put] = {}
        with suppress(FileNotFoundError):
            for line in self._path.read_text("utf-8", errors="replace").splitlines():
                with suppress(ValueError, KeyError, TypeError):
                    values = json.loads(line)
                    if values["storage"] == self._storage:
                        put = _put(values)
                        found[put.record_id] = put
        return found

    def add(self, put: Put) -> None:
        """Write down that a recording is in the storage."""
        values = {
            "storage": self._storage,
            "record_id": put.record_id,
            "file": asdict(put.file),
            "stored": asdict(put.stored),
        }
        line = f"\n{json.dumps(values)}\n"  # the line before may have been cut off
        with open(self._path, "a", encoding="utf-8", opener=_private) as file:
            file.write(line)

    def remove(self) -> None:
        """Forget all: the move is finished."""
        self._path.unlink(missing_ok=True)


def _put(values: dict[str, dict[str, object]]) -> Put:
    file = Fingerprint(**values["file"])  # type: ignore[arg-type]
    return Put(int(str(values["record_id"])), file, Stored(**values["stored"]))  # type: ignore[arg-type]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
