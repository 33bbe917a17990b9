"""Two web servers of one team: a call that one of them has half of goes to the other, and nothing is lost."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from archive.storage.storage import storage_of
from shared import home
from shared.settings import Settings
from shared.store.access import WORKSTATION
from shared.store.store import Store
from tests.desk import DeskServer, serving
from tests.postgres import PostgresServer
from tests.stage import Stage
from tests.workstations import HandedOver, WorkstationClient, token_of

Team = tuple[DeskServer, DeskServer, Settings]


@pytest.fixture
def team(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Team]:
    with ExitStack() as stack:
        url = stack.enter_context(postgres_server.database())
        share = tmp_path / "share"
        share.mkdir()
        given = (("OFFHOOK_DATABASE", url), ("OFFHOOK_STORAGE", str(share)))
        stages = [Stage(tmp_path / name, given) for name in ("one", "two")]
        settings = [Settings(home=it.home, database=url, storage=str(share)) for it in stages]
        for each in settings:
            home.prepare(each)
        one, two = (stack.enter_context(serving(stage)) for stage in stages)
        yield one, two, settings[0]


def test_a_call_goes_on_at_another_server_of_the_team(team: Team):
    one, two, settings = team
    call = HandedOver(os.urandom(20_000))
    with Store.of_home(settings) as store:
        token = token_of(store, "ada")
        here, there = (WorkstationClient(server.url, token) for server in (one, two))
        here.join()
        here.offer(call)
        here.send(call, 0, 12_000)

        assert there.offer(call).json()["offset"] == 0
        there.send(call, 0)
        taken = there.commit(call).json()

        assert here.offer(call).json()["state"] == "taken"
        assert here.commit(call).json()["record"]["record_id"] == taken["record"]["record_id"]
        record = store.records.get(taken["record"]["record_id"])
        assert record.storage_key
        assert here.client.get(f"/calls/{call.session_id}/audio").content == call.content
        assert list(storage_of(settings).list("calls/")) == [record.storage_key]

        seq = here.changes()["seq"]
        store.records.cancel(record.id)
        assert [it["status"] for it in here.changes(seq, wait=10)["calls"]] == ["cancelled"]

        found = store.access.find(WORKSTATION, token, is_use=False)
        assert found
        store.access.revoke(found.id)
        revoked_at = time.monotonic()
        assert there.client.get("/changes").status_code == 401
        assert here.client.get("/changes").status_code == 401
        assert time.monotonic() - revoked_at < 5
        here.close()
        there.close()
