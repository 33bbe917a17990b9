"""Admits clients that prove the token.

Until then a client is a stranger. The number of strangers is limited apart from that of admitted clients.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from capture_worker.control.client import Client
from capture_worker.control.protocol import Request, failed, parse, succeeded
from shared import control_port
from shared.capture_errors import BadRequest
from shared.control_port import AUTHENTICATE, CLIENT, SERVER

AUTHENTICATE_SECONDS = 10.0
#: The most connections without a proof of the token. One more drops the oldest, so that none is kept out.
MOST_STRANGERS = 16


class Strangers:
    """The clients that have not proved the token yet, the oldest first."""

    def __init__(self, most: int = MOST_STRANGERS) -> None:
        self._most = most
        self._clients: list[Client] = []
        self._lock = threading.Lock()

    @contextmanager
    def among_them(self, client: Client) -> Iterator[None]:
        """Count a client as a stranger within the block; if there are too many, drop the oldest."""
        with self._lock:
            self._clients.append(client)
            dropped, self._clients = self._clients[: -self._most], self._clients[-self._most :]
        for oldest in dropped:
            oldest.hang_up(rudely=True)
        try:
            yield
        finally:
            with self._lock:
                self._clients = [each for each in self._clients if each is not client]


def admit(client: Client, token: str, has_room: Callable[[], bool]) -> bool:
    """Exchange proofs of the token with a client; False if it fails or takes longer than 10 s.

    The first request has the client's nonce, the second its proof. The reply to the first has the server's
    nonce and proof.
    """
    late = threading.Timer(AUTHENTICATE_SECONDS, client.hang_up)
    late.start()
    second: Request | None = None
    try:
        first = _asked(client)
        client_nonce, server_nonce = first.params.get("nonce"), control_port.new_nonce()
        if not isinstance(client_nonce, str) or not control_port.is_nonce(client_nonce):
            raise BadRequest('The first request has a "nonce" of 16 to 128 characters of ASCII.')
        own = control_port.proof(token, SERVER, client_nonce, server_nonce)
        client.send(succeeded(first.id, {"nonce": server_nonce, "proof": own}))
        second = _asked(client)
        expected = control_port.proof(token, CLIENT, client_nonce, server_nonce)
        if not control_port.is_proof(second.params.get("proof"), expected):
            raise BadRequest('The "proof" is not that of the token in control.json.')
        if not has_room():
            raise BadRequest("Too many programs are connected to the capture worker. Close one of them.")
    except BadRequest as error:
        client.send(failed(second and second.id, error))
        return False
    finally:
        late.cancel()
    client.send(succeeded(second.id, {"pid": os.getpid()}))
    return True


def _asked(client: Client) -> Request:
    request = parse(client.read_line())
    if request.action != AUTHENTICATE:
        raise BadRequest("The first two requests are authenticate: a nonce, then the proof of the token.")
    return request
