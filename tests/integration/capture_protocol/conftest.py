"""A capture worker, and clients of it over stdio and the socket."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared.settings import Settings
from shared.store.store import Store
from tests.integration.capture_protocol.conversation import RATE_HZ, Conversation, Home, spoken_to


def sound(path: Path, seed: int, seconds: float = 60.0) -> Path:
    samples = np.random.default_rng(seed).integers(-9_000, 9_000, round(seconds * RATE_HZ), np.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


@pytest.fixture(scope="package")
def devices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """WAVs in the place of both devices."""
    folder = tmp_path_factory.mktemp("sources")
    sides = ("microphone", "loopback")
    return {side: f"replay:{sound(folder / f'{side}.wav', seed)}" for seed, side in enumerate(sides)}


@pytest.fixture
def settings(settings: Settings, devices: dict[str, str]) -> Settings:
    """Settings of a fresh home on a machine with both devices."""
    return replace(settings, **devices)


@pytest.fixture
def home(settings: Settings, store: Store) -> Iterator[Home]:
    """A fresh home."""
    home = Home(settings)
    yield home
    for conversation in home.conversations:
        conversation.close()


@pytest.fixture
def listening(home: Home) -> Iterator[Home]:
    """A home in which a capture worker listens."""
    with home.worker():
        home.control()
        yield home


@pytest.fixture(params=["stdio", "socket"])
def client(request: pytest.FixtureRequest, home: Home) -> Iterator[Conversation]:
    """A client over either way; what follows holds for both."""
    if request.param == "socket":
        with home.worker():
            yield home.client()
    else:
        with spoken_to(home) as (_, conversation):
            yield conversation
