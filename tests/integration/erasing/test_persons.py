"""Every call of a person is erased, with a receipt."""

from __future__ import annotations

import json
import os
import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest

from archive.erasing import Eraser
from archive.library import Library
from archive.receipts import candidate_hash
from capture_worker import RecordingSession
from shared.errors import StateConflict
from shared.files import sha256_of
from shared.settings import Settings
from shared.store.captures import ENDED, QUEUED, RECORDING, WAITING
from shared.store.store import Store
from shared.times import iso
from shared.workers import Presence
from tests.integration.erasing.calls import (
    CANDIDATE,
    FORGOTTEN,
    SAID,
    TITLE,
    dead_capture,
    make_call,
    notes,
    state_of,
    the_call,
)
from tests.remains import remains
from tests.stage import Stage
from tests.tables import (
    Capture,
    Record,
)
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue


def test_a_receipt_tells_how_much_was_erased_and_of_whom_to_those_who_know(
    settings: Settings, store: Store, stage: Stage, tmp_path: Path
) -> None:
    the_call(settings, store)
    dead_capture(settings, store.captures, RECORDING)
    own = tmp_path / "own.wav"
    own.write_bytes(b"RIFF")
    assert stage.offhook("add", own, "--candidate", CANDIDATE, "--title", TITLE).returncode == 0
    hashes = {
        sha256_of(path)
        for path in (
            *settings.library.rglob(f"{TITLE}*"),
            *settings.inbox.glob(f"{TITLE}*"),
            *settings.recording.iterdir(),
        )
    }

    done = stage.offhook("delete", "--candidate", CANDIDATE, "--yes")

    assert done.returncode == 0
    assert "own.wav is your own file and stays." in done.stderr
    assert own.exists()
    (path,) = settings.receipts.iterdir()
    assert f"Receipt: {path}\n" in done.stdout
    receipt = json.loads(path.read_text())
    assert receipt["candidate_sha256"] == candidate_hash(receipt["salt"], CANDIDATE)
    assert receipt["begun_at"] <= receipt["finished_at"] <= str(iso(time.time()))
    assert (receipt["recordings"], receipt["files_that_stay"]) == (3, 1)
    assert {entry["sha256"] for entry in receipt["files"]} == hashes
    assert len(receipt["files"]) == 7
    assert remains(settings.home, FORGOTTEN) == set()
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_of_a_person_makes_no_receipt(settings: Settings, store: Store, stage: Stage) -> None:
    done = stage.offhook("delete", "--candidate", "nobody", "--yes")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "There is nothing of nobody.\n")
    assert not settings.receipts.exists()


@pytest.mark.parametrize("content", [None, "", "[]", "\x00" * 100])
def test_a_receipt_that_somebody_has_spoilt_holds_up_no_erasure(
    settings: Settings, store: Store, eraser: Eraser, library: Library, content: str | None
) -> None:
    record = the_call(settings, store)
    receipt = settings.receipts / "erasure-20261125T140203Z-5f0c91d2.json"
    eraser.mark([record.id], receipt=receipt)
    if content is not None:
        receipt.parent.mkdir()
        receipt.write_text(content)
    eraser.resume()
    assert remains(settings.home, FORGOTTEN) == set()
    assert notes() == []
    assert content is None or receipt.read_text() == content


@pytest.mark.parametrize("state", [RECORDING, WAITING, ENDED])
def test_an_unfinished_recording_of_a_dead_process_goes_and_does_not_come_back(
    settings: Settings, store: Store, hints: HintQueue, stage: Stage, state: str
) -> None:
    part = dead_capture(settings, store.captures, state)
    kept = dead_capture(settings, store.captures, state, candidate_id="another", title="kept")

    assert stage.offhook("delete", "--candidate", CANDIDATE, "--yes").returncode == 0

    assert (part.exists(), kept.exists()) == (False, True)
    RecordingSession(replace(settings, microphone="none", loopback="none"), store=store).close()
    Inbox(settings, store, hints).sweep()
    assert [record.title for record in Record.select()] == ["kept"]
    assert remains(settings.home, FORGOTTEN) == set()


def test_a_recording_that_was_moved_into_the_inbox_and_never_queued_goes_too(
    settings: Settings, store: Store, hints: HintQueue, stage: Stage
) -> None:
    part = dead_capture(settings, store.captures, ENDED)
    place = Path(Capture.get().recording_path)
    part.replace(place)

    assert stage.offhook("delete", "--candidate", CANDIDATE, "--yes").returncode == 0

    assert not place.exists()
    Inbox(settings, store, hints).sweep()
    assert Record.select().count() == Capture.select().count() == 0


def test_the_inbox_leaves_a_doomed_recording_alone_that_was_never_queued(
    settings: Settings, store: Store, hints: HintQueue, eraser: Eraser
) -> None:
    """It comes by between the mark and the deletion."""
    part = dead_capture(settings, store.captures, ENDED)
    found = Capture.get()
    part.replace(found.recording_path)
    eraser.mark([], [found.session_id])
    Inbox(settings, store, hints).sweep()
    RecordingSession(replace(settings, microphone="none", loopback="none"), store=store).close()
    assert [record.transcription_status for record in Record.select()] == ["cancelled"]
    eraser.resume()
    assert Record.select().count() == Capture.select().count() == 0
    assert list(settings.inbox.iterdir()) == []


@pytest.mark.parametrize(
    ("state", "remedy"),
    [(RECORDING, "record stop"), (WAITING, "record discard"), (ENDED, "in a moment")],
)
def test_a_person_who_is_being_recorded_is_not_erased(
    settings: Settings, store: Store, stage: Stage, state: str, remedy: str
) -> None:
    make_call(settings, store, "earlier", *SAID, candidate_id=CANDIDATE)
    presence = Presence(store, settings.locks, "capture").enter()
    part = dead_capture(settings, store.captures, state, worker_id=presence.worker_id)
    before = state_of(settings)

    done = stage.offhook("delete", "--candidate", CANDIDATE, "--yes")

    assert (done.returncode, done.stdout) == (1, "")
    assert remedy in done.stderr
    assert "Nothing was deleted." in done.stderr
    assert part.exists()
    assert state_of(settings) == before
    presence.leave()


def test_a_recorder_that_comes_to_life_before_the_mark_keeps_its_recording(
    settings: Settings, store: Store, eraser: Eraser
) -> None:
    dead_capture(settings, store.captures, RECORDING)
    (found,) = eraser.of_candidate(CANDIDATE)
    presence = Presence(store, settings.locks, "capture").enter()
    assert store.captures.take_over(Capture.get(), presence.worker_id)
    with pytest.raises(StateConflict):
        eraser.mark([], [found.session_id])
    assert (Record.select().count(), Capture.get().state) == (0, RECORDING)
    presence.leave()


def test_a_recorder_that_comes_to_life_behind_the_mark_is_too_late(
    settings: Settings, store: Store, eraser: Eraser
) -> None:
    dead_capture(settings, store.captures, RECORDING)
    seen = Capture.get()
    eraser.mark([], [seen.session_id])
    assert not store.captures.take_over(seen, "capture-1")
    assert Capture.get().state == QUEUED


@pytest.mark.parametrize("arguments", [[], ["1", "--candidate", "C-17"]], ids=["nothing", "both"])
def test_delete_wants_recordings_or_a_person(stage: Stage, store: Store, arguments: list[str]) -> None:
    assert stage.offhook("delete", "--yes", *arguments).returncode == 2
