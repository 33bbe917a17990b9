"""The local socket: a loopback port that `control.json` names, for whoever can read the token in it."""

from __future__ import annotations

import contextlib
import hmac
import json
import logging
import os
import secrets
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from capture_worker.control.client import Answer, Audience, Client
from capture_worker.control.protocol import failed, parse, succeeded
from shared.errors import BadRequest
from shared.home import FILE_MODE
from shared.logs import discreet

log = logging.getLogger(__name__)

AUTHENTICATE = "authenticate"
AUTHENTICATE_SECONDS = 10.0
MOST_CLIENTS = 64
#: What the system may keep for a client that does not read: minutes of levels, not an hour.
SEND_BUFFER_BYTES = 16 * 1024
RETRY_SECONDS = 0.1
#: Have a connection reset when it is closed, whatever has not been sent; the layout is that of the system.
_RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Listener:
    """Accepts clients, each in a thread of its own, from `open` to `close`."""

    def __init__(
        self, control: Path, audience: Audience, answer: Answer, disconnect: Callable[[], Any]
    ) -> None:
        self._control, self._audience = control, audience
        self._answer, self._disconnect = answer, disconnect
        self._token = secrets.token_urlsafe(32)
        self._clients: set[Client] = set()
        self._closing = False

    def open(self) -> None:
        """Listen, and write down where."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        port = self._socket.getsockname()[1]
        _write_private(self._control, {"port": port, "token": self._token, "pid": os.getpid()})
        threading.Thread(target=self._accept, name="listener", daemon=True).start()
        log.info("listening")

    def stop(self) -> None:
        """Take no more clients; those that are there are still spoken to."""
        self._closing = True
        with contextlib.suppress(OSError):  # on Windows somebody may be reading it
            self._control.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # or a thread would go on to wait in accept()
        self._socket.close()

    def close(self) -> None:
        """Hang up on everybody."""
        for client in list(self._clients):
            client.close()

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._socket.accept()
            except OSError as error:  # a client that was gone at once, or too many open files
                if not self._closing:
                    log.warning("a client could not be accepted: %s", discreet(error))
                    time.sleep(RETRY_SECONDS)
                continue
            if len(self._clients) >= MOST_CLIENTS:
                connection.close()
                continue
            threading.Thread(target=self._talk, args=(connection,), name="client", daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        client = Client(connection.makefile("rb"), connection.makefile("wb"), _hanging_up(connection))
        self._clients.add(client)
        try:
            if self._admit(client):
                self._audience.join(client)
                client.converse(self._answer)
        finally:
            self._audience.leave(client)
            self._clients.discard(client)
            client.close()
            connection.close()
            self._disconnect()

    def _admit(self, client: Client) -> bool:
        """Whether a client's first line has the token, and comes in time."""
        late = threading.Timer(AUTHENTICATE_SECONDS, client.hang_up)
        late.start()
        try:
            request = parse(client.read_line())
            token = str(request.params.get("token", "")).encode(errors="replace")
            if request.action != AUTHENTICATE or not hmac.compare_digest(token, self._token.encode()):
                raise BadRequest("The first request has to have the token that stands in control.json.")
        except BadRequest as error:
            client.send(failed(None, error))
            return False
        finally:
            late.cancel()
        client.send(succeeded(request.id, {"pid": os.getpid()}))
        return True


def _hanging_up(connection: socket.socket) -> Callable[[bool], None]:
    def hang_up(rudely: bool) -> None:
        with contextlib.suppress(OSError):
            if rudely:  # or one who writes and never reads is told by the system after a minute
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            connection.shutdown(socket.SHUT_RDWR)

    return hang_up


def _write_private(path: Path, content: dict[str, Any]) -> None:
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "w") as file:
        json.dump(content, file)
    part.replace(path)
