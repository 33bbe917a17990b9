"""A server whose records are in PostgreSQL, which is stopped in the middle: recordings wait, and go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.store.outbox_states import RECEIVED, SENT
from tests import team as teams
from tests.postgres import PostgresServer
from tests.team import Team, Workstation
from tests.waiting import until


@pytest.fixture(scope="module")
def team(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with postgres_server.database() as url, teams.team(tmp_path_factory.mktemp("team"), url) as found:
        yield found


def test_a_recording_goes_there_and_comes_back(desk7: Workstation, team: Team) -> None:
    record = desk7.queued("over PostgreSQL")
    with desk7.outbox():
        desk7.reaches(record, SENT)
        team.transcribed(record.session_id, "Kept in PostgreSQL.")
        desk7.reaches(record, RECEIVED)
    assert "Kept in PostgreSQL." in desk7.stage.text({"id": record.id})
    assert len(team.records(record.session_id)) == 1


def test_a_call_that_is_deleted_here_is_deleted_there(desk7: Workstation, team: Team) -> None:
    record = desk7.queued("deleted")
    with desk7.outbox():
        desk7.reaches(record, SENT)
        assert desk7.stage.offhook("delete", str(record.id), "--yes").returncode == 0
        until(lambda: not desk7.store.outbox.deletions(), "the server has confirmed the deletion")


def test_a_database_that_is_killed_is_waited_for(
    desk7: Workstation, team: Team, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with desk7.outbox():
        until(lambda: desk7.stage.read("status")["server"]["state"] == "joined", "the server answers")
        postgres_server.kill()
        record = desk7.queued("without a database")
        until(lambda: desk7.stage.read("status")["server"]["state"] == "away", "its database is away", 60)
        postgres_server.start()
        desk7.reaches(record, SENT, 120)
