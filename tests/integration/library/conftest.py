"""The library of a fresh home, and a folder on another file system."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.library import Library
from shared.settings import Settings
from shared.store.store import Store


@pytest.fixture
def library(settings: Settings, store: Store) -> Library:
    return Library(settings, store)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than tmp_path."""
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_dir() or shared_memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system (/dev/shm) here")
    with tempfile.TemporaryDirectory(dir=shared_memory) as folder:
        yield Path(folder)


@pytest.fixture
def inbox_elsewhere(settings: Settings, elsewhere: Path) -> Path:
    """The inbox as a link to a folder on another file system."""
    settings.inbox.rmdir()
    settings.inbox.symlink_to(elsewhere, target_is_directory=True)
    return elsewhere
