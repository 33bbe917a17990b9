"""The table by which lists are searched: right after every change, and never written by claims."""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared.errors import StoreUnavailable
from shared.store.claims import Failure
from shared.store.database import Database
from shared.store.listed import Asked
from shared.store.listing import Listing, Wanted, _Walked
from shared.store.store import Store
from shared.store.view import View
from tests.postgres import PostgresServer
from tests.tables import execute, said

#: A version of each row: of another transaction, in another place.
VERSIONS = "SELECT record_id, xmin::text, ctid::text FROM records_search ORDER BY 1"
WRITTEN = "SELECT record_id, words, owner_id, created_at, outcome FROM records_search ORDER BY 1"
#: As the documentation says what is in it.
SHOULD_BE = r"""
    SELECT id, lower(concat_ws(
        chr(10), title, candidate_id, project_id, regexp_replace(recording_path, '^.*[/\\]', ''),
        transcription_error) COLLATE "C"), owner_id, created_at,
        CASE WHEN transcription_status IN ('failed', 'cancelled') THEN transcription_status END
    FROM call_records ORDER BY 1"""
SEED = 20261130


def test_fifty_claims_and_completions_do_not_write_the_words_of_lists(store: Store) -> None:
    ids = [add(store, f"Call {number}") for number in range(50)]
    before = execute(VERSIONS).fetchall()

    for record_id in ids:
        claim = store.claims.claim(record_id, worker_id="w", model="tiny.en", lease_seconds=60)
        assert claim
        store.claims.renew(claim, lease_seconds=60, progress=0.5)
        store.claims.complete(claim, said([{"start_seconds": 0.0, "end_seconds": 1.0, "text": "Some words"}]))

    assert len(before) == 50
    assert execute(VERSIONS).fetchall() == before
    assert execute(WRITTEN).fetchall() == execute(SHOULD_BE).fetchall()


def test_an_edit_writes_the_words_of_its_record_alone(store: Store) -> None:
    ids = [add(store, f"Call {number}") for number in range(3)]
    before = execute(VERSIONS).fetchall()

    store.choices.describe(ids[1], title="Offer")
    store.records.delete(ids[2])

    after = execute(VERSIONS).fetchall()
    assert after[0] == before[0]
    assert [row[0] for row in after] == ids[:2]
    assert execute(WRITTEN).fetchall() == execute(SHOULD_BE).fetchall()


def test_what_ends_a_record_and_queues_it_again_is_known_to_its_list(store: Store) -> None:
    record_id = add(store, "Call")
    claim = store.claims.claim(record_id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim

    for change, status in (
        (lambda: store.claims.fail(claim, Failure("empty_file", "The file is empty.")), "failed"),
        (lambda: store.records.cancel(record_id), "cancelled"),
        (lambda: store.records.requeue(record_id), "queued"),
        (lambda: store.records.cancel(record_id), "cancelled"),
    ):
        change()
        assert execute(WRITTEN).fetchall() == execute(SHOULD_BE).fetchall()
        assert store.listing.counts("call")[status] == 1
        assert sum(store.listing.counts("call").values()) == 1


def test_the_index_finds_what_looking_at_each_record_finds(store: Store) -> None:
    chance = random.Random(SEED)
    letters = string.ascii_letters + "ÄäßİıñÑ東-_%\\./ 12"

    def text(longest: int) -> str:
        return "".join(chance.choices(letters, k=chance.randint(0, longest)))

    for number in range(60):
        record_id = add(
            store, text(12), candidate_id=text(5) or None, recording_path=f"{text(9)}/{text(9)}{number}"
        )
        if chance.random() < 0.3:
            execute("UPDATE call_records SET transcription_error = ? WHERE id = ?", (text(9), record_id))
    for _ in range(300):
        wanted = Wanted(text=" ".join(text(2) for _ in range(chance.randint(1, 3))))
        asked = Listing(store.database)._asked(wanted)
        if asked.words:
            assert counted(store.database, asked) == _Walked(store.database, asked).counts(), wanted


def counted(database: Database, asked: Asked) -> dict[str, int]:
    listed = database.listed(asked)
    assert listed
    assert sum(listed.counts().values()) == listed.count()
    return listed.counts()


def test_a_record_of_another_person_is_not_found(store: Store) -> None:
    mine, _ = add(store, "Interview", owner_id=1), add(store, "Interview", owner_id=2)

    asked = Listing(store.database, View(owner_id=1))._asked(Wanted(text="interview"))

    listed = store.database.listed(asked)
    assert listed
    assert listed.count() == 1
    assert store.seen_by(View(owner_id=1)).listing.ids(Wanted(text="interview")) == [mine]


def test_the_owner_of_a_database_needs_no_other_right(postgres_server: PostgresServer) -> None:
    with role_and_database(postgres_server, owns=True) as url, Store.open(url) as store:
        record_id = add(store, "Interview")
        assert store.listing.ids(Wanted(text="terv")) == [record_id]


def test_who_may_not_add_the_extension_is_told_the_remedy(postgres_server: PostgresServer) -> None:
    with role_and_database(postgres_server, owns=False) as url:
        with pytest.raises(StoreUnavailable, match="CREATE EXTENSION pg_trgm") as caught:
            Store.open(url)
        assert "permission denied" in str(caught.value)

        name = url.partition("@/")[2].partition("?")[0]
        assert postgres_server.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name
        ) == [(0,)]
        postgres_server.execute("CREATE EXTENSION pg_trgm SCHEMA public", name)
        with Store.open(url) as store:
            assert store.check() is None


@contextmanager
def role_and_database(server: PostgresServer, *, owns: bool) -> Iterator[str]:
    """Make an ordinary user, and a database that it owns, or in which it may only make tables."""
    name = f"plain_{uuid.uuid4().hex}"
    server.execute(f"CREATE ROLE {name} LOGIN")
    server.execute(f"CREATE DATABASE {name}" + (f" OWNER {name}" if owns else ""))
    server.execute(f"GRANT ALL ON SCHEMA public TO {name}", name)
    try:
        yield server.url(name).replace("offhook@", f"{name}@")
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        server.execute(f"DROP ROLE {name}")


def add(store: Store, title: str, **columns: object) -> int:
    given = {"recording_path": f"/calls/{title}.wav", **columns}
    return store.records.add(source="added", title=title, **given).id  # type: ignore[arg-type]
