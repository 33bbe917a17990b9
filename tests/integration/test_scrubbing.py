"""What deleted rows leave in the files of a database, whatever its pages have been through."""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from peewee import SqliteDatabase

from shared.store import scrubbing
from shared.store.models import InboxFile
from shared.store.records import Records
from shared.store.sqlite import open_database
from tests.remains import remains

SEEDS = (3, 4, 15)
CALLS = 150


def word(number: int) -> str:
    """The word by which a call is known."""
    return f"zq{number:05d}x"


def random_history(records: Records, seed: int) -> list[int]:
    """Calls of every length come and go; return the numbers of those that are gone."""
    dice, living, gone = random.Random(seed), [], []
    for number in range(CALLS):
        if dice.random() < 0.7 or not living:
            living.append((number, _add(records, number, dice)))
        else:
            number, record_id = living.pop(dice.randrange(len(living)))
            records.delete(record_id)
            gone.append(number)
    return gone


def _add(records: Records, number: int, dice: random.Random) -> int:
    path = f"/inbox/{word(number)}.wav"
    record = records.add(source="inbox", title=word(number) + "t" * dice.randrange(200), recording_path=path)
    InboxFile.create(path=path, size_bytes=1, modified_ns=1, outcome="adopted", record=record.id)
    records.reserve_stem(record.id, iter([f"2026/11/{word(number)}{'u' * dice.randrange(120)}"]))
    claim = records.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    rows = []
    for second in range(dice.randrange(1, 40)):
        length = dice.randrange(3, 400 if dice.random() < 0.05 else 30)
        text = " ".join(dice.choice(["alpha", "beta", word(number), "of", "the"]) for _ in range(length))
        rows.append({"start_seconds": second, "end_seconds": second + 1, "text": text, "words": None})
    for start in range(0, len(rows), 5):
        said = json.dumps(rows[start : start + 5])
        window = {"start_seconds": start, "end_seconds": start + 5, "stretch_seconds": 0, "segments": said}
        records.save_windows(claim, [window])
    records.complete(claim, rows)
    return record.id


def test_nothing_is_left_of_what_was_deleted_from_a_database_with_a_history(tmp_path: Path) -> None:
    """Zeroed cells, a merged index and a truncated WAL are not enough: in some histories words are left."""
    left_without_rewriting = 0
    for seed in SEEDS:
        home = tmp_path / str(seed)
        home.mkdir()
        with closing(open_database(home / "offhook.db")) as database:
            database.execute_sql("PRAGMA synchronous = off")
            gone = [word(number) for number in random_history(Records(database), seed)]
            assert remains(home, gone)
            database.execute_sql("INSERT INTO segments_search (segments_search) VALUES ('optimize')")
            database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            left_without_rewriting += bool(remains(home, gone))
            with database.atomic():
                scrubbing.order()
            note = scrubbing.ordered()
            assert note
            assert scrubbing.scrub(database, note, patience_seconds=0.0)
            assert remains(home, gone) == set()
            found = "SELECT count(*) FROM segments_search WHERE segments_search MATCH 'alpha'"
            assert database.execute_sql(found).fetchone()[0] > 100
            database.execute_sql("INSERT INTO segments_search (segments_search) VALUES ('integrity-check')")
    assert left_without_rewriting


def test_a_database_that_somebody_writes_to_is_scrubbed_later(database: SqliteDatabase) -> None:
    with database.atomic():
        scrubbing.order()
    note = scrubbing.ordered()
    assert note
    with closing(sqlite3.connect(database.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        database.execute_sql("PRAGMA busy_timeout = 50")
        assert scrubbing.scrub(database, note, patience_seconds=0.0) is None
    assert scrubbing.ordered() == note
    assert scrubbing.scrub(database, note, patience_seconds=0.0)


def test_an_order_that_has_been_renewed_is_not_settled(database: SqliteDatabase) -> None:
    with database.atomic():
        scrubbing.order()
    first = scrubbing.ordered()
    assert first
    done = scrubbing.scrub(database, first, patience_seconds=0.0)
    assert done
    with database.atomic():
        scrubbing.order()
    scrubbing.settle(database, done)
    second = scrubbing.ordered()
    assert second not in (None, first, done)
    scrubbing.settle(database, second or "")
    assert scrubbing.ordered() is None


@pytest.mark.parametrize("patience_seconds", [0.0, 1.0])
def test_a_reader_is_waited_for_as_long_as_was_said(
    database: SqliteDatabase, patience_seconds: float
) -> None:
    with database.atomic():
        scrubbing.order()
    naps: list[float] = []
    with closing(sqlite3.connect(database.database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM segments").fetchall()

        def sleep(seconds: float) -> None:
            naps.append(seconds)
            reader.execute("ROLLBACK")

        note = scrubbing.ordered()
        assert note
        scrubbed = scrubbing.scrub(database, note, patience_seconds, sleep)
    assert bool(scrubbed) is bool(patience_seconds)
    assert len(naps) == bool(patience_seconds)
    still = json.loads(scrubbing.ordered() or "{}")
    assert still["rewritten"], "the next try has only the rest to do"
