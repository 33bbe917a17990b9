"""Homes to back up, and a backup of a full one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shared.store.claims import Failure
from tests.integration.backup.homes import WAITS, Home, put
from tests.tables import Worker, windows


@pytest.fixture
def home(tmp_path: Path) -> Any:
    home = Home(tmp_path / "home")
    yield home
    home.close()


@pytest.fixture
def full(home: Home, tmp_path: Path) -> Home:
    """A home with recordings in every state, one outside of it, and one that waits."""
    home.completed("completed")
    home.queued("queued")
    processing = home.claimed("processing")
    window = {"start_seconds": 0.0, "end_seconds": 5.0, "stretch_seconds": 0.0, "segments": "[]"}
    home.store.claims.save_windows(processing, windows([window]))
    home.store.claims.fail(home.claimed("failed"), Failure("empty_file", "It is empty."))
    home.store.records.cancel(home.queued("cancelled").id)
    outside = tmp_path / "outside.wav"
    home.store.records.add(
        source="added", title="outside", recording_path=str(outside), **put(outside, b"outside")
    )
    home.waiting_capture(WAITS)
    Worker.create(id="worker-1", kind="worker", pid=1, state="working", started_at=1.0, last_seen_at=2.0)
    home.store.controls.set_paused(True)
    (home.settings.home / "config.toml").write_text('language = "de"\n')
    for name in (
        "models/own/model.bin",
        "logs/worker.log",
        "control.json",
        "queue.db",
        "tuning.json",
        "locks/worker-1.lock",
    ):
        put(home.settings.home / name, b"not in a backup")
    return home


@pytest.fixture
def backup(full: Home, tmp_path: Path) -> Path:
    path = full.back_up(tmp_path / "backups").path
    full.close()
    return path
