"""A team's server: records in PostgreSQL, recordings in the storage, a worker on each of two machines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.storage.storage import storage_of
from shared.home import prepare
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.storage.keyed import add_keyed
from tests.postgres import PostgresServer
from tests.s3 import S3Server
from tests.stage import Stage
from tests.waiting import until


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """A database of PostgreSQL."""
    with postgres_server.database() as url:
        yield url


def test_machines_share_what_is_transcribed_and_a_deletion_on_one_reaches_the_other(
    database: str, s3_server: S3Server, tmp_path: Path, short_wav: Path
) -> None:
    url = s3_server.make_bucket("team", versioned=True)
    machines = [Settings(home=tmp_path / name, database=database, storage=url) for name in "ab"]
    for settings in machines:
        prepare(settings)
    stages = [Stage(it.home, (("OFFHOOK_DATABASE", database), ("OFFHOOK_STORAGE", url))) for it in machines]
    with Store.of_home(machines[0]) as store:
        records = [
            add_keyed(machines[0], store, short_wav, f"call {number}", candidate_id="C-1")
            for number in range(4)
        ]
        with stages[0].process("transcribe_worker"), stages[1].process("transcribe_worker"):
            until(lambda: store.records.counts()["completed"] == 4, "the calls to be transcribed", 90)
            assert any(machines[1].copies.glob("*.wav")) or any(machines[0].copies.glob("*.wav"))
            said = stages[0].read("delete", "--candidate", "C-1", "--yes")
            assert said["finished"], said
            until(lambda: not any(list(it.copies.glob("*.wav")) for it in machines), "the copies to go", 60)
        assert store.records.some([record.id for record in records]) == []
        assert store.objects.ordered() == []
    assert list(storage_of(machines[0]).list()) == []
    assert s3_server.versions("team") == []
