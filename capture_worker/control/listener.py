"""The control socket: accepts clients, checks their proof of the token, and answers each in a thread."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from capture_worker.control.address import Address, listen, write_control_file
from capture_worker.control.admission import MOST_STRANGERS, Strangers, admit
from capture_worker.control.client import Answer, Audience, Client
from shared import control_port
from shared.logs import discreet

log = logging.getLogger(__name__)

MOST_CLIENTS = 64
#: The system's buffer for a client that does not read: minutes of levels, not an hour.
SEND_BUFFER_BYTES = 16 * 1024
RETRY_SECONDS = 0.1
#: SO_LINGER that resets a connection when it is closed; its layout depends on the system.
_RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Listener:
    """Accepts clients until `stop`; each has its own thread."""

    def __init__(
        self,
        control: Path,
        socket_path: Path,
        audience: Audience,
        answer: Answer,
        disconnect: Callable[[], Any],
    ) -> None:
        self._control, self._audience = control, audience
        self._answer, self._disconnect = answer, disconnect
        self._token = control_port.new_token()
        self._strangers = Strangers()
        self._clients: set[Client] = set()
        self._closing = False
        self._address: Address = listen(socket_path)
        threading.Thread(target=self._accept, name="listener", daemon=True).start()
        description = {**self._address.description, "token": self._token, "pid": os.getpid()}
        write_control_file(control, description)
        log.info("listening")

    def stop(self) -> None:
        """Accept no more clients; connected ones still get events and replies."""
        self._closing = True
        with contextlib.suppress(OSError):  # on Windows another program may be reading it
            self._control.unlink(missing_ok=True)
        self._address.close()

    def close(self) -> None:
        """Hang up on all clients."""
        for client in list(self._clients):
            client.close()

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._address.server.accept()
            except OSError as error:  # the client left at once, or too many files are open
                if not self._closing:
                    log.warning("a client could not be accepted: %s", discreet(error))
                    time.sleep(RETRY_SECONDS)
                continue
            if len(self._clients) >= MOST_CLIENTS + 2 * MOST_STRANGERS:
                connection.close()
                continue
            threading.Thread(target=self._talk, args=(connection,), name="client", daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        client = Client(connection.makefile("rb"), connection.makefile("wb"), _hanging_up(connection))
        self._clients.add(client)
        try:
            with self._strangers.among_them(client):
                admitted = admit(client, self._token, lambda: len(self._audience) < MOST_CLIENTS)
            if admitted:
                self._audience.join(client)
                client.converse(self._answer)
        finally:
            self._audience.leave(client)
            self._clients.discard(client)
            client.close()
            connection.close()
            self._disconnect()


def _hanging_up(connection: socket.socket) -> Callable[[bool], None]:
    def hang_up(rudely: bool) -> None:
        with contextlib.suppress(OSError):
            if rudely:  # else a client that writes and never reads is disconnected only after a minute
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            connection.shutdown(socket.SHUT_RDWR)

    return hang_up
