"""A recording that changes after it was taken is transcribed again."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from shared.files import Fingerprint, sha256_of
from shared.settings import Settings
from shared.store.store import Store
from shared.store.transitions import COMPLETED, QUEUED
from tests.integration.inbox.files import SETTLE_SECONDS, Clock, recording
from tests.stage import Stage
from tests.voices import SAMPLE_RATE_HZ, Call, write_wav
from transcribe_worker.inbox.growth import LOOK_EVERY_SECONDS, WATCHED_SECONDS, Growth
from transcribe_worker.jobs.hints import HintQueue

HEADER_BYTES = 44
posix_only = pytest.mark.skipif(
    os.name == "nt", reason="Windows does not move a file that a program writes to"
)


@pytest.fixture
def path(settings: Settings) -> Path:
    """A recording in the library, as it was transcribed."""
    path = settings.library / "2026" / "11" / "call.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(recording())
    return path


@pytest.fixture
def record_id(store: Store, path: Path) -> int:
    """The number of its completed record."""
    found = Fingerprint.of(path)
    content = {"sha256": sha256_of(path), "size_bytes": found.size_bytes, "modified_ns": found.modified_ns}
    record = store.records.add(source="inbox", title="call", recording_path=str(path), **content)
    claim = store.claims.claim(record.id, worker_id="worker", model="tiny.en", lease_seconds=60)
    assert claim
    done = store.claims.complete(claim, [], duration_seconds=0.1)
    store.places.mark_archived(done, str(path))
    return record.id


@pytest.fixture
def growth(settings: Settings, store: Store, hints: HintQueue, clock: Clock) -> Growth:
    return Growth(settings, store, hints, monotonic=clock)


def look(growth: Growth, clock: Clock) -> None:
    """Look twice, as long apart as a file has to keep still."""
    growth.look()
    clock.now += max(LOOK_EVERY_SECONDS, SETTLE_SECONDS)
    growth.look()


def change(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


@pytest.mark.parametrize("end", [b"", b"more"])
def test_a_header_that_is_written_on_closing_is_a_change(
    growth: Growth, store: Store, clock: Clock, path: Path, record_id: int, end: bytes
):
    change(path, path.stat().st_size, end)
    change(path, 40, struct.pack("<I", 2_000))
    look(growth, clock)
    record = store.records.get(record_id)
    assert record.transcription_status == QUEUED
    assert record.sha256 == sha256_of(path)
    assert record.size_bytes == path.stat().st_size


def test_another_time_alone_is_no_change_and_is_hashed_once(
    growth: Growth, store: Store, clock: Clock, path: Path, record_id: int
):
    os.utime(path, (1, 1))
    read: list[None] = []
    growth.keep = lambda: read.append(None)
    look(growth, clock)
    look(growth, clock)
    assert store.records.get(record_id).transcription_status == COMPLETED
    assert len(read) == 1


def test_a_recording_is_left_alone_until_it_keeps_still(
    growth: Growth, store: Store, clock: Clock, path: Path, record_id: int
):
    for second in range(1, 4):
        change(path, HEADER_BYTES, bytes([second]))
        os.utime(path, (second, second))
        growth.look()
        clock.now += LOOK_EVERY_SECONDS
    assert store.records.get(record_id).transcription_status == COMPLETED


def test_a_recording_that_was_transcribed_over_an_hour_ago_is_left_as_it_is(
    growth: Growth, store: Store, clock: Clock, path: Path, record_id: int
):
    change(path, HEADER_BYTES, b"changed")
    done_at = store.records.get(record_id).completed_at
    assert done_at
    growth.clock = lambda: done_at + WATCHED_SECONDS + 1
    look(growth, clock)
    assert store.records.get(record_id).transcription_status == COMPLETED


@posix_only
def test_a_recorder_that_writes_its_header_on_closing_has_all_of_it_transcribed(
    tmp_path: Path, short_call: Call
):
    """The header is written with the length so far, as a recorder does now and then, and on closing."""
    whole = tmp_path / "call.wav"
    write_wav(whole, short_call.samples)
    content = whole.read_bytes()
    half = HEADER_BYTES + (len(content) - HEADER_BYTES) // 4 * 2
    stage = Stage(tmp_path / "home", (("OFFHOOK_SETTLE_SECONDS", "0.3"),))
    with stage.process("transcribe_worker"), stage.process("transcribe_worker.inbox"):
        stage.wait_for(lambda: {"worker", "inbox"} <= set(stage.running()), "worker and inbox")
        with (stage.inbox / "call.wav").open("wb") as writer:
            writer.write(headed(content[:half]))
            writer.flush()
            first = stage.finished("call")
            stage.wait_for(lambda: not (stage.inbox / "call.wav").exists(), "the move")
            writer.write(content[half:])
            writer.seek(0)
            writer.write(content[:HEADER_BYTES])

        def is_whole() -> bool:
            record = stage.record("call")
            assert record
            return record["status"] == "completed" and record["duration_seconds"] > first["duration_seconds"]

        stage.wait_for(is_whole, "the rest to be transcribed")
        (record,) = stage.records()

    seconds = len(short_call.samples) / SAMPLE_RATE_HZ
    assert first["duration_seconds"] == pytest.approx(seconds / 2, abs=0.1)
    assert record["duration_seconds"] == pytest.approx(seconds, abs=0.1)
    assert Path(record["recording_path"]).read_bytes() == content


def headed(content: bytes) -> bytes:
    """Give the beginning of a WAV a header that accounts for what there is."""
    whole = bytearray(content)
    whole[4:8] = struct.pack("<I", len(content) - 8)
    whole[40:44] = struct.pack("<I", len(content) - HEADER_BYTES)
    return bytes(whole)
