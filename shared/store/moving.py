"""Moves the records of a SQLite database to a new one in PostgreSQL: all of them, or nothing.

Everything is copied and compared in one transaction of the new database. A process that dies leaves it empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peewee import AutoField, BooleanField, Model

from shared.errors import OffhookError
from shared.store.row_digest import RowDigest
from shared.store.sqlite.snapshot import Snapshot
from shared.store.tables import (
    TABLES,
    AccessRow,
    AuditRow,
    ErasureRow,
    ExpectedReceiptRow,
    JoinedServerRow,
    LibraryFileRow,
    LiveCallRow,
    LiveWindowRow,
    MachineRow,
    OutboxDeletionRow,
    OutboxRow,
    PersonRow,
    QueueStateRow,
    RecordChangeRow,
    RecordRow,
    ScrubRow,
    SignInRow,
    WorkerRow,
)

if TYPE_CHECKING:
    from shared.store.postgres.filling import Filling

ROWS_AT_ONCE = 5_000
#: What belongs to one machine, its processes and its files, and what opens its desk.
STAYS = {
    AccessRow,
    *(WorkerRow, MachineRow, LiveCallRow, LiveWindowRow, LibraryFileRow),
    *(OutboxRow, OutboxDeletionRow, JoinedServerRow, ErasureRow, ExpectedReceiptRow, ScrubRow),
}
#: What the new database may have before: people of the team, and what they did.
TEAM = {PersonRow, SignInRow, AuditRow}
MOVED: tuple[type[Model], ...] = tuple(table for table in TABLES if table not in STAYS)

#: Called with the name of the step, how much is done, and of how much.
Report = Callable[[str, int, int], None]


class CannotMigrate(OffhookError):
    """The home cannot be moved."""

    code = "cannot_migrate"


@dataclass(frozen=True)
class Stored:
    """Where a record's recording is in the storage, and what it is."""

    key: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class MovedTable:
    """A table that both databases have: its rows and their digest."""

    name: str
    rows: int
    digest: str


@dataclass(frozen=True)
class Moved:
    """What is in the new database; `was_there`: an earlier run had moved it."""

    database: str
    tables: tuple[MovedTable, ...]
    was_there: bool


def move_database(
    source: Path, url: str, stored: Mapping[int, Stored], owner_id: int | None, report: Report
) -> Moved:
    """Copy the tables of a file to a database on a server.

    `stored` has the recordings that are in the storage, `owner_id` is the person whose calls they become.
    Raises CannotMigrate, NewerDatabase, SettingsError, StoreError; then nothing was copied.
    """
    from shared.store.postgres.database import PostgresDatabase
    from shared.store.postgres.filling import Filling

    PostgresDatabase.open(url).disconnect()
    with Snapshot(source) as snapshot, closing(Filling(url)) as filling:
        move = _Move(snapshot, filling, stored, owner_id, report)
        with filling.transaction():
            was_there = filling.count(_name(RecordRow)) > 0
            tables = move.compared() if was_there else move.copied()
            if snapshot.has_changed():
                raise CannotMigrate(f"{source} has changed meanwhile. Stop offhook there, and try again.")
        if not was_there:
            filling.gather_statistics()
        return Moved(filling.name, tables, was_there)


class _Move:
    """The tables of one snapshot, on their way into one database."""

    def __init__(
        self,
        snapshot: Snapshot,
        filling: Filling,
        stored: Mapping[int, Stored],
        owner_id: int | None,
        report: Report,
    ) -> None:
        self._snapshot, self._filling, self._report = snapshot, filling, report
        self._stored, self._owner_id = stored, owner_id

    def copied(self) -> tuple[MovedTable, ...]:
        """Copy every table, and compare what has arrived. Raises CannotMigrate."""
        self._refuse_used()
        for table in MOVED:
            self._filling.switch_triggers(_name(table), on=False)
        sent = [self._copy(table) for table in MOVED]
        self._filling.index_text(lambda done, total: self._report("search index", done, total))
        self._filling.index_lists()
        for table in MOVED:
            if isinstance(table._meta.primary_key, AutoField):
                self._filling.set_last_number(_name(table), self._snapshot.last_number(_name(table)))
            self._filling.switch_triggers(_name(table), on=True)
        self._filling.set_last_change()
        self._refuse_other(sent)
        return tuple(sent)

    def compared(self) -> tuple[MovedTable, ...]:
        """Check that the new database has these rows and no others. Raises CannotMigrate."""
        mine = [self._digest(_name(table), self._rows(table)) for table in MOVED]
        self._refuse_other(mine)
        return tuple(mine)

    def _refuse_used(self) -> None:
        self._filling.empty(_name(QueueStateRow))
        mine = (_name(table) for table in MOVED if table not in TEAM or self._snapshot.count(_name(table)))
        used = [name for name in mine if self._filling.count(name)]
        if used:
            raise CannotMigrate(
                f"{self._filling.name} is in use: it has rows in {', '.join(used)}. Give a new one."
            )

    def _refuse_other(self, mine: list[MovedTable]) -> None:
        """Compare all tables. Raises CannotMigrate."""
        for table, each in zip(MOVED, mine, strict=True):
            if table in TEAM and not each.rows:
                continue
            there = self._digest(each.name, self._filling.rows(each.name, _columns(table)))
            if there != each:
                counts = f"{there.rows:,} rows there, {each.rows:,} here"
                raise CannotMigrate(f"{self._filling.name} differs in {each.name}: {counts}.")

    def _copy(self, table: type[Model]) -> MovedTable:
        def sent() -> Iterator[list[tuple[Any, ...]]]:
            for rows in self._rows(table):
                self._filling.add(_name(table), _columns(table), rows)
                yield rows

        return self._digest(_name(table), sent())

    def _digest(self, name: str, batches: Iterator[list[tuple[Any, ...]]]) -> MovedTable:
        digest, total = RowDigest(), self._snapshot.count(name)
        for rows in batches:
            digest.add(rows)
            self._report(name, digest.rows, total)
        return MovedTable(name, digest.rows, digest.text)

    def _rows(self, table: type[Model]) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of a table as they will be: recordings in the storage, texts without zeros."""
        columns, is_truth = (
            _columns(table),
            [isinstance(it, BooleanField) for it in table._meta.sorted_fields],
        )
        change = {RecordRow: self._of_record, RecordChangeRow: self._of_change}.get(table)
        for batch in self._snapshot.batches(_name(table), columns, ROWS_AT_ONCE):
            rows = [tuple(map(_value, row, is_truth)) for row in batch]
            yield [_changed(columns, row, change) for row in rows] if change else rows

    def _of_record(self, row: dict[str, Any]) -> dict[str, Any]:
        own = {"library_stem": None, **({"owner_id": self._owner_id} if self._owner_id else {})}
        stored = self._stored.get(row["id"])
        if stored is None:
            return own
        place = {"storage_key": stored.key, "recording_path": stored.key, "modified_ns": None}
        return {**own, **place, "sha256": stored.sha256, "size_bytes": stored.size_bytes}

    def _of_change(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"owner_id": self._owner_id} if self._owner_id else {}


def _changed(
    columns: tuple[str, ...], row: tuple[Any, ...], change: Callable[[dict[str, Any]], dict[str, Any]]
) -> tuple[Any, ...]:
    named = dict(zip(columns, row, strict=True))
    return tuple({**named, **change(named)}.values())


def _value(stored: Any, is_truth: bool) -> Any:
    if isinstance(stored, str):
        return stored.replace("\0", "\ufffd")
    return bool(stored) if is_truth and stored is not None else stored


def _name(table: type[Model]) -> str:
    return str(table._meta.table_name)


def _columns(table: type[Model]) -> tuple[str, ...]:
    return tuple(field.column_name for field in table._meta.sorted_fields)
