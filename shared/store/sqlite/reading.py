"""Finds a way to read a database that cannot be written: on a full disk, or without the right to write.

SQLite needs a file beside a database in WAL mode even to read it (https://www.sqlite.org/wal.html). Where it
cannot be made, a database without a log is read as immutable, and one with a log as a copy.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path


def reading_uri(path: Path) -> str:
    """Return the URI by which SQLite can read a database now. Raises OSError."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    if not path.exists() or _is_readable(uri):
        return uri
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        return Path(_folder_with_copy(path, log).name, path.name).as_uri()
    return f"{uri}&immutable=1"


def _is_readable(uri: str) -> bool:
    try:
        with closing(sqlite3.connect(uri, uri=True)) as found:
            found.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.DatabaseError:  # damaged: the reader says so
        pass
    return True


@cache
def _folder_with_copy(path: Path, log: Path) -> tempfile.TemporaryDirectory[str]:
    """Copy a database and its log to a private folder, which is removed at the end of this process."""
    folder = tempfile.TemporaryDirectory(prefix="offhook-reading-", ignore_cleanup_errors=True)
    for file in (path, log):
        shutil.copyfile(file, Path(folder.name, file.name))
    return folder
