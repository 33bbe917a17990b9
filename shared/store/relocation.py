"""Moves a copied database to another home: paths into the old home become paths into the new one."""

from __future__ import annotations

import re
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from shared.store.database import Database
from shared.store.live import RELEASED
from shared.store.tables import CaptureRow, InboxFileRow, LiveCallRow, RecordRow, UploadRow, WorkerRow

#: Columns that name files of the home.
PATHS: tuple[tuple[Any, Any], ...] = (
    (RecordRow, RecordRow.recording_path),
    (InboxFileRow, InboxFileRow.path),
    (CaptureRow, CaptureRow.recording_path),
)


class Relocation:
    """Moves the paths of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def move(self, old_home: str, new_home: Path) -> None:
        """Change paths into the old home, which may be of another system, to the new one.

        What processes of the old home were doing is no longer theirs: their rows go, and every capture and
        record belongs to the new home's host.
        """
        old = _path_of_its_system(old_home)
        with self._database.transaction():
            for table, column in PATHS:
                key = table._meta.primary_key
                for row in self._database.all(table.select(key, column)):
                    path = type(old)(row[column.name])
                    if path.is_relative_to(old):
                        moved = new_home.joinpath(*path.relative_to(old).parts)
                        query = table.update({column: str(moved)}).where(key == row[key.name])
                        self._database.run(query)
            self._database.run(WorkerRow.delete())
            self._database.run(UploadRow.delete())  # their files are not in a backup
            self._database.run(CaptureRow.update(host=None))
            self._database.run(LiveCallRow.update(**RELEASED))
            self._database.run(RecordRow.update(worker_host=None))


def _path_of_its_system(home: str) -> PurePath:
    return PureWindowsPath(home) if re.match(r"[A-Za-z]:|\\\\", home) else PurePosixPath(home)
