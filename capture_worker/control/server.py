"""The capture worker: a recording session with clients, over the local socket or over stdio.

It keeps running when audio devices fail, and finishes a running recording when it is stopped.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from capture_worker.control.client import Audience, Client
from capture_worker.control.listener import Listener
from capture_worker.control.protocol import Request, answer
from capture_worker.session import IDLE, RecordingSession
from shared.control_port import SERVER_LOCK, SOCKET
from shared.locks import FileLock
from shared.logs import discreet
from shared.process import Process

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
LEFTOVERS_EVERY_SECONDS = 5.0
#: How long a request, or this process, waits for a busy database.
PATIENCE_SECONDS = 2.0


def serve(process: Process) -> None:
    """Serve clients that prove the token, until the process should stop."""
    if not _alone(process):
        return
    with _session(process) as (session, audience):
        listener = Listener(
            process.settings.control,
            process.settings.locks / SOCKET,
            audience,
            lambda request: _answered(process, session, request),
            process.store.disconnect,
        )
        try:
            _stay(process, session)
        finally:
            listener.stop()
            session.close()  # before the clients: they are sent the outcome
            listener.close()


def speak(process: Process) -> None:
    """Serve the program that started this process, until it closes stdin."""
    with _own_stdout() as stdout, _session(process) as (session, audience):
        # A duplicate of stdin: at exit Python cannot close a file that a thread is reading.
        client = Client(os.fdopen(os.dup(0), "rb"), stdout)
        audience.join(client)

        def listen() -> None:
            try:
                client.converse(lambda request: _answered(process, session, request))
            finally:
                process.stopping.set()
                process.store.disconnect()

        threading.Thread(target=listen, name="stdin", daemon=True).start()
        _stay(process, session)
        session.close()
        client.close()


@contextmanager
def _session(process: Process) -> Iterator[tuple[RecordingSession, Audience]]:
    audience = Audience()
    with RecordingSession(
        process.settings,
        store=process.store,
        presence=process.presence,
        on_event=audience.tell,
        words_listeners=audience.words_listeners,
    ) as session:
        yield session, audience


def _answered(process: Process, session: RecordingSession, request: Request) -> dict[str, Any]:
    with process.store.busy_timeout(PATIENCE_SECONDS):
        return answer(session, request)


def _stay(process: Process, session: RecordingSession) -> None:
    next_hand_over = time.monotonic() + LEFTOVERS_EVERY_SECONDS
    with process.store.busy_timeout(PATIENCE_SECONDS):  # so that a signal is noticed soon
        while not process.stopping.wait(LOOK_SECONDS):
            process.beat("ready" if session.state == IDLE else session.state)
            if time.monotonic() >= next_hand_over:
                _hand_over_leftovers(session)
                next_hand_over = time.monotonic() + LEFTOVERS_EVERY_SECONDS


def _hand_over_leftovers(session: RecordingSession) -> None:
    try:
        session.hand_over_leftovers()
    except Exception as error:  # it is tried again in a few seconds
        log.warning("leftover recordings cannot be handed over now: %s", discreet(error))


def _alone(process: Process) -> bool:
    """Wait until no other capture worker serves this home; False if this one is stopped meanwhile."""
    lock = FileLock(process.settings.locks / SERVER_LOCK)
    if not lock.acquire():
        log.warning("another capture worker serves this home; this one takes over when it ends")
        while not lock.acquire():
            process.beat("standby")
            if process.stopping.wait(LOOK_SECONDS):
                return False
    return True


@contextmanager
def _own_stdout() -> Iterator[Any]:
    """Reserve stdout for protocol lines: other output, also of C libraries, goes to stderr."""
    sys.stdout.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(own, "wb", buffering=0) as stdout:
        yield stdout
