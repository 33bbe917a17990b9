"""Receives what a request brings into a file, block by block: no recording is ever in memory as a whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from offhook.web.call import Answers
from offhook.web.dispatch import guarded
from offhook.web.errors import refusal
from offhook.web.work import Work
from shared.errors import OffhookError

BLOCK_BYTES = 1 << 20
#: Of a refused body that are read so that its client reads the answer.
DRAINED_BYTES = 16 << 20


class Takes(Protocol):
    """What takes blocks, such as a file."""

    def append(self, block: bytes) -> None:
        """Take a block. Raises OffhookError."""


class Receiver:
    """Gathers small pieces into blocks, and writes those in a thread."""

    def __init__(self, part: Takes, work: Work) -> None:
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


async def receive(pieces: AsyncIterator[bytes], part: Takes, work: Work) -> None:
    """Write pieces as they come; what has arrived before a fault is written too."""
    receiver = Receiver(part, work)
    try:
        async for piece in pieces:
            await receiver.take(piece)
    finally:
        await receiver.flush()


async def drain(request: Request) -> None:
    """Read the rest of a refused body: a connection that is reset could lose the answer on its way."""
    left = DRAINED_BYTES
    with suppress(ClientDisconnect, RuntimeError):  # RuntimeError: all of it was read
        async for piece in request.stream():
            left -= len(piece)
            if left < 0:
                return


def patient(answer: Answers, refused: Callable[[OffhookError], Response] = refusal) -> Answers:
    """Let a client that is still sending read why it was refused."""

    async def answered(request: Request) -> Response:
        response = await guarded(answer, refused)(request)
        if response.status_code >= 400:
            await drain(request)
        return response

    return answered
