"""A chunk of a recording while it arrives: in a file without a name, which is gone with its process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from offhook.desk.part_file import make_sure_of_room, telling_full
from shared.errors import OffhookError

BLOCK_BYTES = 1 << 20


class ChunkDamaged(OffhookError):
    """The chunk has another hash than was given, or more bytes than may come. Nothing of it was kept."""

    code = "chunk_damaged"


class Chunk:
    """A chunk of at most `most_bytes`; it is closed by who has opened it. Raises DiskFull."""

    def __init__(self, folder: Path, most_bytes: int, spare_bytes: int) -> None:
        self._most_bytes, self._size_bytes, self._hash = most_bytes, 0, sha256()
        make_sure_of_room(folder, most_bytes, spare_bytes)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed by close)

    def append(self, block: bytes) -> None:
        """Take a block. Raises ChunkDamaged before there is too much, DiskFull."""
        self._size_bytes += len(block)
        if self._size_bytes > self._most_bytes:
            raise ChunkDamaged(f"At most {self._most_bytes:,} bytes may come. Nothing of the chunk was kept.")
        self._hash.update(block)
        with telling_full():
            self._file.write(block)

    def check(self, digest: str) -> None:
        """Compare what has arrived with the hash that it is to have. Raises ChunkDamaged."""
        if self._hash.hexdigest() != digest:
            raise ChunkDamaged

    def blocks(self) -> Iterator[bytes]:
        """Yield what has arrived."""
        with telling_full():
            self._file.seek(0)
        while block := self._file.read(BLOCK_BYTES):
            yield block

    def close(self) -> None:
        """Remove what has arrived."""
        self._file.close()
