"""A real PostgreSQL server, and a home with calls that is moved there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import home as folders
from shared.settings import Settings
from shared.store.store import Store
from tests import tables
from tests.integration.commands.spoken import CALL, spoken
from tests.postgres import PostgresServer
from tests.stage import Stage

TITLES = ("Reference call", "Screening, \u00e9migr\u00e9", "Salary talk")


@pytest.fixture
def url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database of a test's own, which has no table yet."""
    with postgres_server.database("template1") as url:
        yield url


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A folder that machines share."""
    share = tmp_path / "share"
    share.mkdir()
    return share


@pytest.fixture
def old(stage: Stage) -> Stage:
    """A home with calls: transcribed, corrected, failed, waiting, and one whose recording is gone."""
    settings = Settings(home=stage.home)
    folders.prepare(settings)
    with Store.of_home(settings) as store:
        tables.use(store)
        for title in TITLES:
            spoken(settings, store, title, candidate_id="C-1")
        lost = spoken(settings, store, "Lost", CALL[:1])
        Path(lost.recording_path).unlink()
        deleted = spoken(settings, store, "Deleted", CALL[:1])
        Path(deleted.recording_path).unlink()
        store.records.delete(deleted.id)
        waiting = settings.inbox / "waiting.wav"
        waiting.write_bytes(b"waiting")
        store.records.add(source="inbox", title="waiting", recording_path=str(waiting))
    return stage
