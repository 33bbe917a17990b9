"""A file is taken when it is whole, and not before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.files import Fingerprint, sha256_of
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.inbox.files import SETTLE_SECONDS, Clock, outcomes, put, recording, taken
from tests.tables import Record
from transcribe_worker.inbox.sweep import SWEEP_EVERY_SECONDS, Inbox
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.media.completeness import CUT_SHORT_PATIENCE


def test_a_wav_that_is_whole_by_its_own_header_is_taken_at_once(
    inbox: Inbox, store: Store, hints: HintQueue, settings: Settings
):
    path = put(settings.inbox, "Call with Zoë.wav")

    assert inbox.sweep() == SWEEP_EVERY_SECONDS

    (record,) = Record.select()
    assert (record.source, record.title, record.recording_path) == ("inbox", "Call with Zoë", str(path))
    assert (record.transcription_status, record.sha256) == ("queued", sha256_of(path))
    assert Fingerprint(record.size_bytes, record.modified_ns) == Fingerprint.of(path)
    assert outcomes() == {"Call with Zoë.wav": "adopted"}
    assert not hints.is_empty()


def test_a_half_copied_wav_is_untouched_until_it_is_whole(
    inbox: Inbox, store: Store, settings: Settings, clock: Clock
):
    content = recording(seconds=1)
    with (settings.inbox / "call.wav").open("wb") as file:
        for start in range(0, len(content), 4_000):
            assert inbox.sweep() in (SWEEP_EVERY_SECONDS, SETTLE_SECONDS)
            assert taken(store) == []
            file.write(content[start : start + 4_000])
            file.flush()
            clock.now += SETTLE_SECONDS - 0.1

        inbox.sweep()
    assert taken(store) == ["call.wav"]


def test_a_wav_that_is_closed_twice_is_untouched_until_it_is_whole(
    inbox: Inbox, store: Store, settings: Settings, clock: Clock
):
    content = recording()
    path = put(settings.inbox, content=content[:1_000])
    inbox.sweep()
    clock.now += 1
    with path.open("ab") as file:
        file.write(content[1_000:2_000])
    inbox.sweep()
    assert taken(store) == []

    with path.open("ab") as file:
        file.write(content[2_000:])
    inbox.sweep()
    assert taken(store) == ["call.wav"]


@pytest.mark.parametrize("name", ["call.mp3", "call.M4A", "no header.wav"])
def test_what_cannot_say_that_it_is_whole_is_taken_when_it_has_kept_still(
    inbox: Inbox, store: Store, settings: Settings, clock: Clock, name: str
):
    put(settings.inbox, name, b"it is not a WAV")
    assert inbox.sweep() == SETTLE_SECONDS
    clock.now += SETTLE_SECONDS - 0.5
    assert inbox.sweep() == pytest.approx(0.5)
    assert taken(store) == []
    clock.now += 0.5
    assert inbox.sweep() == SWEEP_EVERY_SECONDS

    assert taken(store) == [name]


def test_a_wav_shorter_than_its_header_says_must_keep_still_for_longer(
    inbox: Inbox, store: Store, settings: Settings, clock: Clock
):
    put(settings.inbox, "cut short.wav", recording()[:-100])
    inbox.sweep()
    clock.now += (CUT_SHORT_PATIENCE - 1) * SETTLE_SECONDS
    assert inbox.sweep() < SWEEP_EVERY_SECONDS
    assert taken(store) == []
    clock.now += SETTLE_SECONDS
    assert inbox.sweep() == SWEEP_EVERY_SECONDS

    assert taken(store) == ["cut short.wav"]


def test_a_file_that_grows_must_keep_still_anew(inbox: Inbox, store: Store, settings: Settings, clock: Clock):
    path = put(settings.inbox, "call.mp3", b"x")
    for _ in range(5):
        inbox.sweep()
        clock.now += SETTLE_SECONDS - 0.1
        with path.open("ab") as file:
            file.write(b"more")
    inbox.sweep()
    assert taken(store) == []
    clock.now += SETTLE_SECONDS
    inbox.sweep()

    assert taken(store) == ["call.mp3"]


def test_a_file_that_is_touched_must_keep_still_anew(
    inbox: Inbox, store: Store, settings: Settings, clock: Clock
):
    path = put(settings.inbox, "call.mp3", b"x")
    inbox.sweep()
    clock.now += SETTLE_SECONDS
    os.utime(path, ns=(1, 1))
    inbox.sweep()

    assert taken(store) == []


def test_a_file_that_goes_before_it_was_whole_is_forgotten(
    inbox: Inbox, store: Store, settings: Settings, clock: Clock
):
    path = put(settings.inbox, "call.mp3", b"x")
    inbox.sweep()
    path.unlink()
    clock.now += SETTLE_SECONDS

    assert inbox.sweep() == SWEEP_EVERY_SECONDS
    assert (taken(store), outcomes()) == ([], {})
    path.write_bytes(b"x")
    assert inbox.sweep() == SETTLE_SECONDS


def test_a_file_that_changes_while_it_is_read_is_not_taken_as_it_was(
    inbox: Inbox, store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    path = put(settings.inbox)

    def read_slowly(path: Path, *_: object, **__: object) -> str:
        found = sha256_of(path)
        path.write_bytes(recording(seed=2, seconds=0.2))
        monkeypatch.undo()
        return found

    monkeypatch.setattr("transcribe_worker.inbox.sweep.sha256_of", read_slowly)
    inbox.sweep()
    assert taken(store) == []
    inbox.sweep()

    (record,) = Record.select()
    assert record.sha256 == sha256_of(path)
