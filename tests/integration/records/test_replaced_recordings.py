"""A replaced recording that cannot be read while its attempt ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.errors import WorkerStopping
from shared.settings import Settings
from shared.store.store import Store
from shared.store.transitions import QUEUED
from tests.integration.records.operations import claim
from tests.tables import Record
from transcribe_worker.jobs.transcriber import start_over


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), WorkerStopping()])
def test_a_replaced_recording_that_cannot_be_hashed_is_queued_again(
    settings: Settings, store: Store, add: Callable[..., Record], tmp_path: Path, error: Exception
) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(b"other content")

    def keep() -> None:
        raise error

    held = claim(store, add(recording_path=str(path)))
    start_over(store, settings, held, 5.0, keep)
    assert store.records.get(held.record.id).transcription_status == QUEUED
