"""The network between machines: TCP links that can be cut, reset, stalled, or made deaf in one direction."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

PIECE_BYTES = 65_536
#: Closing such a socket sends a reset.
_RESET = struct.pack("ii", 1, 0)

#: Nothing gets through: both ends wait. Requests get through and answers do not, which then are lost.
#: Connections are reset, and new ones too. Connections are reset once.
STALLED, DEAF, CUT, RESET = "stalled", "deaf", "cut", "reset"
TROUBLES = (STALLED, DEAF, CUT, RESET)

Made = TypeVar("Made")


@dataclass(frozen=True)
class Address:
    """Where something listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port on which nothing listens now."""
    with socket.socket() as found:
        found.bind((host, 0))
        return int(found.getsockname()[1])


class Network:
    """A thread that passes on what links carry; a context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network")
        self._links: list[Link] = []

    def __enter__(self) -> Network:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for link in self._links:
            self._do(link.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def link(self, name: str, host: str, target: Address, port: int = 0) -> Link:
        """Open a link: whoever connects to its address at `host` reaches `target`. Port 0 is any port."""
        link = Link(name, target, self._loop)
        self._do(link.open(host, port))
        self._links.append(link)
        return link

    def _do(self, work: Coroutine[Any, Any, Made]) -> Made:
        done: Future[Made] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(10)


@dataclass
class Link:
    """A way from one machine to another. The public methods may be called in any thread."""

    name: str
    target: Address
    _loop: asyncio.AbstractEventLoop
    address: Address = field(init=False)
    _forth: asyncio.Event = field(default_factory=asyncio.Event)
    _back: asyncio.Event = field(default_factory=asyncio.Event)
    _refuses: bool = False
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(self, host: str, port: int = 0) -> None:
        """Listen at a port, 0 is any."""
        self._forth.set()
        self._back.set()
        self._server = await asyncio.start_server(self._connect, host, port)
        self.address = Address(host, self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Reset every connection, and listen no more."""
        self._server.close()
        self._mend(CUT)
        self._reset()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def trouble(self, kind: str, seconds: float) -> None:
        """Have one of TROUBLES for a while."""
        begin: dict[str, Callable[[], None]] = {
            STALLED: self._stall,
            DEAF: self._back.clear,
            CUT: self._cut,
            RESET: self._reset,
        }
        self._loop.call_soon_threadsafe(begin[kind])
        self._loop.call_soon_threadsafe(self._loop.call_later, seconds, self._mend, kind)

    def _stall(self) -> None:
        self._forth.clear()
        self._back.clear()

    def _cut(self) -> None:
        self._refuses = True
        self._reset()

    def _mend(self, kind: str) -> None:
        if kind == DEAF:  # the answers that were held back are lost
            self._reset()
        self._refuses = False
        self._forth.set()
        self._back.set()

    def _reset(self) -> None:
        for writer in self._writers:
            _abort(writer)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if self._refuses:
            return _abort(writer)
        try:
            there, onwards = await asyncio.open_connection(self.target.host, self.target.port)
        except OSError:
            return _abort(writer)
        self._writers |= {writer, onwards}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pass_on(reader, onwards, self._forth))
                group.create_task(_pass_on(there, writer, self._back))
        except* OSError:  # one end has gone, so the other one loses its connection too
            _abort(writer)
            _abort(onwards)
        finally:
            self._writers -= {writer, onwards}
            writer.close()
            onwards.close()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_open: asyncio.Event
) -> None:
    while data := await reader.read(PIECE_BYTES):
        await is_open.wait()
        writer.write(data)
        await writer.drain()
    await is_open.wait()
    if writer.can_write_eof():
        writer.write_eof()


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close a connection with a reset, if it is not closed yet."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
