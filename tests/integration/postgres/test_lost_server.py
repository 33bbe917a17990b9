"""The server is killed in the middle of what a process does, and is started again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.errors import StoreAway, StoreUnavailable
from shared.store.store import Store
from tests import postgres
from tests.conftest import skip_or_fail
from tests.postgres import PostgresServer
from tests.waiting import until

SYNCED = {"fsync": "on", "wal_level": "minimal", "max_wal_senders": "0"}


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of this test's own, which keeps what was committed when it is killed."""
    if why := postgres.missing():
        skip_or_fail(why)
    server = PostgresServer(SYNCED)
    try:
        yield server
    finally:
        server.remove()


def add(store: Store, title: str) -> int:
    return store.records.add(source="added", title=title, recording_path=f"/{title}.wav").id


def titles(store: Store) -> list[str]:
    return [record.title for record in store.records.every()]


def write_while_it_dies(server: PostgresServer, store: Store) -> None:
    with store.transaction():
        add(store, "lost")
        server.kill()
        with pytest.raises(StoreAway):
            add(store, "lost too")
        server.start()
        add(store, "not outside of its transaction")


def test_a_server_that_dies_takes_one_transaction_and_is_found_again(server: PostgresServer) -> None:
    with Store.open(server.url(), "here") as store, store.feed() as changes:
        add(store, "before")
        with pytest.raises(StoreAway, match="lost in the middle of a transaction"):
            write_while_it_dies(server, store)

        assert titles(store) == ["before"]
        add(store, "after")
        assert until(lambda: changes.wait(0.5), "the feed to find the server again")
        assert titles(store) == ["before", "after"]

        server.kill()
        assert not changes.wait(0.2)
        with pytest.raises(StoreAway, match="cannot be reached"):
            store.records.counts()
        server.start()
        assert titles(store) == ["before", "after"]
        store.claims.claim(1, worker_id="w", model="tiny.en", lease_seconds=60)
        assert store.check() is None


def test_a_server_that_is_stopped_between_two_uses_is_not_noticed(server: PostgresServer) -> None:
    with Store.open(server.url(), "here") as store:
        add(store, "before")
        server.stop()
        server.start()
        add(store, "after")
        server.stop()
        server.start()
        assert titles(store) == ["before", "after"]
        server.stop()
        server.start()
        assert store.claims.claim(1, worker_id="w", model="tiny.en", lease_seconds=60)
        server.kill()
        server.start()
        assert store.claims.claim(2, worker_id="w", model="tiny.en", lease_seconds=60)


def test_what_is_missing_or_refused_is_said_without_the_password(server: PostgresServer) -> None:
    host = f"host={server.folder}"
    for url, said in (
        (f"postgresql://nobody:s3cret@/postgres?{host}", "refuses the user"),
        (f"postgresql://offhook:s3cret@/nowhere?{host}", "createdb"),
        ("postgresql://offhook:s3cret@127.0.0.1:1/x", "cannot be reached"),
    ):
        with pytest.raises(StoreUnavailable, match=said) as caught:
            Store.open(url)
        assert "s3cret" not in str(caught.value)
        assert ":***@" in str(caught.value)
