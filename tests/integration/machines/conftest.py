"""Machines of a team: real workers with homes of their own, one PostgreSQL, and an engine that stands in."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared import home as folders
from shared.host import host_of
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from stress.stand_in import SECONDS_VARIABLE, STAND_IN
from tests import postgres
from tests.conftest import skip_or_fail
from tests.postgres import PostgresServer
from tests.stage import ROOT, end
from tests.waiting import until
from transcribe_worker.jobs.hints import send_once


@dataclass
class Worker:
    """A machine with a running worker."""

    settings: Settings
    host: str
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        path = self.settings.logs / "worker.log"
        return path.read_text() if path.exists() else ""


@dataclass
class Team:
    """One database, and the machines that work for it; `settings` are those of the server's own home."""

    settings: Settings
    store: Store
    folder: Path
    _stack: ExitStack

    def start(self, name: str, *, seconds: float = 0.1, has_model: bool = True, workers: int = 1) -> Worker:
        """Start a worker on a machine of its own, and wait until it takes part."""
        worker = self.start_only(name, seconds=seconds, has_model=has_model, workers=workers)
        until(lambda: any(it.host == worker.host for it in self.store.machines.every()), f"{name} to run", 60)
        return worker

    def start_only(
        self, name: str, *, seconds: float = 0.1, has_model: bool = True, workers: int = 1
    ) -> Worker:
        """Start a worker, whether it can take part or not."""
        settings = Settings(home=self.folder / name, database=self.settings.database, model=STAND_IN)
        folders.prepare(settings)
        if has_model:
            (settings.models / STAND_IN).mkdir()
            (settings.models / STAND_IN / "model.bin").touch()
        own = {
            "OFFHOOK_HOME": str(settings.home),
            "OFFHOOK_DATABASE": settings.database,
            "OFFHOOK_MODEL": STAND_IN,
            "OFFHOOK_LEASE_SECONDS": "5",
            "OFFHOOK_WORKERS": str(workers),
            SECONDS_VARIABLE: str(seconds),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "stress.stand_in_worker"],
            cwd=ROOT,
            env={**os.environ, **own},
            stderr=subprocess.DEVNULL,
        )
        self._stack.callback(end, process)
        return Worker(settings, host_of(settings.home), process)

    def queue(self, title: str, **columns: object) -> int:
        """Queue a recording, and hint at it."""
        path = self.folder / f"{title}.wav"
        path.write_bytes(b"RIFF" + title.encode())
        record = self.store.records.add(source="added", title=title, recording_path=str(path), **columns)
        send_once(self.settings, record.id)
        return record.id

    def done(self, record_id: int, seconds: float = 60.0) -> Record:
        """Wait until a recording is completed."""
        return until(lambda: self._in_state(record_id, "completed"), f"{record_id} to be completed", seconds)

    def begun(self, record_id: int, seconds: float = 60.0) -> Record:
        """Wait until a recording is being transcribed."""
        return until(lambda: self._in_state(record_id, "processing"), f"{record_id} to be begun", seconds)

    def _in_state(self, record_id: int, state: str) -> Record | None:
        record = self.store.records.get(record_id)
        assert record.transcription_status in ("queued", "processing", "completed"), record
        return record if record.transcription_status == state else None


@pytest.fixture
def team(tmp_path: Path, postgres_server: PostgresServer) -> Iterator[Team]:
    """A database without machines."""
    yield from _team(tmp_path, postgres_server)


@pytest.fixture(scope="module")
def mortal_server() -> Iterator[PostgresServer]:
    """A server that keeps what was committed when it is killed."""
    if why := postgres.missing():
        skip_or_fail(why)
    server = PostgresServer({"fsync": "on", "wal_level": "minimal", "max_wal_senders": "0"})
    try:
        server.make_template()
        yield server
    finally:
        server.remove()


@pytest.fixture
def mortal_team(tmp_path: Path, mortal_server: PostgresServer) -> Iterator[Team]:
    """A database without machines, whose server may be killed."""
    yield from _team(tmp_path, mortal_server)


def _team(tmp_path: Path, server: PostgresServer) -> Iterator[Team]:
    with server.database() as url, ExitStack() as stack:
        settings = Settings(home=tmp_path / "server", database=url, model=STAND_IN)
        folders.prepare(settings)
        store = stack.enter_context(Store.of_home(settings))
        yield Team(settings, store, tmp_path, stack)
