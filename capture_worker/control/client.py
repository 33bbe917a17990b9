"""A client of the capture protocol: one thread reads its requests, another writes to it.

A client that sends nothing, reads nothing or sends invalid lines does not delay others.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

from capture_worker.control.protocol import (
    LONGEST_LINE_BYTES,
    SUBSCRIPTIONS,
    WORDS,
    Request,
    encode,
    failed,
    parse,
    succeeded,
)
from shared.capture_errors import BadRequest

#: 30 s of levels, in addition to the system's buffer. A client with more waiting does not read.
MOST_WAITING = 300

Answer = Callable[[Request], dict[str, Any]]


class Client:
    """A connected client. `hang_up` unblocks both threads; a client on stdio has none."""

    def __init__(
        self, reader: BinaryIO, writer: BinaryIO, hang_up: Callable[[bool], None] | None = None
    ) -> None:
        self.wants = dict.fromkeys(SUBSCRIPTIONS.values(), False)  # by the type of an event
        self._reader, self._writer, self._hang_up = reader, writer, hang_up
        self._outbox: queue.Queue[bytes | None] = queue.Queue(MOST_WAITING)
        self._writing = threading.Thread(target=self._write, name="client-writer", daemon=True)
        self._writing.start()

    def converse(self, answer: Answer) -> None:
        """Answer requests until the client has gone, or sends a line that is no request."""
        for line in iter(self.read_line, b""):
            try:
                request = parse(line)
            except BadRequest as error:
                self.send(failed(None, error))
                if self._hang_up:
                    return
                self._skip_rest_of(line)
                continue
            self.send(self._reply(request, answer))

    def hang_up(self, *, rudely: bool = False) -> None:
        """Disconnect, if that is possible; `rudely` drops the waiting lines."""
        if self._hang_up:
            self._hang_up(rudely)

    def read_line(self) -> bytes:
        """Return the next line; empty at the end."""
        with contextlib.suppress(OSError, ValueError):
            return self._reader.readline(LONGEST_LINE_BYTES + 1)
        return b""

    def send(self, message: dict[str, Any]) -> None:
        """Queue a message for writing; never waits."""
        self.put(encode(message))

    def put(self, line: bytes) -> None:
        """Queue a line for writing; a client that does not read is dropped, or misses lines on stdio."""
        try:
            self._outbox.put_nowait(line)
        except queue.Full:
            self.hang_up(rudely=True)

    def close(self) -> None:
        """Write the waiting lines, for 1 s at most, and hang up."""
        with contextlib.suppress(queue.Full):
            self._outbox.put_nowait(None)
        self._writing.join(timeout=1.0)
        self.hang_up()

    def _reply(self, request: Request, answer: Answer) -> dict[str, Any]:
        event = SUBSCRIPTIONS.get(request.action)
        if event is None:
            return answer(request)
        self.wants[event] = request.params.get("on", True) is not False
        return succeeded(request.id, {"on": self.wants[event]})

    def _skip_rest_of(self, line: bytes) -> None:
        while line and not line.endswith(b"\n"):
            line = self.read_line()

    def _write(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # the client has gone
            while (line := self._outbox.get()) is not None:
                self._writer.write(line)
                self._writer.flush()


class Audience:
    """All clients of a capture worker."""

    def __init__(self) -> None:
        self._clients: set[Client] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._clients)

    def join(self, client: Client) -> None:
        """Send events to a client from now on."""
        with self._lock:
            self._clients.add(client)

    def leave(self, client: Client) -> None:
        """Send no more events to a client."""
        with self._lock:
            self._clients.discard(client)

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event to all clients, levels only to those that have subscribed; never waits."""
        with self._lock:
            clients = [client for client in self._clients if client.wants.get(event["type"], True)]
        line = encode(event) if clients else b""
        for client in clients:
            client.put(line)

    def words_listeners(self) -> list[Callable[[dict[str, Any]], None]]:
        """Return what takes the events `words`, of each client that has subscribed to them."""
        with self._lock:
            return [client.send for client in self._clients if client.wants[WORDS]]
