"""The end of a followed call: its record is completed, or given to the queue at once and as a whole."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from archive.library import Library
from capture_worker.wav import WavWriter
from shared.files import Fingerprint, sha256_of
from shared.settings import RecordOptions, Settings
from shared.store.claims import Claim
from shared.store.live import ENDED, LiveClaim
from shared.store.store import Store
from shared.store.values import Record
from tests.integration.live_store.calls import begin, save, window
from tests.standstill import held
from tests.waiting import until
from transcribe_worker.engine.messages import Done
from transcribe_worker.jobs.findings import Findings
from transcribe_worker.jobs.recipe import options_of, recipe
from transcribe_worker.live.finishing import Finisher

SECONDS = 4.0
WORKER = "worker-1"


@pytest.fixture
def finisher(settings: Settings, store: Store) -> Iterator[Finisher]:
    library, stopping = Library(settings, store), threading.Event()
    yield Finisher(settings, store, library, WORKER, stopping, lambda record: None)
    stopping.set()


def findings() -> Findings:
    found = Findings()
    found.note(Done(SECONDS))
    return found


def hang_up(settings: Settings, store: Store, session_id: str) -> Record:
    """End a call: its file is in the inbox, and its record in the queue."""
    path = settings.inbox / f"{session_id}.wav"
    wav = WavWriter(path, 1)
    wav.write(np.zeros(round(SECONDS * 16_000), "<i2").tobytes())
    wav.close()
    store.captures.change(session_id, recording_path=str(path))
    return store.captures.queue(session_id, {"sha256": sha256_of(path), **asdict(Fingerprint.of(path))})


@pytest.fixture
def live(settings: Settings, store: Store) -> LiveClaim:
    """A call whose windows are all committed."""
    session_id = begin(store)
    call = store.live.claim(
        session_id, worker_id=WORKER, recipe=same_recipe(settings), model="tiny.en", lease_seconds=60
    )
    assert call
    save(store, call, window(0.0, "Good", "morning"), window(2.0, "Ms.", "Okafor"))
    return call


def same_recipe(settings: Settings) -> str:
    options = {name: getattr(settings, name) for name in RecordOptions.__dataclass_fields__}
    return recipe(RecordOptions(**options))


def test_a_call_that_is_decoded_to_its_end_is_completed_in_its_first_attempt(
    finisher: Finisher, live: LiveClaim, settings: Settings, store: Store
) -> None:
    record = hang_up(settings, store, live.session_id)
    assert recipe(options_of(settings, store, record)) == live.call.recipe
    finisher.finish(live, findings())
    done = store.records.get(record.id)
    assert (done.transcription_status, done.attempts, done.crashes) == ("completed", 1, 0)
    assert [it.text for it in store.transcripts.segments(record.id)] == ["Good morning", "Ms. Okafor"]
    assert store.live.find(live.session_id) is None


def test_a_call_whose_file_was_changed_is_free_for_the_queue_at_once(
    finisher: Finisher, live: LiveClaim, settings: Settings, store: Store
) -> None:
    record = hang_up(settings, store, live.session_id)
    with Path(record.recording_path).open("ab") as file:
        file.write(bytes(100))
    finisher.finish(live, findings())
    left = store.records.get(record.id)
    assert (left.transcription_status, left.attempts) == ("queued", 0)
    found = store.live.find(live.session_id)
    assert found
    assert (found.state, found.token) == (ENDED, None)
    assert store.live.held() == []


def test_a_worker_that_has_lost_its_call_does_not_complete_what_another_has_begun(
    finisher: Finisher, live: LiveClaim, settings: Settings, store: Store
) -> None:
    """It stood still, and the record of its call is decoded by another recipe since."""
    record = hang_up(settings, store, live.session_id)
    assert store.live.free(live.session_id, live.token)
    other = store.claims.claim(record.id, worker_id="worker-2", model="tiny.en", lease_seconds=60)
    assert other
    assert store.live.take_over(other, "another recipe") == 0
    store.claims.save_windows(other, [window(0.0, "Good")])
    store.claims.hand_back(other)

    finisher.finish(live, findings())

    left = store.records.get(record.id)
    assert (left.transcription_status, left.attempts) == ("queued", 0)
    assert len(store.transcripts.windows(record.id)) == 1


def test_a_call_whose_record_was_taken_back_meanwhile_is_free_for_the_queue_at_once(
    finisher: Finisher,
    live: LiveClaim,
    settings: Settings,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = hang_up(settings, store, live.session_id)

    def taken_back(_: Finisher, record: Record, found: Findings) -> None:
        claimed = store.records.get(record.id)
        assert claimed.claim_token
        store.claims.hand_back(Claim(claimed, claimed.claim_token, claimed.lease_expires_at))

    monkeypatch.setattr(Finisher, "_check_file", taken_back)
    finisher.finish(live, findings())
    assert store.records.get(record.id).transcription_status == "queued"
    assert store.live.held() == []
    assert len(store.live.windows(live.session_id)) == 2


def test_a_database_that_is_locked_when_a_call_ends_delays_it_and_counts_no_crash(
    finisher: Finisher,
    live: LiveClaim,
    settings: Settings,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is locked from the moment when the record is claimed, for longer than anybody waits."""
    record = hang_up(settings, store, live.session_id)
    claimed, let_go = threading.Event(), threading.Event()
    check = finisher._check_file

    def locked(_: Finisher, record: Record, found: Findings) -> None:
        claimed.set()
        assert let_go.wait(30)
        check(record, found)

    monkeypatch.setattr(Finisher, "_check_file", locked)
    with closing_thread(lambda: _finish(store, finisher, live)) as finishing:
        assert claimed.wait(30)
        with held(settings.database_file):
            let_go.set()
            until(lambda: "not stored yet" in caplog.text, "a second try")
            assert finishing.is_alive()
    left = store.records.get(record.id)
    assert (left.transcription_status, left.attempts, left.crashes) == ("queued", 0, 0)
    assert store.live.held() == []


def _finish(store: Store, finisher: Finisher, live: LiveClaim) -> None:
    with store.busy_timeout(0.1):
        finisher.finish(live, findings())
    store.disconnect()


@contextmanager
def closing_thread(work: Callable[[], None]) -> Iterator[threading.Thread]:
    """Work in a thread, and wait for its end."""
    thread = threading.Thread(target=work)
    thread.start()
    yield thread
    thread.join(30)
    assert not thread.is_alive()
