"""What deleted rows leave in the files of a database, whatever its pages have been through."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.store.erasures import ScrubOrder
from shared.store.store import Store
from tests.remains import remains
from tests.tables import InboxFile, execute, said, use, windows

SEEDS = (2, 5, 14)
CALLS = 150


def word(number: int) -> str:
    """The word by which a call is known."""
    return f"zq{number:05d}x"


def random_history(store: Store, seed: int) -> list[int]:
    """Calls of every length come and go; return the numbers of those that are gone."""
    dice, living, gone = random.Random(seed), [], []
    for number in range(CALLS):
        if dice.random() < 0.7 or not living:
            living.append((number, _add(store, number, dice)))
        else:
            number, record_id = living.pop(dice.randrange(len(living)))
            store.records.delete(record_id)
            gone.append(number)
    return gone


def _add(store: Store, number: int, dice: random.Random) -> int:
    path = f"/inbox/{word(number)}.wav"
    record = store.records.add(
        source="inbox", title=word(number) + "t" * dice.randrange(200), recording_path=path
    )
    InboxFile.create(path=path, size_bytes=1, modified_ns=1, outcome="adopted", record=record.id)
    store.places.reserve_stem(record.id, iter([f"2026/11/{word(number)}{'u' * dice.randrange(120)}"]))
    claim = store.claims.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    rows = []
    for second in range(dice.randrange(1, 40)):
        length = dice.randrange(3, 400 if dice.random() < 0.05 else 30)
        text = " ".join(dice.choice(["alpha", "beta", word(number), "of", "the"]) for _ in range(length))
        rows.append({"start_seconds": second, "end_seconds": second + 1, "text": text, "words": None})
    for start in range(0, len(rows), 5):
        some = json.dumps(rows[start : start + 5])
        window = {"start_seconds": start, "end_seconds": start + 5, "stretch_seconds": 0, "segments": some}
        store.claims.save_windows(claim, windows([window]))
    store.claims.complete(claim, said(rows))
    return record.id


def order(store: Store) -> ScrubOrder:
    """Order that the files are scrubbed, as a deletion does."""
    with store.transaction():
        store.erasures.order_scrub()
    found = store.erasures.scrub_order()
    assert found
    return found


def test_nothing_is_left_of_what_was_deleted_from_a_database_with_a_history(tmp_path: Path) -> None:
    """Zeroed cells, a merged index and a truncated log are not enough: in some histories words are left."""
    left_without_rewriting = 0
    for seed in SEEDS:
        home = tmp_path / str(seed)
        home.mkdir()
        with use(Store.open(home / "offhook.db")) as store:
            execute("PRAGMA synchronous = off")
            gone = [word(number) for number in random_history(store, seed)]
            assert remains(home, gone)
            execute("INSERT INTO segments_search (segments_search) VALUES ('optimize')")
            execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            left_without_rewriting += bool(remains(home, gone))
            assert store.erasures.scrub(order(store), patience_seconds=0.0)
            assert remains(home, gone) == set()
            found = "SELECT count(*) FROM segments_search WHERE segments_search MATCH 'alpha'"
            assert execute(found).fetchone()[0] > 100
            execute("INSERT INTO segments_search (segments_search, rank) VALUES ('integrity-check', 1)")
    assert left_without_rewriting


def test_a_database_that_another_program_writes_to_is_scrubbed_later(
    store: Store, settings: Settings
) -> None:
    ordered = order(store)
    with closing(sqlite3.connect(settings.database_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        execute("PRAGMA busy_timeout = 50")
        assert not store.erasures.scrub(ordered, patience_seconds=0.0)
    assert store.erasures.scrub_order() == ordered
    assert store.erasures.scrub(ordered, patience_seconds=0.0)


def test_an_order_that_was_renewed_is_not_removed(store: Store) -> None:
    first = order(store)
    assert store.erasures.scrub(first, patience_seconds=0.0)
    second = order(store)
    store.erasures.scrubbed(first)
    assert store.erasures.scrub_order() == second != first
    store.erasures.scrubbed(second)
    assert store.erasures.scrub_order() is None


@pytest.mark.parametrize("patience_seconds", [0.0, 10.0])
def test_a_reader_is_waited_for_as_long_as_the_caller_says(
    store: Store, settings: Settings, patience_seconds: float
) -> None:
    ordered = order(store)
    reader = sqlite3.connect(settings.database_file, isolation_level=None, check_same_thread=False)
    with closing(reader):
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM segments").fetchall()
        ends = threading.Timer(1.0, lambda: reader.execute("ROLLBACK"))
        ends.start()

        scrubbed = store.erasures.scrub(ordered, patience_seconds)

        ends.join()
    assert scrubbed is bool(patience_seconds)
    left = store.erasures.scrub_order()
    assert left, "the order stays until it is said to be done"
    assert left.rewritten, "the next try has only the rest to do"
