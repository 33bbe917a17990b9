"""A recording is transcribed again while its first transcript is still being archived."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from archive.library import Library
from shared.files import Fingerprint, sha256_of
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from tests.waiting import until
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.jobs.transcriber import Transcriber


@pytest.fixture
def transcriber(settings: Settings, store: Store) -> Iterator[Transcriber]:
    """A transcriber that leaves archiving to the test."""
    with closing(Engine()) as engine:
        yield Transcriber(
            settings=replace(settings, cpu_threads=1),
            store=store,
            library=Library(settings, store),
            worker_id="worker-1",
            engine=engine,
            stopping=threading.Event(),
            report=lambda state: None,
            archive=lambda record: None,
        )


@pytest.fixture
def completed(transcriber: Transcriber, settings: Settings, store: Store, short_wav: Path) -> Record:
    path = settings.inbox / "call.wav"
    shutil.copyfile(short_wav, path)
    content = {"sha256": sha256_of(path), **asdict(Fingerprint.of(path))}
    record = store.records.add(source="inbox", title="call", recording_path=str(path), **content)
    transcriber.transcribe(record.id)
    return store.records.get(record.id)


def test_a_recording_that_is_archived_during_its_next_attempt_completes(
    transcriber: Transcriber, store: Store, completed: Record
) -> None:
    store.records.requeue(completed.id, {})

    def again() -> None:
        transcriber.transcribe(completed.id)
        store.disconnect()

    attempt = threading.Thread(target=again)
    attempt.start()
    until(lambda: store.records.get(completed.id).transcription_status == "processing", "the attempt")
    transcriber.library.archive(completed)
    attempt.join()

    found = store.records.get(completed.id)
    assert (found.transcription_status, found.error_code) == ("completed", None)
    assert Path(found.recording_path).parent != Path(completed.recording_path).parent
