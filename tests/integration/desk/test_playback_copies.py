"""What browsers cannot play is played from a copy, which is made once and goes with its record."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest

from archive.backup.make import back_up
from archive.erasing import Eraser
from archive.library import Library
from archive.playback_copies import make_room, playback_copy
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from tests.desk import DeskServer
from tests.integration.desk.sounds import BEEP_SECONDS, SECONDS, added, beep
from tests.integration.desk.test_waveforms import drawn, long_recording, processes_with
from tests.recordings import encoded
from tests.waiting import until
from transcribe_worker.media.recording import SAMPLE_RATE_HZ, open_recording


@pytest.fixture
def dictation(tmp_path: Path) -> Path:
    """A recording in a format that no browser plays."""
    path = tmp_path / "dictation.aiff"
    path.write_bytes(encoded("aiff", "pcm_s16be", 44_100, sound=beep(44_100)))
    return path


def playback(client: httpx.Client, record_id: int) -> dict:
    found: dict = client.get(f"/api/v1/records/{record_id}/playback").json()
    return found


def played(client: httpx.Client, record_id: int) -> dict:
    """How a record is played, once that is known."""
    until(lambda: playback(client, record_id)["ready"] or playback(client, record_id)["why"], "its copy")
    return playback(client, record_id)


def copies(home: Path) -> list[str]:
    folder = home / "playback"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_copy_has_the_times_of_the_recording_and_is_made_once(
    client: httpx.Client, desk: DeskServer, desk_store: Store, dictation: Path, tmp_path: Path
) -> None:
    record = added(desk_store, dictation)
    assert client.get(f"/api/v1/records/{record.id}/audio").status_code == 409
    found = played(client, record.id)
    assert found == {"ready": True, "progress": 1.0, "mime": "audio/mp4", "why": None, "is_copy": True}
    answer = client.get(f"/api/v1/records/{record.id}/audio")
    assert answer.headers["content-type"] == "audio/mp4"
    (tmp_path / "copy.m4a").write_bytes(answer.content)
    with open_recording(tmp_path / "copy.m4a") as recording:
        samples = np.concatenate(list(recording.blocks()))
    at = int(np.argmax(np.abs(samples) > 0.4)) / SAMPLE_RATE_HZ
    assert abs(at - BEEP_SECONDS) < 0.01
    assert abs(len(samples) / SAMPLE_RATE_HZ - SECONDS) < 0.1
    assert drawn(client, record.id)["ready"]  # its peaks came with the copy
    assert copies(desk.stage.home).count(playback_copy_name(record)) == 1


def playback_copy_name(record: Record) -> str:
    return playback_copy(Settings(), record).name


def test_a_lost_copy_is_made_again(
    client: httpx.Client, desk: DeskServer, desk_store: Store, dictation: Path
) -> None:
    record = added(desk_store, dictation)
    assert played(client, record.id)["ready"]
    (desk.stage.home / "playback" / playback_copy_name(record)).unlink()
    assert client.get(f"/api/v1/records/{record.id}/audio").status_code == 409
    assert played(client, record.id)["ready"]
    assert client.get(f"/api/v1/records/{record.id}/audio").status_code == 200


def test_a_browser_that_cannot_play_a_recording_gets_a_copy_of_it(
    client: httpx.Client, desk_store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "call.ogg"
    path.write_bytes(encoded("ogg", "libopus", 48_000, sound=beep(48_000)))
    record = added(desk_store, path)
    assert playback(client, record.id)["mime"] == "audio/ogg"
    client.post(f"/api/v1/records/{record.id}/playback")
    until(lambda: playback(client, record.id)["mime"] == "audio/mp4", "its copy")


def test_a_recording_whose_times_browsers_get_wrong_is_played_from_a_copy(
    client: httpx.Client, desk_store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "gaps.m4a"
    path.write_bytes(encoded("mp4", "aac", 16_000, sound=beep(16_000)))
    assert not playback(client, added(desk_store, path).id)["is_copy"]
    assert playback(client, added(desk_store, path, flags=("gaps_filled",)).id)["is_copy"]


def test_what_cannot_be_copied_says_why_and_can_be_tried_again(
    client: httpx.Client, desk: DeskServer, desk_store: Store, dictation: Path
) -> None:
    whole = dictation.read_bytes()
    dictation.write_bytes(whole[:30])
    record = added(desk_store, dictation)
    found = played(client, record.id)
    assert found["why"]
    assert not found["ready"]
    dictation.write_bytes(whole)
    client.post(f"/api/v1/records/{record.id}/playback")
    assert played(client, record.id)["ready"]


def test_a_copy_can_be_cancelled_and_leaves_nothing(
    client: httpx.Client, desk: DeskServer, desk_store: Store, tmp_path: Path
) -> None:
    before = copies(desk.stage.home)
    record = added(desk_store, long_recording(tmp_path), flags=("gaps_filled",))
    until(lambda: playback(client, record.id)["progress"] > 0, "some of it is copied")
    assert client.delete(f"/api/v1/records/{record.id}/playback").status_code == 204
    assert playback(client, record.id)["why"] == "It was cancelled."
    until(lambda: copies(desk.stage.home) == before, "nothing is left")
    waveform = f"/api/v1/records/{record.id}/waveform"
    until(lambda: client.get(waveform).json()["progress"] > 0, "its peaks are measured alone")
    client.delete(waveform)


def test_a_killed_server_leaves_a_half_copy_that_the_next_one_removes(
    desk: DeskServer, desk_store: Store, dictation: Path, tmp_path: Path
) -> None:
    record = added(desk_store, long_recording(tmp_path), flags=("gaps_filled",))
    with closing(desk.client()) as client:
        until(lambda: playback(client, record.id)["progress"] > 0, "some of it is copied")
    desk.kill()
    until(lambda: not processes_with(tmp_path), "the process has ended")
    assert playback_copy_name(record) not in copies(desk.stage.home)
    desk.start()
    with closing(desk.client()) as client:
        assert played(client, added(desk_store, dictation).id)["ready"]
    assert not [name for name in copies(desk.stage.home) if name.endswith(".part")]


def kept_copy(settings: Settings, record: Record, content: bytes = b"copy") -> Path:
    path = playback_copy(settings, record)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_deleted_record_leaves_no_copy_and_no_half_one(
    settings: Settings, store: Store, dictation: Path
) -> None:
    record, other = added(store, dictation), added(store, dictation)
    mine, others = kept_copy(settings, record), kept_copy(settings, other)
    older = kept_copy(settings, replace(record, sha256="0" * 64))
    half = mine.with_name(f"{mine.name}.part")
    half.write_bytes(b"half")
    eraser = Eraser(settings, store, Library(settings, store))
    eraser.mark([record.id])
    eraser.resume()
    assert [path.exists() for path in (mine, older, half, others)] == [False, False, False, True]
    assert dictation.exists()  # a person's own file


def test_the_oldest_copies_go_when_they_take_too_much(
    settings: Settings, store: Store, dictation: Path
) -> None:
    paths = [kept_copy(settings, added(store, dictation), bytes(1_000_000)) for _ in range(4)]
    for age, path in enumerate(paths):
        os.utime(path, (1_000 - age, 1_000 - age))
    make_room(replace(settings, playback_gb=0.002), kept=paths[3])
    assert [path.exists() for path in paths] == [True, False, False, True]


def test_copies_are_left_out_of_backups(
    settings: Settings, store: Store, dictation: Path, tmp_path: Path
) -> None:
    record = added(store, dictation)
    kept_copy(settings, record)
    made = back_up(settings, store, tmp_path / "backups", lambda *_: None)
    assert not [name for name in made.manifest.files if name.startswith("playback")]
