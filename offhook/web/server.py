"""The desk's server: one for a home, on the loopback address unless settings name another."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import socket
import ssl
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace

import uvicorn
from starlette.types import ASGIApp

from archive.library import write_whole
from offhook.desk.access import SERVER_LOCK
from offhook.desk.desk import Desk
from offhook.web import background
from offhook.web.app import application
from offhook.web.binding import Binding, CannotListen, binding
from offhook.web.connections import PatientConnection
from offhook.web.forwarded import Forwarded
from offhook.web.heap import share_heap
from offhook.web.work import Work
from shared.errors import OffhookError
from shared.locks import FileLock
from shared.process import Process

log = logging.getLogger(__name__)

#: More connections at once are refused. On a team's server every workstation has one, on which it waits.
MOST_CONNECTIONS, MOST_OF_A_TEAM = 250, 5_000
#: Files that the server has open besides connections.
OTHER_FILES = 250
LARGEST_HEADERS_BYTES = 32_768
KEEP_ALIVE_SECONDS = 15
#: For requests that are being answered when the server stops.
STOP_SECONDS = 2
#: Between two beats; in uvicorn's own ticks of 0.1 s, of which every tenth sets the header `Date`.
BEAT_SECONDS, TICKS = 0.5, 5


class ServerRuns(OffhookError):
    """The desk's server of this home runs already."""

    code = "server_runs"


def serve(process: Process) -> None:
    """Serve the desk until the process should stop. Raises ServerRuns."""
    share_heap()
    lock = FileLock(process.settings.locks / SERVER_LOCK)
    if not lock.acquire():
        raise ServerRuns
    with Desk({"home": process.settings.home}) as desk:
        place = binding(process.settings, has_password=_takes_passwords(desk))
        with contextlib.closing(_listener(place)) as listener:
            port = listener.getsockname()[1]
            origins = place.origins(port)
            with _announced(process, origins[0]):
                log.info("the desk is at %s; `offhook open` opens it, signed in", origins[0])
                work = Work()
                inner = application(desk, port, origins, work)
                app = Forwarded(inner, place.proxies, is_required=place.needs_proxy)
                with background.running(desk):
                    config = _Config(app, place.tls, _most_connections(desk))
                    _Server(config, process, work).run(sockets=[listener])
                work.close()
    lock.release()


def _takes_passwords(desk: Desk) -> bool:
    return desk.store.access.password() is not None or desk.store.people.are_there()


def _most_connections(desk: Desk) -> int:
    """Return how many connections are taken; where the system allows fewer files than that, fewer."""
    if not desk.settings.database and not desk.store.people.are_there():
        return MOST_CONNECTIONS
    if sys.platform == "win32":
        return MOST_OF_A_TEAM
    import resource

    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OF_A_TEAM + OTHER_FILES
    allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(now, allowed), most))
    return max(MOST_CONNECTIONS, allowed - OTHER_FILES)


def _listener(place: Binding) -> socket.socket:
    """Return a socket that listens; on this machine a free port does too. Raises CannotListen."""
    try:
        return place.listen()
    except CannotListen:
        if not place.is_local:
            raise
        log.warning("port %d is taken by another program; a free one is used", place.port)
        return replace(place, port=0).listen()


@contextmanager
def _announced(process: Process, url: str) -> Iterator[None]:
    """Write down where the server listens, while it does."""
    write_whole(process.settings.web, json.dumps({"url": url}))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            process.settings.web.unlink()


class _Config(uvicorn.Config):
    """How uvicorn serves, with TLS or without."""

    def __init__(self, app: ASGIApp, tls: ssl.SSLContext | None, most_connections: int) -> None:
        super().__init__(
            app,
            http=PatientConnection,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=LARGEST_HEADERS_BYTES,
            limit_concurrency=most_connections,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        self._tls = tls

    def load(self) -> None:
        """Load the application; the certificate is loaded already."""
        super().load()
        self.ssl = self._tls


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
        for tick in itertools.count(step=TICKS):
            await self.on_tick(tick)
            if self._process.stopping.is_set():
                break
            self._process.beat()
            await asyncio.sleep(BEAT_SECONDS)
