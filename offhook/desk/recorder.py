"""Speaks to the capture worker: the capture protocol over its local socket."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shared.errors import CaptureNotRunning, OffhookError

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0


class Refused(OffhookError):
    """The capture worker has refused."""

    code = "refused"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CaptureClient:
    """A conversation with the capture worker of a home; a context manager. Raises CaptureNotRunning."""

    def __init__(self, control: Path) -> None:
        try:
            found = json.loads(control.read_text("utf-8"))
            port, token = int(found["port"]), str(found["token"])
            self._socket = socket.create_connection(("127.0.0.1", port), CONNECT_SECONDS)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CaptureNotRunning from error
        self._reader = self._socket.makefile("rb")
        self._events: list[dict[str, Any]] = []
        self._last_id = 0
        try:
            self.request("authenticate", token=token)
        except OffhookError as error:  # another program has the port by now
            self.close()
            raise CaptureNotRunning from error
        self._socket.settimeout(ANSWER_SECONDS)

    def __enter__(self) -> CaptureClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._reader.close()
        self._socket.close()

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
        """Yield what happens, until the capture worker ends."""
        self._socket.settimeout(None)
        while self._events:
            yield self._events.pop(0)
        yield from self._lines()

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
