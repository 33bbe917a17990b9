"""Recordings that the joined server has and this home has no more: fetched from there when they are heard."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path, PurePath
from typing import BinaryIO, cast

from archive.storage.storage import Source
from outbox_worker.client import Server
from outbox_worker.errors import OnlyAtTheServer, ServerAway, ServerRefused, TokenRefused
from shared.settings import Settings
from shared.store.joining import JoinedServer
from shared.store.store import Store
from shared.store.values import Record

#: A recording of an hour has 115 MB; over a line of 1 MB/s it takes two minutes.
LONGEST_SECONDS = 600.0


class AtTheServer:
    """The recordings at the joined server, by their session ids; a larger one than is known is not taken."""

    def __init__(self, server: JoinedServer, folder: Path, most_bytes: float) -> None:
        self._server, self._folder, self._most_bytes = server, folder, most_bytes

    def open(self, key: str) -> BinaryIO:
        """Fetch a recording, and open it. Raises OnlyAtTheServer if it cannot be fetched now."""
        made = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 (the caller closes it)
        file = cast("BinaryIO", made)  # on Windows it is a wrapper, which does the same
        try:
            asyncio.run(self._fetch(PurePath(key).stem, file))
            file.seek(0)
        except BaseException as error:
            file.close()
            if isinstance(error, ServerAway | ServerRefused | TokenRefused):
                raise OnlyAtTheServer(f"The recording is at {self._server.name}: {error}") from error
            raise
        return file

    async def _fetch(self, session_id: str, file: BinaryIO) -> None:
        async with Server(self._server) as client:
            async for block in client.audio(session_id, LONGEST_SECONDS):
                if file.tell() + len(block) > self._most_bytes:  # it would fill the disk
                    raise ServerAway("It sends more than the recording has.")
                file.write(block)


def elsewhere(settings: Settings, store: Store, record: Record) -> Source | None:
    """Return where a recording can be read that is here no more. Raises OnlyAtTheServer after leaving."""
    item = store.outbox.find(record.id)
    if item is None or item.audio_deleted_at is None:
        return None
    server = store.outbox.joined()
    if server is None:
        raise OnlyAtTheServer("The recording is at the server that this home has left.")
    most_bytes = settings.largest_file_bytes if record.size_bytes is None else record.size_bytes
    return AtTheServer(server, settings.copies, most_bytes)
