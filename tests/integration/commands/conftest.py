"""Commands called inside this process, on a fresh home."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.settings import Settings
from tests.integration.commands.calling import Cli


@pytest.fixture
def cli(settings: Settings) -> Cli:
    """The command line of the fresh home."""
    return Cli(settings.home)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    """A file to add; what is in it matters to the worker alone."""
    path = tmp_path / "call.wav"
    path.write_bytes(b"RIFF")
    return path
