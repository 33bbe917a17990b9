"""The library and the eraser of a fresh home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from archive.erasing import Eraser
from archive.library import Library
from shared.settings import Settings
from shared.store.store import Store
from tests.stage import Stage
from transcribe_worker.jobs.hints import HintQueue


@pytest.fixture
def library(settings: Settings, store: Store) -> Library:
    return Library(settings, store)


@pytest.fixture
def eraser(settings: Settings, store: Store, library: Library) -> Eraser:
    return Eraser(settings, store, library)


@pytest.fixture
def stage(settings: Settings) -> Stage:
    return Stage(settings.home)


@pytest.fixture
def hints(settings: Settings) -> Iterator[HintQueue]:
    with closing(HintQueue(settings.queue)) as hints:
        yield hints
