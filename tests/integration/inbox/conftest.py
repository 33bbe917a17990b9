"""An inbox over a clock that is set by the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from shared.settings import Settings
from shared.store.store import Store
from tests.integration.inbox.files import Clock
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hints(settings: Settings) -> Iterator[HintQueue]:
    with closing(HintQueue(settings.queue)) as hints:
        yield hints


@pytest.fixture
def inbox(settings: Settings, store: Store, hints: HintQueue, clock: Clock) -> Inbox:
    return Inbox(settings, store, hints, monotonic=clock)
