"""Receives what a request brings into a file, block by block: no recording is ever in memory as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator

from offhook.desk.part_file import PartFile
from offhook.web.work import Work

BLOCK_BYTES = 1 << 20


class Receiver:
    """Gathers small pieces into blocks, and writes those in a thread."""

    def __init__(self, part: PartFile, work: Work) -> None:
        self._part, self._work, self._pieces = part, work, bytearray()

    async def take(self, piece: bytes) -> None:
        """Take a piece. Raises TooLarge, DiskFull."""
        self._pieces += piece
        if len(self._pieces) >= BLOCK_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Write what was gathered."""
        block, self._pieces = bytes(self._pieces), bytearray()
        if block:
            await self._work.run(self._part.append, block)


async def receive(pieces: AsyncIterator[bytes], part: PartFile, work: Work) -> None:
    """Write pieces as they come; what has arrived before a fault is written too."""
    receiver = Receiver(part, work)
    try:
        async for piece in pieces:
            await receiver.take(piece)
    finally:
        await receiver.flush()
