"""The desk's server: one for a home, on the loopback address alone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import uvicorn

from archive.library import write_whole
from offhook.desk.access import SERVER_LOCK
from offhook.desk.desk import Desk
from offhook.web import background
from offhook.web.app import application
from offhook.web.connections import PatientConnection
from offhook.web.work import Work
from shared.errors import OffhookError
from shared.locks import FileLock
from shared.process import Process

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
#: More connections at once are refused.
MOST_CONNECTIONS = 250
LARGEST_HEADERS_BYTES = 32_768
BACKLOG = 128
KEEP_ALIVE_SECONDS = 15
#: For requests that are being answered when the server stops.
STOP_SECONDS = 2
BEAT_SECONDS = 0.5


class ServerRuns(OffhookError):
    """The desk's server of this home runs already."""

    code = "server_runs"


def serve(process: Process) -> None:
    """Serve the desk until the process should stop. Raises ServerRuns."""
    lock = FileLock(process.settings.locks / SERVER_LOCK)
    if not lock.acquire():
        raise ServerRuns
    with contextlib.closing(listening_socket(process.settings.web_port)) as listener:
        port = listener.getsockname()[1]
        url = f"http://{LOOPBACK}:{port}"
        with Desk({"home": process.settings.home}) as desk, _announced(process, url):
            log.info("the desk is at %s; `offhook open` opens it, signed in", url)
            work = Work()
            app = application(desk, port, origins(port), work)
            with background.running(desk):
                _Server(_config(app), process, work).run(sockets=[listener])
            work.close()
    lock.release()


def origins(port: int) -> list[str]:
    """Return the addresses under which a browser on this machine reaches the server."""
    return [f"http://{host}:{port}" for host in (LOOPBACK, "localhost")]


def listening_socket(port: int) -> socket.socket:
    """Return a socket that listens on the loopback address: on the port, or a free one if it is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform == "win32":  # there, SO_REUSEADDR would let two programs have one port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError:
        log.warning("port %d is taken by another program; a free one is used", port)
        listener.bind((LOOPBACK, 0))
    listener.listen(BACKLOG)
    return listener


@contextmanager
def _announced(process: Process, url: str) -> Iterator[None]:
    """Write down where the server listens, while it does."""
    write_whole(process.settings.web, json.dumps({"url": url}))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            process.settings.web.unlink()


def _config(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=PatientConnection,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=LARGEST_HEADERS_BYTES,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


class _Server(uvicorn.Server):
    """A server that ends with its process; signals are the process's."""

    def __init__(self, config: uvicorn.Config, process: Process, work: Work) -> None:
        super().__init__(config)
        self._process, self._work = process, work

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals to the process."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the event streams, then what is left."""
        self._work.end()
        await super().shutdown(sockets)

    async def main_loop(self) -> None:
        """Serve until the process should stop."""
        await self.on_tick(0)
        while not self._process.stopping.is_set():
            self._process.beat()
            await asyncio.sleep(BEAT_SECONDS)
            await self.on_tick(0)
