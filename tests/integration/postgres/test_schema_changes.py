"""A newer offhook changes the schema while workers of this version are still there."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from shared.settings import Settings
from shared.store.claims import Claim
from shared.store.postgres.locks import ALONE
from shared.store.store import Store
from tests.waiting import until

#: More than psycopg needs to prepare a statement.
TIMES = 7
#: Longer than the server needs to find that two wait for each other, which it looks for once.
WAITS = """
    SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'advisory' AND now() - query_start > '1.2 s'"""


@contextmanager
def alone(settings: Settings) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A transaction that has the whole database, as a migration has."""
    with psycopg.connect(settings.database) as connection:
        connection.execute(f"SELECT {ALONE}")
        yield connection


def claimed(store: Store) -> Claim:
    record = store.records.add(source="added", title="call", recording_path="/x.wav")
    claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim is not None
    return claim


@pytest.mark.parametrize("finish", ["complete", "hand_back"])
def test_a_worker_goes_on_when_a_table_gets_another_column(
    store: Store, settings: Settings, finish: str
) -> None:
    def work() -> None:
        claim = claimed(store)
        store.claims.complete(claim, []) if finish == "complete" else store.claims.hand_back(claim)

    for _ in range(TIMES):
        work()
    with alone(settings) as newer:
        newer.execute("ALTER TABLE call_records ADD COLUMN novel bigint NOT NULL DEFAULT 7")

    work()


def test_a_claim_that_waits_does_not_hold_up_a_change_of_the_schema(store: Store, settings: Settings) -> None:
    record = store.records.add(source="added", title="call", recording_path="/x.wav")

    def claim() -> Claim | None:
        try:
            return store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
        finally:
            store.disconnect()

    with ThreadPoolExecutor(1) as pool:
        with alone(settings) as newer:
            waiting = pool.submit(claim)
            with psycopg.connect(settings.database, autocommit=True) as server:
                until(lambda: server.execute(WAITS).fetchone(), "the claim to wait")
            newer.execute("ALTER TABLE call_records ADD COLUMN novel bigint")
        assert waiting.result()
