"""Uploads over a store of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from offhook.desk.desk import Desk
from offhook.desk.uploading import Uploads
from shared.settings import Settings
from tests import tables
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue


@pytest.fixture
def desk(settings: Settings) -> Iterator[Desk]:
    with Desk({"home": settings.home}) as desk:
        tables.use(desk.store)
        yield desk


@pytest.fixture
def uploads(desk: Desk) -> Uploads:
    return Uploads(desk, spare_bytes=0)


@pytest.fixture
def inbox(desk: Desk) -> Iterator[Inbox]:
    with closing(HintQueue(desk.settings.queue)) as hints:
        yield Inbox(desk.settings, desk.store, hints)
