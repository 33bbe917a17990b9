"""`/healthz` tells whoever asks whether the server can work, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from offhook.desk.health import ANSWER_SECONDS, Health, Probe
from shared.settings import Settings
from shared.store.store import Store
from tests import postgres
from tests.conftest import skip_or_fail
from tests.desk import DeskServer, serving
from tests.postgres import PostgresServer
from tests.stage import Stage
from tests.waiting import until

WELL, NOT_WELL = {"status": "ok"}, {"status": "not ok"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskServer]:
    """A server whose home is taken apart."""
    with serving(Stage(tmp_path / "home")) as server:
        yield server


def asked(desk: DeskServer) -> tuple[int, object]:
    answer = httpx.get(f"{desk.url}/healthz")
    return answer.status_code, answer.json()


def test_a_stranger_by_any_name_of_the_server_learns_that_it_is_well(desk: DeskServer):
    answer = httpx.get(f"{desk.url}/healthz", headers={"host": "10.0.0.7"})

    assert (answer.status_code, answer.json()) == (200, WELL)
    assert httpx.get(f"{desk.url}/", headers={"host": "10.0.0.7"}).status_code == 421


def test_a_storage_that_is_gone_is_told_until_it_is_back(desk: DeskServer):
    assert asked(desk) == (200, WELL)
    inbox = desk.stage.home / "inbox"
    inbox.rename(inbox.with_name("away"))
    until(lambda: asked(desk) == (503, NOT_WELL), "the storage is missed", 10)

    inbox.with_name("away").rename(inbox)
    until(lambda: asked(desk) == (200, WELL), "the storage is back", 10)
    log = desk.log[-1].read_text("utf-8")
    assert log.count("the storage does not answer") == log.count("the storage answers again") == 1


def test_a_new_shared_folder_is_well_and_one_that_was_unmounted_is_not(tmp_path: Path):
    share = tmp_path / "share"
    share.mkdir()
    stage = Stage(tmp_path / "home", (("OFFHOOK_STORAGE", str(share)),))
    with serving(stage) as desk:
        assert asked(desk) == (200, WELL)
        with Store.of_home(Settings(home=stage.home)) as store:
            columns = {"title": "call", "recording_path": "calls/a.wav", "storage_key": "calls/a.wav"}
            store.records.add(source="added", **columns)
        share.rename(share.with_name("away"))
        share.mkdir()
        until(lambda: asked(desk) == (503, NOT_WELL), "the share is missed", 10)


def test_a_database_that_is_gone_is_told(desk: DeskServer):
    assert asked(desk) == (200, WELL)
    for path in desk.stage.home.glob("offhook.db*"):
        path.rename(path.with_name(f"away-{path.name}"))

    until(lambda: asked(desk) == (503, NOT_WELL), "the database is missed", 10)


def test_a_server_of_databases_that_is_killed_is_told_until_it_is_back(tmp_path: Path):
    if why := postgres.missing():
        skip_or_fail(why)
    server = PostgresServer({"fsync": "on"})  # what it has committed outlives it
    try:
        with serving(Stage(tmp_path / "home", (("OFFHOOK_DATABASE", server.url()),))) as desk:
            assert asked(desk) == (200, WELL)
            server.kill()
            until(lambda: asked(desk) == (503, NOT_WELL), "the database is missed", 10)
            server.start()
            until(lambda: asked(desk) == (200, WELL), "the database is back", 20)
    finally:
        server.remove()


def test_an_answer_is_kept_for_a_second_however_often_it_is_asked_for():
    questions: list[None] = []
    now = [100.0]
    health = Health({"database": Probe("database", lambda: questions.append(None))}, lambda: now[0])

    assert all(health.state().is_well for _ in range(50))
    assert len(questions) == 1
    now[0] += 1.1
    assert health.state().is_well
    assert len(questions) == 2


def test_a_part_that_hangs_is_asked_once_and_does_not_hold_the_answer_up():
    questions: list[None] = []
    released = threading.Event()

    def hang() -> None:
        questions.append(None)
        released.wait(60)

    now = [100.0]
    health = Health({"storage": Probe("storage", hang), "database": Probe("database", int)}, lambda: now[0])
    for _ in range(2):
        began = time.monotonic()
        assert health.state().parts == {"storage": False, "database": True}
        assert time.monotonic() - began < ANSWER_SECONDS * 5
        now[0] += 2.0
    assert len(questions) == 1

    released.set()
    now[0] += 2.0
    until(lambda: health.state().is_well or now.__setitem__(0, now[0] + 2.0), "the storage answers", 10)
