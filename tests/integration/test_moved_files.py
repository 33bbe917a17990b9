"""Files that are moved to another file system while a program writes to them."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.files import move

MEMORY = Path("/dev/shm")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system."""
    if not MEMORY.is_dir() or MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system")
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


def test_a_file_that_grows_while_it_is_moved_stays_where_it_is(tmp_path: Path, elsewhere: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(bytes(16_000_000))
    stopping = threading.Event()

    def write() -> None:
        with path.open("ab", buffering=0) as file:
            while not stopping.wait(0.0005):
                file.write(b"more")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(BlockingIOError, match="changed while it was copied"):
            move(path, elsewhere / "call.wav")
    finally:
        stopping.set()
        writer.join()
    assert list(elsewhere.iterdir()) == []
    move(path, elsewhere / "call.wav")
    assert not path.exists()
    assert (elsewhere / "call.wav").read_bytes().endswith(b"more")
