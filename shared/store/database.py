"""The database interface of the store; `sqlite/` and `postgres/` implement it.

A query is a peewee query over `tables.py`. Rows come back as dictionaries, keyed by field name; a foreign
key's value is the key itself. Every method raises the errors of `shared.errors` that begin with `Store`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from shared.store.listed import Asked, Listed
from shared.store.narrowing import EVERYTHING, Narrowing
from shared.store.statements import Statement
from shared.store.words_index import Query

Row = dict[str, Any]
#: Numbers of rows have 64 bits.
LARGEST_ID = 2**63 - 1
BUSY_TIMEOUT_SECONDS = 35.0
#: Memory of each connection's cache; SQLite's own default.
CACHE_KIB = 2000


@dataclass(frozen=True)
class Found:
    """A segment that the full-text index found, with its record's title."""

    record_id: int
    title: str
    start_seconds: float
    end_seconds: float
    text: str
    segment_id: int


class ChangeFeed(Protocol):
    """Notices changes by other connections; a context manager."""

    def wait(self, timeout_seconds: float) -> bool:
        """Return True as soon as something has changed since the last call, False after the timeout."""

    def __enter__(self) -> ChangeFeed: ...

    def __exit__(self, *_: object) -> None: ...


class Database(Protocol):
    """One database, with a connection for each thread that uses it."""

    @property
    def name(self) -> str:
        """The database as it may be shown: a path, or a URL without its password."""

    @property
    def connections(self) -> Any:
        """Peewee's database, for tests and measurements that look past the store."""

    def clock(self) -> float:
        """Return the time by which waits and leases are judged, in seconds since 1970 in UTC.

        A server tells its own, so that machines whose clocks differ agree.
        """

    def transaction(self, record_id: int | None = None) -> AbstractContextManager[None]:
        """Make all statements inside succeed or fail together; inside another one, it is a part of that.

        Nobody else writes meanwhile, so that what is read inside cannot change before it is written. Code of
        the store that reads and then writes relies on this. With `record_id`, that is so for one record and
        all that depends on it: others may write to other records at once, where the database can.
        """

    def statement(self) -> AbstractContextManager[None]:
        """Make statements succeed or fail together, each of which decides by its own conditions.

        What is read inside may change before it is written, where the database lets others write at once. For
        what is written all the time: a feed may notice it a second later.
        """

    def all(self, query: Any) -> list[Row]:
        """Return every row of a query."""

    def column(self, query: Any) -> list[Any]:
        """Return the first column of every row."""

    def first(self, query: Any) -> Row | None:
        """Return the first row of a query."""

    def scalar(self, query: Any) -> Any:
        """Return the first column of the first row, None if there is no row."""

    def run(self, query: Any) -> int:
        """Run a statement that writes, and return the number of rows it has changed."""

    def carry_out(self, statement: Statement, **values: Any) -> Row | None:
        """Run a statement whose text is kept; return the first row that it returns, if any.

        Outside of a transaction it is one of its own, such as `statement` begins.
        """

    def unlocked(self, query: Any) -> Any:
        """Return a query for a statement's condition that passes over rows which others are changing."""

    def busy_timeout(self, seconds: float) -> AbstractContextManager[None]:
        """Wait for a busy database for at most `seconds`, in this thread."""

    def unsynced(self) -> AbstractContextManager[None]:
        """Commit without waiting for the disk, in this thread, for writes that a power cut may take.

        It is not begun inside a transaction.
        """

    def disconnect(self) -> None:
        """Close this thread's connection."""

    def file_name(self, column: Any) -> Any:
        """Return an expression: the name of the file whose path a column has, whichever system wrote it."""

    def listed(self, asked: Asked) -> Listed | None:
        """Return the records that have some words as an index finds them; None if there is no such index."""

    def changes_horizon(self) -> int:
        """Return a change of records before which no other one will be committed any more.

        Ask for it before the changes are read, and pass no later ones on.
        """

    def find_text(
        self, query: Query, limit: int, narrowing: Narrowing = EVERYTHING, before_id: int = LARGEST_ID
    ) -> list[Found]:
        """Return the segments before `before_id` that match a full-text query, the newest first.

        Of those narrowed to speakers, some may have no matching word of theirs.
        """

    def records_with_text(self, query: Query) -> list[int]:
        """Return the numbers of the records that have a matching segment."""

    def index_text(self, record_id: int) -> None:
        """Add the segments of a record to the full-text index."""

    def remove_text(self, record_id: int) -> None:
        """Remove the segments of a record, which are still there, from the full-text index."""

    def index_text_of(self, segment_ids: Sequence[int]) -> None:
        """Add some segments to the full-text index."""

    def remove_text_of(self, segment_ids: Sequence[int]) -> None:
        """Remove some segments, which are still as they were indexed, from the full-text index."""

    def changes(self) -> ChangeFeed:
        """Return a feed of the changes that are committed from now on."""

    def check(self) -> str | None:
        """Return what is wrong with the database: damage, or another schema than it should have."""

    def scrub(self, rewritten: bool, on_rewritten: Callable[[], None], patience_seconds: float) -> bool:
        """Remove the last traces of deleted rows from the files; False if others were in the way for too
        long.
        """

    def schema_names(self) -> list[str]:
        """Return the names of the migrations that were applied."""

    def make_movable(self) -> None:
        """Leave one file, which can be moved once the store is closed."""
