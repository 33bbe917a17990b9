"""How fast an attempt decodes, as `offhook status` shows it."""

from __future__ import annotations

import pytest

from shared.store.claims import Claim
from shared.store.store import Store
from tests.integration.records.operations import claim
from transcribe_worker.engine.messages import Decoded, DecodedWindow
from transcribe_worker.jobs.progress import Progress


@pytest.fixture
def claimed(store: Store) -> Claim:
    record = store.records.add(
        source="added", title="call", recording_path="/call.wav", duration_seconds=400.0
    )
    return claim(store, record)


def speed_after(store: Store, claimed: Claim, end_seconds: float, took_seconds: float) -> float | None:
    moments = iter([0.0, took_seconds])
    progress = Progress(store, claimed, 60.0, lambda: next(moments))
    progress.note(Decoded(0.0, end_seconds, "en", (DecodedWindow(0.0, end_seconds),)))
    return store.records.get(claimed.record.id).speed


def test_the_speed_is_audio_decoded_in_a_second_of_this_attempt(store: Store, claimed: Claim) -> None:
    assert speed_after(store, claimed, 40.0, took_seconds=20.0) == 2.0
    assert speed_after(store, claimed, 100.0, took_seconds=20.0) == 3.0


def test_a_resumed_attempt_has_no_speed_before_it_has_decoded_enough(store: Store, claimed: Claim) -> None:
    speed_after(store, claimed, 186.0, took_seconds=45.0)

    assert speed_after(store, claimed, 187.5, took_seconds=6.0) is None
