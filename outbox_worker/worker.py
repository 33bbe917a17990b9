"""An outbox process: it sleeps until a server is joined, and then keeps up the exchange with it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from shared import priority
from shared.errors import OffhookError, StoreError, WorkerStopping
from shared.logs import discreet
from shared.process import Process
from shared.store.database import ChangeFeed
from shared.store.joining import JoinedServer

if TYPE_CHECKING:
    from outbox_worker.client import Server

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5


def work(process: Process) -> None:
    """Keep up the exchange with the joined server, if there is one, until the process should stop."""
    priority.lower()
    with process.store.feed() as feed:
        joined = _joined(process)
        while not process.stopping.is_set():
            if joined and (server := _server(process, joined)):
                asyncio.run(_exchange(process, feed, joined, server))
            else:
                while not (_rest(process, feed) or process.stopping.is_set()):
                    pass
            joined = _joined(process)


def _rest(process: Process, feed: ChangeFeed) -> bool:
    """Wait a moment; True if somebody has written to the database since."""
    process.beat()
    process.stopping.wait(LOOK_SECONDS)
    return feed.wait(0.0)


def _joined(process: Process) -> JoinedServer | None:
    with suppress(StoreError):
        return process.store.outbox.joined()
    return None


def _server(process: Process, joined: JoinedServer) -> Server | None:
    """Return the client of a joined server; None if its address or certificate cannot be used."""
    from outbox_worker.client import Server  # a home without a server does without an HTTP client

    try:
        return Server(joined)
    except OffhookError as error:
        log.warning("the server cannot be used: %s", discreet(error))
        process.store.outbox.server.away(str(error))
        return None


async def _exchange(process: Process, feed: ChangeFeed, joined: JoinedServer, server: Server) -> None:
    """Exchange with a server until the process should stop, or the home has left it or has another token."""
    from outbox_worker.session import Session

    def keep() -> None:
        if process.stopping.is_set():
            raise WorkerStopping

    log.info("handing recordings to the server")
    async with server:
        session = Session(process.settings, process.store, server, process.presence.worker_id, keep)
        running = asyncio.create_task(session.run())
        try:
            while not process.stopping.is_set() and not running.done():
                process.beat("working" if session.is_sending else "ready")
                await asyncio.wait([running], timeout=LOOK_SECONDS)
                if feed.wait(0.0):
                    session.changed.set()
                    if not _is_same(joined, _joined(process)):
                        return
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def _is_same(one: JoinedServer, other: JoinedServer | None) -> bool:
    return other is not None and (one.url, one.token, one.certificate) == (
        *(other.url, other.token),
        other.certificate,
    )
