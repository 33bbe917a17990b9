"""What a live call's row says after its engine or its worker was replaced."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, cast

import pytest

from shared.settings import RecordOptions, Settings
from shared.store.live import LiveClaim
from shared.store.store import Store
from shared.words import LANGUAGE_CHANGES, PROMPT_CUT
from tests.integration.live_store.calls import begin, follow
from transcribe_worker.engine.messages import Decoded, Ended, Hold, Job, JobEvent
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.live.following import Following, QueuePaused

OPTIONS = RecordOptions(voices=False)


class Dictated:
    """An engine that sends what a test dictates."""

    def __init__(self, *events: JobEvent) -> None:
        self._events = events
        self.said: list[Ended | Hold] = []

    def transcribe(self, job: Job, heartbeat: Any) -> Iterator[JobEvent]:
        heartbeat()
        yield from self._events

    def say(self, command: Ended | Hold) -> None:
        self.said.append(command)


def attempt(settings: Settings, store: Store, claim: LiveClaim, *events: JobEvent) -> Dictated:
    """Follow a call with a new engine until it ends; the engine has a look at the call before."""
    moments = iter(map(float, count()))  # a second between two looks
    call = store.captures.get(claim.session_id)
    following = Following(settings, store, claim, call, lambda: None, lambda: False, lambda: next(moments))
    engine = Dictated(*events)
    path = settings.recording / f"{claim.session_id}.part"
    following.follow(cast(Engine, engine), following.job(path, OPTIONS))
    return engine


def test_what_an_engine_has_noticed_stays_when_it_is_replaced(settings: Settings, store: Store) -> None:
    claim = follow(store, begin(store))
    attempt(settings, store, claim, Decoded(0.0, 40.0, "en", flags=(PROMPT_CUT,)))
    attempt(settings, store, claim, Decoded(40.0, 80.0, "en", flags=(LANGUAGE_CHANGES,)))
    found = store.live.find(claim.session_id)
    assert found
    assert found.flags == (PROMPT_CUT, LANGUAGE_CHANGES)


def test_a_call_that_ends_while_the_queue_is_paused_is_left_to_the_queue(
    settings: Settings, store: Store
) -> None:
    claim = follow(store, begin(store))
    store.controls.set_paused(True)
    store.captures.change(claim.session_id, state="ended")
    with pytest.raises(QueuePaused):
        attempt(settings, store, claim)
    store.controls.set_paused(False)
    assert attempt(settings, store, claim).said == [Ended()]


def test_a_new_engine_rests_for_the_trouble_of_the_recorder_until_it_is_over(
    settings: Settings, store: Store
) -> None:
    claim = follow(store, begin(store))
    store.captures.note_strain(claim.session_id, "disk_late")
    for _ in range(2):  # the first engine is killed meanwhile
        assert attempt(settings, store, claim).said == [Hold(True)]
        found = store.live.find(claim.session_id)
        assert found
        assert found.yields == "disk_late"
    store.captures.note_strain(claim.session_id, None)
    assert attempt(settings, store, claim).said == []
    found = store.live.find(claim.session_id)
    assert found
    assert found.yields is None
