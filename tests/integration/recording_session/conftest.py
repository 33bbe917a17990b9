"""Sessions over WAVs in the place of devices, and calls that they recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from capture_worker import RecordingSession
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.recording_session.desk import Desk, Make, noise


@pytest.fixture(scope="package")
def sources(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """What is heard from the microphone and from the loopback."""
    folder = tmp_path_factory.mktemp("sources")
    return noise(folder / "microphone.wav", 1), noise(folder / "loopback.wav", 2)


@pytest.fixture(scope="package")
def devices(sources: tuple[Path, Path]) -> dict[str, str]:
    """The settings that put the sources in the place of devices."""
    return {side: f"replay:{path}" for side, path in zip(("microphone", "loopback"), sources, strict=True)}


@pytest.fixture
def settings(settings: Settings, devices: dict[str, str]) -> Settings:
    """Settings of a fresh home on a machine with both devices."""
    return replace(settings, **devices)


@pytest.fixture
def make(settings: Settings, store: Store) -> Iterator[Make]:
    """Open sessions in the fresh home."""
    opened: list[RecordingSession] = []

    def new(open_system: Any = None, **changes: Any) -> Desk:
        events: list[dict[str, Any]] = []
        given = {"open_system": open_system} if open_system else {}
        session = RecordingSession(replace(settings, **changes), store=store, on_event=events.append, **given)
        opened.append(session)
        return Desk(session, events)

    yield new
    for session in opened:
        session.close()


@pytest.fixture
def desk(make: Make) -> Desk:
    """A session with the usual settings."""
    return make()


@pytest.fixture
def manual(make: Make) -> Desk:
    """A session whose recordings wait for somebody to attach or discard them."""
    return make(finalise="manual")
