"""Speaks to the capture worker: the capture protocol over its local socket."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from shared import control_port
from shared.capture_errors import CaptureNotRunning, CaptureSilent
from shared.control_port import AUTHENTICATE, CLIENT, SERVER, SERVER_LOCK
from shared.errors import OffhookError
from shared.files import read_regular
from shared.locks import is_free

#: For connecting and for the proof of the token, several tries together.
CONNECT_SECONDS = 5.0
RETRY_SECONDS = 0.05
ANSWER_SECONDS = 120.0
LONGEST_FIRST_ANSWER_BYTES = 4096
LONGEST_CONTROL_BYTES = 65_536


class Refused(OffhookError):
    """The capture worker has refused."""

    code = "refused"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CaptureClient:
    """A conversation with the capture worker of a home; a context manager.

    Raises CaptureNotRunning if there is none, CaptureSilent if one runs and does not answer, and Refused.
    """

    def __init__(self, control: Path, connect_seconds: float = CONNECT_SECONDS) -> None:
        self._events: list[dict[str, Any]] = []
        self._last_id = 0
        lock, deadline = control.parent / "locks" / SERVER_LOCK, time.monotonic() + connect_seconds
        while not self._connected(control, deadline):  # strangers may have pushed this client out
            if is_free(lock):
                raise CaptureNotRunning
            if time.monotonic() >= deadline:
                raise CaptureSilent
            time.sleep(RETRY_SECONDS)
        self._socket.settimeout(ANSWER_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; only in the thread that reads."""
        self._reader.close()
        self._socket.close()

    def hang_up(self) -> None:
        """End the conversation from another thread: `events` and `request` find nothing more to read."""
        with contextlib.suppress(OSError):  # it has ended by itself
            self._socket.shutdown(socket.SHUT_RDWR)

    def request(self, action: str, **params: Any) -> dict[str, Any]:
        """Have something done and return the result. Raises Refused, CaptureNotRunning."""
        self._last_id += 1
        message = {"id": self._last_id, "action": action, "params": params}
        with contextlib.suppress(OSError):  # the reader finds out
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        for found in self._lines():
            if found.get("id") == self._last_id and "ok" in found:
                return self._result(found)
            self._events.append(found)
        raise CaptureNotRunning("The capture worker has ended. Start it again: python start.py")

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield what happens, until the capture worker ends. Requests may be made in between."""
        self._socket.settimeout(None)
        while True:
            while self._events:
                yield self._events.pop(0)
            found = next(self._lines(), None)
            if found is None:
                return
            yield found

    def _connected(self, control: Path, deadline: float) -> bool:
        """Connect and exchange proofs; False if that failed and may be tried again."""
        try:
            found = json.loads(read_regular(control, LONGEST_CONTROL_BYTES))
            token = str(found["token"])
            self._socket = _connect(found, max(deadline - time.monotonic(), RETRY_SECONDS))
        except (OSError, ValueError, KeyError, TypeError):
            return False
        self._reader = self._socket.makefile("rb")
        try:
            if self._proved(token):
                return True
        except Refused:
            self.close()
            raise
        self.close()
        return False

    def _proved(self, token: str) -> bool:
        """Have the token proved by the other side, then prove it; False if that is another program, or gone.

        Raises Refused.
        """
        nonce = control_port.new_nonce()
        found = self._first_answer(nonce=nonce).get("result")
        if not isinstance(found, dict):
            return False
        other = str(found.get("nonce"))
        if not control_port.is_proof(found.get("proof"), control_port.proof(token, SERVER, nonce, other)):
            return False
        answer = self._first_answer(proof=control_port.proof(token, CLIENT, nonce, other))
        return bool(answer) and bool(self._result(answer))

    def _first_answer(self, **params: Any) -> dict[str, Any]:
        """Ask before anything is proved: one line, limited, from any program; empty if it is no answer."""
        self._last_id += 1
        message = {"id": self._last_id, "action": AUTHENTICATE, "params": params}
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
            found = json.loads(self._reader.readline(LONGEST_FIRST_ANSWER_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def _lines(self) -> Iterator[dict[str, Any]]:
        with contextlib.suppress(OSError, ValueError):  # it is gone, perhaps in the middle of a line
            for line in self._reader:
                found = json.loads(line)
                if isinstance(found, dict):
                    yield found

    def _result(self, found: dict[str, Any]) -> dict[str, Any]:
        if not found["ok"]:
            raise Refused(found["error"]["code"], found["error"]["message"])
        result: dict[str, Any] = found["result"]
        return result


def _connect(found: dict[str, Any], timeout_seconds: float) -> socket.socket:
    """Connect to what control.json names. Raises OSError, ValueError, KeyError, TypeError."""
    if "socket" not in found:
        return socket.create_connection(("127.0.0.1", int(found["port"])), timeout_seconds)
    if sys.platform == "win32":
        raise OSError(f"{found['socket']} is a socket in a folder, which Windows does not have")
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_seconds)
        connection.connect(str(found["socket"]))
    except OSError:
        connection.close()
        raise
    return connection
