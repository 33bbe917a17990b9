"""A desk over a fresh home."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from offhook.desk.desk import Desk
from shared.settings import Settings
from shared.store.store import Store


@pytest.fixture
def desk(settings: Settings, store: Store) -> Iterator[Desk]:
    with Desk({"home": settings.home, "my_name": "Ada"}) as desk:
        yield desk
