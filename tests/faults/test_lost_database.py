"""A database that is lost while a call is recorded: damaged, deleted, or another thing in its place."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stage import Stage

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows keeps an open database where it is")

STOP_SECONDS = 10.0
Lose = Callable[[Path], None]


def delete(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def damage(path: Path) -> None:
    delete(path)
    path.write_bytes(os.urandom(100_000))


def replace_by_folder(path: Path) -> None:
    delete(path)
    path.mkdir()


LOSSES = {
    delete: "is missing. Put it back, or restore a backup.",
    damage: "is not a database. `offhook doctor` says what brings it back.",
    replace_by_folder: "cannot be opened: make the file and its folder readable.",
}


@pytest.mark.parametrize("finalise", ["auto", "manual"])
@pytest.mark.parametrize(("lose", "why"), LOSSES.items(), ids=lambda it: getattr(it, "__name__", ""))
def test_a_recording_is_stopped_and_safe_though_its_database_is_lost(
    desk: Stage, lose: Lose, why: str, finalise: str
) -> None:
    desk = Stage(desk.home, (*desk.settings, ("OFFHOOK_FINALISE", finalise)))
    with desk.process("capture_worker"):
        desk.wait_for(lambda: "capture" in desk.running(), "the capture worker")
        started = desk.offhook("record", "start", "--title", "Lost")
        assert started.returncode == 0, started.stderr
        time.sleep(2.5)  # the keeper has written its notes
        lose(desk.database)
        began = time.monotonic()
        done = desk.offhook("record", "stop")
        assert time.monotonic() - began < STOP_SECONDS
        assert done.returncode == 0, done.stderr
        assert 'Recording "Lost": 0:0' in done.stdout
        assert "saved; it will be queued automatically" in done.stdout
        assert f"{desk.database} {why}" in done.stderr
        state = desk.read("record", "state")
        assert (state["state"], state["last"]["state"]) == ("idle", "late")
        (part,) = (desk.home / "recording").glob("*.part")
        assert part.stat().st_size > 2 * 32_000


def test_a_recording_is_queued_by_itself_when_its_database_is_put_back(desk: Stage, tmp_path: Path) -> None:
    with desk.process("capture_worker"):
        desk.wait_for(lambda: "capture" in desk.running(), "the capture worker")
        assert desk.offhook("record", "start", "--title", "Lost").returncode == 0
        time.sleep(2.5)
        aside = tmp_path / "aside"
        aside.mkdir()
        moved = [path.rename(aside / path.name) for path in desk.home.glob("offhook.db*")]
        assert desk.read("record", "stop")["state"] == "late"
        for path in moved:
            path.rename(desk.home / path.name)

        def is_queued() -> bool:
            last = desk.read("record", "state")["last"]
            return (last["state"], last["queue_error"]) == ("queued", None)

        desk.wait_for(is_queued, "the recording in the queue")
    (record,) = desk.records()
    assert (record["title"], record["status"]) == ("Lost", "queued")
    assert record["duration_seconds"] > 2
