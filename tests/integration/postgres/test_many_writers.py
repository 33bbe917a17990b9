"""Many processes and threads write at once: each record has one claim, and no change is passed over."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import peewee
import psycopg
import pytest

from offhook.desk.desk import Desk
from offhook.web.team.news import TeamNews
from shared.errors import NewerDatabase, StoreBusy, StoreConflict
from shared.settings import Settings
from shared.store.postgres.locks import CHANGES
from shared.store.store import Store
from tests.databases import place_of
from tests.postgres import PostgresServer
from tests.stage import ROOT
from tests.tables import execute

CLAIMERS, RECORDS = 64, 120
WRITERS, CHANGES_EACH = 8, 25
CLAIMS = """
import json, sys, threading
from shared.store.store import Store
store, ids = Store.open(sys.argv[1], "here"), json.loads(sys.argv[2])
taken = []
def claim():
    for number in ids:
        if store.claims.claim(number, worker_id="w", model="tiny.en", lease_seconds=60):
            taken.append(number)
    store.disconnect()
threads = [threading.Thread(target=claim) for _ in range(int(sys.argv[3]))]
print("up", flush=True)
sys.stdin.readline()
for each in threads: each.start()
for each in threads: each.join()
print(json.dumps(taken))
"""
OPENS = "import sys; from shared.store.store import Store; print(Store.open(sys.argv[1]).schema_names())"


def add(store: Store, title: str = "call") -> int:
    return store.records.add(source="added", title=title, recording_path=f"/{title}.wav").id


def test_sixty_four_claimers_get_each_record_once(store: Store, settings: Settings) -> None:
    with store.transaction():
        wanted = [add(store) for _ in range(RECORDS)]
    command = [sys.executable, "-c", CLAIMS, place_of(settings), str(wanted), str(CLAIMERS // 4)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    claimers = [subprocess.Popen(command, **pipes) for _ in range(4)]  # type: ignore[call-overload]
    for each in claimers:
        assert each.stdout.readline() == "up\n"
    for each in claimers:
        each.stdin.write("\n")
        each.stdin.flush()
    taken = [number for each in claimers for number in eval(each.communicate(timeout=120)[0])]

    assert sorted(taken) == wanted
    assert {record.attempts for record in store.records.processing()} == {1}


def test_a_reader_that_goes_on_after_the_last_change_sees_every_record(store: Store) -> None:
    """Transactions draw numbers and end in another order; a reader follows meanwhile."""
    over = threading.Event()

    def write(number: int) -> None:
        for round_ in range(CHANGES_EACH):
            with store.database.transaction(number):  # beside others, as a worker's
                store.records.add(source="added", title=f"{number}-{round_}", recording_path="/x.wav")
        store.disconnect()

    def follow() -> set[int]:
        seen, after, is_last = set[int](), 0, False
        while not is_last:
            is_last = over.is_set()
            while found := store.changes.since(after, 7):
                assert [it.seq for it in found] == sorted(it.seq for it in found)
                seen |= {it.record_id for it in found}
                after = found[-1].seq
        store.disconnect()
        return seen

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        seen = pool.submit(follow)
        list(pool.map(write, range(1, WRITERS + 1)))
        over.set()

        assert seen.result() == {record.id for record in store.records.every()}
        assert len(seen.result()) == WRITERS * CHANGES_EACH


@contextmanager
def open_transaction(settings: Settings) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Another process's transaction, which is not committed at the end."""
    with closing(psycopg.connect(settings.database)) as connection:
        yield connection
        connection.rollback()


def test_a_later_change_waits_for_an_earlier_one_that_is_not_committed(
    store: Store, settings: Settings
) -> None:
    first, second = add(store, "first"), add(store, "second")
    before = store.changes.latest()
    with open_transaction(settings) as other:
        other.execute("UPDATE call_records SET title = 'slow' WHERE id = %s", (first,))
        with store.database.transaction(second):
            execute("UPDATE call_records SET title = 'quick' WHERE id = ?", (second,))
        assert (store.changes.latest(), store.changes.since(before, 9)) == (before, [])

        other.commit()

        assert [it.record_id for it in store.changes.since(before, 9)] == [first, second]


def test_workstations_are_told_no_lower_number_by_a_change_that_begins_late(
    store: Store, settings: Settings
) -> None:
    """A trigger of another process reads the last number, and rests before it takes its lock."""
    first = add(store, "first")
    with (
        Desk({"home": settings.home, "database": settings.database}) as desk,
        open_transaction(settings) as other,
    ):
        (drawn,) = other.execute("SELECT last_value FROM change_seq").fetchone() or (0,)
        add(store, "second")
        told = TeamNews(desk).read(None, 0)
        other.execute("SELECT pg_advisory_xact_lock_shared(%s)", (CHANGES << 48 | drawn,))
        other.execute("SELECT set_config('offhook.draws', 'on', true)")
        other.execute("UPDATE call_records SET title = 'late' WHERE id = %s", (first,))
        meanwhile = TeamNews(desk).read(None, told.seq)
        other.commit()
        afterwards = TeamNews(desk).read(None, meanwhile.seq)

    assert (meanwhile.seq, meanwhile.calls) == (told.seq, [])
    assert [it.record_id for it in afterwards.calls] == [first]


def test_a_transaction_that_the_server_has_undone_does_not_count_as_made(store: Store) -> None:
    def write() -> None:
        with store.transaction():
            add(store, "lost")
            with suppress(peewee.IntegrityError):
                execute("INSERT INTO call_records (id) VALUES (1)")

    with pytest.raises(StoreConflict, match="undone"):
        write()
    assert list(store.records.every()) == []


def test_a_transaction_that_reads_before_it_writes_is_not_overtaken(store: Store) -> None:
    record_id = add(store)

    def count() -> None:
        for _ in range(20):
            with store.transaction():
                found = store.records.get(record_id).priority
                store.choices.set_priority(record_id, found + 1)
        store.disconnect()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.records.get(record_id).priority == 80


def test_a_database_that_others_use_is_busy_after_the_time_to_wait(store: Store, settings: Settings) -> None:
    record_id = add(store)
    with Store.open(settings.database, "other") as other, other.transaction():
        with pytest.raises(StoreBusy, match="in use by another program"), store.busy_timeout(0.05):
            store.records.requeue(record_id)
        with pytest.raises(StoreBusy), store.busy_timeout(0.05):
            store.claims.claim(record_id, worker_id="w", model="tiny.en", lease_seconds=60)
        assert store.records.get(record_id).title == "call", "readers wait for nobody"
    assert store.claims.claim(record_id, worker_id="w", model="tiny.en", lease_seconds=60)


def test_two_processes_that_make_the_schema_at_once_make_one(postgres_server: PostgresServer) -> None:
    with postgres_server.database("template1") as url:
        command = [sys.executable, "-c", OPENS, url]
        opening = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        said = {each.communicate(timeout=60)[0] for each in opening}

        assert [each.returncode for each in opening] == [0, 0, 0]
        with Store.open(url) as store:
            assert said == {f"{store.schema_names()}\n"}
            assert store.check() is None


def test_a_newer_schema_is_refused_and_another_one_is_named(store: Store, settings: Settings) -> None:
    execute("DROP INDEX record_urgency")
    assert store.check() == "is not as offhook made it: its index record_urgency is missing"
    execute("INSERT INTO migrations (name) VALUES ('9999_future')")

    with pytest.raises(NewerDatabase, match="it has 9999_future"):
        Store.open(settings.database)
