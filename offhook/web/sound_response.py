"""Answers a request for a recording: the range that is asked for, in blocks, read in a thread."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from offhook.web.exchange import until_gone
from offhook.web.ranges import Range, Unsatisfiable, wanted_range
from offhook.web.work import STORAGE, Work
from shared.errors import OffhookError

log = logging.getLogger(__name__)

BLOCK_BYTES = 262_144


class Sound(Protocol):
    """A file, or the beginning of one that grows; `tag` is another one for other content."""

    @property
    def mime(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def tag(self) -> str: ...

    def block(self, offset: int, most_bytes: int) -> bytes:
        """Read a block. Raises OffhookError, OSError if it is gone."""


class SoundResponse(Response):
    """A recording, or a part of it; never more than a block of it is in memory."""

    def __init__(self, sound: Sound, work: Work) -> None:
        super().__init__(media_type=sound.mime)
        self._sound, self._work = sound, work
        self.headers["accept-ranges"] = "bytes"
        self.headers["cache-control"] = "no-store"
        self.headers["etag"] = sound.tag
        self.headers["content-disposition"] = f"inline; filename*=UTF-8''{quote(sound.name, safe='')}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer; stop at once when the browser goes."""
        part = self._part(Headers(scope=scope))
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        sending = asyncio.create_task(self._send(part, send))
        gone = asyncio.create_task(until_gone(receive))
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()  # raises what went wrong
        finally:
            sending.cancel()
            gone.cancel()
            await asyncio.gather(sending, gone, return_exceptions=True)

    def _part(self, asked: Headers) -> Range:
        """Return the part to send; set the status and headers for it."""
        size_bytes = self._sound.size_bytes
        header = asked.get("range")
        if asked.get("if-range", self._sound.tag) != self._sound.tag:
            header = None  # the browser has the beginning of another file
        try:
            part = wanted_range(header, size_bytes)
        except Unsatisfiable:
            self.status_code = 416
            self.headers["content-range"] = f"bytes */{size_bytes}"
            part = Range(0, 0)
        else:
            if part:
                self.status_code = 206
                self.headers["content-range"] = part.content_range(size_bytes)
            part = part or Range(0, size_bytes)
        self.headers["content-length"] = str(part.end - part.first)
        return part

    async def _send(self, part: Range, send: Send) -> None:
        at = part.first
        while at < part.end:
            block = await self._block(at, min(BLOCK_BYTES, part.end - at))
            if not block:  # it was deleted or replaced; without its last part the answer counts as broken
                return
            await send({"type": "http.response.body", "body": block, "more_body": True})
            at += len(block)
        await send({"type": "http.response.body", "body": b""})

    async def _block(self, at: int, most_bytes: int) -> bytes:
        try:
            return await self._work.run_as(STORAGE, self._sound.block, at, most_bytes)
        except (OffhookError, OSError) as error:
            log.info("a recording is no longer played: %s", type(error).__name__)
            return b""
