"""The recordings that browsers and programs are sending: a row for each until it is a record.

The row says from the start where the recording will be in the inbox. So any process that finds it there
knows what was chosen for it, wherever the server stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from peewee import Expression

from shared.store.database import Database
from shared.store.erasures import Erasures
from shared.store.records import Records
from shared.store.tables import UploadRow
from shared.store.values import Record, Upload, columns_of, value_of
from shared.store.view import EVERYBODY, View

#: Where the options of an upload have whose it is.
_OWNER = "owner_id"
#: What may be chosen for the record of an upload, beside its own settings.
COLUMNS = ("title", "source", "candidate_id", "project_id", "priority", _OWNER)


class Uploads:
    """The uploads of one database that `view` has."""

    def __init__(
        self,
        database: Database,
        records: Records,
        erasures: Erasures,
        clock: Callable[[], float] = time.time,
        view: View = EVERYBODY,
    ) -> None:
        self._database, self._records, self._erasures = database, records, erasures
        self._clock, self._view = clock, view

    def begin(
        self, upload_id: str, recording_path: Path, options: Mapping[str, Any], **columns: Any
    ) -> Upload:
        """Insert the row of an upload, with its place in the inbox. Raises StoreConflict."""
        own = {} if self._view.person_id is None else {_OWNER: self._view.person_id}
        query = UploadRow.insert(
            id=upload_id,
            recording_path=str(recording_path),
            created_at=self._clock(),
            **columns_of({**columns, "options": {**options, **own}}),
        ).returning(UploadRow)
        with self._database.transaction():
            row = self._database.first(query)
        assert row
        return value_of(Upload, row)

    def find(self, upload_id: str) -> Upload | None:
        """Return an upload, None if there is none with this id, or it is a record already."""
        return self._first(UploadRow.id == upload_id)

    def every(self) -> list[Upload]:
        """Return all uploads, the oldest first."""
        rows = self._database.all(UploadRow.select().order_by(UploadRow.created_at))
        return [upload for row in rows if self._has(upload := value_of(Upload, row))]

    def count_own(self) -> int:
        """Return how many uploads whoever has the view is sending."""
        return sum(owner_of(it) == self._view.person_id for it in self.every())

    def of_candidate(self, candidate_id: str) -> list[Upload]:
        """Return the uploads of a person's recordings, the oldest first."""
        return [upload for upload in self.every() if upload.options.get("candidate_id") == candidate_id]

    def adopt(self, recording_path: str, content: Mapping[str, Any]) -> Record | None:
        """Turn the upload that has left its recording here into a record; None if no upload has."""
        with self._database.transaction():
            found = self._first(UploadRow.recording_path == recording_path)
            return self.become(found, recording_path, content) if found else None

    def become(self, upload: Upload, recording_path: str, content: Mapping[str, Any]) -> Record:
        """Turn an upload into a queued record, wherever its file is."""
        columns = {name: upload.options[name] for name in COLUMNS if name in upload.options}
        own = {"title": Path(upload.name).stem, "source": "upload"}
        with self._database.transaction():
            self.close(upload.id)
            return self._records.add(
                session_id=upload.id,
                recording_path=recording_path,
                options=upload.options.get("options", {}),
                **{**own, **columns, **content},
            )

    def close(self, upload_id: str) -> None:
        """Remove the row of an upload whose recording has a record."""
        with self._database.transaction():
            self._database.run(UploadRow.delete().where(UploadRow.id == upload_id))

    def drop(self, upload_id: str) -> None:
        """Remove the row of an upload that becomes no record, and order a scrub; its file is the caller's."""
        with self._database.transaction():
            if self._database.run(UploadRow.delete().where(UploadRow.id == upload_id)):
                self._erasures.order_scrub()

    def _first(self, where: Expression) -> Upload | None:
        row = self._database.first(UploadRow.select().where(where))
        found = value_of(Upload, row) if row else None
        return found if found and self._has(found) else None

    def _has(self, upload: Upload) -> bool:
        return self._view.owner_id in (None, owner_of(upload))


def owner_of(upload: Upload) -> int | None:
    """Return the person who sends an upload, None in a home without people."""
    owner_id = upload.options.get(_OWNER)
    return owner_id if isinstance(owner_id, int) else None
