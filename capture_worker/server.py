"""The capture worker: a session, and who may command it: over a local socket, or over stdio.

It stays up whatever becomes of the audio devices, and finishes a running recording when it is told to stop.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import logging
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peewee import DatabaseError

from capture_worker.client import Audience, Client
from capture_worker.protocol import answer, failed, parse, succeeded
from capture_worker.session import RecordingSession
from shared.db import hurried
from shared.errors import BadRequest
from shared.home import FILE_MODE
from shared.locks import FileLock
from shared.process import Process

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
SETTLE_EVERY_SECONDS = 5.0
PATIENCE_SECONDS = 2.0
AUTHENTICATE = "authenticate"
AUTHENTICATE_SECONDS = 10.0
MOST_CLIENTS = 64


def serve(process: Process) -> None:
    """Record at the command of whoever holds the token, until the process is to stop."""
    if not _alone(process):
        return
    with _session(process) as (session, audience), Listener(process, session, audience):
        _stay(process, session)


def speak(process: Process) -> None:
    """Record at the command of the program that has started this one, until it closes stdin."""
    with _own_stdout() as stdout, _session(process) as (session, audience):
        client = Client(os.fdopen(os.dup(0), "rb"), stdout)  # not `sys.stdin`: Python closes that at its end
        audience.join(client)

        def listen() -> None:
            client.converse(lambda request: answer(session, request))
            process.database.close()  # this thread's own connection
            process.stopping.set()

        threading.Thread(target=listen, name="stdin", daemon=True).start()
        _stay(process, session)
        session.close()
        client.close()


@contextmanager
def _session(process: Process) -> Iterator[tuple[RecordingSession, Audience]]:
    audience = Audience()
    with RecordingSession(
        process.settings, database=process.database, presence=process.presence, on_event=audience.tell
    ) as session:
        yield session, audience


def _stay(process: Process, session: RecordingSession) -> None:
    next_settle = time.monotonic() + SETTLE_EVERY_SECONDS
    while not process.stopping.wait(LOOK_SECONDS):
        state = session.get_state()["state"]
        process.beat("ready" if state == "idle" else state)
        if time.monotonic() >= next_settle:
            _settle(process, session)
            next_settle = time.monotonic() + SETTLE_EVERY_SECONDS


def _settle(process: Process, session: RecordingSession) -> None:
    try:
        with hurried(process.database, PATIENCE_SECONDS):
            session.settle()
    except (OSError, DatabaseError) as error:  # the next time may find it gone
        log.warning("what is left over cannot be handed over now: %s", error)


def _alone(process: Process) -> bool:
    """Wait until no other capture worker serves this home; False if told to stop meanwhile."""
    lock = FileLock(process.settings.locks / "capture-server.lock")
    if not lock.acquire():
        log.warning("another capture worker serves this home; this one takes over when it ends")
        while not lock.acquire():
            process.beat("standby")
            if process.stopping.wait(LOOK_SECONDS):
                return False
    return True


@contextmanager
def _own_stdout() -> Iterator[Any]:
    """Keep stdout for protocol lines: whatever else prints, a library's C code too, goes to stderr."""
    sys.stdout.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(own, "wb", buffering=0) as stdout:
        yield stdout


class Listener:
    """Accepts clients on a loopback port that `control.json` names, with the token they have to know."""

    def __init__(self, process: Process, session: RecordingSession, audience: Audience) -> None:
        self._process, self._session, self._audience = process, session, audience
        self._control = process.settings.control
        self._token = secrets.token_urlsafe(32)
        self._clients: set[Client] = set()

    def __enter__(self) -> Listener:
        self._socket = socket.create_server(("127.0.0.1", 0))
        port = self._socket.getsockname()[1]
        _write_private(self._control, {"port": port, "token": self._token, "pid": os.getpid()})
        threading.Thread(target=self._accept, name="listener", daemon=True).start()
        log.info("listening")
        return self

    def __exit__(self, *_: object) -> None:
        self._control.unlink(missing_ok=True)
        self._socket.close()
        self._session.close()  # before the clients go: they are told what became of it
        for client in list(self._clients):
            client.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._socket.accept()
                if len(self._clients) >= MOST_CLIENTS:
                    connection.close()
                    continue
                threading.Thread(target=self._talk, args=(connection,), name="client", daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        connection.settimeout(AUTHENTICATE_SECONDS)
        reader = connection.makefile("rb")
        client = Client(reader, connection.makefile("wb"), _hanging_up(connection))
        self._clients.add(client)
        try:
            if self._admit(client):
                connection.settimeout(None)
                self._audience.join(client)
                client.converse(lambda request: answer(self._session, request))
        finally:
            self._audience.leave(client)
            self._clients.discard(client)
            client.close()
            connection.close()
            self._process.database.close()  # this thread's own connection

    def _admit(self, client: Client) -> bool:
        """Whether a client's first line has the token."""
        try:
            request = parse(client.read_line())
            token = str(request.params.get("token", ""))
            if request.action != AUTHENTICATE or not hmac.compare_digest(
                token.encode(errors="replace"), self._token.encode()
            ):
                raise BadRequest("The first request has to have the token that stands in control.json.")
        except BadRequest as error:
            client.send(failed(None, error))
            return False
        client.send(succeeded(request.id, {"pid": os.getpid()}))
        return True


def _hanging_up(connection: socket.socket) -> Callable[[], None]:
    def hang_up() -> None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    return hang_up


def _write_private(path: Path, content: dict[str, Any]) -> None:
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "w") as file:
        json.dump(content, file)
    part.replace(path)
