"""The waveform of a record: from the levels of its capture, stored, or read by a process of its own."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import httpx
import numpy as np
import pytest

from archive.erasing import Eraser
from archive.library import Library
from offhook.desk.desk import Desk
from shared.files import sha256_of
from shared.loudness import SideLevels
from shared.settings import Settings
from shared.store.store import Store
from shared.store.waveforms import Waveform
from tests import tables
from tests.desk import DeskServer
from tests.integration.desk.sounds import BEEP_SECONDS, SECONDS, added, beep
from tests.recordings import Signal, fmt, pcm, wav
from tests.waiting import until

#: The column of the beep, where each column is a second.
BEEP = int(BEEP_SECONDS)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    path.write_bytes(wav(fmt(), pcm(beep(16_000))))
    return path


def drawn(client: httpx.Client, record_id: int, **query: object) -> dict:
    """The waveform, when it is whole or failed."""
    found: list[dict] = []

    def is_over() -> bool:
        path = f"/api/v1/records/{record_id}/waveform"
        found[:] = [client.get(path, params={"width": SECONDS, **query}).json()]
        return bool(found[0]["ready"] or found[0]["why"])

    until(is_over, "the recording is read")
    return found[0]


def test_a_recording_is_read_once_and_drawn_from_what_is_stored(
    client: httpx.Client, desk_store: Store, recording: Path
) -> None:
    record = added(desk_store, recording)
    found = drawn(client, record.id)
    assert (found["sides"], found["ready"], found["progress"]) == (["Recording"], True, 1.0)
    (peaks,) = found["peaks"]
    assert peaks[BEEP] == 251  # 0.8 of full scale: -1.9 dBFS
    assert all(peak < 220 for peak in peaks[:BEEP] + peaks[BEEP + 1 :])
    recording.unlink()
    assert drawn(client, record.id) == found


def test_a_part_of_a_recording_is_drawn_in_as_many_columns_as_asked_for(
    client: httpx.Client, desk_store: Store, recording: Path
) -> None:
    record = added(desk_store, recording)
    (peaks,) = drawn(client, record.id, from_ms=9_000, to_ms=11_000, width=40)["peaks"]
    assert [place for place, peak in enumerate(peaks) if peak == 251] == [20, 21, 22, 23]


def test_two_sides_are_drawn_apart(client: httpx.Client, desk_store: Store, recording: Path) -> None:
    recording.write_bytes(wav(fmt(channels=2), pcm(two_sides())))
    record = added(desk_store, recording)
    found = drawn(client, record.id)
    left, right = found["peaks"]
    assert found["sides"] == ["Left", "Right"]
    assert max(left) == left[5] > 240 > right[5]
    assert max(right) == right[15] > 240 > left[15]


def two_sides() -> Signal:
    """Beeps on the left in the first half, and on the right in the second, interleaved."""
    left = sum((beep(16_000, at=float(at)) for at in range(1, 9)), np.zeros(SECONDS * 16_000)) / 8
    right = left[::-1]
    louder = np.stack([left, right], axis=1) * 8
    return np.asarray(louder.clip(-0.99, 0.99)).ravel()


def test_a_call_that_offhook_recorded_is_drawn_from_the_levels_of_its_sides(
    client: httpx.Client, desk_store: Store, tmp_path: Path
) -> None:
    known = {"title": "call", "worker_id": "", "layout": "mono", "started_at": 0.0}
    desk_store.captures.begin("a-call", tmp_path / "gone.wav", **known)
    levels = SideLevels(10, bytes([255] * 50 + [20] * 50), bytes([20] * 50 + [255] * 50))
    verdict = {"duration_seconds": 10.0}
    desk_store.captures.note("a-call", verdict, {0: levels})
    record = added(
        desk_store, tmp_path / "gone.wav", session_id="a-call", source="capture", duration_seconds=10.0
    )
    found = drawn(client, record.id, width=2)
    assert found["sides"] == ["Microphone", "Far side"]
    assert found["peaks"] == [[0, 235], [235, 0]]


def test_a_damaged_recording_says_why_it_is_not_drawn_and_can_be_tried_again(
    client: httpx.Client, desk_store: Store, recording: Path
) -> None:
    whole = recording.read_bytes()
    recording.write_bytes(b"RIFF\0\0\0\0WAVE")
    record = added(desk_store, recording)
    found = drawn(client, record.id)
    assert "header" in found["why"]
    assert found["peaks"] == [[0] * SECONDS]
    recording.write_bytes(whole)
    assert drawn(client, record.id)["why"] == found["why"]  # it is not tried again and again
    assert client.post(f"/api/v1/records/{record.id}/waveform").status_code == 204
    assert drawn(client, record.id)["ready"]


def test_a_missing_recording_says_so(client: httpx.Client, desk_store: Store, tmp_path: Path) -> None:
    record = added(desk_store, tmp_path / "nowhere.wav")
    assert "nowhere.wav" in drawn(client, record.id)["why"]


def test_another_recording_of_the_same_record_is_read_again(
    client: httpx.Client, desk_store: Store, recording: Path
) -> None:
    record = added(desk_store, recording)
    assert drawn(client, record.id)["peaks"][0][BEEP] == 251
    recording.write_bytes(wav(fmt(), pcm(beep(16_000, at=3.0))))
    tables.Record.update(sha256=sha256_of(recording)).where(tables.Record.id == record.id).execute()
    (peaks,) = drawn(client, record.id)["peaks"]
    assert (peaks[3], peaks[BEEP] < 220) == (251, True)


def test_reading_can_be_cancelled_and_leaves_nothing(
    client: httpx.Client, desk_store: Store, tmp_path: Path
) -> None:
    record = added(desk_store, long_recording(tmp_path))
    path = f"/api/v1/records/{record.id}/waveform"
    until(lambda: client.get(path).json()["progress"] > 0, "some of it is read")
    assert client.delete(path).status_code == 204
    assert drawn(client, record.id)["why"] == "It was cancelled."
    assert desk_store.waveforms.find(record.id) is None


def test_a_killed_server_leaves_no_process_and_no_half_waveform(
    desk: DeskServer, desk_store: Store, tmp_path: Path
) -> None:
    record = added(desk_store, long_recording(tmp_path))
    path = f"/api/v1/records/{record.id}/waveform"
    with closing(desk.client()) as before:
        until(lambda: before.get(path).json()["progress"] > 0, "some of it is read")
    desk.kill()
    until(lambda: not processes_with(tmp_path), "the process has ended")
    assert desk_store.waveforms.find(record.id) is None
    desk.start()
    with closing(desk.client()) as after:
        until(lambda: after.get(path).json()["progress"] > 0, "it is read again")
        after.delete(path)


def long_recording(folder: Path) -> Path:
    """Four hours of silence at 8 kHz with 8 bits, which take some seconds to read."""
    path = folder / "long.wav"
    with path.open("wb") as file:
        head = wav(fmt(rate=8_000, bits=8), b"", size=4 * 3_600 * 8_000)
        file.write(head)
        file.truncate(len(head) + 4 * 3_600 * 8_000)
    return path


def processes_with(folder: Path) -> list[str]:
    """The processes that have a file of a folder open."""
    return [
        entry.parent.parent.name
        for entry in Path("/proc").glob("[0-9]*/fd/*")
        if str(folder) in _target(entry)
    ]


def _target(link: Path) -> str:
    try:
        return os.fspath(link.readlink())
    except OSError:
        return ""


def test_a_deleted_record_has_no_waveform(settings: Settings, store: Store, recording: Path) -> None:
    record = added(store, recording)
    store.waveforms.save(record.id, Waveform(20, (b"\x01\x02",), record.sha256))
    assert store.waveforms.find(record.id) == Waveform(20, (b"\x01\x02",), record.sha256)
    eraser = Eraser(settings, store, Library(settings, store))
    eraser.mark([record.id])
    eraser.resume()
    assert store.waveforms.find(record.id) is None
    store.waveforms.save(record.id, Waveform(20, (b"\x01\x02",), record.sha256))
    assert store.waveforms.find(record.id) is None


@pytest.mark.parametrize("damage", [{"sides": 3}, {"ticks_per_second": 0}, {"peaks": b"\x01\x02\x03"}])
def test_a_damaged_waveform_counts_as_none(store: Store, recording: Path, damage: dict) -> None:
    record = added(store, recording)
    store.waveforms.save(record.id, Waveform(20, (b"\x01\x02", b"\x03"), record.sha256))
    assert store.waveforms.find(record.id) == Waveform(20, (b"\x01\x02", b"\x03\0"), record.sha256)
    names = ", ".join(f"{name} = ?" for name in damage)
    tables.execute(f"UPDATE waveforms SET {names}", tuple(damage.values()))
    assert store.waveforms.find(record.id) is None


def test_a_desk_that_closes_ends_what_it_reads(tmp_path: Path) -> None:
    with Desk({"home": tmp_path / "home"}) as desk:
        record = added(tables.use(desk.store), long_recording(tmp_path))
        task = desk.preparing.start("peaks", record)
        until(lambda: task.progress > 0, "some of it is read")
    assert not processes_with(tmp_path)
